//! y = x·W + b: a layer of weights.
//!
//! dx = dy·Wᵀ, dW = xᵀ·dy, db = dy; over many examples the chain rule sums dW and db over
//! their rows. The layout `[in, out]` of W is the book's.

use crate::emit::Emit;
use crate::kernel::Buf;
use crate::op::{At, Op, Out, args};
use crate::shape::{Extent, Shape, ShapeError};

/// x `[k]`, W `[k, n]`, b `[n]`; W and b must be whole.
#[derive(Debug)]
pub struct Affine;

impl Op for Affine {
    fn name(&self) -> &'static str {
        "affine"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        let error = |expected: String, found: Shape| Err(ShapeError::new("affine", expected, found.to_string()));
        match *x {
            [x, _, _] if x.rank() != 1 => error("a vector as input".into(), x),
            [x, w, _] if w.rank() != 2 || w.axes()[0] != x.len() => {
                error(format!("a weight [{}, n] for an input {x}", x.len()), w)
            }
            [_, w, b] if b.axes() != &w.axes()[1..] => error(format!("a bias [{}] for a weight {w}", w.axes()[1]), b),
            [_, _, b] => Ok(b),
            _ => Err(ShapeError::new("affine", "x, W and b", format!("{} operands", x.len()))),
        }
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        let [x, w, b] = args(x);
        k.affine(x, w, b).into()
    }
    fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        let [x, w, _] = args(at.x);
        let dx = k.matmul(dy, false, w, true, x.shape);
        // A weight that differs from example to example keeps its gradient by example.
        let dw =
            if w.extent == Extent::Row { k.matmul(x, true, dy, false, w.shape) } else { k.matmul_tn(x, dy, w.shape) };
        vec![Some(dx), Some(dw), Some(dy)]
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<super::cases::Case> {
    use super::cases::{Case, row, whole};
    let case =
        |name, k: usize, n: usize| Case::new(name, |x| x[0].affine(x[1], x[2]), [row([k]), whole([k, n]), whole([n])]);
    vec![
        case("affine 5 to 3", 5, 3),
        case("affine 1 to 1", 1, 1),
        case("affine 17 to 33", 17, 33),
        case("affine 33 to 7", 33, 7),
        case("affine 3 to 50", 3, 50),
        case("affine 2 to 133", 2, 133),
        Case::new("affine relu", |x| x[0].affine(x[1], x[2]).relu(), [row([9]), whole([9, 20]), whole([20])]),
        Case::new("affine sigmoid", |x| x[0].affine(x[1], x[2]).sigmoid(), [row([4]), whole([4, 6]), whole([6])]),
        Case::new(
            "two affine",
            |x| x[0].affine(x[1], x[2]).tanh().affine(x[3], x[4]),
            [row([4]), whole([4, 18]), whole([18]), whole([18, 3]), whole([3])],
        ),
        Case::new(
            "affine 2 to 280 to 1",
            |x| x[0].affine(x[1], x[2]).tanh().affine(x[3], x[4]),
            [row([2]), whole([2, 280]), whole([280]), whole([280, 1]), whole([1])],
        ),
        Case::new("affine of a whole", |x| x[0].affine(x[1], x[2]), [whole([4]), whole([4, 3]), whole([3])]),
        Case::new("weight by example", |x| x[0].affine(x[1], x[2]), [row([4]), row([4, 3]), whole([3])]),
    ]
}
