//! Normalisation: y = (x − mean)/√(variance + ε)·γ + β, the mean and the variance taken over
//!
//! | | |
//! | --- | --- |
//! | layer norm | the numbers of each example (Ba, Kiros and Hinton, 2016) |
//! | batch norm | the examples, and the positions of a channel (Ioffe and Szegedy, 2015) |
//!
//! Both are compositions of ops, so the chain rule alone gives their derivatives, through mean and variance too. A batch's
//! statistic is a whole value, which ends a sweep over the examples and begins another.

use crate::graph::Var;

/// A batch norm as training has it.
///
/// ```
/// use chainrule_engine::{Graph, Reference};
/// let g = Graph::new();
/// let norm = g.input("x", [1]).batch_norm(g.parameter("gamma", [1]), g.parameter("beta", [1]), 0.0);
/// assert_eq!(Reference.value(norm.mean, &[("x", &[1.0, 3.0])])?, [2.0]);
/// assert_eq!(Reference.value(norm.variance, &[("x", &[1.0, 3.0])])?, [1.0]);
/// # Ok::<(), chainrule_engine::ValueError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm<'g> {
    /// The result, of x's shape.
    pub y: Var<'g>,
    /// The mean of each feature, or channel, over the batch.
    pub mean: Var<'g>,
    /// The variance, Σ (x − mean)²/n.
    pub variance: Var<'g>,
}

impl<'g> Var<'g> {
    /// (x − mean)/√(variance + ε)·γ + β over the numbers of each example; γ and β of x's shape.
    ///
    /// ```
    /// use chainrule_engine::{Graph, Reference};
    /// let g = Graph::new();
    /// let y = g.input("x", [2]).layer_norm(g.parameter("gamma", [2]), g.parameter("beta", [2]), 0.0);
    /// let at = [("x", &[1.0, 3.0][..]), ("gamma", &[1.0, 1.0]), ("beta", &[0.0, 0.5])];
    /// assert_eq!(Reference.value(y, &at)?, [-1.0, 1.5]);
    /// # Ok::<(), chainrule_engine::ValueError>(())
    /// ```
    #[track_caller]
    pub fn layer_norm(self, gamma: Var<'g>, beta: Var<'g>, epsilon: f64) -> Var<'g> {
        let centred = self - self.mean();
        let variance = (centred * centred).mean();
        centred * (variance + epsilon).pow(-0.5) * gamma + beta
    }

    /// The same over the rows of the batch: for each feature of a vector `[n]`, or each channel of an image
    /// `[c, h, w]`, over its positions as well. γ and β are `[n]` or `[c]`.
    ///
    /// ```
    /// use chainrule_engine::{Graph, Reference};
    /// let g = Graph::new();
    /// let norm = g.input("x", [1]).batch_norm(g.parameter("gamma", [1]), g.parameter("beta", [1]), 0.0);
    /// let two_rows = [("x", &[1.0, 3.0][..]), ("gamma", &[2.0]), ("beta", &[0.5])];
    /// assert_eq!(Reference.value(norm.y, &two_rows)?, [-1.5, 2.5]);
    /// # Ok::<(), chainrule_engine::ValueError>(())
    /// ```
    #[track_caller]
    pub fn batch_norm(self, gamma: Var<'g>, beta: Var<'g>, epsilon: f64) -> BatchNorm<'g> {
        let mean = self.over_batch();
        let centred = self - mean.at_each_of(self);
        let variance = (centred * centred).over_batch();
        let scale = (variance + epsilon).pow(-0.5) * gamma;
        BatchNorm { y: centred * scale.at_each_of(self) + beta.at_each_of(self), mean, variance }
    }

    /// A batch norm as a test has it: by a mean and a variance that are given, so that rows do not depend on one another.
    ///
    /// ```
    /// use chainrule_engine::{Graph, Reference};
    /// let g = Graph::new();
    /// let [mean, variance, gamma, beta] = ["mean", "variance", "gamma", "beta"].map(|name| g.parameter(name, [1]));
    /// let y = g.input("x", [1]).normalise(mean, variance, gamma, beta, 0.0);
    /// let at = [("x", &[5.0][..]), ("mean", &[2.0]), ("variance", &[4.0]), ("gamma", &[1.0]), ("beta", &[0.0])];
    /// assert_eq!(Reference.value(y, &at)?, [1.5]);
    /// # Ok::<(), chainrule_engine::ValueError>(())
    /// ```
    #[track_caller]
    pub fn normalise(self, mean: Var<'g>, variance: Var<'g>, gamma: Var<'g>, beta: Var<'g>, epsilon: f64) -> Var<'g> {
        let scale = (variance + epsilon).pow(-0.5) * gamma;
        (self - mean.at_each_of(self)) * scale.at_each_of(self) + beta.at_each_of(self)
    }

    /// The mean of a feature, or of a channel and its positions, over the batch.
    #[track_caller]
    fn over_batch(self) -> Var<'g> {
        if self.shape().rank() == 1 { self.batch_mean() } else { self.global_avg_pool().batch_mean() }
    }

    /// The number of a feature, or of a channel at each position of `image`.
    #[track_caller]
    fn at_each_of(self, image: Var<'g>) -> Var<'g> {
        match *image.shape().axes() {
            [_, height, width] => self.over_positions(height, width),
            _ => self,
        }
    }
}
