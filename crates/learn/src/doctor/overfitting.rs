//! Overfitting: after its lowest the validation loss rises while the training loss falls.
//!
//! The rise is that of the mean over the last tenth of the epochs: a quarter of the lowest, 2 % of the loss of guessing (a rise from 0.001 to
//! 0.002 harms no one), and two standard errors of the lowest. The weights that a run keeps are those before it; so this costs time
//! and width, and says that the network could learn more than the rows can teach.

use super::advice::Again;
use super::case::Case;
use super::small_validation::standard_error;
use super::{Finding, Illness, short};

const RISE: f64 = 0.25;
const LEAST: f64 = 0.02;
const ERRORS: f64 = 2.0;

pub(super) fn sign(case: &Case<'_>) -> Option<Finding> {
    let losses = case.validation()?;
    let (at, &lowest) = losses.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1))?;
    let count = losses.len();
    let tail = &losses[count - (count / 10).max(1)..];
    let end = tail.iter().sum::<f64>() / tail.len() as f64;
    let rise = end - lowest;
    let error = standard_error(&case.seen.validation).unwrap_or(0.0);
    let (before, after) = (case.history[at].train_loss, case.history[count - 1].train_loss);
    let rises = rise > RISE * lowest && rise > LEAST * case.guess() && rise > ERRORS * error;
    if !rises || after >= before {
        return None;
    }
    let again = || Again::of(case);
    // Before the last word, which gives the outputs.
    let dropout = |at: usize, count: usize, word: &str| {
        if at + 1 == count && count > 1 { format!("dropout:0.3 {word}") } else { word.to_owned() }
    };
    let optimizer = &case.record.training.optimizer;
    let mut advice = vec![again().with("patience", &10).command(), again().words(dropout).command()];
    if !optimizer.contains("decay=") {
        advice.push(again().with("weight-decay", &0.001).command());
    }
    Some(Finding {
        illness: Illness::Overfitting,
        since: Some(at + 2),
        says: format!(
            "the validation loss was lowest after epoch {}, {}, and rose to {} while the training loss fell from {} to {}",
            at + 1,
            short(lowest),
            short(end),
            short(before),
            short(after)
        ),
        advice,
    })
}
