//! `chainrule bench`: how fast a network learns on this machine, and how near that is to what the machine can do.
//!
//! The limit is arithmetic at the measured peak and, after it, the optimizer's bytes at the measured bandwidth: the
//! two that no plan avoids. Activations may stay in cache, so they are not counted.

use std::io::{Write, stdout};
use std::time::Duration;

use chainrule::engine::{Cpu, Graph, Optimizer, Rule};
use chainrule::record::Training;
use chainrule::settings::all_threads;
use chainrule::{Build, InputError, Objective, Task};
use clap::Args;
use serde::Serialize;

use super::subject::{Subject, SubjectArgs, image, row};
use crate::arguments;
use crate::calls::{Call, Time, calls};
use crate::rehearsal::Rehearsal;
use crate::table::table;

/// So many calls are on the page; all are in the JSON.
const MOST_EXPENSIVE: usize = 8;

/// Time a training step against the machine's limit
///
/// Measures the machine's peak of multiply-adds, its memory bandwidth and how soon its threads meet
/// (cores that share no cache take several times as long, and small steps on them longer), then
/// training steps on random mini-batches, then each call of a step. Without RUN or --model, on the network
/// affine:50 relu affine:10 with 784 inputs, batch 100, sgd. Nothing else should be running.
#[derive(Args)]
#[command(
    mut_group("network", |network| network.required(false)),
    after_help = "\
Examples:
  chainrule bench
  chainrule bench runs/digits-1 --seconds 10
  chainrule bench --model 'affine:1024 relu affine:10' --input 784 --batch 128 --optimizer adam --json"
)]
pub(crate) struct BenchArgs {
    #[command(flatten)]
    subject: SubjectArgs,
    /// Rows in a step [default: the run's, or 100]
    #[arg(long, value_name = "N", value_parser = arguments::count)]
    batch: Option<usize>,
    /// Such as sgd, or adam,beta1=0.8; `chainrule train --help` names them all [default: the run's, or sgd]
    #[arg(long, value_name = "OPTIMIZER", value_parser = arguments::optimizer)]
    optimizer: Option<Optimizer>,
    /// Threads [default: all]
    #[arg(long, value_name = "N", value_parser = arguments::threads)]
    threads: Option<usize>,
    /// Which of the machine's instruction sets to use: avx512, avx2 or portable [default: the best it has]
    #[arg(long, value_name = "SET", value_parser = arguments::instructions)]
    instructions: Option<String>,
    /// How long steps are timed
    #[arg(long, value_name = "S", value_parser = arguments::seconds, default_value = "3")]
    seconds: Duration,
    /// Print one JSON object, with all calls
    #[arg(long)]
    json: bool,
}

/// Measures and prints.
pub(crate) fn run(args: &BenchArgs) -> anyhow::Result<()> {
    let subject = if args.subject.is_given() { args.subject.open()? } else { book()? };
    let trained = subject.run.as_ref().map(|run| &run.record.training);
    let optimizer = match (args.optimizer, trained) {
        (Some(optimizer), _) => optimizer,
        (None, Some(trained)) => Training::optimizer(trained)?,
        (None, None) => Rule::Sgd.into(),
    };
    let batch = args.batch.or(trained.map(|training| training.batch)).unwrap_or(100);
    let graph = Graph::new();
    let network = subject.model.build(&graph, subject.input, subject.objective, Build::Train)?;
    let plan = graph.update(network.loss, optimizer).map_err(InputError::from)?;
    let threads = args.threads.unwrap_or_else(all_threads);
    let cpu = args.instructions.as_deref().and_then(|set| Cpu::of(set, threads)).unwrap_or_else(|| Cpu::new(threads));
    let mut rehearsal = Rehearsal::new(&subject, &plan, cpu, batch)?;
    let report = Report::measure(&subject, &mut rehearsal, batch, optimizer, args.seconds)?;
    let page = if args.json { serde_json::to_string(&report)? + "\n" } else { report.page() };
    stdout().lock().write_all(page.as_bytes())?;
    Ok(())
}

/// The network of *Deep Learning from Scratch*.
fn book() -> Result<Subject, InputError> {
    Ok(Subject {
        model: "affine:50 relu affine:10".parse()?,
        input: [784].into(),
        objective: Objective::usual(Task::Classes(10)),
        run: None,
    })
}

/// All that is printed.
#[derive(Serialize)]
struct Report {
    model: String,
    input: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<[usize; 3]>,
    batch: usize,
    optimizer: &'static str,
    machine: MachineReport,
    step: Step,
    measured: Measured,
    limit: Limit,
    /// Of the limit: its time by the measured time.
    fraction: f64,
    /// On one thread.
    calls: Vec<Call>,
}

#[derive(Serialize)]
struct MachineReport {
    instruction_set: &'static str,
    threads: usize,
    /// FLOP/s, of all threads.
    peak_flops: f64,
    /// Bytes a second, of all threads.
    bandwidth: f64,
    /// Until all threads that are called have met.
    meeting_us: f64,
}

#[derive(Serialize)]
struct Step {
    flops: u64,
    optimizer_bytes: u64,
    parameters: usize,
}

/// Microseconds a step.
#[derive(Serialize)]
struct Measured {
    steps: usize,
    median_us: f64,
    p10_us: f64,
    p90_us: f64,
    examples_per_second: f64,
}

/// Microseconds a step.
#[derive(Serialize)]
struct Limit {
    flops_us: f64,
    bytes_us: f64,
    us: f64,
}

impl Report {
    fn measure(
        subject: &Subject,
        rehearsal: &mut Rehearsal<'_>,
        batch: usize,
        optimizer: Optimizer,
        long: Duration,
    ) -> anyhow::Result<Report> {
        let (plan, cpu) = (rehearsal.plan, &rehearsal.cpu);
        let peak = cpu.measure().map_err(InputError::from)?;
        let machine = MachineReport {
            instruction_set: cpu.instruction_set(),
            threads: cpu.threads(),
            peak_flops: peak.peak_flops,
            bandwidth: peak.bandwidth,
            meeting_us: peak.meeting * 1e6,
        };
        let times = rehearsal.time(long)?;
        let percentile = |percent: usize| times[(times.len() - 1) * percent / 100] * 1e6;
        let step = Step {
            flops: plan.flops().per_row * batch as u64 + plan.flops().once,
            optimizer_bytes: plan.optimizer_bytes(),
            parameters: plan.parameters().iter().map(|p| p.span.len).sum(),
        };
        let flops_us = step.flops as f64 / peak.peak_flops * 1e6;
        let bytes_us = step.optimizer_bytes as f64 / peak.bandwidth * 1e6;
        let (limit, median_us) = (flops_us + bytes_us, percentile(50));
        Ok(Report {
            model: subject.model.to_string(),
            input: subject.input.len(),
            image: image(subject.input),
            batch,
            optimizer: optimizer.name(),
            machine,
            step,
            measured: Measured {
                steps: times.len(),
                median_us,
                p10_us: percentile(10),
                p90_us: percentile(90),
                examples_per_second: batch as f64 / median_us * 1e6,
            },
            limit: Limit { flops_us, bytes_us, us: limit },
            fraction: limit / median_us,
            calls: calls(plan, Some(&rehearsal.profile()?)),
        })
    }

    fn page(&self) -> String {
        let Report { model, batch, optimizer, machine, step, measured, limit, .. } = self;
        let row = row(self.input, self.image);
        let rows = [
            (
                "machine",
                format!(
                    "{}, {} thread{}: {:.1} GFLOP/s, {:.1} GB/s, a meeting takes {:.2} µs",
                    machine.instruction_set,
                    machine.threads,
                    if machine.threads == 1 { "" } else { "s" },
                    machine.peak_flops / 1e9,
                    machine.bandwidth / 1e9,
                    machine.meeting_us
                ),
            ),
            (
                "step",
                format!(
                    "{:.3} MFLOP, {:.3} MB for the optimizer, {} parameters",
                    step.flops as f64 / 1e6,
                    step.optimizer_bytes as f64 / 1e6,
                    step.parameters
                ),
            ),
            (
                "measured",
                format!(
                    "{:.1} µs, a tenth below {:.1}, a tenth above {:.1}, {} steps; {:.0} examples/s",
                    measured.median_us, measured.p10_us, measured.p90_us, measured.steps, measured.examples_per_second
                ),
            ),
            (
                "limit",
                format!("{:.1} µs, {:.1} for FLOPs and {:.1} for bytes", limit.us, limit.flops_us, limit.bytes_us),
            ),
            ("reached", format!("{:.2} of the limit", self.fraction)),
        ];
        let lines = table(rows.map(|(name, text)| vec![name.to_owned(), text]), |_| false);
        format!(
            "{model}, {row}, batch {batch}, {optimizer}\n\n{lines}\n\
             The most expensive calls, on one thread:\n{}",
            self.most_expensive()
        )
    }

    fn most_expensive(&self) -> String {
        let mut timed: Vec<_> = self.calls.iter().filter_map(|call| Some((call, call.time?))).collect();
        timed.sort_by(|(_, a), (_, b)| b.microseconds.total_cmp(&a.microseconds));
        let row = |(call, time): &(&Call, Time)| {
            let [microseconds, share] = time.columns();
            vec![call.number.to_string(), microseconds, share, format!("{} = {}", call.result, call.formula)]
        };
        table(timed.iter().take(MOST_EXPENSIVE).map(row), |column| column < 3)
    }
}
