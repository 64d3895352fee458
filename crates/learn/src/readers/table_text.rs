//! The text of a table: as it lies, unpacked, or what a Parquet file would be as CSV.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::{gzip, standard_input};
use crate::input_error::InputError;

const PARQUET: [u8; 4] = *b"PAR1";

/// Whether the file is Parquet's, as its first bytes say: its columns have names, and commas between them.
pub(super) fn is_parquet(path: &Path) -> bool {
    let mut start = [0; PARQUET.len()];
    !standard_input::is_meant(path)
        && File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok()
        && start == PARQUET
}

/// Opens a table. Errors in reading are for [`error`] to tell.
pub(super) fn open(path: &Path) -> Result<Box<dyn Read + Send>, InputError> {
    if is_parquet(path) { parquet(path) } else { gzip::open(path) }
}

/// What an error in reading `path` means.
pub(super) fn error(path: &Path, error: &io::Error) -> InputError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<InputError>()) {
        Some(told) => told.clone(),
        None => gzip::error(path, error),
    }
}

#[cfg(feature = "parquet")]
fn parquet(path: &Path) -> Result<Box<dyn Read + Send>, InputError> {
    super::parquet::open(path)
}

#[cfg(not(feature = "parquet"))]
fn parquet(path: &Path) -> Result<Box<dyn Read + Send>, InputError> {
    let hint = "build it in with `cargo install --path crates/cli --features parquet`, or write the table as CSV";
    Err(InputError::new(path.display().to_string(), "a table that this program reads", "a Parquet file", hint))
}
