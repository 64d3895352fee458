//! A rate that is too high: the training loss jumps, or is thrown far above that of guessing.
//!
//! - A jump: an epoch's mean loss half above the lowest so far, by more than 5 % of the loss of guessing. Means over an epoch
//!   hardly vary, and what little they do at a loss of nearly 0 is under the 5 %.
//! - Thrown: the first epoch's mean above three times the loss that networks begin with: of classes, however rare some are, about that of
//!   taking all for as likely, ln(classes); of a number at most twice that of guessing, as the initial outputs have about the target's spread.
//! - Killed: of a relu that lived before the first step nine in ten units are 0 for every row. Only steps that throw biases far down do that.

use super::advice::Again;
use super::case::Case;
use super::{Finding, Illness, short};
use crate::layer_statistics::Layers;

const JUMP: f64 = 1.5;
const LEAST: f64 = 0.05;
const THROWN: f64 = 3.0;
const LIVED: f64 = 0.5;
const KILLED: f64 = 0.9;

pub(super) fn sign(case: &Case<'_>) -> Option<Finding> {
    let guess = case.guess();
    let losses: Vec<f64> = case.history.iter().map(|epoch| epoch.train_loss).collect();
    let mut lowest = f64::INFINITY;
    let mut jumps = Vec::new();
    for (epoch, &loss) in (1..).zip(&losses) {
        if loss > JUMP * lowest && loss - lowest > LEAST * guess {
            jumps.push((epoch, lowest, loss));
        }
        lowest = lowest.min(loss);
    }
    let begun = guess.max((case.classes().len() as f64).ln());
    let thrown = losses[0] > THROWN * begun;
    let (since, says) = match jumps.first() {
        _ if thrown => {
            let (loss, begun) = (short(losses[0]), short(begun));
            (1, format!("the first epoch's training loss was {loss}, and guessing without looking has {begun}"))
        }
        Some(&(epoch, lowest, loss)) => {
            let more =
                if jumps.len() > 1 { format!(", and was that high in {} epochs", jumps.len()) } else { String::new() };
            (epoch, format!("the training loss jumped from {} to {}{more}", short(lowest), short(loss)))
        }
        None => {
            let (epoch, word) = killed(case)?;
            (
                epoch,
                format!(
                    "the steps have made nine in ten units or more of the relu that is word {word} 0 for every row"
                ),
            )
        }
    };
    let rate = case.record.training.rate;
    let again = || Again::of(case);
    Some(Finding {
        illness: Illness::RateTooHigh,
        since: Some(since),
        says: format!("{says}; the rate is {}", short(rate)),
        advice: [again().with("rate", &short(rate / 10.0)).command(), again().with("clip-norm", &1).command()]
            .into_iter()
            .chain(again().find_rate())
            .collect(),
    })
}

/// The epoch since which a relu that lived before the first step is dead, and its place among the words, from 1.
fn killed(case: &Case<'_>) -> Option<(usize, usize)> {
    let dead = |layers: &Layers, layer: usize| layers.outputs.iter().find(|output| output.layer == layer)?.dead;
    let first = case.layers.first().filter(|layers| layers.epoch == 0)?;
    let relus = first.outputs.iter().filter(|output| output.dead.is_some_and(|dead| dead < LIVED));
    let since = |layer: usize| case.since(|layers| dead(layers, layer).is_some_and(|dead| dead >= KILLED));
    relus.filter_map(|output| Some((since(output.layer)?, output.layer + 1))).min()
}
