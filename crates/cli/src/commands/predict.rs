//! `chainrule predict`: answers for new rows, some at a time, so that memory does not grow
//! with the table.

use std::fs;
use std::io::{BufWriter, Write, stdout};
use std::path::{Path, PathBuf};

use chainrule::readers::csv::{Features, OnError};
use chainrule::readers::pictures::{Frame, Pictures};
use chainrule::readers::{Format, arrays, idx};
use chainrule::{Dataset, InputError, PredictError, Run, Source, settings::all_threads};
use clap::Args;

use crate::arguments;
use crate::outcome::tell;
use crate::progress::Bytes;
use crate::whole_file;

/// How many images are in memory at a time.
const IMAGES: usize = 512;

/// Predict for new rows
///
/// Writes CSV: a header, then for each row the predicted class and the probability of each
/// class, or the predicted number; of images the file first.
#[derive(Args)]
#[command(after_help = "\
Examples:
  chainrule predict runs/iris-1 new.csv
  chainrule predict runs/houses-1 all.csv.gz -o prices.csv --on-error null
  unzip -p all.zip | chainrule predict runs/houses-1 - -o prices.csv
  chainrule predict runs/pets-1 photos/ -o answers.csv
  chainrule predict runs/mnist-1 mnist/t10k-images-idx3-ubyte.gz -o answers.csv")]
pub(crate) struct PredictArgs {
    /// The folder that `chainrule train` wrote
    run: PathBuf,
    /// A CSV table, - on standard input; numpy's arrays, .npz or .npy; a PNG or JPEG image, or a folder of them; an IDX file of images, or a folder of IDX files, of which the
    /// test set is taken if there is one
    data: PathBuf,
    /// What stands between the cells of a table [default: as its first lines say]
    #[arg(long, value_name = "CHAR", value_parser = arguments::delimiter)]
    delimiter: Option<char>,
    /// Where to write [default: stdout]
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// What becomes of a table's row that cannot be read: stop with its line, skip it, or null, an empty prediction
    #[arg(long, value_name = "WHAT", default_value = "stop", value_parser = arguments::on_error)]
    on_error: OnError,
    /// Threads; they change no result [default: all]
    #[arg(long, value_name = "N", value_parser = arguments::threads)]
    threads: Option<usize>,
}

/// Predicts.
pub(crate) fn run(args: &PredictArgs) -> anyhow::Result<()> {
    let run = Run::open(&args.run)?;
    let threads = args.threads.unwrap_or_else(all_threads);
    let Some(out) = &args.out else {
        return predict(&run, args, BufWriter::new(stdout().lock()), threads);
    };
    to_file(&run, args, out, threads)
}

fn to_file(run: &Run, args: &PredictArgs, out: &Path, threads: usize) -> anyhow::Result<()> {
    let same = |out: &Path| fs::canonicalize(&args.data).is_ok_and(|data| data == out);
    if fs::canonicalize(out).is_ok_and(|out| out.is_file() && same(&out)) {
        let (expected, hint) = ("a file other than DATA", "choose another --out");
        return Err(InputError::new(out.display().to_string(), expected, "DATA", hint).into());
    }
    // A bad row far down must leave no half of a file. Of predictions the only io::Error is that of the writer.
    whole_file::write(out, |file| predict(run, args, BufWriter::new(file), threads))
}

fn predict(run: &Run, args: &PredictArgs, out: impl Write, threads: usize) -> anyhow::Result<()> {
    let plain = |e: PredictError| match e {
        PredictError::Input(e) => anyhow::Error::new(e),
        PredictError::Write(e) => anyhow::Error::new(e),
    };
    let delimiter = Source { delimiter: args.delimiter, ..Source::default() }.delimiter()?;
    match Input::open(run, &args.data, delimiter)? {
        Input::Table(table) => predict_table(run, table, args, out, threads).map_err(plain),
        Input::Images(mut images) => {
            let mut predictions = run.predictor.predict_into(out, threads).map_err(plain)?;
            while let Some((rows, files)) = images.read(IMAGES)? {
                predictions.add_files(rows, files).map_err(plain)?;
            }
            predictions.finish().map_err(plain)
        }
        Input::Whole(rows) => {
            let mut predictions = run.predictor.predict_into(out, threads).map_err(plain)?;
            predictions.add(rows).map_err(plain)?;
            predictions.finish().map_err(plain)
        }
    }
}

/// Of a table the rows go through in blocks, with a bar on a terminal.
fn predict_table(
    run: &Run,
    table: Features,
    args: &PredictArgs,
    out: impl Write,
    threads: usize,
) -> Result<(), PredictError> {
    let progress = Bytes::new(&args.data);
    let done = run.predictor.predict_table(table, args.on_error, out, threads, |batch, complaints| {
        complaints.iter().for_each(|e| progress.tell(&format!("warning: {e}")));
        progress.show(batch.bytes);
    });
    progress.finish();
    let bad = done?.bad;
    if bad > 0 {
        let what = if args.on_error == OnError::Skip { "left out" } else { "without a prediction" };
        tell(&format!("{bad} rows could not be read: they are {what}"));
    }
    Ok(())
}

/// Rows to predict for.
enum Input {
    /// A table, read as it is needed.
    Table(Features),
    /// Images, the same.
    Images(Pictures),
    /// IDX pictures or arrays, in one piece.
    Whole(Dataset),
}

impl Input {
    fn open(run: &Run, path: &Path, delimiter: Option<u8>) -> Result<Input, InputError> {
        let (input, source) = (&run.predictor.encoding().input, &run.record.data.source);
        match Format::of(path)? {
            Format::Table => {}
            Format::IdxFolder => {
                let (train, test) = idx::folder(path)?;
                return Ok(Input::Whole(test.unwrap_or(train)));
            }
            Format::Idx => return Ok(Input::Whole(idx::images(path)?)),
            Format::Arrays => {
                let rows = arrays::examples(path, &input.known(), source.target.as_deref())?;
                return Ok(Input::Whole(rows));
            }
            Format::Picture | Format::Pictures => return Ok(Input::Images(Pictures::open(path, frame(run)?)?)),
        }
        let (known, pixels) = (input.known(), input.width.to_string());
        // A table of pictures may have the class after the pixels.
        let pictures = input.names().is_empty();
        let target = if pictures { Some(pixels.as_str()) } else { source.target.as_deref() };
        Ok(Input::Table(Features::open(path, &known, target, delimiter)?))
    }
}

/// What images are to be for this run.
pub(crate) fn frame(run: &Run) -> Result<Frame, InputError> {
    let image = run.record.input.image.ok_or_else(|| {
        let hint = "give a table with the columns of training";
        InputError::new(run.folder.display().to_string(), "a run that was trained on images", "one of a table", hint)
    })?;
    Ok(Frame::trained(image, run.record.data.source.size.is_some()))
}
