//! Files into datasets: a folder of images, of IDX pictures, a CSV table, or numpy's arrays; tables and IDX plain or gzipped.
//!
//! A reader believes no header: memory grows with the bytes that arrive, and whatever is
//! wrong ends in an [`InputError`] that names the file and the place.

pub mod arrays;
pub mod csv;
mod gzip;
pub mod idx;
pub(crate) mod npy;
mod npz;
#[cfg(feature = "parquet")]
mod parquet;
pub mod pictures;
pub(crate) mod standard_input;
mod table_text;

use crate::{dataset::Dataset, input_error::InputError};
use std::path::Path;

/// What was read.
///
/// ```
/// let data = chainrule::Data::from(chainrule::digits());
/// assert!(data.validation.is_none() && data.test.is_none());
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Data {
    /// The examples.
    pub train: Dataset,
    /// The examples that were given to choose by.
    pub validation: Option<Dataset>,
    /// The examples that the data's makers set aside for the final score.
    pub test: Option<Dataset>,
}

impl From<Dataset> for Data {
    fn from(train: Dataset) -> Self {
        Data { train, validation: None, test: None }
    }
}

/// What data are, as the path to them tells.
///
/// ```
/// use chainrule::readers::Format;
/// # let temporary = tempfile::tempdir()?;
/// # let path = temporary.path().join("t.csv");
/// std::fs::write(&path, "x,y\n1,2\n")?;
/// assert_eq!(Format::of(&path)?, Format::Table);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A folder of IDX files.
    IdxFolder,
    /// One IDX file.
    Idx,
    /// A folder of images.
    Pictures,
    /// A PNG or JPEG file.
    Picture,
    /// A file of numpy's arrays.
    Arrays,
    /// A CSV file, or standard input.
    Table,
}

impl Format {
    /// Of what is at `path`.
    ///
    /// # Errors
    /// If nothing is there.
    pub fn of(path: &Path) -> Result<Format, InputError> {
        if standard_input::is_meant(path) {
            return Ok(Format::Table);
        }
        let meta = std::fs::metadata(path).map_err(|e| InputError::io(path, &e))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Ok(match meta.is_dir() {
            true if !idx::is_folder(path) && pictures::is_folder(path) => Format::Pictures,
            true => Format::IdxFolder,
            false if name.contains("-ubyte") => Format::Idx,
            false if pictures::is_image(path) => Format::Picture,
            false if arrays::is_array(path) => Format::Arrays,
            false => Format::Table,
        })
    }
}

/// Reads `path`: a folder as images or IDX, a file as arrays or CSV.
///
/// `options` are for CSV and in part for arrays, and `frame` says what images are brought to.
///
/// ```
/// use chainrule::readers::{csv::CsvOptions, open};
/// # let temporary = tempfile::tempdir()?;
/// # let path = temporary.path().join("t.csv");
/// std::fs::write(&path, "x,y\n1,a\n2,b\n")?;
/// let options = CsvOptions { target: Some("y".into()), ..CsvOptions::default() };
/// assert_eq!(open(&path, &options, None)?.train.rows(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Whatever [`pictures::folder`], [`idx::folder`] and [`csv::read`] say.
pub fn open(path: &Path, options: &csv::CsvOptions, frame: Option<pictures::Frame>) -> Result<Data, InputError> {
    let place = || path.display().to_string();
    let format = Format::of(path)?;
    if frame.is_some_and(|frame| frame.is_asked()) && format != Format::Pictures {
        let hint = "leave --size out; what image a row of a table is, --input says";
        return Err(InputError::new(place(), "a folder of images, to bring to a size", "other data", hint));
    }
    match format {
        Format::IdxFolder => {
            let (train, test) = idx::folder(path)?;
            Ok(Data { test, ..Data::from(train) })
        }
        Format::Pictures => pictures::folder(path, frame.unwrap_or_default()),
        Format::Arrays => arrays::read(path, options, true),
        Format::Table => Ok(csv::read(path, options)?.into()),
        Format::Idx => {
            let hint = "give the folder that it is in: labels and pictures are read together";
            Err(InputError::new(place(), "a folder of IDX files, or a CSV file", "one IDX file", hint))
        }
        Format::Picture => {
            let hint = "give a folder with a folder of images for each class";
            Err(InputError::new(place(), "a folder of images, or a CSV file", "one image", hint))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Cells;
    use proptest::{collection::vec, option, prelude::*};

    #[test]
    fn what_is_not_there_or_not_enough_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("data.csv");
        let error = open(&missing, &csv::CsvOptions::default(), None).unwrap_err();
        assert_eq!(error.place, missing.display().to_string());
        assert_eq!(error.found, "nothing of that name");

        let one = folder.path().join("train-images-idx3-ubyte");
        std::fs::write(&one, [0, 0, 8, 3]).unwrap();
        let error = open(&one, &csv::CsvOptions::default(), None).unwrap_err();
        assert_eq!(error.found, "one IDX file");
    }

    #[test]
    fn a_file_is_a_table() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.csv");
        std::fs::write(&path, "x,y\n1,0\n2,1\n").unwrap();
        let options = csv::CsvOptions { target: Some("y".into()), ..Default::default() };
        let data = open(&path, &options, None).unwrap();
        assert_eq!((data.train.rows(), data.test), (2, None));
    }

    proptest! {
        /// Broken files end in an answer, never in a panic. The alphabet and the header are
        /// what brings chance past the first check.
        #[test]
        fn no_table_is_too_broken(
            text in r#"[a0-9.,"\n\r;\x00é -]{0,60}"#,
            target in "[a0-2]",
            header in option::of(any::<bool>()),
        ) {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), text).unwrap();
            let options = csv::CsvOptions { target: Some(target.clone()), header, ..Default::default() };
            if let Ok(data) = open(file.path(), &options, None) {
                prop_assert!(data.train.rows() > 0);
                let Cells::Table(columns) = &data.train.cells else { panic!("a table has columns") };
                let known = data.train.columns.iter().zip(columns);
                let known: Vec<_> =
                    known.map(|(name, values)| csv::Known { name: name.clone(), kind: csv::Kind::of(values) }).collect();
                let again = csv::read_features(file.path(), &known, Some(&target));
                prop_assert!(again.is_ok() || header.is_some(), "{:?}", again);
            }
        }

        #[test]
        fn no_folder_is_too_broken(
            sizes in vec(0u8..3, 12),
            bytes in vec(any::<u8>(), 0..20),
            labels in vec(any::<u8>(), 0..12),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let images = [&[0, 0, 8, 3], &sizes[..], &bytes].concat();
            std::fs::write(folder.path().join("train-images"), images).unwrap();
            let labels = [&[0, 0, 8, 1], &labels[..]].concat();
            std::fs::write(folder.path().join("train-labels"), labels).unwrap();
            if let Ok((train, _)) = idx::folder(folder.path()) {
                prop_assert!(train.rows() > 0);
            }
        }
    }
}
