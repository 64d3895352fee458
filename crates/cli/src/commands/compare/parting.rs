//! Where two runs part: the first step whose loss is not the same to the bit, or else the first epoch whose record is not.
//!
//! The loss of a step is that of its batch before it: the first that differs shows that the batch differs, or the parameters after
//! the step before. That it was before the first step is known where the layers were looked at then and have other parameters.

use std::fmt;

use chainrule::layer_statistics::Layers;
use chainrule::step_losses::StepLosses;
use chainrule::trainer::Epoch;
use chainrule::{InputError, Run};
use serde::Serialize;

/// Two runs, and where they part.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Parting {
    a: char,
    b: char,
    #[serde(flatten)]
    at: At,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "part", rename_all = "snake_case")]
enum At {
    /// With other parameters.
    BeforeTheFirstStep,
    /// The first step that is not the same, from 1 over the whole training; which of which epoch it is, from 1, if both count so; and
    /// its losses.
    Step { step: usize, within: Option<(usize, usize)>, losses: [f32; 2] },
    /// The first epoch that is not the same, from 1, and what is not in it.
    Epoch { epoch: usize, of: &'static str, numbers: [Option<f64>; 2] },
    /// The same in so many epochs, which is all that both have; whether one of them has more.
    Never { epochs: usize, one_goes_on: bool },
}

/// What a run has written down as it went.
pub(super) struct Trail {
    letter: char,
    pub(super) history: Vec<Epoch>,
    /// Before the first step; runs of older programs have none, nor losses.
    first: Option<Layers>,
    losses: Option<StepLosses>,
    /// Steps in an epoch.
    steps: usize,
}

impl Trail {
    /// Of a run that is called by this letter.
    ///
    /// # Errors
    /// If a file of it is broken.
    pub(super) fn of(letter: char, run: &Run) -> Result<Trail, InputError> {
        let layers = if run.folder.join("layers.jsonl").exists() { run.layers()? } else { Vec::new() };
        let first = layers.into_iter().find(|layers| layers.epoch == 0);
        let steps = run.record.data.train.div_ceil(run.record.training.batch.max(1)).max(1);
        Ok(Trail { letter, history: run.history()?, first, losses: run.losses()?, steps })
    }
}

impl Parting {
    /// Of two runs.
    pub(super) fn of(a: &Trail, b: &Trail) -> Parting {
        let begin = |layers: &Layers| -> Vec<_> {
            layers.parameters.iter().map(|parameter| (parameter.name.clone(), parameter.values.clone())).collect()
        };
        let at = if let (Some(first), Some(other)) = (&a.first, &b.first)
            && begin(first) != begin(other)
        {
            At::BeforeTheFirstStep
        } else {
            match (step(a, b), epoch(a, b)) {
                // What was not the same in an earlier epoch comes first.
                (Some((step, _)), Some((epoch, at))) if epoch <= step / a.steps => at,
                (Some((step, losses)), _) => {
                    let within = (a.steps == b.steps).then_some((step % a.steps + 1, step / a.steps + 1));
                    At::Step { step: step + 1, within, losses }
                }
                (None, Some((_, at))) => at,
                (None, None) => {
                    let (x, y) = (a.history.len(), b.history.len());
                    At::Never { epochs: x.min(y), one_goes_on: x != y }
                }
            }
        };
        Parting { a: a.letter, b: b.letter, at }
    }
}

/// The first step whose losses differ, from 0, and those.
fn step(a: &Trail, b: &Trail) -> Option<(usize, [f32; 2])> {
    let (Some(x), Some(y)) = (&a.losses, &b.losses) else { return None };
    let mut pairs = x.as_slice().iter().zip(y.as_slice()).enumerate();
    pairs.find(|(_, (x, y))| x.to_bits() != y.to_bits()).map(|(step, (&x, &y))| (step, [x, y]))
}

/// The first epoch whose records differ, from 1, and how.
fn epoch(a: &Trail, b: &Trail) -> Option<(usize, At)> {
    let differ = |(x, y): (&Epoch, &Epoch)| {
        let of = [
            ("training loss", Some(x.train_loss), Some(y.train_loss)),
            ("validation loss", x.validation.map(|v| v.loss), y.validation.map(|v| v.loss)),
            ("rate", Some(x.rate), Some(y.rate)),
        ];
        let differs = |(_, x, y): &(&str, Option<f64>, Option<f64>)| x.map(f64::to_bits) != y.map(f64::to_bits);
        let found = of.into_iter().find(differs);
        found.map(|(of, p, q)| (x.epoch, At::Epoch { epoch: x.epoch, of, numbers: [p, q] }))
    };
    a.history.iter().zip(&b.history).find_map(differ)
}

impl fmt::Display for Parting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parting { a, b, at } = self;
        match at {
            At::BeforeTheFirstStep => {
                write!(f, "{a} and {b} part before the first step: their first parameters differ")
            }
            At::Step { step, within, losses: [x, y] } => {
                let within = match within {
                    Some((_, 1)) => " of epoch 1".to_owned(),
                    Some((step, epoch)) => format!(" (step {step} of epoch {epoch})"),
                    None => String::new(),
                };
                let before = same(step - 1);
                write!(f, "{a} and {b} part in step {step}{within}{before}: its batch's loss is {x} and {y}")
            }
            At::Epoch { epoch, of, numbers } => {
                let [x, y] = numbers.map(|number| number.map_or("none".to_owned(), |number| number.to_string()));
                let before = same(epoch - 1);
                write!(f, "{a} and {b} part in epoch {epoch}{before}: {of} {x} and {y}")
            }
            At::Never { epochs, one_goes_on } => {
                let all = if *epochs == 1 { "the one epoch".to_owned() } else { format!("all {epochs} epochs") };
                let both = if *one_goes_on { " that both have" } else { "" };
                write!(f, "{a} and {b} are the same to the bit in {all}{both}")
            }
        }
    }
}

/// Before what differs.
fn same(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => ", after 1 that is the same to the bit".to_owned(),
        count => format!(", after {count} that are the same to the bit"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(losses: &[f64]) -> Vec<Epoch> {
        let epoch = |(at, &train_loss): (usize, &f64)| Epoch {
            epoch: at + 1,
            train_loss,
            validation: None,
            rate: 0.1,
            seconds: at as f64,
        };
        losses.iter().enumerate().map(epoch).collect()
    }

    fn trail(letter: char, losses: &[f64], steps: Option<&[f32]>) -> Trail {
        let losses_of_steps = steps.map(|steps| StepLosses::new(steps.to_vec()));
        Trail { letter, history: epochs(losses), first: None, losses: losses_of_steps, steps: 2 }
    }

    fn said(a: (&[f64], Option<&[f32]>), b: (&[f64], Option<&[f32]>)) -> String {
        Parting::of(&trail('A', a.0, a.1), &trail('C', b.0, b.1)).to_string()
    }

    #[test]
    fn the_last_bit_of_an_epoch_parts() {
        let near = f64::from_bits(0.5f64.to_bits() + 1);
        let said = |a: &[f64], b: &[f64]| said((a, None), (b, Some(&[0.0])));
        assert_eq!(said(&[1.0, 0.5], &[1.0, 0.5]), "A and C are the same to the bit in all 2 epochs");
        assert_eq!(
            said(&[1.0, 0.5, 0.25], &[1.0, near, 0.25]),
            "A and C part in epoch 2, after 1 that is the same to the bit: training loss 0.5 and 0.5000000000000001"
        );
        assert_eq!(said(&[1.0], &[2.0, 0.5]), "A and C part in epoch 1: training loss 1 and 2");
        assert_eq!(said(&[1.0], &[1.0, 0.5]), "A and C are the same to the bit in the one epoch that both have");
    }

    #[test]
    fn the_last_bit_of_a_step_parts() {
        let near = f32::from_bits(0.5f32.to_bits() + 1);
        assert_eq!(
            said((&[1.0, 0.5], Some(&[1.5, 0.5, 0.5, 0.5])), (&[1.0, 0.25], Some(&[1.5, 0.5, near, 0.25]))),
            "A and C part in step 3 (step 1 of epoch 2), after 2 that are the same to the bit: its batch's loss is 0.5 and 0.50000006"
        );
        // An epoch of other rows to choose by, and only then another step.
        assert_eq!(
            said((&[1.0, 0.5], Some(&[1.5, 0.5, 0.5, 0.5])), (&[2.0, 0.5], Some(&[1.5, 0.5, 0.5, 0.25]))),
            "A and C part in epoch 1: training loss 1 and 2"
        );
    }
}
