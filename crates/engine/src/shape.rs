//! What one example looks like: `[784]`, `[1, 28, 28]`, or a scalar `[]`.
//!
//! A shape never holds the batch: whether a value has a row for each example is its
//! [`Extent`]. Row values have up to three axes; weights (of a convolution) up to four.

use std::fmt;

/// The most axes a shape has: a convolution's weight `[out, in, height, width]`.
pub const MAX_AXES: usize = 4;

/// The axes of one example, or of a weight. `Shape::scalar()` has none.
///
/// ```
/// use chainrule_engine::Shape;
/// let image = Shape::from([1, 28, 28]);
/// assert_eq!((image.len(), image.rank(), image.to_string()), (784, 3, "[1, 28, 28]".into()));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    axes: [usize; MAX_AXES],
    rank: usize,
}

impl Shape {
    /// A single number.
    ///
    /// ```
    /// use chainrule_engine::Shape;
    /// assert_eq!((Shape::scalar().rank(), Shape::scalar().len()), (0, 1));
    /// ```
    pub const fn scalar() -> Self {
        Shape { axes: [1; MAX_AXES], rank: 0 }
    }

    /// A shape of up to [`MAX_AXES`] axes; `None` if there are more, or one is zero, or
    /// the number of elements does not fit in memory.
    ///
    /// ```
    /// use chainrule_engine::Shape;
    /// assert_eq!(Shape::new(&[2, 3]), Some([2, 3].into()));
    /// assert_eq!((Shape::new(&[3, 0]), Shape::new(&[usize::MAX, 2])), (None, None));
    /// ```
    pub fn new(axes: &[usize]) -> Option<Self> {
        let mut shape = Shape::scalar();
        shape.rank = axes.len();
        shape.axes.get_mut(..axes.len())?.copy_from_slice(axes);
        let len = axes.iter().try_fold(1usize, |n, &axis| n.checked_mul(axis))?;
        (len > 0 && len <= isize::MAX as usize / 8).then_some(shape)
    }

    /// The axes, outermost first.
    pub fn axes(&self) -> &[usize] {
        &self.axes[..self.rank]
    }

    /// How many axes.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// How many numbers: the product of the axes.
    #[allow(clippy::len_without_is_empty, reason = "no axis is zero, so no shape is empty")]
    pub fn len(&self) -> usize {
        self.axes().iter().product()
    }

    /// Whether it is a single number without axes.
    pub fn is_scalar(&self) -> bool {
        self.rank == 0
    }

    /// The shape as a matrix: a vector `[k]` is one row.
    ///
    /// Returns `(rows, columns)`, or `None` for a scalar and for three axes or more.
    ///
    /// ```
    /// use chainrule_engine::Shape;
    /// assert_eq!(Shape::from([5]).matrix(), Some((1, 5)));
    /// assert_eq!(Shape::from([1, 28, 28]).matrix(), None);
    /// ```
    pub fn matrix(&self) -> Option<(usize, usize)> {
        match *self.axes() {
            [columns] => Some((1, columns)),
            [rows, columns] => Some((rows, columns)),
            _ => None,
        }
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    /// For shapes that are written in the program.
    ///
    /// # Panics
    /// If an axis is zero or there are more than [`MAX_AXES`].
    fn from(axes: [usize; N]) -> Self {
        Shape::new(&axes).expect("one to four axes, none of them zero")
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.axes())
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whether a value has one row for each example, or is one for them all.
///
/// ```
/// use chainrule_engine::{Extent, Graph};
/// let g = Graph::new();
/// let (x, w) = (g.input("x", [2]), g.parameter("w", [2]));
/// assert_eq!([x.extent(), w.extent(), (x * w).extent()], [Extent::Row, Extent::Whole, Extent::Row]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Extent {
    /// A row for each example of the batch: inputs, activations, labels, their gradients.
    Row,
    /// One value for all: weights, their gradients, the mean loss.
    Whole,
}

/// Operands that do not fit together, found while a graph is built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{at}: expected {expected}, found {found}")]
pub struct ShapeError {
    /// The operation, with the place in the program that asked for it once it is in a graph.
    pub at: String,
    /// What it takes.
    pub expected: String,
    /// What it was given.
    pub found: String,
}

impl ShapeError {
    /// An error of the operation `op`.
    pub fn new(op: &str, expected: impl Into<String>, found: impl Into<String>) -> Self {
        ShapeError { at: op.to_owned(), expected: expected.into(), found: found.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_prints() {
        let image = Shape::from([1, 28, 28]);
        assert_eq!((image.len(), image.rank(), image.to_string()), (784, 3, "[1, 28, 28]".into()));
        assert_eq!((Shape::scalar().len(), Shape::scalar().to_string()), (1, "[]".into()));
        assert_eq!(Shape::from([5]).matrix(), Some((1, 5)));
        assert_eq!(image.matrix(), None);
    }

    #[test]
    fn refuses_what_cannot_be() {
        assert_eq!(Shape::new(&[3, 0]), None);
        assert_eq!(Shape::new(&[1; 5]), None);
        assert_eq!(Shape::new(&[usize::MAX, 2]), None);
    }
}
