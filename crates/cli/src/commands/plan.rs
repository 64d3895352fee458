//! `chainrule plan`: what the machine does for a network, call by call.

use std::io::{Write, stdout};

use chainrule::InputError;
use chainrule::engine::{Goal, Graph, Plan, Request, Rule};
use clap::{Args, ValueEnum};

use super::subject::{Subject, SubjectArgs};
use crate::arguments;

/// Show the compiled plan of a network
///
/// Prints the sweeps, the kernel calls as formulas, their floating-point operations, and
/// where each result lives.
#[derive(Args)]
#[command(after_help = "\
Examples:
  chainrule plan runs/digits-1
  chainrule plan --model 'affine:50 relu affine:10' --input 784 --goal predict")]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    subject: SubjectArgs,
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
    let Subject { model, width, task, run } = args.subject.open()?;
    let trained = || Rule::named(&run.as_ref()?.record.training.optimizer);
    let rule = args.optimizer.or_else(trained);
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
