//! Imbalance: a class that is rare, and mostly taken for others because of it.
//!
//! Rare is a fifth of the most frequent class or less; the harm is that under half of its training rows are told while four in five of the
//! frequent class are. A rare class that is told is no illness.

use super::case::Case;
use super::seen::JudgedClass;
use super::{Advice, Finding, Illness, percent};

const RARE: usize = 5;
const MISSED: f64 = 0.5;
const TOLD: f64 = 0.8;
/// Of fewer rows a share says little.
const FEWEST: usize = 5;

pub(super) fn sign(case: &Case<'_>) -> Option<Finding> {
    let (counts, names) = (case.counts(), case.classes());
    let mut told = vec![0usize; names.len()];
    for row in case.seen.train.classified().filter(JudgedClass::is_told) {
        told[row.label] += 1;
    }
    let share = |class: usize| told[class] as f64 / counts[class].max(1) as f64;
    let most = (0..counts.len()).max_by_key(|&class| counts[class])?;
    let is_ill = |&class: &usize| {
        counts[class] >= FEWEST && counts[class] * RARE <= counts[most] && share(class) < MISSED && share(most) >= TOLD
    };
    let ill: Vec<usize> = (0..counts.len()).filter(is_ill).collect();
    let &worst = ill.iter().min_by(|&&a, &&b| share(a).total_cmp(&share(b)))?;
    Some(Finding {
        illness: Illness::Imbalance,
        since: None,
        says: format!(
            "class '{}' has {} training rows and '{}' has {}: {} of the first are told, {} of the second{}",
            names[worst],
            counts[worst],
            names[most],
            counts[most],
            percent(share(worst)),
            percent(share(most)),
            if ill.len() > 1 {
                format!("; {} more classes are as rare and as badly told", ill.len() - 1)
            } else {
                String::new()
            }
        ) + ". More rows of it help, or a column of weights in which its rows have more",
        advice: vec![Advice::look("test", " --metrics")],
    })
}
