//! `chainrule compare`: what differs between runs, what came out, their curves over each other, and where they part.

use std::collections::BTreeSet;
use std::io::{Write, stdout};
use std::path::PathBuf;

use chainrule::trainer::Epoch;
use chainrule::{InputError, Run};
use clap::Args;
use serde::Serialize;

use super::summary;
use super::trace::write;
use crate::curves::{Curve, plot, svg};
use crate::table::table;
use parting::{Parting, Trail};
use settings::settings;

mod parting;
mod settings;

/// As many as there are letters to call them by.
const MOST: usize = 26;

/// Compare runs: settings that differ, scores, curves over each other, and where they part
///
/// Each RUN is held against the first: training is exact, so two runs with the same settings are the same to the bit, and
/// the first step in which they are not is where something made a difference.
#[derive(Args)]
#[command(after_help = "\
Examples:
  chainrule compare runs/digits-1 runs/digits-2
  chainrule compare runs/* --svg curves.svg
  chainrule compare runs/digits-1 runs/digits-2 --json")]
pub(crate) struct CompareArgs {
    /// Folders that `chainrule train` wrote
    #[arg(required = true, num_args = 2.., value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Draw the curves into a file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// A run, as it is compared.
#[derive(Serialize)]
struct Compared {
    letter: char,
    run: String,
    settings: Vec<(String, String)>,
    results: chainrule::record::Results,
    history: Vec<Epoch>,
}

impl Compared {
    fn setting(&self, name: &str) -> &str {
        self.settings.iter().find(|(other, _)| other == name).map_or("-", |(_, value)| value)
    }
}

/// All that is printed.
#[derive(Serialize)]
struct Report {
    runs: Vec<Compared>,
    /// Names of settings that are not the same in all.
    differ: Vec<String>,
    /// Whether all were trained on the same data.
    same_data: bool,
    parting: Vec<Parting>,
}

/// Compares and prints.
pub(crate) fn run(args: &CompareArgs) -> anyhow::Result<()> {
    if args.runs.len() > MOST {
        let found = format!("{} of them", args.runs.len());
        return Err(InputError::new("RUN", format!("at most {MOST} runs"), found, "compare fewer at a time").into());
    }
    let runs = args.runs.iter().map(|folder| Run::open(folder)).collect::<Result<Vec<_>, _>>()?;
    let trails = runs.iter().enumerate().map(|(at, run)| Trail::of(letter(at), run));
    let trails = trails.collect::<Result<Vec<_>, _>>()?;
    let parting = trails[1..].iter().map(|other| Parting::of(&trails[0], other)).collect();
    let same_data = runs.iter().all(|run| run.record.data.fingerprint == runs[0].record.data.fingerprint);
    let compared = runs.into_iter().zip(trails).enumerate().map(|(at, (run, trail))| {
        let run_folder = run.folder.display().to_string();
        let settings = settings(&run.record)?;
        Ok(Compared {
            letter: letter(at),
            run: run_folder,
            settings,
            results: run.record.results,
            history: trail.history,
        })
    });
    let runs = compared.collect::<anyhow::Result<Vec<_>>>()?;
    let names: BTreeSet<&String> = runs.iter().flat_map(|run| run.settings.iter().map(|(name, _)| name)).collect();
    let differs = |name: &&String| runs.iter().any(|run| run.setting(name) != runs[0].setting(name));
    let differ = names.into_iter().filter(differs).cloned().collect();
    let report = Report { runs, differ, same_data, parting };

    if let Some(path) = &args.svg {
        let fields = [("validation loss", curves(&report, validation)), ("training loss", curves(&report, training))];
        write(path, &svg("Losses by epoch", &fields))?;
    }
    let page = if args.json { serde_json::to_string(&report)? + "\n" } else { page(&report) };
    stdout().lock().write_all(page.as_bytes())?;
    Ok(())
}

fn letter(at: usize) -> char {
    (b'A'..=b'Z').nth(at).map_or('?', char::from)
}

fn validation(epoch: &Epoch) -> Option<f64> {
    epoch.validation.map(|scores| scores.loss)
}

fn training(epoch: &Epoch) -> Option<f64> {
    Some(epoch.train_loss)
}

fn curves(report: &Report, number: impl Fn(&Epoch) -> Option<f64>) -> Vec<Curve> {
    let curve = |run: &Compared| {
        let points = run.history.iter().filter_map(|epoch| Some((epoch.epoch as f64, number(epoch)?)));
        Curve { letter: run.letter, name: run.run.clone(), points: points.collect() }
    };
    report.runs.iter().map(curve).collect()
}

fn page(report: &Report) -> String {
    let mut parts = vec![differing(report), results(report)];
    for (title, curves) in
        [("validation loss", curves(report, validation)), ("training loss", curves(report, training))]
    {
        parts.push(plot(title, &curves));
    }
    let mut lines: String = report.parting.iter().map(|parting| format!("{parting}\n")).collect();
    if !report.same_data {
        lines += "not all were trained on the same data: their losses and scores are of different rows\n";
    }
    parts.push(lines);
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

/// A row for each run, a column for each setting that is not the same in all.
fn differing(report: &Report) -> String {
    let mut head = vec![String::new(), "run".to_owned()];
    head.extend(report.differ.iter().cloned());
    let row = |run: &Compared| {
        let settings = report.differ.iter().map(|name| run.setting(name).to_owned());
        [run.letter.to_string(), run.run.clone()].into_iter().chain(settings).collect()
    };
    let same = if report.differ.is_empty() { "\nall settings are the same\n" } else { "" };
    table(std::iter::once(head).chain(report.runs.iter().map(row)), |_| false) + same
}

/// A row for each run, with the scores of its best epoch.
fn results(report: &Report) -> String {
    let scores = |run: &Compared| [Some(run.results.train), run.results.validation, run.results.test];
    let all = || report.runs.iter().flat_map(|run| scores(run).into_iter().flatten());
    let judged: Vec<&str> = all().next().map_or(Vec::new(), |first| summary::columns(&first).to_vec());
    // A run of classes and one of numbers have only their losses in common.
    let judged = if all().all(|scores| summary::columns(&scores) == judged) { judged } else { Vec::new() };
    let mut head = ["", "epochs", "best"].map(str::to_owned).to_vec();
    for rows in ["train", "validation", "test"] {
        head.extend(std::iter::once("loss").chain(judged.iter().copied()).map(|score| format!("{rows} {score}")));
    }
    head.push("seconds".to_owned());
    let row = |run: &Compared| {
        let mut row = vec![run.letter.to_string(), run.history.len().to_string(), run.results.best_epoch.to_string()];
        for scores in scores(run) {
            let cells = scores.map_or(Vec::new(), |scores| summary::cells(&scores));
            row.extend((0..=judged.len()).map(|at| cells.get(at).map_or("-".to_owned(), Clone::clone)));
        }
        row.push(format!("{:.1}", run.results.seconds));
        row
    };
    table(std::iter::once(head).chain(report.runs.iter().map(row)), |column| column > 0)
}
