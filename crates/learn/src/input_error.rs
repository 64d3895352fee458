//! What is wrong with an input: where, what was expected, what was found, what to do.
//!
//! One type for every reader, so that each message answers the same four questions.

use std::{io, path::Path};

/// An input that cannot be used, told so that its owner can mend it.
///
/// ```
/// # use chainrule::InputError;
/// let e = InputError::new("data.csv, line 7, column 'age'", "a number", "'old'", "correct the cell");
/// assert_eq!(
///     e.to_string(),
///     "data.csv, line 7, column 'age': expected a number, found 'old'\n  hint: correct the cell"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: expected {expected}, found {found}\n  hint: {hint}")]
pub struct InputError {
    /// Where: the file and, as far as it is known, the line and the column.
    pub place: String,
    /// What would have been right.
    pub expected: String,
    /// What is there.
    pub found: String,
    /// What to do next.
    pub hint: String,
}

impl InputError {
    /// An error from its four answers.
    ///
    /// ```
    /// use chainrule::InputError;
    /// let error = InputError::new("t.csv, line 3", "a number", "'abc'", "correct the cell");
    /// assert_eq!(error.to_string(), "t.csv, line 3: expected a number, found 'abc'\n  hint: correct the cell");
    /// ```
    pub fn new(
        place: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { place: place.into(), expected: expected.into(), found: found.into(), hint: hint.into() }
    }

    /// What the operating system answered when `path` was opened or read.
    pub fn io(path: &Path, error: &io::Error) -> Self {
        let (expected, found, hint) = match error.kind() {
            io::ErrorKind::NotFound => (
                "a file or folder",
                "nothing of that name".to_owned(),
                "check the spelling; a relative path starts at the current folder",
            ),
            io::ErrorKind::PermissionDenied => (
                "a readable file",
                "permission denied".to_owned(),
                "allow this user to read it, or copy it to where it can be read",
            ),
            io::ErrorKind::IsADirectory => ("a file", "a folder".to_owned(), "name a file inside the folder"),
            io::ErrorKind::NotADirectory => ("a folder", "a file".to_owned(), "name the folder that holds the file"),
            _ => ("a readable file", error.to_string(), "copy the file to a local disk and try again"),
        };
        Self::new(path.display().to_string(), expected, found, hint)
    }

    /// What the operating system answered when `path`, a file or a folder as `what` says, was written.
    pub fn unwritable(path: &Path, what: &str, error: &io::Error) -> Self {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        let hint = match error.kind() {
            FileTooLarge | QuotaExceeded | StorageFull => "make room there, or choose a place on another disk",
            _ => "choose another place, in a folder that you may write to",
        };
        Self::new(path.display().to_string(), format!("{what} that can be written"), error.to_string(), hint)
    }
}

/// `text` in quotes, its control characters escaped, cut after 40 characters: an excerpt
/// that is safe to print whatever the file holds.
///
/// ```
/// use chainrule::input_error::excerpt;
/// assert_eq!(excerpt("a\nb"), r"'a\nb'");
/// assert!(excerpt(&"long ".repeat(1000)).len() < 100);
/// ```
pub fn excerpt(text: &str) -> String {
    const LONGEST: usize = 40;
    let shown: String = text.chars().take(LONGEST).collect();
    let cut = if shown.len() < text.len() { "…" } else { "" };
    format!("'{}{cut}'", shown.escape_debug().to_string().replace("\\'", "'"))
}

/// The line, from 1, that the byte `at` is in.
///
/// ```
/// use chainrule::input_error::line_of;
/// assert_eq!([line_of(b"a\nb\n", 0), line_of(b"a\nb\n", 2)], [1, 2]);
/// ```
pub fn line_of(bytes: &[u8], at: usize) -> usize {
    bytes[..at.min(bytes.len())].iter().filter(|&&byte| byte == b'\n').count() + 1
}

/// At most 20 names, each as an [`excerpt`], then how many more there are.
pub(crate) fn listing<S: AsRef<str>>(names: &[S]) -> String {
    const MOST: usize = 20;
    let shown: Vec<String> = names.iter().take(MOST).map(|n| excerpt(n.as_ref())).collect();
    match names.len().saturating_sub(MOST) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_named() {
        let path = Path::new("no-such-folder/data.csv");
        let error = InputError::io(path, &std::fs::read(path).unwrap_err());
        assert_eq!(error.place, "no-such-folder/data.csv");
        assert_eq!(error.found, "nothing of that name");
    }

    #[test]
    fn the_excerpt_of_anything_is_one_short_printable_line() {
        assert_eq!(excerpt("it's"), "'it's'");
        assert_eq!(excerpt("a\nb\u{1b}[31m"), "'a\\nb\\u{1b}[31m'");
        assert_eq!(excerpt(&"x".repeat(50)), format!("'{}…'", "x".repeat(40)));
    }

    #[test]
    fn a_long_listing_is_counted() {
        let names: Vec<String> = (0..22).map(|i| i.to_string()).collect();
        assert!(listing(&names).ends_with("'18', '19' and 2 more"));
        assert_eq!(listing(&names[..2]), "'0', '1'");
    }
}
