//! Sums and means: over the elements of each example, or over the examples.

use crate::emit::Emit;
use crate::kernel::Buf;
use crate::op::{At, Op, Out};
use crate::shape::{Extent, Shape, ShapeError};

/// y = Σ xᵢ over an example's elements, dxᵢ = dy.
#[derive(Debug)]
pub struct Sum;

impl Op for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }
    fn shape(&self, _: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(Shape::scalar())
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        k.sum_elements(x[0]).into()
    }
    fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        vec![Some(k.broadcast(dy, at.x[0].shape, at.x[0].extent))]
    }
}

/// y = Σ xᵢ / n over an example's n elements, dxᵢ = dy/n.
#[derive(Debug)]
pub struct Mean;

impl Op for Mean {
    fn name(&self) -> &'static str {
        "mean"
    }
    fn shape(&self, _: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(Shape::scalar())
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        let sum = k.sum_elements(x[0]);
        k.scale(1.0 / x[0].shape.len() as f64, sum).into()
    }
    fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        let share = k.scale(1.0 / at.x[0].shape.len() as f64, dy);
        vec![Some(k.broadcast(share, at.x[0].shape, at.x[0].extent))]
    }
}

/// y = the mean of x over the examples of the batch, dx = dy/rows.
#[derive(Debug)]
pub struct BatchMean;

impl Op for BatchMean {
    fn name(&self) -> &'static str {
        "batch_mean"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(x[0])
    }
    fn extent(&self, _: &[Extent]) -> Extent {
        Extent::Whole
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        // The mean of one value for all examples is that value.
        if x[0].extent == Extent::Whole { x[0].into() } else { k.mean_rows(x[0]).into() }
    }
    fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        vec![Some(if at.x[0].extent == Extent::Whole { dy } else { k.mean_rows_gradient(dy) })]
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<super::cases::Case> {
    use super::cases::{Case, row, whole};
    vec![
        Case::new("sum", |x| x[0].sum(), [row([2, 3, 5])]),
        Case::new("sum of a whole", |x| x[0].sum() * x[1], [whole([5]), row([])]),
        Case::new("mean", |x| x[0].mean(), [row([7])]),
        Case::new("batch mean of vectors", |x| x[0].batch_mean() * x[1], [row([5]), row([5])]),
        Case::new("batch mean of a whole", |x| x[0].batch_mean(), [whole([4])]),
    ]
}
