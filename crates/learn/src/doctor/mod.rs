//! What is wrong with a run, from its record, its epochs, its layers and the data: each illness with the numbers that show it, the
//! epoch since which they do, and what to try.
//!
//! One illness is one file: what shows it, and why its bounds are where they are. `ILLNESSES` has them from causes to
//! consequences (a rate that is too high also leaves a network that fits badly); what was so before the first step comes before
//! all else, since the training cannot have caused it. So the first finding is the one to mend first. Where steps or derivatives go wrong, what
//! follows from it (a rate that looks wrong, too, or a network that has learned nothing) is left out.
//!
//! Losses are compared with that of guessing (`Case::guess`): a bound that is a share of it means the same for two classes, for a
//! thousand, and for numbers. Bounds are wide: a run that is only not as good as it might be is healthy.

mod advice;
mod case;
mod dead_relus;
mod gradients;
mod imbalance;
mod never_predicted;
mod overfitting;
mod rate_too_high;
mod rate_too_low;
mod saturation;
mod small_validation;
mod underfitting;
mod wrong_labels;

use std::fmt;

use serde::Serialize;

use self::case::Case;
use crate::input_error::InputError;
use crate::run_folder::Run;

/// What a run can suffer from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Illness {
    /// Gradients grow from layer to layer on their way back.
    ExplodingGradients,
    /// Units of a relu that are 0 for every row.
    DeadRelus,
    /// Outputs of a sigmoid or tanh where it is flat.
    Saturation,
    /// Steps so long that the loss jumps up.
    RateTooHigh,
    /// Gradients shrink from layer to layer on their way back.
    VanishingGradients,
    /// Steps so short that the training was not done when it ended.
    RateTooLow,
    /// A rare class that is mostly taken for others.
    Imbalance,
    /// A class that is never the answer.
    NeverPredicted,
    /// Training rows of which the network is sure that they are of another class.
    WrongLabels,
    /// Too few validation rows to choose by.
    SmallValidation,
    /// The validation loss rises while the training loss falls.
    Overfitting,
    /// Even the training rows are hardly told better than by a guess.
    Underfitting,
}

impl Illness {
    /// Whether it lies in how derivatives and steps go.
    fn is_of_steps(self) -> bool {
        use Illness::{DeadRelus, ExplodingGradients, RateTooHigh, RateTooLow, Saturation, VanishingGradients};
        matches!(self, ExplodingGradients | DeadRelus | Saturation | RateTooHigh | VanishingGradients | RateTooLow)
    }

    /// Whether any illness of the steps looks like it too, so that beside one it says nothing.
    fn follows_from_steps(self) -> bool {
        use Illness::{NeverPredicted, RateTooHigh, RateTooLow, Underfitting};
        matches!(self, RateTooHigh | RateTooLow | NeverPredicted | Underfitting)
    }
}

impl fmt::Display for Illness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Illness::ExplodingGradients => "exploding gradients",
            Illness::DeadRelus => "dead relus",
            Illness::Saturation => "saturation",
            Illness::RateTooHigh => "rate too high",
            Illness::VanishingGradients => "vanishing gradients",
            Illness::RateTooLow => "rate too low",
            Illness::Imbalance => "imbalance",
            Illness::NeverPredicted => "class never predicted",
            Illness::WrongLabels => "labels that look wrong",
            Illness::SmallValidation => "validation part too small",
            Illness::Overfitting => "overfitting",
            Illness::Underfitting => "underfitting",
        })
    }
}

/// An illness that a run shows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Which.
    pub illness: Illness,
    /// The epoch since which it shows, 0 being before the first step; `None` of what lies in the data.
    pub since: Option<usize>,
    /// What shows it, with its numbers.
    pub says: String,
    /// What to try, as commands; the first is the likeliest to help.
    pub advice: Vec<String>,
}

/// What was found, and by what.
#[derive(Clone, Debug, PartialEq)]
pub struct Examination {
    /// The first is to be mended first; none of a healthy run.
    pub findings: Vec<Finding>,
    /// Why the data could not be looked at, if they could not: what only they show was then not looked for.
    pub without_data: Option<InputError>,
}

/// What shows an illness.
type Sign = fn(&Case<'_>) -> Option<Finding>;

/// Causes before consequences.
const ILLNESSES: [Sign; 12] = [
    gradients::exploding,
    rate_too_high::sign,
    dead_relus::sign,
    saturation::sign,
    gradients::vanishing,
    rate_too_low::sign,
    imbalance::sign,
    never_predicted::sign,
    wrong_labels::sign,
    small_validation::sign,
    overfitting::sign,
    underfitting::sign,
];

/// Examines a run. The data are opened once, and judged on at most 50,000 training rows.
///
/// # Errors
/// If a file of the run is broken. Data that are gone or changed are no error: see [`Examination::without_data`].
pub fn examine(run: &Run, threads: usize) -> Result<Examination, InputError> {
    let (case, without_data) = Case::of(run, threads)?;
    let mut findings: Vec<Finding> = ILLNESSES.iter().filter_map(|sign| sign(&case)).collect();
    // A stable sort: within each half the table's order stays.
    findings.sort_by_key(|finding| finding.since != Some(0));
    if findings.first().is_some_and(|first| first.illness.is_of_steps()) {
        let first = findings[0].illness;
        findings.retain(|finding| finding.illness == first || !finding.illness.follows_from_steps());
    }
    Ok(Examination { findings, without_data })
}

/// `12.3%`
fn percent(share: f64) -> String {
    format!("{:.1}%", 100.0 * share)
}

/// Three digits of a number.
fn short(x: f64) -> String {
    let rounded: f64 = format!("{x:.2e}").parse().unwrap_or(x);
    if rounded == 0.0 || (1e-3..1e6).contains(&rounded.abs()) { rounded.to_string() } else { format!("{rounded:e}") }
}
