//! y = x where x > 0, else α(eˣ − 1): smooth at 0 for α = 1, and never below −α.
//! dx = dy where y > 0, else dy·(y + α). Clevert, Unterthiner and Hochreiter (2015).

use crate::emit::Emit;
use crate::function::{Map, Zip};
use crate::kernel::Buf;
use crate::op::{At, Op, Out};
use crate::shape::{Shape, ShapeError};

/// Element by element. The derivative is taken from the result, whose sign is x's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Elu {
    /// α, above 0.
    pub alpha: f64,
}

impl Op for Elu {
    fn name(&self) -> &'static str {
        "elu"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        // The derivative would be wrong, or none.
        let fits = self.alpha > 0.0 && self.alpha.is_finite();
        if fits { Ok(x[0]) } else { Err(ShapeError::new(self.name(), "an alpha above 0", self.alpha.to_string())) }
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        k.map(Map::Elu(self.alpha), x[0]).into()
    }
    fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        vec![Some(k.zip(Zip::EluGradient(self.alpha), dy, at.y))]
    }
    fn has_kink(&self) -> bool {
        self.alpha != 1.0
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<super::cases::Case> {
    use super::cases::{Case, row, whole};
    vec![
        Case::new("elu", |x| x[0].elu(1.0), [row([33])]),
        Case::new("elu with another alpha", |x| x[0].elu(0.3), [row([17])]),
        Case::new("elu near zero", |x| (x[0] * 1e-3).elu(1.0), [whole([9])]),
        Case::new("affine elu", |x| x[0].affine(x[1], x[2]).elu(1.0), [row([5]), whole([5, 21]), whole([21])]),
        Case::new(
            "elu between affines",
            |x| x[0].affine(x[1], x[2]).elu(1.0).affine(x[3], x[4]),
            [row([4]), whole([4, 18]), whole([18]), whole([18, 3]), whole([3])],
        ),
    ]
}
