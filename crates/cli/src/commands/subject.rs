//! The network that `check`, `plan` and `bench` look at: a run's, or that of a SPEC.

use std::path::PathBuf;

use anyhow::Context;
use chainrule::spec::Layer;
use chainrule::{Model, Run, Task};
use clap::{ArgGroup, Args};

use crate::arguments;

// No comment for users: it would stand in place of the command's own.
#[derive(Args)]
#[command(group = ArgGroup::new("network").required(true).args(["run", "model"]))]
pub(crate) struct SubjectArgs {
    /// The folder that `chainrule train` wrote: its network, with its trained parameters
    run: Option<PathBuf>,
    /// The layers in order, of affine:N, relu, sigmoid and tanh; with affine:1 last it predicts a number
    #[arg(long, value_name = "SPEC", value_parser = arguments::model, requires = "input")]
    model: Option<Model>,
    /// How many numbers a row has
    #[arg(long, value_name = "N", value_parser = arguments::count, requires = "model", conflicts_with = "run")]
    input: Option<usize>,
}

/// A network, and what it is for.
pub(crate) struct Subject {
    pub(crate) model: Model,
    /// How many numbers a row has.
    pub(crate) width: usize,
    pub(crate) task: Task,
    /// Where it comes from, if not from a SPEC.
    pub(crate) run: Option<Run>,
}

impl SubjectArgs {
    /// Whether a network was named.
    pub(crate) fn is_given(&self) -> bool {
        self.run.is_some() || self.model.is_some()
    }

    /// The network that was named.
    ///
    /// # Errors
    /// If the run cannot be read.
    pub(crate) fn open(&self) -> anyhow::Result<Subject> {
        let Some(folder) = &self.run else {
            let model = self.model.clone().context("give a RUN or --model")?;
            let width = self.input.context("--model takes --input as well")?;
            return Ok(Subject { task: task(&model), model, width, run: None });
        };
        let run = Run::open(folder)?;
        let encoding = run.predictor.encoding();
        let (width, task) = (encoding.input.width, encoding.task());
        Ok(Subject { model: run.predictor.model().clone(), width, task, run: Some(run) })
    }
}

/// One output is a number, more are classes.
fn task(model: &Model) -> Task {
    match model.layers().last() {
        Some(Layer::Affine(outputs @ 2..)) => Task::Classes(*outputs),
        _ => Task::Number,
    }
}
