//! A RUN: the folder that a training leaves.
//!
//! | file | holds |
//! | --- | --- |
//! | `run.toml` | the [`Record`]: what was asked, and what came out |
//! | `model.safetensors` | the parameters of the best epoch |
//! | `metrics.jsonl` | a line an epoch |
//! | `layers.jsonl` | how the [layers](crate::layer_statistics) are doing: a line before the first step, and one for each of at most 50 epochs |
//! | `losses.npy` | the [loss of each step](crate::step_losses), the first 262,144, as numpy's f4 |
//! | `split.csv` | the rows that were [held out](crate::split_rows) |
//! | `held_out.json` | what it made of rows that it had not learned from: see [`HeldOut`] |
//! | `findings.json` | what the [doctor](crate::doctor) found |
//! | `report.html` | all of this as a page |
//!
//! Until it is done there are only a `checkpoint` and a `lock` in it: see [`keeper`](crate::keeper).

use std::io;
use std::path::{Path, PathBuf};

use crate::checkpoint::CHECKPOINT;
use crate::dataset::Dataset;
use crate::doctor::{Case, Finding, examine};
use crate::evaluate::Scores;
use crate::fingerprint::fingerprint;
use crate::folder::{self, Kind, json_lines, kept};
use crate::held_out::HeldOut;
use crate::input_error::{InputError, excerpt};
use crate::keeper::LOCK;
use crate::layer_statistics::{Layers, every};
use crate::measures::Measures;
use crate::predict::Predictor;
use crate::prepared::split;
use crate::record::Record;
use crate::report::{Shown, Stopped};
use crate::source::Source;
use crate::split_rows::SPLIT_ROWS;
use crate::step_losses::StepLosses;
use crate::trainer::{Epoch, Trained};
use crate::weights;

const RECORD: &str = "run.toml";
const MODEL: &str = "model.safetensors";
const METRICS: &str = "metrics.jsonl";
const LAYERS: &str = "layers.jsonl";
const LOSSES: &str = "losses.npy";
const HELD_OUT: &str = "held_out.json";
const FINDINGS: &str = "findings.json";
const REPORT: &str = "report.html";
const RUN: Kind = Kind {
    name: "run",
    files: &[RECORD, MODEL, LOSSES, METRICS, LAYERS, SPLIT_ROWS, HELD_OUT, FINDINGS, REPORT],
    under_way: &[CHECKPOINT, LOCK, ".checkpoint.new"],
};

/// A run that was read.
///
/// ```
/// # use chainrule::{Settings, Source, digits, run_folder, train};
/// # let temporary = tempfile::tempdir()?;
/// # let folder = temporary.path().join("run");
/// # let settings = Settings { model: Some("affine:10".parse()?), epochs: 2, ..Settings::default() };
/// # let trained = train(digits(), &settings, |_progress| {})?;
/// # run_folder::save(&folder, &trained, &Source::default(), false)?;
/// let run = chainrule::Run::open(&folder)?;
/// assert_eq!((run.record.model.as_str(), run.history()?.len()), ("affine:10", 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
            let (found, hint) = if folder.join(CHECKPOINT).exists() {
                ("a training that has not ended", format!("go on with: chainrule train --resume {}", folder.display()))
            } else {
                ("a folder without one", "give the folder that `chainrule train` wrote".to_owned())
            };
            let expected = format!("a run, with a file {RECORD}");
            return Err(InputError::new(folder.display().to_string(), expected, found, hint));
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

    /// Where its data are. What it held out as another run did, it has written down itself, should that one be gone.
    ///
    /// # Errors
    /// If they came through a pipe.
    pub(crate) fn source(&self) -> Result<Source, InputError> {
        let mut source = self.record.data.source.clone();
        if source.is_standard_input() {
            return Err(InputError::new(
                self.folder.display().to_string(),
                "a run whose data can be read again, for its held-out rows",
                "one that was trained on standard input",
                "give DATA that it has not learned from; or write the table to a file, and train on that",
            ));
        }
        if let Some(run) = source.split_run.as_mut().filter(|run| !run.join(SPLIT_ROWS).exists()) {
            run.clone_from(&self.folder);
        }
        Ok(source)
    }

    /// The data that the run was trained on, and the rows of them that were held out to judge by.
    ///
    /// ```
    /// # use chainrule::{Settings, Source, digits, run_folder, train};
    /// # let temporary = tempfile::tempdir()?;
    /// # let folder = temporary.path().join("run");
    /// # let settings = Settings { model: Some("affine:10".parse()?), epochs: 2, ..Settings::default() };
    /// # let trained = train(digits(), &settings, |_progress| {})?;
    /// # run_folder::save(&folder, &trained, &Source::default(), false)?;
    /// let run = chainrule::Run::open(&folder)?;
    /// let (data, rows) = run.held_out()?;
    /// assert_eq!((data.rows(), rows.len()), (1797, 359));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If they are not where they were, or not what they were, or no rows were held out.
    pub fn held_out(&self) -> Result<(Dataset, Vec<u32>), InputError> {
        let data = self.source()?.open(Some(self.record.kind()))?;
        self.expect_same(&fingerprint(&data), &data.train.source)?;
        let split = split(&data, self.record.fractions(), self.record.training.seed)?;
        let (data, rows) = match data.test {
            Some(test) => {
                let rows = (0..test.rows() as u32).collect();
                (test, rows)
            }
            None => (data.train, split.test),
        };
        self.expect_held_out(&rows)?;
        Ok((data, rows))
    }

    /// Whether data at `place` are those of the training.
    ///
    /// # Errors
    /// If they are others.
    pub(crate) fn expect_same(&self, found: &str, place: &str) -> Result<(), InputError> {
        let expected = &self.record.data.fingerprint;
        if expected == found {
            return Ok(());
        }
        Err(InputError::new(
            place,
            format!("the data of {}, fingerprint {}", self.folder.display(), excerpt(expected)),
            format!("other data, fingerprint '{found}'"),
            "put the data back as they were, or give DATA to judge by",
        ))
    }

    fn expect_held_out(&self, rows: &[u32]) -> Result<(), InputError> {
        if !rows.is_empty() {
            return Ok(());
        }
        Err(InputError::new(
            self.folder.display().to_string(),
            "a run with held-out test rows",
            "none: it was trained with a test share of 0",
            "give DATA to judge by",
        ))
    }

    /// How many epochs were trained.
    fn epochs(&self) -> usize {
        self.record.results.stopped.unwrap_or(self.record.training.epochs)
    }

    /// Each epoch of the training.
    ///
    /// ```
    /// # use chainrule::{Settings, Source, digits, run_folder, train};
    /// # let temporary = tempfile::tempdir()?;
    /// # let folder = temporary.path().join("run");
    /// # let settings = Settings { model: Some("affine:10".parse()?), epochs: 2, ..Settings::default() };
    /// # let trained = train(digits(), &settings, |_progress| {})?;
    /// # run_folder::save(&folder, &trained, &Source::default(), false)?;
    /// let run = chainrule::Run::open(&folder)?;
    /// assert_eq!(run.history()?[1].epoch, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the file is not there or broken.
    pub fn history(&self) -> Result<Vec<Epoch>, InputError> {
        let path = self.folder.join(METRICS);
        let history: Vec<Epoch> = folder::read_json_lines(&path)?;
        expect_epochs(&path, history.iter().map(|epoch| epoch.epoch), (1, 1, self.epochs()))?;
        Ok(history)
    }

    /// The layers before the first step and after epochs; none of a training that was not [kept](crate::trainer::train_kept).
    ///
    /// # Errors
    /// If the file is not there or broken.
    pub fn layers(&self) -> Result<Vec<Layers>, InputError> {
        let path = self.folder.join(LAYERS);
        let layers: Vec<Layers> = folder::read_json_lines(&path)?;
        if layers.is_empty() {
            return Ok(layers);
        }
        let every = every(self.record.training.epochs);
        expect_epochs(&path, layers.iter().map(|layers| layers.epoch), (0, every, self.epochs()))?;
        Ok(layers)
    }

    /// The loss of each step; `None` of a training that was not [kept](crate::trainer::train_kept), and in runs of older programs.
    ///
    /// # Errors
    /// If the file is broken.
    pub fn losses(&self) -> Result<Option<StepLosses>, InputError> {
        StepLosses::read(&self.folder.join(LOSSES))
    }

    /// What the network made of rows that it had not learned from; `None` if there were none.
    ///
    /// # Errors
    /// If the file is not there or broken.
    pub fn seen(&self) -> Result<Option<HeldOut>, InputError> {
        folder::read_json(&self.folder.join(HELD_OUT))
    }

    /// What is wrong with it: what is to be mended first comes first, and a healthy run has none.
    ///
    /// ```
    /// # use chainrule::{Settings, Source, digits, run_folder, train};
    /// # let temporary = tempfile::tempdir()?;
    /// # let folder = temporary.path().join("run");
    /// # let settings = Settings { model: Some("affine:10".parse()?), epochs: 2, ..Settings::default() };
    /// # let trained = train(digits(), &settings, |_progress| {})?;
    /// # run_folder::save(&folder, &trained, &Source::default(), false)?;
    /// let run = chainrule::Run::open(&folder)?;
    /// for finding in run.findings()? {
    ///     println!("{}, {}", finding.says, finding.when());
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the file is not there or broken.
    pub fn findings(&self) -> Result<Vec<Finding>, InputError> {
        folder::read_json(&self.folder.join(FINDINGS))
    }

    /// The run as one page of HTML, which needs nothing else.
    ///
    /// ```
    /// # use chainrule::{Settings, Source, digits, run_folder, train};
    /// # let temporary = tempfile::tempdir()?;
    /// # let folder = temporary.path().join("run");
    /// # let settings = Settings { model: Some("affine:10".parse()?), epochs: 2, ..Settings::default() };
    /// # let trained = train(digits(), &settings, |_progress| {})?;
    /// # run_folder::save(&folder, &trained, &Source::default(), false)?;
    /// let run = chainrule::Run::open(&folder)?;
    /// assert!(run.report()?.starts_with("<!doctype html>"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If a file of the run is not there or broken.
    pub fn report(&self) -> Result<String, InputError> {
        let (history, layers) = (self.history()?, self.layers()?);
        let (held_out, findings) = (self.seen()?, self.findings()?);
        let (record, predictor) = (&self.record, &self.predictor);
        let shown = Shown {
            record,
            predictor,
            history: &history,
            layers: &layers,
            held_out: held_out.as_ref(),
            findings: &findings,
            stopped: None,
        };
        shown.page()
    }

    /// Judges the network on the rows that were held out.
    ///
    /// ```
    /// # use chainrule::{Settings, Source, digits, run_folder, train};
    /// # let temporary = tempfile::tempdir()?;
    /// # let folder = temporary.path().join("run");
    /// # let settings = Settings { model: Some("affine:10".parse()?), epochs: 2, ..Settings::default() };
    /// # let trained = train(digits(), &settings, |_progress| {})?;
    /// # run_folder::save(&folder, &trained, &Source::default(), false)?;
    /// let run = chainrule::Run::open(&folder)?;
    /// assert_eq!(Some(run.test(1)?), run.record.results.test);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`held_out`](Self::held_out).
    pub fn test(&self, threads: usize) -> Result<Scores, InputError> {
        let (data, rows) = self.held_out()?;
        self.predictor.score(data, Some(&rows), threads)
    }

    /// As [`test`](Self::test), with all metrics.
    ///
    /// ```
    /// # use chainrule::{Settings, Source, digits, run_folder, train};
    /// # let temporary = tempfile::tempdir()?;
    /// # let folder = temporary.path().join("run");
    /// # let settings = Settings { model: Some("affine:10".parse()?), epochs: 2, ..Settings::default() };
    /// # let trained = train(digits(), &settings, |_progress| {})?;
    /// # run_folder::save(&folder, &trained, &Source::default(), false)?;
    /// let run = chainrule::Run::open(&folder)?;
    /// let (scores, measures) = run.measure(1)?;
    /// assert_eq!(measures.values[0], ("accuracy", scores.accuracy));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`held_out`](Self::held_out).
    pub fn measure(&self, threads: usize) -> Result<(Scores, Measures), InputError> {
        let source = self.source()?;
        if let Some(mut stored) = source.stored(Some(self.record.kind()))? {
            self.expect_same(&stored.fingerprint(), &source.name())?;
            let (stored, rows) = match stored.test.take() {
                Some(test) => {
                    let rows = (0..test.rows() as u32).collect();
                    (*test, rows)
                }
                None => {
                    let rows = stored.split(self.record.fractions(), self.record.training.seed)?.test;
                    (stored, rows)
                }
            };
            self.expect_held_out(&rows)?;
            return self.predictor.measure_stored(stored, &rows, threads);
        }
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
    folder::expect_free(folder, RUN, force)
}

/// Writes the run of a training on data from `source`, and gives what is [wrong](crate::doctor) with it.
///
/// ```
/// use chainrule::{Run, Settings, Source, digits, run_folder, train};
/// # let temporary = tempfile::tempdir()?;
/// # let folder = temporary.path().join("run");
/// let settings = Settings { model: Some("affine:10".parse()?), epochs: 2, ..Settings::default() };
/// let trained = train(digits(), &settings, |_progress| {})?;
/// run_folder::save(&folder, &trained, &Source::default(), false)?;
/// assert_eq!(Run::open(&folder)?.predictor, trained.predictor);
/// // What is there is not written over unasked.
/// assert!(run_folder::save(&folder, &trained, &Source::default(), false).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`expect_free`], or if it cannot be written.
pub fn save(folder: &Path, trained: &Trained, source: &Source, force: bool) -> Result<Vec<Finding>, InputError> {
    let record = Record::of(trained, source);
    let (predictor, history, layers) = (&trained.predictor, &*trained.history, &*trained.layers);
    let findings = examine(&Case { record: &record, predictor, history, layers, seen: &trained.seen });
    let held_out = trained.held_out.as_ref();
    let shown = Shown { record: &record, predictor, history, layers, held_out, findings: &findings, stopped: None };
    let page = shown.page()?;
    let record = record.to_toml()?;
    let model = weights::to_bytes(trained.predictor.tensors())?;
    let losses = trained.losses.to_bytes();
    let metrics = json_lines(METRICS, &trained.history)?;
    let layers = json_lines(LAYERS, &trained.layers)?;
    let held_out = folder::json(HELD_OUT, &held_out)?;
    let found = folder::json(FINDINGS, &findings)?;
    let split_rows = trained.split_rows.to_csv();
    let (tables, shown) = ([&metrics, &layers, &split_rows], [&held_out, &found, &page]);
    let texts = tables.into_iter().chain(shown).map(String::as_bytes);
    let contents: Vec<&[u8]> = [record.as_bytes(), &model, &losses].into_iter().chain(texts).collect();
    folder::write(folder, RUN, &contents, force)?;
    Ok(findings)
}

/// Writes the page of a training that was stopped after this step of this epoch, beside its checkpoint.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn show_so_far(
    folder: &Path,
    trained: &Trained,
    source: &Source,
    (epoch, step): (usize, usize),
) -> Result<(), InputError> {
    let record = Record::of(trained, source);
    let shown = Shown {
        record: &record,
        predictor: &trained.predictor,
        history: &trained.history,
        layers: &trained.layers,
        held_out: None,
        findings: &[],
        stopped: Some(Stopped { epoch, step }),
    };
    let (path, page) = (folder.join(REPORT), shown.page()?);
    std::fs::write(&path, page).map_err(|e| {
        // Half a page is of no use to anyone.
        let _ = std::fs::remove_file(&path);
        kept(InputError::unwritable(&path, "a page", &e), folder, Some(&CHECKPOINT))
    })
}

/// Whether a file has a line for the `first` epoch, then for one of `every` so many, and for the `last`, and no other. The numbers are
/// the record's, which may have been edited: nothing is made as long as they say.
fn expect_epochs(
    path: &Path,
    found: impl Iterator<Item = usize>,
    (first, every, last): (usize, usize, usize),
) -> Result<(), InputError> {
    let found: Vec<usize> = found.collect();
    let past = last.saturating_sub(first) % every;
    let expected = (first..=last).step_by(every).chain((past > 0).then_some(last));
    if expected.eq(found.iter().copied()) {
        return Ok(());
    }
    let found = match &found[..] {
        [] => "no epoch".to_owned(),
        [.., last] => format!("{} of them, the last of epoch {last}", found.len()),
    };
    let expected = format!("the lines that training wrote, from epoch {first} to {last} of every {every}");
    Err(InputError::new(path.display().to_string(), expected, found, "train anew"))
}

/// The error with the file that it is in.
fn within(path: &Path, e: InputError) -> InputError {
    InputError { place: format!("{}, {}", path.display(), e.place), ..e }
}
