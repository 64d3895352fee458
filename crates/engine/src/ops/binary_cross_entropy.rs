//! L = Σᵢ (max(xᵢ, 0) − xᵢtᵢ + ln(1 + e^−|xᵢ|)) / n: how surprised σ(x) is by answers of yes (1) and no (0).
//!
//! Each term is −t·ln σ(x) − (1 − t)·ln(1 − σ(x)), in a form that is finite and right for any logit. One output is one
//! question; n outputs are n questions, whose answers need not exclude one another (multi-label).
//! dxᵢ = (σ(xᵢ) − tᵢ)/n · dL, dtᵢ = −xᵢ/n · dL.

use crate::emit::Emit;
use crate::function::{Map, Zip};
use crate::kernel::Buf;
use crate::op::{At, Op, Out, args};
use crate::shape::{Shape, ShapeError};

/// Logits and answers of one shape, to a loss for each example. Answers between 0 and 1 are probabilities.
#[derive(Debug)]
pub struct BinaryCrossEntropy;

impl Op for BinaryCrossEntropy {
    fn name(&self) -> &'static str {
        "binary_cross_entropy"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        match *x {
            [x, t] if x == t => Ok(Shape::scalar()),
            [x, t] => Err(ShapeError::new(self.name(), "logits and answers of one shape", format!("{x} and {t}"))),
            _ => Err(ShapeError::new(self.name(), "two operands", x.len().to_string())),
        }
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        let [x, t] = args(x);
        let terms = k.zip(Zip::BinaryCrossEntropy, x, t);
        let sum = k.sum_elements(terms);
        k.scale(1.0 / x.shape.len() as f64, sum).into()
    }
    fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        let [x, t] = args(at.x);
        let share = k.scale(1.0 / x.shape.len() as f64, dy);
        let p = k.map(Map::Sigmoid, x);
        let error = k.zip(Zip::Subtract, p, t);
        let dx = k.mul(error, share);
        let up = k.mul(x, share);
        vec![Some(dx), Some(k.neg(up))]
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<super::cases::Case> {
    use super::cases::{Case, label, positive, row};
    vec![
        Case::new("binary cross entropy", |x| x[0].binary_cross_entropy(x[1]), [row([]), label(2)]),
        Case::new(
            "binary cross entropy of many",
            |x| x[0].binary_cross_entropy(x[1]),
            [row([19]), positive(&row([19]))],
        ),
        Case::new(
            "binary cross entropy far out",
            |x| (x[0] * 20.0).binary_cross_entropy(x[1]),
            [row([5]), positive(&row([5]))],
        ),
    ]
}
