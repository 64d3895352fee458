//! L = −ln pₜ: how surprised the probabilities p are by the class t. dpₜ = −dL/pₜ, else 0.
//!
//! For probabilities that are given. From logits, [`SoftmaxWithLoss`](super::SoftmaxWithLoss) is
//! stable and cheaper.

use super::classes_and_label;
use crate::emit::Emit;
use crate::function::Map;
use crate::kernel::Buf;
use crate::op::{At, Op, Out, args};
use crate::shape::{Shape, ShapeError};

/// Probabilities `[n]` and a label 0 to n − 1, to a loss for each example. Infinite at pₜ = 0.
#[derive(Debug)]
pub struct CrossEntropy;

impl Op for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        classes_and_label(self.name(), x)
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        let [p, label] = args(x);
        let picked = k.pick(p, label);
        let ln = k.map(Map::Ln, picked);
        Out { y: k.neg(ln), kept: vec![picked] }
    }
    fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        let [p, label] = args(at.x);
        let share = k.div(dy, at.kept[0]);
        let down = k.neg(share);
        vec![Some(k.pick_gradient(label, down, p.shape)), None]
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<super::cases::Case> {
    use super::cases::{Case, label, positive, row};
    vec![
        Case::new("cross entropy", |x| x[0].cross_entropy(x[1]), [positive(&row([6])), label(6)]),
        Case::new("softmax, cross entropy", |x| x[0].softmax().cross_entropy(x[1]), [row([6]), label(6)]),
    ]
}
