//! Judging: loss and accuracy, or root mean squared error and R², over chosen rows.
//!
//! The mean is of the rows' own losses, summed in f64 and in order, so that it does not
//! depend on how the rows were cut into batches. Nothing here changes a parameter.

use chainrule_engine::{Backend, Buf, Clock, CompileError, Graph, Plan, Rows};
use serde::{Deserialize, Serialize};

use crate::dataset::Target;
use crate::encoding::{Encoding, TargetEncoding};
use crate::examples::Examples;
use crate::input_error::InputError;
use crate::loss::probabilities;
use crate::measures::Measures;
use crate::metrics::{accuracy, r2, rmse};
use crate::model::{Network, Task};

/// How many rows are judged at a time: enough to fill any machine's threads.
pub(crate) const ROWS: usize = 1024;

/// How good a network is on some rows.
///
/// ```
/// # use chainrule::{Settings, digits, train};
/// # let settings = Settings { model: Some("affine:10".parse()?), epochs: 2, ..Settings::default() };
/// let trained = train(digits(), &settings, |_progress| {})?;
/// let scores = trained.test.unwrap();
/// assert!(scores.accuracy.is_some() && scores.rmse.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// The mean loss; for numbers in the unit of the standardised target.
    pub loss: f64,
    /// For classes, the share of rows whose most probable class is the right one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// For numbers, the root mean squared error in the target's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rmse: Option<f64>,
    /// For numbers, the share of the variance that is explained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r2: Option<f64>,
}

impl Scores {
    /// Of rows of which no more is known.
    pub(crate) fn of_loss(loss: f64) -> Scores {
        Scores { loss, accuracy: None, rmse: None, r2: None }
    }
}

/// The plan that judges.
#[derive(Debug)]
pub(crate) struct Evaluation {
    pub(crate) plan: Plan,
    y: Option<Buf>,
    loss: Option<Buf>,
}

impl Evaluation {
    pub(crate) fn new(graph: &Graph, network: &Network<'_>) -> Result<Self, CompileError> {
        let plan = graph.predict(&[network.y, network.loss_by_row])?;
        let (y, loss) = (plan.value(network.y), plan.value(network.loss_by_row));
        Ok(Evaluation { plan, y, loss })
    }

    /// The scores of `rows`; `None` where there are none.
    pub(crate) fn score<B: Backend>(
        &self,
        backend: &B,
        arena: &mut B::Arena,
        encoding: &Encoding,
        examples: &Examples,
        rows: &[u32],
    ) -> Result<Option<Scores>, InputError> {
        let judged = self.answers(backend, arena, encoding, examples, rows, false, &mut |_| {})?;
        Ok(judged.map(|judgement| judgement.scores))
    }

    /// As [`score`](Self::score), and shows each row to `see`.
    pub(crate) fn show<B: Backend>(
        &self,
        backend: &B,
        arena: &mut B::Arena,
        encoding: &Encoding,
        examples: &Examples,
        rows: &[u32],
        see: &mut dyn FnMut(&Said<'_>),
    ) -> Result<Option<Scores>, InputError> {
        let judged = self.answers(backend, arena, encoding, examples, rows, false, see)?;
        Ok(judged.map(|judgement| judgement.scores))
    }

    /// The scores of `rows` and what they come from; `None` where there are none.
    pub(crate) fn judge<B: Backend>(
        &self,
        backend: &B,
        arena: &mut B::Arena,
        encoding: &Encoding,
        examples: &Examples,
        rows: &[u32],
    ) -> Result<Option<Judgement>, InputError> {
        self.answers(backend, arena, encoding, examples, rows, true, &mut |_| {})
    }

    /// With the probabilities of all classes, or without: they need most of the memory.
    #[allow(clippy::too_many_arguments, reason = "the plan's machine, its data, and what is asked of them")]
    fn answers<B: Backend>(
        &self,
        backend: &B,
        arena: &mut B::Arena,
        encoding: &Encoding,
        examples: &Examples,
        rows: &[u32],
        with_probabilities: bool,
        see: &mut dyn FnMut(&Said<'_>),
    ) -> Result<Option<Judgement>, InputError> {
        let (Some(y), Some(loss)) = (self.y, self.loss) else { return Ok(None) };
        if rows.is_empty() {
            return Ok(None);
        }
        let classes = match encoding.task() {
            Task::Classes(classes) => classes,
            Task::Number => 1,
        };
        let mut sum = 0.0;
        let mut numbers = rows.iter();
        let mut all = Vec::new();
        let (mut classified, mut labels) = (Vec::new(), Vec::new());
        let (mut predicted, mut values) = (Vec::new(), Vec::new());
        examples.each(rows, |table, rows| {
            backend.run(&self.plan, arena, &Rows::pick(&self.plan, &table.columns(), rows)?, Clock::default());
            let of_rows = backend.read(&self.plan, arena, loss);
            sum = of_rows.iter().fold(sum, |sum, loss| sum + loss);
            let read = backend.read(&self.plan, arena, y);
            for ((output, &loss), &row) in read.chunks_exact(y.shape.len()).zip(&of_rows).zip(rows) {
                let output = probabilities(output, classes);
                let number = numbers.next().copied().unwrap_or(row);
                match (&table.data.target, &encoding.target) {
                    (Target::Numbers { values: known, .. }, TargetEncoding::Number { scale, .. }) => {
                        let said = scale.invert(output.first().map_or(f32::NAN, |&output| output as f32));
                        let value = known[row as usize];
                        see(&Said { row: number, loss, answer: Answer::Number { predicted: said, value } });
                        predicted.push(said);
                        values.push(value);
                    }
                    (Target::Classes { labels: known, .. }, _) => {
                        let label = known[row as usize];
                        see(&Said { row: number, loss, answer: Answer::Class { probabilities: &output, label } });
                        classified.push(best(&output).0);
                        labels.push(label);
                        if with_probabilities {
                            all.extend(output);
                        }
                    }
                    _ => {}
                }
            }
            Ok::<(), InputError>(())
        })?;
        let mut scores = Scores { loss: sum / rows.len() as f64, accuracy: None, rmse: None, r2: None };
        let answers = match &encoding.target {
            TargetEncoding::Number { .. } if values.len() == rows.len() => {
                (scores.rmse, scores.r2) = (rmse(&predicted, &values), r2(&predicted, &values));
                Answers::Numbers { predicted, values }
            }
            TargetEncoding::Classes(_) if labels.len() == rows.len() => {
                scores.accuracy = accuracy(&classified, &labels);
                Answers::Classes { probabilities: all, labels, classes }
            }
            _ => return Ok(None),
        };
        Ok(Some(Judgement { scores, answers }))
    }
}

/// What the network said of one row.
pub(crate) struct Said<'a> {
    /// Its number among all rows, from 0.
    pub(crate) row: u32,
    /// Its own.
    pub(crate) loss: f64,
    pub(crate) answer: Answer<'a>,
}

/// An answer, and what is true.
pub(crate) enum Answer<'a> {
    /// The probability of each class.
    Class { probabilities: &'a [f64], label: u32 },
    /// In the target's unit.
    Number { predicted: f32, value: f32 },
}

/// Scores, and the answers that they judge.
#[derive(Debug)]
pub(crate) struct Judgement {
    pub(crate) scores: Scores,
    answers: Answers,
}

/// What a network said, and what is true.
#[derive(Debug)]
enum Answers {
    Classes { probabilities: Vec<f64>, labels: Vec<u32>, classes: usize },
    Numbers { predicted: Vec<f32>, values: Vec<f32> },
}

impl Judgement {
    /// All metrics.
    pub(crate) fn measures(&self) -> Measures {
        match &self.answers {
            Answers::Classes { probabilities, labels, classes } => {
                Measures::of_classes(probabilities, labels, *classes)
            }
            Answers::Numbers { predicted, values } => Measures::of_numbers(predicted, values),
        }
    }
}

/// The largest of a row's outputs with its place: the first among equals.
pub(crate) fn best(outputs: &[f64]) -> (u32, f64) {
    let mut best = (0, outputs.first().copied().unwrap_or(f64::NAN));
    for (at, &output) in (0..).zip(outputs) {
        if output > best.1 {
            best = (at, output);
        }
    }
    best
}

impl From<CompileError> for InputError {
    fn from(e: CompileError) -> Self {
        InputError::new("model", "layers that fit together", e.to_string(), "change the SPEC")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equals_is_the_answer() {
        assert_eq!(best(&[0.25, 0.5, 0.25]), (1, 0.5));
        assert_eq!(best(&[0.5, 0.5]), (0, 0.5));
        assert_eq!(best(&[-3.0]), (0, -3.0));
    }
}
