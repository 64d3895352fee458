//! A rate that is too low, or too few epochs: the training was not done when it ended.
//!
//! - Still falling: the last quarter of the epochs brought a tenth or more of all that the training loss has fallen (from that of guessing, or
//!   the first epoch's if it is above), in nine of ten
//!   of the later epochs it fell, the validation loss was not above its lowest, and a tenth of the loss of guessing is left to fall.
//!   A loss that nears its end as e^(−t) with three time constants in the training gets 6 % from the last quarter, a straight line 25 %.
//! - Standing still: all epochs' losses lie within 1 % of the loss of guessing, and no weight's root mean square has changed by a
//!   thousandth: the steps do not move it.

use super::advice::Again;
use super::case::Case;
use super::{Finding, Illness, percent, short};

const LATE: f64 = 0.1;
const STEADY: f64 = 0.9;
const LEFT: f64 = 0.1;
const STILL: f64 = 0.01;
const UNMOVED: f64 = 1e-3;
const FEWEST: usize = 4;

pub(super) fn sign(case: &Case<'_>) -> Option<Finding> {
    let losses: Vec<f64> = case.history.iter().map(|epoch| epoch.train_loss).collect();
    let (first, last) = (*losses.first()?, *losses.last()?);
    let count = losses.len();
    if count < FEWEST {
        return None;
    }
    let guess = case.guess();
    let range = losses.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &x| (a.min(x), b.max(x)));
    let says = if range.1 - range.0 < STILL * guess && are_weights_unmoved(case) {
        format!("in {count} epochs the training loss went from {} to {}: it stands still", short(first), short(last))
    } else {
        let quarter = (count / 4).max(1);
        let late = losses[count - 1 - quarter] - last;
        let half = &losses[count / 2 - 1..];
        let falls = half.windows(2).filter(|pair| pair[1] < pair[0]).count() as f64 / (half.len() - 1) as f64;
        let is_best = case.validation().is_none_or(|losses| {
            let lowest = losses.iter().copied().fold(f64::INFINITY, f64::min);
            losses.last().is_some_and(|&last| last <= lowest + STILL * guess)
        });
        // What the first epoch brought is not seen in its mean.
        let fell = first.max(guess) - last;
        if late < LATE * fell || fell <= 0.0 || falls < STEADY || last < LEFT * guess || !is_best {
            return None;
        }
        format!(
            "the training loss was still falling when training ended: the last {} brought {} of its fall from {} to {}",
            if quarter == 1 { "epoch".to_owned() } else { format!("{quarter} epochs") },
            percent(late / fell),
            short(first.max(guess)),
            short(last)
        )
    };
    let training = &case.record.training;
    let again = || Again::of(case);
    Some(Finding {
        illness: Illness::RateTooLow,
        since: Some(1),
        says: format!("{says}; the rate is {}", short(training.rate)),
        advice: [
            again().with("rate", &short(training.rate * 10.0)).command(),
            again().with("epochs", &(training.epochs * 3)).command(),
        ]
        .into_iter()
        .chain(again().find_rate())
        .collect(),
    })
}

fn are_weights_unmoved(case: &Case<'_>) -> bool {
    let (Some(first), Some(last)) = (case.layers.first(), case.layers.last()) else { return false };
    let pairs = first.parameters.iter().zip(&last.parameters).filter(|(_, last)| last.name.ends_with("weight"));
    pairs.into_iter().all(|(first, last)| (first.rms - last.rms).abs() <= UNMOVED * first.rms)
}
