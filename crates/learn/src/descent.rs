//! The epochs of a training, from the first or from a checkpoint on: steps, scores, the best parameters, checkpoints, and at the end what
//! came out.

use std::time::Instant;

use chainrule_engine::{Backend, Graph, Shape};

use crate::checkpoint::{Asked, Checkpoint, Place};
use crate::divergence::Suspect;
use crate::doctor::{Sample, Seen};
use crate::early_stopping::EarlyStopping;
use crate::evaluate::{self, Evaluation, Said, Scores};
use crate::examples::Examples;
use crate::forecast::{expect_room, needed};
use crate::held_out::Collector;
use crate::input_error::InputError;
use crate::input_shape::written;
use crate::keeper::Keeper;
use crate::layer_shape::Role;
use crate::layer_statistics::{Layers, Observer, is_due};
use crate::model::{Build, Model};
use crate::predict::Predictor;
use crate::prepared::{Prepared, no_rows};
use crate::record::Training;
use crate::run_folder::show_so_far;
use crate::sample_weights::weighed;
use crate::session::{Done, Session, number};
use crate::settings::Settings;
use crate::step_losses::StepLosses;
use crate::trainer::{Epoch, Parts, Progress, Start, TrainError, Trained};
use crate::vigil::Vigil;

/// The epochs, from the first or from a checkpoint on.
pub(crate) fn descend<B: Backend>(
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
