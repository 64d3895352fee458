//! Where data came from, so that a run can find them again.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::dataset::Dataset;
use crate::digits::digits;
use crate::input_error::{InputError, excerpt};
use crate::readers::csv::{CsvOptions, Known, TargetKind};
use crate::readers::pictures::Frame;
use crate::readers::{self, Data, Format};
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
    /// A folder of images or IDX files, or a CSV table; the embedded digits if `None`.
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
    /// # Errors
    /// Those of [`Stored::open`], and if it is no table.
    pub fn stored(&self, kind: Option<TargetKind>) -> Result<Option<Stored>, InputError> {
        let Some(memory) = self.memory else { return Ok(None) };
        let Some(path) = self.path.as_ref().filter(|path| !path.is_dir()) else {
            let hint = "leave --memory out: images and the digits are bytes, and read as they are";
            return Err(InputError::new("memory", "a CSV table as data", "other data", hint));
        };
        Stored::open(path, &self.options(kind, Vec::new())?, memory).map(Some)
    }

    /// The rows of a table without looking for a target that is not named, or the training rows of a folder.
    ///
    /// # Errors
    /// Whatever the [readers] say.
    pub fn look(&self) -> Result<Dataset, InputError> {
        match &self.path {
            Some(path) if Format::of(path)? == Format::Table => {
                readers::csv::read_table(path, &self.options(None, Vec::new())?, false)
            }
            _ => Ok(self.open(None)?.train),
        }
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

    /// Whether a run's record, which is text, can hold the path.
    ///
    /// # Errors
    /// If it cannot.
    pub fn expect_text(&self) -> Result<(), InputError> {
        match &self.path {
            Some(path) if path.to_str().is_none() => Err(InputError::new(
                path.display().to_string(),
                "a path of UTF-8 text, for a run to name it",
                "other bytes",
                "rename the file or its folder",
            )),
            _ => Ok(()),
        }
    }

    /// What the data are called: `digits`, or the path's last part without its endings.
    pub fn name(&self) -> String {
        let Some(path) = &self.path else { return "digits".to_owned() };
        // The absolute path: `.` has no last part.
        let path = path.canonicalize().unwrap_or_else(|_| path.clone());
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let stem = name.trim_end_matches(".gz").trim_end_matches(".csv").trim_end_matches(".tsv");
        if stem.is_empty() { "data".to_owned() } else { stem.to_owned() }
    }
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
