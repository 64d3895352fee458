//! Gradient descent: how parameters follow their gradients.
//!
//! An optimizer is a [`Rule`] over one block of numbers; backends run it in one pass, in the
//! same visit as the gradient's last sum. The rate η comes with each step's
//! [`Clock`](crate::Clock), so that a schedule changes no plan.

/// How one block of parameters follows its gradient g; η is the rate of the [`Clock`](crate::Clock).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// w −= η·g
    Sgd,
    /// v = μ·v + g, w −= η·v (the heavy ball, as PyTorch's SGD writes it)
    Momentum {
        /// μ, the share of the velocity that stays.
        momentum: f64,
    },
    /// m = β₁m + (1−β₁)g, v = β₂v + (1−β₂)g², w −= η·m̂/(√v̂ + ε), with
    /// m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ). Kingma and Ba, 2015.
    Adam {
        /// β₁
        beta1: f64,
        /// β₂
        beta2: f64,
        /// ε
        epsilon: f64,
    },
}

impl Rule {
    /// How many numbers of memory a parameter has.
    pub fn memory(self) -> usize {
        match self {
            Rule::Sgd => 0,
            Rule::Momentum { .. } => 1,
            Rule::Adam { .. } => 2,
        }
    }

    /// The rule's name as users write it.
    pub fn name(self) -> &'static str {
        match self {
            Rule::Sgd => "sgd",
            Rule::Momentum { .. } => "momentum",
            Rule::Adam { .. } => "adam",
        }
    }
    /// The rule of that name with its usual settings: momentum 0.9; Adam's β₁ 0.9, β₂ 0.999,
    /// ε 1e-8. `None` for a name that is not in [`OPTIMIZERS`].
    pub fn named(name: &str) -> Option<Rule> {
        match name {
            "sgd" => Some(Rule::Sgd),
            "momentum" => Some(Rule::Momentum { momentum: 0.9 }),
            "adam" => Some(Rule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }),
            _ => None,
        }
    }

    /// The rate that the rule usually starts with.
    pub fn usual_rate(self) -> f64 {
        match self {
            Rule::Sgd => 0.1,
            Rule::Momentum { .. } => 0.01,
            Rule::Adam { .. } => 0.001,
        }
    }
}

/// The optimizers' names, as users write them.
pub const OPTIMIZERS: [&str; 3] = ["sgd", "momentum", "adam"];

/// The factors of one step that are the same for every parameter, in f64.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Step {
    Sgd { rate: f64 },
    Momentum { rate: f64, momentum: f64 },
    Adam { rate: f64, beta1: f64, beta2: f64, epsilon: f64, correct1: f64, correct2: f64 },
}

impl Step {
    /// Numbers of each parameter that the step reads and writes: itself and the optimizer's memory of it.
    pub(crate) fn numbers(self) -> usize {
        match self {
            Step::Sgd { .. } => 1,
            Step::Momentum { .. } => 2,
            Step::Adam { .. } => 3,
        }
    }

    /// `step` counts from 0.
    pub(crate) fn new(rule: Rule, rate: f64, step: u64) -> Step {
        match rule {
            Rule::Sgd => Step::Sgd { rate },
            Rule::Momentum { momentum } => Step::Momentum { rate, momentum },
            Rule::Adam { beta1, beta2, epsilon } => {
                let t = (step + 1) as f64;
                let (correct1, correct2) = (1.0 - beta1.powf(t), 1.0 - beta2.powf(t));
                Step::Adam { rate, beta1, beta2, epsilon, correct1, correct2 }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_rule() {
        for name in OPTIMIZERS {
            assert_eq!(Rule::named(name).map(Rule::name), Some(name));
        }
        assert_eq!(Rule::named("adma"), None);
    }

    #[test]
    fn adams_first_step_has_the_full_rate() {
        // m̂ = g and √v̂ = |g| at t = 1, whatever the betas.
        let Step::Adam { beta1, correct1, .. } = Step::new(Rule::named("adam").unwrap(), 0.5, 0) else { panic!() };
        assert!((correct1 - (1.0 - beta1)).abs() < 1e-15);
    }
}
