//! The scores of a run: a table for people, or one JSON object.

use std::io::{self, Write, stdout};
use std::path::Path;

use chainrule::encoding::TargetEncoding;
use chainrule::metrics::ConfusionMatrix;
use chainrule::{Measures, Record, Scores};
use serde::Serialize;

use crate::table::table;

/// What `train` and `test` print.
#[derive(Serialize)]
pub(crate) struct Summary<'a> {
    run: String,
    epochs: usize,
    best_epoch: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<usize>,
    seconds: f64,
    train: Scores,
    validation: Option<Scores>,
    test: Option<Scores>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<Measures>,
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
            best_epoch: results.best_epoch,
            stopped: results.stopped,
            seconds: results.seconds,
            train: results.train,
            validation: results.validation,
            test,
            metrics: None,
            record,
        }
    }

    /// And all metrics of the test rows.
    pub(crate) fn with(self, metrics: Measures) -> Self {
        Summary { metrics: Some(metrics), ..self }
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
        let (of, ended) = match results.stopped {
            Some(epoch) => (format!("{epoch} of "), ", and patience ended it"),
            None => (String::new(), ""),
        };
        writeln!(
            out,
            "epochs      {of}{} in {} with {} at rate {}{}; the best was {}{ended}",
            training.epochs,
            duration(results.seconds),
            training.optimizer,
            training.rate,
            training.schedule.as_ref().map_or(String::new(), |schedule| format!(", {schedule}")),
            results.best_epoch,
        )?;
        writeln!(out, "\n            loss        {}", columns(&self.train).join("        "))?;
        let parts = [("train", Some(self.train)), ("validation", self.validation), ("test", self.test)];
        for (name, scores) in parts {
            if let Some(scores) = scores {
                writeln!(out, "{name:<11}{}", row(&scores).trim_end())?;
            }
        }
        let Some(metrics) = &self.metrics else { return Ok(()) };
        let values =
            metrics.values.iter().map(|&(name, value)| vec![name.to_owned(), value.map_or("-".to_owned(), number)]);
        write!(out, "\n{}", table(values, |column| column == 1))?;
        if let (Some(confusion), TargetEncoding::Classes(names)) = (&metrics.confusion, &self.record.target) {
            write!(out, "\n{}", classes(confusion, names))?;
        }
        Ok(())
    }
}

/// Classes that a terminal is wide enough to set against one another.
const WIDEST: usize = 20;

/// A row for each class: how good the network is at it, and what it was taken for.
fn classes(confusion: &ConfusionMatrix, names: &[String]) -> String {
    let wide = names.len() > WIDEST;
    let text = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let mut head = text(&["class", "precision", "recall", "f1", "rows"]);
    if !wide {
        head.push("taken for:".to_owned());
        head.extend(names.iter().cloned());
    }
    let row = |(class, name): (usize, &String)| {
        let shares = [confusion.precision(class), confusion.recall(class), confusion.f1(class)];
        let mut row = vec![name.clone()];
        row.extend(shares.map(number));
        row.push(confusion.occurring(class).to_string());
        if !wide {
            row.push(String::new());
            row.extend(confusion.counts()[class].iter().map(u64::to_string));
        }
        row
    };
    table(std::iter::once(head).chain(names.iter().enumerate().map(row)), |column| column > 0)
}

/// A row of the table: columns of eleven letters.
fn row(scores: &Scores) -> String {
    cells(scores).iter().map(|cell| format!(" {cell:<11}")).collect()
}

/// What scores have beside the loss.
pub(crate) fn columns(scores: &Scores) -> &'static [&'static str] {
    if scores.accuracy.is_some() { &["accuracy"] } else { &["rmse", "r2"] }
}

/// The loss, and what [`columns`] names.
pub(crate) fn cells(scores: &Scores) -> Vec<String> {
    let values = match scores.accuracy {
        Some(_) => vec![Some(scores.loss), scores.accuracy],
        None => vec![Some(scores.loss), scores.rmse, scores.r2],
    };
    values.into_iter().map(|value| value.map_or("-".to_owned(), number)).collect()
}

fn number(value: f64) -> String {
    if value.abs() < 1e6 { format!("{value:.4}") } else { format!("{value:.3e}") }
}

fn duration(seconds: f64) -> String {
    if seconds < 0.1 { format!("{:.0} ms", seconds * 1000.0) } else { format!("{seconds:.1} s") }
}
