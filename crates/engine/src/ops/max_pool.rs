//! y = the largest element of each window of a channel; dx = dy where that element stood, else 0.

use crate::emit::Emit;
use crate::kernel::Buf;
use crate::op::{At, Op, Out};
use crate::shape::{Shape, ShapeError};
use crate::window::Window;

/// `[c, h, w]` to `[c, h', w']`, with h' = (h − size) / stride + 1: rows and columns that do not fill a window
/// are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool {
    /// Rows and columns of a window.
    pub size: usize,
    /// The step between neighbouring windows.
    pub stride: usize,
}

impl MaxPool {
    /// Windows side by side.
    pub fn new(size: usize) -> Self {
        MaxPool { size, stride: size }
    }

    fn window(&self, x: Shape) -> Option<Window> {
        let &[c, h, w] = x.axes() else { return None };
        let MaxPool { size, stride } = *self;
        let along = |x: usize| (size > 0 && stride > 0 && size <= x).then(|| (x - size) / stride + 1);
        let output = [c, along(h)?, along(w)?];
        // Each channel by itself.
        Some(Window { input: [c, h, w], output, kernel: [size; 2], stride, dilation: 1, groups: c })
    }

    fn window_of(&self, x: Buf) -> Window {
        self.window(x.shape).expect("Op::shape has checked it")
    }
}

impl Op for MaxPool {
    fn name(&self) -> &'static str {
        "max_pool"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        let window = self.window(x[0]).ok_or_else(|| {
            let expected = format!("an input [c, h, w] of at least {0} × {0}, and a stride", self.size.max(1));
            ShapeError::new("max_pool", expected, format!("{} with {self:?}", x[0]))
        })?;
        Ok(Shape::from(window.output))
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        let window = self.window_of(x[0]);
        let (y, at) = k.max_pool(x[0], window, Shape::from(window.output));
        Out { y, kept: vec![at] }
    }
    fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        vec![Some(k.max_pool_gradient(dy, at.kept[0], self.window_of(at.x[0]), at.x[0].shape))]
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<super::cases::Case> {
    use super::cases::{Case, row};
    vec![
        Case::new("max_pool 2", |x| x[0].max_pool(MaxPool::new(2)), [row([3, 6, 4])]),
        Case::new("max_pool 2 of a wide image", |x| x[0].max_pool(MaxPool::new(2)), [row([2, 4, 71])]),
        Case::new("max_pool that overlaps", |x| x[0].max_pool(MaxPool { size: 3, stride: 2 }), [row([2, 7, 6])]),
        Case::new("max_pool with gaps", |x| x[0].max_pool(MaxPool { size: 1, stride: 2 }), [row([1, 4, 5])]),
    ]
}
