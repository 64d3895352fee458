//! y[o, i, j] = b[o] + Σ x[c, s·i + d·k − p, s·j + d·l − p] · w[o, c, k, l] over c, k and l, with zeros around x.
//!
//! With x̂ = x in its border of p zeros, and dŷ = dy with s − 1 zeros between its elements and a border so wide that
//! every window of dŷ that meets an element of x is inside:
//! dx = dŷ ⋆ (w turned by 180°, channels exchanged), dw = x̂ ⋆ dy, db = Σ dy over positions.
//! What the field calls convolution is a correlation: the kernel is not turned going forward.

use crate::emit::Emit;
use crate::kernel::Buf;
use crate::op::{At, Op, Out, args};
use crate::shape::{Shape, ShapeError};
use crate::window::Window;

/// x `[c, h, w]`, w `[o, c / groups, kh, kw]`, b `[o]`, to `[o, h', w']` with
/// h' = (h + 2p − d·(kh − 1) − 1) / s + 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2d {
    /// s, the step between neighbouring windows.
    pub stride: usize,
    /// p, the rows and columns of zeros on each side.
    pub padding: usize,
    /// d, the step between neighbouring elements of a window.
    pub dilation: usize,
    /// Groups of channels that do not see one another.
    pub groups: usize,
}

impl Default for Conv2d {
    /// Stride 1, no padding, no dilation, one group.
    fn default() -> Self {
        Conv2d { stride: 1, padding: 0, dilation: 1, groups: 1 }
    }
}

impl Conv2d {
    /// The convolution of the padded input.
    fn window(&self, x: Shape, w: Shape) -> Option<Window> {
        let (&[c, h, width], &[o, per_group, kh, kw]) = (x.axes(), w.axes()) else { return None };
        let Conv2d { stride, padding, dilation, groups } = *self;
        let fits = stride > 0 && dilation > 0 && groups > 0 && c == per_group * groups && o % groups == 0;
        let along = |x: usize, k: usize| {
            let padded = x + 2 * padding;
            let reach = dilation * (k - 1) + 1;
            padded.checked_sub(reach).map(|room| (padded, room / stride + 1))
        };
        let ((h, oh), (width, ow)) = fits.then(|| Some((along(h, kh)?, along(width, kw)?))).flatten()?;
        Some(Window { input: [c, h, width], output: [o, oh, ow], kernel: [kh, kw], stride, dilation, groups })
    }

    fn window_of(&self, x: &[Buf]) -> Window {
        self.window(x[0].shape, x[1].shape).expect("Op::shape has checked it")
    }

    fn padded(&self, x: Buf, window: &Window, k: &mut Emit) -> Buf {
        k.spread(x, Shape::from(window.input), [self.padding as isize; 2], 1)
    }
}

impl Op for Conv2d {
    fn name(&self) -> &'static str {
        "conv2d"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        let [image, w, b] = *x else {
            return Err(ShapeError::new("conv2d", "x, w and b", format!("{} operands", x.len())));
        };
        let window = self.window(image, w).ok_or_else(|| {
            let expected = "an input [c, h, w] and a weight [o, c / groups, kh, kw] that fits into it";
            ShapeError::new("conv2d", expected, format!("{image} and {w} with {self:?}"))
        })?;
        if b.axes() != [window.output[0]] {
            return Err(ShapeError::new("conv2d", format!("a bias [{}]", window.output[0]), b.to_string()));
        }
        Ok(Shape::from(window.output))
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        let [image, w, b] = args(x);
        let window = self.window_of(x);
        let padded = self.padded(image, &window, k);
        Out { y: k.conv2d(padded, w, b, window, Shape::from(window.output)), kept: vec![padded] }
    }
    fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        let [image, w, _] = args(at.x);
        let window = self.window_of(at.x);
        let dw = k.conv2d_gradient_weight(at.kept[0], dy, window, w.shape);

        let &[c, h, width] = image.shape.axes() else { return vec![None; 3] };
        let [kh, kw] = window.kernel;
        let reach = |k: usize| self.dilation * (k - 1);
        let corner = |k: usize| reach(k) as isize - self.padding as isize;
        let input = [window.output[0], h + reach(kh), width + reach(kw)];
        let spread = k.spread(dy, Shape::from(input), [corner(kh), corner(kw)], self.stride);
        let back = Window { input, output: [c, h, width], stride: 1, ..window };
        let dx = k.conv2d_gradient_input(spread, w, back, image.shape);
        vec![Some(dx), Some(dw), Some(k.sum_positions(dy))]
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<super::cases::Case> {
    use super::cases::{Case, row, whole};
    let plain = Case::new(
        "conv2d",
        |x| x[0].conv2d(x[1], x[2], Conv2d::default()),
        [row([2, 5, 6]), whole([3, 2, 3, 2]), whole([3])],
    );
    let padded = Case::new(
        "conv2d padded, relu",
        |x| x[0].conv2d(x[1], x[2], Conv2d { padding: 1, ..Conv2d::default() }).relu(),
        [row([1, 7, 19]), whole([9, 1, 3, 3]), whole([9])],
    );
    let strided = Case::new(
        "conv2d by strides of 2, and a row left over",
        |x| x[0].conv2d(x[1], x[2], Conv2d { stride: 2, padding: 1, ..Conv2d::default() }),
        [row([2, 6, 5]), whole([2, 2, 3, 3]), whole([2])],
    );
    let dilated = Case::new(
        "conv2d dilated in groups",
        |x| x[0].conv2d(x[1], x[2], Conv2d { dilation: 2, groups: 2, padding: 3, ..Conv2d::default() }),
        [row([4, 5, 4]), whole([6, 2, 2, 3]), whole([6])],
    );
    let wide_border = Case::new(
        "conv2d with more border than kernel",
        |x| x[0].conv2d(x[1], x[2], Conv2d { padding: 2, stride: 3, ..Conv2d::default() }),
        [row([1, 3, 3]), whole([1, 1, 1, 1]), whole([1])],
    );
    let by_tiles = Case::new(
        "conv2d by tiles, with a row of outputs left over",
        |x| x[0].conv2d(x[1], x[2], Conv2d { padding: 1, ..Conv2d::default() }).relu(),
        [row([12, 3, 4]), whole([13, 12, 3, 3]), whole([13])],
    );
    // Channels enough to be the lanes of the weight's gradient.
    let many = Case::new(
        "conv2d of many channels",
        |x| x[0].conv2d(x[1], x[2], Conv2d::default()),
        [row([6, 2, 4]), whole([41, 6, 2, 2]), whole([41])],
    );
    let many_in_groups = Case::new(
        "conv2d of many channels in groups, by strides of 2",
        |x| x[0].conv2d(x[1], x[2], Conv2d { stride: 2, groups: 2, padding: 1, ..Conv2d::default() }),
        [row([6, 3, 5]), whole([26, 3, 3, 3]), whole([26])],
    );
    let two = Case::new(
        "conv2d after conv2d",
        |x| {
            let same = Conv2d { padding: 1, ..Conv2d::default() };
            x[0].conv2d(x[1], x[2], same).tanh().conv2d(x[3], x[4], same).flatten()
        },
        [row([1, 4, 4]), whole([3, 1, 3, 3]), whole([3]), whole([2, 3, 3, 3]), whole([2])],
    );
    vec![plain, padded, strided, dilated, wide_border, by_tiles, many, many_in_groups, two]
}
