//! y = aᵇ: da = dy·b·aᵇ⁻¹, db = dy·aᵇ·ln a.
//!
//! With a constant exponent the base may be negative, as in x².

use super::elementwise;
use crate::emit::Emit;
use crate::function::Zip;
use crate::kernel::Buf;
use crate::op::{At, Op, Out, args};
use crate::shape::{Shape, ShapeError};

/// y = aᵇ, element by element.
#[derive(Debug)]
pub struct Pow;

impl Op for Pow {
    fn name(&self) -> &'static str {
        "pow"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        elementwise(self.name(), x)
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        let [a, b] = args(x);
        k.zip(Zip::Power, a, b).into()
    }
    fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        let [a, b] = args(at.x);
        let one = k.constant(1.0, Shape::scalar());
        let less = k.zip(Zip::Subtract, b, one);
        let power = k.zip(Zip::Power, a, less);
        let slope = k.mul(power, b);
        let da = k.mul(dy, slope);
        // A constant exponent has no derivative, and ln a would be NaN for a negative base.
        let db = b.constant.is_none().then(|| {
            let slope = k.zip(Zip::PowerLn, a, b);
            k.mul(dy, slope)
        });
        vec![Some(da), db]
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<super::cases::Case> {
    use super::cases::{Case, positive, row, whole};
    vec![
        Case::new("square", |x| x[0].pow(2.0), [row([4])]),
        Case::new("cube", |x| x[0].pow(3.0), [row([4])]),
        Case::new("pow", |x| x[0].pow(x[1]), [positive(&row([4])), row([4])]),
        Case::new("pow of a scalar", |x| x[0].pow(x[1]), [positive(&whole([])), row([3])]),
    ]
}
