//! Labels that look wrong: training rows that the network takes for another class and is sure of it.
//!
//! Where classes overlap, most of a network's errors are close calls. Where classes are told apart and some labels are wrong, many errors
//! are rows to whose label it gives next to nothing, and to another class nearly all. So: nine of ten training rows are told, a third of the
//! errors or more give their label under a tenth and another class four fifths, and there are three or more of these and one in 500 rows. A network that has been trained until it
//! remembers every row shows nothing. Of numbers no such sign is known that heavy tails do not give too.

use super::case::Case;
use super::seen::JudgedClass;
use super::{Advice, Finding, Illness, percent};
use crate::command_line::quoted;

const TOLD: f64 = 0.9;
const DENIED: f64 = 0.1;
const SURE: f64 = 0.8;
const OF_ERRORS: f64 = 1.0 / 3.0;
const FEWEST: usize = 3;
const LEAST: f64 = 1.0 / 500.0;
/// So many are named.
const NAMED: usize = 5;

pub(super) fn sign(case: &Case<'_>) -> Option<Finding> {
    let (judged, names) = (&case.seen.train, case.classes());
    let errors: Vec<JudgedClass> = judged.classified().filter(|row| !row.is_told()).collect();
    let mut denied: Vec<&JudgedClass> =
        errors.iter().filter(|row| row.of_label < DENIED && row.of_answer >= SURE).collect();
    let (rows, count) = (judged.rows.len() as f64, denied.len());
    let is_told = errors.len() as f64 <= (1.0 - TOLD) * rows;
    let many = count >= FEWEST && count as f64 >= LEAST * rows && count as f64 >= OF_ERRORS * errors.len() as f64;
    if names.is_empty() || !is_told || !many {
        return None;
    }
    denied.sort_by(|a, b| a.of_label.total_cmp(&b.of_label));
    let named = denied.iter().take(NAMED).map(|found| {
        format!(
            "row {} is labeled '{}' and looks like '{}' ({})",
            found.row + 1,
            names[found.label],
            names[found.answer],
            percent(found.of_answer)
        )
    });
    let named = named.collect::<Vec<_>>().join("; ");
    let worst = denied.first().map_or(1, |found| found.row + 1);
    let advice = match &case.record.data.source.path {
        Some(path) => Advice::look("trace", &format!(" {} --row {worst}", quoted(&path.display().to_string()))),
        None => Advice::look("test", " --metrics"),
    };
    Some(Finding {
        illness: Illness::WrongLabels,
        since: None,
        says: format!(
            "{count} of {} training rows ({}) have a label that the network is sure is wrong: {named}. Look at them in the data",
            judged.rows.len(),
            percent(count as f64 / rows)
        ),
        advice: vec![advice],
    })
}
