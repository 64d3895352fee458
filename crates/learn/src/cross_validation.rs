//! Cross-validation: K trainings, each judged by the fold that it did not see. Stone, *Cross-Validatory Choice and Assessment
//! of Statistical Predictions*, 1974; with folds by class after Kohavi, *A Study of Cross-Validation and Bootstrap*, 1995.
//!
//! What is dealt into folds are all rows but the test rows, which stay untouched. Each training is one of its own: the
//! preprocessing is fitted anew, and of the rows that are not in its fold the validation share chooses the epoch. Its
//! scores on its fold are read once, at its end. The seed is the same for all.
//!
//! | file | holds |
//! | --- | --- |
//! | `cross_validation.toml` | what was asked; mean and standard deviation of the scores |
//! | `folds.jsonl` | a line a fold: [`Fold`] |

use std::path::Path;

use chainrule_engine::Backend;
use serde::Serialize;

use crate::evaluate::Scores;
use crate::fingerprint::fingerprint;
use crate::folder::{self, Kind, json_lines};
use crate::folds::{Dealt, deal, scarce};
use crate::input_error::InputError;
use crate::input_shape::written;
use crate::keys::Keys;
use crate::prepared::split;
use crate::readers::Data;
use crate::record::{Training, toml_text};
use crate::settings::Settings;
use crate::source::Source;
use crate::split::Fractions;
use crate::trainer::{Parts, Progress, TrainError, Trained, train_on};

const RECORD: &str = "cross_validation.toml";
const FOLDS: &str = "folds.jsonl";
const CROSS_VALIDATION: Kind = Kind { name: "cross-validation", files: &[RECORD, FOLDS], under_way: &[] };
const PREFACE: &str =
    "# A cross-validation of chainrule. Without `path`, `data` are the digits inside the program.\n\n";

/// What happens, for whoever watches.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// In the training without the fold of this number, from 1.
    Training(usize, Progress<'a>),
    /// It is done.
    Done(&'a Fold),
}

/// One training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Fold {
    /// From 1.
    pub fold: usize,
    /// How many rows were for what; its own rows are the test rows.
    pub parts: Parts,
    /// How many epochs were run.
    pub epochs: usize,
    /// The one that was kept.
    pub best_epoch: usize,
    /// How long they took.
    pub seconds: f64,
    /// On the rows it learned from.
    pub train: Scores,
    /// On the rows that chose the epoch.
    pub validation: Option<Scores>,
    /// On its own rows.
    pub scores: Scores,
}

/// What cross-validation gives.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossValidation {
    /// Each training.
    pub folds: Vec<Fold>,
    /// The mean of the folds' scores.
    pub mean: Scores,
    /// Their standard deviation, by K − 1.
    pub deviation: Scores,
    /// What was asked for, with the model and the loss that it came to.
    pub settings: Settings,
    /// What the data were: see [`fingerprint`].
    pub fingerprint: String,
    /// How many rows were dealt.
    pub rows: usize,
    /// How many test rows were left alone.
    pub test: usize,
    /// The classes of which some fold has no row, each with how many rows it has.
    pub scarce: Vec<(String, usize)>,
}

/// Trains and judges `count` times, telling `watch` how it goes.
///
/// ```
/// use chainrule::{Settings, cross_validation::cross_validate, digits, engine::Cpu};
/// let settings = Settings { epochs: 3, ..Settings::default() };
/// let found = cross_validate(&Cpu::new(1), digits(), &settings, 3, |_event| {})?;
/// assert!(found.mean.accuracy.unwrap() > 0.8 && found.deviation.accuracy.unwrap() < 0.1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If settings and data do not fit together, there are fewer folds than two or more than rows, or a training diverges.
pub fn cross_validate<B: Backend>(
    backend: &B,
    data: impl Into<Data>,
    settings: &Settings,
    count: usize,
    mut watch: impl FnMut(Event<'_>),
) -> Result<CrossValidation, TrainError> {
    settings.check()?;
    let data = data.into();
    let fingerprint = fingerprint(&data);
    let held_out = split(&data, settings.fractions, settings.seed)?.test;
    let test = data.test.as_ref().map_or(held_out.len(), |test| test.rows());
    let all = 0..data.train.rows() as u32;
    let mut pool = match held_out.is_empty() {
        true => data.train,
        false => data.train.select(&all.filter(|row| held_out.binary_search(row).is_err()).collect::<Vec<_>>()),
    };
    pool.keys.parts = None;
    let dealt = deal(&pool, count, settings.seed)?;
    // A fold is the test set of its training, which takes none of the other rows as such.
    let alone = Settings { fractions: Fractions { test: 0.0, ..settings.fractions }, ..settings.clone() };
    let (mut done, mut asked) = (Vec::new(), None);
    for (at, Dealt { train, rows }) in dealt.iter().enumerate() {
        let (validation, test) = (data.validation.clone(), Some(pool.select(rows)));
        let data = Data { train: pool.select(train), validation, test };
        let trained = train_on(backend, data, &alone, |progress| watch(Event::Training(at + 1, progress)))?;
        let fold = Fold::of(at + 1, &trained);
        fold.iter().for_each(|fold| watch(Event::Done(fold)));
        done.extend(fold);
        asked.get_or_insert(trained.settings);
    }
    let scores: Vec<Scores> = done.iter().map(|fold| fold.scores).collect();
    Ok(CrossValidation {
        mean: each(&scores, mean),
        deviation: each(&scores, deviation),
        folds: done,
        settings: Settings { fractions: settings.fractions, ..asked.unwrap_or(alone) },
        fingerprint,
        rows: pool.rows(),
        test,
        // By groups and times classes are dealt as they come.
        scarce: if pool.keys == Keys::default() { scarce(&pool.target, count) } else { Vec::new() },
    })
}

impl Fold {
    fn of(fold: usize, trained: &Trained) -> Option<Fold> {
        Some(Fold {
            fold,
            parts: trained.parts,
            epochs: trained.history.len(),
            best_epoch: trained.best_epoch,
            seconds: trained.seconds,
            train: trained.train,
            validation: trained.validation,
            scores: trained.test?,
        })
    }
}

/// A statistic of each score that all of them have.
fn each(scores: &[Scores], statistic: fn(&[f64]) -> f64) -> Scores {
    let of = |score: fn(&Scores) -> Option<f64>| {
        let values: Option<Vec<f64>> = scores.iter().map(score).collect();
        values.map(|values| statistic(&values))
    };
    Scores {
        loss: of(|scores| Some(scores.loss)).unwrap_or(f64::NAN),
        accuracy: of(|scores| scores.accuracy),
        rmse: of(|scores| scores.rmse),
        r2: of(|scores| scores.r2),
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// √(Σ(x − mean)² / (n − 1))
fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() as f64 - 1.0)).sqrt()
}

/// Whether a cross-validation may be written to `folder`: it is not there, or empty, or with `force` holds
/// a cross-validation and nothing else.
///
/// # Errors
/// If it may not.
pub fn expect_free(folder: &Path, force: bool) -> Result<(), InputError> {
    folder::expect_free(folder, CROSS_VALIDATION, force)
}

/// Writes a cross-validation on data from `source`.
///
/// # Errors
/// As [`expect_free`], or if it cannot be written.
pub fn save(folder: &Path, found: &CrossValidation, source: &Source, force: bool) -> Result<(), InputError> {
    let data = DataRecord { source, fingerprint: &found.fingerprint, rows: found.rows, test: found.test };
    let record = Record {
        version: env!("CARGO_PKG_VERSION"),
        model: found.settings.model.as_ref().map(ToString::to_string),
        input: found.settings.input.map(written),
        folds: found.folds.len(),
        training: Training::of(&found.settings),
        data,
        mean: found.mean,
        deviation: found.deviation,
    };
    let (record, lines) = (toml_text(RECORD, PREFACE, &record)?, json_lines(FOLDS, &found.folds)?);
    folder::write(folder, CROSS_VALIDATION, &[record.as_bytes(), lines.as_bytes()], force)
}

/// What `cross_validation.toml` says.
#[derive(Serialize)]
struct Record<'a> {
    version: &'a str,
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<String>,
    folds: usize,
    training: Training,
    data: DataRecord<'a>,
    mean: Scores,
    deviation: Scores,
}

#[derive(Serialize)]
struct DataRecord<'a> {
    #[serde(flatten)]
    source: &'a Source,
    fingerprint: &'a str,
    /// Dealt into folds.
    rows: usize,
    /// Left alone.
    test: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_deviation_are_known() {
        let scores = |loss, accuracy| Scores { loss, accuracy, rmse: None, r2: None };
        let three = [scores(2.0, Some(0.5)), scores(4.0, Some(0.75)), scores(9.0, Some(1.0))];
        assert_eq!(each(&three, mean), scores(5.0, Some(0.75)));
        assert_eq!(each(&three, deviation), scores(13f64.sqrt(), Some(0.25)));
        // What one fold has no number of, such as R² of one row, all have none of.
        assert_eq!(each(&[three[0], scores(4.0, None)], mean), scores(3.0, None));
    }
}
