//! What a machine can be asked to do: the closed vocabulary of kernel calls.
//!
//! Ops are open (a trait), kernels are closed (these enums), so that the compiler names
//! every backend that must follow a new one. [`crate::Reference`] is the definition of each:
//! naive loops in f64, which the fast backends are tested against.

use crate::function::{Map, Zip};
use crate::optimizer::Optimizer;
use crate::shape::{Extent, Shape};
use crate::window::Window;

/// A value of a plan: where a kernel reads or writes. Made by [`crate::Emit`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Buf {
    /// Its number in the plan.
    pub id: BufId,
    /// The shape of one row, or of the whole.
    pub shape: Shape,
    /// Whether it has a row for each example.
    pub extent: Extent,
    /// Set if every element is this number: no memory is needed unless a kernel reads it.
    pub constant: Option<f64>,
}

/// The number of a value in its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BufId(pub(crate) u32);

impl BufId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// What is done to a product's elements while they are still in registers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Epilogue {
    /// Nothing.
    None,
    /// An activation of each element.
    Map(Map),
    /// An activation's derivative: each element with the same element of a row value.
    Zip(Zip, BufId),
}

/// The sizes of a product `[m, k] · [k, n]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Rows of the left matrix, for each example.
    pub m: usize,
    /// What is summed over.
    pub k: usize,
    /// Columns of the right matrix.
    pub n: usize,
}

/// Where an update finds its gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Gradient {
    /// In memory.
    Stored(BufId),
    /// Σ over examples of aᵀ·b, computed slice by slice as the update goes.
    MatmulRows {
        /// `[m, k]` an example.
        a: BufId,
        /// `[m, n]` an example.
        b: BufId,
        /// Of each example's product.
        sizes: Sizes,
    },
    /// Σ over examples of x.
    SumRows(BufId),
}

/// Elements whose squares are summed by one member of the team, at most.
pub const SQUARES: usize = 4096;

/// One call of a plan. Where an operand of another extent or a scalar meets a larger value,
/// it is used for every row or element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kernel {
    /// y = the rows at hand of input number `input`.
    Gather {
        /// Which of the plan's inputs.
        input: usize,
        /// Row value.
        y: BufId,
    },
    /// y = value, or value / (number of rows) if `per_row`.
    Fill {
        /// What to write.
        value: f64,
        /// Divide by the number of rows in the batch: the derivative of their mean.
        per_row: bool,
        /// Row or whole.
        y: BufId,
    },
    /// y = f(x), element by element.
    Map {
        /// The function.
        f: Map,
        /// Operand.
        x: BufId,
        /// Result, of the same shape.
        y: BufId,
    },
    /// y = f(a, b), element by element.
    Zip {
        /// The function.
        f: Zip,
        /// Operand, of y's shape or a scalar.
        a: BufId,
        /// Operand, of y's shape or a scalar.
        b: BufId,
        /// Result.
        y: BufId,
    },
    /// y = x for every element (x a scalar) and every row.
    Broadcast {
        /// Scalar, or of y's shape.
        x: BufId,
        /// Result.
        y: BufId,
    },
    /// y = epilogue(A·B + bias), for each example whose extent is a row.
    Matmul {
        /// `[m, k]`, or `[k, m]` if transposed.
        a: BufId,
        /// `[k, n]`, or `[n, k]` if transposed.
        b: BufId,
        /// `[n]`, added to every row of the product.
        bias: Option<BufId>,
        /// Result `[m, n]`.
        y: BufId,
        /// A is stored as its transpose.
        transpose_a: bool,
        /// B is stored as its transpose.
        transpose_b: bool,
        /// Sizes of the product.
        sizes: Sizes,
        /// Done to each element of the result.
        epilogue: Epilogue,
    },
    /// y = Σ over examples of aᵀ·b: a fold of rows into a whole.
    MatmulRows {
        /// `[m, k]` an example.
        a: BufId,
        /// `[m, n]` an example.
        b: BufId,
        /// Whole `[k, n]`.
        y: BufId,
        /// Of each example's product.
        sizes: Sizes,
    },
    /// y = Σ over the elements of x, example by example.
    SumElements {
        /// Operand.
        x: BufId,
        /// Scalar.
        y: BufId,
    },
    /// y = Σ over examples of x: a fold.
    SumRows {
        /// Row value.
        x: BufId,
        /// Whole, of the same shape.
        y: BufId,
    },
    /// y = the mean over examples of x: a fold.
    MeanRows {
        /// Row value.
        x: BufId,
        /// Whole, of the same shape.
        y: BufId,
    },
    /// dx = dy / (number of rows), for every row: the derivative of the mean.
    MeanRowsGradient {
        /// Whole.
        dy: BufId,
        /// Row value of the same shape.
        dx: BufId,
    },
    /// y = eˣ / Σ eˣ over an example's elements, computed from x − max x.
    Softmax {
        /// Operand.
        x: BufId,
        /// Result.
        y: BufId,
    },
    /// dx = y · (dy − Σ dy·y).
    SoftmaxGradient {
        /// Softmax's result.
        y: BufId,
        /// Its gradient.
        dy: BufId,
        /// Result.
        dx: BufId,
    },
    /// loss = ln Σ eˣ − x at the label, probability = softmax x; both from x − max x.
    SoftmaxCrossEntropy {
        /// Logits `[n]`.
        x: BufId,
        /// The class, 0 to n − 1, as a scalar.
        label: BufId,
        /// Scalar.
        loss: BufId,
        /// `[n]`
        probability: BufId,
    },
    /// dx = (probability − onehot(label)) · dloss.
    SoftmaxCrossEntropyGradient {
        /// `[n]`
        probability: BufId,
        /// Scalar.
        label: BufId,
        /// Scalar.
        dloss: BufId,
        /// `[n]`
        dx: BufId,
    },
    /// y = x at the label.
    Pick {
        /// `[n]`
        x: BufId,
        /// The class, as a scalar.
        label: BufId,
        /// Scalar.
        y: BufId,
    },
    /// dx = dy at the label, else 0.
    PickGradient {
        /// The class, as a scalar.
        label: BufId,
        /// Scalar.
        dy: BufId,
        /// `[n]`
        dx: BufId,
    },
    /// y = 0 but for `y[c, top + step·i, left + step·j] = x[c, i, j]`, where that lies within y.
    Spread {
        /// `[c, h, w]`
        x: BufId,
        /// `[c, h', w']`
        y: BufId,
        /// Height and width of x.
        from: [usize; 2],
        /// Height and width of y.
        to: [usize; 2],
        /// Where x's first element goes; negative to cut off.
        corner: [isize; 2],
        /// The step between x's elements in y.
        step: usize,
    },
    /// y = epilogue(x ⋆ w + bias): `y[o, i, j] = Σ x[c, s·i + d·k, s·j + d·l] · w[o, c, k, l]`.
    Conv2d {
        /// `[c, h, w]`
        x: BufId,
        /// Whole `[o, c / groups, kernel height, kernel width]`; if transposed, the weight of the
        /// convolution whose gradient this is: `[c, o / groups, …]`, and turned by 180°.
        w: BufId,
        /// Whole `[o]`.
        bias: Option<BufId>,
        /// `[o, h', w']`
        y: BufId,
        /// Its sizes.
        window: Window,
        /// Take the weight as that of the gradient by the input.
        transposed: bool,
        /// Done to each element of the result; a map, or none.
        epilogue: Epilogue,
    },
    /// `dw[o, c, k, l]` = Σ over examples and positions of x[c, s·i + d·k, s·j + d·l] · dy[o, i, j]: a fold.
    Conv2dGradient {
        /// `[c, h, w]`
        x: BufId,
        /// `[o, h', w']`
        dy: BufId,
        /// Whole, of the weight's shape.
        dw: BufId,
        /// Its sizes.
        window: Window,
    },
    /// `y[c]` = Σ over the positions of a channel.
    SumPositions {
        /// `[c, h, w]`
        x: BufId,
        /// `[c]`
        y: BufId,
    },
    /// y = the largest of each window, at = its position in the channel (the first, among equals; a NaN
    /// is larger than any number). Places beyond the edge are never chosen.
    MaxPool {
        /// `[c, h, w]`
        x: BufId,
        /// `[c, h', w']`
        y: BufId,
        /// Of y's shape.
        at: BufId,
        /// Its sizes: as many channels in as out.
        window: Window,
        /// How far windows reach beyond each edge, less than their size.
        padding: usize,
    },
    /// dx = 0 but for `dx[at]` = Σ dy of the windows that chose it.
    MaxPoolGradient {
        /// `[c, h', w']`
        dy: BufId,
        /// Of dy's shape.
        at: BufId,
        /// `[c, h, w]`
        dx: BufId,
        /// Its sizes.
        window: Window,
    },
    /// `y[at + i]` = Σ x² over the i-th [`SQUARES`] elements of x: some of y's elements, other calls give the others.
    SumSquares {
        /// Whole.
        x: BufId,
        /// Whole `[n]`, of all gradients together.
        y: BufId,
        /// Which of y's elements is the first.
        at: usize,
    },
    /// y = x / (1 − rate) where the mask keeps it, else 0. The mask is a function of the clock, the stream, the row's place
    /// in the batch and the element's in the row, and so the same for x and for its gradient.
    Dropout {
        /// Operand.
        x: BufId,
        /// Result, of the same shape.
        y: BufId,
        /// The share that is dropped.
        rate: f64,
        /// Which of the network's dropouts.
        stream: u64,
    },
    /// `y[c, i, j] = x[c]`
    OverPositions {
        /// `[c]`
        x: BufId,
        /// `[c, h, w]`
        y: BufId,
    },
    /// y = a, then b.
    Concat {
        /// Operand.
        a: BufId,
        /// Operand.
        b: BufId,
        /// As long as both.
        y: BufId,
    },
    /// y = x from its element `at` on.
    Part {
        /// Operand.
        x: BufId,
        /// Result.
        y: BufId,
        /// The first element.
        at: usize,
    },
    /// `y[j] = w[x[j]]`, NaN where w has no such row.
    Lookup {
        /// Whole numbers: a scalar, or `[k]`.
        x: BufId,
        /// Whole `[n, d]`.
        w: BufId,
        /// `[k, d]`
        y: BufId,
    },
    /// `dw[i] = Σ dy[j]` over examples and the j with `x[j] = i`: a fold.
    LookupGradient {
        /// Whole numbers: a scalar, or `[k]`.
        x: BufId,
        /// `[k, d]`
        dy: BufId,
        /// Whole `[n, d]`.
        dw: BufId,
        /// d
        width: usize,
    },
    /// parameter ← (1 − share)·parameter + share·value, value being a statistic of the batch.
    Follow {
        /// Whole: what a test build reads in place of the statistic.
        parameter: BufId,
        /// Whole, of the same shape.
        value: BufId,
        /// From 0 to 1.
        share: f64,
        /// For a variance over so many numbers of each row, n in all: value·n/(n − 1), the estimate without bias.
        /// Of a single number there is none, and the parameter stays.
        variance_of: Option<usize>,
    },
    /// One step of an optimizer for one parameter; its memory is found by the parameter.
    Update {
        /// The rule, and what comes before it.
        optimizer: Optimizer,
        /// What is updated.
        parameter: BufId,
        /// By what.
        gradient: Gradient,
        /// Scalar: Σ of the squares of all gradients, if their norm is clipped.
        squared_norm: Option<BufId>,
    },
}

impl Kernel {
    /// The values it reads.
    pub fn reads(&self) -> Vec<BufId> {
        match *self {
            Kernel::Gather { .. } | Kernel::Fill { .. } => vec![],
            Kernel::Map { x, .. }
            | Kernel::Broadcast { x, .. }
            | Kernel::SumElements { x, .. }
            | Kernel::SumRows { x, .. }
            | Kernel::SumSquares { x, .. }
            | Kernel::MeanRows { x, .. }
            | Kernel::Spread { x, .. }
            | Kernel::SumPositions { x, .. }
            | Kernel::MaxPool { x, .. }
            | Kernel::Dropout { x, .. }
            | Kernel::OverPositions { x, .. }
            | Kernel::Part { x, .. }
            | Kernel::Softmax { x, .. } => vec![x],
            Kernel::Follow { parameter, value, .. } => vec![parameter, value],
            Kernel::Conv2d { x, w, bias, .. } => [x, w].into_iter().chain(bias).collect(),
            Kernel::Conv2dGradient { x, dy, .. } => vec![x, dy],
            Kernel::MaxPoolGradient { dy, at, .. } => vec![dy, at],
            Kernel::MeanRowsGradient { dy, .. } => vec![dy],
            Kernel::Lookup { x, w, .. } => vec![x, w],
            Kernel::LookupGradient { x, dy, .. } => vec![x, dy],
            Kernel::Zip { a, b, .. } | Kernel::MatmulRows { a, b, .. } | Kernel::Concat { a, b, .. } => vec![a, b],
            Kernel::Matmul { a, b, bias, epilogue, .. } => {
                let mut reads = vec![a, b];
                reads.extend(bias);
                if let Epilogue::Zip(_, with) = epilogue {
                    reads.push(with);
                }
                reads
            }
            Kernel::SoftmaxGradient { y, dy, .. } => vec![y, dy],
            Kernel::SoftmaxCrossEntropy { x, label, .. } | Kernel::Pick { x, label, .. } => vec![x, label],
            Kernel::SoftmaxCrossEntropyGradient { probability, label, dloss, .. } => {
                vec![probability, label, dloss]
            }
            Kernel::PickGradient { label, dy, .. } => vec![label, dy],
            Kernel::Update { parameter, gradient, squared_norm, .. } => {
                let by = match gradient {
                    Gradient::Stored(g) | Gradient::SumRows(g) => [Some(g), None],
                    Gradient::MatmulRows { a, b, .. } => [Some(a), Some(b)],
                };
                [Some(parameter), squared_norm].into_iter().chain(by).flatten().collect()
            }
        }
    }

    /// The parameter that it changes.
    pub fn changes(&self) -> Option<BufId> {
        match *self {
            Kernel::Update { parameter, .. } | Kernel::Follow { parameter, .. } => Some(parameter),
            _ => None,
        }
    }

    /// The first of the values it writes: its result.
    pub fn result(&self) -> BufId {
        match *self {
            Kernel::Gather { y, .. }
            | Kernel::Fill { y, .. }
            | Kernel::Map { y, .. }
            | Kernel::Zip { y, .. }
            | Kernel::Broadcast { y, .. }
            | Kernel::Matmul { y, .. }
            | Kernel::MatmulRows { y, .. }
            | Kernel::SumElements { y, .. }
            | Kernel::SumRows { y, .. }
            | Kernel::SumSquares { y, .. }
            | Kernel::MeanRows { y, .. }
            | Kernel::Softmax { y, .. }
            | Kernel::Spread { y, .. }
            | Kernel::Conv2d { y, .. }
            | Kernel::SumPositions { y, .. }
            | Kernel::MaxPool { y, .. }
            | Kernel::Dropout { y, .. }
            | Kernel::OverPositions { y, .. }
            | Kernel::Concat { y, .. }
            | Kernel::Part { y, .. }
            | Kernel::Lookup { y, .. }
            | Kernel::Pick { y, .. } => y,
            Kernel::MaxPoolGradient { dx, .. }
            | Kernel::MeanRowsGradient { dx, .. }
            | Kernel::SoftmaxGradient { dx, .. }
            | Kernel::SoftmaxCrossEntropyGradient { dx, .. }
            | Kernel::PickGradient { dx, .. } => dx,
            Kernel::Conv2dGradient { dw, .. } | Kernel::LookupGradient { dw, .. } => dw,
            Kernel::SoftmaxCrossEntropy { loss, .. } => loss,
            Kernel::Update { parameter, .. } | Kernel::Follow { parameter, .. } => parameter,
        }
    }

    /// The values it writes.
    pub fn writes(&self) -> Vec<BufId> {
        let more = match *self {
            Kernel::SoftmaxCrossEntropy { probability, .. } => Some(probability),
            Kernel::MaxPool { at, .. } => Some(at),
            _ => None,
        };
        [self.result()].into_iter().chain(more).collect()
    }
}

/// What [`Kernel::Follow`] multiplies the parameter and the value by; `None` where it leaves the parameter alone.
pub(crate) fn following(share: f64, variance_of: Option<usize>, rows: usize) -> Option<(f64, f64)> {
    let take = match variance_of.map(|numbers| numbers * rows) {
        Some(0 | 1) => return None,
        Some(numbers) => share * numbers as f64 / (numbers as f64 - 1.0),
        None => share,
    };
    (rows > 0).then_some((1.0 - share, take))
}
