//! Where data came from, so that a run can find them again.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::columns::Values;
use crate::dataset::{Cells, Dataset, Target};
use crate::digits::digits;
use crate::input_error::{InputError, excerpt};
use crate::readers::csv::{CsvOptions, Kind, Known, TargetKind};
use crate::readers::pictures::Frame;
use crate::readers::{self, Data, Format, standard_input};
use crate::record::Record;
use crate::split_rows::{Recognised, SplitRows};
use crate::stored::Stored;

/// Data as they are asked for: a path, or without one the embedded digits.
///
/// ```
/// let data = chainrule::Source::default().open(None)?;
/// assert_eq!(data.train.rows(), 1797);
/// # Ok::<(), chainrule::InputError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// A folder of images or IDX files, a CSV table, `-` on standard input, or numpy's arrays; the embedded digits if `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// The column to learn, of a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Whether a table begins with names; found out if `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// What stands between a table's cells; found out if `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// The column of the rows' weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// Columns of categories, even if they are written as numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub category: Vec<String>,
    /// Columns that are passed over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
    /// The column of groups, of a table, whose rows stay together in a split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<String>,
    /// The column of times, by which the latest rows are held out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The column that says of each row whether it is to train, for validation or to test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
    /// The folder of a run whose held-out rows are held out again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split_run: Option<PathBuf>,
    /// Other data to choose by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_file: Option<PathBuf>,
    /// Other data to judge by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_file: Option<PathBuf>,
    /// Bytes of memory that a training should do with: a table is then read through a [cache](crate::stored) beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// What a folder's images are brought to; they must be of one size if `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Frame>,
}

impl Source {
    /// Reads the data, with a target of this `kind`; found out if `None`.
    ///
    /// ```
    /// use chainrule::{Source, Target};
    /// # let temporary = tempfile::tempdir()?;
    /// # let path = temporary.path().join("t.csv");
    /// std::fs::write(&path, "size,price\n50,310.5\n80,502.2\n")?;
    /// let source = Source { path: Some(path), target: Some("price".into()), ..Source::default() };
    /// let data = source.open(None)?;
    /// assert_eq!(data.train.target, Target::Numbers { values: vec![310.5, 502.2], name: "price".into() });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Whatever the [readers] say.
    pub fn open(&self, kind: Option<TargetKind>) -> Result<Data, InputError> {
        self.open_as(kind, Vec::new())
    }

    /// As [`open`](Self::open), a table's columns of the types that they had in training.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_as(&self, kind: Option<TargetKind>, known: Vec<Known>) -> Result<Data, InputError> {
        let mut data = self.open_alone(kind, known)?;
        let (kind, known) = (kind_of(&data.train), known_of(&data.train));
        if let Some(path) = &self.validation_file {
            data.validation = Some(self.other(path).open_alone(kind, known.clone())?.train);
        }
        if let Some(path) = &self.test_file {
            let found = "a test set that the data bring, and another beside it";
            expect_none(data.test.is_some(), &data.train.source, "one test set", found, "leave --test out")?;
            let other = self.other(path).open_alone(kind, known)?;
            data.test = Some(other.test.unwrap_or(other.train));
        }
        if let Some(Recognised { parts, lost }) = self.parts_of_run()? {
            (data.train.keys.parts, data.train.keys.lost) = (Some(parts), lost);
        }
        Ok(data)
    }

    /// Other data of the same columns, to choose or to judge by.
    fn other(&self, path: &Path) -> Source {
        Source {
            path: Some(path.to_owned()),
            target: self.target.clone(),
            header: self.header,
            delimiter: self.delimiter,
            groups: self.groups.clone(),
            size: self.size,
            ..Source::default()
        }
    }

    /// The rows in the parts of another run, if that is asked for.
    fn parts_of_run(&self) -> Result<Option<Recognised>, InputError> {
        let Some(folder) = &self.split_run else { return Ok(None) };
        let record = Record::of_run(folder)?;
        let held_out = SplitRows::read(folder)?;
        match &self.path {
            Some(path) if Format::of(path)? == Format::Table => {
                held_out.in_table(folder, &record, path, self.delimiter()?).map(Some)
            }
            _ => {
                let read = Source { path: self.path.clone(), ..record.data.source.alone() };
                let data = read.open_alone(Some(record.kind()), record.input.known())?;
                held_out.in_data(folder, &data.train).map(Some)
            }
        }
    }

    /// Without what a split goes by.
    fn alone(&self) -> Source {
        let (split_run, validation_file, test_file) = (None, None, None);
        Source { groups: None, time: None, split: None, split_run, validation_file, test_file, ..self.clone() }
    }

    /// The data at the path alone.
    fn open_alone(&self, kind: Option<TargetKind>, known: Vec<Known>) -> Result<Data, InputError> {
        if let Some(column) = self.groups.as_ref().or(self.time.as_ref()).or(self.split.as_ref()) {
            let format = self.path.as_deref().map(Format::of).transpose()?;
            let is_table = format == Some(Format::Table);
            let hint = "leave it out: other data than tables have no columns to split by";
            let found = format!("other data, and the column {}", excerpt(column));
            expect_none(!is_table, "split", "a CSV table, to split by one of its columns", &found, hint)?;
        }
        let Some(path) = &self.path else { return Ok(digits().into()) };
        if let Some(target) = self.target.as_ref().filter(|_| path.is_dir()) {
            return Err(InputError::new(
                path.display().to_string(),
                "a CSV table, to have a column as target",
                format!("a folder, and the target {}", excerpt(target)),
                "leave the target out: images are learned by their folders or their labels",
            ));
        }
        readers::open(path, &self.options(kind, known)?, self.size)
    }

    /// The table in its cache, if it is to be read so.
    ///
    /// ```
    /// use chainrule::Source;
    /// # let temporary = tempfile::tempdir()?;
    /// # let path = temporary.path().join("t.csv");
    /// std::fs::write(&path, "x,y\n1,a\n2,b\n")?;
    /// let mut source = Source { path: Some(path), target: Some("y".into()), ..Source::default() };
    /// assert!(source.stored(None)?.is_none());
    /// source.memory = Some(50_000_000);
    /// assert_eq!(source.stored(None)?.unwrap().rows(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Stored::open`], and if it is no table.
    pub fn stored(&self, kind: Option<TargetKind>) -> Result<Option<Stored>, InputError> {
        let Some(memory) = self.memory else { return Ok(None) };
        let Some(path) = self.path.as_ref().filter(|path| !path.is_dir() && !readers::arrays::is_array(path)) else {
            let hint = "leave --memory out: images, arrays and the digits are read as they are";
            return Err(InputError::new("memory", "a CSV table as data", "other data", hint));
        };
        if self.is_standard_input() {
            let hint = "write it to a file first, or leave --memory out";
            return Err(InputError::new("memory", "a file, to make a cache beside it", "standard input", hint));
        }
        let mut stored = Stored::open(path, &self.options(kind, Vec::new())?, memory)?;
        let (kind, known) = (stored.kind(), stored.known());
        let other = |path: &Option<PathBuf>| -> Result<Option<Box<Stored>>, InputError> {
            let Some(path) = path else { return Ok(None) };
            let options = self.other(path).options(Some(kind), known.clone())?;
            Stored::open(path, &options, memory).map(|stored| Some(Box::new(stored)))
        };
        (stored.validation, stored.test) = (other(&self.validation_file)?, other(&self.test_file)?);
        if let Some(Recognised { parts, lost }) = self.parts_of_run()? {
            (stored.keys.parts, stored.keys.lost) = (Some(parts), lost);
        }
        Ok(Some(stored))
    }

    /// The rows of a table without looking for a target that is not named, or the training rows of a folder.
    ///
    /// ```
    /// use chainrule::Source;
    /// # let temporary = tempfile::tempdir()?;
    /// # let path = temporary.path().join("t.csv");
    /// std::fs::write(&path, "size,price\n50,310\n80,502\n")?;
    /// let data = Source { path: Some(path), ..Source::default() }.look()?;
    /// assert_eq!((data.rows(), data.columns), (2, vec!["size".to_owned(), "price".to_owned()]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Whatever the [readers] say.
    pub fn look(&self) -> Result<Dataset, InputError> {
        match &self.path {
            Some(path) if Format::of(path)? == Format::Table => {
                readers::csv::read_table(path, &self.options(None, Vec::new())?, false)
            }
            Some(path) if Format::of(path)? == Format::Arrays => {
                Ok(readers::arrays::read(path, &self.options(None, Vec::new())?, false)?.train)
            }
            _ => Ok(self.open(None)?.train),
        }
    }

    /// Whether the data come through a pipe, and are gone once they have been read.
    pub fn is_standard_input(&self) -> bool {
        self.path.as_deref().is_some_and(standard_input::is_meant)
    }

    fn options(&self, kind: Option<TargetKind>, known: Vec<Known>) -> Result<CsvOptions, InputError> {
        Ok(CsvOptions {
            target: self.target.clone(),
            header: self.header,
            delimiter: self.delimiter()?,
            kind,
            weights: self.weights.clone(),
            category: self.category.clone(),
            ignore: self.ignore.clone(),
            groups: self.groups.clone(),
            time: self.time.clone(),
            split: self.split.clone(),
            known,
        })
    }

    /// What stands between a table's cells, as a byte.
    ///
    /// # Errors
    /// If it is not one byte, or means something else in a table.
    pub fn delimiter(&self) -> Result<Option<u8>, InputError> {
        let Some(delimiter) = self.delimiter else { return Ok(None) };
        match u8::try_from(delimiter) {
            Ok(byte) if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r' | 0) => Ok(Some(byte)),
            _ => Err(InputError::new(
                "delimiter",
                "one ASCII character other than a quote or the end of a line",
                format!("{delimiter:?}"),
                "for example , or ; or tab",
            )),
        }
    }

    /// Whether a run's record, which is text, can hold the paths.
    ///
    /// # Errors
    /// If it cannot.
    pub fn expect_text(&self) -> Result<(), InputError> {
        let paths = [&self.path, &self.split_run, &self.validation_file, &self.test_file];
        match paths.into_iter().flatten().find(|path| path.to_str().is_none()) {
            Some(path) => Err(InputError::new(
                path.display().to_string(),
                "a path of UTF-8 text, for a run to name it",
                "other bytes",
                "rename the file or its folder",
            )),
            None => Ok(()),
        }
    }

    /// What the data are called: `digits`, or the path's last part without its endings.
    ///
    /// ```
    /// use chainrule::Source;
    /// assert_eq!(Source { path: Some("iris.csv".into()), ..Source::default() }.name(), "iris");
    /// ```
    pub fn name(&self) -> String {
        let Some(path) = &self.path else { return "digits".to_owned() };
        if self.is_standard_input() {
            return "stdin".to_owned();
        }
        // The absolute path: `.` has no last part.
        let path = path.canonicalize().unwrap_or_else(|_| path.clone());
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let stem = name.trim_end_matches(".gz").trim_end_matches(".csv").trim_end_matches(".tsv");
        let stem = stem.trim_end_matches(".npy").trim_end_matches(".npz");
        if stem.is_empty() { "data".to_owned() } else { stem.to_owned() }
    }
}

fn expect_none(there: bool, place: &str, expected: &str, found: &str, hint: &str) -> Result<(), InputError> {
    if there { Err(InputError::new(place, expected, found, hint)) } else { Ok(()) }
}

/// The kind of target, for reading other data.
fn kind_of(data: &Dataset) -> Option<TargetKind> {
    match data.target {
        Target::Classes { .. } => Some(TargetKind::Classes),
        Target::Numbers { .. } => Some(TargetKind::Numbers),
        Target::None => None,
    }
}

/// A table's columns and their types.
fn known_of(data: &Dataset) -> Vec<Known> {
    let Cells::Table(columns) = &data.cells else { return Vec::new() };
    let known = |(name, values): (&String, &Values)| Known { name: name.clone(), kind: Kind::of(values) };
    data.columns.iter().zip(columns).map(known).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_last_part() {
        let name = |path: &str| Source { path: Some(path.into()), ..Source::default() }.name();
        assert_eq!(name("no-such-folder/iris.csv.gz"), "iris");
        assert_eq!(name("no-such-folder/mnist/"), "mnist");
        assert_eq!(Source::default().name(), "digits");
    }
}
