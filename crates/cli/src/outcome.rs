//! How a command ends: 0 done; 1 it ran, and the answer is no; 2 the request or the input
//! was wrong. What is wrong goes to stderr.

use std::error::Error as _;
use std::io::{self, Write};
use std::process::ExitCode;

use chainrule::{Diverged, InputError};
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::live::screen::hold;

const WRONG: u8 = 2;

/// It ran, and the answer is no: the text says why.
#[derive(Debug)]
pub(crate) struct No(pub(crate) String);

impl std::fmt::Display for No {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for No {}

/// The exit status of a command, its error on stderr.
pub(crate) fn of(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    if error.downcast_ref().is_some_and(|e: &io::Error| e.kind() == io::ErrorKind::BrokenPipe) {
        // The reader, such as `head`, has seen enough.
        return ExitCode::SUCCESS;
    }
    if let Some(e) = error.downcast_ref::<io::Error>() {
        let (expected, hint) = ("a place that can be written", "give the output somewhere to go");
        tell(&format!("error: {}", InputError::new("stdout", expected, e.to_string(), hint)));
        return ExitCode::from(WRONG);
    }
    let says_no = error.is::<No>() || error.is::<Diverged>();
    tell(&format!("error: {error:#}"));
    if says_no { ExitCode::FAILURE } else { ExitCode::from(WRONG) }
}

/// The exit status of arguments that ask for help, or for what is not there.
pub(crate) fn arguments(error: &clap::Error) -> ExitCode {
    if let Some(error) = wrong_value(error) {
        tell(&format!("error: {error}"));
        return ExitCode::from(WRONG);
    }
    // A closed stdout or stderr leaves no one to tell.
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(WRONG) } else { ExitCode::SUCCESS }
}

/// What an argument's value should have been, with the argument as its place.
pub(crate) fn wrong_value(error: &clap::Error) -> Option<InputError> {
    // The parsers in `arguments` answer with an InputError that lacks only its place.
    let inner = error.source()?.downcast_ref::<InputError>()?;
    if error.kind() != ErrorKind::ValueValidation {
        return None;
    }
    let place = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(argument)) => argument.split(' ').next().unwrap_or_default(),
        _ => "arguments",
    };
    let place = if inner.place.is_empty() { place.to_owned() } else { format!("{place}, {}", inner.place) };
    Some(InputError { place, ..inner.clone() })
}

/// A line to stderr, as soon as no [curves](crate::live) are there; if that is closed, no one is there to miss it.
pub(crate) fn tell(line: &str) {
    if !hold(line) {
        let _ = writeln!(io::stderr(), "{line}");
    }
}
