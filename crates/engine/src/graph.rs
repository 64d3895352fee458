//! What a network means: nodes, each an op and its operands, sorted by construction.
//!
//! Building never fails: the first operands that do not fit are remembered, with the place
//! in the program that put them together, and [`Plan`](crate::Plan) compilation returns them.
//! So a network is written as the formula that it is: `(x * w + b).tanh()`.

use std::cell::RefCell;
use std::panic::Location;
use std::rc::Rc;

use crate::op::Op;
use crate::shape::{Extent, Shape, ShapeError};

/// The number of a node; operands have smaller numbers than the nodes that use them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) usize);

/// Where a node's value comes from.
///
/// ```
/// use chainrule_engine::{Graph, Kind};
/// let g = Graph::new();
/// let y = g.parameter("x", []).exp();
/// assert!(matches!(g.node(y.id()).kind, Kind::Op(op) if op.name() == "exp"));
/// ```
#[derive(Clone, Debug)]
pub enum Kind {
    /// Data, given anew for each run; a row for each example.
    Input,
    /// A parameter that training changes; one for all examples.
    Parameter,
    /// A number written in the program.
    Constant(f64),
    /// An operation on other nodes.
    Op(Rc<dyn Op>),
}

/// One node.
#[derive(Clone, Debug)]
pub struct Node {
    /// Of an input or a parameter; empty for others.
    pub name: String,
    /// Where its value comes from.
    pub kind: Kind,
    /// The operands of an op.
    pub inputs: Vec<NodeId>,
    /// The shape of one row, or of the whole.
    pub shape: Shape,
    /// Whether it has a row for each example.
    pub extent: Extent,
    /// Of a parameter: whether an optimizer's weight decay is for it.
    pub decays: bool,
}

/// A computational graph.
///
/// ```
/// use chainrule_engine::{Backend, Clock, Graph, Reference, Rows};
/// let g = Graph::new();
/// let (x, y) = (g.parameter("x", []), g.parameter("y", []));
/// let f = x * x + y * y;
/// let plan = g.gradients(f)?;
/// let backend = Reference;
/// let mut arena = backend.allocate(&[&plan], 0)?;
/// backend.write(&mut arena, plan.parameter("x").unwrap(), &[3.0]);
/// backend.write(&mut arena, plan.parameter("y").unwrap(), &[4.0]);
/// backend.run(&plan, &mut arena, &Rows::none(), Clock::default());
/// assert_eq!(backend.read(&plan, &arena, plan.gradient(x).unwrap()), [6.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Graph {
    inner: RefCell<Inner>,
}

/// A parameter that no gradient changes, but a statistic of each training step's batch.
///
/// ```
/// use chainrule_engine::{Follow, Graph};
/// let g = Graph::new();
/// let mean = g.input("x", [3]).batch_mean();
/// let running = g.parameter("running mean", [3]);
/// g.follow(Follow { parameter: running.id(), value: mean.id(), share: 0.1, variance_of: None });
/// assert_eq!(g.follows().len(), 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Follow {
    /// What a test build reads in place of the statistic.
    pub parameter: NodeId,
    /// The statistic: whole, and of the parameter's shape.
    pub value: NodeId,
    /// parameter ← (1 − share)·parameter + share·value
    pub share: f64,
    /// For a variance over so many numbers of each row, n in all, the value is taken times n/(n − 1): the estimate
    /// without bias.
    pub variance_of: Option<usize>,
}

#[derive(Debug, Default)]
struct Inner {
    nodes: Vec<Node>,
    follows: Vec<Follow>,
    error: Option<ShapeError>,
}

/// A node's handle: operators and methods on it add nodes to its graph.
///
/// ```
/// use chainrule_engine::{Graph, Reference};
/// let g = Graph::new();
/// let x = g.parameter("x", []);
/// let y = 1.0 - (x * x + 3.0) / 4.0;
/// assert_eq!(Reference.value(y, &[("x", &[3.0])])?, [-2.0]);
/// # Ok::<(), chainrule_engine::ValueError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Var<'g> {
    pub(crate) graph: &'g Graph,
    id: NodeId,
}

impl Graph {
    /// An empty graph.
    ///
    /// ```
    /// use chainrule_engine::Graph;
    /// assert!(Graph::new().is_empty());
    /// ```
    pub fn new() -> Self {
        Graph::default()
    }

    /// Data with a row of `shape` for each example.
    ///
    /// ```
    /// use chainrule_engine::{Extent, Graph};
    /// let g = Graph::new();
    /// let image = g.input("image", [1, 28, 28]);
    /// assert_eq!((image.shape().len(), image.extent()), (784, Extent::Row));
    /// ```
    pub fn input(&self, name: &str, shape: impl Into<Shape>) -> Var<'_> {
        self.leaf(name, Kind::Input, shape.into(), Extent::Row)
    }

    /// A class for each example, as a number from 0.
    ///
    /// ```
    /// use chainrule_engine::{Graph, Reference};
    /// let g = Graph::new();
    /// let loss = g.input("p", [3]).cross_entropy(g.label("t")).batch_mean();
    /// let two_rows = [("p", &[0.5, 0.25, 0.25, 1.0, 0.0, 0.0][..]), ("t", &[0.0, 0.0])];
    /// assert_eq!(Reference.value(loss, &two_rows)?, [2f64.ln() / 2.0]);
    /// # Ok::<(), chainrule_engine::ValueError>(())
    /// ```
    pub fn label(&self, name: &str) -> Var<'_> {
        self.input(name, Shape::scalar())
    }

    /// A parameter, the same for all examples. The empty shape `[]` is a scalar.
    ///
    /// ```
    /// use chainrule_engine::{Extent, Graph};
    /// let g = Graph::new();
    /// let w = g.parameter("w", [784, 50]);
    /// assert_eq!((w.shape().axes(), w.extent()), (&[784, 50][..], Extent::Whole));
    /// ```
    pub fn parameter(&self, name: &str, shape: impl Into<Shape>) -> Var<'_> {
        self.leaf(name, Kind::Parameter, shape.into(), Extent::Whole)
    }

    /// A number.
    ///
    /// ```
    /// use chainrule_engine::{Graph, Reference};
    /// let g = Graph::new();
    /// assert_eq!(Reference.value(g.constant(2.0).sqrt(), &[])?, [2f64.sqrt()]);
    /// # Ok::<(), chainrule_engine::ValueError>(())
    /// ```
    pub fn constant(&self, value: f64) -> Var<'_> {
        self.leaf("", Kind::Constant(value), Shape::scalar(), Extent::Whole)
    }

    fn leaf(&self, name: &str, kind: Kind, shape: Shape, extent: Extent) -> Var<'_> {
        self.push(Node { name: name.to_owned(), kind, inputs: Vec::new(), shape, extent, decays: true })
    }

    fn push(&self, node: Node) -> Var<'_> {
        let mut inner = self.inner.borrow_mut();
        inner.nodes.push(node);
        Var { graph: self, id: NodeId(inner.nodes.len() - 1) }
    }

    /// Applies an op, one of ours or your own.
    ///
    /// ```
    /// use chainrule_engine::{Graph, Reference, ops};
    /// let g = Graph::new();
    /// let x = g.parameter("x", []);
    /// let y = g.apply(ops::Elu { alpha: 1.0 }, &[x]);
    /// assert_eq!(Reference.value(y, &[("x", &[2.0])])?, [2.0]);
    /// # Ok::<(), chainrule_engine::ValueError>(())
    /// ```
    ///
    /// # Panics
    /// If an operand belongs to another graph: its number would mean another node here.
    #[track_caller]
    pub fn apply(&self, op: impl Op + 'static, operands: &[Var<'_>]) -> Var<'_> {
        assert!(
            operands.iter().all(|v| std::ptr::eq(v.graph, self)),
            "operands of {} come from another graph",
            op.name()
        );
        let (shape, extent) = {
            let inner = self.inner.borrow();
            let nodes: Vec<&Node> = operands.iter().map(|v| &inner.nodes[v.id.0]).collect();
            let shapes: Vec<Shape> = nodes.iter().map(|n| n.shape).collect();
            let extents: Vec<Extent> = nodes.iter().map(|n| n.extent).collect();
            // After a first error the shapes mean nothing any more.
            let shape = if inner.error.is_some() { Ok(Shape::scalar()) } else { op.shape(&shapes) };
            (shape, op.extent(&extents))
        };
        let shape = shape.unwrap_or_else(|mut error| {
            error.at = format!("{} at {}", error.at, Location::caller());
            self.inner.borrow_mut().error = Some(error);
            Shape::scalar()
        });
        let inputs = operands.iter().map(|v| v.id).collect();
        self.push(Node { name: String::new(), kind: Kind::Op(Rc::new(op)), inputs, shape, extent, decays: true })
    }

    /// Lets a parameter follow a statistic in every training step. It is not an operand of the loss.
    ///
    /// ```
    /// use chainrule_engine::*;
    /// let g = Graph::new();
    /// let x = g.input("x", [1]);
    /// let loss = (x * g.parameter("w", [1])).sum().batch_mean();
    /// let running = g.parameter("running mean", [1]);
    /// g.follow(Follow { parameter: running.id(), value: x.batch_mean().id(), share: 0.5, variance_of: None });
    /// let plan = g.update(loss, Rule::Sgd)?;
    /// let mut arena = Reference.allocate(&[&plan], 2)?;
    /// let columns = [Column::F64(&[1.0, 3.0])];
    /// Reference.run(&plan, &mut arena, &Rows::all(&plan, &columns)?, Clock::default());
    /// assert_eq!(Reference.read_span(&arena, plan.parameter("running mean").unwrap()), [1.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    /// If `parameter` is none, or `value` has rows or another shape: a bug in the program.
    #[track_caller]
    pub fn follow(&self, follow: Follow) {
        let (parameter, value) = (self.node(follow.parameter), self.node(follow.value));
        let fits = matches!(parameter.kind, Kind::Parameter) && value.extent == Extent::Whole;
        // After a first error the shapes mean nothing any more.
        assert!(
            self.check().is_err() || (fits && parameter.shape == value.shape),
            "a parameter follows a whole of its shape"
        );
        self.inner.borrow_mut().follows.push(follow);
    }

    /// What follows what.
    pub fn follows(&self) -> Vec<Follow> {
        self.inner.borrow().follows.clone()
    }

    /// The first operands that did not fit together.
    ///
    /// ```
    /// use chainrule_engine::Graph;
    /// let g = Graph::new();
    /// g.input("x", [3]).matmul(g.parameter("w", [4, 2]));
    /// assert!(g.check().unwrap_err().at.starts_with("matmul at "));
    /// ```
    ///
    /// # Errors
    /// That error; graphs without one compile.
    pub fn check(&self) -> Result<(), ShapeError> {
        self.inner.borrow().error.clone().map_or(Ok(()), Err)
    }

    /// A copy of a node.
    ///
    /// ```
    /// use chainrule_engine::Graph;
    /// let g = Graph::new();
    /// let (x, y) = (g.parameter("x", [3]), g.parameter("y", [3]));
    /// let sum = g.node((x + y).id());
    /// assert_eq!((sum.shape.axes(), sum.inputs), (&[3][..], vec![x.id(), y.id()]));
    /// ```
    pub fn node(&self, id: NodeId) -> Node {
        self.inner.borrow().nodes[id.0].clone()
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.inner.borrow().nodes.len()
    }

    /// Whether there is no node yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The nodes' numbers, operands first.
    ///
    /// ```
    /// use chainrule_engine::{Graph, Kind};
    /// let g = Graph::new();
    /// let _ = g.parameter("x", []) * g.parameter("y", []);
    /// let leaves = g.ids().filter(|&id| matches!(g.node(id).kind, Kind::Parameter));
    /// assert_eq!((leaves.count(), g.len()), (2, 3));
    /// ```
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.len()).map(NodeId)
    }

    /// The handle of a node.
    ///
    /// ```
    /// use chainrule_engine::Graph;
    /// let g = Graph::new();
    /// let x = g.parameter("x", [3]);
    /// assert_eq!(g.var(x.id()).shape(), x.shape());
    /// ```
    pub fn var(&self, id: NodeId) -> Var<'_> {
        assert!(id.0 < self.len(), "no node {} in this graph", id.0);
        Var { graph: self, id }
    }
}

impl<'g> Var<'g> {
    /// Its number.
    pub fn id(self) -> NodeId {
        self.id
    }

    /// A parameter that weight decay spares, as it usually does biases and the scales of a normalisation: they
    /// overfit little, and pulling them to 0 has no reason.
    ///
    /// ```
    /// use chainrule_engine::Graph;
    /// let g = Graph::new();
    /// let b = g.parameter("b", [3]).without_decay();
    /// assert!(!g.node(b.id()).decays);
    /// ```
    pub fn without_decay(self) -> Self {
        self.graph.inner.borrow_mut().nodes[self.id.0].decays = false;
        self
    }

    /// The shape of one row, or of the whole.
    ///
    /// ```
    /// use chainrule_engine::Graph;
    /// let g = Graph::new();
    /// let y = g.input("x", [2]).matmul(g.parameter("w", [2, 5]));
    /// assert_eq!(y.shape().axes(), [5]);
    /// ```
    pub fn shape(self) -> Shape {
        self.graph.inner.borrow().nodes[self.id.0].shape
    }

    /// Whether it has a row for each example.
    ///
    /// ```
    /// use chainrule_engine::{Extent, Graph};
    /// let g = Graph::new();
    /// let x = g.input("x", [2]);
    /// assert_eq!((x.extent(), x.sum().batch_mean().extent()), (Extent::Row, Extent::Whole));
    /// ```
    pub fn extent(self) -> Extent {
        self.graph.inner.borrow().nodes[self.id.0].extent
    }

    /// An op on this node and others.
    #[track_caller]
    pub(crate) fn with(self, op: impl Op + 'static, others: &[Var<'g>]) -> Var<'g> {
        let operands: Vec<Var<'g>> = std::iter::once(self).chain(others.iter().copied()).collect();
        self.graph.apply(op, &operands)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_misfit_is_remembered_with_its_place() {
        let g = Graph::new();
        let x = g.input("x", [3]);
        let w = g.parameter("w", [4, 2]);
        let y = x.matmul(w).relu();
        let _ = y + g.parameter("v", [9]);
        let error = g.check().unwrap_err();
        assert!(error.at.starts_with("matmul at ") && error.at.contains("graph.rs:"), "{error}");
        assert!(g.gradients(y.sum().batch_mean()).is_err());
    }

    #[test]
    fn numbers_stand_on_either_side() {
        let g = Graph::new();
        let x = g.parameter("x", []);
        let y = 1.0 - 2.0 * x / 4.0 + x;
        assert_eq!(g.node(y.id()).inputs.len(), 2);
        assert!(g.check().is_ok());
    }
}
