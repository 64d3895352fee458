//! y = a·b and y = a/b: each derivative holds the other operand, which is why it must be kept.

use super::elementwise;
use crate::emit::Emit;
use crate::kernel::Buf;
use crate::op::{At, Op, Out, args};
use crate::shape::{Shape, ShapeError};

/// y = a·b, da = dy·b, db = dy·a.
#[derive(Debug)]
pub struct Mul;

impl Op for Mul {
    fn name(&self) -> &'static str {
        "mul"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        elementwise(self.name(), x)
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        let [a, b] = args(x);
        k.mul(a, b).into()
    }
    fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        let [a, b] = args(at.x);
        vec![Some(k.mul(dy, b)), Some(k.mul(dy, a))]
    }
}

/// y = a/b, da = dy/b, db = −dy·y/b.
#[derive(Debug)]
pub struct Div;

impl Op for Div {
    fn name(&self) -> &'static str {
        "div"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        elementwise(self.name(), x)
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        let [a, b] = args(x);
        k.div(a, b).into()
    }
    fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        let [_, b] = args(at.x);
        let da = k.div(dy, b);
        let db = k.mul(da, at.y);
        vec![Some(da), Some(k.neg(db))]
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<super::cases::Case> {
    use super::cases::{Case, positive, row, whole};
    vec![
        Case::new("mul", |x| x[0] * x[1], [row([5]), row([5])]),
        Case::new("mul rows by whole", |x| x[0] * x[1], [row([5]), whole([5])]),
        Case::new("mul by a scalar", |x| x[0] * x[1], [row([2, 3]), whole([])]),
        Case::new("square as a product", |x| x[0] * x[0], [row([3])]),
        Case::new("div", |x| x[0] / x[1], [row([5]), positive(&row([5]))]),
        Case::new("div by a scalar", |x| x[0] / x[1], [whole([4]), positive(&row([]))]),
        Case::new("constant over x", |x| 2.0 / x[0], [positive(&row([4]))]),
    ]
}
