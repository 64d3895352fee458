//! One example through the network: the value of every node, and the derivative of the example's loss by it.
//!
//! On the reference backend, in f64, with nothing fused: each number is what its node's formula says of the numbers shown for
//! its operands. It is the test build of the network, without dropout, with the statistics that training met.

use chainrule_engine::{Backend, Clock, Extent, Goal, Graph, Kind, NodeId, Plan, Reference, Request, Rows};
use serde::Serialize;

use crate::dataset::{Dataset, Target};
use crate::input_error::InputError;
use crate::local_derivative::local_derivatives;
use crate::model::{Build, Network};
use crate::node_name::node_name;
use crate::predict::Predictor;
use crate::weights;

/// What one row made of the network.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trace {
    /// Operands before what is made of them.
    pub nodes: Vec<TracedNode>,
    /// Of this row.
    pub loss: f64,
}

/// A node of the network.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TracedNode {
    /// `x`, `t`, a parameter's name, or layer and op: `0.affine`. Each name is there once.
    pub name: String,
    /// `None` for inputs, parameters and numbers.
    pub op: Option<&'static str>,
    /// The number of its layer in the SPEC, from 0.
    pub layer: Option<usize>,
    /// What it is computed from, as places in [`Trace::nodes`].
    pub operands: Vec<usize>,
    /// Its axes; none for one number.
    pub shape: Vec<usize>,
    /// Its numbers, the last axis fastest.
    pub value: Vec<f64>,
    /// ∂loss/∂(each of them); `None` where the loss does not depend on it by a derivative, as with a label.
    pub gradient: Option<Vec<f64>>,
    /// ∂value/∂(each operand), `[numbers of the value, numbers of the operand]`; `None` where it is not small or there is none: see
    /// [`local_derivatives`].
    pub local: Vec<Option<Vec<f64>>>,
}

impl Predictor {
    /// Follows row number `row` of `data`, from 0, forward and back.
    ///
    /// ```
    /// # use chainrule::{Settings, digits, train};
    /// # let settings = Settings { model: Some("affine:10".parse()?), epochs: 2, ..Settings::default() };
    /// let trained = train(digits(), &settings, |_progress| {})?;
    /// let trace = trained.predictor.trace(&digits(), 0)?;
    /// let output = trace.nodes.iter().find(|node| node.name == "0.affine").unwrap();
    /// assert_eq!((output.shape.as_slice(), output.gradient.as_ref().unwrap().len()), (&[10][..], 10));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the data do not fit the network, have no target, or no such row; or there is no memory.
    pub fn trace(&self, data: &Dataset, row: u32) -> Result<Trace, InputError> {
        let (source, rows) = (&data.source, data.rows());
        if data.target == Target::None {
            return Err(InputError::new(
                source.clone(),
                "a target to judge by",
                "none",
                "give data with the target's column",
            ));
        }
        if row as usize >= rows {
            let (expected, found) = (format!("a row from 1 to {rows}"), format!("{}", u64::from(row) + 1));
            return Err(InputError::new(source.clone(), expected, found, "name one of them"));
        }
        let table = self.encoding().apply(data.select(&[row]))?;
        let graph = Graph::new();
        let network = self.model().build(&graph, self.encoding().input.shape()?, self.objective(), Build::Test)?;
        let plan = Plan::compile(&graph, &request(&graph, &network))?;
        let mut arena = Reference.allocate(&[&plan], 1)?;
        weights::write(&Reference, &mut arena, &plan, self.tensors());
        Reference.run(&plan, &mut arena, &Rows::pick(&plan, &table.columns(), &[0])?, Clock::default());
        let nodes = nodes(&Reference, &arena, &plan, (&graph, &network), None)?;
        let loss = plan.loss().map_or(f64::NAN, |loss| Reference.read_number(&plan, &arena, loss));
        Ok(Trace { nodes, loss })
    }
}

/// Every value, and the gradients by the parameters, by the input and by all between them and the loss.
pub(crate) fn request(graph: &Graph, network: &Network<'_>) -> Request {
    let leaves = graph.ids().filter(|&id| matches!(graph.node(id).kind, Kind::Parameter));
    Request {
        goal: Goal::Gradients,
        loss: Some(network.loss.id()),
        outputs: graph.ids().collect(),
        with_respect_to: leaves.chain([network.x.id()]).collect(),
        trace: true,
    }
}

/// The nodes of a graph as a plan left them in the arena: of one row with local derivatives, or of a `batch` of so many rows,
/// where row values have an axis of rows in front.
pub(crate) fn nodes<B: Backend>(
    backend: &B,
    arena: &B::Arena,
    plan: &Plan,
    (graph, network): (&Graph, &Network<'_>),
    batch: Option<usize>,
) -> Result<Vec<TracedNode>, InputError> {
    let value_of = |id: NodeId| match plan.parameters().iter().find(|parameter| parameter.node == id) {
        Some(parameter) => backend.read_span(arena, parameter.span),
        None => plan.value_of(id).map_or(Vec::new(), |buf| backend.read(plan, arena, buf)),
    };
    let mut nodes: Vec<TracedNode> = Vec::with_capacity(graph.len());
    for id in graph.ids() {
        let node = graph.node(id);
        let (name, layer) = node_name(graph, network, id);
        let same = nodes.iter().filter(|other| other.name.split('\'').next() == Some(&*name)).count();
        let rows = batch.filter(|_| node.extent == Extent::Row);
        nodes.push(TracedNode {
            name: if same == 0 { name } else { format!("{name}'{}", same + 1) },
            op: if let Kind::Op(op) = &node.kind { Some(op.name()) } else { None },
            layer,
            operands: node.inputs.iter().filter_map(|x| graph.ids().position(|id| id == *x)).collect(),
            shape: rows.into_iter().chain(node.shape.axes().iter().copied()).collect(),
            value: value_of(id),
            gradient: plan.gradient_of(id).map(|buf| backend.read(plan, arena, buf)),
            local: match batch {
                None => local_derivatives(graph, id, value_of)?,
                Some(_) => vec![None; node.inputs.len()],
            },
        });
    }
    Ok(nodes)
}
