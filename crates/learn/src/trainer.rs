//! Training: exact epochs of mini-batches, each a step of gradient descent,
//! `W ← W − η · ∂(mean loss of the batch)/∂W`.
//!
//! Validation rows are scored after each epoch, and the parameters of the best epoch are
//! kept; with a patience training ends when no better one comes. The test rows are read once, at the end, by [`evaluate`](crate::evaluate) alone.

use chainrule_engine::{Backend, BackendError, Cpu};
use serde::{Deserialize, Serialize};

use crate::checkpoint::Checkpoint;
use crate::descent::descend;
use crate::divergence::Diverged;
use crate::doctor::Seen;
use crate::evaluate::Scores;
use crate::forecast::Memory;
use crate::held_out::HeldOut;
use crate::input_error::InputError;
use crate::keeper::Keeper;
use crate::layer_statistics::Layers;
use crate::leaks::Warning;
use crate::model::Model;
use crate::predict::Predictor;
use crate::prepared::Prepared;
use crate::pretrained::Taken;
use crate::readers::Data;
use crate::settings::Settings;
use crate::split_rows::SplitRows;
use crate::step_losses::StepLosses;
use crate::stored::Stored;
use crate::vigil::Notice;

/// What happens during training, for whoever watches.
///
/// ```
/// use chainrule::trainer::Progress;
/// use chainrule::{Settings, digits, train};
/// let settings = Settings { model: Some("affine:10".parse()?), epochs: 3, ..Settings::default() };
/// let mut losses = Vec::new();
/// train(digits(), &settings, |progress| {
///     if let Progress::Epoch(epoch) = progress {
///         losses.push(epoch.train_loss);
///     }
/// })?;
/// assert!(losses.len() == 3 && losses[2] < losses[0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// Data and network are ready.
    Start(&'a Start),
    /// A step was done.
    Step {
        /// The epoch, from 1.
        epoch: usize,
        /// The step within the epoch, from 1.
        step: usize,
        /// The batch's loss before the step.
        loss: f64,
    },
    /// An epoch was done, and the validation rows scored.
    Epoch(&'a Epoch),
    /// The layers were looked at, in a training that is kept: before the first step, and then after some epoch.
    Layers(&'a Layers),
    /// Something that should be said at once.
    Notice(&'a Notice),
    /// Patience ended the training.
    Stopped {
        /// After this epoch.
        epoch: usize,
        /// The one that none after it was better than.
        best_epoch: usize,
    },
}

/// What is about to be trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// The network.
    pub model: Model,
    /// How many weights and biases it has.
    pub parameters: usize,
    /// How many rows each part has.
    pub parts: Parts,
    /// Steps in an epoch.
    pub steps: usize,
    /// Epochs, with those that are done.
    pub epochs: usize,
    /// Steps that were done before a checkpoint.
    pub done: usize,
    /// What of the data should be known before a score is believed.
    pub warnings: Vec<Warning>,
    /// Of the weights that were given to begin with.
    pub taken: Option<Taken>,
    /// How much it will take.
    pub memory: Memory,
}

/// How many rows are for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Parts {
    /// Learned from.
    pub train: usize,
    /// Chosen by.
    pub validation: usize,
    /// Judged by, once.
    pub test: usize,
}

/// One epoch's record.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Epoch {
    /// From 1.
    pub epoch: usize,
    /// The mean over the epoch's rows, each as it stood when its batch came.
    pub train_loss: f64,
    /// After the epoch; `None` without validation rows.
    pub validation: Option<Scores>,
    /// The learning rate of its last step.
    pub rate: f64,
    /// Since training began.
    pub seconds: f64,
}

impl Epoch {
    /// The loss that a schedule may go by: of the rows to choose by, or else of the training rows.
    pub(crate) fn judged(&self) -> f64 {
        self.validation.map_or(self.train_loss, |scores| scores.loss)
    }
}

/// What training gives.
///
/// ```
/// # use chainrule::{Settings, digits, train};
/// # let settings = Settings { model: Some("affine:10".parse()?), epochs: 2, ..Settings::default() };
/// let trained = train(digits(), &settings, |_progress| {})?;
/// assert_eq!((trained.history.len(), trained.parts.train), (2, 1258));
/// println!("accuracy on the held-out rows: {:?}", trained.test.and_then(|scores| scores.accuracy));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Trained {
    /// The network of the best epoch, ready to judge and predict.
    pub predictor: Predictor,
    /// What was asked for.
    pub settings: Settings,
    /// What the data were: see [`fingerprint`](crate::fingerprint::fingerprint).
    pub fingerprint: String,
    /// How many rows were for what.
    pub parts: Parts,
    /// Each epoch.
    pub history: Vec<Epoch>,
    /// The layers as they were before the first step and after epochs; empty unless the training is [kept](train_kept).
    pub layers: Vec<Layers>,
    /// The losses of its steps; empty unless the training is [kept](train_kept).
    pub losses: StepLosses,
    /// The epoch with the lowest validation loss, from 1; the last without validation rows.
    pub best_epoch: usize,
    /// How long the epochs took.
    pub seconds: f64,
    /// Of the best epoch, on the training rows.
    pub train: Scores,
    /// Of the best epoch, on the validation rows.
    pub validation: Option<Scores>,
    /// Of the best epoch, on the test rows.
    pub test: Option<Scores>,
    /// The rows of the training's own table that it did not learn from.
    pub split_rows: SplitRows,
    /// The test rows one by one, or without any the validation rows; `None` without those too.
    pub held_out: Option<HeldOut>,
    /// What it says of the rows that it learned from and was chosen by.
    pub(crate) seen: Seen,
}

impl Trained {
    /// The epoch that patience stopped the training after; `None` if all were run.
    ///
    /// ```
    /// # use chainrule::{Settings, digits, train};
    /// let model = Some("affine:10".parse()?);
    /// let settings = Settings { model, epochs: 500, patience: Some(1), rate: Some(0.05), ..Settings::default() };
    /// let trained = train(digits(), &settings, |_progress| {})?;
    /// assert!(trained.stopped().is_some_and(|epoch| epoch > trained.best_epoch));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stopped(&self) -> Option<usize> {
        Some(self.history.len()).filter(|&epochs| epochs < self.settings.epochs)
    }
}

/// Why training gave nothing.
///
/// ```
/// use chainrule::trainer::TrainError;
/// use chainrule::{Settings, digits, train};
/// let sgd = chainrule::engine::Rule::Sgd.into();
/// let settings = Settings { optimizer: sgd, rate: Some(1e9), epochs: 2, ..Settings::default() };
/// match train(digits(), &settings, |_progress| {}) {
///     Err(TrainError::Diverged(diverged)) => println!("{diverged}"),
///     other => panic!("{other:?}"),
/// }
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TrainError {
    /// The settings or the data cannot be used.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The loss was no finite number.
    #[error(transparent)]
    Diverged(#[from] Box<Diverged>),
    /// It was told to stop, and a checkpoint holds all of it.
    #[error("stopped after step {step} of epoch {epoch}")]
    Stopped {
        /// The epoch, from 1.
        epoch: usize,
        /// Its last step, from 1.
        step: usize,
    },
}

/// Trains on the processor, telling `watch` of each step and epoch.
///
/// ```
/// use chainrule::{Settings, digits, train};
/// let settings = Settings { model: Some("affine:50 relu affine:10".parse()?), epochs: 20, ..Settings::default() };
/// let trained = train(digits(), &settings, |_progress| {})?;
/// assert!(trained.test.unwrap().accuracy.unwrap() > 0.9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If settings and data do not fit together, or the training diverges.
pub fn train(
    data: impl Into<Data>,
    settings: &Settings,
    watch: impl FnMut(Progress<'_>),
) -> Result<Trained, TrainError> {
    settings.check()?;
    train_on(&Cpu::new(settings.threads()), data, settings, watch)
}

/// Trains on a backend of your choice, such as [`Reference`](chainrule_engine::Reference).
///
/// ```
/// use chainrule::trainer::train_on;
/// use chainrule::{Settings, digits, engine::Reference};
/// let settings = Settings { model: Some("affine:10".parse()?), epochs: 1, ..Settings::default() };
/// // In f64 and without haste: for a look at what rounding does.
/// let trained = train_on(&Reference, digits(), &settings, |_progress| {})?;
/// assert!(trained.test.unwrap().loss < 2.3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`train`].
pub fn train_on<B: Backend>(
    backend: &B,
    data: impl Into<Data>,
    settings: &Settings,
    watch: impl FnMut(Progress<'_>),
) -> Result<Trained, TrainError> {
    settings.check()?;
    train_prepared(backend, Prepared::new(data.into(), settings)?, settings, watch)
}

/// As [`train`], with checkpoints that `keeper` writes, and from the checkpoint `from` on if there is one: then to the same bits as
/// without the interruption.
///
/// ```
/// use std::sync::atomic::{AtomicBool, Ordering};
/// use chainrule::trainer::{Progress, TrainError, train_kept};
/// use chainrule::{Every, Keeper, Settings, Source, digits};
/// # let temporary = tempfile::tempdir()?;
/// # let folder = temporary.path().join("run");
/// let settings = Settings { model: Some("affine:10".parse()?), epochs: 3, ..Settings::default() };
/// let stop = AtomicBool::new(false);
/// let mut keeper = Keeper::begin(&folder, false, &Source::default(), Every::default(), &stop)?;
/// // Someone stops it in its second epoch.
/// let watch = |progress: Progress<'_>| {
///     if matches!(progress, Progress::Step { epoch: 2, step: 5, .. }) {
///         stop.store(true, Ordering::Relaxed);
///     }
/// };
/// let stopped = train_kept(digits(), &settings, &mut keeper, None, watch);
/// assert!(matches!(stopped, Err(TrainError::Stopped { epoch: 2, step: 5 })));
/// drop(keeper);
///
/// // And it goes on, to the same bits as without the stop.
/// stop.store(false, Ordering::Relaxed);
/// let (mut keeper, checkpoint) = Keeper::resume(&folder, Every::default(), &stop)?;
/// let trained = train_kept(digits(), &settings, &mut keeper, Some(checkpoint), |_progress| {})?;
/// assert_eq!((trained.history.len(), trained.losses.as_slice().len()), (3, 3 * 40));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`train`]; or if a checkpoint cannot be written, or `from` is of other data or another network; and
/// [`TrainError::Stopped`] after the last checkpoint where the keeper was told to stop.
pub fn train_kept(
    data: impl Into<Data>,
    settings: &Settings,
    keeper: &mut Keeper<'_>,
    from: Option<Checkpoint>,
    watch: impl FnMut(Progress<'_>),
) -> Result<Trained, TrainError> {
    settings.check()?;
    let prepared = Prepared::new(data.into(), settings)?;
    descend(&Cpu::new(settings.threads()), prepared, settings, Some(keeper), from, watch)
}

/// As [`train_kept`], on a table on disk, to the same bits as in memory.
///
/// ```
/// use std::sync::atomic::AtomicBool;
/// use chainrule::readers::csv::CsvOptions;
/// use chainrule::trainer::train_stored;
/// use chainrule::{Every, Keeper, Settings, Source, Stored};
/// # let temporary = tempfile::tempdir()?;
/// # let path = temporary.path().join("t.csv");
/// # let rows: String = (0..400).map(|i| format!("{},{}\n", i % 20, if i % 20 < 7 { "low" } else { "high" })).collect();
/// # std::fs::write(&path, format!("x,y\n{rows}"))?;
/// let options = CsvOptions { target: Some("y".into()), ..CsvOptions::default() };
/// let stored = Stored::open(&path, &options, 50_000_000)?;
/// let (stop, source) = (AtomicBool::new(false), Source { path: Some(path.clone()), ..Source::default() });
/// let mut keeper = Keeper::begin(&path.with_extension("run"), false, &source, Every::default(), &stop)?;
/// let trained = train_stored(stored, &Settings::default(), &mut keeper, None, |_progress| {})?;
/// assert!(trained.test.unwrap().accuracy.unwrap() > 0.9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`train_kept`], and if the disk fails or is full.
pub fn train_stored(
    stored: Stored,
    settings: &Settings,
    keeper: &mut Keeper<'_>,
    from: Option<Checkpoint>,
    watch: impl FnMut(Progress<'_>),
) -> Result<Trained, TrainError> {
    settings.check()?;
    let prepared = Prepared::stored(stored, settings)?;
    descend(&Cpu::new(settings.threads()), prepared, settings, Some(keeper), from, watch)
}

/// Trains on what was prepared with these settings.
pub(crate) fn train_prepared<B: Backend>(
    backend: &B,
    prepared: Prepared,
    settings: &Settings,
    watch: impl FnMut(Progress<'_>),
) -> Result<Trained, TrainError> {
    descend(backend, prepared, settings, None, None, watch)
}

impl From<BackendError> for InputError {
    fn from(e: BackendError) -> Self {
        let BackendError::Memory { wanted } = e;
        InputError::new("memory", format!("room for {wanted} numbers"), "less", "make the model or the batch smaller")
    }
}
