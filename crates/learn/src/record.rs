//! `run.toml`: all that was asked of a training, what it met, and what came out.

use std::path::Path;

use chainrule_engine::Optimizer;
use serde::{Deserialize, Serialize};

use crate::choice::{parse, written};
use crate::encoding::{Encoding, TargetEncoding};
use crate::evaluate::Scores;
use crate::input_encoding::InputEncoding;
use crate::input_error::{InputError, line_of};
use crate::pretrained::InitFrom;
use crate::readers::csv::TargetKind;
use crate::schedule::Schedule;
use crate::settings::Settings;
use crate::source::Source;
use crate::split::Fractions;
use crate::trainer::Trained;

const PREFACE: &str = "# A training run of chainrule. Without `path`, `data` are the digits inside the program.\n\n";

/// A run's record.
///
/// ```
/// # use chainrule::{Settings, Source, digits, run_folder, train};
/// # let temporary = tempfile::tempdir()?;
/// # let folder = temporary.path().join("run");
/// # let settings = Settings { model: Some("affine:10".parse()?), epochs: 2, ..Settings::default() };
/// # let trained = train(digits(), &settings, |_progress| {})?;
/// # run_folder::save(&folder, &trained, &Source::default(), false)?;
/// let run = chainrule::Run::open(&folder)?;
/// let record = &run.record;
/// println!("{} on {} rows: {:?}", record.model, record.data.train, record.results.test);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Of the program.
    pub version: String,
    /// The network's SPEC.
    pub model: String,
    /// What was asked.
    pub training: Training,
    /// What it was trained on.
    pub data: DataRecord,
    /// What came out.
    pub results: Results,
    /// What goes into the network.
    pub input: InputEncoding,
    /// What comes out of it.
    pub target: TargetEncoding,
}

/// What was asked: see [`Settings`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// The loss; the target's usual one in records that do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<String>,
    /// The optimizer, with what is not usual of it: see [`choice`](crate::choice).
    pub optimizer: String,
    /// The learning rate.
    pub rate: f64,
    /// How it went on from there, if it did not stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// Epochs of warm-up, if there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_up: Option<f64>,
    /// How weights were drawn, if it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial: Option<String>,
    /// Whether the target was learned as its logarithm.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub log_target: bool,
    /// Rows in a step.
    pub batch: usize,
    /// Epochs, at most.
    pub epochs: usize,
    /// How many epochs in a row might be no better, if training was to stop by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<usize>,
    /// Of all chance.
    pub seed: u64,
    /// The share of rows that chose the epoch.
    pub validation: f64,
    /// The share of rows that judged, where the data had no test set.
    pub test: f64,
    /// Weights that it began with, if they were given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init_from: Option<InitFrom>,
}

impl Training {
    /// The record of settings.
    pub(crate) fn of(settings: &Settings) -> Training {
        Training {
            loss: settings.loss.map(|loss| loss.to_string()),
            optimizer: written(settings.optimizer),
            rate: settings.rate(),
            schedule: Some(settings.schedule).filter(|&s| s != Schedule::Constant).map(written),
            warm_up: Some(settings.warm_up).filter(|&epochs| epochs > 0.0),
            initial: settings.initial.map(written),
            log_target: settings.log_target,
            batch: settings.batch,
            epochs: settings.epochs,
            patience: settings.patience,
            seed: settings.seed,
            validation: settings.fractions.validation,
            test: settings.fractions.test,
            init_from: settings.init_from.clone(),
        }
    }

    /// The settings that it is the record of, but for the network, the shape of a row and the threads.
    ///
    /// ```
    /// # use chainrule::{Settings, Source, digits, run_folder, train};
    /// # let temporary = tempfile::tempdir()?;
    /// # let folder = temporary.path().join("run");
    /// # let settings = Settings { model: Some("affine:10".parse()?), epochs: 2, ..Settings::default() };
    /// # let trained = train(digits(), &settings, |_progress| {})?;
    /// # run_folder::save(&folder, &trained, &Source::default(), false)?;
    /// let run = chainrule::Run::open(&folder)?;
    /// // The same training again.
    /// let again = Settings { model: Some(run.record.model.parse()?), ..run.record.training.settings()? };
    /// assert_eq!(train(digits(), &again, |_progress| {})?.predictor, run.predictor);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If there is no such optimizer, schedule, loss or way to draw weights, as in a record that was changed.
    pub fn settings(&self) -> Result<Settings, InputError> {
        let within = |what: &'static str| {
            move |e: InputError| InputError {
                place: format!("training, {what}{}{}", if e.place.is_empty() { "" } else { ", " }, e.place),
                ..e
            }
        };
        let schedule = self.schedule.as_deref().map(parse).transpose().map_err(within("schedule"))?;
        Ok(Settings {
            loss: self.loss.as_deref().map(str::parse).transpose().map_err(within("loss"))?,
            log_target: self.log_target,
            optimizer: parse(&self.optimizer).map_err(within("optimizer"))?,
            rate: Some(self.rate),
            schedule: schedule.unwrap_or_default(),
            warm_up: self.warm_up.unwrap_or(0.0),
            init_from: self.init_from.clone(),
            initial: self.initial.as_deref().map(parse).transpose().map_err(within("initial"))?,
            batch: self.batch,
            epochs: self.epochs,
            patience: self.patience,
            seed: self.seed,
            fractions: Fractions { validation: self.validation, test: self.test },
            ..Settings::default()
        })
    }

    /// The optimizer.
    ///
    /// # Errors
    /// If there is no such optimizer.
    pub fn optimizer(&self) -> Result<Optimizer, InputError> {
        parse(&self.optimizer).map_err(|e| InputError { place: "run.toml, optimizer".to_owned(), ..e })
    }
}

/// What it was trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataRecord {
    /// Where they are.
    #[serde(flatten)]
    pub source: Source,
    /// What they were: see [`fingerprint`](crate::fingerprint::fingerprint).
    pub fingerprint: String,
    /// How many rows trained.
    pub train: usize,
    /// How many rows chose the epoch.
    pub validation: usize,
    /// How many rows judged.
    pub test: usize,
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// Whose parameters were kept, from 1.
    pub best_epoch: usize,
    /// The epoch that patience stopped the training after, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<usize>,
    /// How long the epochs took.
    pub seconds: f64,
    /// On how many threads.
    pub threads: usize,
    /// On the training rows.
    pub train: Scores,
    /// On the validation rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<Scores>,
    /// On the test rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<Scores>,
}

impl Record {
    /// The record of a training on data from `source`.
    pub fn of(trained: &Trained, source: &Source) -> Record {
        let settings = &trained.settings;
        let encoding = trained.predictor.encoding().clone();
        Record {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            model: trained.predictor.model().to_string(),
            training: Training::of(settings),
            data: DataRecord {
                source: source.clone(),
                fingerprint: trained.fingerprint.clone(),
                train: trained.parts.train,
                validation: trained.parts.validation,
                test: trained.parts.test,
            },
            results: Results {
                best_epoch: trained.best_epoch,
                stopped: trained.stopped(),
                seconds: trained.seconds,
                threads: settings.threads(),
                train: trained.train,
                validation: trained.validation,
                test: trained.test,
            },
            input: encoding.input,
            target: encoding.target,
        }
    }

    /// The record of the run in `folder`.
    ///
    /// # Errors
    /// If there is none, or it is broken.
    pub(crate) fn of_run(folder: &Path) -> Result<Record, InputError> {
        Record::read(&folder.join("run.toml"))
    }

    /// The text of `run.toml`.
    ///
    /// # Errors
    /// If it cannot be written as TOML, such as a path that is not UTF-8.
    pub(crate) fn to_toml(&self) -> Result<String, InputError> {
        toml_text("run.toml", PREFACE, self)
    }

    /// Reads `run.toml` at `path`.
    ///
    /// # Errors
    /// If there is no such file, or it is not a record.
    pub(crate) fn read(path: &Path) -> Result<Record, InputError> {
        let bytes = std::fs::read(path).map_err(|e| InputError::io(path, &e))?;
        let wrong = |at: Option<usize>, found: String| {
            let line = at.map_or(String::new(), |at| format!(", line {}", line_of(&bytes, at)));
            InputError::new(
                format!("{}{line}", path.display()),
                "the record of a run",
                found,
                "copy the run again from where it was made, or train anew",
            )
        };
        let text = std::str::from_utf8(&bytes)
            .map_err(|e| wrong(Some(e.valid_up_to()), "bytes that are not UTF-8".to_owned()))?;
        toml::from_str(text).map_err(|e| wrong(e.span().map(|span| span.start), e.message().to_owned()))
    }

    /// How data meet the network.
    pub fn encoding(&self) -> Encoding {
        Encoding { input: self.input.clone(), target: self.target.clone() }
    }

    /// The kind of target, for reading other data.
    pub fn kind(&self) -> TargetKind {
        match self.target {
            TargetEncoding::Classes(_) => TargetKind::Classes,
            TargetEncoding::Number { .. } => TargetKind::Numbers,
        }
    }

    /// The shares that were set aside.
    pub fn fractions(&self) -> Fractions {
        Fractions { validation: self.training.validation, test: self.training.test }
    }
}

/// A record as TOML, for the file of this `name`.
///
/// # Errors
/// If it cannot be written as TOML, such as a path that is not UTF-8.
pub(crate) fn toml_text<T: Serialize>(name: &str, preface: &str, record: &T) -> Result<String, InputError> {
    let text = toml::to_string(record);
    let text = text.map_err(|e| {
        InputError::new(name, "a record that TOML can hold", e.to_string(), "use a path of plain letters")
    })?;
    Ok(format!("{preface}{text}"))
}
