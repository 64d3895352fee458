//! How an op says what a machine must do: it emits kernel calls, once, when a plan is compiled.
//!
//! Each call writes new values, so calls can be pruned, fused and placed by looking at them
//! alone. Constants are folded here: the 1 that the chain rule starts from costs nothing.

use crate::function::{Map, Zip};
use crate::kernel::{Buf, BufId, Epilogue, Kernel, Sizes};
use crate::shape::{Extent, Shape};
use crate::window::Window;

/// The calls and values of a plan that is being compiled.
#[derive(Debug, Default)]
pub struct Emit {
    pub(crate) calls: Vec<Kernel>,
    pub(crate) values: Vec<Buf>,
}

impl Emit {
    /// A new value that the next call is to write.
    pub(crate) fn value(&mut self, shape: Shape, extent: Extent) -> Buf {
        let id = BufId(u32::try_from(self.values.len()).expect("fewer than 2³² values"));
        let buf = Buf { id, shape, extent, constant: None };
        self.values.push(buf);
        buf
    }

    /// A value whose elements are all `c`.
    pub fn constant(&mut self, c: f64, shape: Shape) -> Buf {
        let mut buf = self.value(shape, Extent::Whole);
        buf.constant = Some(c);
        self.values[buf.id.index()] = buf;
        buf
    }

    /// The number of a value in memory: constants are written there by a `Fill` of their own.
    pub(crate) fn stored(&mut self, x: Buf) -> BufId {
        let Some(value) = x.constant else { return x.id };
        let y = self.value(x.shape, x.extent);
        self.calls.push(Kernel::Fill { value, per_row: false, y: y.id });
        y.id
    }

    fn like(&mut self, shape: Shape, operands: &[Buf]) -> Buf {
        self.value(shape, extent_of(operands.iter().map(|x| x.extent)))
    }

    /// f(x), element by element.
    pub fn map(&mut self, f: Map, x: Buf) -> Buf {
        match (f, x.constant) {
            (Map::Scale(1.0), _) => return x,
            (_, Some(c)) => return self.constant(f.of(c), x.shape),
            _ => {}
        }
        let y = self.like(x.shape, &[x]);
        self.calls.push(Kernel::Map { f, x: x.id, y: y.id });
        y
    }

    /// f(a, b), element by element; a scalar is used for every element of the other.
    pub fn zip(&mut self, f: Zip, a: Buf, b: Buf) -> Buf {
        let shape = if a.shape.is_scalar() { b.shape } else { a.shape };
        match (f, a.constant, b.constant) {
            (_, Some(x), Some(y)) => return self.constant(f.of(x, y), shape),
            (Zip::Multiply, Some(c), _) if b.shape == shape => return self.map(Map::Scale(c), b),
            (Zip::Multiply, _, Some(c)) if a.shape == shape => return self.map(Map::Scale(c), a),
            (Zip::Add, Some(c), _) if b.shape == shape => return self.map(Map::Shift(c), b),
            (Zip::Add, _, Some(c)) if a.shape == shape => return self.map(Map::Shift(c), a),
            (Zip::Subtract, _, Some(c)) if a.shape == shape => return self.map(Map::Shift(-c), a),
            (Zip::Power, _, Some(c)) if a.shape == shape => return self.map(Map::Power(c), a),
            _ => {}
        }
        let (stored_a, stored_b) = (self.stored(a), self.stored(b));
        let y = self.like(shape, &[a, b]);
        self.calls.push(Kernel::Zip { f, a: stored_a, b: stored_b, y: y.id });
        y
    }

    /// a + b
    pub fn add(&mut self, a: Buf, b: Buf) -> Buf {
        self.zip(Zip::Add, a, b)
    }

    /// a · b, element by element
    pub fn mul(&mut self, a: Buf, b: Buf) -> Buf {
        self.zip(Zip::Multiply, a, b)
    }

    /// a / b, element by element
    pub fn div(&mut self, a: Buf, b: Buf) -> Buf {
        self.zip(Zip::Divide, a, b)
    }

    /// −x
    pub fn neg(&mut self, x: Buf) -> Buf {
        self.map(Map::Negate, x)
    }

    /// c·x
    pub fn scale(&mut self, c: f64, x: Buf) -> Buf {
        self.map(Map::Scale(c), x)
    }

    /// The scalar x as every element of `shape`.
    pub fn broadcast(&mut self, x: Buf, shape: Shape, extent: Extent) -> Buf {
        if x.shape == shape && x.extent == extent {
            return x;
        }
        if let Some(c) = x.constant {
            return self.constant(c, shape);
        }
        let y = self.value(shape, extent);
        self.calls.push(Kernel::Broadcast { x: x.id, y: y.id });
        y
    }

    /// A·B for matrices (a vector is one row), either of them transposed.
    /// `shape` is the result's.
    pub fn matmul(&mut self, a: Buf, transpose_a: bool, b: Buf, transpose_b: bool, shape: Shape) -> Buf {
        self.product(a, transpose_a, b, transpose_b, None, shape)
    }

    /// x·W + b: x is `[k]`, W `[k, n]`, b `[n]`.
    pub fn affine(&mut self, x: Buf, w: Buf, b: Buf) -> Buf {
        self.product(x, false, w, false, Some(b), b.shape)
    }

    fn product(
        &mut self,
        a: Buf,
        transpose_a: bool,
        b: Buf,
        transpose_b: bool,
        bias: Option<Buf>,
        shape: Shape,
    ) -> Buf {
        let sizes = sizes_of(a.shape, transpose_a, b.shape, transpose_b);
        let (stored_a, stored_b) = (self.stored(a), self.stored(b));
        let stored_bias = bias.map(|bias| self.stored(bias));
        let y = self.value(shape, extent_of([a.extent, b.extent].into_iter().chain(bias.map(|b| b.extent))));
        self.calls.push(Kernel::Matmul {
            a: stored_a,
            b: stored_b,
            bias: stored_bias,
            y: y.id,
            transpose_a,
            transpose_b,
            sizes,
            epilogue: Epilogue::None,
        });
        y
    }

    /// aᵀ·b, summed over the examples where both have rows: the gradient of a weight that
    /// every example has used. `shape` is the result's.
    pub fn matmul_tn(&mut self, a: Buf, b: Buf, shape: Shape) -> Buf {
        if a.extent == Extent::Whole || b.extent == Extent::Whole {
            return self.matmul(a, true, b, false, shape);
        }
        let (m, k) = matrix(a.shape);
        let (_, n) = matrix(b.shape);
        let y = self.value(shape, Extent::Whole);
        self.calls.push(Kernel::MatmulRows { a: a.id, b: b.id, y: y.id, sizes: Sizes { m, k, n } });
        y
    }

    /// Σ over an example's elements: a scalar.
    pub fn sum_elements(&mut self, x: Buf) -> Buf {
        match x.constant {
            _ if x.shape.is_scalar() => return x,
            Some(c) => return self.constant(c * x.shape.len() as f64, Shape::scalar()),
            None => {}
        }
        let y = self.like(Shape::scalar(), &[x]);
        self.calls.push(Kernel::SumElements { x: x.id, y: y.id });
        y
    }

    /// Σ over the examples of a row value.
    pub fn sum_rows(&mut self, x: Buf) -> Buf {
        let y = self.value(x.shape, Extent::Whole);
        self.calls.push(Kernel::SumRows { x: x.id, y: y.id });
        y
    }

    /// The mean over the examples of a row value.
    pub fn mean_rows(&mut self, x: Buf) -> Buf {
        let y = self.value(x.shape, Extent::Whole);
        self.calls.push(Kernel::MeanRows { x: x.id, y: y.id });
        y
    }

    /// dy / (number of rows) as a row value.
    pub fn mean_rows_gradient(&mut self, dy: Buf) -> Buf {
        let dx = self.value(dy.shape, Extent::Row);
        self.calls.push(match dy.constant {
            Some(value) => Kernel::Fill { value, per_row: true, y: dx.id },
            None => Kernel::MeanRowsGradient { dy: dy.id, dx: dx.id },
        });
        dx
    }

    /// eˣ / Σ eˣ over an example's elements.
    pub fn softmax(&mut self, x: Buf) -> Buf {
        let stored = self.stored(x);
        let y = self.like(x.shape, &[x]);
        self.calls.push(Kernel::Softmax { x: stored, y: y.id });
        y
    }

    /// y · (dy − Σ dy·y), from softmax's result y.
    pub fn softmax_gradient(&mut self, y: Buf, dy: Buf) -> Buf {
        let stored = self.stored(dy);
        let dx = self.like(y.shape, &[y, dy]);
        self.calls.push(Kernel::SoftmaxGradient { y: y.id, dy: stored, dx: dx.id });
        dx
    }

    /// The loss of each example and its class probabilities.
    pub fn softmax_cross_entropy(&mut self, x: Buf, label: Buf) -> (Buf, Buf) {
        let (stored_x, stored_label) = (self.stored(x), self.stored(label));
        let loss = self.like(Shape::scalar(), &[x, label]);
        let probability = self.like(x.shape, &[x, label]);
        self.calls.push(Kernel::SoftmaxCrossEntropy {
            x: stored_x,
            label: stored_label,
            loss: loss.id,
            probability: probability.id,
        });
        (loss, probability)
    }

    /// (probability − onehot(label)) · dloss.
    pub fn softmax_cross_entropy_gradient(&mut self, probability: Buf, label: Buf, dloss: Buf) -> Buf {
        let (label_id, dloss_id) = (self.stored(label), self.stored(dloss));
        let dx = self.like(probability.shape, &[probability, label, dloss]);
        self.calls.push(Kernel::SoftmaxCrossEntropyGradient {
            probability: probability.id,
            label: label_id,
            dloss: dloss_id,
            dx: dx.id,
        });
        dx
    }

    /// x `[c, h, w]` in a `[c, h', w']` of zeros, its first element at `corner`, its elements `step` apart.
    pub fn spread(&mut self, x: Buf, shape: Shape, corner: [isize; 2], step: usize) -> Buf {
        if x.shape == shape && corner == [0, 0] {
            return x;
        }
        let (from, to) = (plane(x.shape), plane(shape));
        let stored = self.stored(x);
        let y = self.like(shape, &[x]);
        self.calls.push(Kernel::Spread { x: stored, y: y.id, from, to, corner, step });
        y
    }

    /// x ⋆ w + bias. `shape` is the result's.
    pub fn conv2d(&mut self, x: Buf, w: Buf, bias: Buf, window: Window, shape: Shape) -> Buf {
        let (stored_x, stored_w, bias_id) = (self.stored(x), self.stored(w), self.stored(bias));
        let y = self.like(shape, &[x]);
        let (bias, transposed, epilogue) = (Some(bias_id), false, Epilogue::None);
        self.calls.push(Kernel::Conv2d { x: stored_x, w: stored_w, bias, y: y.id, window, transposed, epilogue });
        y
    }

    /// The gradient of a convolution by its input, from dy spread out and bordered with zeros.
    pub fn conv2d_gradient_input(&mut self, dy: Buf, w: Buf, window: Window, shape: Shape) -> Buf {
        let stored = self.stored(w);
        let y = self.like(shape, &[dy]);
        let epilogue = Epilogue::None;
        self.calls.push(Kernel::Conv2d {
            x: dy.id,
            w: stored,
            bias: None,
            y: y.id,
            window,
            transposed: true,
            epilogue,
        });
        y
    }

    /// The gradient of a convolution by its weight, summed over the examples.
    pub fn conv2d_gradient_weight(&mut self, x: Buf, dy: Buf, window: Window, shape: Shape) -> Buf {
        let (stored_x, stored_dy) = (self.stored(x), self.stored(dy));
        let dw = self.value(shape, Extent::Whole);
        self.calls.push(Kernel::Conv2dGradient { x: stored_x, dy: stored_dy, dw: dw.id, window });
        dw
    }

    /// Σ over the positions of each channel: `[c, h, w]` to `[c]`.
    pub fn sum_positions(&mut self, x: Buf) -> Buf {
        let stored = self.stored(x);
        let y = self.like(Shape::from([x.shape.axes()[0]]), &[x]);
        self.calls.push(Kernel::SumPositions { x: stored, y: y.id });
        y
    }

    /// The largest of each window, and where it stands.
    pub fn max_pool(&mut self, x: Buf, window: Window, padding: usize, shape: Shape) -> (Buf, Buf) {
        let stored = self.stored(x);
        let (y, at) = (self.like(shape, &[x]), self.like(shape, &[x]));
        self.calls.push(Kernel::MaxPool { x: stored, y: y.id, at: at.id, window, padding });
        (y, at)
    }

    /// dy where each window's largest stood.
    pub fn max_pool_gradient(&mut self, dy: Buf, at: Buf, window: Window, shape: Shape) -> Buf {
        let stored = self.stored(dy);
        let dx = self.like(shape, &[dy, at]);
        self.calls.push(Kernel::MaxPoolGradient { dy: stored, at: at.id, dx: dx.id, window });
        dx
    }

    /// x / (1 − rate) where the mask of that stream keeps it, else 0.
    pub fn dropout(&mut self, x: Buf, rate: f64, stream: u64) -> Buf {
        let stored = self.stored(x);
        let y = self.like(x.shape, &[x]);
        self.calls.push(Kernel::Dropout { x: stored, y: y.id, rate, stream });
        y
    }

    /// Each channel's number at all of its positions: `[c]` to `shape`, `[c, h, w]`.
    pub fn over_positions(&mut self, x: Buf, shape: Shape) -> Buf {
        if let Some(c) = x.constant {
            return self.constant(c, shape);
        }
        let y = self.like(shape, &[x]);
        self.calls.push(Kernel::OverPositions { x: x.id, y: y.id });
        y
    }

    /// a, then b, as `shape`.
    pub fn concat(&mut self, a: Buf, b: Buf, shape: Shape) -> Buf {
        let (stored_a, stored_b) = (self.stored(a), self.stored(b));
        let y = self.like(shape, &[a, b]);
        self.calls.push(Kernel::Concat { a: stored_a, b: stored_b, y: y.id });
        y
    }

    /// The elements of x from `at` on, as many as `shape` has.
    pub fn part(&mut self, x: Buf, at: usize, shape: Shape) -> Buf {
        if x.shape == shape {
            return x;
        }
        if let Some(c) = x.constant {
            return self.constant(c, shape);
        }
        let y = self.like(shape, &[x]);
        self.calls.push(Kernel::Part { x: x.id, y: y.id, at });
        y
    }

    /// The rows of the table w that the whole numbers x say.
    pub fn lookup(&mut self, x: Buf, w: Buf) -> Buf {
        let (stored_x, stored_w) = (self.stored(x), self.stored(w));
        let d = w.shape.axes()[1];
        let shape = if x.shape.is_scalar() { Shape::from([d]) } else { Shape::from([x.shape.len(), d]) };
        let y = self.like(shape, &[x]);
        self.calls.push(Kernel::Lookup { x: stored_x, w: stored_w, y: y.id });
        y
    }

    /// The gradient of a table of `shape`, summed over the examples.
    pub fn lookup_gradient(&mut self, x: Buf, dy: Buf, shape: Shape) -> Buf {
        let (stored_x, stored_dy) = (self.stored(x), self.stored(dy));
        let dw = self.value(shape, Extent::Whole);
        self.calls.push(Kernel::LookupGradient { x: stored_x, dy: stored_dy, dw: dw.id, width: shape.axes()[1] });
        dw
    }

    /// x at the label.
    pub fn pick(&mut self, x: Buf, label: Buf) -> Buf {
        let (stored_x, stored_label) = (self.stored(x), self.stored(label));
        let y = self.like(Shape::scalar(), &[x, label]);
        self.calls.push(Kernel::Pick { x: stored_x, label: stored_label, y: y.id });
        y
    }

    /// dy at the label and 0 elsewhere, in `shape`.
    pub fn pick_gradient(&mut self, label: Buf, dy: Buf, shape: Shape) -> Buf {
        let (stored_label, stored_dy) = (self.stored(label), self.stored(dy));
        let dx = self.like(shape, &[label, dy]);
        self.calls.push(Kernel::PickGradient { label: stored_label, dy: stored_dy, dx: dx.id });
        dx
    }
}

/// Row if any of them is.
pub(crate) fn extent_of(extents: impl IntoIterator<Item = Extent>) -> Extent {
    if extents.into_iter().any(|e| e == Extent::Row) { Extent::Row } else { Extent::Whole }
}

fn plane(shape: Shape) -> [usize; 2] {
    let &[_, h, w] = shape.axes() else { panic!("Op::shape has checked that it has three axes") };
    [h, w]
}

fn matrix(shape: Shape) -> (usize, usize) {
    shape.matrix().expect("Op::shape has checked that it is a vector or a matrix")
}

fn sizes_of(a: Shape, transpose_a: bool, b: Shape, transpose_b: bool) -> Sizes {
    let flip = |(r, c): (usize, usize), yes| if yes { (c, r) } else { (r, c) };
    let (m, k) = flip(matrix(a), transpose_a);
    let (_, n) = flip(matrix(b), transpose_b);
    Sizes { m, k, n }
}
