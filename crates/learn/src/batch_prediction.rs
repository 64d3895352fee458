//! Predictions for a table of any size: blocks of its rows go through several threads, each of which reads, encodes, predicts and
//! writes by itself, and the answers come out in the order of the rows. Memory holds a few blocks for each thread.

use std::io::Write;

use crate::dataset::Dataset;
use crate::input_error::InputError;
use crate::pipeline::in_order;
use crate::predict::{PredictError, Predictions, Predictor};
use crate::readers::csv::{BlockOfRows, FeatureRows, Features, OnError};

/// What was done of a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Batch {
    /// Bytes of its text that were read.
    pub bytes: u64,
    /// Rows that could not be read.
    pub bad: usize,
}

impl Predictor {
    /// Writes a prediction for each row of `table` as CSV into `out`, as [`predict_into`](Self::predict_into) does: the same
    /// bytes at any number of threads. `watch` is told after each block how far it is, and what is wrong with the first of
    /// the rows that could not be read.
    ///
    /// ```
    /// use chainrule::readers::csv::{Features, OnError};
    /// use chainrule::{Settings, Source, train};
    /// # let temporary = tempfile::tempdir()?;
    /// # let path = temporary.path().join("t.csv");
    /// # let rows: String = (0..200).map(|i| format!("{},{}\n", i % 20, if i % 20 < 7 { "low" } else { "high" })).collect();
    /// # std::fs::write(&path, format!("x,y\n{rows}"))?;
    /// let source = Source { path: Some(path.clone()), target: Some("y".into()), ..Source::default() };
    /// let trained = train(source.open(None)?, &Settings { epochs: 3, ..Settings::default() }, |_progress| {})?;
    /// let table = Features::open(&path, &trained.predictor.encoding().input.known(), Some("y"), None)?;
    /// let mut csv = Vec::new();
    /// let batch = trained.predictor.predict_table(table, OnError::Stop, &mut csv, 2, |_batch, _complaints| {})?;
    /// assert_eq!((batch.bad, csv.iter().filter(|&&byte| byte == b'\n').count()), (0, 201));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If a row cannot be read and that is to stop, the rows do not fit the network, or the writer fails.
    pub fn predict_table<W: Write>(
        &self,
        table: Features,
        on_error: OnError,
        mut out: W,
        threads: usize,
        mut watch: impl FnMut(Batch, &[InputError]),
    ) -> Result<Batch, PredictError> {
        let (reader, mut blocks) = table.split(on_error);
        let mut header = self.predict_into(Vec::new(), 1)?;
        header.header()?;
        let mut header = Some(header.take()?);
        let mut batch = Batch::default();
        let mut told = 0;
        in_order(
            threads,
            move || blocks().map_err(PredictError::from),
            || self.predict_into(Vec::new(), 1).map(Predictions::without_header),
            |predictions: &mut Predictions<'_, Vec<u8>>, block| {
                let mut rows = reader.read(&block)?;
                Ok((answers(predictions, &mut rows, on_error)?, rows))
            },
            |(answers, rows)| {
                if let Some(header) = header.take() {
                    out.write_all(&header)?;
                }
                out.write_all(&answers)?;
                batch.bytes += rows.bytes;
                batch.bad += rows.bad.len();
                let complaints = complaints(&reader, &rows, &mut told);
                watch(batch, &complaints);
                Ok(())
            },
        )?;
        if let Some(header) = header {
            out.write_all(&header)?;
        }
        out.flush()?;
        Ok(batch)
    }
}

/// So many bad rows are told of with their lines, for each of which the file is read up to there.
const TOLD: usize = 5;

fn complaints(reader: &FeatureRows, rows: &BlockOfRows, told: &mut usize) -> Vec<InputError> {
    if *told >= TOLD || rows.bad.is_empty() {
        return Vec::new();
    }
    let mut complaints = reader.complaints(rows);
    complaints.truncate(TOLD - *told);
    *told += complaints.len();
    complaints
}

/// The block's answers as CSV, with an empty one for each bad row if it is to stay.
fn answers(
    predictions: &mut Predictions<'_, Vec<u8>>,
    rows: &mut BlockOfRows,
    on_error: OnError,
) -> Result<Vec<u8>, PredictError> {
    let data = rows.data.take();
    if on_error == OnError::Null && !rows.bad.is_empty() {
        // Between the bad rows there are runs of good ones.
        let good = data.as_ref().map_or(0, Dataset::rows) as u32;
        let mut begin = 0;
        let ends = (0..).zip(&rows.bad).map(|(before, &bad)| (bad as u32 - before, true));
        for (end, is_bad) in ends.chain([(good, false)]) {
            if let Some(data) = data.as_ref().filter(|_| end > begin) {
                predictions.add(data.select(&(begin..end).collect::<Vec<_>>()))?;
            }
            if is_bad {
                predictions.add_nothing()?;
            }
            begin = end;
        }
    } else if let Some(data) = data {
        predictions.add(data)?;
    }
    predictions.take()
}
