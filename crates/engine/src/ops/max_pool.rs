//! y = the largest element of each window of a channel; dx = dy where that element stood, else 0.
//!
//! The first among equals, in the order of rows, is the largest, and a NaN is larger than any number. What lies
//! beyond the edge is never chosen, not even among elements of −∞: as PyTorch has it.

use crate::emit::Emit;
use crate::kernel::Buf;
use crate::op::{At, Op, Out};
use crate::shape::{Shape, ShapeError};
use crate::window::Window;

/// `[c, h, w]` to `[c, h', w']`, with h' = (h + 2·padding − size) / stride + 1: rows and columns that do not fill a
/// window are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool {
    /// Rows and columns of a window.
    pub size: usize,
    /// The step between neighbouring windows.
    pub stride: usize,
    /// How far windows reach beyond each edge: at most half their size, so that each meets the image.
    pub padding: usize,
}

/// A place in a channel is kept as an f32, which counts no further.
const LARGEST_CHANNEL: usize = 1 << 24;

impl MaxPool {
    /// Windows side by side, all within the image.
    pub fn new(size: usize) -> Self {
        MaxPool { size, stride: size, padding: 0 }
    }

    fn window(&self, x: Shape) -> Option<Window> {
        let &[c, h, w] = x.axes() else { return None };
        let MaxPool { size, stride, padding } = *self;
        if size == 0 || stride == 0 || padding > size / 2 || h * w > LARGEST_CHANNEL {
            return None;
        }
        let along = |x: usize| Some((x + 2 * padding).checked_sub(size)? / stride + 1);
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
            let expected =
                "an input [c, h, w] that windows of this size fit into, with at most half of them as padding";
            ShapeError::new("max_pool", expected, format!("{} with {self:?}", x[0]))
        })?;
        Ok(Shape::from(window.output))
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        let window = self.window_of(x[0]);
        let (y, at) = k.max_pool(x[0], window, self.padding, Shape::from(window.output));
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
        Case::new(
            "max_pool 2 with a row and a column left over",
            |x| x[0].max_pool(MaxPool::new(2)),
            [row([2, 5, 39])],
        ),
        Case::new("max_pool 2 of a wide image", |x| x[0].max_pool(MaxPool::new(2)), [row([2, 4, 71])]),
        Case::new(
            "max_pool that overlaps",
            |x| x[0].max_pool(MaxPool { size: 3, stride: 2, padding: 0 }),
            [row([2, 7, 6])],
        ),
        Case::new(
            "max_pool with gaps",
            |x| x[0].max_pool(MaxPool { size: 1, stride: 2, padding: 0 }),
            [row([1, 4, 5])],
        ),
        Case::new("max_pool 2 padded", |x| x[0].max_pool(MaxPool { size: 2, stride: 2, padding: 1 }), [row([2, 6, 7])]),
        Case::new("max_pool padded", |x| x[0].max_pool(MaxPool { size: 3, stride: 2, padding: 1 }), [row([2, 7, 37])]),
        Case::new(
            "max_pool of padding",
            |x| x[0].max_pool(MaxPool { size: 5, stride: 1, padding: 2 }),
            [row([1, 2, 3])],
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::MaxPool;
    use crate::backend::Backend;
    use crate::cpu::Cpu;
    use crate::graph::Graph;
    use crate::plan::{Goal, Plan, Request};
    use crate::reference::Reference;
    use crate::rows::{Clock, Column, Rows};

    /// y, and dx for a dy of 1, 2, 3, …, of one channel `[h, w]`.
    fn pooled<B: Backend>(backend: &B, options: MaxPool, [h, w]: [usize; 2], x: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let g = Graph::new();
        let input = g.input("x", [1, h, w]);
        let y = input.max_pool(options);
        let dy = g.parameter("dy", y.shape());
        let request = Request {
            goal: Goal::Gradients,
            loss: Some((y * dy).sum().batch_mean().id()),
            outputs: vec![y.id()],
            with_respect_to: vec![input.id()],
            trace: false,
        };
        let plan = Plan::compile(&g, &request).unwrap();
        let mut arena = backend.allocate(&[&plan], 1).unwrap();
        let counted: Vec<f64> = (1..=y.shape().len()).map(|n| n as f64).collect();
        backend.write(&mut arena, plan.parameter("dy").unwrap(), &counted);
        backend.run(&plan, &mut arena, &Rows::all(&plan, &[Column::F64(x)]).unwrap(), Clock::default());
        let read = |buf| backend.read(&plan, &arena, buf);
        (read(plan.value(y).unwrap()), read(plan.gradient(input).unwrap()))
    }

    /// What PyTorch's max_pool2d gives, NaN compared as equal.
    fn expect(options: MaxPool, size: [usize; 2], x: &[f64], y: &[f64], dx: &[f64]) {
        let same = |a: &[f64], b: &[f64]| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()))
        };
        let check = |name: &str, found: (Vec<f64>, Vec<f64>)| {
            assert!(same(&found.0, y) && same(&found.1, dx), "{name}: {found:?}, PyTorch {y:?} and {dx:?}");
        };
        check("reference", pooled(&Reference, options, size, x));
        Cpu::each(1).for_each(|cpu| check(cpu.instruction_set(), pooled(&cpu, options, size, x)));
    }

    const NAN: f64 = f64::NAN;
    const LEAST: f64 = f64::NEG_INFINITY;

    #[test]
    fn the_first_among_equals_gets_the_gradient() {
        let x = [5.0, 5.0, 1.0, 2.0, 5.0, 5.0, 2.0, 2.0];
        expect(MaxPool::new(2), [2, 4], &x, &[5.0, 2.0], &[1.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0]);
        let overlap = MaxPool { size: 2, stride: 1, padding: 0 };
        expect(overlap, [2, 3], &[7.0; 6], &[7.0; 2], &[1.0, 2.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn a_nan_is_larger_than_any_number() {
        // PyTorch takes the last of several NaN; where one is, training has diverged, and the first is as good.
        let x = [1.0, NAN, 3.0, f64::INFINITY, 2.0, 9.0, 4.0, 5.0];
        expect(MaxPool::new(2), [2, 4], &x, &[NAN, f64::INFINITY], &[0.0, 1.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0]);
        let padded = MaxPool { size: 3, stride: 2, padding: 1 };
        expect(padded, [2, 2], &[1.0, 2.0, 3.0, NAN], &[NAN], &[0.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn the_padding_never_wins() {
        let padded = MaxPool { size: 3, stride: 2, padding: 1 };
        expect(padded, [3, 3], &[-9.0; 9], &[-9.0; 4], &[1.0, 2.0, 0.0, 3.0, 4.0, 0.0, 0.0, 0.0, 0.0]);
        // Among elements of −∞ the first within the edges is chosen.
        expect(MaxPool::new(2), [2, 2], &[LEAST; 4], &[LEAST], &[1.0, 0.0, 0.0, 0.0]);
        expect(padded, [3, 3], &[LEAST; 9], &[LEAST; 4], &[1.0, 2.0, 0.0, 3.0, 4.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn what_cannot_be_pooled_is_refused() {
        let refused = |size, stride, padding| {
            let g = Graph::new();
            g.input("x", [1, 4, 4]).max_pool(MaxPool { size, stride, padding });
            g.check().is_err()
        };
        assert!(refused(5, 1, 0) && refused(0, 1, 0) && refused(2, 0, 0) && refused(2, 1, 2));
        assert!(!refused(5, 1, 1) && !refused(4, 9, 0) && !refused(2, 1, 1));
    }
}
