//! y = ln(1 + eˣ), a smooth ReLU: computed as max(x, 0) + ln(1 + e^−|x|), which never overflows.
//! dx = dy·σ(x).

use crate::emit::Emit;
use crate::function::{Map, Zip};
use crate::kernel::Buf;
use crate::op::{At, Op, Out};
use crate::shape::{Shape, ShapeError};

/// Element by element. Its derivative is taken from x: from y it would cancel far below 0.
#[derive(Debug)]
pub struct Softplus;

impl Op for Softplus {
    fn name(&self) -> &'static str {
        "softplus"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(x[0])
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        k.map(Map::Softplus, x[0]).into()
    }
    fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        vec![Some(k.zip(Zip::SoftplusGradient, dy, at.x[0]))]
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<super::cases::Case> {
    use super::cases::{Case, row, whole};
    vec![
        Case::new("softplus", |x| x[0].softplus(), [row([33])]),
        Case::new("softplus far out", |x| (x[0] * 3.0).softplus(), [row([19])]),
        Case::new("softplus of a whole", |x| x[0].softplus(), [whole([3])]),
        Case::new("affine softplus", |x| x[0].affine(x[1], x[2]).softplus(), [row([5]), whole([5, 21]), whole([21])]),
        Case::new(
            "softplus between affines",
            |x| x[0].affine(x[1], x[2]).softplus().affine(x[3], x[4]),
            [row([4]), whole([4, 18]), whole([18]), whole([18, 3]), whole([3])],
        ),
    ]
}
