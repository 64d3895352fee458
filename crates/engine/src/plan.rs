//! A plan: what the machine does, compiled once from what a graph means.
//!
//! Compilation goes forward through the graph, back by the chain rule, adds the updates, and
//! then looks at the calls alone: `prune.rs`, `fuse.rs`, `sweeps.rs` (order), `memory.rs` (place).
//! A plan never contains the number of rows: one plan serves a whole batch, a short last one,
//! and a single row.

use crate::chain_rule::{Forward, chain_rule};
use crate::emit::Emit;
use crate::flops::Flops;
use crate::fuse::fuse;
use crate::graph::{Follow, Graph, Kind, Node, NodeId, Var};
use crate::kernel::{Buf, Kernel};
use crate::layout::{ALIGN, Layout, Place, Span, Zone};
use crate::listing::name_values;
use crate::optimizer::Optimizer;
use crate::prune::prune;
use crate::shape::{Extent, Shape, ShapeError};
use crate::sweeps::{Sweep, order_into_sweeps};
use crate::update::{Follower, emit_updates};

/// What a plan delivers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Goal {
    /// The outputs.
    #[default]
    Predict,
    /// The loss, and the outputs.
    Loss,
    /// The loss, the outputs, and the gradients.
    Gradients,
    /// The loss, the outputs, and new parameters.
    Update(Optimizer),
}

/// What to compile.
///
/// ```
/// use chainrule_engine::*;
/// let g = Graph::new();
/// let x = g.parameter("x", []);
/// let y = x * x;
/// let loss = y.exp();
/// // ∂loss/∂y alone, and the value of y beside it.
/// let request = Request {
///     goal: Goal::Gradients,
///     loss: Some(loss.id()),
///     outputs: vec![y.id()],
///     with_respect_to: vec![y.id()],
///     trace: false,
/// };
/// let plan = Plan::compile(&g, &request)?;
/// assert!(plan.gradient(y).is_some() && plan.gradient(x).is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// What the plan delivers.
    pub goal: Goal,
    /// The node whose derivatives are taken: one number for the whole batch.
    pub loss: Option<NodeId>,
    /// Nodes whose values are read after a run.
    pub outputs: Vec<NodeId>,
    /// The nodes by which to differentiate; the parameters, if none are named.
    pub with_respect_to: Vec<NodeId>,
    /// Keep every node's value and gradient, and fuse nothing: for looking inside.
    pub trace: bool,
}

/// A graph's input as a plan sees it.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// The shape of one row.
    pub shape: Shape,
    /// Whether the plan reads it.
    pub used: bool,
}

/// A graph's parameter and where it lives, in every plan of that graph.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// Where.
    pub span: Span,
    /// Its node.
    pub node: NodeId,
}

/// A compiled plan. Its `Display` is a listing.
///
/// ```
/// use chainrule_engine::Graph;
/// let g = Graph::new();
/// let y = g.input("x", [2]).affine(g.parameter("w", [2, 3]), g.parameter("b", [3])).relu();
/// let plan = g.predict(&[y])?;
/// // The product applies the activation: one call reads the rows, and one does the rest.
/// assert_eq!(plan.lines().count(), 2);
/// println!("{plan}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) calls: Vec<Kernel>,
    pub(crate) sweeps: Vec<Sweep>,
    pub(crate) values: Vec<Buf>,
    pub(crate) places: Vec<Place>,
    pub(crate) labels: Vec<String>,
    pub(crate) layout: Layout,
    pub(crate) flops: Flops,
    pub(crate) goal: Goal,
    inputs: Vec<Input>,
    parameters: Vec<Parameter>,
    nodes: Vec<Option<Buf>>,
    gradients: Vec<Option<Buf>>,
    loss: Option<Buf>,
}

/// A request that cannot be compiled.
///
/// ```
/// use chainrule_engine::Graph;
/// let g = Graph::new();
/// let error = g.gradients(g.input("x", [3]).sum()).unwrap_err();
/// assert!(error.to_string().ends_with("take batch_mean() of each example's loss"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// Operands that do not fit together.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// The loss is not one number for the batch.
    #[error("loss: expected one number for the whole batch, found {found}; take batch_mean() of each example's loss")]
    Loss {
        /// What it is.
        found: String,
    },
}

impl Graph {
    /// The plan that computes `outputs`.
    ///
    /// ```
    /// use chainrule_engine::*;
    /// let g = Graph::new();
    /// let x = g.input("x", [1]);
    /// let y = x * x;
    /// let plan = g.predict(&[y])?;
    /// let mut arena = Reference.allocate(&[&plan], 2)?;
    /// let columns = [Column::F64(&[3.0, 4.0])];
    /// Reference.run(&plan, &mut arena, &Rows::all(&plan, &columns)?, Clock::default());
    /// assert_eq!(Reference.read(&plan, &arena, plan.value(y).unwrap()), [9.0, 16.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The graph's first shape error.
    pub fn predict(&self, outputs: &[Var<'_>]) -> Result<Plan, CompileError> {
        let outputs = outputs.iter().map(|v| v.id()).collect();
        Plan::compile(self, &Request { outputs, ..Request::default() })
    }

    /// The plan that computes `loss` and its gradients by all parameters.
    ///
    /// ```
    /// use chainrule_engine::*;
    /// let g = Graph::new();
    /// let w = g.parameter("w", [1]);
    /// let loss = (g.input("x", [1]) * w).sum().batch_mean();
    /// let plan = g.gradients(loss)?;
    /// let mut arena = Reference.allocate(&[&plan], 2)?;
    /// let columns = [Column::F64(&[3.0, 4.0])];
    /// Reference.run(&plan, &mut arena, &Rows::all(&plan, &columns)?, Clock::default());
    /// assert_eq!(Reference.read(&plan, &arena, plan.gradient(w).unwrap()), [3.5]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The graph's first shape error, or a loss that is not one number.
    pub fn gradients(&self, loss: Var<'_>) -> Result<Plan, CompileError> {
        Plan::compile(self, &Request { goal: Goal::Gradients, loss: Some(loss.id()), ..Request::default() })
    }

    /// The plan of one training step.
    ///
    /// ```
    /// use chainrule_engine::*;
    /// let g = Graph::new();
    /// let w = g.parameter("w", []);
    /// let plan = g.update(w * w, Rule::Sgd)?;
    /// let mut arena = Reference.allocate(&[&plan], 0)?;
    /// Reference.write(&mut arena, plan.parameter("w").unwrap(), &[1.0]);
    /// Reference.run(&plan, &mut arena, &Rows::none(), Clock { rate: 0.1, ..Clock::default() });
    /// assert_eq!(Reference.read_span(&arena, plan.parameter("w").unwrap()), [1.0 - 0.1 * 2.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The graph's first shape error, or a loss that is not one number.
    pub fn update(&self, loss: Var<'_>, optimizer: impl Into<Optimizer>) -> Result<Plan, CompileError> {
        Plan::compile(
            self,
            &Request { goal: Goal::Update(optimizer.into()), loss: Some(loss.id()), ..Request::default() },
        )
    }
}

impl Plan {
    /// Compiles.
    ///
    /// # Errors
    /// The graph's first shape error, or a loss that is not one number for the batch.
    pub fn compile(graph: &Graph, request: &Request) -> Result<Plan, CompileError> {
        graph.check()?;
        let nodes: Vec<Node> = graph.ids().map(|id| graph.node(id)).collect();
        let loss = if request.goal == Goal::Predict { None } else { request.loss };
        if let Some(node) = loss.map(|loss| &nodes[loss.0])
            && (node.extent == Extent::Row || !node.shape.is_scalar())
        {
            let rows = if node.extent == Extent::Row { " for each example" } else { "" };
            return Err(CompileError::Loss { found: format!("{}{rows}", node.shape) });
        }

        let follows = if matches!(request.goal, Goal::Update(_)) { graph.follows() } else { Vec::new() };
        let statistics: Vec<NodeId> = follows.iter().flat_map(|follow| [follow.parameter, follow.value]).collect();
        let mut emit = Emit::default();
        let targets = loss.iter().chain(&request.outputs).chain(&statistics);
        let (inputs, parameters, forward) = go_forward(&nodes, targets, &mut emit);
        let parameter_nodes = || parameters.iter().map(|p: &Parameter| p.node);
        let wanted: Vec<NodeId> = match request.goal {
            Goal::Gradients if !request.with_respect_to.is_empty() => request.with_respect_to.clone(),
            Goal::Gradients | Goal::Update(_) => parameter_nodes().collect(),
            Goal::Predict | Goal::Loss => Vec::new(),
        };
        let gradients = match loss {
            Some(loss) if !wanted.is_empty() => chain_rule(&nodes, &forward, loss, &wanted, &mut emit),
            _ => vec![None; nodes.len()],
        };
        if let Goal::Update(optimizer) = request.goal {
            let follower = |id: NodeId| {
                let (parameter, gradient) = (forward.y[id.0]?, gradients[id.0]?);
                Some(Follower { parameter, gradient, decays: nodes[id.0].decays })
            };
            let followers: Vec<Follower> = parameter_nodes().filter_map(follower).collect();
            emit_updates(optimizer, &followers, &mut emit);
        }

        for Follow { parameter, value, share, variance_of } in follows {
            if let (Some(parameter), Some(value)) = (forward.y[parameter.0], forward.y[value.0]) {
                let value = emit.stored(value);
                emit.calls.push(Kernel::Follow { parameter: parameter.id, value, share, variance_of });
            }
        }

        // What may be read after a run, and so outlives it.
        let mut roots: Vec<Buf> = request.outputs.iter().chain(&loss).filter_map(|id| forward.y[id.0]).collect();
        if request.goal == Goal::Gradients {
            roots.extend(wanted.iter().filter_map(|id| gradients[id.0]));
        }
        if request.trace {
            roots.extend(forward.y.iter().chain(&gradients).flatten().chain(forward.kept.iter().flatten()));
        }
        let Emit { mut calls, mut values } = emit;
        prune(&mut calls, &roots);
        if !request.trace {
            fuse(&mut calls, &mut values, &roots);
        }
        let sweeps = order_into_sweeps(&mut calls, &values);
        let labels = name_values(&nodes, &forward, &gradients, &calls);

        let mut plan = Plan {
            calls,
            sweeps,
            places: vec![Place { zone: Zone::Nowhere, offset: 0 }; values.len()],
            values,
            labels,
            layout: Layout::default(),
            flops: Flops::default(),
            goal: request.goal,
            inputs,
            parameters,
            nodes: Vec::new(),
            gradients: Vec::new(),
            loss: loss.and_then(|id| forward.y[id.0]),
        };
        plan.place_values(&forward, &roots);
        plan.mark_used_inputs();
        plan.flops = plan.count_flops();
        let readable = |buf: &Option<Buf>| buf.filter(|buf| roots.iter().any(|root| root.id == buf.id));
        plan.nodes = forward.y.iter().map(readable).collect();
        plan.gradients = gradients.iter().map(readable).collect();
        Ok(plan)
    }

    fn mark_used_inputs(&mut self) {
        for call in &self.calls {
            if let Kernel::Gather { input, .. } = *call {
                self.inputs[input].used = true;
            }
        }
    }

    /// The graph's inputs, in the order in which a run takes their columns.
    ///
    /// ```
    /// use chainrule_engine::Graph;
    /// let g = Graph::new();
    /// let (x, label) = (g.input("x", [4]), g.label("label"));
    /// let loss = x.softmax_with_loss(label);
    /// let used = |plan: chainrule_engine::Plan| -> Vec<bool> { plan.inputs().iter().map(|input| input.used).collect() };
    /// assert_eq!(used(g.predict(&[x.softmax()])?), [true, false]);
    /// assert_eq!(used(g.predict(&[loss])?), [true, true]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// The graph's parameters, in the order of the arena.
    ///
    /// ```
    /// use chainrule_engine::Graph;
    /// let g = Graph::new();
    /// let y = g.input("x", [4]).affine(g.parameter("w", [4, 2]), g.parameter("b", [2]));
    /// let plan = g.predict(&[y])?;
    /// let sizes: Vec<(&str, usize)> = plan.parameters().iter().map(|p| (&*p.name, p.span.len)).collect();
    /// assert_eq!(sizes, [("w", 8), ("b", 2)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The span of the parameter of that name.
    pub fn parameter(&self, name: &str) -> Option<Span> {
        self.parameters.iter().find(|p| p.name == name).map(|p| p.span)
    }

    /// How much memory it needs.
    ///
    /// ```
    /// use chainrule_engine::{Graph, Rule};
    /// let g = Graph::new();
    /// let w = g.parameter("w", [1024]);
    /// let plan = g.update((w * w).sum(), Rule::named("adam").unwrap())?;
    /// // Adam remembers two numbers for each parameter.
    /// assert_eq!((plan.layout().parameters, plan.layout().memory), (1024, 2048));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The floating-point operations of one run.
    ///
    /// ```
    /// use chainrule_engine::Graph;
    /// let g = Graph::new();
    /// let plan = g.predict(&[g.input("x", [784]).matmul(g.parameter("w", [784, 50]))])?;
    /// assert_eq!(plan.flops().per_row, 2 * 784 * 50);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flops(&self) -> Flops {
        self.flops
    }

    /// What it delivers.
    pub fn goal(&self) -> Goal {
        self.goal
    }

    /// The value of a node, if the plan delivers it.
    pub fn value(&self, node: Var<'_>) -> Option<Buf> {
        self.value_of(node.id())
    }

    /// The value of the node of that number, if the plan delivers it.
    pub fn value_of(&self, node: NodeId) -> Option<Buf> {
        self.nodes.get(node.0).copied().flatten()
    }

    /// The derivative of the loss by a node, if the plan delivers it.
    pub fn gradient(&self, node: Var<'_>) -> Option<Buf> {
        self.gradient_of(node.id())
    }

    /// The derivative of the loss by the node of that number, if the plan delivers it.
    pub fn gradient_of(&self, node: NodeId) -> Option<Buf> {
        self.gradients.get(node.0).copied().flatten()
    }

    /// The loss, one number.
    pub fn loss(&self) -> Option<Buf> {
        self.loss
    }
}

type Went = (Vec<Input>, Vec<Parameter>, Forward);

/// Emits the values of the nodes that `targets` need.
fn go_forward<'a>(nodes: &[Node], targets: impl Iterator<Item = &'a NodeId>, emit: &mut Emit) -> Went {
    let mut needed = vec![false; nodes.len()];
    targets.for_each(|id| needed[id.0] = true);
    for (id, node) in nodes.iter().enumerate().rev() {
        if needed[id] {
            node.inputs.iter().for_each(|x| needed[x.0] = true);
        }
    }
    let (mut inputs, mut parameters, mut offset) = (Vec::new(), Vec::new(), 0);
    let mut y: Vec<Option<Buf>> = vec![None; nodes.len()];
    let mut kept = vec![Vec::new(); nodes.len()];
    for (id, node) in nodes.iter().enumerate() {
        let leaf = |emit: &mut Emit| needed[id].then(|| emit.value(node.shape, node.extent));
        match &node.kind {
            Kind::Input => {
                y[id] = leaf(emit);
                if let Some(y) = y[id] {
                    emit.calls.push(Kernel::Gather { input: inputs.len(), y: y.id });
                }
                inputs.push(Input { name: node.name.clone(), shape: node.shape, used: false });
            }
            Kind::Parameter => {
                y[id] = leaf(emit);
                let span = Span { offset, len: node.shape.len() };
                offset += span.len.next_multiple_of(ALIGN);
                parameters.push(Parameter { name: node.name.clone(), shape: node.shape, span, node: NodeId(id) });
            }
            Kind::Constant(c) if needed[id] => y[id] = Some(emit.constant(*c, node.shape)),
            Kind::Op(op) if needed[id] => {
                let x: Vec<Buf> = node.inputs.iter().filter_map(|x| y[x.0]).collect();
                let out = op.forward(&x, emit);
                y[id] = Some(out.y);
                kept[id] = out.kept;
            }
            Kind::Constant(_) | Kind::Op(_) => {}
        }
    }
    (inputs, parameters, Forward { y, kept })
}
