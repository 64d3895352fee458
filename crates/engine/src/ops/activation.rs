//! Activations between layers. Each derivative is taken from the result y, so that the value before
//! the activation need not be kept and a product can apply it in its registers.

use crate::emit::Emit;
use crate::function::{Map, Zip};
use crate::kernel::Buf;
use crate::op::{At, Op, Out};
use crate::shape::{Shape, ShapeError};

macro_rules! activation {
    ($($(#[$doc:meta])* $op:ident $name:literal $map:expr, $gradient:expr, kink: $kink:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $op;

        impl Op for $op {
            fn name(&self) -> &'static str { $name }
            fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> { Ok(x[0]) }
            fn forward(&self, x: &[Buf], k: &mut Emit) -> Out { k.map($map, x[0]).into() }
            fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
                vec![Some(k.zip($gradient, dy, at.y))]
            }
            fn has_kink(&self) -> bool { $kink }
        }
    )*};
}

activation! {
    /// y = max(x, 0), dx = dy where y > 0; at 0 the derivative is taken as 0.
    Relu "relu" Map::Relu, Zip::ReluGradient, kink: true;
    /// y = 1/(1 + e⁻ˣ), dx = dy·y(1 − y).
    Sigmoid "sigmoid" Map::Sigmoid, Zip::SigmoidGradient, kink: false;
    /// y = tanh x, dx = dy(1 − y²).
    Tanh "tanh" Map::Tanh, Zip::TanhGradient, kink: false;
}

#[cfg(test)]
pub(super) fn cases() -> Vec<super::cases::Case> {
    use super::cases::{Case, row};
    vec![
        Case::new("relu", |x| x[0].relu(), [row([33])]),
        Case::new("sigmoid", |x| x[0].sigmoid(), [row([33])]),
        Case::new("sigmoid far out", |x| (x[0] * 40.0).sigmoid(), [row([9])]),
        Case::new("tanh", |x| x[0].tanh(), [row([33])]),
        Case::new("tanh near zero", |x| (x[0] * 1e-3).tanh(), [row([9])]),
    ]
}
