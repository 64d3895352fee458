//! Where two runs part: the first epoch whose record is not the same to the bit.
//!
//! That it was before the first step is known where the layers were looked at then and have other parameters.

use std::fmt;

use chainrule::layer_statistics::Layers;
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
    /// The first epoch that is not the same, from 1, and what is not in it.
    Epoch { epoch: usize, of: &'static str, numbers: [Option<f64>; 2] },
    /// The same in so many epochs, which is all that both have; whether one of them has more.
    Never { epochs: usize, one_goes_on: bool },
}

/// The layers before the first step, if the run has a record of them: older ones have none.
pub(super) fn first_layers(run: &Run) -> Result<Option<Layers>, InputError> {
    if !run.folder.join("layers.jsonl").exists() {
        return Ok(None);
    }
    Ok(run.layers()?.into_iter().find(|layers| layers.epoch == 0))
}

impl Parting {
    /// Of two runs: each one's letter, its epochs and its layers before the first step.
    pub(super) fn of(
        (a, first): (char, (&[Epoch], Option<&Layers>)),
        (b, other): (char, (&[Epoch], Option<&Layers>)),
    ) -> Parting {
        let begin = |layers: &Layers| -> Vec<_> {
            layers.parameters.iter().map(|parameter| (parameter.name.clone(), parameter.values.clone())).collect()
        };
        if let (Some(first), Some(other)) = (first.1, other.1)
            && begin(first) != begin(other)
        {
            return Parting { a, b, at: At::BeforeTheFirstStep };
        }
        let differ = |(x, y): (&Epoch, &Epoch)| {
            let of = [
                ("training loss", Some(x.train_loss), Some(y.train_loss)),
                ("validation loss", x.validation.map(|v| v.loss), y.validation.map(|v| v.loss)),
                ("rate", Some(x.rate), Some(y.rate)),
            ];
            let differs = |(_, x, y): &(&str, Option<f64>, Option<f64>)| x.map(f64::to_bits) != y.map(f64::to_bits);
            let found = of.into_iter().find(differs);
            found.map(|(of, p, q)| At::Epoch { epoch: x.epoch, of, numbers: [p, q] })
        };
        let epochs = first.0.len().min(other.0.len());
        let never = At::Never { epochs, one_goes_on: first.0.len() != other.0.len() };
        Parting { a, b, at: first.0.iter().zip(other.0).find_map(differ).unwrap_or(never) }
    }
}

impl fmt::Display for Parting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parting { a, b, at } = self;
        match at {
            At::BeforeTheFirstStep => {
                write!(f, "{a} and {b} part before the first step: their first parameters differ")
            }
            At::Epoch { epoch, of, numbers } => {
                let [x, y] = numbers.map(|number| number.map_or("none".to_owned(), |number| number.to_string()));
                let before = match epoch - 1 {
                    0 => String::new(),
                    1 => ", after 1 that is the same to the bit".to_owned(),
                    epochs => format!(", after {epochs} that are the same to the bit"),
                };
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

    fn said(a: &[f64], b: &[f64]) -> String {
        Parting::of(('A', (&epochs(a), None)), ('C', (&epochs(b), None))).to_string()
    }

    #[test]
    fn the_last_bit_parts() {
        let near = f64::from_bits(0.5f64.to_bits() + 1);
        assert_eq!(said(&[1.0, 0.5], &[1.0, 0.5]), "A and C are the same to the bit in all 2 epochs");
        assert_eq!(
            said(&[1.0, 0.5, 0.25], &[1.0, near, 0.25]),
            "A and C part in epoch 2, after 1 that is the same to the bit: training loss 0.5 and 0.5000000000000001"
        );
        assert_eq!(said(&[1.0], &[2.0, 0.5]), "A and C part in epoch 1: training loss 1 and 2");
        assert_eq!(said(&[1.0], &[1.0, 0.5]), "A and C are the same to the bit in the one epoch that both have");
    }
}
