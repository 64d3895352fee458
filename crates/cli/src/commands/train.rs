//! `chainrule train`: from data to a run.

use std::path::{Path, PathBuf};

use chainrule::engine::{Rule, Shape};
use chainrule::run_folder::{expect_free, save};
use chainrule::{Fractions, Loss, Model, Record, Settings, Source, TrainError, train};
use clap::Args;

use super::summary::Summary;
use crate::arguments;
use crate::outcome::tell;
use crate::progress::Display;

/// Train a network
///
/// Trains on DATA, or without it on 1797 handwritten digits inside the program, and leaves a
/// RUN: a folder with the network of the best epoch and the record of everything that was asked.
#[derive(Args)]
#[command(
    allow_negative_numbers = true,
    after_help = "\
Examples:
  chainrule train
  chainrule train iris.csv --target species
  chainrule train mnist --model 'affine:50 relu affine:10' --optimizer sgd --epochs 17 --batch 100
  chainrule train --model 'conv2d:16@3,padding=1 relu max_pool:2 affine:10'
  chainrule train pixels.csv --target digit --input 1x28x28 --model 'conv2d:8@5 relu max_pool:2 affine:10'

The words of SPEC, with their parameters and formulas:  chainrule list layers"
)]
pub(crate) struct TrainArgs {
    /// A CSV table, or a folder of MNIST's IDX files; either plain or gzipped
    data: Option<PathBuf>,
    /// The column to learn: its name, or its number from 0 where there are no names
    #[arg(long, value_name = "COLUMN", requires = "data")]
    target: Option<String>,
    /// The layers in order, of the words that `chainrule list layers` shows
    /// [default: 'affine:128 relu affine:K']
    #[arg(long, value_name = "SPEC", value_parser = arguments::model)]
    model: Option<Model>,
    /// What is made small, of the words that `chainrule list losses` shows [default: as the target says]
    #[arg(long, value_name = "NAME", value_parser = arguments::loss)]
    loss: Option<Loss>,
    /// What image a row of a table is, channels x height x width: 1x28x28 [default: as the data say]
    #[arg(long, value_name = "SHAPE", value_parser = arguments::input)]
    input: Option<Shape>,
    /// How often each row is learned from
    #[arg(long, value_name = "N", default_value_t = Settings::default().epochs, value_parser = arguments::count)]
    epochs: usize,
    /// Rows in a step
    #[arg(long, value_name = "N", default_value_t = Settings::default().batch, value_parser = arguments::count)]
    batch: usize,
    /// sgd, momentum or adam
    #[arg(long, value_name = "NAME", default_value = "adam", value_parser = arguments::optimizer)]
    optimizer: Rule,
    /// The learning rate [default: 0.1 for sgd, 0.01 for momentum, 0.001 for adam]
    #[arg(long, value_name = "R", value_parser = arguments::rate)]
    rate: Option<f64>,
    /// Of all chance; the same seed and data give the same network
    #[arg(long, value_name = "N", default_value_t = Settings::default().seed, value_parser = arguments::seed)]
    seed: u64,
    /// Threads; they change no result [default: all]
    #[arg(long, value_name = "N", value_parser = arguments::threads)]
    threads: Option<usize>,
    /// The run's folder [default: the next free of runs/DATA-1, -2, …]
    #[arg(long, value_name = "RUN")]
    out: Option<PathBuf>,
    /// Replace a run that is already in --out
    #[arg(long, requires = "out")]
    force: bool,
    /// The share of rows that choose the best epoch
    #[arg(long, value_name = "F", default_value_t = Settings::default().fractions.validation, value_parser = arguments::share)]
    validation: f64,
    /// The share of rows that are held out, where the data bring no test set
    #[arg(long, value_name = "F", default_value_t = Settings::default().fractions.test, value_parser = arguments::share)]
    test: f64,
    /// The table's first row is data, not names
    #[arg(long, requires = "data")]
    no_header: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Trains, writes the run, prints its scores.
pub(crate) fn run(args: &TrainArgs) -> anyhow::Result<()> {
    let source =
        Source { path: args.data.clone(), target: args.target.clone(), header: args.no_header.then_some(false) };
    let settings = Settings {
        model: args.model.clone(),
        loss: args.loss,
        input: args.input,
        optimizer: args.optimizer,
        rate: args.rate,
        batch: args.batch,
        epochs: args.epochs,
        seed: args.seed,
        threads: args.threads,
        fractions: Fractions { validation: args.validation, test: args.test },
    };
    let out = || args.out.clone().unwrap_or_else(|| next_free(&source.name()));
    // Before the training: its time would be lost.
    settings.check()?;
    source.expect_text()?;
    expect_free(&out(), args.force)?;
    let data = source.open(None)?;
    let mut display = Display::new();
    let trained = train(data, &settings, |progress| display.show(progress));
    display.finish();
    let trained = trained.map_err(|e| match e {
        TrainError::Input(e) => anyhow::Error::new(e),
        TrainError::Diverged(e) => anyhow::Error::new(e),
    })?;

    // Asked again: another training may have taken the name.
    let out = out();
    save(&out, &trained, &source, args.force)?;
    Summary::new(&out, &Record::of(&trained, &source), trained.test).print(args.json)?;
    tell(&format!("next: chainrule test {}", out.display()));
    Ok(())
}

/// `runs/<name>-1`, or the next that is not there.
fn next_free(name: &str) -> PathBuf {
    let numbered = |n: usize| Path::new("runs").join(format!("{name}-{n}"));
    (1..).map(numbered).find(|path| !path.exists()).unwrap_or_else(|| numbered(1))
}
