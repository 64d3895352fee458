//! What a training is asked for, checked before anything runs.

use chainrule_engine::{OPTIMIZERS, Optimizer, Rule, Shape};

use crate::choice;
use crate::initial::Initial;
use crate::input_error::InputError;
use crate::loss::Loss;
use crate::model::Model;
use crate::pretrained::InitFrom;
use crate::schedule::{Course, Schedule};
use crate::split::Fractions;

/// No machine has more, and each one takes a stack.
pub const MOST_THREADS: usize = 1024;

/// What can be asked of a training. The same settings and data give the same bits, whatever
/// the number of threads.
///
/// ```
/// let settings = chainrule::Settings { seed: 7, epochs: 5, ..Default::default() };
/// assert!(settings.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The network; [`Model::usual`] for the target if `None`, or [`Model::usual_of_tables`].
    pub model: Option<Model>,
    /// What is made small; [`Loss::usual`] of the target if `None`.
    pub loss: Option<Loss>,
    /// What a row is: a vector, or an image's channels, height and width; as the data say if `None`.
    pub input: Option<Shape>,
    /// Whether a target of positive numbers is learned as its logarithm; scores and predictions are in its own unit.
    pub log_target: bool,
    /// How parameters follow their gradients.
    pub optimizer: Optimizer,
    /// The learning rate; [`Optimizer::usual_rate`] if `None`.
    pub rate: Option<f64>,
    /// How the rate goes on from there.
    pub schedule: Schedule,
    /// Epochs in which the rate rises to where the schedule begins; a part of one will do.
    pub warm_up: f64,
    /// How weights are drawn; as the activation that follows asks if `None`.
    pub initial: Option<Initial>,
    /// Weights to begin with in place of drawn ones, as far as the file has them.
    pub init_from: Option<InitFrom>,
    /// Rows in a step; the last of an epoch may have fewer.
    pub batch: usize,
    /// How often each training row is learned from, at most.
    pub epochs: usize,
    /// Stop after so many epochs in a row whose validation loss is not below the lowest; if `None`, after the last.
    pub patience: Option<usize>,
    /// Of all chance: the split, the first parameters, the order of rows. Below 2⁶³.
    pub seed: u64,
    /// Threads of the processor, at most [`MOST_THREADS`]; all that it has if `None`.
    pub threads: Option<usize>,
    /// The shares that are set aside; of a test share only where the data bring no test set.
    pub fractions: Fractions,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            model: None,
            loss: None,
            input: None,
            log_target: false,
            optimizer: Rule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }.into(),
            rate: None,
            schedule: Schedule::Constant,
            warm_up: 0.0,
            initial: None,
            init_from: None,
            batch: 32,
            epochs: 50,
            patience: None,
            seed: 1,
            threads: None,
            fractions: Fractions { validation: 0.1, test: 0.2 },
        }
    }
}

impl Settings {
    /// Whether they can be met. (The fractions are checked when the data are split.)
    ///
    /// ```
    /// let error = chainrule::Settings { batch: 0, ..Default::default() }.check().unwrap_err();
    /// assert_eq!((error.place.as_str(), error.found.as_str()), ("batch", "0"));
    /// ```
    ///
    /// # Errors
    /// If the batch, the epochs, the patience, the threads or the rate are not positive, a setting of the optimizer is out of its range, or the threads or the seed too large; or
    /// the model cannot take the input.
    pub fn check(&self) -> Result<(), InputError> {
        positive("batch", Some(self.batch), "the number of rows in a step, such as 32")?;
        positive("epochs", Some(self.epochs), "how often each row is learned from, such as 50")?;
        positive("patience", self.patience, "how many epochs in a row may be no better, such as 10")?;
        positive("threads", self.threads, "leave it out to use all that the machine has")?;
        if let Some(threads) = self.threads.filter(|&threads| threads > MOST_THREADS) {
            let hint = "leave it out to use all that the machine has";
            return Err(InputError::new("threads", format!("at most {MOST_THREADS}"), threads.to_string(), hint));
        }
        choice::check("optimizer", self.optimizer)?;
        rate(self.rate())?;
        choice::check("schedule", self.schedule)?;
        warm_up(self.warm_up, self.epochs)?;
        self.initial.map_or(Ok(()), |initial| choice::check("initial", initial))?;
        if i64::try_from(self.seed).is_err() {
            let found = self.seed.to_string();
            // A run's record is TOML, whose integers have a sign.
            return Err(InputError::new("seed", format!("0 to {}", i64::MAX), found, "choose a smaller one"));
        }
        match (&self.model, self.input) {
            (Some(model), Some(input)) => model.shapes(input).map(|_| ()),
            _ => Ok(()),
        }
    }

    /// The learning rate that was asked for, or the optimizer's usual one.
    ///
    /// ```
    /// use chainrule::Settings;
    /// assert_eq!(Settings::default().rate(), 0.001);
    /// assert_eq!(Settings { rate: Some(0.5), ..Settings::default() }.rate(), 0.5);
    /// ```
    pub fn rate(&self) -> f64 {
        self.rate.unwrap_or(self.optimizer.usual_rate())
    }

    /// The course of the rate, for epochs of so many steps.
    pub(crate) fn course(&self, steps: usize) -> Course {
        Course { rate: self.rate(), schedule: self.schedule, warm_up: self.warm_up, steps, epochs: self.epochs }
    }

    /// The threads that were asked for, or all that the machine has.
    pub fn threads(&self) -> usize {
        self.threads.unwrap_or_else(all_threads)
    }
}

/// How many threads this machine runs at once.
///
/// ```
/// assert!(chainrule::settings::all_threads() >= 1);
/// ```
pub fn all_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |threads| usize::from(threads).min(MOST_THREADS))
}

fn positive(name: &str, count: Option<usize>, hint: &str) -> Result<(), InputError> {
    match count {
        Some(0) => Err(InputError::new(name, "a whole number from 1", "0", hint)),
        _ => Ok(()),
    }
}

fn rate(rate: f64) -> Result<(), InputError> {
    if rate.is_finite() && rate > 0.0 {
        return Ok(());
    }
    Err(InputError::new("rate", "a finite number above 0", rate.to_string(), usual_rates()))
}

fn warm_up(warm_up: f64, epochs: usize) -> Result<(), InputError> {
    if warm_up == 0.0 || (warm_up > 0.0 && warm_up < epochs as f64) {
        return Ok(());
    }
    let expected = format!("a number of epochs from 0 to less than {epochs}, which are all");
    Err(InputError::new("warm-up", expected, warm_up.to_string(), "for example 1, or 0.5 for half an epoch"))
}

/// What the rates of the optimizers usually are, in words.
pub fn usual_rates() -> String {
    let rates: Vec<String> = OPTIMIZERS.iter().map(|entry| format!("{} for {}", entry.rate, entry.name)).collect();
    format!("a usual rate is {}", rates.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_met_is_said() {
        let place = |settings: Settings| settings.check().unwrap_err().place;
        let usual = Settings::default;
        assert_eq!(place(Settings { batch: 0, ..usual() }), "batch");
        assert_eq!(place(Settings { epochs: 0, ..usual() }), "epochs");
        assert_eq!(place(Settings { patience: Some(0), ..usual() }), "patience");
        assert_eq!(place(Settings { threads: Some(0), ..usual() }), "threads");
        assert_eq!(place(Settings { threads: Some(usize::MAX), ..usual() }), "threads");
        assert_eq!(place(Settings { seed: 1 << 63, ..usual() }), "seed");
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(place(Settings { rate: Some(rate), ..usual() }), "rate");
        }
        for warm_up in [-1.0, 50.0, f64::NAN] {
            assert_eq!(place(Settings { warm_up, ..usual() }), "warm-up");
        }
        let schedule = Schedule::Step { every: 0.0, factor: 0.5 };
        assert_eq!(place(Settings { schedule, ..usual() }), "schedule");
        for (name, number) in [("beta1", 1.0), ("epsilon", 0.0), ("l2", f64::NAN), ("clip_norm", -1.0)] {
            let mut settings = usual();
            *settings.optimizer.number(name).unwrap() = number;
            assert_eq!(place(settings), "optimizer", "{name}");
        }
    }
}
