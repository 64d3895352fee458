//! One step of an optimizer: the numbers that are the same for every parameter, computed once, in f64.

use super::{Optimizer, Rule};
use crate::rows::Clock;

/// Added to a norm that is divided by, as PyTorch does.
const NORM_EPSILON: f64 = 1e-6;

/// What one step does to each number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Step {
    /// The rule's.
    pub(crate) factors: Factors,
    /// What comes before the rule, if anything does.
    pub(crate) adjust: Option<Adjust>,
}

/// The rule's factors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Factors {
    Sgd { rate: f64 },
    Momentum { rate: f64, momentum: f64 },
    Nesterov { rate: f64, momentum: f64 },
    Adagrad { rate: f64, epsilon: f64 },
    Rmsprop { rate: f64, beta: f64, epsilon: f64 },
    Adam { rate: f64, beta1: f64, beta2: f64, epsilon: f64, correct1: f64, correct2: f64 },
    Lion { rate: f64, beta1: f64, beta2: f64 },
}

/// g ← max(−clip, min(clip, factor·g)) + l2·w, then w ← keep·w.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Adjust {
    pub(crate) factor: f64,
    pub(crate) clip: f64,
    pub(crate) l2: f64,
    pub(crate) keep: f64,
}

impl Step {
    /// `squared_norm` is that of all gradients, if the optimizer clips it.
    pub(crate) fn new(optimizer: Optimizer, clock: Clock, squared_norm: Option<f64>) -> Step {
        let (rate, Optimizer { rule, l2, decay, clip_norm, clip_value }) = (clock.rate, optimizer);
        let factors = match rule {
            Rule::Sgd => Factors::Sgd { rate },
            Rule::Momentum { momentum } => Factors::Momentum { rate, momentum },
            Rule::Nesterov { momentum } => Factors::Nesterov { rate, momentum },
            Rule::Adagrad { epsilon } => Factors::Adagrad { rate, epsilon },
            Rule::Rmsprop { beta, epsilon } => Factors::Rmsprop { rate, beta, epsilon },
            Rule::Adam { beta1, beta2, epsilon } => {
                let t = (clock.step + 1) as f64;
                let (correct1, correct2) = (1.0 - beta1.powf(t), 1.0 - beta2.powf(t));
                Factors::Adam { rate, beta1, beta2, epsilon, correct1, correct2 }
            }
            Rule::Lion { beta1, beta2 } => Factors::Lion { rate, beta1, beta2 },
        };
        // A norm that is NaN, as its gradients then are, clips nothing: they are to be seen.
        let factor = squared_norm.map(|square| (clip_norm / (square.sqrt() + NORM_EPSILON)).min(1.0));
        let adjusts = factor.is_some() || l2 != 0.0 || decay != 0.0 || clip_value != f64::INFINITY;
        let factor = factor.unwrap_or(1.0);
        let adjust = adjusts.then_some(Adjust { factor, clip: clip_value, l2, keep: 1.0 - rate * decay });
        Step { factors, adjust }
    }

    /// Numbers of each parameter that the step reads and writes: itself and the optimizer's memory of it.
    pub(crate) fn numbers(self) -> usize {
        match self.factors {
            Factors::Sgd { .. } => 1,
            Factors::Momentum { .. }
            | Factors::Nesterov { .. }
            | Factors::Adagrad { .. }
            | Factors::Rmsprop { .. }
            | Factors::Lion { .. } => 2,
            Factors::Adam { .. } => 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizer::OPTIMIZERS;

    #[test]
    fn adams_first_step_has_the_full_rate() {
        // m̂ = g and √v̂ = |g| at t = 1, whatever the betas.
        let clock = Clock { step: 0, rate: 0.5, seed: 0 };
        let step = Step::new(Optimizer::named("adam").unwrap(), clock, None);
        let Factors::Adam { beta1, correct1, .. } = step.factors else { panic!() };
        assert!((correct1 - (1.0 - beta1)).abs() < 1e-15);
        assert_eq!(step.adjust, None);
    }

    #[test]
    fn a_step_moves_a_parameter_and_its_memory() {
        for entry in &OPTIMIZERS {
            let step = Step::new(entry.usual, Clock::default(), None);
            assert_eq!(step.numbers(), 1 + entry.usual.rule.memory());
        }
    }
}
