//! ∂y/∂x of one node y = f(x, …) alone: the factor that the chain rule multiplies by there.
//!
//! The node's op is put on leaves that hold its operands' values, and its own derivative asked for e·y, e one number of y after the
//! other: each answer is a row of ∂y/∂x. So what is shown is what the op does, and not a second table of formulas.

use std::rc::Rc;

use chainrule_engine::{
    At, Backend, Buf, Clock, Column, Emit, Extent, Goal, Graph, Kind, NodeId, Op, Out, Plan, Reference, Request, Rows,
    Shape, ShapeError, Var,
};

use crate::input_error::InputError;

/// More numbers of y are not looked at, nor more in one ∂y/∂x: they fill no page that anyone reads.
const MOST_ROWS: usize = 64;
const MOST: usize = 4096;

/// ∂y/∂x for each operand x of the node y, as `[numbers of y, numbers of x]`, where operands have these values (of one row).
/// `None` for an operand without a derivative, such as a label or a number, and for too many numbers (64 of y, or 4,096 in all).
///
/// ```
/// use chainrule::engine::Graph;
/// use chainrule::local_derivative::local_derivatives;
/// let g = Graph::new();
/// let (apple, count) = (g.parameter("apple", []), g.parameter("count", []));
/// let value = |id| vec![if id == apple.id() { 100.0 } else { 2.0 }];
/// let factors = local_derivatives(&g, (apple * count).id(), value)?;
/// assert_eq!(factors, [Some(vec![2.0]), Some(vec![100.0])]);
/// # Ok::<(), chainrule::InputError>(())
/// ```
///
/// # Errors
/// If there is no memory.
pub fn local_derivatives(
    graph: &Graph,
    y: NodeId,
    value: impl Fn(NodeId) -> Vec<f64>,
) -> Result<Vec<Option<Vec<f64>>>, InputError> {
    let node = graph.node(y);
    let Kind::Op(op) = &node.kind else { return Ok(Vec::new()) };
    let rows = node.shape.len();
    let few = |x: &NodeId| rows <= MOST_ROWS && rows.saturating_mul(graph.node(*x).shape.len()) <= MOST;
    if !node.inputs.iter().any(few) {
        return Ok(vec![None; node.inputs.len()]);
    }

    let alone = Graph::new();
    let leaves: Vec<Var<'_>> = node.inputs.iter().map(|&x| leaf(&alone, graph, x)).collect();
    let result = alone.apply(Again(Rc::clone(op)), &leaves);
    let unit = alone.parameter("unit", node.shape);
    let chosen = (result * unit).sum();
    let loss = if chosen.extent() == Extent::Row { chosen.batch_mean() } else { chosen };
    let is_asked = |(x, leaf): &(&NodeId, &Var<'_>)| few(x) && !matches!(alone.node(leaf.id()).kind, Kind::Constant(_));
    let asked = node.inputs.iter().zip(&leaves).filter(is_asked).map(|(_, leaf)| leaf.id()).collect();
    let request = Request {
        goal: Goal::Gradients,
        loss: Some(loss.id()),
        with_respect_to: asked,
        trace: true,
        ..Request::default()
    };
    let plan = Plan::compile(&alone, &request)?;
    let mut arena = Reference.allocate(&[&plan], 1)?;
    let values: Vec<Vec<f64>> = node.inputs.iter().map(|&x| value(x)).collect();
    for (leaf, value) in leaves.iter().zip(&values) {
        if let Some(parameter) = plan.parameters().iter().find(|parameter| parameter.node == leaf.id()) {
            Reference.write(&mut arena, parameter.span, value);
        }
    }
    let is_input = |leaf: &Var<'_>| matches!(alone.node(leaf.id()).kind, Kind::Input);
    let columns = leaves.iter().zip(&values).filter(|(leaf, _)| is_input(leaf));
    let columns: Vec<Column<'_>> = columns.map(|(_, value)| Column::F64(value)).collect();
    let rows_at_hand = if columns.is_empty() { Rows::none() } else { Rows::pick(&plan, &columns, &[0])? };

    let gradients: Vec<Option<Buf>> = leaves.iter().map(|leaf| plan.gradient(*leaf)).collect();
    let mut factors: Vec<Option<Vec<f64>>> =
        gradients.iter().zip(&node.inputs).map(|(buf, x)| buf.filter(|_| few(x)).map(|_| Vec::new())).collect();
    for at in 0..rows {
        if let Some(span) = plan.parameter("unit") {
            let one = |other| f64::from(u8::from(at == other));
            Reference.write(&mut arena, span, &(0..rows).map(one).collect::<Vec<_>>());
        }
        Reference.run(&plan, &mut arena, &rows_at_hand, Clock::default());
        for (factor, buf) in factors.iter_mut().zip(&gradients) {
            if let (Some(factor), Some(buf)) = (factor, buf) {
                factor.extend(Reference.read(&plan, &arena, *buf));
            }
        }
    }
    Ok(factors)
}

/// A leaf in the place of an operand.
fn leaf<'g>(alone: &'g Graph, graph: &Graph, x: NodeId) -> Var<'g> {
    let node = graph.node(x);
    match (&node.kind, node.extent) {
        (&Kind::Constant(number), _) => alone.constant(number),
        (_, Extent::Row) => alone.input("x", node.shape),
        (_, Extent::Whole) => alone.parameter("x", node.shape),
    }
}

/// An op of another graph.
#[derive(Debug)]
struct Again(Rc<dyn Op>);

impl Op for Again {
    fn name(&self) -> &'static str {
        self.0.name()
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        self.0.shape(x)
    }
    fn extent(&self, x: &[Extent]) -> Extent {
        self.0.extent(x)
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        self.0.forward(x, k)
    }
    fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        self.0.backward(at, dy, k)
    }
    fn has_kink(&self) -> bool {
        self.0.has_kink()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the last node, where each leaf holds 1, 2, 3, … divided by its place from 1.
    fn of(y: Var<'_>, graph: &Graph) -> Vec<Option<Vec<f64>>> {
        let value = |id: NodeId| {
            let place = graph.ids().position(|other| other == id).unwrap() + 1;
            (1..=graph.node(id).shape.len()).map(|i| i as f64 / place as f64).collect()
        };
        local_derivatives(graph, y.id(), value).unwrap()
    }

    #[test]
    fn of_an_affine_layer_it_is_the_weight_turned_and_the_input_repeated() {
        let g = Graph::new();
        let y = g.input("x", [2]).affine(g.parameter("w", [2, 3]), g.parameter("b", [3]));
        let factors = of(y, &g);
        // w = [[1, 2, 3], [4, 5, 6]] / 2, x = [1, 2].
        assert_eq!(factors[0].as_deref().unwrap(), [0.5, 2.0, 1.0, 2.5, 1.5, 3.0]);
        let by_weight = factors[1].as_deref().unwrap();
        assert_eq!(by_weight[..6], [1.0, 0.0, 0.0, 2.0, 0.0, 0.0]);
        assert_eq!(factors[2].as_deref().unwrap(), [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn each_use_of_one_value_has_its_own() {
        let g = Graph::new();
        let x = g.parameter("x", []);
        assert_eq!(of(x * x, &g), [Some(vec![1.0]), Some(vec![1.0])]);
        let three = g.parameter("y", []) * 3.0;
        assert_eq!(of(three, &g), [Some(vec![3.0]), None]);
    }

    #[test]
    fn labels_numbers_and_what_is_too_large_have_none() {
        let g = Graph::new();
        let loss = g.input("x", [3]).softmax_with_loss(g.label("t"));
        let shown = of(loss, &g);
        assert!(shown[0].is_some() && shown[1].is_none());
        let wide = g.input("wide", [65]).relu();
        assert_eq!(of(wide, &g), [None]);
        let x = g.input("many", [100]);
        let tall = x.affine(g.parameter("w", [100, 41]), g.parameter("b", [41]));
        let factors = of(tall, &g);
        assert!(factors[0].is_none() && factors[1].is_none(), "4,100 and more");
        assert_eq!(factors[2].as_ref().map(Vec::len), Some(41 * 41));
        assert_eq!(of(x, &g), []);
    }

    #[test]
    fn a_mean_over_the_batch_of_one_row_passes_it_on() {
        let g = Graph::new();
        let mean = g.input("x", [2]).batch_mean();
        assert_eq!(of(mean, &g), [Some(vec![1.0, 0.0, 0.0, 1.0])]);
    }
}
