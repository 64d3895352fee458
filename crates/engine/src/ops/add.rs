//! y = a + b, y = a − b, y = −x: the derivative passes through, or changes its sign.

use super::elementwise;
use crate::emit::Emit;
use crate::function::Zip;
use crate::kernel::Buf;
use crate::op::{At, Op, Out, args};
use crate::shape::{Shape, ShapeError};

/// y = a + b, da = dy, db = dy.
#[derive(Debug)]
pub struct Add;

impl Op for Add {
    fn name(&self) -> &'static str {
        "add"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        elementwise(self.name(), x)
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        let [a, b] = args(x);
        k.add(a, b).into()
    }
    fn backward(&self, _: &At<'_>, dy: Buf, _: &mut Emit) -> Vec<Option<Buf>> {
        vec![Some(dy), Some(dy)]
    }
}

/// y = a − b, da = dy, db = −dy.
#[derive(Debug)]
pub struct Sub;

impl Op for Sub {
    fn name(&self) -> &'static str {
        "sub"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        elementwise(self.name(), x)
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        let [a, b] = args(x);
        k.zip(Zip::Subtract, a, b).into()
    }
    fn backward(&self, _: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        vec![Some(dy), Some(k.neg(dy))]
    }
}

/// y = −x, dx = −dy.
#[derive(Debug)]
pub struct Neg;

impl Op for Neg {
    fn name(&self) -> &'static str {
        "neg"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(x[0])
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        k.neg(x[0]).into()
    }
    fn backward(&self, _: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        vec![Some(k.neg(dy))]
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<super::cases::Case> {
    use super::cases::{Case, row, whole};
    vec![
        Case::new("add", |x| x[0] + x[1], [row([5]), row([5])]),
        Case::new("add whole to rows", |x| x[0] + x[1], [row([5]), whole([5])]),
        Case::new("add scalar for each row", |x| x[0] + x[1], [row([2, 3]), row([])]),
        Case::new("sub", |x| x[0] - x[1], [row([5]), whole([])]),
        Case::new("sub from whole", |x| x[0] - x[1], [whole([3]), row([3])]),
        Case::new("neg", |x| -x[0], [row([3])]),
        Case::new("used twice", |x| x[0] + x[0] * 2.0 - 1.0, [row([3])]),
    ]
}
