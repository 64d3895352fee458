//! The page to read first: what an operation is.
//!
//! An op knows mathematics: the shape of its result, how to compute it, and its derivative.
//! It loops over no number; it *emits* kernel calls, once, when a plan is compiled.
//!
//! | | |
//! | --- | --- |
//! | forward | y = f(x₁, x₂, …) |
//! | backward | dxᵢ = dy · ∂y/∂xᵢ, for a loss L and dy = ∂L/∂y |
//!
//! Where a value was used more than once, or for every element or row, its derivatives are
//! summed by [the chain rule](crate::chain_rule), not here: so an op may return a gradient
//! that still has its result's rows and shape for an operand that is whole or a scalar.

use std::fmt::Debug;

use crate::emit::{Emit, extent_of};
use crate::kernel::Buf;
use crate::shape::{Extent, Shape, ShapeError};

/// An operation of a graph. See `CONTRIBUTING.md`, "add an op".
///
/// ```
/// use chainrule_engine::{At, Buf, Emit, Graph, Op, Out, Reference, Shape, ShapeError};
/// /// y = x³, dx = dy·3x².
/// #[derive(Debug)]
/// struct Cube;
/// impl Op for Cube {
///     fn name(&self) -> &'static str {
///         "cube"
///     }
///     fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
///         Ok(x[0])
///     }
///     fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
///         let square = k.mul(x[0], x[0]);
///         Out { y: k.mul(square, x[0]), kept: vec![square] }
///     }
///     fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
///         let slope = k.scale(3.0, at.kept[0]);
///         vec![Some(k.mul(dy, slope))]
///     }
/// }
///
/// let g = Graph::new();
/// let x = g.parameter("x", []);
/// let y = g.apply(Cube, &[x]);
/// assert_eq!(Reference.value(y, &[("x", &[2.0])])?, [8.0]);
/// assert_eq!(Reference.gradient(y, x, &[("x", &[2.0])])?, [12.0]);
/// # Ok::<(), chainrule_engine::ValueError>(())
/// ```
pub trait Op: Debug {
    /// Its name in listings, graphs and errors.
    fn name(&self) -> &'static str;

    /// The shape of its result.
    ///
    /// # Errors
    /// If the operands do not fit together. `x` always has as many as the op takes.
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError>;

    /// Whether its result has a row for each example: as a rule, if an operand has.
    fn extent(&self, x: &[Extent]) -> Extent {
        extent_of(x.iter().copied())
    }

    /// Emits y = f(x).
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out;

    /// Emits dx = dy · ∂y/∂x, one gradient an operand; `None` for one that has no derivative,
    /// such as a label. What nobody asks for is pruned later.
    fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>>;

    /// Whether its derivative jumps where an operand is zero, as ReLU's does: a difference
    /// quotient across the jump says nothing about either side.
    fn has_kink(&self) -> bool {
        false
    }
}

/// What `forward` has computed.
#[derive(Debug)]
pub struct Out {
    /// The result.
    pub y: Buf,
    /// What `backward` wants to see again, such as softmax's probabilities.
    pub kept: Vec<Buf>,
}

impl From<Buf> for Out {
    fn from(y: Buf) -> Self {
        Out { y, kept: Vec::new() }
    }
}

/// Where `backward` stands: the values of the forward sweep.
#[derive(Debug)]
pub struct At<'a> {
    /// The operands.
    pub x: &'a [Buf],
    /// The result.
    pub y: Buf,
    /// What `forward` kept.
    pub kept: &'a [Buf],
}

/// The operands as an array of the op's own number.
///
/// ```
/// use chainrule_engine::op::args;
/// use chainrule_engine::{At, Buf, Emit};
/// /// The gradients of a·b.
/// fn backward(at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
///     let [a, b] = args(at.x);
///     vec![Some(k.mul(dy, b)), Some(k.mul(dy, a))]
/// }
/// ```
///
/// # Panics
/// If the op declares another number of operands than the graph was built with: a bug in the op.
pub fn args<const N: usize>(x: &[Buf]) -> [Buf; N] {
    x.try_into().expect("an op gets as many operands as its method on Var passes")
}
