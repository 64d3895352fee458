//! What is wrong with a run, from its record, its epochs, its layers and what it says of its rows: each illness with the numbers that show
//! it, the epoch since which they do, and what to try.
//!
//! Looked for once, when a training is over and has just scored its rows, and kept in the run: nobody has to ask, and asking needs no data.
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
mod seen;
mod small_validation;
mod underfitting;
mod wrong_labels;

use std::fmt;

use serde::{Deserialize, Serialize};

pub(crate) use self::case::Case;
pub(crate) use self::seen::{Sample, Seen};
use crate::command_line::quoted;

/// What a run can suffer from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
///
/// ```
/// # use chainrule::{Settings, Source, digits, run_folder, train};
/// # let temporary = tempfile::tempdir()?;
/// # let folder = temporary.path().join("run");
/// # let settings = Settings { model: Some("affine:10".parse()?), epochs: 2, ..Settings::default() };
/// # let trained = train(digits(), &settings, |_progress| {})?;
/// # run_folder::save(&folder, &trained, &Source::default(), false)?;
/// let run = chainrule::Run::open(&folder)?;
/// for finding in run.findings()? {
///     let commands: Vec<String> = finding.advice.iter().map(|advice| advice.typed("runs/digits-1")).collect();
///     println!("{} ({}): try {}", finding.says, finding.when(), commands.join(" or "));
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Which.
    pub illness: Illness,
    /// The epoch since which it shows, 0 being before the first step; `None` of what lies in the data.
    pub since: Option<usize>,
    /// What shows it, with its numbers.
    pub says: String,
    /// What to try; the first is the likeliest to help.
    pub advice: Vec<Advice>,
}

/// A command to try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Advice {
    /// The training with something changed.
    Train(String),
    /// A look at the run.
    Look {
        /// The word after the program's name.
        command: String,
        /// What comes after the run's folder, with the space before it.
        flags: String,
    },
}

impl Advice {
    fn look(command: &str, flags: &str) -> Advice {
        Advice::Look { command: command.to_owned(), flags: flags.to_owned() }
    }

    /// As it is typed where the run is in `folder`.
    pub fn typed(&self, folder: &str) -> String {
        match self {
            Advice::Train(command) => command.clone(),
            Advice::Look { command, flags } => format!("chainrule {command} {}{flags}", quoted(folder)),
        }
    }
}

impl Finding {
    /// When it began, in words.
    pub fn when(&self) -> String {
        match self.since {
            None => "in the data".to_owned(),
            Some(0) => "since before the first step".to_owned(),
            Some(epoch) => format!("since epoch {epoch}"),
        }
    }
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

/// Examines a training that is over: what is to be mended first comes first, and a healthy one has none.
pub(crate) fn examine(case: &Case<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = ILLNESSES.iter().filter_map(|sign| sign(case)).collect();
    // A stable sort: within each half the table's order stays.
    findings.sort_by_key(|finding| finding.since != Some(0));
    if let Some(first) = findings.first().map(|first| first.illness).filter(|first| first.is_of_steps()) {
        findings.retain(|finding| finding.illness == first || !finding.illness.follows_from_steps());
    }
    findings
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
