//! `chainrule train --find-rate`: the curve of the range test, and its suggestion.

use std::io::{Write, stdout};

use chainrule::engine::Cpu;
use chainrule::range_test::{Point, RangeTest, range_test};
use chainrule::{Data, Settings};
use serde::Serialize;

use super::train::told;

/// Lines of the curve on the page; all its points are in the JSON.
const LINES: usize = 24;
/// Letters of the longest bar.
const BAR: usize = 40;

/// All that `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    optimizer: &'static str,
    batch: usize,
    #[serde(flatten)]
    test: &'a RangeTest,
}

/// Tests and prints.
pub(crate) fn run(data: Data, settings: &Settings, json: bool) -> anyhow::Result<()> {
    let test = range_test(&Cpu::new(settings.threads()), data, settings).map_err(told)?;
    let optimizer = settings.optimizer.name();
    let page = if json {
        serde_json::to_string(&Report { optimizer, batch: settings.batch, test: &test })? + "\n"
    } else {
        let heading = format!("range test of {optimizer}, batch {}: {} steps", settings.batch, test.points.len());
        format!("{heading}\n\n{}\n{}", curve(&test), suggestion(&test))
    };
    stdout().lock().write_all(page.as_bytes())?;
    Ok(())
}

/// Lines at even steps of the logarithm of the rate: the rate, the smoothed loss, and a bar of its height.
fn curve(test: &RangeTest) -> String {
    let points = &test.points;
    let lines = LINES.min(points.len());
    let shown: Vec<Point> = (1..=lines).map(|line| points[line * points.len() / lines - 1]).collect();
    let highest = shown.iter().map(|point| point.smoothed).fold(f64::MIN_POSITIVE, f64::max);
    let nearest = |rate: f64| {
        let far = |point: &Point| (point.rate / rate).ln().abs();
        (0..lines).min_by(|&a, &b| far(&shown[a]).total_cmp(&far(&shown[b])))
    };
    let (suggested, lowest) = (nearest(test.suggestion), nearest(test.lowest));
    let mut page = "    rate        loss\n".to_owned();
    for (line, point) in shown.iter().enumerate() {
        let bar = "#".repeat((BAR as f64 * point.smoothed / highest).round() as usize);
        let mark = match Some(line) {
            at if at == suggested => "  <- suggested",
            at if at == lowest => "  <- lowest",
            _ => "",
        };
        page += &format!("{:>8.1e}  {:>10}  {bar}{mark}\n", point.rate, number(point.smoothed));
    }
    page
}

fn number(loss: f64) -> String {
    if loss.abs() < 1e6 { format!("{loss:.4}") } else { format!("{loss:.3e}") }
}

fn suggestion(test: &RangeTest) -> String {
    format!("suggestion  --rate {}\nbecause     {}\n", test.suggestion, test.reason)
}
