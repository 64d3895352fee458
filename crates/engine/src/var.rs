//! What is written on a node: operators, and a method for each op.

use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::example::example;
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
    #[doc = example!("x.exp()"; x: "[2]" = "[0.0, 1.0]"; "[1.0000, 2.7183]")]
    exp() => ops::Exp;
    /// ln x
    #[doc = example!("x.ln()"; x: "[2]" = "[1.0, 2.0]"; "[0.0000, 0.6931]")]
    ln() => ops::Ln;
    /// sin x
    #[doc = example!("x.sin()"; x: "[2]" = "[0.0, 1.0]"; "[0.0000, 0.8415]")]
    sin() => ops::Sin;
    /// cos x
    #[doc = example!("x.cos()"; x: "[2]" = "[0.0, 1.0]"; "[1.0000, 0.5403]")]
    cos() => ops::Cos;
    /// tanh x
    #[doc = example!("x.tanh()"; x: "[2]" = "[0.0, 1.0]"; "[0.0000, 0.7616]")]
    tanh() => ops::Tanh;
    /// √x
    #[doc = example!("x.sqrt()"; x: "[2]" = "[4.0, 2.0]"; "[2.0000, 1.4142]")]
    sqrt() => ops::Sqrt;
    /// max(x, 0)
    #[doc = example!("x.relu()"; x: "[2]" = "[-1.0, 2.0]"; "[0.0000, 2.0000]")]
    relu() => ops::Relu;
    /// 1 / (1 + e⁻ˣ)
    #[doc = example!("x.sigmoid()"; x: "[2]" = "[0.0, 2.0]"; "[0.5000, 0.8808]")]
    sigmoid() => ops::Sigmoid;
    /// x·Φ(x), Φ the normal distribution's.
    #[doc = example!("x.gelu()"; x: "[2]" = "[-1.0, 1.0]"; "[-0.1587, 0.8413]")]
    gelu() => ops::Gelu;
    /// x / (1 + e⁻ˣ)
    #[doc = example!("x.silu()"; x: "[2]" = "[-1.0, 1.0]"; "[-0.2689, 0.7311]")]
    silu() => ops::Silu;
    /// ln(1 + eˣ)
    #[doc = example!("x.softplus()"; x: "[2]" = "[-1.0, 1.0]"; "[0.3133, 1.3133]")]
    softplus() => ops::Softplus;
    /// Σ over an example's elements: a scalar for each example.
    #[doc = example!("x.sum()"; x: "[3]" = "[1.0, 2.0, 6.0]"; "[9.0000]")]
    sum() => ops::Sum;
    /// The mean of an example's elements: a scalar for each example.
    #[doc = example!("x.mean()"; x: "[3]" = "[1.0, 2.0, 6.0]"; "[3.0000]")]
    mean() => ops::Mean;
    /// The mean of each channel: `[c, h, w]` to `[c]`.
    #[doc = example!("x.global_avg_pool()"; x: "[2, 1, 2]" = "[1.0, 3.0, 5.0, 9.0]"; "[2.0000, 7.0000]")]
    global_avg_pool() => ops::GlobalAvgPool;
    /// All elements of an example as a vector.
    ///
    /// ```
    /// # use chainrule_engine::Graph;
    /// assert_eq!(Graph::new().input("image", [3, 8, 8]).flatten().shape().axes(), [192]);
    /// ```
    flatten() => ops::Flatten;
    /// The mean over the examples of the batch: one value for all of them.
    ///
    /// ```
    /// # use chainrule_engine::{Graph, Reference};
    /// let g = Graph::new();
    /// assert_eq!(Reference.value(g.input("x", [2]).batch_mean(), &[("x", &[1.0, 2.0, 3.0, 6.0])])?, [2.0, 4.0]);
    /// # Ok::<(), chainrule_engine::ValueError>(())
    /// ```
    batch_mean() => ops::BatchMean;
    /// x·W + b: x `[k]`, W `[k, n]`, b `[n]`.
    #[doc = example!("x.affine(w, b)"; x: "[2]" = "[1.0, 2.0]", w: "[2, 1]" = "[10.0, 1.0]", b: "[1]" = "[0.5]"; "[12.5000]")]
    affine(w, b) => ops::Affine;
    /// The matrix product `[m, k]·[k, n]`; a vector on the left is one row.
    #[doc = example!("x.matmul(w)"; x: "[2, 2]" = "[1.0, 2.0, 3.0, 4.0]", w: "[2, 1]" = "[10.0, 1.0]"; "[12.0000, 34.0000]")]
    matmul(other) => ops::MatMul;
    /// eˣ / Σ eˣ over the elements of each example.
    #[doc = example!("x.softmax()"; x: "[3]" = "[0.3, 2.9, 4.0]"; "[0.0182, 0.2452, 0.7366]")]
    softmax() => ops::Softmax;
    /// −ln softmax(x) at the label, for each example; x are the logits.
    #[doc = example!("x.softmax_with_loss(label)"; x: "[3]" = "[0.3, 2.9, 4.0]", label: "[]" = "[2.0]"; "[0.3057]")]
    softmax_with_loss(label) => ops::SoftmaxWithLoss;
    /// −ln p at the label, for each example; p are probabilities.
    #[doc = example!("p.cross_entropy(label)"; p: "[3]" = "[0.1, 0.2, 0.7]", label: "[]" = "[2.0]"; "[0.3567]")]
    cross_entropy(label) => ops::CrossEntropy;
    /// The row of a table `[n, d]` for each whole number: `[k]` to `[k, d]`.
    #[doc = example!("x.embedding(table)"; x: "[2]" = "[2.0, 0.0]", table: "[3, 1]" = "[0.1, 0.2, 0.3]"; "[0.3000, 0.1000]")]
    embedding(table) => ops::Embedding;
    /// |x|
    #[doc = example!("x.absolute()"; x: "[2]" = "[-1.0, 2.0]"; "[1.0000, 2.0000]")]
    absolute() => ops::Absolute;
    /// The mean of −t·ln σ(x) − (1 − t)·ln(1 − σ(x)) over an example's elements; x are the logits, t from 0 to 1.
    #[doc = example!("x.binary_cross_entropy(t)"; x: "[2]" = "[2.0, -1.0]", t: "[2]" = "[1.0, 0.0]"; "[0.2201]")]
    binary_cross_entropy(target) => ops::BinaryCrossEntropy;
    /// The mean of (y − t)² over an example's elements, for each example.
    #[doc = example!("x.mean_squared_error(t)"; x: "[2]" = "[2.0, -1.0]", t: "[2]" = "[1.0, 1.0]"; "[2.5000]")]
    mean_squared_error(target) => ops::MeanSquaredError;
}

impl<'g> Var<'g> {
    /// x ⋆ w + b: x `[c, h, w]`, w `[o, c / groups, kh, kw]`, b `[o]`.
    #[doc = example!("x.conv2d(w, b, Conv2d::default())"; x: "[1, 1, 3]" = "[1.0, 2.0, 4.0]", w: "[1, 1, 1, 2]" = "[-1.0, 1.0]", b: "[1]" = "[0.5]"; "[1.5000, 2.5000]")]
    #[track_caller]
    pub fn conv2d(self, w: Var<'g>, b: Var<'g>, options: ops::Conv2d) -> Var<'g> {
        self.with(options, &[w, b])
    }

    /// x where x > 0, else slope·x, for a slope of at least 0.
    #[doc = example!("x.leaky_relu(0.1)"; x: "[2]" = "[-1.0, 2.0]"; "[-0.1000, 2.0000]")]
    #[track_caller]
    pub fn leaky_relu(self, slope: f64) -> Var<'g> {
        self.with(ops::LeakyRelu { slope }, &[])
    }

    /// x where x > 0, else α(eˣ − 1), for an α above 0.
    #[doc = example!("x.elu(1.0)"; x: "[2]" = "[-1.0, 2.0]"; "[-0.6321, 2.0000]")]
    #[track_caller]
    pub fn elu(self, alpha: f64) -> Var<'g> {
        self.with(ops::Elu { alpha }, &[])
    }

    /// The mean of |y − t| over an example's elements, for each example.
    #[doc = example!("x.mean_absolute_error(t)"; x: "[2]" = "[2.0, -1.0]", t: "[2]" = "[1.0, 1.0]"; "[1.5000]")]
    #[track_caller]
    pub fn mean_absolute_error(self, target: Var<'g>) -> Var<'g> {
        (self - target).absolute().mean()
    }

    /// x²/2 where |x| ≤ δ, else δ(|x| − δ/2), for a δ above 0.
    #[doc = example!("x.huber(1.0)"; x: "[3]" = "[0.5, 1.0, 3.0]"; "[0.1250, 0.5000, 2.5000]")]
    #[track_caller]
    pub fn huber(self, delta: f64) -> Var<'g> {
        self.with(ops::Huber { delta }, &[])
    }

    /// The mean of [`huber`](Self::huber) of y − t over an example's elements, for each example.
    #[doc = example!("x.huber_loss(t, 1.0)"; x: "[2]" = "[0.5, 3.0]", t: "[2]" = "[0.0, 0.0]"; "[1.3125]")]
    #[track_caller]
    pub fn huber_loss(self, target: Var<'g>, delta: f64) -> Var<'g> {
        (self - target).huber(delta).mean()
    }

    /// [`softmax_with_loss`](Self::softmax_with_loss), a share `smoothing` of each label spread over all classes.
    #[doc = example!("x.smoothed_softmax_with_loss(label, 0.1)"; x: "[3]" = "[0.3, 2.9, 4.0]", label: "[]" = "[2.0]"; "[0.4657]")]
    #[track_caller]
    pub fn smoothed_softmax_with_loss(self, label: Var<'g>, smoothing: f64) -> Var<'g> {
        self.with(ops::WeightedSoftmaxWithLoss { smoothing }, &[label])
    }

    /// The same with a weight for each class, `[n]`; its derivative by the weights is not taken.
    #[doc = example!("x.weighted_softmax_with_loss(label, w, 0.0)"; x: "[3]" = "[0.3, 2.9, 4.0]", label: "[]" = "[2.0]", w: "[3]" = "[1.0, 1.0, 2.0]"; "[0.6114]")]
    #[track_caller]
    pub fn weighted_softmax_with_loss(self, label: Var<'g>, weights: Var<'g>, smoothing: f64) -> Var<'g> {
        self.with(ops::WeightedSoftmaxWithLoss { smoothing }, &[label, weights])
    }

    /// The largest of each window of a channel.
    #[doc = example!("x.max_pool(MaxPool::new(2))"; x: "[1, 2, 4]" = "[1.0, 2.0, 3.0, 4.0, 8.0, 7.0, 6.0, 5.0]"; "[8.0000, 6.0000]")]
    #[track_caller]
    pub fn max_pool(self, options: ops::MaxPool) -> Var<'g> {
        self.with(options, &[])
    }

    /// The mean of each window of a channel.
    #[doc = example!("x.avg_pool(AvgPool::new(2))"; x: "[1, 2, 4]" = "[1.0, 2.0, 3.0, 4.0, 8.0, 7.0, 6.0, 5.0]"; "[4.5000, 4.5000]")]
    #[track_caller]
    pub fn avg_pool(self, options: ops::AvgPool) -> Var<'g> {
        self.with(options, &[])
    }

    /// A number at each position of its channel: `[c]` to `[c, height, width]`.
    #[doc = example!("x.over_positions(1, 3)"; x: "[2]" = "[1.0, 2.0]"; "[1.0000, 1.0000, 1.0000, 2.0000, 2.0000, 2.0000]")]
    #[track_caller]
    pub fn over_positions(self, height: usize, width: usize) -> Var<'g> {
        self.with(ops::OverPositions { height, width }, &[])
    }

    /// x / (1 − rate) with the probability 1 − rate, else 0: for training alone. Each dropout of a network has a
    /// `stream` of its own.
    ///
    /// ```
    /// use chainrule_engine::{Graph, Reference};
    /// let g = Graph::new();
    /// let y = Reference.value(g.parameter("x", [64]).dropout(0.25, 0), &[("x", &[3.0; 64])])?;
    /// // Kept and made larger, so that the mean stays, or dropped.
    /// assert!(y.contains(&4.0) && y.contains(&0.0) && y.iter().all(|&y| y == 4.0 || y == 0.0));
    /// # Ok::<(), chainrule_engine::ValueError>(())
    /// ```
    #[track_caller]
    pub fn dropout(self, rate: f64, stream: u64) -> Var<'g> {
        self.with(ops::Dropout { rate, stream }, &[])
    }

    /// The values one after the other, along their first axis.
    #[doc = example!("x.concat(&[t])"; x: "[2]" = "[1.0, 2.0]", t: "[1]" = "[3.0]"; "[1.0000, 2.0000, 3.0000]")]
    #[track_caller]
    pub fn concat(self, others: &[Var<'g>]) -> Var<'g> {
        self.with(ops::Concat, others)
    }

    /// xᵉ for a number or another value e; the base must be positive unless e is a number.
    #[doc = example!("x.pow(3.0)"; x: "[2]" = "[-2.0, 0.5]"; "[-8.0000, 0.1250]")]
    #[track_caller]
    pub fn pow(self, exponent: impl IntoVar<'g>) -> Var<'g> {
        self.with(ops::Pow, &[exponent.into_var(self.graph)])
    }
}

/// A number or a node, where either may stand.
///
/// ```
/// use chainrule_engine::{Graph, Reference};
/// let g = Graph::new();
/// let (x, e) = (g.parameter("x", []), g.parameter("e", []));
/// let at = [("x", &[2.0][..]), ("e", &[3.0])];
/// assert_eq!(Reference.value(x.pow(e) + x.pow(0.0), &at)?, [9.0]);
/// # Ok::<(), chainrule_engine::ValueError>(())
/// ```
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
