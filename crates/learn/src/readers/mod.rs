//! Files into datasets: a folder of IDX pictures, or a CSV table, plain or gzipped.
//!
//! A reader believes no header: memory grows with the bytes that arrive, and whatever is
//! wrong ends in an [`InputError`] that names the file and the place.

pub mod csv;
mod gzip;
pub mod idx;

use crate::{dataset::Dataset, input_error::InputError};
use std::path::Path;

/// What was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Data {
    /// The examples.
    pub train: Dataset,
    /// The examples that the data's makers set aside for the final score.
    pub test: Option<Dataset>,
}

/// Reads `path`: a folder as IDX, a file as CSV.
///
/// `options` are for CSV; IDX has no columns to choose from.
///
/// # Errors
/// Whatever [`idx::folder`] and [`csv::read`] say.
pub fn open(path: &Path, options: &csv::CsvOptions) -> Result<Data, InputError> {
    let meta = std::fs::metadata(path).map_err(|e| InputError::io(path, &e))?;
    if meta.is_dir() {
        let (train, test) = idx::folder(path)?;
        return Ok(Data { train, test });
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name.contains("-ubyte") {
        return Err(InputError::new(
            path.display().to_string(),
            "a folder of IDX files, or a CSV file",
            "one IDX file",
            "give the folder that it is in: labels and pictures are read together",
        ));
    }
    Ok(Data { train: csv::read(path, options)?, test: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::Values;
    use crate::dataset::Cells;
    use proptest::{collection::vec, option, prelude::*};

    #[test]
    fn what_is_not_there_or_not_enough_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("data.csv");
        let error = open(&missing, &csv::CsvOptions::default()).unwrap_err();
        assert_eq!(error.place, missing.display().to_string());
        assert_eq!(error.found, "nothing of that name");

        let one = folder.path().join("train-images-idx3-ubyte");
        std::fs::write(&one, [0, 0, 8, 3]).unwrap();
        let error = open(&one, &csv::CsvOptions::default()).unwrap_err();
        assert_eq!(error.found, "one IDX file");
    }

    #[test]
    fn a_file_is_a_table() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.csv");
        std::fs::write(&path, "x,y\n1,0\n2,1\n").unwrap();
        let options = csv::CsvOptions { target: Some("y".into()), ..Default::default() };
        let data = open(&path, &options).unwrap();
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
            if let Ok(data) = open(file.path(), &options) {
                prop_assert!(data.train.rows() > 0);
                let Cells::Table(columns) = &data.train.cells else { panic!("a table has columns") };
                let kind = |values: &Values| match values {
                    Values::Numbers(_) => csv::Kind::Number,
                    Values::Categories { .. } => csv::Kind::Category,
                    Values::Ignored { .. } => csv::Kind::Ignored,
                };
                let known = data.train.columns.iter().zip(columns);
                let known: Vec<_> =
                    known.map(|(name, values)| csv::Known { name: name.clone(), kind: kind(values) }).collect();
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
