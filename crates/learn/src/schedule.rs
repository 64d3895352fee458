//! The rate in the course of a training: a pure function of the step, and for `plateau` of the losses so far.
//!
//! A schedule is a factor of the rate η that was asked for. With e the epochs since the warm-up, in steps
//! by steps of an epoch, and T the steps after the warm-up:
//!
//! | schedule | factor |
//! | --- | --- |
//! | constant | 1 |
//! | step | factor^⌊e / every⌋ |
//! | exponential | factor^e |
//! | cosine | to + (1 − to)·(1 + cos(π·s/T))/2 at the step s: Loshchilov and Hutter, *SGDR*, 2017, without restarts |
//! | one_cycle | by cosines from `from` up to 1 over the share `rise` of the steps, and down to `to`: Smith and Topin, *Super-Convergence*, 2018 |
//! | plateau | factor for each time that more than `patience` epochs in a row were not better than the best by the share `threshold` |
//!
//! A warm-up of n epochs comes before any of them: over its N steps the factor is 1/N, 2/N, …, 1 (Goyal and others,
//! *Accurate, Large Minibatch SGD*, 2017). It counts in epochs, of which it may take a part, so that it does not change its meaning
//! with the batch.

use chainrule_engine::{Range, Setting};

use crate::choice::Choice;

/// A factor of the rate, by step.
///
/// ```
/// use chainrule::{Schedule, choice};
/// assert_eq!(choice::parse("step:every=10,factor=0.5"), Ok(Schedule::Step { every: 10.0, factor: 0.5 }));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Schedule {
    /// The same all along.
    #[default]
    Constant,
    /// Down by steps.
    Step {
        /// Epochs between two steps.
        every: f64,
        /// By which each multiplies.
        factor: f64,
    },
    /// Down by the same share in each step.
    Exponential {
        /// What is left after an epoch.
        factor: f64,
    },
    /// Down along half a cosine, over the whole training.
    Cosine {
        /// What is left at the end.
        to: f64,
    },
    /// Up and down again, over the whole training; the rate asked for is the highest.
    OneCycle {
        /// The share of the steps that go up.
        rise: f64,
        /// The factor that it begins with.
        from: f64,
        /// The factor that it ends with.
        to: f64,
    },
    /// Down when the loss gets no better: the validation rows', or without them the training rows'.
    Plateau {
        /// By which each time multiplies.
        factor: f64,
        /// Epochs without a better loss that are borne.
        patience: f64,
        /// By what share a loss must be lower to be better.
        threshold: f64,
    },
}

const fn setting(name: &'static str, range: Range, says: &'static str) -> Setting {
    Setting { name, range, says }
}

const EVERY: Setting = setting("every", Range::Positive, "how many epochs are between two steps");
const FACTOR: Setting = setting("factor", Range::Factor, "what multiplies the rate each time");
const AN_EPOCH: Setting = setting("factor", Range::Factor, "what is left of the rate after an epoch");
const TO: Setting = setting("to", Range::Share, "the share of the rate that is left at the end");
const FROM: Setting = setting("from", Range::Factor, "the share of the rate that it begins with");
const RISE: Setting = setting("rise", Range::Share, "the share of the steps in which the rate rises");
const PATIENCE: Setting = setting("patience", Range::Whole, "how many epochs without a better loss are borne");
const THRESHOLD: Setting = setting("threshold", Range::Share, "by what share a loss must be lower to be better");

/// The schedules: with their usual numbers (PyTorch's, where it has the same), their formulas, what can be set.
pub const SCHEDULES: [(Schedule, &str, &[Setting]); 6] = [
    (Schedule::Constant, "η", &[]),
    (Schedule::Step { every: 10.0, factor: 0.1 }, "η·factor^⌊epochs / every⌋", &[EVERY, FACTOR]),
    (Schedule::Exponential { factor: 0.95 }, "η·factor^epochs, in every step", &[AN_EPOCH]),
    (Schedule::Cosine { to: 0.0 }, "η·(to + (1 − to)·(1 + cos(π·s/T))/2) at step s of T", &[TO]),
    (
        Schedule::OneCycle { rise: 0.3, from: 0.04, to: 4e-6 },
        "η from η·from up to η in the first steps, and down to η·to, by cosines",
        &[RISE, FROM, TO],
    ),
    (
        Schedule::Plateau { factor: 0.1, patience: 10.0, threshold: 1e-4 },
        "η·factor for each time that the loss was no better for more than patience epochs",
        &[FACTOR, PATIENCE, THRESHOLD],
    ),
];

impl Choice for Schedule {
    const MARK: char = ':';

    fn usual() -> Vec<Self> {
        SCHEDULES.iter().map(|line| line.0).collect()
    }
    fn name(&self) -> &'static str {
        match self {
            Schedule::Constant => "constant",
            Schedule::Step { .. } => "step",
            Schedule::Exponential { .. } => "exponential",
            Schedule::Cosine { .. } => "cosine",
            Schedule::OneCycle { .. } => "one_cycle",
            Schedule::Plateau { .. } => "plateau",
        }
    }
    fn formula(&self) -> &'static str {
        SCHEDULES.iter().find(|line| line.0.name() == self.name()).map_or("", |line| line.1)
    }
    fn settings(&self) -> Vec<Setting> {
        SCHEDULES.iter().find(|line| line.0.name() == self.name()).map_or(Vec::new(), |line| line.2.to_vec())
    }
    fn number(&mut self, name: &str) -> Option<&mut f64> {
        match (self, name) {
            (Schedule::Step { every, .. }, "every") => Some(every),
            (
                Schedule::Step { factor, .. } | Schedule::Exponential { factor } | Schedule::Plateau { factor, .. },
                "factor",
            ) => Some(factor),
            (Schedule::Cosine { to } | Schedule::OneCycle { to, .. }, "to") => Some(to),
            (Schedule::OneCycle { rise, .. }, "rise") => Some(rise),
            (Schedule::OneCycle { from, .. }, "from") => Some(from),
            (Schedule::Plateau { patience, .. }, "patience") => Some(patience),
            (Schedule::Plateau { threshold, .. }, "threshold") => Some(threshold),
            _ => None,
        }
    }
}

/// The course of a training's rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Course {
    /// The rate that was asked for, η.
    pub rate: f64,
    /// Its factor.
    pub schedule: Schedule,
    /// Epochs of warm-up before it.
    pub warm_up: f64,
    /// Steps of an epoch, at least 1.
    pub steps: usize,
    /// Epochs of the training.
    pub epochs: usize,
}

impl Course {
    /// The rate of the step number `step`, from 0 over the whole training. `losses` are those of the epochs before it,
    /// which only `plateau` asks for.
    ///
    /// ```
    /// use chainrule::schedule::{Course, Schedule};
    /// let schedule = Schedule::Step { every: 2.0, factor: 0.5 };
    /// let course = Course { rate: 0.1, schedule, warm_up: 0.5, steps: 4, epochs: 10 };
    /// let rates: Vec<f64> = [0, 1, 2, 9, 10].map(|step| course.at(step, &[])).into();
    /// assert_eq!(rates, [0.05, 0.1, 0.1, 0.1, 0.05]);
    /// ```
    pub fn at(&self, step: u64, losses: &[f64]) -> f64 {
        let warming = self.warming();
        if step < warming {
            return self.rate * ((step + 1) as f64 / warming as f64);
        }
        let all = self.steps.saturating_mul(self.epochs) as u64;
        self.rate * self.factor((step - warming) as f64, all.saturating_sub(warming).max(1) as f64, losses)
    }

    /// Steps of the warm-up.
    fn warming(&self) -> u64 {
        (self.warm_up * self.steps as f64).ceil() as u64
    }

    /// At the step s of `all`, both counted from the warm-up on.
    fn factor(&self, s: f64, all: f64, losses: &[f64]) -> f64 {
        let epochs = s / self.steps.max(1) as f64;
        match self.schedule {
            Schedule::Constant => 1.0,
            Schedule::Step { every, factor } => factor.powf((epochs / every).floor()),
            Schedule::Exponential { factor } => factor.powf(epochs),
            Schedule::Cosine { to } => between(1.0, to, s / all),
            Schedule::OneCycle { rise, from, to } => {
                // The last step of the rise, and of the training.
                let (top, last) = (rise * all - 1.0, all - 1.0);
                if s < top {
                    between(from, 1.0, s / top)
                } else {
                    between(1.0, to, (s - top.max(0.0)) / (last - top.max(0.0)).max(1.0))
                }
            }
            Schedule::Plateau { factor, patience, threshold } => {
                factor.powi(i32::try_from(stays(losses, patience, threshold)).unwrap_or(i32::MAX))
            }
        }
    }
}

/// From `a` at 0 to `b` at 1 and beyond, along half a cosine.
fn between(a: f64, b: f64, share: f64) -> f64 {
    b + (a - b) * (1.0 + (std::f64::consts::PI * share.min(1.0)).cos()) / 2.0
}

/// How often more than `patience` losses in a row were not lower than the lowest by the share `threshold`.
fn stays(losses: &[f64], patience: f64, threshold: f64) -> usize {
    let (mut best, mut waited, mut times) = (f64::INFINITY, 0.0, 0);
    for &loss in losses {
        if loss < best * (1.0 - threshold) {
            (best, waited) = (loss, 0.0);
        } else {
            waited += 1.0;
        }
        if waited > patience {
            (waited, times) = (0.0, times + 1);
        }
    }
    times
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::{parse, written};

    #[test]
    fn every_line_of_the_table_can_be_said() {
        for (schedule, formula, settings) in SCHEDULES {
            assert_eq!((parse(schedule.name()), written(schedule)), (Ok(schedule), schedule.name().to_owned()));
            assert_eq!(schedule.formula(), formula);
            for setting in settings {
                let mut schedule = schedule;
                let number = *schedule.number(setting.name).unwrap();
                assert!(setting.range.contains(number), "{} {}", schedule.name(), setting.name);
            }
        }
        let step = Schedule::Step { every: 10.0, factor: 0.5 };
        assert_eq!(parse("step:every=10,factor=0.5"), Ok(step));
        assert_eq!(parse("step:30"), Ok(Schedule::Step { every: 30.0, factor: 0.1 }));
        assert_eq!(written(step), "step:factor=0.5");
        let error = |text: &str| parse::<Schedule>(text).unwrap_err();
        assert_eq!(error("cosin").hint, "did you mean 'cosine'?");
        assert_eq!(error("plateau:patient=3").hint, "did you mean 'patience'?");
        assert_eq!(error("step:factor=2").expected, "factor=number, a number above 0, at most 1");
    }

    #[test]
    fn a_rate_is_never_negative_and_never_above_the_one_asked_for() {
        for (schedule, ..) in SCHEDULES {
            for (steps, epochs, warm_up) in [(1, 1, 0.0), (1, 2, 0.0), (3, 1, 5.0), (7, 13, 1.5), (100, 3, 0.01)] {
                let course = Course { rate: 0.3, schedule, warm_up, steps, epochs };
                for step in 0..(steps * epochs) as u64 + 3 {
                    let rate = course.at(step, &[1.0; 40]);
                    assert!((0.0..=0.3 + 1e-15).contains(&rate), "{course:?} at {step}: {rate}");
                }
            }
        }
    }
}
