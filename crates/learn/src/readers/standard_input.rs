//! `-`: a table on standard input, which can be read once.
//!
//! Whoever needs all of it keeps its bytes, as they came, so that an error finds its line, and another reading its rows, as
//! in a file. Predictions pass it through instead, in blocks that know their lines.

use crate::input_error::InputError;
use std::io::{IsTerminal, Read, stdin};
use std::path::Path;
use std::sync::{Arc, OnceLock};

static KEPT: OnceLock<Arc<[u8]>> = OnceLock::new();

/// Whether the path means it; a file of that name is `./-`.
pub(crate) fn is_meant(path: &Path) -> bool {
    path == Path::new("-")
}

/// Its bytes, if they were kept.
pub(super) fn kept() -> Option<Arc<[u8]>> {
    KEPT.get().cloned()
}

/// Reads and keeps all of it, the first time.
///
/// # Errors
/// If it cannot be read, or is a terminal.
pub(super) fn keep() -> Result<(), InputError> {
    if KEPT.get().is_none() {
        let mut bytes = Vec::new();
        open()?.read_to_end(&mut bytes).map_err(|e| InputError::io(Path::new("-"), &e))?;
        // Another thread may have been first, of the same bytes.
        let _ = KEPT.set(bytes.into());
    }
    Ok(())
}

/// To read it as it comes.
///
/// # Errors
/// If it is a terminal: nobody types a table.
pub(super) fn open() -> Result<impl Read + Send, InputError> {
    if stdin().is_terminal() {
        let hint =
            "pipe it in: program | chainrule … -, or give a file; a training that goes on needs the same table again";
        return Err(InputError::new("standard input", "a CSV table", "a terminal", hint));
    }
    Ok(stdin())
}
