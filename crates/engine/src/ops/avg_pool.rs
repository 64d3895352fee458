//! y = the mean of each window of a channel, the zeros of a border among its numbers: a convolution of each channel by
//! itself with a kernel of 1/K². dx = dy/K² at each place of the window, summed over the windows.

use super::Conv2d;
use crate::emit::Emit;
use crate::kernel::Buf;
use crate::op::{At, Op, Out};
use crate::shape::{Shape, ShapeError};

/// `[c, h, w]` to `[c, h', w']`, with h' = (h + 2·padding − size) / stride + 1, as PyTorch's with `count_include_pad`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvgPool {
    /// Rows and columns of a window.
    pub size: usize,
    /// The step between neighbouring windows.
    pub stride: usize,
    /// How many rows and columns of zeros there are on each side: at most half the size.
    pub padding: usize,
}

impl AvgPool {
    /// Windows side by side, all within the image.
    pub fn new(size: usize) -> Self {
        AvgPool { size, stride: size, padding: 0 }
    }

    fn convolution(&self, channels: usize) -> Conv2d {
        Conv2d { stride: self.stride, padding: self.padding, dilation: 1, groups: channels }
    }

    /// x, the kernels, and no bias.
    fn operands(&self, x: Buf, k: &mut Emit) -> [Buf; 3] {
        let channels = x.shape.axes()[0];
        let share = 1.0 / (self.size * self.size) as f64;
        let kernels = k.constant(share, Shape::from([channels, 1, self.size, self.size]));
        [x, kernels, k.constant(0.0, Shape::from([channels]))]
    }
}

impl Op for AvgPool {
    fn name(&self) -> &'static str {
        "avg_pool"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        let shape = match *x[0].axes() {
            [c, _, _] if self.padding <= self.size / 2 => Shape::new(&[c, 1, self.size, self.size])
                .and_then(|kernels| self.convolution(c).shape(&[x[0], kernels, Shape::from([c])]).ok()),
            _ => None,
        };
        shape.ok_or_else(|| {
            let expected =
                "an input [c, h, w] that windows of this size fit into, with at most half of them as padding";
            ShapeError::new(self.name(), expected, format!("{} with {self:?}", x[0]))
        })
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        let operands = self.operands(x[0], k);
        let Out { y, kept } = self.convolution(x[0].shape.axes()[0]).forward(&operands, k);
        Out { y, kept: kept.into_iter().chain(operands).collect() }
    }
    fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        let (kept, operands) = at.kept.split_at(1);
        let mut terms = self.convolution(at.x[0].shape.axes()[0]).backward(&At { x: operands, y: at.y, kept }, dy, k);
        terms.truncate(1);
        terms
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<super::cases::Case> {
    use super::cases::{Case, row};
    vec![
        Case::new("avg_pool 2", |x| x[0].avg_pool(AvgPool::new(2)), [row([3, 6, 5])]),
        Case::new(
            "avg_pool that overlaps",
            |x| x[0].avg_pool(AvgPool { size: 3, stride: 2, padding: 0 }),
            [row([2, 7, 6])],
        ),
        Case::new("avg_pool padded", |x| x[0].avg_pool(AvgPool { size: 3, stride: 1, padding: 1 }), [row([1, 5, 19])]),
    ]
}

#[cfg(test)]
mod tests {
    use super::AvgPool;
    use crate::graph::Graph;

    #[test]
    fn what_cannot_be_pooled_is_refused() {
        let refused = |size, stride, padding| {
            let g = Graph::new();
            g.input("x", [1, 4, 4]).avg_pool(AvgPool { size, stride, padding });
            g.check().is_err()
        };
        assert!(refused(5, 1, 0) && refused(0, 1, 0) && refused(2, 0, 0) && refused(2, 1, 2));
        assert!(!refused(5, 1, 1) && !refused(4, 9, 0));
    }
}
