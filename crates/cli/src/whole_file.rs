//! A file that a command leaves: whole, or what was there before.
//!
//! It is written beside its place under another name and then renamed.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use chainrule::InputError;

/// Writes the file `out` by `fill`, of which an [`io::Error`] is taken as one of writing.
///
/// # Errors
/// Those of `fill`, or if it cannot be written.
pub(crate) fn write(out: &Path, fill: impl FnOnce(File) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let unwritable = |e: io::Error| InputError::unwritable(out, "a file", &e);
    let named = |e: anyhow::Error| match e.downcast::<io::Error>() {
        Ok(e) => unwritable(e).into(),
        Err(e) => e,
    };
    if fs::metadata(out).is_ok_and(|meta| !meta.is_file()) {
        // Into a device or a pipe: it must never be replaced by a file.
        let device = File::options().write(true).open(out).map_err(unwritable)?;
        return fill(device).map_err(named);
    }
    // A link stays one; where it leads is written.
    let there = fs::canonicalize(out);
    let there = there.as_deref().unwrap_or(out);
    let name = there.file_name().unwrap_or_default().to_string_lossy();
    let beside = there.with_file_name(format!(".{name}.new-{}", std::process::id()));
    let file = File::create(&beside).map_err(unwritable)?;
    let written = fill(file).map_err(named).and_then(|()| Ok(fs::rename(&beside, there).map_err(unwritable)?));
    if written.is_err() {
        // What is left of the attempt is of no use to anyone.
        let _ = fs::remove_file(&beside);
    }
    written
}
