//! `chainrule plan`: what the machine does for a network, call by call.

use std::io::{Write, stdout};
use std::path::PathBuf;

use anyhow::Context;
use chainrule::engine::{Goal, Graph, Plan, Request, Rule};
use chainrule::spec::Layer;
use chainrule::{InputError, Model, Run, Task};
use clap::{ArgGroup, Args, ValueEnum};

use crate::arguments;

/// Show the compiled plan of a network
///
/// Prints the sweeps, the kernel calls as formulas, their floating-point operations, and
/// where each result lives.
#[derive(Args)]
#[command(group = ArgGroup::new("network").required(true).args(["run", "model"]), after_help = "\
Examples:
  chainrule plan runs/digits-1
  chainrule plan --model 'affine:50 relu affine:10' --input 784 --goal predict")]
pub(crate) struct PlanArgs {
    /// The folder that `chainrule train` wrote
    run: Option<PathBuf>,
    /// The layers in order, of affine:N, relu, sigmoid and tanh; with affine:1 last it predicts a number
    #[arg(long, value_name = "SPEC", value_parser = arguments::model, requires = "input")]
    model: Option<Model>,
    /// How many numbers a row has
    #[arg(long, value_name = "N", value_parser = arguments::count, requires = "model")]
    input: Option<usize>,
    /// What the plan delivers
    #[arg(long, value_enum, default_value_t = Delivers::Update)]
    goal: Delivers,
    /// sgd, momentum or adam [default: the run's, or adam]
    #[arg(long, value_name = "NAME", value_parser = arguments::optimizer)]
    optimizer: Option<Rule>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Delivers {
    /// The outputs
    Predict,
    /// The loss
    Loss,
    /// The loss and the gradients
    Gradients,
    /// One training step
    Update,
}

/// Compiles and prints.
pub(crate) fn run(args: &PlanArgs) -> anyhow::Result<()> {
    let mut rule = args.optimizer;
    let (model, width, task) = match &args.run {
        Some(folder) => {
            let run = Run::open(folder)?;
            rule = rule.or_else(|| Rule::named(&run.record.training.optimizer));
            let encoding = run.predictor.encoding();
            (run.predictor.model().clone(), encoding.input.width, encoding.task())
        }
        None => {
            let model = args.model.clone().context("plan takes a RUN or --model")?;
            let task = task(&model);
            (model, args.input.context("--model takes --input as well")?, task)
        }
    };
    let graph = Graph::new();
    let network = model.build(&graph, width, task)?;
    let goal = match args.goal {
        Delivers::Predict => Goal::Predict,
        Delivers::Loss => Goal::Loss,
        Delivers::Gradients => Goal::Gradients,
        Delivers::Update => Goal::Update(rule.unwrap_or(Rule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 })),
    };
    let outputs = if goal == Goal::Predict { vec![network.y.id()] } else { Vec::new() };
    let request = Request { goal, loss: Some(network.loss.id()), outputs, ..Request::default() };
    let plan = Plan::compile(&graph, &request).map_err(InputError::from)?;
    write!(stdout().lock(), "{plan}")?;
    Ok(())
}

/// One output is a number, more are classes.
pub(crate) fn task(model: &Model) -> Task {
    match model.layers().last() {
        Some(Layer::Affine(outputs @ 2..)) => Task::Classes(*outputs),
        _ => Task::Number,
    }
}
