//! `chainrule doctor`: what is wrong with a run, since when, and what to try.

use std::io::{Write, stdout};
use std::path::PathBuf;

use chainrule::{Examination, Finding, Run, examine, settings::all_threads};
use clap::Args;
use serde::Serialize;

use crate::arguments;
use crate::outcome::{No, tell};

/// What is wrong with a run, and what to try
///
/// Looks at a run's epochs, its layers, and its network's answers for the training and validation rows, for: exploding and
/// vanishing gradients, dead relus, saturation, a rate that is too high or too low, imbalance, classes that are never predicted, labels that look
/// wrong, a validation part that is too small, overfitting and underfitting. The first finding is to be mended first: the others may
/// come of it. Exit status 0: healthy; 1: something was found.
#[derive(Args)]
#[command(after_help = "\
Examples:
  chainrule doctor runs/digits-1
  chainrule doctor runs/adult-1 --json")]
pub(crate) struct DoctorArgs {
    /// The folder that `chainrule train` wrote
    run: PathBuf,
    /// Threads; they change no result [default: all]
    #[arg(long, value_name = "N", value_parser = arguments::threads)]
    threads: Option<usize>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// All that is printed.
#[derive(Serialize)]
struct Report<'a> {
    run: String,
    healthy: bool,
    findings: &'a [Finding],
    /// Why the data could not be looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    without_data: Option<String>,
}

/// Examines, and prints what was found.
pub(crate) fn run(args: &DoctorArgs) -> anyhow::Result<()> {
    let run = Run::open(&args.run)?;
    let Examination { findings, without_data } = examine(&run, args.threads.unwrap_or_else(all_threads))?;
    let report = Report {
        run: args.run.display().to_string(),
        healthy: findings.is_empty(),
        findings: &findings,
        without_data: without_data.map(|e| e.to_string()),
    };
    if let Some(e) = &report.without_data {
        tell(&format!("warning: the data could not be looked at, and what only they show was left out\n  {e}"));
    }
    let page = if args.json { serde_json::to_string(&report)? + "\n" } else { page(&report) };
    stdout().lock().write_all(page.as_bytes())?;
    match findings.first() {
        Some(first) => Err(No(format!("{} is not healthy: {}", report.run, first.illness)).into()),
        None => Ok(()),
    }
}

fn page(report: &Report<'_>) -> String {
    if report.healthy {
        return format!("{}: healthy\n", report.run);
    }
    let finding = |finding: &Finding| {
        let since = match finding.since {
            None => "in the data".to_owned(),
            Some(0) => "since before the first step".to_owned(),
            Some(epoch) => format!("since epoch {epoch}"),
        };
        let advice: String = finding.advice.iter().map(|command| format!("  try: {command}\n")).collect();
        format!("{}, {since}\n  {}\n{advice}", finding.illness, finding.says)
    };
    report.findings.iter().map(finding).collect::<Vec<_>>().join("\n")
}
