//! One step of a training that is over or was interrupted: its batch, forward and back, at the parameters before it, and what it made of them.
//!
//! The parameters between two steps are kept nowhere. But a training is a function of its settings and data, exact to the bit, so that
//! the steps up to this one are done again, from the first, or from the checkpoint of a training that was interrupted. What a
//! schedule goes by is read from the epochs' records; the loss of each epoch that is replayed is held against them.

use std::path::Path;
use std::time::Instant;

use chainrule_engine::{Backend, Cpu, Graph, Plan, Rows, Span};

use crate::checkpoint::Checkpoint;
use crate::divergence::Suspect;
use crate::encoding::{Encoding, Table};
use crate::input_error::InputError;
use crate::model::Build;
use crate::prepared::Prepared;
use crate::run_folder::Run;
use crate::sample_weights::weighed;
use crate::session::{Session, number};
use crate::settings::Settings;
use crate::source::Source;
use crate::trace::{self, Trace};
use crate::trainer::Epoch;

/// A step of a training.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingStep {
    /// The network's SPEC.
    pub model: String,
    /// Its number in the training, from 1.
    pub step: usize,
    /// The epoch it is in, from 1.
    pub epoch: usize,
    /// Its number in the epoch, from 1.
    pub within: usize,
    /// Steps in an epoch.
    pub steps: usize,
    /// Rows of its batch.
    pub rows: usize,
    /// The learning rate.
    pub rate: f64,
    /// How many steps were done again to get there.
    pub replayed: usize,
    /// How long that took.
    pub seconds: f64,
    /// Values of the batch at the parameters before the step, and the gradients of its mean loss (before they are clipped); row values have
    /// an axis of rows in front. There are no local derivatives.
    pub trace: Trace,
    /// Each parameter after the step, under its name; those of a batch norm's statistics too.
    pub after: Vec<(String, Vec<f64>)>,
}

/// What a folder says of a training.
struct Recorded {
    settings: Settings,
    source: Source,
    fingerprint: String,
    encoding: Option<Encoding>,
    history: Vec<Epoch>,
    checkpoint: Option<Checkpoint>,
}

impl Recorded {
    fn read(folder: &Path) -> Result<Recorded, InputError> {
        if !folder.join("run.toml").exists() && folder.join(crate::checkpoint::CHECKPOINT).exists() {
            let checkpoint = Checkpoint::read(folder)?;
            let header = &checkpoint.header;
            return Ok(Recorded {
                settings: header.settings()?,
                source: header.source.clone(),
                fingerprint: header.fingerprint.clone(),
                encoding: None,
                history: header.history.clone(),
                checkpoint: Some(checkpoint),
            });
        }
        let run = Run::open(folder)?;
        let model = Some(run.predictor.model().clone());
        Ok(Recorded {
            settings: Settings { model, ..run.record.training.settings()? },
            source: run.record.data.source.clone(),
            fingerprint: run.record.data.fingerprint.clone(),
            encoding: Some(run.record.encoding()),
            history: run.history()?,
            checkpoint: None,
        })
    }

    /// Rows that were laid out otherwise than the data say were asked to be so, which a run's record says only by its encoding.
    fn prepare(&mut self) -> Result<Prepared, InputError> {
        if let (Some(encoding), None) = (&self.encoding, self.settings.input) {
            let prepared = self.prepare_once()?;
            if prepared.encoding.input.image == encoding.input.image {
                return Ok(prepared);
            }
            self.settings.input = Some(encoding.input.shape()?);
        }
        self.prepare_once()
    }

    fn prepare_once(&self) -> Result<Prepared, InputError> {
        match self.source.stored(None)? {
            Some(stored) => Prepared::stored(stored, &self.settings),
            None => Prepared::new(self.source.open(None)?, &self.settings),
        }
    }
}

impl TrainingStep {
    /// The step of this `number`, from 1, of the training in `folder`; `watch` is told how many of how many steps are done again.
    ///
    /// ```
    /// # use chainrule::{Settings, Source, digits, run_folder, train};
    /// # let temporary = tempfile::tempdir()?;
    /// # let folder = temporary.path().join("run");
    /// # let settings = Settings { model: Some("affine:10".parse()?), epochs: 2, ..Settings::default() };
    /// # let trained = train(digits(), &settings, |_progress| {})?;
    /// # run_folder::save(&folder, &trained, &Source::default(), false)?;
    /// let run = chainrule::Run::open(&folder)?;
    /// let step = chainrule::training_step::TrainingStep::replay(&run.folder, 7, Some(1), |_done, _of| {})?;
    /// assert_eq!((step.epoch, step.within, step.rows), (1, 7, 32));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If there is no such training or step; its data are not where or what they were; or the replay does not give what the training
    /// gave, as another version of the program may not.
    pub fn replay(
        folder: &Path,
        number_of_step: usize,
        threads: Option<usize>,
        mut watch: impl FnMut(usize, usize),
    ) -> Result<TrainingStep, InputError> {
        let mut recorded = Recorded::read(folder)?;
        recorded.settings.threads = threads;
        let prepared = recorded.prepare()?;
        let Recorded { settings, source, fingerprint, history, checkpoint, .. } = recorded;
        if prepared.fingerprint != fingerprint {
            return Err(InputError::new(
                source.name(),
                format!("the data of {}, fingerprint {fingerprint}", folder.display()),
                format!("other data, fingerprint {}", prepared.fingerprint),
                "put the data back as they were",
            ));
        }
        let Prepared { split, objective, input, model, examples, .. } = &prepared;
        let backend = Cpu::new(settings.threads());
        let graph = Graph::new();
        let network = weighed(&graph, model.build(&graph, *input, *objective, Build::Train)?, examples);
        let update = graph.update(network.loss, settings.optimizer)?;
        if let Some(from) = &checkpoint {
            let steps = split.train.len().div_ceil(settings.batch.max(1));
            from.expect_of(steps, update.layout().parameters, update.layout().memory)?;
        }
        let arena = backend.allocate(&[&update], settings.batch.min(split.train.len()))?;
        let suspect = Suspect { graph: &graph, model, network: &network };
        let mut batches = examples.batches(&split.train, &settings)?;
        let steps = batches.len();
        let done = checkpoint.as_ref().map_or(0, |from| number(from.header.place.epoch, from.header.place.step, steps));
        // To the end of the epoch that a checkpoint is in: its rate is known.
        let last = steps * checkpoint.as_ref().map_or(history.len(), |from| from.header.place.epoch);
        if !(1..=last).contains(&number_of_step) {
            let expected = format!("a step from 1 to {last}, {steps} in each epoch");
            return Err(InputError::new(
                folder.display().to_string(),
                expected,
                number_of_step.to_string(),
                "name one of them",
            ));
        }
        let (epoch, within) = ((number_of_step - 1) / steps + 1, (number_of_step - 1) % steps);

        let began = Instant::now();
        let mut session = Session::begin(&backend, arena, update, suspect, &settings, steps);
        let (mut first, mut at, mut sum, mut rows) = (1, 0, 0.0, 0);
        // It holds the state after its last step.
        if let Some(from) = checkpoint.filter(|_| (done as usize) < number_of_step) {
            session.restore(&from.state, history.iter().map(Epoch::judged))?;
            let place = from.header.place;
            (first, at, sum, rows) = (place.epoch, place.step, place.sum, place.rows);
        }
        let begun = number(first, at, steps) as usize;
        for epoch in first..=epoch {
            batches.reshuffle(epoch as u64 - 1)?;
            let end = if number(epoch, steps, steps) < number_of_step as u64 { steps } else { within };
            for at in at..end {
                let (table, batch) = batches.at(at)?;
                let step = number(epoch, at, steps);
                sum += session.step_at(step, session.rate(step), table, batch)? * batch.len() as f64;
                rows += batch.len();
                watch(step as usize + 1 - begun, number_of_step - 1 - begun);
            }
            if let Some(record) = history.get(epoch - 1).filter(|_| end == steps) {
                expect_same(folder, record, sum / rows as f64)?;
                session.note(record.judged());
                (at, sum, rows) = (0, 0.0, 0);
            }
        }
        let (replayed, seconds) = (number_of_step - 1 - begun, began.elapsed().as_secs_f64());

        let parameters = session.parameters();
        let step = number(epoch, within, steps);
        let (table, batch): (&Table, &[u32]) = batches.at(within)?;
        let plan = Plan::compile(&graph, &trace::request(&graph, &network))?;
        let mut traced = backend.allocate(&[&plan], batch.len())?;
        backend.write(&mut traced, Span { offset: 0, len: parameters.len() }, &parameters);
        let columns = table.columns();
        backend.run(&plan, &mut traced, &Rows::pick(&plan, &columns, batch)?, session.clock(step));
        let nodes = trace::nodes(&backend, &traced, &plan, (&graph, &network), Some(batch.len()))?;
        let loss = session.step_at(step, session.rate(step), table, batch)?;
        let after = session.tensors().into_iter();
        Ok(TrainingStep {
            model: model.to_string(),
            step: number_of_step,
            epoch,
            within: within + 1,
            steps,
            rows: batch.len(),
            rate: session.rate(step),
            replayed,
            seconds,
            trace: Trace { nodes, loss },
            after: after.map(|tensor| (tensor.name, tensor.values.into_iter().map(f64::from).collect())).collect(),
        })
    }
}

/// Whether the replay of an epoch gives its record's loss, to the bit.
fn expect_same(folder: &Path, record: &Epoch, loss: f64) -> Result<(), InputError> {
    if loss.to_bits() == record.train_loss.to_bits() {
        return Ok(());
    }
    Err(InputError::new(
        format!("{}, epoch {}", folder.display(), record.epoch),
        format!("the training loss {} of its record again", record.train_loss),
        loss.to_string(),
        "another version of the program or a machine without fused multiply-add trained it: replay it there, or train anew",
    ))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::run_folder::save;
    use crate::{Every, Keeper, Progress, TrainError, digits, train_kept};

    fn settings(model: &str, schedule: &str) -> Settings {
        Settings {
            model: Some(model.parse().unwrap()),
            schedule: crate::choice::parse(schedule).unwrap(),
            epochs: 4,
            threads: Some(1),
            ..Settings::default()
        }
    }

    /// The losses of all steps, and the run.
    fn trained(folder: &Path, settings: &Settings) -> Vec<f64> {
        let never = AtomicBool::new(false);
        let mut keeper = Keeper::begin(folder, false, &Source::default(), Every::default(), &never).unwrap();
        let mut losses = Vec::new();
        let watch = |progress: Progress<'_>| {
            if let Progress::Step { loss, .. } = progress {
                losses.push(loss);
            }
        };
        let trained = train_kept(digits(), settings, &mut keeper, None, watch).unwrap();
        save(folder, &trained, &Source::default(), true).unwrap();
        losses
    }

    fn node<'a>(step: &'a TrainingStep, name: &str) -> &'a trace::TracedNode {
        step.trace.nodes.iter().find(|node| node.name == name).unwrap()
    }

    #[test]
    fn each_step_has_the_loss_that_the_training_met_and_ends_where_the_next_begins() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        let settings = settings("affine:16 batch_norm relu dropout:0.3 affine:10", "plateau:patience=1");
        let losses = trained(&run, &settings);
        let steps = losses.len() / 4;
        let mut before: Option<TrainingStep> = None;
        for step in [1, 2, steps, steps + 1, 4 * steps - 1, 4 * steps] {
            let found = TrainingStep::replay(&run, step, Some(2), |_, _| {}).unwrap();
            assert_eq!(found.trace.loss.to_bits(), losses[step - 1].to_bits(), "step {step}");
            assert_eq!((found.epoch, found.within), ((step - 1) / steps + 1, (step - 1) % steps + 1));
            assert_eq!((found.replayed, node(&found, "x").shape[0]), (step - 1, found.rows));
            if let Some(before) = before.filter(|before| before.step + 1 == step) {
                for (name, after) in &before.after {
                    assert_eq!(&node(&found, name).value, after, "{name} before step {step}");
                }
            }
            before = Some(found);
        }
        let last = before.unwrap();
        let refused = TrainingStep::replay(&run, 4 * steps + 1, None, |_, _| {}).unwrap_err();
        assert_eq!(refused.expected, format!("a step from 1 to {}, {steps} in each epoch", 4 * steps));
        assert_eq!(last.steps, steps);
    }

    /// Plain descent: after = before − rate · gradient, to float32.
    #[test]
    fn a_step_of_sgd_is_the_rate_times_the_gradient() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        let optimizer = crate::choice::parse("sgd").unwrap();
        let settings = Settings { optimizer, ..settings("affine:8 relu affine:10", "cosine") };
        trained(&run, &settings);
        let step = TrainingStep::replay(&run, 55, None, |_, _| {}).unwrap();
        for (name, after) in &step.after {
            let node = node(&step, name);
            for ((&w, &g), &after) in node.value.iter().zip(node.gradient.as_ref().unwrap()).zip(after) {
                assert!((w - step.rate * g - after).abs() <= 1e-6 * w.abs().max(0.01), "{name}: {w} {g} {after}");
            }
        }
    }

    #[test]
    fn an_interrupted_training_is_replayed_from_its_checkpoint_on_and_another_one_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (whole, run) = (folder.path().join("whole"), folder.path().join("run"));
        let settings = settings("affine:8 relu affine:10", "constant");
        let losses = trained(&whole, &settings);
        let stop = AtomicBool::new(false);
        let mut keeper = Keeper::begin(&run, false, &Source::default(), Every::Steps(50), &stop).unwrap();
        let mut steps = 0;
        let stopped = train_kept(digits(), &settings, &mut keeper, None, |progress| {
            steps += usize::from(matches!(progress, Progress::Step { .. }));
            stop.store(steps == 60, Ordering::Relaxed);
        });
        assert!(matches!(stopped, Err(TrainError::Stopped { .. })));
        for (step, replayed) in [(60, 59), (7, 6), (61, 0), (80, 19)] {
            let found = TrainingStep::replay(&run, step, None, |_, _| {}).unwrap();
            assert_eq!((found.replayed, found.trace.loss.to_bits()), (replayed, losses[step - 1].to_bits()));
        }

        let metrics = whole.join("metrics.jsonl");
        let text = std::fs::read_to_string(&metrics).unwrap();
        std::fs::write(&metrics, text.replacen("\"train_loss\":", "\"train_loss\":1", 1)).unwrap();
        assert!(TrainingStep::replay(&whole, 5, None, |_, _| {}).is_ok(), "no epoch is replayed");
        let refused = TrainingStep::replay(&whole, 60, None, |_, _| {}).unwrap_err();
        assert!(refused.place.ends_with("whole, epoch 1"), "{refused}");
    }
}
