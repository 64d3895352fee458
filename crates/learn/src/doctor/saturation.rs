//! Saturation: outputs of a sigmoid or tanh where its derivative is under 2 % of the largest it can have.
//!
//! Of sums that are spread as the usual initial weights spread them (a standard deviation of about 1) tanh saturates where |z| > 2.6,
//! 1 % of outputs. In training some come to it because they are sure. Half of a layer's is a layer that hardly learns.

use super::advice::Again;
use super::case::Case;
use super::{Finding, Illness, percent};

const SATURATED: f64 = 0.5;

pub(super) fn sign(case: &Case<'_>) -> Option<Finding> {
    let last = case.layers.last()?;
    let shares = last.outputs.iter().filter_map(|output| Some((output, output.saturated?)));
    let (worst, saturated) = shares.max_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, share)| *share >= SATURATED)?;
    let is_ill = |share: Option<f64>| share.is_some_and(|share| share >= SATURATED);
    let since = case.since(|layers| layers.outputs.iter().any(|o| o.layer == worst.layer && is_ill(o.saturated)))?;
    let again = || Again::of(case);
    let unusual = ["init-from", "initial"].into_iter().find(|flag| since == 0 && again().has(flag));
    let first = match unusual {
        Some(flag) => again().without(flag),
        None => again().with("rate", &(case.record.training.rate / 10.0)),
    };
    let norm = |_: usize, _: usize, word: &str| match word {
        "sigmoid" | "tanh" => format!("layer_norm {word}"),
        _ => word.to_owned(),
    };
    Some(Finding {
        illness: Illness::Saturation,
        since: Some(since),
        says: format!(
            "{} of the outputs of the {} that is word {} lie where it is flat",
            percent(saturated),
            worst.word,
            worst.layer + 1
        ),
        advice: vec![first.command(), again().words(norm).command()],
    })
}
