//! The optimizers by name: what parsers, suggestions and listings read.

use super::{Optimizer, Rule};
use crate::setting::{Range, Setting};

/// A line of the table.
///
/// ```
/// use chainrule_engine::OPTIMIZERS;
/// for entry in &OPTIMIZERS {
///     println!("{:10} {}, rate {}", entry.name, entry.formula, entry.rate);
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry {
    /// As users write it.
    pub name: &'static str,
    /// What it does to a parameter w of gradient g at the rate η.
    pub formula: &'static str,
    /// The rate that it usually starts with.
    pub rate: f64,
    /// With its usual settings.
    pub usual: Optimizer,
    /// What can be set beside [`COMMON`].
    pub settings: &'static [Setting],
}

const fn setting(name: &'static str, range: Range, says: &'static str) -> Setting {
    Setting { name, range, says }
}

const MOMENTUM: Setting = setting("momentum", Range::Share, "μ, the share of the velocity that stays");
const EPSILON: Setting = setting("epsilon", Range::Positive, "ε, what a root of 0 is divided by");

/// What can be set of any optimizer.
pub const COMMON: [Setting; 4] = [
    setting("l2", Range::NotNegative, "λ of coupled weight decay, g ← g + λ·w"),
    setting("decay", Range::NotNegative, "λ of decoupled weight decay, w ← w − η·λ·w"),
    setting("clip_norm", Range::Positive, "the largest that the norm of all gradients together may be"),
    setting("clip_value", Range::Positive, "the largest that an element of a gradient may be"),
];

const fn plain(rule: Rule) -> Optimizer {
    Optimizer { rule, l2: 0.0, decay: 0.0, clip_norm: f64::INFINITY, clip_value: f64::INFINITY }
}

const ADAM: Rule = Rule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
const ADAM_SETTINGS: &[Setting] = &[
    setting("beta1", Range::Share, "β₁, the share of the mean gradient that stays"),
    setting("beta2", Range::Share, "β₂, the share of the mean square that stays"),
    EPSILON,
];

/// The optimizers, the plainest first. PyTorch's usual settings, where it has the same.
pub const OPTIMIZERS: [Entry; 8] = [
    Entry { name: "sgd", formula: "w −= η·g", rate: 0.1, usual: plain(Rule::Sgd), settings: &[] },
    Entry {
        name: "momentum",
        formula: "v = μ·v + g, w −= η·v",
        rate: 0.01,
        usual: plain(Rule::Momentum { momentum: 0.9 }),
        settings: &[MOMENTUM],
    },
    Entry {
        name: "nesterov",
        formula: "v = μ·v + g, w −= η·(g + μ·v)",
        rate: 0.01,
        usual: plain(Rule::Nesterov { momentum: 0.9 }),
        settings: &[MOMENTUM],
    },
    Entry {
        name: "adagrad",
        formula: "s = s + g², w −= η·g/(√s + ε)",
        rate: 0.01,
        usual: plain(Rule::Adagrad { epsilon: 1e-10 }),
        settings: &[EPSILON],
    },
    Entry {
        name: "rmsprop",
        formula: "s = β·s + (1−β)·g², w −= η·g/(√s + ε)",
        rate: 0.001,
        usual: plain(Rule::Rmsprop { beta: 0.99, epsilon: 1e-8 }),
        settings: &[setting("beta", Range::Share, "β, the share of the mean square that stays"), EPSILON],
    },
    Entry {
        name: "adam",
        formula: "m = β₁·m + (1−β₁)·g, v = β₂·v + (1−β₂)·g², w −= η·m̂/(√v̂ + ε)",
        rate: 0.001,
        usual: plain(ADAM),
        settings: ADAM_SETTINGS,
    },
    Entry {
        name: "adamw",
        formula: "w −= η·λ·w, then as adam",
        rate: 0.001,
        usual: Optimizer { decay: 0.01, ..plain(ADAM) },
        settings: ADAM_SETTINGS,
    },
    Entry {
        name: "lion",
        formula: "w −= η·sign(β₁·m + (1−β₁)·g), m = β₂·m + (1−β₂)·g",
        rate: 0.0001,
        usual: plain(Rule::Lion { beta1: 0.9, beta2: 0.99 }),
        settings: &[
            setting("beta1", Range::Share, "β₁, the share of the memory in a step"),
            setting("beta2", Range::Share, "β₂, the share of the memory that stays"),
        ],
    },
];
