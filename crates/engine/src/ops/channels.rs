//! Between a channel and its positions: the mean of them, `[c, h, w]` to `[c]`, and a number at each, `[c]` to `[c, h, w]`.
//! Each is the other's derivative, but for the factor 1/(h·w) of the mean.

use crate::emit::Emit;
use crate::kernel::Buf;
use crate::op::{At, Op, Out};
use crate::shape::{Shape, ShapeError};

/// `y[c] = Σ x[c, i, j] / (h·w)`, `dx[c, i, j] = dy[c] / (h·w)`. A pool whose window is the image.
#[derive(Debug)]
pub struct GlobalAvgPool;

impl GlobalAvgPool {
    fn share(x: Shape) -> f64 {
        x.axes()[0] as f64 / x.len() as f64
    }
}

impl Op for GlobalAvgPool {
    fn name(&self) -> &'static str {
        "global_avg_pool"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        match *x[0].axes() {
            [channels, _, _] => Ok(Shape::from([channels])),
            _ => Err(ShapeError::new(self.name(), "an input [c, h, w]", x[0].to_string())),
        }
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        let sum = k.sum_positions(x[0]);
        k.scale(Self::share(x[0].shape), sum).into()
    }
    fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        let share = k.scale(Self::share(at.x[0].shape), dy);
        vec![Some(k.over_positions(share, at.x[0].shape))]
    }
}

/// `y[c, i, j] = x[c]`, `dx[c] = Σ dy[c, i, j]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverPositions {
    /// h.
    pub height: usize,
    /// w.
    pub width: usize,
}

impl Op for OverPositions {
    fn name(&self) -> &'static str {
        "over_positions"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        let shape = match *x[0].axes() {
            [channels] => Shape::new(&[channels, self.height, self.width]),
            _ => None,
        };
        shape.ok_or_else(|| ShapeError::new(self.name(), "a vector [c]", x[0].to_string()))
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        k.over_positions(x[0], Shape::from([x[0].shape.len(), self.height, self.width])).into()
    }
    fn backward(&self, _: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        vec![Some(k.sum_positions(dy))]
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<super::cases::Case> {
    use super::cases::{Case, row, whole};
    vec![
        Case::new("global_avg_pool", |x| x[0].global_avg_pool(), [row([3, 5, 7])]),
        Case::new("global_avg_pool of one position", |x| x[0].global_avg_pool(), [row([4, 1, 1])]),
        Case::new("over_positions", |x| x[0].over_positions(3, 7), [row([5])]),
        Case::new("over_positions of a whole", |x| x[0] * x[1].over_positions(2, 3), [row([4, 2, 3]), whole([4])]),
    ]
}
