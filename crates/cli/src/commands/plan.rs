//! `chainrule plan`: what the machine does for a network, call by call, and how long each call takes.

use std::io::{Write, stdout};

use chainrule::engine::{Cpu, Goal, Graph, Optimizer, Plan, Request};
use chainrule::record::Training;
use chainrule::{Build, InputError, Settings};
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::subject::{Subject, SubjectArgs, image};
use crate::arguments;
use crate::calls::{Call, calls};
use crate::rehearsal::Rehearsal;

/// Show the compiled plan of a network
///
/// Prints the sweeps, the kernel calls as formulas, their floating-point operations, and
/// where each result lives.
#[derive(Args)]
#[command(after_help = "\
Examples:
  chainrule plan runs/digits-1
  chainrule plan --model 'affine:50 relu affine:10' --input 784 --goal predict
  chainrule plan --model 'affine:50 relu affine:10' --input 784 --profile --batch 100")]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    subject: SubjectArgs,
    /// What the plan delivers
    #[arg(long, value_enum, default_value_t = Delivers::Update)]
    goal: Delivers,
    /// Such as sgd, or adam,beta1=0.8; `chainrule train --help` names them all [default: the run's, or adam]
    #[arg(long, value_name = "OPTIMIZER", value_parser = arguments::optimizer)]
    optimizer: Option<Optimizer>,
    /// Put beside each call what it takes on one thread, the median of several runs on random rows; rows
    /// that a product gathers count with the product
    #[arg(long)]
    profile: bool,
    /// Rows of a profiled run [default: the run's, or 100]
    #[arg(long, value_name = "N", value_parser = arguments::count, requires = "profile")]
    batch: Option<usize>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
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
    let subject = args.subject.open()?;
    let trained = subject.run.as_ref().map(|run| &run.record.training);
    let optimizer = match args.optimizer {
        Some(optimizer) => Some(optimizer),
        None => trained.map(Training::optimizer).transpose()?,
    };
    let graph = Graph::new();
    let build = match args.goal {
        Delivers::Gradients | Delivers::Update => Build::Train,
        Delivers::Predict | Delivers::Loss => Build::Test,
    };
    let network = subject.model.build(&graph, subject.input, subject.objective, build)?;
    let goal = match args.goal {
        Delivers::Predict => Goal::Predict,
        Delivers::Loss => Goal::Loss,
        Delivers::Gradients => Goal::Gradients,
        Delivers::Update => Goal::Update(optimizer.unwrap_or(Settings::default().optimizer)),
    };
    let outputs = if goal == Goal::Predict { vec![network.y.id()] } else { Vec::new() };
    let request = Request { goal, loss: Some(network.loss.id()), outputs, ..Request::default() };
    let plan = Plan::compile(&graph, &request).map_err(InputError::from)?;
    let batch = args.batch.or(trained.map(|training| training.batch)).unwrap_or(100);
    let seconds = args.profile.then(|| profile(&subject, &plan, batch)).transpose()?;
    let calls = calls(&plan, seconds.as_deref());
    let page = if args.json {
        let flops = plan.flops();
        let report = Report {
            model: subject.model.to_string(),
            input: subject.input.len(),
            image: image(subject.input),
            batch: args.profile.then_some(batch),
            flops_per_row: flops.per_row,
            flops_once: flops.once,
            optimizer_bytes: plan.optimizer_bytes(),
            calls,
        };
        serde_json::to_string(&report)? + "\n"
    } else {
        page(&plan, &calls, batch)
    };
    stdout().lock().write_all(page.as_bytes())?;
    Ok(())
}

/// The seconds of each call, on one thread.
fn profile(subject: &Subject, plan: &Plan, batch: usize) -> anyhow::Result<Vec<f64>> {
    Ok(Rehearsal::new(subject, plan, Cpu::new(1), batch)?.profile()?)
}

/// All that `--json` prints.
#[derive(Serialize)]
struct Report {
    model: String,
    input: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<[usize; 3]>,
    /// Of the profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    batch: Option<usize>,
    flops_per_row: u64,
    flops_once: u64,
    optimizer_bytes: u64,
    calls: Vec<Call>,
}

/// The listing, with the times if there are any, and their sum.
fn page(plan: &Plan, calls: &[Call], batch: usize) -> String {
    let times: Vec<_> = calls.iter().filter_map(|call| call.time).collect();
    if times.is_empty() {
        return plan.to_string();
    }
    let beside = times.iter().map(|time| {
        let [microseconds, share] = time.columns();
        format!("{microseconds} {share:>4}")
    });
    let total: f64 = times.iter().map(|time| time.microseconds).sum();
    let listing = plan.listing(&beside.collect::<Vec<_>>()).to_string();
    format!("{listing}\nmeasured: {total:.1} µs in all, on one thread, with {batch} rows\n")
}
