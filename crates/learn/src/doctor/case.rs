//! What a run is judged by: its epochs, its layers, and its rows with the losses that the network has on them.

use chainrule_engine::Shape;

use crate::encoding::TargetEncoding;
use crate::examples::Examples;
use crate::input_error::InputError;
use crate::layer_statistics::Layers;
use crate::loss::Loss;
use crate::run_folder::Run;
use crate::stored::StoredExamples;
use crate::trainer::{Epoch, fingerprint, split};

/// Training rows that are judged at most: enough to see a class of a thousandth, and seconds on any machine.
pub(super) const ROWS: usize = 50_000;

/// A run under examination.
pub(super) struct Case<'a> {
    pub(super) run: &'a Run,
    /// At least one.
    pub(super) history: Vec<Epoch>,
    pub(super) layers: Vec<Layers>,
    /// Of the data; `None` if they could not be read.
    pub(super) seen: Option<Seen>,
}

/// The rows of the training.
pub(super) struct Seen {
    pub(super) train: Judged,
    pub(super) validation: Option<Judged>,
}

/// Rows and what the network says of them.
#[derive(Default)]
pub(super) struct Judged {
    /// Their numbers in the data, from 0.
    pub(super) rows: Vec<u32>,
    /// Of each.
    pub(super) losses: Vec<f64>,
    /// Of each, one for each class; empty for numbers.
    pub(super) probabilities: Vec<f64>,
    /// Of each; empty for numbers.
    pub(super) labels: Vec<u32>,
}

impl Judged {
    /// Each row with its label and its classes' probabilities.
    pub(super) fn classified(&self, classes: usize) -> impl Iterator<Item = (u32, usize, &[f64])> {
        let labels = self.rows.iter().zip(&self.labels);
        labels.zip(self.probabilities.chunks_exact(classes.max(1))).map(|((&row, &label), p)| (row, label as usize, p))
    }
}

impl<'a> Case<'a> {
    /// Reads what there is, and says why the data could not be.
    pub(super) fn of(run: &'a Run, threads: usize) -> Result<(Case<'a>, Option<InputError>), InputError> {
        let (history, layers) = (run.history()?, run.layers()?);
        if history.is_empty() {
            let place = run.folder.join("metrics.jsonl").display().to_string();
            return Err(InputError::new(place, "a line an epoch", "an empty file", "train anew"));
        }
        let (seen, without) = match Seen::of(run, threads) {
            Ok(seen) => (Some(seen), None),
            Err(e) => (None, Some(e)),
        };
        Ok((Case { run, history, layers, seen }, without))
    }

    /// The names of the classes; none for numbers.
    pub(super) fn classes(&self) -> &[String] {
        match &self.run.record.target {
            TargetEncoding::Classes(names) => names,
            TargetEncoding::Number { .. } => &[],
        }
    }

    /// The loss of guessing without looking at a row: the entropy of the classes' shares among the training rows, ln K without the
    /// data; of the squared error of a standardised number 1. For other losses, about the first epoch's.
    pub(super) fn guess(&self) -> f64 {
        let classes = self.classes().len() as f64;
        let guess = match self.run.predictor.objective().loss {
            Loss::SoftmaxCrossEntropy { smoothing } => match self.shares() {
                Some(shares) => entropy(shares.iter().map(|share| (1.0 - smoothing) * share + smoothing / classes)),
                None => classes.ln(),
            },
            Loss::BinaryCrossEntropy => self.shares().map_or(classes.ln(), |shares| entropy(shares.iter().copied())),
            Loss::MeanSquared => 1.0,
            Loss::MeanAbsolute | Loss::Huber { .. } => self.history[0].train_loss,
        };
        guess.max(f64::MIN_POSITIVE)
    }

    /// The share of the loss of guessing that the network does without on the training rows; below 0 of one that is worse.
    pub(super) fn learned(&self) -> f64 {
        1.0 - self.run.record.results.train.loss / self.guess()
    }

    /// How many training rows there are of each class; `None` without data or classes.
    pub(super) fn counts(&self) -> Option<Vec<usize>> {
        let labels = &self.seen.as_ref()?.train.labels;
        let mut counts = vec![0; self.classes().len()];
        labels.iter().for_each(|&label| counts[label as usize] += 1);
        Some(counts).filter(|_| !labels.is_empty())
    }

    fn shares(&self) -> Option<Vec<f64>> {
        let counts = self.counts()?;
        let all: usize = counts.iter().sum();
        Some(counts.iter().map(|&count| count as f64 / all as f64).collect())
    }

    /// The validation loss of each epoch; `None` without validation rows.
    pub(super) fn validation(&self) -> Option<Vec<f64>> {
        self.history.iter().map(|epoch| Some(epoch.validation?.loss)).collect()
    }

    /// The shape of a row.
    pub(super) fn input(&self) -> Option<Shape> {
        self.run.record.input.shape().ok()
    }

    /// The first epoch of the records' end throughout which a measure of the layers is `bad`; `None` if it is not in the end.
    pub(super) fn since(&self, bad: impl Fn(&Layers) -> bool) -> Option<usize> {
        self.layers.iter().rev().take_while(|layers| bad(layers)).last().map(|layers| layers.epoch)
    }
}

impl Seen {
    fn of(run: &Run, threads: usize) -> Result<Seen, InputError> {
        let record = &run.record;
        let (source, kind) = (run.source()?, record.kind());
        let (examples, split) = match source.stored(Some(kind))? {
            Some(stored) => {
                run.expect_same(&stored.fingerprint(), &source.name())?;
                let split = stored.split(record.fractions(), record.training.seed)?;
                let encoding = run.predictor.encoding().clone();
                (Examples::Stored(Box::new(StoredExamples { stored, encoding })), split)
            }
            None => {
                let data = source.open(Some(kind))?;
                run.expect_same(&fingerprint(&data), &data.train.source)?;
                let split = split(&data, record.fractions(), record.training.seed)?;
                (Examples::from(run.predictor.encoding().apply(data.train)?), split)
            }
        };
        let judged = |rows: Vec<u32>| {
            let judgement = run.predictor.judge_examples(&examples, Some(&rows), threads, &source.name())?;
            let losses = judgement.losses.clone();
            let (probabilities, labels) = judgement.into_classes().unwrap_or_default();
            Ok::<_, InputError>(Judged { rows, losses, probabilities, labels })
        };
        let validation = Some(split.validation).filter(|rows| !rows.is_empty()).map(judged).transpose()?;
        let every = split.train.len().div_ceil(ROWS).max(1);
        Ok(Seen { train: judged(split.train.into_iter().step_by(every).collect())?, validation })
    }
}

/// −Σ p ln p
fn entropy(shares: impl Iterator<Item = f64>) -> f64 {
    shares.filter(|&p| p > 0.0).map(|p| -p * p.ln()).sum()
}
