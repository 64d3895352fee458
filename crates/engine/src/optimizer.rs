//! Gradient descent: how parameters follow their gradients.
//!
//! An optimizer is a [`Rule`] over one block of numbers, and what is done to the gradient g and the parameter w before
//! the rule meets them, in the same pass:
//!
//! | setting | does |
//! | --- | --- |
//! | `clip_norm` = c | g ← g·min(1, c/(‖all gradients‖ + 10⁻⁶)) (Pascanu, Mikolov and Bengio, *On the difficulty of training recurrent neural networks*, 2013) |
//! | `clip_value` = c | g ← max(−c, min(c, g)) |
//! | `l2` = λ | g ← g + λ·w: weight decay coupled to the rule, the gradient of λ/2·‖w‖² |
//! | `decay` = λ | w ← w − η·λ·w: decoupled weight decay (Loshchilov and Hutter, *Decoupled Weight Decay Regularization*, 2019) |
//!
//! in this order. Backends run it in the same visit as the gradient's last sum. The rate η comes with each
//! step's [`Clock`](crate::Clock), so that a schedule changes no plan. A parameter that is
//! [without decay](crate::Var::without_decay), such as a bias, is spared both decays.

mod rule;
mod step;
mod table;

pub use rule::Rule;
pub(crate) use step::{Adjust, Factors, Step};
pub use table::{COMMON, Entry, OPTIMIZERS};

use crate::setting::Setting;

/// A rule and what comes before it. `Rule::Sgd.into()` has nothing before it.
///
/// ```
/// use chainrule_engine::{Optimizer, Rule};
/// let clipped = Optimizer { clip_norm: 1.0, ..Rule::Momentum { momentum: 0.9 }.into() };
/// assert_eq!((clipped.name(), clipped.l2), ("momentum", 0.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Optimizer {
    /// How a parameter follows its gradient.
    pub rule: Rule,
    /// Coupled weight decay; 0 is none.
    pub l2: f64,
    /// Decoupled weight decay; 0 is none.
    pub decay: f64,
    /// The largest that the Euclidean norm of all gradients together may be; ∞ is no limit.
    pub clip_norm: f64,
    /// The largest that an element of a gradient may be; ∞ is no limit.
    pub clip_value: f64,
}

impl From<Rule> for Optimizer {
    fn from(rule: Rule) -> Self {
        Optimizer { rule, l2: 0.0, decay: 0.0, clip_norm: f64::INFINITY, clip_value: f64::INFINITY }
    }
}

impl Optimizer {
    /// The optimizer of that name with its usual settings. `None` for a name that is not in [`OPTIMIZERS`].
    ///
    /// ```
    /// use chainrule_engine::{Optimizer, Rule};
    /// let adamw = Optimizer::named("adamw").unwrap();
    /// assert_eq!(adamw, Optimizer { decay: 0.01, ..Rule::named("adam").unwrap().into() });
    /// assert_eq!(adamw.name(), "adamw");
    /// ```
    pub fn named(name: &str) -> Option<Optimizer> {
        OPTIMIZERS.iter().find(|entry| entry.name == name).map(|entry| entry.usual)
    }

    /// Its name as users write it. Adam with decoupled decay is AdamW.
    ///
    /// ```
    /// use chainrule_engine::Optimizer;
    /// assert_eq!(Optimizer::named("lion").unwrap().name(), "lion");
    /// ```
    pub fn name(self) -> &'static str {
        match self.rule {
            Rule::Adam { .. } if self.decay > 0.0 => "adamw",
            rule => rule.name(),
        }
    }

    /// Its line of the table.
    ///
    /// ```
    /// use chainrule_engine::Optimizer;
    /// println!("{}", Optimizer::named("adam").unwrap().entry().formula);
    /// ```
    pub fn entry(self) -> &'static Entry {
        let entry = OPTIMIZERS.iter().find(|entry| entry.name == self.name());
        entry.expect("a name that a rule has is in the table")
    }

    /// The rate that it usually starts with.
    ///
    /// ```
    /// use chainrule_engine::Optimizer;
    /// assert_eq!(Optimizer::named("sgd").unwrap().usual_rate(), 0.1);
    /// ```
    pub fn usual_rate(self) -> f64 {
        self.entry().rate
    }

    /// Everything that can be set: the rule's own settings, and those of any rule.
    ///
    /// ```
    /// use chainrule_engine::Optimizer;
    /// let names: Vec<&str> = Optimizer::named("adam").unwrap().settings().map(|setting| setting.name).collect();
    /// assert!(names.contains(&"beta1") && names.contains(&"clip_norm"));
    /// ```
    pub fn settings(self) -> impl Iterator<Item = Setting> {
        self.entry().settings.iter().chain(&COMMON).copied()
    }

    /// The number of the setting of that name, to read or to change; `None` if it has no such setting.
    ///
    /// ```
    /// use chainrule_engine::Optimizer;
    /// let mut adam = Optimizer::named("adam").unwrap();
    /// *adam.number("beta1").unwrap() = 0.8;
    /// assert_eq!((adam.number("beta1").copied(), adam.number("momentum")), (Some(0.8), None));
    /// ```
    pub fn number(&mut self, name: &str) -> Option<&mut f64> {
        match name {
            "l2" => Some(&mut self.l2),
            "decay" => Some(&mut self.decay),
            "clip_norm" => Some(&mut self.clip_norm),
            "clip_value" => Some(&mut self.clip_value),
            _ => self.rule.number(name),
        }
    }

    /// With the weight decay of its own kind: decoupled with AdamW and Lion, as their papers have it, else coupled.
    ///
    /// ```
    /// use chainrule_engine::Optimizer;
    /// let decayed = |name: &str| Optimizer::named(name).unwrap().with_weight_decay(0.1);
    /// assert_eq!((decayed("sgd").l2, decayed("sgd").decay), (0.1, 0.0));
    /// assert_eq!((decayed("adamw").l2, decayed("adamw").decay), (0.0, 0.1));
    /// ```
    pub fn with_weight_decay(self, decay: f64) -> Optimizer {
        match self.name() {
            "adamw" | "lion" => Optimizer { decay, ..self },
            _ => Optimizer { l2: decay, ..self },
        }
    }

    /// Floating-point operations for each parameter.
    pub(crate) fn flops(self) -> u64 {
        let (scales, clips) = (self.clip_norm < f64::INFINITY, self.clip_value < f64::INFINITY);
        let clipping = u64::from(scales) + 2 * u64::from(clips);
        self.rule.flops() + clipping + 2 * u64::from(self.l2 != 0.0) + u64::from(self.decay != 0.0)
    }

    /// What a parameter without decay follows.
    pub(crate) fn without_decay(self) -> Optimizer {
        Optimizer { l2: 0.0, decay: 0.0, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_holds() {
        for entry in &OPTIMIZERS {
            let mut usual = Optimizer::named(entry.name).unwrap();
            assert_eq!((usual, usual.name(), usual.usual_rate()), (entry.usual, entry.name, entry.rate));
            assert_eq!(Rule::named(entry.name).is_some(), usual.decay == 0.0, "adamw is more than a rule");
            for setting in usual.settings() {
                let number = *usual.number(setting.name).unwrap();
                let off = setting.name.starts_with("clip") && number == f64::INFINITY;
                assert!(off || setting.range.contains(number), "{} {}", entry.name, setting.name);
            }
            assert_eq!(usual.number("no such"), None);
        }
        assert_eq!(Optimizer::named("adma"), None);
        assert_eq!(Optimizer { decay: 0.0, ..Optimizer::named("adamw").unwrap() }.name(), "adam");
    }
}
