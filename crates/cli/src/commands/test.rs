//! `chainrule test`: how good a run is on rows that it has not learned from.

use std::path::PathBuf;

use chainrule::readers::Format;
use chainrule::trainer::fingerprint;
use chainrule::{Measures, Run, Scores, Source, settings::all_threads};
use clap::Args;

use super::predict::frame;
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
  chainrule test runs/iris-1 more-iris.csv --json")]
pub(crate) struct TestArgs {
    /// The folder that `chainrule train` wrote
    run: PathBuf,
    /// A CSV table; a folder with a folder of images for each class, or a folder of IDX files, of which the test set is taken
    /// if there is one
    data: Option<PathBuf>,
    /// The target's column in DATA [default: as in training]
    #[arg(long, value_name = "COLUMN", requires = "data")]
    target: Option<String>,
    /// DATA's first row is data, not names
    #[arg(long, requires = "data")]
    no_header: bool,
    /// What stands between the cells of DATA [default: as its first lines say]
    #[arg(long, value_name = "CHAR", requires = "data", value_parser = arguments::delimiter)]
    delimiter: Option<char>,
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
        Some(path) => other_data(&run, path.clone(), args, threads)?,
    };
    let mut summary = Summary::new(&args.run, &run.record, Some(scores));
    if args.metrics {
        summary = summary.with(measures);
    }
    summary.print(args.json)?;
    Ok(())
}

fn other_data(run: &Run, path: PathBuf, args: &TestArgs, threads: usize) -> anyhow::Result<(Scores, Measures)> {
    let trained = &run.record.data.source;
    let size = if Format::of(&path)? == Format::Pictures { Some(frame(run)?) } else { None };
    let source = Source {
        path: Some(path),
        size,
        target: args.target.clone().or_else(|| trained.target.clone()),
        header: args.no_header.then_some(false),
        delimiter: args.delimiter,
        ..Source::default()
    };
    let data = source.open_as(Some(run.record.kind()), run.record.input.known())?;
    if data.test.is_none() && fingerprint(&data) == run.record.data.fingerprint {
        tell(&format!(
            "note: the network has learned from most of these rows; for the others alone: chainrule test {}",
            args.run.display()
        ));
    }
    Ok(run.predictor.measure(data.test.unwrap_or(data.train), None, threads)?)
}
