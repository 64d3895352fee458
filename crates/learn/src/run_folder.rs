//! A RUN: the folder that a training leaves.
//!
//! | file | holds |
//! | --- | --- |
//! | `run.toml` | the [`Record`]: what was asked, and what came out |
//! | `model.safetensors` | the parameters of the best epoch |
//! | `metrics.jsonl` | a line an epoch |
//!
//! It is written beside its place under another name and then renamed: a folder of that name
//! is a whole run, or there is none.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::dataset::Dataset;
use crate::evaluate::Scores;
use crate::input_error::{InputError, excerpt, listing};
use crate::measures::Measures;
use crate::predict::Predictor;
use crate::record::Record;
use crate::source::Source;
use crate::trainer::{Trained, fingerprint, split};
use crate::weights;

const RECORD: &str = "run.toml";
const MODEL: &str = "model.safetensors";
const METRICS: &str = "metrics.jsonl";
const FILES: [&str; 3] = [RECORD, MODEL, METRICS];

/// A run that was read.
#[derive(Clone, Debug)]
pub struct Run {
    /// Where.
    pub folder: PathBuf,
    /// What was asked, and what came out.
    pub record: Record,
    /// The trained network.
    pub predictor: Predictor,
}

impl Run {
    /// Reads the run in `folder`.
    ///
    /// # Errors
    /// If there is none, or a file of it is broken or does not fit the others.
    pub fn open(folder: &Path) -> Result<Run, InputError> {
        let path = folder.join(RECORD);
        if folder.is_dir() && !path.exists() {
            let hint = "give the folder that `chainrule train` wrote";
            return Err(InputError::new(
                folder.display().to_string(),
                format!("a run, with a file {RECORD}"),
                "a folder without one",
                hint,
            ));
        }
        if !folder.exists() {
            return Err(InputError::io(folder, &io::Error::from(io::ErrorKind::NotFound)));
        }
        if !folder.is_dir() {
            let hint = "give the folder that `chainrule train` wrote";
            return Err(InputError::new(folder.display().to_string(), "the folder of a run", "a file", hint));
        }
        let record = Record::read(&path)?;
        let model = record.model.parse().map_err(|e: InputError| within(&path, e))?;
        let loss = record.training.loss.as_deref().map(str::parse).transpose();
        let loss = loss.map_err(|e: InputError| within(&path, e))?;
        let path = folder.join(MODEL);
        let place = path.display().to_string();
        let tensors = weights::read(&path)?;
        let predictor = Predictor::at(&place, model, record.encoding(), loss, tensors)?;
        Ok(Run { folder: folder.to_owned(), record, predictor })
    }

    /// The data that the run was trained on, and the rows of them that were held out to judge by.
    ///
    /// # Errors
    /// If they are not where they were, or not what they were, or no rows were held out.
    pub fn held_out(&self) -> Result<(Dataset, Vec<u32>), InputError> {
        let data = self.record.data.source.open(Some(self.record.kind()))?;
        let place = || data.train.source.clone();
        let (expected, found) = (&self.record.data.fingerprint, fingerprint(&data));
        if *expected != found {
            return Err(InputError::new(
                place(),
                format!("the data of {}, fingerprint {}", self.folder.display(), excerpt(expected)),
                format!("other data, fingerprint '{found}'"),
                "put the data back as they were, or give DATA to judge by",
            ));
        }
        let split = split(&data, self.record.fractions(), self.record.training.seed)?;
        let (data, rows) = match data.test {
            Some(test) => {
                let rows = (0..test.rows() as u32).collect();
                (test, rows)
            }
            None => (data.train, split.test),
        };
        if rows.is_empty() {
            return Err(InputError::new(
                self.folder.display().to_string(),
                "a run with held-out test rows",
                "none: it was trained with a test share of 0",
                "give DATA to judge by",
            ));
        }
        Ok((data, rows))
    }

    /// Judges the network on the rows that were held out.
    ///
    /// # Errors
    /// As [`held_out`](Self::held_out).
    pub fn test(&self, threads: usize) -> Result<Scores, InputError> {
        let (data, rows) = self.held_out()?;
        self.predictor.score(data, Some(&rows), threads)
    }

    /// As [`test`](Self::test), with all metrics.
    ///
    /// # Errors
    /// As [`held_out`](Self::held_out).
    pub fn measure(&self, threads: usize) -> Result<(Scores, Measures), InputError> {
        let (data, rows) = self.held_out()?;
        self.predictor.measure(data, Some(&rows), threads)
    }
}

/// Whether a run may be written to `folder`: it is not there, or empty, or with `force` holds
/// a run and nothing else; and there is leave to write beside it.
///
/// # Errors
/// If it may not.
pub fn expect_free(folder: &Path, force: bool) -> Result<(), InputError> {
    let place = folder.display().to_string();
    let mut names: Vec<String> = match fs::read_dir(folder) {
        Ok(entries) => entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect(),
        Err(e) if e.kind() == io::ErrorKind::NotFound && !folder.is_symlink() => return expect_writable(folder),
        Err(e) => return Err(unwritable(folder, &e)),
    };
    if is_current(folder) {
        let (expected, found) = ("a folder that may be replaced", "the current folder");
        return Err(InputError::new(place, expected, found, "choose another --out, such as run"));
    }
    if names.is_empty() {
        return expect_writable(folder);
    }
    names.sort_unstable();
    let others: Vec<&String> = names.iter().filter(|name| !FILES.contains(&name.as_str())).collect();
    if !names.iter().any(|name| name == RECORD) || (force && !others.is_empty()) {
        let found = format!("a folder with {}", if others.is_empty() { listing(&names) } else { listing(&others) });
        return Err(InputError::new(place, "a new folder, or a run and nothing else", found, "choose another --out"));
    }
    if !force {
        let hint = "choose another --out, or replace the run with --force";
        return Err(InputError::new(place, "a folder without a run", "a run, which is kept", hint));
    }
    expect_writable(folder)
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

/// Writes the run of a training on data from `source`.
///
/// # Errors
/// As [`expect_free`], or if it cannot be written.
pub fn save(folder: &Path, trained: &Trained, source: &Source, force: bool) -> Result<(), InputError> {
    expect_free(folder, force)?;
    let folder = &target(folder);
    let record = Record::of(trained, source).to_toml()?;
    let model = weights::to_bytes(trained.predictor.tensors())?;
    let mut metrics = String::new();
    for epoch in &trained.history {
        let line = serde_json::to_string(epoch);
        metrics += &line.map_err(|e| InputError::new(METRICS, "an epoch as JSON", e.to_string(), "train anew"))?;
        metrics.push('\n');
    }
    let beside = beside(folder, "new");
    let written = write(&beside, [(RECORD, record.as_bytes()), (MODEL, &model), (METRICS, metrics.as_bytes())])
        .and_then(|()| replace(&beside, folder));
    written.map_err(|e| {
        // What is left of the attempt is of no use to anyone.
        let _ = fs::remove_dir_all(&beside);
        unwritable(folder, &e)
    })
}

fn write(folder: &Path, files: [(&str, &[u8]); 3]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    files.into_iter().try_for_each(|(name, bytes)| fs::write(folder.join(name), bytes))
}

/// Renames `new` to `folder`, which is absent, empty, or an old run.
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

fn unwritable(folder: &Path, e: &io::Error) -> InputError {
    let hint = "choose another --out, in a folder that you may write to";
    InputError::new(folder.display().to_string(), "a folder that can be written", e.to_string(), hint)
}

/// The error with the file that it is in.
fn within(path: &Path, e: InputError) -> InputError {
    InputError { place: format!("{}, {}", path.display(), e.place), ..e }
}
