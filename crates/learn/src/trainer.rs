//! Training: exact epochs of mini-batches, each a step of gradient descent,
//! `W ← W − η · ∂(mean loss of the batch)/∂W`.
//!
//! Validation rows are scored after each epoch, and the parameters of the best epoch are
//! kept; with a patience training ends when no better one comes. The test rows are read once, at the end, by [`evaluate`] alone.

use std::time::Instant;

use chainrule_engine::{Backend, BackendError, Cpu, Graph, Shape};
use serde::{Deserialize, Serialize};

use crate::checkpoint::{Asked, Checkpoint, Place};
use crate::divergence::{Diverged, Suspect};
use crate::doctor::{Sample, Seen};
use crate::early_stopping::EarlyStopping;
use crate::evaluate::{self, Evaluation, Said, Scores};
use crate::examples::Examples;
use crate::forecast::{Memory, expect_room, needed};
use crate::held_out::{Collector, HeldOut};
use crate::input_error::InputError;
use crate::input_shape::written;
use crate::keeper::Keeper;
use crate::layer_shape::Role;
use crate::layer_statistics::{Layers, Observer, is_due};
use crate::leaks::Warning;
use crate::model::{Build, Model};
use crate::predict::Predictor;
use crate::prepared::{Prepared, no_rows};
use crate::pretrained::Taken;
use crate::readers::Data;
use crate::record::Training;
use crate::run_folder::show_so_far;
use crate::sample_weights::weighed;
use crate::session::{Done, Session, number};
use crate::settings::Settings;
use crate::split_rows::SplitRows;
use crate::step_losses::StepLosses;
use crate::stored::Stored;
use crate::vigil::{Notice, Vigil};

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

/// The epochs, from the first or from a checkpoint on.
fn descend<B: Backend>(
    backend: &B,
    prepared: Prepared,
    settings: &Settings,
    mut keeper: Option<&mut Keeper<'_>>,
    from: Option<Checkpoint>,
    mut watch: impl FnMut(Progress<'_>),
) -> Result<Trained, TrainError> {
    let Prepared {
        fingerprint,
        split,
        encoding,
        objective,
        input,
        model,
        examples,
        own,
        test_rows,
        warnings,
        split_rows,
    } = prepared;
    let chosen_by = own.validation.as_ref().unwrap_or(&examples);
    let graph = Graph::new();
    let network = weighed(&graph, model.build(&graph, input, objective, Build::Train)?, &examples);
    let update = graph.update(network.loss, settings.optimizer).map_err(InputError::from)?;
    let test_graph = Graph::new();
    let test_network = model.build(&test_graph, input, objective, Build::Test)?;
    let evaluation = Evaluation::new(&test_graph, &test_network).map_err(InputError::from)?;
    let asked = Asked {
        model: model.to_string(),
        input: settings.input.map(written),
        training: Training::of(settings),
        fingerprint: fingerprint.clone(),
    };
    if let Some(from) = &from {
        from.header.expect(&asked)?;
        let steps = split.train.len().div_ceil(settings.batch.max(1));
        from.expect_of(steps, update.layout().parameters, update.layout().memory)?;
    }
    let largest = settings.batch.min(split.train.len()).max(evaluate::ROWS);
    let plans = [&update, &evaluation.plan];
    let memory = expect_room(needed(backend, &plans, largest, keeper.is_some()), &examples)?;
    let arena = backend.allocate(&plans, largest).map_err(InputError::from)?;
    let suspect = Suspect { graph: &graph, model: &model, network: &network };
    let parts = Parts { train: split.train.len(), validation: split.validation.len(), test: test_rows.len() };
    let mut batches = examples.batches(&split.train, settings)?;
    let steps = batches.len();
    let mut session = Session::begin(backend, arena, update, suspect, settings, steps);
    // A checkpoint has gone on from them.
    let given = settings.init_from.as_ref().filter(|_| from.is_none());
    let taken = given.map(|file| session.take(file)).transpose()?;
    watch(Progress::Start(&Start {
        model: model.clone(),
        parameters: weights_and_biases(&model, input)?,
        parts,
        steps,
        epochs: settings.epochs,
        done: from.as_ref().map_or(0, |from| (from.header.place.epoch - 1) * steps + from.header.place.step),
        warnings,
        taken,
        memory,
    }));
    let mut observer = match keeper {
        Some(_) => Some(Observer::new(backend, (&graph, &model, &network), &examples, &split.train)?),
        None => None,
    };
    let mut past = Past::default();
    let mut best: Option<Best> = None;
    let mut stopping = EarlyStopping::new(settings.patience);
    let mut vigil = Vigil::default();
    let (mut first, mut done, mut before) = (1, Done::default(), 0.0);
    if let Some(Checkpoint { header, state, best: parameters, losses }) = from {
        session.restore(&state, header.history.iter().map(Epoch::judged))?;
        for epoch in &header.history {
            // It has been said.
            vigil.note(epoch.train_loss);
            if stopping.is_best(epoch.epoch, epoch.validation.map(|scores| scores.loss)) {
                best = Some(Best { epoch: epoch.epoch, validation: epoch.validation, parameters: parameters.clone() });
            }
        }
        let Place { epoch, step, sum, rows, seconds } = header.place;
        (first, done, before) = (epoch, Done { steps: step, sum, rows }, seconds);
        past = Past { history: header.history, layers: header.layers, losses };
    }
    let look = |observer: &mut Option<Observer<'_, B>>, session: &Session<'_, '_, B>, epoch: usize| {
        let clock = session.clock(number(epoch.max(1), 0, steps));
        observer.as_mut().map(|observer| observer.look(epoch, &session.parameters(), clock)).transpose()
    };
    if past.layers.is_empty() && past.history.is_empty() && done.steps == 0 {
        past.layers.extend(look(&mut observer, &session, 0)?);
        past.layers.iter().for_each(|layers| watch(Progress::Layers(layers)));
    }
    let began = Instant::now();
    let seconds = || before + began.elapsed().as_secs_f64();
    let save = |keeper: &mut Keeper<'_>,
                session: &Session<'_, '_, B>,
                (epoch, Done { steps, sum, rows }): (usize, Done),
                best: Option<&Best>,
                past: &Past| {
        let place = Place { epoch, step: steps, sum, rows, seconds: seconds() };
        let parameters = best.map_or(Vec::new(), |best| best.parameters.clone());
        keeper.save(&Checkpoint::new(&asked, keeper.source(), place, past, session.state(), parameters))
    };
    let mut stopped = None;
    for epoch in first..=settings.epochs {
        batches.reshuffle(epoch as u64 - 1)?;
        let after = |session: &Session<'_, '_, B>, done: Done, loss: f64| {
            let Some(keeper) = &mut keeper else { return Ok(()) };
            past.losses.push(loss);
            let stop = keeper.is_to_stop();
            let step = number(epoch, done.steps, steps);
            if stop || keeper.is_due(step, done.steps == steps) {
                save(keeper, session, (epoch, done), best.as_ref(), &past)?;
            }
            if stop { Err(TrainError::Stopped { epoch, step: done.steps }) } else { Ok(()) }
        };
        let train_loss = match session.epoch(epoch, &mut batches, &mut done, &mut watch, after) {
            Err(TrainError::Diverged(mut diverged)) => {
                // To be looked at; where that cannot be written the message is still true.
                diverged.kept = keeper.and_then(|keeper| {
                    save(keeper, &session, (epoch, done), best.as_ref(), &past).ok()?;
                    Some(keeper.folder().to_owned())
                });
                return Err(diverged.into());
            }
            // What there is can be shown.
            Err(TrainError::Stopped { epoch, step }) if best.is_some() => {
                stopped = Some((epoch, step));
                break;
            }
            trained => trained?,
        };
        done = Done::default();
        let validation = evaluation.score(backend, session.arena(), &encoding, chosen_by, &split.validation)?;
        session.expect_finite(epoch, &mut batches, validation.map(|v| v.loss), chosen_by, &split.validation)?;
        let rate = session.rate(number(epoch, steps - 1, steps));
        let record = Epoch { epoch, train_loss, validation, rate, seconds: seconds() };
        session.note(record.judged());
        if stopping.is_best(epoch, validation.map(|scores| scores.loss)) {
            best = Some(Best { epoch, validation, parameters: session.parameters() });
        }
        past.history.push(record);
        watch(Progress::Epoch(&record));
        if let Some(notice) = vigil.note(train_loss) {
            watch(Progress::Notice(&notice));
        }
        let is_over = epoch < settings.epochs && stopping.is_over(epoch);
        if (is_over || is_due(epoch, settings.epochs))
            && let Some(found) = look(&mut observer, &session, epoch)?
        {
            watch(Progress::Layers(&found));
            past.layers.push(found);
        }
        if let Some(best) = best.as_ref().filter(|_| is_over) {
            watch(Progress::Stopped { epoch, best_epoch: best.epoch });
            break;
        }
    }
    let seconds = seconds();

    if let Some(best) = &best {
        session.set(&best.parameters);
    }
    let tensors = session.tensors();
    // The last epoch's are of no more use.
    drop(batches);
    let judges = own.test.as_ref().unwrap_or(&examples);
    // To look at all rows takes longer than one who stops a training waits.
    let mut show = |examples: &Examples, rows: &[u32], see: &mut dyn FnMut(&Said<'_>)| {
        let rows = if stopped.is_some() { &[] } else { rows };
        evaluation.show(backend, session.arena(), &encoding, examples, rows, see)
    };
    let mut seen = Seen { train: Sample::of(split.train.len()), validation: Sample::of(split.validation.len()) };
    let train = show(&examples, &split.train, &mut |said| seen.train.see(said))?;
    let (mut of_validation, mut of_test) = (Collector::default(), Collector::default());
    let validation = show(chosen_by, &split.validation, &mut |said| {
        seen.validation.see(said);
        of_validation.see(said);
    })?;
    let test = show(judges, &test_rows, &mut |said| of_test.see(said))?;
    let held_out = match (test, validation) {
        (Some(_), _) => Some(of_test.finish("test", &encoding, judges)?),
        (None, Some(_)) => Some(of_validation.finish("validation", &encoding, chosen_by)?),
        (None, None) => None,
    };
    let Some(best) = best else { return Err(no_rows().into()) };
    let running = stopped.and_then(|_| past.history.get(best.epoch - 1)).map(|epoch| Scores::of_loss(epoch.train_loss));
    let Some(train) = train.or(running) else { return Err(no_rows().into()) };
    let trained = Trained {
        predictor: Predictor::new(model.clone(), encoding, objective.loss, tensors)?,
        settings: Settings {
            model: Some(model),
            loss: Some(objective.loss),
            rate: Some(settings.rate()),
            ..settings.clone()
        },
        fingerprint,
        parts,
        history: past.history,
        layers: past.layers,
        losses: past.losses,
        best_epoch: best.epoch,
        seconds,
        train,
        validation: best.validation,
        test,
        split_rows,
        held_out,
        seen,
    };
    match (stopped, keeper) {
        (Some((epoch, step)), Some(keeper)) => {
            show_so_far(keeper.folder(), &trained, keeper.source(), (epoch, step))?;
            Err(TrainError::Stopped { epoch, step })
        }
        _ => Ok(trained),
    }
}

/// How many numbers a gradient changes.
fn weights_and_biases(model: &Model, input: Shape) -> Result<usize, InputError> {
    let shapes = model.shapes(input)?;
    let learned = |(role, _): &&(Role, Shape)| matches!(role, Role::Weight | Role::Bias);
    Ok(shapes.iter().flat_map(|layer| &layer.parameters).filter(learned).map(|(_, shape)| shape.len()).sum())
}

impl From<BackendError> for InputError {
    fn from(e: BackendError) -> Self {
        let BackendError::Memory { wanted } = e;
        InputError::new("memory", format!("room for {wanted} numbers"), "less", "make the model or the batch smaller")
    }
}

/// What a training has recorded so far.
#[derive(Default)]
pub(crate) struct Past {
    pub(crate) history: Vec<Epoch>,
    pub(crate) layers: Vec<Layers>,
    pub(crate) losses: StepLosses,
}

/// The best epoch so far.
struct Best {
    epoch: usize,
    validation: Option<Scores>,
    parameters: Vec<f64>,
}
