//! The parameters in training: one step after another, and the way back when one breaks.
//!
//! A checkpoint is one slice of the arena, parameters and then optimizer memory; with it and
//! the number of a step, what follows is determined to the bit.

use chainrule_engine::{Backend, Buf, Clock, Plan, Rows, Span};

use crate::divergence::{Diverged, Suspect};
use crate::encoding::Table;
use crate::examples::{Batches, Examples};
use crate::initial::initial;
use crate::input_error::InputError;
use crate::pretrained::{InitFrom, Taken};
use crate::schedule::Course;
use crate::settings::Settings;
use crate::trainer::{Progress, TrainError};
use crate::weights::{self, Tensor};

/// The number of the step `at` of an epoch of so many `steps`, from 0 over the whole training; `at` counts from 0, epochs from 1.
pub(crate) fn number(epoch: usize, at: usize, steps: usize) -> u64 {
    ((epoch - 1) * steps + at) as u64
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

    /// Takes what a file has of the parameters.
    ///
    /// # Errors
    /// If it has none of them, or other ones.
    pub(crate) fn take(&mut self, from: &InitFrom) -> Result<Taken, InputError> {
        let (values, taken) = from.values(self.suspect.model, self.update.parameters())?;
        for (parameter, values) in self.update.parameters().iter().zip(values) {
            if let Some(values) = values {
                let values: Vec<f64> = values.into_iter().map(f64::from).collect();
                self.backend.write(&mut self.arena, parameter.span, &values);
            }
        }
        Ok(taken)
    }

    /// Where the parameters are, for other plans of the same network.
    pub(crate) fn arena(&mut self) -> &mut B::Arena {
        &mut self.arena
    }

    /// One epoch, from the steps that are `done` on; returns the mean loss of its rows. After each step `after` is told its loss, and
    /// may end it. Where a loss is not finite, `done` is what was before that step, and so are the parameters.
    pub(crate) fn epoch(
        &mut self,
        epoch: usize,
        batches: &mut Batches<'_>,
        done: &mut Done,
        watch: &mut impl FnMut(Progress<'_>),
        mut after: impl FnMut(&Self, Done, f64) -> Result<(), TrainError>,
    ) -> Result<f64, TrainError> {
        // Parameters and optimizer memory as they were then, to replay from.
        let start = (done.steps, self.state());
        let steps = batches.len();
        for at in done.steps..steps {
            let (table, batch) = batches.at(at)?;
            let (loss, rows) = (self.step(number(epoch, at, steps), table, batch)?, batch.len());
            if !loss.is_finite() {
                return Err(Box::new(self.diverged(epoch, at, batches, loss, &start)?).into());
            }
            done.sum += loss * rows as f64;
            done.rows += rows;
            done.steps = at + 1;
            watch(Progress::Step { epoch, step: at + 1, loss });
            after(self, *done, loss)?;
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

    /// The step of this number. Allocates nothing.
    fn step(&mut self, step: u64, table: &Table, batch: &[u32]) -> Result<f64, InputError> {
        self.step_at(step, self.rate(step), table, batch)
    }

    /// The rate of a step, counted from 0 over the whole training.
    pub(crate) fn rate(&self, step: u64) -> f64 {
        self.course.at(step, &self.losses)
    }

    /// What the schedule may go by: an epoch's loss, of the rows to choose by or else of the training rows.
    pub(crate) fn note(&mut self, loss: f64) {
        self.losses.push(loss);
    }

    /// A step on these rows of a table; returns their loss before it. Allocates nothing.
    pub(crate) fn step_at(&mut self, step: u64, rate: f64, table: &Table, batch: &[u32]) -> Result<f64, InputError> {
        let columns = table.columns();
        let rows = Rows::pick(&self.update, &columns, batch)?;
        let clock = Clock { step, rate, seed: self.seed };
        self.backend.run(&self.update, &mut self.arena, &rows, clock);
        Ok(self.loss.map_or(f64::NAN, |loss| self.backend.read_number(&self.update, &self.arena, loss)))
    }

    /// Of a step.
    pub(crate) fn clock(&self, step: u64) -> Clock {
        Clock { step, rate: self.rate(step), seed: self.seed }
    }

    /// Replays the epoch from `start`, a number of steps and the state after them, up to the step that failed, and looks where.
    fn diverged(
        &mut self,
        epoch: usize,
        failed: usize,
        batches: &mut Batches<'_>,
        loss: f64,
        (steps, state): &(usize, Vec<f64>),
    ) -> Result<Diverged, InputError> {
        let everything = self.everything();
        self.backend.write(&mut self.arena, everything, state);
        let length = batches.len();
        for at in *steps..failed {
            let (table, batch) = batches.at(at)?;
            self.step(number(epoch, at, length), table, batch)?;
        }
        let parameters = self.parameters();
        let clock = self.clock(number(epoch, failed, length));
        let (table, rows) = batches.at(failed)?;
        let first = self.suspect.first_not_finite(self.backend, &parameters, table, rows, clock);
        Ok(Diverged {
            epoch,
            step: failed + 1,
            of: "loss",
            loss,
            rate: clock.rate,
            optimizer: self.optimizer,
            first,
            rows: batches.numbers(epoch as u64 - 1, failed),
            number: clock.step + 1,
            kept: None,
        })
    }

    /// After the last step of an epoch no step's loss has seen the parameters yet.
    pub(crate) fn expect_finite(
        &self,
        epoch: usize,
        batches: &mut Batches<'_>,
        validation: Option<f64>,
        examples: &Examples,
        rows: &[u32],
    ) -> Result<(), TrainError> {
        let parameters = self.parameters();
        let (of, loss) = match validation.filter(|loss| !loss.is_finite()) {
            Some(loss) => ("validation loss", loss),
            None => match parameters.iter().find(|value| !value.is_finite()) {
                Some(&value) => ("parameter", value),
                None => return Ok(()),
            },
        };
        let step = batches.len();
        let clock = self.clock(number(epoch, step - 1, step));
        let mut first = None;
        let mut look = |table: &Table, rows: &[u32]| {
            if first.is_none() {
                first = self.suspect.first_not_finite(self.backend, &parameters, table, rows, clock);
            }
            Ok::<(), InputError>(())
        };
        if rows.is_empty() {
            // Without validation rows any row shows which parameter it was.
            let (table, rows) = batches.at(0)?;
            look(table, rows)?;
        } else {
            examples.each(rows, look)?;
        }
        let (rate, number) = (clock.rate, clock.step + 1);
        let (optimizer, rows) = (self.optimizer, Vec::new());
        Err(Box::new(Diverged { epoch, step, of, loss, rate, optimizer, first, rows, number, kept: None }).into())
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
