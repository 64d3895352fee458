//! Underfitting: the training loss has stopped falling where even the rows that were learned from are hardly told better than by a guess.
//!
//! Hardly better is four fifths of the loss of guessing or more; stopped is a range under 5 % of it in the later half of the epochs. The
//! network is too small for what there is to learn, or what there is to learn is not in the columns: from a run alone the two
//! look alike, and a larger network tells them apart.

use super::advice::Again;
use super::case::Case;
use super::{Finding, Illness, percent, short};

/// Less of the loss of guessing than this is next to nothing.
pub(super) const LEARNED: f64 = 0.2;
const STOPPED: f64 = 0.05;
const REACHED: f64 = 0.02;
const FEWEST: usize = 4;

pub(super) fn sign(case: &Case<'_>) -> Option<Finding> {
    let losses: Vec<f64> = case.history.iter().map(|epoch| epoch.train_loss).collect();
    if losses.len() < FEWEST {
        return None;
    }
    let (guess, train) = (case.guess(), case.record.results.train.loss);
    let range =
        |losses: &[f64]| losses.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &x| (a.min(x), b.max(x)));
    let (low, high) = range(&losses[losses.len() / 2..]);
    let learned = case.learned();
    if learned > LEARNED || high - low > STOPPED * guess {
        return None;
    }
    let lowest = range(&losses).0;
    let since = losses.iter().position(|&loss| loss <= lowest + REACHED * guess)? + 1;
    let model = case.predictor.model();
    let has_hidden = model.layers().len() > 1;
    let wider = move |at: usize, count: usize, word: &str| match word
        .strip_prefix("affine:")
        .and_then(|n| n.parse::<usize>().ok())
    {
        Some(outputs) if at + 1 < count => format!("affine:{}", (outputs * 4).max(64)),
        Some(_) if !has_hidden => format!("affine:128 relu {word}"),
        _ => word.to_owned(),
    };
    Some(Finding {
        illness: Illness::Underfitting,
        since: Some(since),
        says: format!(
            "the training loss stays at {}, and guessing without looking has {}: {} of it is learned",
            short(train),
            short(guess),
            percent(learned.max(0.0))
        ),
        advice: vec![Again::of(case).words(wider).command()],
    })
}
