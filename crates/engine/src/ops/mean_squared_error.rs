//! L = Σ (yᵢ − tᵢ)² / n over an example's n outputs: dyᵢ = 2(yᵢ − tᵢ)/n · dL, dt = −dy.

use crate::emit::Emit;
use crate::function::{Map, Zip};
use crate::kernel::Buf;
use crate::op::{At, Op, Out, args};
use crate::shape::{Shape, ShapeError};

/// Outputs and targets of one shape, to a loss for each example.
#[derive(Debug)]
pub struct MeanSquaredError;

impl Op for MeanSquaredError {
    fn name(&self) -> &'static str {
        "mean_squared_error"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        match *x {
            [y, t] if y == t => Ok(Shape::scalar()),
            [y, t] => Err(ShapeError::new(self.name(), "outputs and targets of one shape", format!("{y} and {t}"))),
            _ => Err(ShapeError::new(self.name(), "two operands", x.len().to_string())),
        }
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        let [y, t] = args(x);
        let error = k.zip(Zip::Subtract, y, t);
        let square = k.map(Map::Power(2.0), error);
        let sum = k.sum_elements(square);
        Out { y: k.scale(1.0 / y.shape.len() as f64, sum), kept: vec![error] }
    }
    fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        let share = k.scale(2.0 / at.x[0].shape.len() as f64, dy);
        let dx = k.mul(at.kept[0], share);
        vec![Some(dx), Some(k.neg(dx))]
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<super::cases::Case> {
    use super::cases::{Case, row};
    vec![
        Case::new("mean squared error", |x| x[0].mean_squared_error(x[1]), [row([5]), row([5])]),
        Case::new("mean squared error of one", |x| x[0].mean_squared_error(x[1]), [row([]), row([])]),
    ]
}
