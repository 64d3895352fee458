//! The network that `check`, `plan` and `bench` look at: a run's, or that of a SPEC.

use std::path::PathBuf;

use anyhow::Context;
use chainrule::engine::Shape;
use chainrule::spec::Layer;
use chainrule::{Loss, Model, Objective, Run, Task};
use clap::{ArgGroup, Args};

use crate::arguments;

// No comment for users: it would stand in place of the command's own.
#[derive(Args)]
#[command(group = ArgGroup::new("network").required(true).args(["run", "model"]))]
pub(crate) struct SubjectArgs {
    /// The folder that `chainrule train` wrote: its network, with its trained parameters
    run: Option<PathBuf>,
    /// The layers in order, of the words that `chainrule list layers` shows;
    /// with affine:1 last it predicts a number
    #[arg(long, value_name = "SPEC", value_parser = arguments::model, requires = "input")]
    model: Option<Model>,
    /// What is made small [default: the run's, or as the last layer says: mean_squared after affine:1]
    #[arg(long, value_name = "NAME", value_parser = arguments::loss, requires = "model", conflicts_with = "run")]
    loss: Option<Loss>,
    /// How many numbers a row has, or an image's channels x height x width: 784, or 1x28x28
    #[arg(long, value_name = "SHAPE", value_parser = arguments::input, requires = "model", conflicts_with = "run")]
    input: Option<Shape>,
}

/// A network, and what it is for.
pub(crate) struct Subject {
    pub(crate) model: Model,
    /// A row: a vector, or an image.
    pub(crate) input: Shape,
    pub(crate) objective: Objective,
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
            let objective = Objective::new(task(&model, self.loss), self.loss)?;
            return Ok(Subject { objective, model, input, run: None });
        };
        let run = Run::open(folder)?;
        let (input, objective) = (run.predictor.encoding().input.shape()?, run.predictor.objective());
        Ok(Subject { model: run.predictor.model().clone(), input, objective, run: Some(run) })
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

/// One output is a number, or which of two classes; more are classes.
fn task(model: &Model, loss: Option<Loss>) -> Task {
    match model.layers().last() {
        Some(Layer::Affine(outputs @ 2..)) => Task::Classes(*outputs),
        _ if loss == Some(Loss::BinaryCrossEntropy) => Task::Classes(2),
        _ => Task::Number,
    }
}
