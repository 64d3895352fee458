//! y = x·Φ(x), Φ the normal distribution's: x times the probability that a standard normal number is below it.
//! dx = dy·(Φ(x) + x·φ(x)). Hendrycks and Gimpel (2016); the exact form, not that with tanh.

use crate::emit::Emit;
use crate::function::{Map, Zip};
use crate::kernel::Buf;
use crate::op::{At, Op, Out};
use crate::shape::{Shape, ShapeError};

/// Element by element. It falls and rises, so its derivative needs x itself.
#[derive(Debug)]
pub struct Gelu;

impl Op for Gelu {
    fn name(&self) -> &'static str {
        "gelu"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(x[0])
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        k.map(Map::Gelu, x[0]).into()
    }
    fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        vec![Some(k.zip(Zip::GeluGradient, dy, at.x[0]))]
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<super::cases::Case> {
    use super::cases::{Case, row, whole};
    vec![
        Case::new("gelu", |x| x[0].gelu(), [row([33])]),
        Case::new("gelu far out", |x| (x[0] * 3.0).gelu(), [row([19])]),
        Case::new("gelu of a whole", |x| x[0].gelu(), [whole([3])]),
        Case::new("affine gelu", |x| x[0].affine(x[1], x[2]).gelu(), [row([5]), whole([5, 21]), whole([21])]),
        Case::new(
            "gelu between affines",
            |x| x[0].affine(x[1], x[2]).gelu().affine(x[3], x[4]),
            [row([4]), whole([4, 18]), whole([18]), whole([18, 3]), whole([3])],
        ),
    ]
}
