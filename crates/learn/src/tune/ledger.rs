//! The folder of a tuning, which grows with each training, so that one that was interrupted goes on where it was.
//!
//! | file | holds |
//! | --- | --- |
//! | `tune.toml` | what was asked: [`Request`]; whoever goes on must ask for the same |
//! | `trials.jsonl` | a line a training: [`Line`] |
//! | `best/` | the run of the best, once all are done |
//!
//! A line that has no end was being written when the program was, and counts for nothing.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::space::Draw;
use crate::evaluate::Scores;
use crate::folder::{names, unwritable};
use crate::input_error::{InputError, listing};
use crate::record::toml_text;
use crate::source::Source;

const REQUEST: &str = "tune.toml";
const LINES: &str = "trials.jsonl";
const BEST: &str = "best";
const PREFACE: &str = "# A tuning of chainrule. Without `path`, `data` are the digits inside the program.\n\n";
/// What may differ between a tuning and its going on: the same data may have moved.
const FREE: [&str; 2] = ["version", "data.path"];

/// What was asked of a tuning.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Request<'a> {
    pub(crate) version: &'a str,
    pub(crate) trials: usize,
    pub(crate) epochs: usize,
    pub(crate) min_epochs: usize,
    pub(crate) eta: usize,
    pub(crate) seed: u64,
    pub(crate) validation: f64,
    pub(crate) test: f64,
    pub(crate) data: DataRequest<'a>,
    pub(crate) space: &'a toml::Table,
}

/// The data that trials are trained on.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct DataRequest<'a> {
    #[serde(flatten)]
    pub(crate) source: &'a Source,
    pub(crate) fingerprint: &'a str,
}

/// One training: a trial in a rung.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// From 1.
    pub trial: usize,
    /// From 1.
    pub rung: usize,
    /// How many it was asked for.
    pub epochs: usize,
    /// The trial's own.
    pub settings: Draw,
    /// The epoch that was kept; `None` if training diverged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_epoch: Option<usize>,
    /// On the training rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<Scores>,
    /// On the validation rows: what trials are compared by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<Scores>,
    /// Why there are no scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diverged: Option<String>,
    /// How long it took.
    pub seconds: f64,
}

impl Line {
    /// What trials are compared by; `None` if training diverged.
    pub fn loss(&self) -> Option<f64> {
        self.validation.map(|scores| scores.loss)
    }
}

/// A folder that is open.
#[derive(Debug)]
pub(crate) struct Ledger {
    path: PathBuf,
    file: File,
    pub(crate) lines: Vec<Line>,
}

impl Ledger {
    /// Opens the folder of a tuning, or begins one.
    ///
    /// # Errors
    /// If the folder is another's, was begun with another request, or cannot be read or written; or a line is not one of
    /// this tuning, as `is_line` says.
    pub(crate) fn open(
        folder: &Path,
        request: &Request<'_>,
        is_line: impl Fn(&Line) -> bool,
    ) -> Result<Ledger, InputError> {
        let text = toml_text(REQUEST, PREFACE, request)?;
        let at = folder.join(REQUEST);
        let failed = |e: io::Error| unwritable(folder, &e);
        if at.exists() {
            expect_same(&at, &text)?;
        } else {
            let names = names(folder).or_else(|e| match e.kind() {
                io::ErrorKind::NotFound => Ok(Vec::new()),
                _ => Err(failed(e)),
            })?;
            // What is left of a request that was being written is of no use.
            let others: Vec<&String> = names.iter().filter(|name| !name.starts_with(&format!(".{REQUEST}"))).collect();
            if !others.is_empty() {
                let found = format!("a folder with {}", listing(&others));
                let expected = "a new folder, or one of a tuning";
                return Err(InputError::new(folder.display().to_string(), expected, found, "choose another --out"));
            }
            fs::create_dir_all(folder).map_err(failed)?;
            // Whole or not at all: another request could not be told from half of this one.
            let beside = folder.join(format!(".{REQUEST}-{}", std::process::id()));
            fs::write(&beside, text).and_then(|()| fs::rename(&beside, &at)).map_err(failed)?;
        }
        let path = folder.join(LINES);
        let file = OpenOptions::new().append(true).create(true).open(&path).map_err(failed)?;
        let bytes = fs::read(&path).map_err(|e| InputError::io(&path, &e))?;
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).map_err(failed)?;
        let mut lines: Vec<Line> = Vec::new();
        for (number, line) in (1..).zip(bytes[..whole].split_inclusive(|&byte| byte == b'\n')) {
            let wrong = |found: String| {
                let hint = "remove the line: what it is of is trained again";
                InputError::new(format!("{}, line {number}", path.display()), "a training of this tuning", found, hint)
            };
            let line: Line = serde_json::from_slice(line).map_err(|e| wrong(e.to_string()))?;
            if !is_line(&line) {
                return Err(wrong(format!("trial {} in rung {} with other settings", line.trial, line.rung)));
            }
            lines.push(line);
        }
        Ok(Ledger { path, file, lines })
    }

    /// The training of this trial in this rung, if it is done.
    pub(crate) fn line(&self, trial: usize, rung: usize) -> Option<&Line> {
        self.lines.iter().find(|line| (line.trial, line.rung) == (trial, rung))
    }

    /// Writes a training down.
    ///
    /// # Errors
    /// If it cannot be.
    pub(crate) fn add(&mut self, line: &Line) -> Result<(), InputError> {
        let text = serde_json::to_string(line);
        let text = text.map_err(|e| InputError::new(LINES, "a line of JSON", e.to_string(), "train anew"))? + "\n";
        // At once, so that a line is whole or has no end.
        self.file.write_all(text.as_bytes()).map_err(|e| unwritable(&self.path, &e))?;
        self.lines.push(line.clone());
        Ok(())
    }
}

/// Where the run of the best is.
pub(crate) fn best(folder: &Path) -> PathBuf {
    folder.join(BEST)
}

/// Whether the request at `path` is that of `text`.
fn expect_same(path: &Path, text: &str) -> Result<(), InputError> {
    let place = path.display().to_string();
    let old = fs::read_to_string(path).map_err(|e| InputError::io(path, &e))?;
    let parsed = |text: &str| {
        text.parse::<toml::Table>().map_err(|e| {
            let hint = "choose another --out";
            InputError::new(place.clone(), "the request of a tuning", e.message().replace('\n', ", "), hint)
        })
    };
    let (old, new) = (flat(&parsed(&old)?), flat(&parsed(text)?));
    let value = |flat: &[(String, String)], key: &str| {
        let found = flat.iter().find(|(name, _)| name == key);
        found.map_or_else(|| "nothing".to_owned(), |(_, value)| value.clone())
    };
    let keys = new.iter().chain(&old).map(|(key, _)| key).filter(|key| !FREE.contains(&key.as_str()));
    for key in keys {
        let (old, new) = (value(&old, key), value(&new, key));
        if old != new {
            let hint = "choose another --out, or ask for what this one was begun with";
            return Err(InputError::new(format!("{place}, {key}"), format!("{new}, as is asked for"), old, hint));
        }
    }
    Ok(())
}

/// The values of a request by key, those of its tables as `table.key`.
fn flat(request: &toml::Table) -> Vec<(String, String)> {
    let inner = |(name, value): (&String, &toml::Value)| match value {
        toml::Value::Table(table) => {
            table.iter().map(|(key, value)| (format!("{name}.{key}"), value.to_string())).collect()
        }
        value => vec![(name.clone(), value.to_string())],
    };
    request.iter().flat_map(inner).collect()
}
