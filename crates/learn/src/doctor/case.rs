//! What a run is judged by: its epochs, its layers, and its rows with the losses that the network has on them.

use chainrule_engine::Shape;

use super::seen::Seen;
use crate::encoding::TargetEncoding;
use crate::layer_statistics::Layers;
use crate::loss::Loss;
use crate::predict::Predictor;
use crate::record::Record;
use crate::trainer::Epoch;

/// A training under examination.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) record: &'a Record,
    pub(crate) predictor: &'a Predictor,
    /// At least one.
    pub(crate) history: &'a [Epoch],
    pub(crate) layers: &'a [Layers],
    pub(crate) seen: &'a Seen,
}

impl Case<'_> {
    /// The names of the classes; none for numbers.
    pub(super) fn classes(&self) -> &[String] {
        match &self.record.target {
            TargetEncoding::Classes(names) => names,
            TargetEncoding::Number { .. } => &[],
        }
    }

    /// The loss of guessing without looking at a row: the entropy of the classes' shares among the training rows; of the squared error of a
    /// standardised number 1. For other losses, about the first epoch's.
    pub(super) fn guess(&self) -> f64 {
        let classes = self.classes().len() as f64;
        let counts = self.counts();
        let all = counts.iter().sum::<usize>().max(1) as f64;
        let shares = counts.iter().map(|&count| count as f64 / all);
        let guess = match self.predictor.objective().loss {
            Loss::SoftmaxCrossEntropy { smoothing } => {
                entropy(shares.map(|share| (1.0 - smoothing) * share + smoothing / classes))
            }
            Loss::BinaryCrossEntropy => entropy(shares),
            Loss::MeanSquared => 1.0,
            Loss::MeanAbsolute | Loss::Huber { .. } => self.history.first().map_or(1.0, |epoch| epoch.train_loss),
        };
        guess.max(f64::MIN_POSITIVE)
    }

    /// The share of the loss of guessing that the network does without on the training rows; below 0 of one that is worse.
    pub(super) fn learned(&self) -> f64 {
        1.0 - self.record.results.train.loss / self.guess()
    }

    /// How many training rows of those that were looked at there are of each class; none for numbers.
    pub(super) fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes().len()];
        for row in self.seen.train.classified() {
            if let Some(count) = counts.get_mut(row.label) {
                *count += 1;
            }
        }
        counts
    }

    /// The validation loss of each epoch; `None` without validation rows.
    pub(super) fn validation(&self) -> Option<Vec<f64>> {
        self.history.iter().map(|epoch| Some(epoch.validation?.loss)).collect()
    }

    /// The shape of a row.
    pub(super) fn input(&self) -> Option<Shape> {
        self.record.input.shape().ok()
    }

    /// The first epoch of the records' end throughout which a measure of the layers is `bad`; `None` if it is not in the end.
    pub(super) fn since(&self, bad: impl Fn(&Layers) -> bool) -> Option<usize> {
        self.layers.iter().rev().take_while(|layers| bad(layers)).last().map(|layers| layers.epoch)
    }
}

/// −Σ p ln p
fn entropy(shares: impl Iterator<Item = f64>) -> f64 {
    shares.filter(|&p| p > 0.0).map(|p| -p * p.ln()).sum()
}
