//! What training makes small, and the words for it.
//!
//! | target | losses | outputs y |
//! | --- | --- | --- |
//! | one of K classes | `softmax_cross_entropy` | softmax(z), z the K outputs of the last layer |
//! | one of two classes | `binary_cross_entropy` | σ(z), z the one output: the probability of the second class |
//! | a number | `mean_squared`, `mean_absolute`, `huber` | the one output |
//!
//! The first of a row is what the target has when nothing is asked for.

use std::fmt;
use std::str::FromStr;

use chainrule_engine::Var;

use crate::input_error::{InputError, excerpt};
use crate::model::Task;
use crate::vocabulary::{Word, did_you_mean, usages};

/// The loss of a row.
///
/// ```
/// use chainrule::Loss;
/// assert_eq!("huber:2".parse(), Ok(Loss::Huber { delta: 2.0 }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// −ln softmax(z) at the class; this share of the label is spread over all classes.
    SoftmaxCrossEntropy {
        /// From 0 to less than 1.
        smoothing: f64,
    },
    /// −ln σ(z) of the second class, −ln σ(−z) of the first.
    BinaryCrossEntropy,
    /// (y − t)²
    MeanSquared,
    /// |y − t|
    MeanAbsolute,
    /// (y − t)²/2 within ±δ, δ(|y − t| − δ/2) beyond.
    Huber {
        /// δ, in units of the standardised target; above 0.
        delta: f64,
    },
}

static WORDS: [Word; 5] = [
    Word {
        name: "softmax_cross_entropy",
        usage: "softmax_cross_entropy[:E]",
        usual: "E = 0",
        formula: "-ln softmax(z) at the class, a share E of the label spread over all classes",
    },
    Word {
        name: "binary_cross_entropy",
        usage: "binary_cross_entropy",
        usual: "",
        formula: "-ln σ(z) of the second of two classes, -ln σ(-z) of the first",
    },
    Word { name: "mean_squared", usage: "mean_squared", usual: "", formula: "(y - t)²" },
    Word { name: "mean_absolute", usage: "mean_absolute", usual: "", formula: "|y - t|" },
    Word {
        name: "huber",
        usage: "huber[:D]",
        usual: "D = 1",
        formula: "(y - t)²/2 within ±D, D(|y - t| - D/2) beyond; t standardised",
    },
];

/// The words for a loss.
pub fn words() -> impl Iterator<Item = &'static Word> + Clone {
    WORDS.iter()
}

impl Loss {
    /// Of the target, when nothing is asked for.
    ///
    /// ```
    /// use chainrule::{Loss, Task};
    /// assert_eq!(Loss::usual(Task::Number), Loss::MeanSquared);
    /// ```
    pub fn usual(task: Task) -> Loss {
        match task {
            Task::Classes(_) => Loss::SoftmaxCrossEntropy { smoothing: 0.0 },
            Task::Number => Loss::MeanSquared,
        }
    }

    /// The outputs of the last layer that it takes, for a target that it fits.
    pub fn outputs(self, task: Task) -> usize {
        match (self, task) {
            (Loss::SoftmaxCrossEntropy { .. }, Task::Classes(classes)) => classes,
            _ => 1,
        }
    }

    /// Whether it can be learned by.
    ///
    /// ```
    /// use chainrule::{Loss, Task};
    /// assert!(Loss::BinaryCrossEntropy.expect_task(Task::Classes(2)).is_ok());
    /// assert!(Loss::BinaryCrossEntropy.expect_task(Task::Classes(3)).is_err());
    /// ```
    ///
    /// # Errors
    /// If the target is of another kind.
    pub fn expect_task(self, task: Task) -> Result<(), InputError> {
        let (expected, hint) = match (self, task) {
            (Loss::SoftmaxCrossEntropy { .. }, Task::Classes(_))
            | (Loss::BinaryCrossEntropy, Task::Classes(2))
            | (Loss::MeanSquared | Loss::MeanAbsolute | Loss::Huber { .. }, Task::Number) => return Ok(()),
            (_, Task::Classes(2)) => ("a loss of two classes", "softmax_cross_entropy or binary_cross_entropy"),
            (_, Task::Classes(_)) => ("a loss of several classes", "softmax_cross_entropy"),
            (_, Task::Number) => ("a loss of a number", "mean_squared, mean_absolute or huber"),
        };
        Err(InputError::new("loss", expected, self.to_string(), format!("choose {hint}, or leave it out")))
    }

    /// The outputs and the loss of each row, from what the last layer gives and the target.
    pub(crate) fn of<'g>(self, z: Var<'g>, t: Var<'g>) -> (Var<'g>, Var<'g>) {
        match self {
            Loss::SoftmaxCrossEntropy { smoothing: 0.0 } => (z.softmax(), z.softmax_with_loss(t)),
            Loss::SoftmaxCrossEntropy { smoothing } => (z.softmax(), z.smoothed_softmax_with_loss(t, smoothing)),
            Loss::BinaryCrossEntropy => (z.sigmoid(), z.binary_cross_entropy(t)),
            Loss::MeanSquared => (z, z.mean_squared_error(t)),
            Loss::MeanAbsolute => (z, z.mean_absolute_error(t)),
            Loss::Huber { delta } => (z, z.huber_loss(t, delta)),
        }
    }
}

/// What is learned, and by what loss.
///
/// ```
/// use chainrule::{Loss, Objective, Task};
/// let objective = Objective::new(Task::Classes(2), Some(Loss::BinaryCrossEntropy))?;
/// assert_eq!(objective.outputs(), 1);
/// assert_eq!(Objective::usual(Task::Classes(2)).outputs(), 2);
/// # Ok::<(), chainrule::InputError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Objective {
    /// The target's kind.
    pub task: Task,
    /// That fits it.
    pub loss: Loss,
}

impl Objective {
    /// The task with the loss that was asked for, or its usual one.
    ///
    /// # Errors
    /// If the loss is of another kind of target.
    pub fn new(task: Task, loss: Option<Loss>) -> Result<Self, InputError> {
        let loss = loss.unwrap_or_else(|| Loss::usual(task));
        loss.expect_task(task)?;
        Ok(Objective { task, loss })
    }

    /// The task with its usual loss.
    pub fn usual(task: Task) -> Self {
        Objective { task, loss: Loss::usual(task) }
    }

    /// The outputs of the last layer.
    pub fn outputs(self) -> usize {
        self.loss.outputs(self.task)
    }
}

/// A row's outputs as a probability for each class: of one probability, that of the second of two, both.
pub(crate) fn probabilities(outputs: &[f64], classes: usize) -> Vec<f64> {
    match *outputs {
        [second] if classes == 2 => vec![1.0 - second, second],
        _ => outputs.to_vec(),
    }
}

impl FromStr for Loss {
    type Err = InputError;

    fn from_str(text: &str) -> Result<Self, InputError> {
        let wrong = |expected: &str, hint: &str| InputError::new("loss", expected, excerpt(text), hint);
        let (name, number) = match text.split_once(':') {
            Some((name, number)) => (name, Some(number)),
            None => (text, None),
        };
        let plain = |number: &str| number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let number = number.map(|number| number.parse::<f64>().ok().filter(|_| plain(number)));
        match (name, number) {
            ("softmax_cross_entropy", number) => {
                let smoothing = number.unwrap_or(Some(0.0)).filter(|e| (0.0..1.0).contains(e));
                let expected = "softmax_cross_entropy:E with E from 0 to less than 1";
                let smoothing =
                    smoothing.ok_or_else(|| wrong(expected, "E is how much labels are smoothed, such as 0.1"))?;
                Ok(Loss::SoftmaxCrossEntropy { smoothing })
            }
            ("huber", number) => {
                let delta = number.unwrap_or(Some(1.0)).filter(|&delta| delta > 0.0 && delta <= 1e6);
                let expected = "huber:D with D above 0, at most 1000000";
                let delta =
                    delta.ok_or_else(|| wrong(expected, "D is where an error begins to be large, such as 1"))?;
                Ok(Loss::Huber { delta })
            }
            ("binary_cross_entropy", None) => Ok(Loss::BinaryCrossEntropy),
            ("mean_squared", None) => Ok(Loss::MeanSquared),
            ("mean_absolute", None) => Ok(Loss::MeanAbsolute),
            ("binary_cross_entropy" | "mean_squared" | "mean_absolute", Some(_)) => {
                Err(wrong(&format!("'{name}' alone"), "it takes no number"))
            }
            _ => {
                let hint = did_you_mean(name, words())
                    .unwrap_or_else(|| "leave it out: it follows from the target".to_owned());
                Err(wrong(&format!("one of {}", usages(words())), &hint))
            }
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Loss::SoftmaxCrossEntropy { smoothing: 0.0 } => f.write_str("softmax_cross_entropy"),
            Loss::SoftmaxCrossEntropy { smoothing } => write!(f, "softmax_cross_entropy:{smoothing}"),
            Loss::BinaryCrossEntropy => f.write_str("binary_cross_entropy"),
            Loss::MeanSquared => f.write_str("mean_squared"),
            Loss::MeanAbsolute => f.write_str("mean_absolute"),
            Loss::Huber { delta: 1.0 } => f.write_str("huber"),
            Loss::Huber { delta } => write!(f, "huber:{delta}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_losses_and_losses_are_words() {
        for word in words() {
            assert_eq!(word.name.parse::<Loss>().unwrap().to_string(), word.name);
        }
        for text in ["softmax_cross_entropy:0.1", "huber:0.5"] {
            assert_eq!(text.parse::<Loss>().unwrap().to_string(), text);
        }
        let error = |text: &str| text.parse::<Loss>().unwrap_err();
        assert_eq!(error("hubber").hint, "did you mean 'huber[:D]'?");
        assert_eq!(error("softmax").hint, "did you mean 'softmax_cross_entropy[:E]'?");
        for text in ["huber:0", "huber:-1", "huber:x", "softmax_cross_entropy:1", "mean_squared:2", "huber:", "mse"] {
            assert_eq!((error(text).place, error(text).found), ("loss".to_owned(), format!("'{text}'")));
        }
    }

    #[test]
    fn a_loss_fits_its_targets_alone() {
        let fits = |text: &str, task| Objective::new(task, Some(text.parse().unwrap())).is_ok();
        assert!(fits("softmax_cross_entropy:0.2", Task::Classes(5)) && !fits("softmax_cross_entropy", Task::Number));
        assert!(fits("binary_cross_entropy", Task::Classes(2)) && !fits("binary_cross_entropy", Task::Classes(3)));
        assert!(
            fits("huber", Task::Number) && !fits("huber", Task::Classes(2)) && !fits("mean_absolute", Task::Classes(2))
        );
        assert_eq!(probabilities(&[0.25], 2), [0.75, 0.25]);
        assert_eq!(probabilities(&[0.25], 1), [0.25]);
    }
}
