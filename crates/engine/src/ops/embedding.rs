//! y = W[x]: the row of a table for each whole number, as a product of its one-hot vector with W would give it.
//!
//! dW[i] = Σ dy of the places where x = i. A number that is no row's gives NaN, which training notices.

use crate::emit::Emit;
use crate::kernel::Buf;
use crate::op::{At, Op, Out, args};
use crate::shape::{Shape, ShapeError};

/// Whole numbers `[k]`, each from 0 to n − 1, and a table `[n, d]`, to `[k, d]`; a scalar number to `[d]`.
#[derive(Debug)]
pub struct Embedding;

/// As f32, x counts no further.
const LONGEST: usize = 1 << 24;

impl Op for Embedding {
    fn name(&self) -> &'static str {
        "embedding"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        let y = match (x[0].axes(), x[1].axes()) {
            (&[], &[n, d]) if n <= LONGEST => Shape::new(&[d]),
            (&[k], &[n, d]) if n <= LONGEST => Shape::new(&[k, d]),
            _ => None,
        };
        let expected = format!("a number or a vector of them, and a table [n, d] with n up to {LONGEST}");
        y.ok_or_else(|| ShapeError::new("embedding", expected, format!("{} and {}", x[0], x[1])))
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        let [x, w] = args(x);
        k.lookup(x, w).into()
    }
    fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        let [x, w] = args(at.x);
        vec![None, Some(k.lookup_gradient(x, dy, w.shape))]
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<super::cases::Case> {
    use super::cases::{Case, label, labels, whole};
    vec![
        Case::new("embedding", |x| x[0].embedding(x[1]), [labels(7, [3]), whole([7, 5])]),
        Case::new("embedding of one number", |x| x[0].embedding(x[1]), [label(4), whole([4, 19])]),
        Case::new("embedding of two rows", |x| x[0].embedding(x[1]), [labels(2, [6]), whole([2, 1])]),
        Case::new(
            "embedding and affine",
            |x| x[0].embedding(x[1]).tanh().flatten().affine(x[2], x[3]),
            [labels(9, [2]), whole([9, 4]), whole([8, 3]), whole([3])],
        ),
    ]
}
