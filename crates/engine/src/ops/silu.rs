//! y = x·σ(x) = x/(1 + e⁻ˣ), also called swish.
//! dx = dy·σ(x)(1 + x·σ(−x)). Elfwing, Uchibe and Doya (2017); Ramachandran, Zoph and Le (2017).

use crate::emit::Emit;
use crate::function::{Map, Zip};
use crate::kernel::Buf;
use crate::op::{At, Op, Out};
use crate::shape::{Shape, ShapeError};

/// Element by element. It falls and rises, so its derivative needs x itself.
#[derive(Debug)]
pub struct Silu;

impl Op for Silu {
    fn name(&self) -> &'static str {
        "silu"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(x[0])
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        k.map(Map::Silu, x[0]).into()
    }
    fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        vec![Some(k.zip(Zip::SiluGradient, dy, at.x[0]))]
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<super::cases::Case> {
    use super::cases::{Case, row, whole};
    vec![
        Case::new("silu", |x| x[0].silu(), [row([33])]),
        Case::new("silu far out", |x| (x[0] * 3.0).silu(), [row([19])]),
        Case::new("silu of a whole", |x| x[0].silu(), [whole([3])]),
        Case::new("affine silu", |x| x[0].affine(x[1], x[2]).silu(), [row([5]), whole([5, 21]), whole([21])]),
        Case::new(
            "silu between affines",
            |x| x[0].affine(x[1], x[2]).silu().affine(x[3], x[4]),
            [row([4]), whole([4, 18]), whole([18]), whole([18, 3]), whole([3])],
        ),
    ]
}
