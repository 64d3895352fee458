//! `chainrule train --folds K`: a table of each fold's scores, their mean and standard deviation.

use std::io::{Write, stdout};
use std::path::Path;

use chainrule::cross_validation::{CrossValidation, Event, Fold, cross_validate, save};
use chainrule::engine::Cpu;
use chainrule::{Data, Scores, Settings, Source};
use serde::Serialize;

use super::summary::{cells, columns};
use super::train::told;
use crate::outcome::tell;
use crate::series::Series;
use crate::table::table;

/// All that `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    out: Option<String>,
    model: Option<String>,
    rows: usize,
    test_rows: usize,
    folds: &'a [Fold],
    mean: Scores,
    deviation: Scores,
}

/// Trains and judges `count` times, and prints; with `out` it leaves a folder.
pub(crate) fn run(
    data: Data,
    source: &Source,
    settings: &Settings,
    count: usize,
    out: Option<&Path>,
    force: bool,
    json: bool,
) -> anyhow::Result<()> {
    let mut series = Series::new(count);
    let found = cross_validate(&Cpu::new(settings.threads()), data, settings, count, |event| match event {
        Event::Training(fold, progress) => series.show(&format!("fold {fold}"), progress),
        Event::Done(fold) => series.done(&told_of(fold, count)),
    });
    series.finish();
    let found = found.map_err(told)?;
    for (class, rows) in &found.scarce {
        tell(&format!("warning: class '{class}' has {rows} rows, fewer than folds: some folds are judged without it"));
    }
    if let Some(out) = out {
        save(out, &found, source, force)?;
    }
    let page = if json { serde_json::to_string(&report(&found, out))? + "\n" } else { page(&found, out) };
    stdout().lock().write_all(page.as_bytes())?;
    Ok(())
}

fn told_of(fold: &Fold, count: usize) -> String {
    let scores = [&["loss"], columns(&fold.scores)].concat();
    let scores: Vec<String> =
        scores.iter().zip(cells(&fold.scores)).map(|(name, cell)| format!("{name} {cell}")).collect();
    format!("fold {}/{count}: {}, {:.1} s", fold.fold, scores.join(", "), fold.seconds)
}

fn report<'a>(found: &'a CrossValidation, out: Option<&Path>) -> Report<'a> {
    Report {
        out: out.map(|out| out.display().to_string()),
        model: found.settings.model.as_ref().map(ToString::to_string),
        rows: found.rows,
        test_rows: found.test,
        folds: &found.folds,
        mean: found.mean,
        deviation: found.deviation,
    }
}

fn page(found: &CrossValidation, out: Option<&Path>) -> String {
    let mut page = String::new();
    if let Some(out) = out {
        page += &format!("folds       {}\n", out.display());
    }
    if let Some(model) = &found.settings.model {
        page += &format!("model       {model}\n");
    }
    page +=
        &format!("rows        {} in {} folds; {} test rows left alone\n\n", found.rows, found.folds.len(), found.test);
    let line = |name: String, words: [String; 3], scores: &Scores| [&[name][..], &words, &cells(scores)].concat();
    let mut head = ["fold", "rows", "epochs", "best", "loss"].map(str::to_owned).to_vec();
    head.extend(columns(&found.mean).iter().map(|&name| name.to_owned()));
    let folds = found.folds.iter().map(|fold| {
        let words = [fold.parts.test, fold.epochs, fold.best_epoch].map(|number| number.to_string());
        line(fold.fold.to_string(), words, &fold.scores)
    });
    let none = || [String::new(), String::new(), String::new()];
    let last = [line("mean".into(), none(), &found.mean), line("deviation".into(), none(), &found.deviation)];
    page + &table(std::iter::once(head).chain(folds).chain(last), |column| column > 0)
}
