//! A validation part that is too small to choose an epoch or a setting by: what it says could as well be chance.
//!
//! Of classes the half width of Wilson's 95 % interval of the accuracy, `z √(p(1 − p)/n + z²/4n²) / (1 + z²/n)`, which is no 0 where
//! all rows are told; of numbers 1.96 standard errors of the mean loss, as a share of the loss of guessing. Above 15 % of either: no
//! difference between epochs that is worth having is told from chance. Ten rows of which all are told have 14 %.

use super::advice::Again;
use super::case::Case;
use super::seen::{JudgedClass, Sample};
use super::{Finding, Illness, percent, short};

const WIDE: f64 = 0.15;
const Z: f64 = 1.96;
/// Epochs whose spread is told beside it.
const LATEST: usize = 10;

pub(super) fn sign(case: &Case<'_>) -> Option<Finding> {
    let judged = &case.seen.validation;
    if judged.rows.is_empty() {
        return None;
    }
    let (n, classes) = (judged.rows.len() as f64, case.classes().len());
    let (width, of) = if classes > 0 {
        let told = judged.classified().filter(JudgedClass::is_told).count();
        let p = told as f64 / n;
        let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt() / (1.0 + Z * Z / n);
        (half, format!("an accuracy of {} by {n} rows", percent(p)))
    } else {
        let (mean, error) = (judged.losses().sum::<f64>() / n, standard_error(judged)?);
        (
            Z * error / case.guess(),
            format!("a loss of {} by {n} rows, where guessing has {},", short(mean), short(case.guess())),
        )
    };
    if width <= WIDE {
        return None;
    }
    let losses = case.validation()?;
    let latest = &losses[losses.len().saturating_sub(LATEST)..];
    let spread =
        latest.iter().copied().fold(f64::NEG_INFINITY, f64::max) - latest.iter().copied().fold(f64::INFINITY, f64::min);
    let error = standard_error(judged).map_or(String::new(), |error| {
        format!(
            "; the last {} epochs' losses differ by {}, with a standard error of {}",
            latest.len(),
            short(spread),
            short(error)
        )
    });
    let training = &case.record.training;
    let again = || Again::of(case);
    let mut advice = vec![again().with("validation", &short((training.validation * 3.0).clamp(0.2, 0.4))).command()];
    // Folds are dealt in memory.
    if !again().has("memory") {
        advice.push(again().with("folds", &5).command());
    }
    Some(Finding {
        illness: Illness::SmallValidation,
        since: None,
        says: format!("{of} is known to ±{}{error}", percent(width)),
        advice,
    })
}

/// `√(Σ (x − mean)² / (n(n − 1)))`; `None` of fewer than two.
pub(super) fn standard_error(judged: &Sample) -> Option<f64> {
    let (n, losses) = (judged.rows.len() as f64, judged.losses());
    let mean = losses.clone().sum::<f64>() / n;
    let squares: f64 = losses.map(|loss| (loss - mean).powi(2)).sum();
    (n >= 2.0).then(|| (squares / (n * (n - 1.0))).sqrt())
}
