//! The parameters in training: one step after another, and the way back when one breaks.
//!
//! A checkpoint is one slice of the arena, parameters and then optimizer memory; with it and
//! the number of a step, what follows is determined to the bit.

use chainrule_engine::{Backend, Buf, Clock, Plan, Rows, Span};

use crate::divergence::{Diverged, Suspect};
use crate::evaluate::ROWS;
use crate::initial::initial;
use crate::input_error::InputError;
use crate::mini_batch::MiniBatches;
use crate::schedule::Course;
use crate::settings::Settings;
use crate::trainer::{Progress, TrainError};
use crate::weights::{self, Tensor};

/// The number of the step `at` of an epoch, from 0 over the whole training; `at` counts from 0, epochs from 1.
pub(crate) fn number(epoch: usize, at: usize, batches: &MiniBatches) -> u64 {
    ((epoch - 1) * batches.len() + at) as u64
}

/// What is done of an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Done {
    pub(crate) steps: usize,
    /// The sum of the rows' losses.
    pub(crate) sum: f64,
    pub(crate) rows: usize,
}

/// Parameters in training.
pub(crate) struct Session<'a, 'g, B: Backend> {
    backend: &'a B,
    arena: B::Arena,
    update: Plan,
    loss: Option<Buf>,
    suspect: Suspect<'a, 'g>,
    optimizer: &'static str,
    course: Course,
    /// Of each epoch so far: what a schedule may go by.
    losses: Vec<f64>,
    seed: u64,
}

impl<'a, 'g, B: Backend> Session<'a, 'g, B> {
    /// Initial parameters in an arena for `update`, before epochs of so many `steps`.
    pub(crate) fn begin(
        backend: &'a B,
        mut arena: B::Arena,
        update: Plan,
        suspect: Suspect<'a, 'g>,
        settings: &Settings,
        steps: usize,
    ) -> Self {
        for (number, parameter) in update.parameters().iter().enumerate() {
            let values = initial(suspect.model, settings.initial, number, parameter.shape, settings.seed);
            backend.write(&mut arena, parameter.span, &values);
        }
        let (optimizer, course) = (settings.optimizer.name(), settings.course(steps));
        let (losses, seed) = (Vec::new(), settings.seed);
        Session { backend, arena, loss: update.loss(), update, suspect, optimizer, course, losses, seed }
    }

    /// Where the parameters are, for other plans of the same network.
    pub(crate) fn arena(&mut self) -> &mut B::Arena {
        &mut self.arena
    }

    /// One epoch, from the steps that are `done` on; returns the mean loss of its rows. After each step `after` is asked, and may
    /// end it.
    pub(crate) fn epoch(
        &mut self,
        epoch: usize,
        batches: &MiniBatches,
        mut done: Done,
        watch: &mut impl FnMut(Progress<'_>),
        mut after: impl FnMut(&Self, Done) -> Result<(), TrainError>,
    ) -> Result<f64, TrainError> {
        // Parameters and optimizer memory as they were then, to replay from.
        let start = (done.steps, self.state());
        for (at, batch) in batches.iter().enumerate().skip(done.steps) {
            let loss = self.step(epoch, at, batches, batch)?;
            if !loss.is_finite() {
                return Err(self.diverged(epoch, at, batches, loss, &start)?.into());
            }
            done.sum += loss * batch.len() as f64;
            done.rows += batch.len();
            done.steps = at + 1;
            watch(Progress::Step { epoch, step: at + 1, loss });
            after(self, done)?;
        }
        Ok(done.sum / done.rows as f64)
    }

    /// Goes back to a [`state`](Self::state), after epochs of such losses.
    ///
    /// # Errors
    /// If it is of another network.
    pub(crate) fn restore(&mut self, state: &[f64], losses: impl Iterator<Item = f64>) -> Result<(), InputError> {
        let everything = self.everything();
        if state.len() != everything.len {
            let (expected, found) = (format!("{} numbers", everything.len), state.len().to_string());
            return Err(InputError::new("checkpoint", expected, found, "it is of another network: train anew"));
        }
        self.backend.write(&mut self.arena, everything, state);
        self.losses = losses.collect();
        Ok(())
    }

    /// Parameters and optimizer memory.
    pub(crate) fn state(&self) -> Vec<f64> {
        self.backend.read_span(&self.arena, self.everything())
    }

    /// The step number `at` of the epoch, from 0. Allocates nothing.
    fn step(&mut self, epoch: usize, at: usize, batches: &MiniBatches, batch: &[u32]) -> Result<f64, InputError> {
        let step = number(epoch, at, batches);
        self.step_at(step, self.rate(step), batch)
    }

    /// The rate of a step, counted from 0 over the whole training.
    pub(crate) fn rate(&self, step: u64) -> f64 {
        self.course.at(step, &self.losses)
    }

    /// What the schedule may go by: an epoch's loss, of the rows to choose by or else of the training rows.
    pub(crate) fn note(&mut self, loss: f64) {
        self.losses.push(loss);
    }

    /// A step on these rows; returns their loss before it. Allocates nothing.
    pub(crate) fn step_at(&mut self, step: u64, rate: f64, batch: &[u32]) -> Result<f64, InputError> {
        let columns = self.suspect.table.columns();
        let rows = Rows::pick(&self.update, &columns, batch)?;
        let clock = Clock { step, rate, seed: self.seed };
        self.backend.run(&self.update, &mut self.arena, &rows, clock);
        Ok(self.loss.map_or(f64::NAN, |loss| self.backend.read_number(&self.update, &self.arena, loss)))
    }

    /// Of the step number `at` of the epoch, from 0.
    fn clock(&self, epoch: usize, at: usize, batches: &MiniBatches) -> Clock {
        let step = number(epoch, at, batches);
        Clock { step, rate: self.rate(step), seed: self.seed }
    }

    /// Replays the epoch from `start`, a number of steps and the state after them, up to the step that failed, and looks where.
    fn diverged(
        &mut self,
        epoch: usize,
        failed: usize,
        batches: &MiniBatches,
        loss: f64,
        (steps, state): &(usize, Vec<f64>),
    ) -> Result<Diverged, InputError> {
        let everything = self.everything();
        self.backend.write(&mut self.arena, everything, state);
        for (at, batch) in batches.iter().enumerate().take(failed).skip(*steps) {
            self.step(epoch, at, batches, batch)?;
        }
        let parameters = self.parameters();
        let rows = batches.iter().nth(failed).unwrap_or_default();
        let clock = self.clock(epoch, failed, batches);
        let first = self.suspect.first_not_finite(self.backend, &parameters, rows, clock);
        Ok(Diverged { epoch, step: failed + 1, of: "loss", loss, rate: clock.rate, optimizer: self.optimizer, first })
    }

    /// After the last step of an epoch no step's loss has seen the parameters yet.
    pub(crate) fn expect_finite(
        &self,
        epoch: usize,
        batches: &MiniBatches,
        validation: Option<f64>,
        rows: &[u32],
    ) -> Result<(), Diverged> {
        let parameters = self.parameters();
        let (of, loss) = match validation.filter(|loss| !loss.is_finite()) {
            Some(loss) => ("validation loss", loss),
            None => match parameters.iter().find(|value| !value.is_finite()) {
                Some(&value) => ("parameter", value),
                None => return Ok(()),
            },
        };
        // Without validation rows any row shows which parameter it was.
        let rows = if rows.is_empty() { batches.iter().next().unwrap_or_default() } else { rows };
        let mut chunks = rows.chunks(ROWS);
        let clock = self.clock(epoch, batches.len() - 1, batches);
        let first = chunks.find_map(|rows| self.suspect.first_not_finite(self.backend, &parameters, rows, clock));
        let (step, rate) = (batches.len(), clock.rate);
        Err(Diverged { epoch, step, of, loss, rate, optimizer: self.optimizer, first })
    }

    fn everything(&self) -> Span {
        let layout = self.update.layout();
        Span { offset: 0, len: layout.parameters + layout.memory }
    }

    /// All parameters as they lie, gaps included.
    pub(crate) fn parameters(&self) -> Vec<f64> {
        self.backend.read_span(&self.arena, Span { offset: 0, len: self.update.layout().parameters })
    }

    /// Puts [`parameters`](Self::parameters) back.
    pub(crate) fn set(&mut self, parameters: &[f64]) {
        self.backend.write(&mut self.arena, Span { offset: 0, len: parameters.len() }, parameters);
    }

    /// The parameters by name.
    pub(crate) fn tensors(&self) -> Vec<Tensor> {
        weights::tensors(self.backend, &self.arena, &self.update)
    }
}
