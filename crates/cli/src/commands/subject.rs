//! The network that `check`, `plan` and `bench` look at: a run's, or that of a SPEC.

use std::path::PathBuf;

use anyhow::Context;
use chainrule::engine::Shape;
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
    /// The layers in order, of affine:N, conv2d:N@K, max_pool:K, flatten, relu, sigmoid and tanh;
    /// with affine:1 last it predicts a number
    #[arg(long, value_name = "SPEC", value_parser = arguments::model, requires = "input")]
    model: Option<Model>,
    /// How many numbers a row has, or an image's channels x height x width: 784, or 1x28x28
    #[arg(long, value_name = "SHAPE", value_parser = arguments::input, requires = "model", conflicts_with = "run")]
    input: Option<Shape>,
}

/// A network, and what it is for.
pub(crate) struct Subject {
    pub(crate) model: Model,
    /// A row: a vector, or an image.
    pub(crate) input: Shape,
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
            let input = self.input.context("--model takes --input as well")?;
            return Ok(Subject { task: task(&model), model, input, run: None });
        };
        let run = Run::open(folder)?;
        let encoding = run.predictor.encoding();
        let (input, task) = (encoding.input.shape()?, encoding.task());
        Ok(Subject { model: run.predictor.model().clone(), input, task, run: Some(run) })
    }
}

/// What `--json` says of a row beside how many numbers it has: an image's channels, height and width.
pub(crate) fn image(input: Shape) -> Option<[usize; 3]> {
    input.axes().try_into().ok()
}

/// A row in words.
pub(crate) fn row(width: usize, image: Option<[usize; 3]>) -> String {
    match image {
        Some([channels, height, width]) => format!("images of {channels}x{height}x{width}"),
        None => format!("{width} numbers a row"),
    }
}

/// One output is a number, more are classes.
fn task(model: &Model) -> Task {
    match model.layers().last() {
        Some(Layer::Affine(outputs @ 2..)) => Task::Classes(*outputs),
        _ => Task::Number,
    }
}
