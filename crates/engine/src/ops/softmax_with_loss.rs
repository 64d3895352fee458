//! Softmax and cross entropy in one: L = ln Σⱼ eˣʲ − xₜ for the class t.
//!
//! dxᵢ = (pᵢ − [i = t])·dL, with p = softmax x: the derivative is the error itself. Together they
//! are stable where one after the other is not: with m = max x, L = ln Σ eˣ⁻ᵐ − (xₜ − m) is finite
//! and right for logits of ±1000, where pₜ = 0 would make −ln pₜ infinite.

use super::classes_and_label;
use crate::emit::Emit;
use crate::kernel::Buf;
use crate::op::{At, Op, Out, args};
use crate::shape::{Shape, ShapeError};

/// Logits `[n]` and a label 0 to n − 1, to a loss for each example. Keeps the probabilities.
#[derive(Debug)]
pub struct SoftmaxWithLoss;

impl Op for SoftmaxWithLoss {
    fn name(&self) -> &'static str {
        "softmax_with_loss"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        classes_and_label(self.name(), x)
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        let [x, label] = args(x);
        let (y, probability) = k.softmax_cross_entropy(x, label);
        Out { y, kept: vec![probability] }
    }
    fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        let [_, label] = args(at.x);
        vec![Some(k.softmax_cross_entropy_gradient(at.kept[0], label, dy)), None]
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<super::cases::Case> {
    use super::cases::{Case, label, row};
    vec![
        Case::new("softmax with loss", |x| x[0].softmax_with_loss(x[1]), [row([10]), label(10)]),
        Case::new("softmax with loss of 19", |x| x[0].softmax_with_loss(x[1]), [row([19]), label(19)]),
        Case::new("softmax with loss of two", |x| x[0].softmax_with_loss(x[1]), [row([2]), label(2)]),
        Case::new("a penalty beside it", |x| x[0].softmax_with_loss(x[1]) + x[0].sum(), [row([4]), label(4)]),
    ]
}
