//! The rules: how one number follows its gradient.

use super::Optimizer;

/// How a parameter w follows its gradient g; η is the rate of the [`Clock`](crate::Clock). Memory is 0 at first.
///
/// ```
/// use chainrule_engine::Rule;
/// assert_eq!(Rule::named("momentum"), Some(Rule::Momentum { momentum: 0.9 }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// w −= η·g
    Sgd,
    /// v = μ·v + g, w −= η·v: the heavy ball (Polyak, 1964), as PyTorch's SGD writes it.
    Momentum {
        /// μ, the share of the velocity that stays.
        momentum: f64,
    },
    /// v = μ·v + g, w −= η·(g + μ·v): the gradient where the velocity leads (Nesterov, 1983), in the form of Sutskever
    /// and others, *On the importance of initialization and momentum in deep learning*, 2013.
    Nesterov {
        /// μ, the share of the velocity that stays.
        momentum: f64,
    },
    /// s = s + g², w −= η·g/(√s + ε). Duchi, Hazan and Singer, *Adaptive Subgradient Methods*, 2011.
    Adagrad {
        /// ε
        epsilon: f64,
    },
    /// s = βs + (1−β)g², w −= η·g/(√s + ε). Tieleman and Hinton, *Lecture 6.5: RMSProp*, 2012.
    Rmsprop {
        /// β
        beta: f64,
        /// ε
        epsilon: f64,
    },
    /// m = β₁m + (1−β₁)g, v = β₂v + (1−β₂)g², w −= η·m̂/(√v̂ + ε), with m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ).
    /// Kingma and Ba, *Adam*, 2015.
    Adam {
        /// β₁
        beta1: f64,
        /// β₂
        beta2: f64,
        /// ε
        epsilon: f64,
    },
    /// w −= η·sign(β₁m + (1−β₁)g), m = β₂m + (1−β₂)g. Chen and others, *Symbolic Discovery of Optimization
    /// Algorithms*, 2023.
    Lion {
        /// β₁, of the step.
        beta1: f64,
        /// β₂, of the memory.
        beta2: f64,
    },
}

impl Rule {
    /// How many numbers of memory a parameter has.
    ///
    /// ```
    /// use chainrule_engine::Rule;
    /// let memory = ["sgd", "momentum", "adam"].map(|name| Rule::named(name).unwrap().memory());
    /// assert_eq!(memory, [0, 1, 2]);
    /// ```
    pub fn memory(self) -> usize {
        match self {
            Rule::Sgd => 0,
            Rule::Momentum { .. }
            | Rule::Nesterov { .. }
            | Rule::Adagrad { .. }
            | Rule::Rmsprop { .. }
            | Rule::Lion { .. } => 1,
            Rule::Adam { .. } => 2,
        }
    }

    /// Floating-point operations for each parameter.
    pub(crate) fn flops(self) -> u64 {
        match self {
            Rule::Sgd => 2,
            Rule::Momentum { .. } => 4,
            Rule::Nesterov { .. } => 6,
            Rule::Adagrad { .. } => 7,
            Rule::Rmsprop { .. } => 9,
            Rule::Adam { .. } => 12,
            Rule::Lion { .. } => 9,
        }
    }

    /// The rule's name as users write it.
    ///
    /// ```
    /// use chainrule_engine::Rule;
    /// assert_eq!(Rule::Sgd.name(), "sgd");
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            Rule::Sgd => "sgd",
            Rule::Momentum { .. } => "momentum",
            Rule::Nesterov { .. } => "nesterov",
            Rule::Adagrad { .. } => "adagrad",
            Rule::Rmsprop { .. } => "rmsprop",
            Rule::Adam { .. } => "adam",
            Rule::Lion { .. } => "lion",
        }
    }

    /// The rule of that name with its usual settings. `None` for a name that is not in
    /// [`OPTIMIZERS`](super::OPTIMIZERS), or means more than a rule, as `adamw` does.
    ///
    /// ```
    /// use chainrule_engine::Rule;
    /// assert_eq!((Rule::named("sgd"), Rule::named("adamw")), (Some(Rule::Sgd), None));
    /// ```
    pub fn named(name: &str) -> Option<Rule> {
        Optimizer::named(name).filter(|usual| *usual == usual.rule.into()).map(|usual| usual.rule)
    }

    pub(super) fn number(&mut self, name: &str) -> Option<&mut f64> {
        match (self, name) {
            (Rule::Momentum { momentum } | Rule::Nesterov { momentum }, "momentum") => Some(momentum),
            (Rule::Rmsprop { beta, .. }, "beta") => Some(beta),
            (Rule::Adam { beta1, .. } | Rule::Lion { beta1, .. }, "beta1") => Some(beta1),
            (Rule::Adam { beta2, .. } | Rule::Lion { beta2, .. }, "beta2") => Some(beta2),
            (Rule::Adagrad { epsilon } | Rule::Rmsprop { epsilon, .. } | Rule::Adam { epsilon, .. }, "epsilon") => {
                Some(epsilon)
            }
            _ => None,
        }
    }
}
