//! What is written on a node: operators, and a method for each op.

use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::graph::{Graph, Var};
use crate::ops;

/// A method of `Var` for each op, with its formula as its documentation.
macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident($($other:ident),*) => $op:expr;)*) => {
        impl<'g> Var<'g> {
            $($(#[$doc])* #[track_caller]
            pub fn $name(self, $($other: Var<'g>),*) -> Var<'g> { self.with($op, &[$($other),*]) })*
        }
    };
}

methods! {
    /// eˣ
    exp() => ops::Exp;
    /// ln x
    ln() => ops::Ln;
    /// sin x
    sin() => ops::Sin;
    /// cos x
    cos() => ops::Cos;
    /// tanh x
    tanh() => ops::Tanh;
    /// √x
    sqrt() => ops::Sqrt;
    /// max(x, 0)
    relu() => ops::Relu;
    /// 1 / (1 + e⁻ˣ)
    sigmoid() => ops::Sigmoid;
    /// x·Φ(x), Φ the normal distribution's.
    gelu() => ops::Gelu;
    /// x / (1 + e⁻ˣ)
    silu() => ops::Silu;
    /// ln(1 + eˣ)
    softplus() => ops::Softplus;
    /// Σ over an example's elements: a scalar for each example.
    sum() => ops::Sum;
    /// The mean of an example's elements: a scalar for each example.
    mean() => ops::Mean;
    /// The mean of each channel: `[c, h, w]` to `[c]`.
    global_avg_pool() => ops::GlobalAvgPool;
    /// All elements of an example as a vector.
    flatten() => ops::Flatten;
    /// The mean over the examples of the batch: one value for all of them.
    batch_mean() => ops::BatchMean;
    /// x·W + b: x `[k]`, W `[k, n]`, b `[n]`.
    affine(w, b) => ops::Affine;
    /// The matrix product `[m, k]·[k, n]`; a vector on the left is one row.
    matmul(other) => ops::MatMul;
    /// eˣ / Σ eˣ over the elements of each example.
    softmax() => ops::Softmax;
    /// −ln softmax(x) at the label, for each example; x are the logits.
    softmax_with_loss(label) => ops::SoftmaxWithLoss;
    /// −ln p at the label, for each example; p are probabilities.
    cross_entropy(label) => ops::CrossEntropy;
    /// The row of a table `[n, d]` for each whole number: `[k]` to `[k, d]`.
    embedding(table) => ops::Embedding;
    /// |x|
    absolute() => ops::Absolute;
    /// The mean of −t·ln σ(x) − (1 − t)·ln(1 − σ(x)) over an example's elements; x are the logits, t from 0 to 1.
    binary_cross_entropy(target) => ops::BinaryCrossEntropy;
    /// The mean of (y − t)² over an example's elements, for each example.
    mean_squared_error(target) => ops::MeanSquaredError;
}

impl<'g> Var<'g> {
    /// x ⋆ w + b: x `[c, h, w]`, w `[o, c / groups, kh, kw]`, b `[o]`.
    #[track_caller]
    pub fn conv2d(self, w: Var<'g>, b: Var<'g>, options: ops::Conv2d) -> Var<'g> {
        self.with(options, &[w, b])
    }

    /// x where x > 0, else slope·x, for a slope of at least 0.
    #[track_caller]
    pub fn leaky_relu(self, slope: f64) -> Var<'g> {
        self.with(ops::LeakyRelu { slope }, &[])
    }

    /// x where x > 0, else α(eˣ − 1), for an α above 0.
    #[track_caller]
    pub fn elu(self, alpha: f64) -> Var<'g> {
        self.with(ops::Elu { alpha }, &[])
    }

    /// The mean of |y − t| over an example's elements, for each example.
    #[track_caller]
    pub fn mean_absolute_error(self, target: Var<'g>) -> Var<'g> {
        (self - target).absolute().mean()
    }

    /// x²/2 where |x| ≤ δ, else δ(|x| − δ/2), for a δ above 0.
    #[track_caller]
    pub fn huber(self, delta: f64) -> Var<'g> {
        self.with(ops::Huber { delta }, &[])
    }

    /// The mean of [`huber`](Self::huber) of y − t over an example's elements, for each example.
    #[track_caller]
    pub fn huber_loss(self, target: Var<'g>, delta: f64) -> Var<'g> {
        (self - target).huber(delta).mean()
    }

    /// [`softmax_with_loss`](Self::softmax_with_loss), a share `smoothing` of each label spread over all classes.
    #[track_caller]
    pub fn smoothed_softmax_with_loss(self, label: Var<'g>, smoothing: f64) -> Var<'g> {
        self.with(ops::WeightedSoftmaxWithLoss { smoothing }, &[label])
    }

    /// The same with a weight for each class, `[n]`; its derivative by the weights is not taken.
    #[track_caller]
    pub fn weighted_softmax_with_loss(self, label: Var<'g>, weights: Var<'g>, smoothing: f64) -> Var<'g> {
        self.with(ops::WeightedSoftmaxWithLoss { smoothing }, &[label, weights])
    }

    /// The largest of each window of a channel.
    #[track_caller]
    pub fn max_pool(self, options: ops::MaxPool) -> Var<'g> {
        self.with(options, &[])
    }

    /// The mean of each window of a channel.
    #[track_caller]
    pub fn avg_pool(self, options: ops::AvgPool) -> Var<'g> {
        self.with(options, &[])
    }

    /// A number at each position of its channel: `[c]` to `[c, height, width]`.
    #[track_caller]
    pub fn over_positions(self, height: usize, width: usize) -> Var<'g> {
        self.with(ops::OverPositions { height, width }, &[])
    }

    /// x / (1 − rate) with the probability 1 − rate, else 0: for training alone. Each dropout of a network has a
    /// `stream` of its own.
    #[track_caller]
    pub fn dropout(self, rate: f64, stream: u64) -> Var<'g> {
        self.with(ops::Dropout { rate, stream }, &[])
    }

    /// The values one after the other, along their first axis.
    #[track_caller]
    pub fn concat(self, others: &[Var<'g>]) -> Var<'g> {
        self.with(ops::Concat, others)
    }

    /// xᵉ for a number or another value e; the base must be positive unless e is a number.
    #[track_caller]
    pub fn pow(self, exponent: impl IntoVar<'g>) -> Var<'g> {
        self.with(ops::Pow, &[exponent.into_var(self.graph)])
    }
}

/// A number or a node, where either may stand.
pub trait IntoVar<'g> {
    /// As a node of `graph`.
    fn into_var(self, graph: &'g Graph) -> Var<'g>;
}

impl<'g> IntoVar<'g> for Var<'g> {
    fn into_var(self, _: &'g Graph) -> Var<'g> {
        self
    }
}

impl<'g> IntoVar<'g> for f64 {
    fn into_var(self, graph: &'g Graph) -> Var<'g> {
        graph.constant(self)
    }
}

macro_rules! operators {
    ($($trait:ident $method:ident $op:expr;)*) => {$(
        impl<'g> $trait for Var<'g> {
            type Output = Var<'g>;
            #[track_caller]
            fn $method(self, other: Var<'g>) -> Var<'g> { self.with($op, &[other]) }
        }
        impl<'g> $trait<f64> for Var<'g> {
            type Output = Var<'g>;
            #[track_caller]
            fn $method(self, other: f64) -> Var<'g> { self.with($op, &[self.graph.constant(other)]) }
        }
        impl<'g> $trait<Var<'g>> for f64 {
            type Output = Var<'g>;
            #[track_caller]
            fn $method(self, other: Var<'g>) -> Var<'g> { other.graph.constant(self).with($op, &[other]) }
        }
    )*};
}

operators! {
    Add add ops::Add;
    Sub sub ops::Sub;
    Mul mul ops::Mul;
    Div div ops::Div;
}

impl<'g> Neg for Var<'g> {
    type Output = Var<'g>;
    #[track_caller]
    fn neg(self) -> Var<'g> {
        self.with(ops::Neg, &[])
    }
}
