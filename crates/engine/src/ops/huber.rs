//! y = x²/2 where |x| ≤ δ, else δ(|x| − δ/2): of a small error the square, of a large one no more than its size.
//! dx = dy·x within ±δ, dy·δ·sign x beyond. Huber, *Robust estimation of a location parameter* (1964).

use crate::emit::Emit;
use crate::function::{Map, Zip};
use crate::kernel::Buf;
use crate::op::{At, Op, Out};
use crate::shape::{Shape, ShapeError};

/// Element by element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Huber {
    /// δ, above 0: where an error begins to be large.
    pub delta: f64,
}

impl Op for Huber {
    fn name(&self) -> &'static str {
        "huber"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        // The derivative would be wrong, or none.
        let fits = self.delta > 0.0 && self.delta.is_finite();
        if fits { Ok(x[0]) } else { Err(ShapeError::new(self.name(), "a delta above 0", self.delta.to_string())) }
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        k.map(Map::Huber(self.delta), x[0]).into()
    }
    fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        vec![Some(k.zip(Zip::HuberGradient(self.delta), dy, at.x[0]))]
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<super::cases::Case> {
    use super::cases::{Case, row, whole};
    vec![
        Case::new("huber", |x| x[0].huber(1.0), [row([33])]),
        Case::new("huber of a whole", |x| x[0].huber(0.3), [whole([7])]),
        Case::new("huber loss", |x| x[0].huber_loss(x[1], 0.7), [row([5]), row([5])]),
        Case::new("huber loss of one", |x| x[0].huber_loss(x[1], 2.0), [row([]), row([])]),
    ]
}
