//! `chainrule doctor`: what is wrong with a run, since when, and what to try.

use std::io::{Write, stdout};
use std::path::PathBuf;

use chainrule::{Finding, Illness, Run};
use clap::Args;
use serde::Serialize;

use crate::outcome::No;

/// What is wrong with a run, and what to try
///
/// What a training was examined for as it ended, in its epochs, its layers, and its network's answers for training and validation rows: exploding and
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
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// All that is printed.
#[derive(Serialize)]
struct Report<'a> {
    run: String,
    healthy: bool,
    findings: Vec<Told<'a>>,
}

/// A finding with its commands as they are typed.
#[derive(Serialize)]
struct Told<'a> {
    illness: Illness,
    since: Option<usize>,
    says: &'a str,
    advice: Vec<String>,
    #[serde(skip)]
    when: String,
}

impl Told<'_> {
    fn of<'a>(finding: &'a Finding, run: &str) -> Told<'a> {
        Told {
            illness: finding.illness,
            since: finding.since,
            says: &finding.says,
            advice: finding.advice.iter().map(|advice| advice.typed(run)).collect(),
            when: finding.when(),
        }
    }
}

/// Reads what was found, and prints it.
pub(crate) fn run(args: &DoctorArgs) -> anyhow::Result<()> {
    let findings = Run::open(&args.run)?.findings()?;
    let run = args.run.display().to_string();
    let told = findings.iter().map(|finding| Told::of(finding, &run)).collect();
    let report = Report { run: run.clone(), healthy: findings.is_empty(), findings: told };
    let page = if args.json { serde_json::to_string(&report)? + "\n" } else { page(&report) };
    stdout().lock().write_all(page.as_bytes())?;
    match findings.first() {
        Some(first) => Err(No(format!("{run} is not healthy: {}", first.illness)).into()),
        None => Ok(()),
    }
}

fn page(report: &Report<'_>) -> String {
    if report.healthy {
        return format!("{}: healthy\n", report.run);
    }
    let told = |told: &Told<'_>| {
        let advice: String = told.advice.iter().map(|command| format!("  try: {command}\n")).collect();
        format!("{}, {}\n  {}\n{advice}", told.illness, told.when, told.says)
    };
    report.findings.iter().map(told).collect::<Vec<_>>().join("\n")
}
