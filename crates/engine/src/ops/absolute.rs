//! y = |x|: dx = dy·sign x, and 0 at 0. Its mean over errors y − t is the mean absolute error, whose best constant is
//! the median.

use crate::emit::Emit;
use crate::function::{Map, Zip};
use crate::kernel::Buf;
use crate::op::{At, Op, Out};
use crate::shape::{Shape, ShapeError};

/// Element by element.
#[derive(Debug)]
pub struct Absolute;

impl Op for Absolute {
    fn name(&self) -> &'static str {
        "absolute"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(x[0])
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        k.map(Map::Absolute, x[0]).into()
    }
    fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        vec![Some(k.zip(Zip::AbsoluteGradient, dy, at.x[0]))]
    }
    fn has_kink(&self) -> bool {
        true
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<super::cases::Case> {
    use super::cases::{Case, row, whole};
    vec![
        Case::new("absolute", |x| x[0].absolute(), [row([33])]),
        Case::new("absolute of a whole", |x| x[0].absolute(), [whole([3])]),
        Case::new("mean absolute error", |x| x[0].mean_absolute_error(x[1]), [row([5]), row([5])]),
        Case::new("mean absolute error of one", |x| x[0].mean_absolute_error(x[1]), [row([]), row([])]),
    ]
}
