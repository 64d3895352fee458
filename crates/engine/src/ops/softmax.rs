//! yᵢ = eˣⁱ / Σⱼ eˣʲ: numbers into probabilities. dxᵢ = yᵢ(dyᵢ − Σⱼ dyⱼyⱼ).
//!
//! Computed from x − max x, so that no exponential overflows.

use crate::emit::Emit;
use crate::kernel::Buf;
use crate::op::{At, Op, Out};
use crate::shape::{Shape, ShapeError};

/// Softmax over the elements of each example.
#[derive(Debug)]
pub struct Softmax;

impl Op for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        match *x {
            [x] if x.rank() == 1 => Ok(x),
            [x] => Err(ShapeError::new("softmax", "a vector", x.to_string())),
            _ => Err(ShapeError::new("softmax", "one operand", x.len().to_string())),
        }
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        k.softmax(x[0]).into()
    }
    fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        vec![Some(k.softmax_gradient(at.y, dy))]
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<super::cases::Case> {
    use super::cases::{Case, row, whole};
    vec![
        Case::new("softmax", |x| x[0].softmax(), [row([7])]),
        Case::new("softmax of 20", |x| x[0].softmax(), [row([20])]),
        Case::new("softmax of a whole", |x| x[0].softmax(), [whole([3])]),
        Case::new("softmax of one", |x| x[0].softmax(), [row([1])]),
    ]
}
