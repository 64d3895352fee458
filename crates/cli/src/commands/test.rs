//! `chainrule test`: how good a run is on rows that it has not learned from.

use std::path::{Path, PathBuf};

use chainrule::fingerprint::fingerprint;
use chainrule::{Measures, Run, Scores, settings::all_threads};
use clap::Args;

use super::other_data::OtherDataArgs;
use super::summary::Summary;
use crate::arguments;
use crate::outcome::tell;

/// Score a run
///
/// Scores a run on its own held-out test rows, or on DATA.
#[derive(Args)]
#[command(after_help = "\
Examples:
  chainrule test runs/digits-1
  chainrule test runs/digits-1 --metrics
  chainrule test runs/iris-1 more-iris.csv --json
  zcat more-iris.csv.gz | chainrule test runs/iris-1 -")]
pub(crate) struct TestArgs {
    /// The folder that `chainrule train` wrote
    run: PathBuf,
    /// A CSV table, - on standard input; numpy's arrays, .npz or .npy; a folder with a folder of images for each class, or a folder of IDX files, of which the test set is taken
    /// if there is one
    data: Option<PathBuf>,
    #[command(flatten)]
    other: OtherDataArgs,
    /// All metrics, each class by itself, and which classes are taken for which
    #[arg(long)]
    metrics: bool,
    /// Threads; they change no result [default: all]
    #[arg(long, value_name = "N", value_parser = arguments::threads)]
    threads: Option<usize>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Scores, and prints the scores.
pub(crate) fn run(args: &TestArgs) -> anyhow::Result<()> {
    let run = Run::open(&args.run)?;
    let threads = args.threads.unwrap_or_else(all_threads);
    let (scores, measures) = match &args.data {
        None => run.measure(threads)?,
        Some(path) => other_data(&run, path, args, threads)?,
    };
    let mut summary = Summary::new(&args.run, &run.record, Some(scores));
    if args.metrics {
        summary = summary.with(measures);
    }
    summary.print(args.json)?;
    Ok(())
}

fn other_data(run: &Run, path: &Path, args: &TestArgs, threads: usize) -> anyhow::Result<(Scores, Measures)> {
    let data = args.other.open(run, path)?;
    let learned = run.record.data.fingerprint.split('-').next();
    if data.test.is_none() && learned == Some(&*fingerprint(&data)) {
        tell(&format!(
            "note: the network has learned from most of these rows; for the others alone: chainrule test {}",
            args.run.display()
        ));
    }
    Ok(run.predictor.measure(data.test.unwrap_or(data.train), None, threads)?)
}
