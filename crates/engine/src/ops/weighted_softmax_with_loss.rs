//! Softmax and cross entropy with a weight for each class, and labels smoothed by ε.
//!
//! With p = softmax x, n classes and the weights w, for the class t
//!
//! ```text
//! L   = (1 − ε)·wₜ·(−ln pₜ) + ε/n · Σₖ wₖ·(−ln pₖ)
//! dxᵢ = ((1 − ε)·wₜ + ε/n · Σₖ wₖ)·pᵢ·dL − (1 − ε)·wₜ·[i = t]·dL − ε/n · wᵢ·dL
//! ```
//!
//! as PyTorch has it, before the mean over rows. −ln pₖ is the loss for t plus xₜ − xₖ, and so as stable as that loss.
//! Weights make rare classes count; smoothing (Szegedy et al., 2015) keeps the logits from growing without end.

use super::classes_and_label;
use crate::emit::Emit;
use crate::function::Zip;
use crate::kernel::Buf;
use crate::op::{At, Op, Out};
use crate::shape::{Shape, ShapeError};

/// Logits `[n]`, a label 0 to n − 1, and if given the classes' weights `[n]`, to a loss for each example.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightedSoftmaxWithLoss {
    /// ε, from 0 to less than 1: the share of a label that is spread over all classes.
    pub smoothing: f64,
}

impl WeightedSoftmaxWithLoss {
    /// ε/n
    fn spread(&self, x: Buf) -> f64 {
        self.smoothing / x.shape.len() as f64
    }

    fn weights(x: &[Buf], k: &mut Emit) -> Buf {
        x.get(2).copied().unwrap_or_else(|| k.constant(1.0, x[0].shape))
    }
}

impl Op for WeightedSoftmaxWithLoss {
    fn name(&self) -> &'static str {
        "weighted_softmax_with_loss"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        match *x {
            [classes, _, w] if w != classes => {
                Err(ShapeError::new(self.name(), format!("a weight for each class, {classes}"), w.to_string()))
            }
            [classes, label, _] => classes_and_label(self.name(), &[classes, label]),
            _ => classes_and_label(self.name(), x),
        }
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        let (logits, label, w) = (x[0], x[1], Self::weights(x, k));
        let (loss, probability) = k.softmax_cross_entropy(logits, label);
        let picked = k.pick(w, label);
        let own = k.scale(1.0 - self.smoothing, picked);
        let first = k.mul(own, loss);

        let here = k.pick(logits, label);
        let apart = k.zip(Zip::Subtract, here, logits);
        let surprises = k.add(apart, loss);
        let weighted = k.mul(surprises, w);
        let sum = k.sum_elements(weighted);
        let second = k.scale(self.spread(logits), sum);

        let weights = k.sum_elements(w);
        let spread = k.scale(self.spread(logits), weights);
        let total = k.add(own, spread);
        Out { y: k.add(first, second), kept: vec![probability, own, total] }
    }
    fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        let (logits, label, w) = (at.x[0], at.x[1], Self::weights(at.x, k));
        let &[probability, own, total] = at.kept else { panic!("forward keeps three") };
        let share = k.mul(total, dy);
        let all = k.mul(probability, share);
        let share = k.mul(own, dy);
        let onehot = k.pick_gradient(label, share, logits.shape);
        let less = k.zip(Zip::Subtract, all, onehot);
        let share = k.scale(self.spread(logits), dy);
        let spread = k.mul(w, share);
        let dx = k.zip(Zip::Subtract, less, spread);
        std::iter::once(Some(dx)).chain(at.x[1..].iter().map(|_| None)).collect()
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<super::cases::Case> {
    use super::cases::{Case, label, positive, row, whole};
    vec![
        Case::new("smoothed softmax with loss", |x| x[0].smoothed_softmax_with_loss(x[1], 0.1), [row([7]), label(7)]),
        Case::new(
            "weighted softmax with loss",
            |x| x[0].weighted_softmax_with_loss(x[1], x[2], 0.0),
            [row([19]), label(19), positive(&whole([19]))],
        ),
        Case::new(
            "weighted and smoothed softmax with loss",
            |x| x[0].weighted_softmax_with_loss(x[1], x[2], 0.3),
            [row([3]), label(3), positive(&whole([3]))],
        ),
    ]
}
