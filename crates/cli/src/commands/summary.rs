//! The scores of a run: a table for people, or one JSON object.

use std::io::{self, Write, stdout};
use std::path::Path;

use chainrule::{Record, Scores};
use serde::Serialize;

/// What `train` and `test` print.
#[derive(Serialize)]
pub(crate) struct Summary<'a> {
    run: String,
    epochs: usize,
    seconds: f64,
    train: Scores,
    validation: Option<Scores>,
    test: Option<Scores>,
    #[serde(skip)]
    record: &'a Record,
}

impl<'a> Summary<'a> {
    /// Of the run in `folder`, with `test` in place of the record's own.
    pub(crate) fn new(folder: &Path, record: &'a Record, test: Option<Scores>) -> Self {
        let results = &record.results;
        Summary {
            run: folder.display().to_string(),
            epochs: record.training.epochs,
            seconds: results.seconds,
            train: results.train,
            validation: results.validation,
            test,
            record,
        }
    }

    /// Prints it.
    ///
    /// # Errors
    /// If stdout is closed.
    pub(crate) fn print(&self, json: bool) -> io::Result<()> {
        let mut out = stdout().lock();
        if json {
            serde_json::to_writer(&mut out, self)?;
            return writeln!(out);
        }
        let Record { model, training, results, .. } = self.record;
        writeln!(out, "run         {}", self.run)?;
        writeln!(out, "model       {model}")?;
        writeln!(
            out,
            "epochs      {} in {} with {} at rate {}{}; the best was {}",
            training.epochs,
            duration(results.seconds),
            training.optimizer,
            training.rate,
            training.schedule.as_ref().map_or(String::new(), |schedule| format!(", {schedule}")),
            results.best_epoch
        )?;
        let measures = if self.train.accuracy.is_some() { "accuracy" } else { "rmse        r2" };
        writeln!(out, "\n            loss        {measures}")?;
        let parts = [("train", Some(self.train)), ("validation", self.validation), ("test", self.test)];
        for (name, scores) in parts {
            if let Some(scores) = scores {
                writeln!(out, "{name:<11}{}", row(&scores).trim_end())?;
            }
        }
        Ok(())
    }
}

/// A row of the table: columns of eleven letters.
fn row(scores: &Scores) -> String {
    let columns = match scores.accuracy {
        Some(_) => vec![Some(scores.loss), scores.accuracy],
        None => vec![Some(scores.loss), scores.rmse, scores.r2],
    };
    columns.into_iter().map(|value| format!(" {:<11}", value.map_or("-".to_owned(), number))).collect()
}

fn number(value: f64) -> String {
    if value.abs() < 1e6 { format!("{value:.4}") } else { format!("{value:.3e}") }
}

fn duration(seconds: f64) -> String {
    if seconds < 0.1 { format!("{:.0} ms", seconds * 1000.0) } else { format!("{seconds:.1} s") }
}
