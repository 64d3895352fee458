//! Elementary functions of one number. Where the derivative is simpler from the result, as
//! for eˣ and √x, it is taken from there.

use crate::emit::Emit;
use crate::function::Map;
use crate::kernel::Buf;
use crate::op::{At, Op, Out};
use crate::shape::{Shape, ShapeError};

macro_rules! elementary {
    ($($(#[$doc:meta])* $op:ident $name:literal $map:expr, $dx:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $op;

        impl Op for $op {
            fn name(&self) -> &'static str { $name }
            fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> { Ok(x[0]) }
            fn forward(&self, x: &[Buf], k: &mut Emit) -> Out { k.map($map, x[0]).into() }
            fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
                let dx: fn(Buf, Buf, Buf, &mut Emit) -> Buf = $dx;
                vec![Some(dx(at.x[0], at.y, dy, k))]
            }
        }
    )*};
}

elementary! {
    /// y = eˣ, dx = dy·y.
    Exp "exp" Map::Exp, |_, y, dy, k| k.mul(dy, y);
    /// y = ln x, dx = dy/x.
    Ln "ln" Map::Ln, |x, _, dy, k| k.div(dy, x);
    /// y = sin x, dx = dy·cos x.
    Sin "sin" Map::Sin, |x, _, dy, k| { let cos = k.map(Map::Cos, x); k.mul(dy, cos) };
    /// y = cos x, dx = −dy·sin x.
    Cos "cos" Map::Cos, |x, _, dy, k| { let sin = k.map(Map::Sin, x); let down = k.neg(sin); k.mul(dy, down) };
    /// y = √x, dx = dy/2y.
    Sqrt "sqrt" Map::Sqrt, |_, y, dy, k| { let twice = k.scale(2.0, y); k.div(dy, twice) };
}

#[cfg(test)]
pub(super) fn cases() -> Vec<super::cases::Case> {
    use super::cases::{Case, positive, row, whole};
    vec![
        Case::new("exp", |x| x[0].exp(), [row([7])]),
        Case::new("ln", |x| x[0].ln(), [positive(&row([7]))]),
        Case::new("sin", |x| x[0].sin(), [row([7])]),
        Case::new("cos", |x| x[0].cos(), [whole([7])]),
        Case::new("sqrt", |x| x[0].sqrt(), [positive(&row([7]))]),
    ]
}
