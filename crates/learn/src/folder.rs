//! Folders that a command leaves: whole, or not at all.
//!
//! One is written beside its place under another name and then renamed. What is there already is kept, unless it is of the
//! same kind, holds nothing else, and may be replaced.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::input_error::{InputError, excerpt, listing};

/// What a folder is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// As in "a run".
    pub(crate) name: &'static str,
    /// Its files; the first tells that it is one.
    pub(crate) files: &'static [&'static str],
    /// What is in it while it is made; the first is worth keeping.
    pub(crate) under_way: &'static [&'static str],
}

/// Whether a folder of this `kind` may be written to `folder`: it is not there, or empty, or with `force` holds one of the
/// same kind and nothing else; and there is leave to write beside it.
///
/// # Errors
/// If it may not.
pub(crate) fn expect_free(folder: &Path, kind: Kind, force: bool) -> Result<(), InputError> {
    let (place, what) = (folder.display().to_string(), kind.name);
    let names = match names(folder) {
        Ok(names) => names,
        Err(e) if e.kind() == io::ErrorKind::NotFound && !folder.is_symlink() => return expect_writable(folder),
        Err(e) => return Err(unwritable(folder, &e)),
    };
    if is_current(folder) {
        let (expected, found) = ("a folder that may be replaced", "the current folder");
        return Err(InputError::new(place, expected, found, "choose another --out, such as run"));
    }
    let is_begun = names.iter().any(|name| kind.under_way.first().is_some_and(|first| first == name));
    if !is_begun && names.iter().all(|name| kind.under_way.contains(&name.as_str())) {
        return expect_writable(folder);
    }
    let own = |name: &str| kind.files.contains(&name) || kind.under_way.contains(&name);
    let others: Vec<&String> = names.iter().filter(|name| !own(name)).collect();
    let is_one = is_begun || names.iter().any(|name| kind.files.first().is_some_and(|first| first == name));
    if !is_one || (force && !others.is_empty()) {
        let found = format!("a folder with {}", if others.is_empty() { listing(&names) } else { listing(&others) });
        let expected = format!("a new folder, or a {what} and nothing else");
        return Err(InputError::new(place, expected, found, "choose another --out"));
    }
    if !force && is_begun {
        let (expected, found) = (format!("a folder without a {what}"), format!("a {what} that was interrupted"));
        let hint = format!("go on with it: chainrule train --resume {place}; or replace it with --force");
        return Err(InputError::new(place, expected, found, hint));
    }
    if !force {
        let hint = format!("choose another --out, or replace the {what} with --force");
        return Err(InputError::new(
            place,
            format!("a folder without a {what}"),
            format!("a {what}, which is kept"),
            hint,
        ));
    }
    expect_writable(folder)
}

/// The names of what is in `folder`, in their order.
pub(crate) fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(folder)?.flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    Ok(names)
}

/// Whether replacing `folder` would pull the current folder away from under the user.
fn is_current(folder: &Path) -> bool {
    let current = std::env::current_dir().and_then(fs::canonicalize);
    current.is_ok_and(|current| fs::canonicalize(folder).is_ok_and(|folder| current.starts_with(folder)))
}

/// Tries whether a folder can be made beside `folder`, or in the nearest that there is above it.
fn expect_writable(folder: &Path) -> Result<(), InputError> {
    let folder = &target(folder);
    let named = |above: &Path| if above.as_os_str().is_empty() { PathBuf::from(".") } else { above.to_owned() };
    let above = folder.ancestors().skip(1).map(named).find(|above| above.exists()).unwrap_or_default();
    let probe = above.join(format!(".chainrule-{}", std::process::id()));
    fs::create_dir(&probe).and_then(|()| fs::remove_dir(&probe)).map_err(|e| unwritable(folder, &e))
}

/// Where a link leads: it is to stay a link.
fn target(folder: &Path) -> PathBuf {
    fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())
}

/// Writes a folder of this `kind`, with the `contents` of its files in their order.
///
/// # Errors
/// As [`expect_free`], or if it cannot be written.
pub(crate) fn write(folder: &Path, kind: Kind, contents: &[&[u8]], force: bool) -> Result<(), InputError> {
    expect_free(folder, kind, force)?;
    let there = &target(folder);
    let beside = beside(there, "new");
    let files = kind.files.iter().zip(contents);
    let written = fs::create_dir_all(&beside)
        .and_then(|()| files.into_iter().try_for_each(|(name, bytes)| fs::write(beside.join(name), bytes)))
        .and_then(|()| replace(&beside, there));
    written.map_err(|e| {
        // What is left of the attempt is of no use to anyone.
        let _ = fs::remove_dir_all(&beside);
        kept(unwritable(folder, &e), folder, kind.under_way.first())
    })
}

/// A value as JSON, for the file of this `name`.
///
/// # Errors
/// If it is none that JSON can hold.
pub(crate) fn json<T: Serialize>(name: &str, value: &T) -> Result<String, InputError> {
    serde_json::to_string(value).map_err(|e| InputError::new(name, "what JSON can hold", e.to_string(), "train anew"))
}

/// Each item as a line of [`json`].
///
/// # Errors
/// If an item is none that JSON can hold.
pub(crate) fn json_lines<T: Serialize>(name: &str, items: &[T]) -> Result<String, InputError> {
    items.iter().map(|item| Ok(json(name, item)? + "\n")).collect()
}

/// What [`json`] wrote.
///
/// # Errors
/// If there is no such file, or it is not what was written.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, InputError> {
    let text = fs::read_to_string(path).map_err(|e| InputError::io(path, &e))?;
    serde_json::from_str(&text).map_err(|e| changed(path.display().to_string(), &e))
}

/// What [`json_lines`] wrote.
///
/// # Errors
/// If there is no such file, or a line of it is not what was written.
pub(crate) fn read_json_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, InputError> {
    let text = fs::read_to_string(path).map_err(|e| InputError::io(path, &e))?;
    let read = |(at, line)| {
        serde_json::from_str(line).map_err(|e| changed(format!("{}, line {}", path.display(), at + 1), &e))
    };
    text.lines().enumerate().map(read).collect()
}

fn changed(place: String, e: &serde_json::Error) -> InputError {
    InputError::new(place, "what training wrote", excerpt(&e.to_string()), "train anew")
}

/// Renames `new` to `folder`, which is absent, empty, or may be replaced.
fn replace(new: &Path, folder: &Path) -> io::Result<()> {
    if !folder.exists() {
        return fs::rename(new, folder);
    }
    let old = beside(folder, "old");
    fs::rename(folder, &old)?;
    if let Err(e) = fs::rename(new, folder) {
        fs::rename(&old, folder)?;
        return Err(e);
    }
    fs::remove_dir_all(old)
}

/// A hidden name in the same folder, so that a rename stays on one disk.
fn beside(folder: &Path, what: &str) -> PathBuf {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    folder.with_file_name(format!(".{name}.{what}-{}", std::process::id()))
}

pub(crate) fn unwritable(folder: &Path, e: &io::Error) -> InputError {
    InputError::unwritable(folder, "a folder", e)
}

/// The error of a training that cannot write, which says how to go on if its `checkpoint` is in `folder`.
pub(crate) fn kept(error: InputError, folder: &Path, checkpoint: Option<&&str>) -> InputError {
    if checkpoint.is_none_or(|checkpoint| !folder.join(checkpoint).exists()) {
        return error;
    }
    let hint = format!("mend that, and go on from its checkpoint: chainrule train --resume {}", folder.display());
    InputError { hint, ..error }
}
