//! `report.html`: a run as one page that needs nothing else, to be read, printed and sent.
//!
//! The page holds the run's numbers as JSON and draws them where it is opened; its curves are by uPlot, which is small and in the page. It is a function of
//! the run alone, without times and paths of its own, so that a training that was interrupted leaves the same bytes.

mod filters;

use serde::Serialize;

use crate::doctor::Finding;
use crate::encoding::TargetEncoding;
use crate::held_out::HeldOut;
use crate::input_error::InputError;
use crate::layer_statistics::Layers;
use crate::predict::Predictor;
use crate::record::{Record, Results};
use crate::trainer::Epoch;
use filters::Filters;

const PAGE: &str = include_str!("page/page.html");
const STYLE: [&str; 2] = [include_str!("uplot/uPlot.min.css"), include_str!("page/style.css")];
const UPLOT: &str = include_str!("uplot/uPlot.iife.min.js");
const SCRIPT: [&str; 6] = [
    include_str!("page/base.js"),
    include_str!("page/chart.js"),
    include_str!("page/curves.js"),
    include_str!("page/held_out.js"),
    include_str!("page/layers.js"),
    include_str!("page/made.js"),
];

/// What the page shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown<'a> {
    pub(crate) record: &'a Record,
    pub(crate) predictor: &'a Predictor,
    pub(crate) history: &'a [Epoch],
    pub(crate) layers: &'a [Layers],
    pub(crate) held_out: Option<&'a HeldOut>,
    pub(crate) findings: &'a [Finding],
    /// Where it stands, if it has not ended: no row that is held out was looked at, and no doctor has come.
    pub(crate) stopped: Option<Stopped>,
}

/// After this step of this epoch.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Stopped {
    pub(crate) epoch: usize,
    pub(crate) step: usize,
}

/// As the scripts of the page take it.
#[derive(Serialize)]
struct Numbers<'a> {
    name: String,
    version: &'a str,
    model: &'a str,
    words: Vec<String>,
    command: String,
    settings: Vec<[String; 2]>,
    target: Target<'a>,
    data: Parts,
    results: &'a Results,
    history: &'a [Epoch],
    layers: &'a [Layers],
    held_out: Option<&'a HeldOut>,
    findings: Vec<Found>,
    filters: Option<Filters>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<Stopped>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Target<'a> {
    Classes(&'a [String]),
    Name(&'a str),
}

/// A finding as people read it.
#[derive(Serialize)]
struct Found {
    title: String,
    says: String,
    advice: Vec<String>,
}

#[derive(Serialize)]
struct Parts {
    train: usize,
    validation: usize,
    test: usize,
}

impl Shown<'_> {
    /// The page.
    ///
    /// # Errors
    /// If the run holds what JSON cannot.
    pub(crate) fn page(&self) -> Result<String, InputError> {
        let Shown { record, predictor, history, layers, held_out, findings, stopped } = *self;
        let history: Vec<Epoch> = history.iter().map(|&epoch| Epoch { seconds: 0.0, ..epoch }).collect();
        let results = Results { seconds: 0.0, threads: 0, ..record.results.clone() };
        let name = record.data.source.name();
        let numbers = Numbers {
            version: &record.version,
            model: &record.model,
            words: predictor.model().layers().iter().map(ToString::to_string).collect(),
            command: record.command(),
            settings: settings(record, predictor),
            target: match &record.target {
                TargetEncoding::Classes(names) => Target::Classes(names),
                TargetEncoding::Number { name, .. } => Target::Name(name),
            },
            data: Parts { train: record.data.train, validation: record.data.validation, test: record.data.test },
            results: &results,
            history: &history,
            layers,
            held_out,
            findings: findings.iter().map(Found::of).collect(),
            filters: Filters::of(predictor),
            stopped,
            name: name.clone(),
        };
        let json = serde_json::to_string(&numbers)
            .map_err(|e| InputError::new("report.html", "numbers that JSON can hold", e.to_string(), "train anew"))?;
        // What is in the data must not end the script that holds it.
        let json = json.replace('<', "\\u003c");
        let title = format!("{name}: {}", record.model).replace('&', "&amp;").replace('<', "&lt;");
        let parts = [
            ("title", title),
            ("style", STYLE.join("\n")),
            ("run", json),
            ("uplot", UPLOT.into()),
            ("script", SCRIPT.join("\n")),
        ];
        Ok(fill(PAGE, &parts))
    }
}

impl Found {
    fn of(finding: &Finding) -> Found {
        Found {
            title: format!("{}, {}", finding.illness, finding.when()),
            says: finding.says.clone(),
            // The page does not know where it will be read.
            advice: finding.advice.iter().map(|advice| advice.typed("RUN")).collect(),
        }
    }
}

/// The page with each `{{name}}` replaced, once, from the first to the last: what comes in is not looked at again.
fn fill(page: &str, parts: &[(&str, String)]) -> String {
    let (mut filled, mut rest) = (String::new(), page);
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, behind)) = after.split_once("}}") else { break };
        filled += before;
        filled.extend(parts.iter().filter(|(part, _)| *part == name).map(|(_, text)| text.as_str()));
        rest = behind;
    }
    filled + rest
}

/// What was asked, in the order in which people ask it.
fn settings(record: &Record, predictor: &Predictor) -> Vec<[String; 2]> {
    let (training, data) = (&record.training, &record.data);
    let row = |name: &str, value: String| [name.to_owned(), value];
    let said = |name: &str, value: &Option<String>| value.as_ref().map(|value| row(name, value.clone()));
    let parameters: usize = predictor.tensors().iter().map(|tensor| tensor.values.len()).sum();
    let mut rows = vec![
        row("data", data.source.path.as_ref().map_or("the digits in the program".into(), |p| p.display().to_string())),
        row("fingerprint of the data", data.fingerprint.clone()),
        row("network", record.model.clone()),
        row("numbers in it", parameters.to_string()),
    ];
    rows.extend(said("loss", &training.loss));
    rows.push(row("optimizer", training.optimizer.clone()));
    rows.push(row("rate", training.rate.to_string()));
    rows.extend(said("schedule", &training.schedule));
    rows.extend(said("initial weights", &training.initial));
    rows.push(row("batch", training.batch.to_string()));
    rows.push(row("epochs, at most", training.epochs.to_string()));
    rows.extend(said("patience", &training.patience.map(|epochs| epochs.to_string())));
    rows.push(row("seed", training.seed.to_string()));
    rows
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn what_fills_the_page_is_not_filled_again() {
        let parts = [("a", "{{b}}".to_owned()), ("b", "2".to_owned())];
        assert_eq!(fill("<{{a}}|{{b}}|{{c}}>", &parts), "<{{b}}|2|>");
    }
}
