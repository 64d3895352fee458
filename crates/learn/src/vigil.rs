//! What of a training that is under way should be said at once: its loss explodes, or stands still. Each is said once.
//!
//! - Explodes: an epoch's mean loss is half above the lowest so far, by more than a tenth of the first epoch's. (The [doctor](crate::doctor)
//!   asks for less once the training is over: then nobody is disturbed for nothing.)
//! - Stands still: over [`STILL`] epochs in a row it stays within a thousandth of itself, and above half of the first epoch's, as where all
//!   units are dead or steps are too short to move a weight. A training that is done also stands still, but lower.

use std::fmt;

/// How many epochs make a standstill.
pub const STILL: usize = 8;
const JUMP: f64 = 1.5;
const LEAST: f64 = 0.1;
const WITHIN: f64 = 1e-3;
const HIGH: f64 = 0.5;

/// What should be said.
///
/// ```
/// use chainrule::trainer::Progress;
/// use chainrule::{Settings, digits, train};
/// let settings = Settings { model: Some("affine:10".parse()?), epochs: 2, ..Settings::default() };
/// train(digits(), &settings, |progress| {
///     if let Progress::Notice(notice) = progress {
///         println!("{notice}");
///     }
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Notice {
    /// The loss jumped up.
    Explodes {
        /// In this epoch.
        epoch: usize,
        /// From the lowest of the epochs before it.
        lowest: f64,
        /// To this mean.
        loss: f64,
    },
    /// The loss hardly changes.
    StandsStill {
        /// The last of the epochs in which it did not.
        epoch: usize,
        /// Where.
        loss: f64,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Explodes { epoch, lowest, loss } => write!(
                f,
                "the training loss went from {lowest:.4} up to {loss:.4} in epoch {epoch}\n  \
                 hint: a smaller --rate, or --clip-norm 1; --find-rate suggests a rate"
            ),
            Notice::StandsStill { epoch, loss } => write!(
                f,
                "the training loss has stood at {loss:.4} for {STILL} epochs up to epoch {epoch}\n  \
                 hint: --find-rate suggests a rate; `chainrule doctor RUN` will say what is wrong"
            ),
        }
    }
}

/// Watches the epochs' mean losses.
#[derive(Debug, Default)]
pub(crate) struct Vigil {
    losses: Vec<f64>,
    exploded: bool,
    stood: bool,
}

impl Vigil {
    /// What is to be said after another epoch with this mean loss.
    pub(crate) fn note(&mut self, loss: f64) -> Option<Notice> {
        let lowest = self.losses.iter().copied().fold(f64::INFINITY, f64::min);
        self.losses.push(loss);
        let (epoch, first) = (self.losses.len(), self.losses[0]);
        if !self.exploded && loss > JUMP * lowest && loss - lowest > LEAST * first {
            self.exploded = true;
            return Some(Notice::Explodes { epoch, lowest, loss });
        }
        let latest = self.losses.last_chunk::<STILL>().filter(|_| !self.stood)?;
        let is_still = latest.iter().all(|x| (x - loss).abs() <= WITHIN * loss.abs()) && loss > HIGH * first;
        self.stood = is_still;
        is_still.then_some(Notice::StandsStill { epoch, loss })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notices(losses: impl IntoIterator<Item = f64>) -> Vec<Notice> {
        let mut vigil = Vigil::default();
        losses.into_iter().filter_map(|loss| vigil.note(loss)).collect()
    }

    #[test]
    fn a_jump_is_said_once() {
        let said = notices([2.0, 1.0, 0.5, 3.0, 0.4, 5.0]);
        assert_eq!(said, [Notice::Explodes { epoch: 4, lowest: 0.5, loss: 3.0 }]);
        assert!(
            said[0].to_string().starts_with("the training loss went from 0.5000 up to 3.0000 in epoch 4\n  hint: ")
        );
    }

    #[test]
    fn a_standstill_is_said_once_and_not_where_all_is_learned() {
        let still = |epoch: i32| if epoch < 3 { 2.4 - 0.03 * f64::from(epoch) } else { 2.3 };
        assert_eq!(notices((0..40).map(still)), [Notice::StandsStill { epoch: 11, loss: 2.3 }]);
        assert_eq!(notices((0..40).map(|epoch| 0.01 + 2.0 * (-f64::from(epoch)).exp())), []);
        assert_eq!(notices((0..20).map(|epoch| 2.0 + 0.01 * f64::from(epoch % 2))), []);
    }
}
