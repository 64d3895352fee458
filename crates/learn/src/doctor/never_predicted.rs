//! A class that is never the answer, or for under a twentieth of as many training rows as it has, though there are ten rows or more of it and others are
//! told. (Of a network that has learned next to nothing it would be no news.)

use super::advice::Again;
use super::case::Case;
use super::underfitting::LEARNED;
use super::{Advice, Finding, Illness};
use crate::input_error::listing;

/// A class of fewer may well not be learned.
const FEWEST: usize = 10;
const HARDLY: usize = 20;

pub(super) fn sign(case: &Case<'_>) -> Option<Finding> {
    let (counts, names) = (case.counts(), case.classes());
    let mut answered = vec![0; names.len()];
    for row in case.seen.train.classified() {
        answered[row.answer] += 1;
    }
    let never = |&class: &usize| answered[class] * HARDLY <= counts[class] && counts[class] >= FEWEST;
    let ill: Vec<usize> = (0..names.len()).filter(never).collect();
    let first = *ill.first().filter(|_| case.learned() > LEARNED)?;
    let missing: Vec<&String> = ill.iter().map(|&class| &names[class]).collect();
    Some(Finding {
        illness: Illness::NeverPredicted,
        since: None,
        says: format!(
            "{} of {} classes never or hardly ever the answer: {}; of the first there are {} training rows, and it is the answer for {}",
            if ill.len() == 1 { "one".to_owned() } else { ill.len().to_string() },
            names.len(),
            listing(&missing),
            counts[first],
            answered[first]
        ),
        advice: vec![
            Advice::look("test", " --metrics"),
            Again::of(case).with("epochs", &(case.record.training.epochs * 3)).command(),
        ],
    })
}
