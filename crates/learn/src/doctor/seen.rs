//! What a network says of the rows that it learned from and was chosen by, when its training is over: in the pass that scores them, and in
//! memory that does not grow with their number.

use crate::evaluate::{Answer, Said, best};

/// Rows of a part that are kept at most, at equal distances: enough to see a class of a thousandth.
const ROWS: usize = 50_000;

/// The rows of a training.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) train: Sample,
    pub(crate) validation: Sample,
}

/// Of some rows, at most 50,000.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    every: usize,
    count: usize,
    pub(super) rows: Vec<Judged>,
}

/// A row, and what the network says of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judged {
    pub(super) loss: f64,
    /// `None` of numbers.
    pub(super) class: Option<JudgedClass>,
}

/// A row of a class.
#[derive(Clone, Copy, Debug)]
pub(super) struct JudgedClass {
    /// The row's number in the data, from 0.
    pub(super) row: u32,
    pub(super) label: usize,
    /// The probability that it is of its class.
    pub(super) of_label: f64,
    pub(super) answer: usize,
    /// The probability of the answer.
    pub(super) of_answer: f64,
}

impl Sample {
    /// Of as many rows.
    pub(crate) fn of(rows: usize) -> Sample {
        Sample { every: rows.div_ceil(ROWS).max(1), count: 0, rows: Vec::new() }
    }

    /// Looks at the next row.
    pub(crate) fn see(&mut self, said: &Said<'_>) {
        if self.count.is_multiple_of(self.every) {
            let class = match said.answer {
                Answer::Number { .. } => None,
                Answer::Class { probabilities, label } => {
                    let (answer, of_answer) = best(probabilities);
                    let (label, answer) = (label as usize, answer as usize);
                    let of_label = probabilities.get(label).copied().unwrap_or_default();
                    Some(JudgedClass { row: said.row, label, of_label, answer, of_answer })
                }
            };
            self.rows.push(Judged { loss: said.loss, class });
        }
        self.count += 1;
    }

    pub(super) fn losses(&self) -> impl Iterator<Item = f64> + Clone {
        self.rows.iter().map(|row| row.loss)
    }

    pub(super) fn classified(&self) -> impl Iterator<Item = JudgedClass> {
        self.rows.iter().filter_map(|row| row.class)
    }
}

impl JudgedClass {
    pub(super) fn is_told(&self) -> bool {
        self.answer == self.label
    }
}
