//! y = x where x > 0, else slope·x: a ReLU that lets some of the derivative through on its other side.
//! dx = dy where y > 0, else slope·dy; at 0 it is that of the other side, as PyTorch has it. Maas, Hannun and Ng (2013).

use crate::emit::Emit;
use crate::function::{Map, Zip};
use crate::kernel::Buf;
use crate::op::{At, Op, Out};
use crate::shape::{Shape, ShapeError};

/// Element by element. The derivative is taken from the result, whose sign is x's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeakyRelu {
    /// Of the side below 0; at least 0.
    pub slope: f64,
}

impl Op for LeakyRelu {
    fn name(&self) -> &'static str {
        "leaky_relu"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        // The derivative would be wrong, or none.
        let fits = self.slope >= 0.0 && self.slope.is_finite();
        if fits { Ok(x[0]) } else { Err(ShapeError::new(self.name(), "a slope of at least 0", self.slope.to_string())) }
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        k.map(Map::LeakyRelu(self.slope), x[0]).into()
    }
    fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        vec![Some(k.zip(Zip::LeakyReluGradient(self.slope), dy, at.y))]
    }
    fn has_kink(&self) -> bool {
        self.slope != 1.0
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<super::cases::Case> {
    use super::cases::{Case, row, whole};
    vec![
        Case::new("leaky_relu", |x| x[0].leaky_relu(0.01), [row([33])]),
        Case::new("leaky_relu of a whole", |x| x[0].leaky_relu(0.2), [whole([3])]),
        Case::new(
            "affine leaky_relu",
            |x| x[0].affine(x[1], x[2]).leaky_relu(0.1),
            [row([5]), whole([5, 21]), whole([21])],
        ),
        Case::new(
            "leaky_relu between affines",
            |x| x[0].affine(x[1], x[2]).leaky_relu(0.1).affine(x[3], x[4]),
            [row([4]), whole([4, 18]), whole([18]), whole([18, 3]), whole([3])],
        ),
    ]
}
