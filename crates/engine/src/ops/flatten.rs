//! y = x, as a vector: the same numbers in memory under another shape, so neither way costs anything.

use crate::emit::Emit;
use crate::kernel::Buf;
use crate::op::{At, Op, Out};
use crate::shape::{Shape, ShapeError};

/// `[c, h, w]` to `[c·h·w]`.
#[derive(Debug)]
pub struct Flatten;

impl Op for Flatten {
    fn name(&self) -> &'static str {
        "flatten"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(Shape::from([x[0].len()]))
    }
    fn forward(&self, x: &[Buf], _: &mut Emit) -> Out {
        Buf { shape: Shape::from([x[0].shape.len()]), ..x[0] }.into()
    }
    fn backward(&self, at: &At<'_>, dy: Buf, _: &mut Emit) -> Vec<Option<Buf>> {
        vec![Some(Buf { shape: at.x[0].shape, ..dy })]
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<super::cases::Case> {
    use super::cases::{Case, row, whole};
    vec![
        Case::new("flatten", |x| x[0].relu().flatten().affine(x[1], x[2]), [row([2, 3]), whole([6, 4]), whole([4])]),
        Case::new("flatten of an input", |x| x[0].flatten(), [row([2, 1, 3])]),
    ]
}
