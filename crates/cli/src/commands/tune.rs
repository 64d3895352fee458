//! `chainrule tune`: which settings to train with, as a table of trials and the run of the best.

use std::io::{Write, stdout};
use std::path::{Path, PathBuf};

use chainrule::Settings;
use chainrule::engine::Cpu;
use chainrule::tune::{Event, Line, Rung, Space, Tuned, Tuning, Value, tune};
use clap::Args;
use serde::Serialize;

use super::split_args::SplitArgs;
use super::summary::{Summary, cells, columns};
use super::table_args::TableArgs;
use super::train::told;
use crate::arguments;
use crate::outcome::{No, tell};
use crate::progress::Display;
use crate::series::Series;
use crate::table::table;

/// Trials on the page; all of them are in the JSON, and all trainings in trials.jsonl.
const LINES: usize = 30;

/// Search for settings
///
/// Draws trials from the space in a TOML file, trains all of them for a few epochs, the best third of them for three times as
/// many, and so on (successive halving), and keeps the best as a run. Trials are compared by their validation loss. The
/// same command again goes on where it was interrupted.
#[derive(Args)]
#[command(
    allow_negative_numbers = true,
    after_help = "\
The space names what `train` has flags for:
  rate = { log = [1e-4, 1e-1] }             # a number, its logarithm uniform
  weight_decay = { uniform = [0.0, 0.1] }   # a number, uniform
  batch = [32, 64, 128]                     # one of these
  optimizer = [\"adam\", \"adamw\", \"momentum\"]
  model = [\"affine:64 relu affine:10\", \"affine:128 relu dropout:0.3 affine:10\"]
  schedule = \"cosine\"                       # of all trials
also loss, input, warm_up, initial, patience, clip_norm, clip_value.

A trial that goes on is trained again from the start for more epochs, as `train` would train it.

Examples:
  chainrule tune --space space.toml
  chainrule tune iris.csv --target species --space space.toml --trials 81 --epochs 81 --out runs/tuned
  chainrule test runs/tuned/best"
)]
pub(crate) struct TuneArgs {
    /// A CSV table, - on standard input, a folder with a folder of PNG or JPEG images for each class, a folder of MNIST's IDX files, or
    /// numpy's arrays, .npz or .npy [default: the digits inside the program]
    data: Option<PathBuf>,
    #[command(flatten)]
    table: TableArgs,
    /// The TOML file that says what trials are drawn from
    #[arg(long, value_name = "FILE")]
    space: PathBuf,
    /// How many trials are drawn
    #[arg(long, value_name = "N", default_value_t = 27, value_parser = arguments::count)]
    trials: usize,
    /// How long the last rung trains
    #[arg(long, value_name = "N", default_value_t = 27, value_parser = arguments::count)]
    epochs: usize,
    /// How long the first rung trains at least
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = arguments::count)]
    min_epochs: usize,
    /// One trial of so many goes on, for so many times the epochs
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = arguments::eta)]
    eta: usize,
    /// Of all chance: the draws and each training
    #[arg(long, value_name = "N", default_value_t = Settings::default().seed, value_parser = arguments::seed)]
    seed: u64,
    /// Threads; they change no result [default: all]
    #[arg(long, value_name = "N", value_parser = arguments::threads)]
    threads: Option<usize>,
    /// The tuning's folder; a run of the best is in its folder best [default: runs/DATA-tuned]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    #[command(flatten)]
    split: SplitArgs,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// All that `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    out: String,
    rungs: &'a [Rung],
    done_before: usize,
    trials: &'a [Line],
    best: Option<Summary<'a>>,
}

/// Tunes, and prints the trials and the best.
pub(crate) fn run(args: &TuneArgs) -> anyhow::Result<()> {
    let source = args.split.of(args.table.source(args.data.clone()));
    let settings = Settings {
        epochs: args.epochs,
        seed: args.seed,
        threads: args.threads,
        fractions: args.split.fractions()?,
        ..Settings::default()
    };
    let space = Space::read(&args.space)?;
    let tuning = Tuning { space, settings, trials: args.trials, min_epochs: args.min_epochs, eta: args.eta };
    tuning.check()?;
    let out = args.out.clone().unwrap_or_else(|| Path::new("runs").join(format!("{}-tuned", source.name())));
    let trainings = tuning.rungs().iter().map(|rung| rung.trials).sum();
    let mut watch = Watch { series: Series::new(trainings), last: None };
    let tuned = tune(&Cpu::new(tuning.settings.threads()), &source, &tuning, &out, |event| watch.show(event));
    watch.finish();
    let tuned = tuned.map_err(told)?;

    let folder = out.join("best");
    let best = tuned.best.as_ref().map(|best| Summary::new(&folder, &best.record, best.record.results.test));
    if args.json {
        let report = Report {
            out: out.display().to_string(),
            rungs: &tuned.rungs,
            done_before: tuned.done_before,
            trials: &tuned.ranking,
            best,
        };
        stdout().lock().write_all((serde_json::to_string(&report)? + "\n").as_bytes())?;
    } else {
        stdout().lock().write_all(page(&tuned, &tuning.space.varied(), &out).as_bytes())?;
        if let Some(best) = &best {
            best.print(false)?;
        }
    }
    if tuned.best.is_none() {
        return Err(No("every trial diverged: lower the rates of the space".to_owned()).into());
    }
    tell(&format!("next: chainrule test {}", folder.display()));
    Ok(())
}

/// A watcher of a tuning: of its trials, and then of the last training.
struct Watch {
    series: Series,
    last: Option<Display>,
}

impl Watch {
    fn show(&mut self, event: Event<'_>) {
        match event {
            Event::Start { rungs, done } => {
                let before =
                    if done > 0 { format!("; {} done before", counted(done, "training")) } else { String::new() };
                self.series.say(&format!("tuning: {}{before}", ladder(rungs)));
                self.series.skip(done);
            }
            Event::Training { trial, rung, progress } => {
                self.series.show(&format!("rung {rung}, trial {trial}"), progress);
            }
            Event::Done(line) => self.series.done(&told_of(line)),
            Event::Best(progress) => {
                if self.last.is_none() {
                    self.series.finish();
                    tell("the best once more, to be kept and tested:");
                }
                self.last.get_or_insert_with(|| Display::new(false)).show(progress);
            }
        }
    }

    fn finish(&mut self) {
        self.series.finish();
        self.last.iter_mut().for_each(Display::finish);
    }
}

/// `27 trials for 1 epoch, 9 for 3, 3 for 9, 1 for 27`
fn ladder(rungs: &[Rung]) -> String {
    let words = |(at, rung): (usize, &Rung)| match at {
        0 => format!("{} for {}", counted(rung.trials, "trial"), counted(rung.epochs, "epoch")),
        _ => format!("{} for {}", rung.trials, rung.epochs),
    };
    rungs.iter().enumerate().map(words).collect::<Vec<_>>().join(", ")
}

/// `1 epoch`, `3 epochs`
fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn told_of(line: &Line) -> String {
    let settings = line.settings.iter().map(|(key, value)| format!("{key} {}", quoted(value)));
    let outcome = match &line.validation {
        Some(scores) => format!("validation loss {}", cells(scores)[0]),
        None => "diverged".to_owned(),
    };
    format!(
        "rung {}, trial {} for {}: {outcome}, {:.1} s; {}",
        line.rung,
        line.trial,
        counted(line.epochs, "epoch"),
        line.seconds,
        settings.collect::<Vec<_>>().join(", ")
    )
}

fn quoted(value: &Value) -> String {
    match value {
        Value::Words(text) if text.contains(' ') => format!("'{text}'"),
        value => value.to_string(),
    }
}

fn page(tuned: &Tuned, varied: &[&str], out: &Path) -> String {
    let mut page = format!("tuning      {}\nrungs       {}\n", out.display(), ladder(&tuned.rungs));
    if tuned.done_before > 0 {
        page += &format!("before      {}\n", counted(tuned.done_before, "training"));
    }
    let scores = tuned.ranking.iter().find_map(|line| line.validation);
    let scores = scores.map_or(Vec::new(), |scores| columns(&scores).to_vec());
    // The model last: it is the longest.
    let (models, keys): (Vec<&str>, Vec<&str>) = varied.iter().partition(|&&key| key == "model");
    let keys = [keys, models].concat();
    let head = [&["trial", "epochs", "loss"], &scores[..], &keys].concat();
    let row = |line: &Line| {
        let mut row = vec![line.trial.to_string(), line.epochs.to_string()];
        row.extend(line.validation.map_or(vec!["-".to_owned(); 1 + scores.len()], |scores| cells(&scores)));
        row.extend(keys.iter().map(|&key| line.settings.get(key).map_or(String::new(), Value::to_string)));
        row
    };
    let head_row = head.iter().map(|&name| name.to_owned()).collect();
    let rows = std::iter::once(head_row).chain(tuned.ranking.iter().take(LINES).map(row));
    page += &format!("\n{}", table(rows, |column| column < 3 + scores.len()));
    match tuned.ranking.len().saturating_sub(LINES) {
        0 => {}
        more => page += &format!("and {more} more: see {}\n", out.join("trials.jsonl").display()),
    }
    page + "\n"
}
