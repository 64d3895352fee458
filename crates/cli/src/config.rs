//! `--config FILE`: flags of `train` in a TOML file, by their names.
//!
//! ```toml
//! model = "affine:50 relu affine:10"
//! optimizer = "sgd"
//! rate = 0.1
//! log_target = true
//! ignore = ["id", "name"]
//! ```
//!
//! The file becomes flags that stand before those of the command line, of which the last counts: so a key is whatever `train`
//! has a flag for, and is read as that flag is.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use chainrule::InputError;
use chainrule::closest::closest;
use chainrule::input_error::{excerpt, line_of};
use clap::Command;

use crate::outcome;

const COMMAND: &str = "train";
/// What belongs to a call, not to a training.
const OF_A_CALL: [&str; 6] = ["config", "find-rate", "out", "force", "json", "help"];

/// The arguments with those of the file that `--config` names in front of them.
///
/// # Errors
/// If the file is not there or not TOML, or a key or its value is none of `train`'s.
pub(crate) fn expand(cli: &Command, mut arguments: Vec<OsString>) -> Result<Vec<OsString>, InputError> {
    let of_train = arguments.get(1).is_some_and(|word| word == COMMAND);
    let (Some(path), Some(train)) = (path(&arguments).filter(|_| of_train), cli.find_subcommand(COMMAND)) else {
        return Ok(arguments);
    };
    let flags = flags(&path, train)?;
    arguments.splice(2..2, flags);
    Ok(arguments)
}

fn path(arguments: &[OsString]) -> Option<PathBuf> {
    arguments.iter().enumerate().find_map(|(at, argument)| {
        if argument == "--config" {
            return arguments.get(at + 1).map(PathBuf::from);
        }
        argument.to_str()?.strip_prefix("--config=").map(PathBuf::from)
    })
}

fn flags(path: &Path, train: &Command) -> Result<Vec<OsString>, InputError> {
    let place = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|e| InputError::io(path, &e))?;
    let example = "for example model = \"affine:50 relu affine:10\"";
    let text = std::str::from_utf8(&bytes).map_err(|e| {
        let place = format!("{place}, line {}", line_of(&bytes, e.valid_up_to()));
        InputError::new(place, "TOML", "bytes that are not UTF-8", "save the file as UTF-8")
    })?;
    let table: toml::Table = text.parse().map_err(|e: toml::de::Error| {
        let line = e.span().map_or(String::new(), |span| format!(", line {}", line_of(&bytes, span.start)));
        InputError::new(format!("{place}{line}"), "TOML", e.message().replace('\n', ", "), example)
    })?;
    let known: Vec<String> = train
        .get_arguments()
        .filter_map(|argument| argument.get_long())
        .filter(|name| !OF_A_CALL.contains(name))
        .map(|name| name.replace('-', "_"))
        .collect();
    let mut flags = Vec::new();
    for (key, value) in &table {
        let place = format!("{place}, {key}");
        if !known.contains(key) {
            let near = closest(key, known.iter().map(String::as_str));
            let hint = near.map_or(example.to_owned(), |near| format!("did you mean '{near}'?"));
            return Err(InputError::new(place, format!("one of {}", known.join(", ")), "no such key", hint));
        }
        let takes_value = train
            .get_arguments()
            .find(|argument| argument.get_long() == Some(&key.replace('_', "-")))
            .is_some_and(|argument| argument.get_action().takes_values());
        let Some(flag) = flag(key, value, takes_value) else {
            let (expected, hint) = match takes_value {
                true => ("text, a number or a list of texts", format!("for example {key} = \"…\"")),
                false => ("true or false", format!("write {key} = true, or leave it out")),
            };
            return Err(InputError::new(place, expected, excerpt(&value.to_string()), hint));
        };
        if let Some(flag) = flag {
            // Alone, so that what is wrong with it is said of the file.
            let alone = ["train", "data"].map(OsStr::new).into_iter().chain([&*flag]);
            if let Err(error) = train.clone().try_get_matches_from(alone)
                && let Some(e) = outcome::wrong_value(&error)
            {
                let within = e.place.split_once(", ").map_or(String::new(), |(_, within)| format!(", {within}"));
                return Err(InputError { place: format!("{place}{within}"), ..e });
            }
            flags.push(flag);
        }
    }
    Ok(flags)
}

/// The flag that a key is; `None` within for one that is off, and in all for a value of another kind.
fn flag(key: &str, value: &toml::Value, takes_value: bool) -> Option<Option<OsString>> {
    let name = key.replace('_', "-");
    let text = match (value, takes_value) {
        (toml::Value::Boolean(on), false) => return Some(on.then(|| format!("--{name}").into())),
        (toml::Value::String(text), true) => text.clone(),
        (toml::Value::Integer(number), true) => number.to_string(),
        (toml::Value::Float(number), true) => number.to_string(),
        (toml::Value::Array(items), true) => {
            items.iter().map(toml::Value::as_str).collect::<Option<Vec<_>>>()?.join(",")
        }
        _ => return None,
    };
    Some(Some(format!("--{name}={text}").into()))
}
