//! An expression's graph at a point: values that went forward, derivatives that came back.

use chainrule::engine::{Backend, Clock, Goal, Graph, Kind, Plan, Reference, ReferenceArena, Request, Rows};
use chainrule::local_derivative::local_derivatives;
use serde::Serialize;

use crate::drawing::{Drawn, Factor};
use crate::expression::{Expression, Term, TermId};
use crate::significant::significant;

/// A node of the graph.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Traced {
    /// A variable's name, or v1, v2, …
    pub(super) node: String,
    /// `variable`, `number`, an operator's symbol or a function's name.
    pub(super) operation: &'static str,
    /// The nodes and numbers that it takes.
    pub(super) operands: Vec<String>,
    /// f(operands).
    pub(super) value: f64,
    /// ∂f/∂node; `None` if no variable leads to it.
    pub(super) derivative: Option<f64>,
    /// The engine's name of the operation.
    #[serde(skip)]
    op: Option<&'static str>,
    /// ∂node/∂(each operand); `None` for a number.
    #[serde(skip)]
    local: Vec<Option<Vec<f64>>>,
}

impl Traced {
    /// `v1 * tax`; empty for a variable.
    pub(super) fn formula(&self) -> String {
        match (&*self.operands, self.operation) {
            ([], "number") => significant(self.value),
            ([], _) => String::new(),
            ([x], "-") => format!("-{x}"),
            ([x], function) => format!("{function}({x})"),
            (operands, operator) => operands.join(&format!(" {operator} ")),
        }
    }

    /// `v1 = x * y`; a variable's name alone.
    fn equation(&self) -> String {
        match self.formula() {
            formula if formula.is_empty() => self.node.clone(),
            formula => format!("{} = {formula}", self.node),
        }
    }
}

/// The nodes as boxes.
pub(super) fn drawn(graph: &[Traced]) -> Vec<Drawn> {
    // Numbers are written where they are used, and have no box.
    let place = |name: &String| graph.iter().position(|other| other.node == *name);
    let drawn = |node: &Traced| {
        let operands = node.operands.iter().enumerate().filter_map(|(place_of, name)| Some((place_of, place(name)?)));
        let factor = |place: usize| Factor { place, local: node.local.get(place).cloned().flatten() };
        let (factors, operands) = operands.map(|(place, at)| (factor(place), at)).unzip();
        Drawn {
            name: node.node.clone(),
            formula: node.formula(),
            shape: Vec::new(),
            value: vec![node.value],
            derivative: node.derivative.map(|derivative| vec![derivative]),
            operands,
            op: node.op,
            after: None,
            factors,
        }
    };
    graph.iter().map(drawn).collect()
}

/// The terms of the expression at `point`, operands first. Numbers are read where they are
/// used, and are no nodes of their own unless there is nothing else.
pub(super) fn trace(expression: &Expression, point: &[f64]) -> anyhow::Result<Vec<Traced>> {
    let graph = Graph::new();
    let vars = expression.build(&graph);
    let loss = vars.last().map(|var| var.id());
    let plan = Plan::compile(&graph, &Request { goal: Goal::Gradients, loss, trace: true, ..Request::default() })?;
    let mut arena = Reference.allocate(&[&plan], 0)?;
    set(&plan, &mut arena, point);
    Reference.run(&plan, &mut arena, &Rows::none(), Clock::default());

    let names = names(expression);
    let only = expression.terms().len() == 1;
    let nodes = expression.terms().iter().zip(&vars).zip(&names);
    let nodes = nodes.filter(|((term, _), _)| only || !matches!(term, Term::Number(_)));
    let traced = nodes.map(|((term, &var), name)| {
        let read = |buf| Reference.read_number(&plan, &arena, buf);
        let operands = |ids: &[TermId]| ids.iter().map(|&id| names[id].clone()).collect();
        let (operation, operands) = match *term {
            Term::Number(_) => ("number", Vec::new()),
            Term::Variable(_) => ("variable", Vec::new()),
            Term::Negative(x) => ("-", operands(&[x])),
            Term::Call(function, x) => (function.name(), operands(&[x])),
            Term::Binary(operator, a, b) => (operator.symbol(), operands(&[a, b])),
        };
        let value_of = |id| {
            let parameter = plan.parameters().iter().find(|parameter| parameter.node == id);
            let span = parameter.map(|parameter| Reference.read_span(&arena, parameter.span));
            span.or_else(|| plan.value_of(id).map(|buf| Reference.read(&plan, &arena, buf))).unwrap_or_default()
        };
        Ok(Traced {
            node: name.clone(),
            operation,
            operands,
            value: plan.value(var).map_or(f64::NAN, read),
            derivative: plan.gradient(var).map(read),
            op: if let Kind::Op(op) = graph.node(var.id()).kind { Some(op.name()) } else { None },
            local: local_derivatives(&graph, var.id(), value_of)?,
        })
    });
    traced.collect()
}

/// Variables by their names, numbers as they are, others v1, v2, … as far as no variable is called so.
fn names(expression: &Expression) -> Vec<String> {
    let mut free = (1..).map(|number| format!("v{number}")).filter(|name| !expression.variables().contains(name));
    let only = expression.terms().len() == 1;
    let name = |term: &Term| match term {
        Term::Variable(name) => Some(name.clone()),
        Term::Number(bits) if !only => Some(significant(f64::from_bits(*bits))),
        _ => free.next(),
    };
    expression.terms().iter().filter_map(name).collect()
}

/// The first node whose value is not finite, or else, on the way back, whose derivative is not.
pub(super) fn first_not_finite(graph: &[Traced]) -> Option<String> {
    let value = graph.iter().find(|node| !node.value.is_finite());
    if let Some(node) = value {
        return Some(format!("not finite: the value of {} is {}", node.equation(), significant(node.value)));
    }
    graph.iter().rev().find_map(|node| {
        let derivative = node.derivative.filter(|derivative| !derivative.is_finite())?;
        Some(format!("not finite: the derivative by {} is {}", node.equation(), significant(derivative)))
    })
}

/// The value of an expression, for any point.
pub(super) struct Evaluator {
    plan: Plan,
    arena: ReferenceArena,
}

impl Evaluator {
    pub(super) fn new(expression: &Expression) -> anyhow::Result<Evaluator> {
        let graph = Graph::new();
        let loss = expression.build(&graph).last().map(|var| var.id());
        let plan = Plan::compile(&graph, &Request { goal: Goal::Loss, loss, ..Request::default() })?;
        let arena = Reference.allocate(&[&plan], 0)?;
        Ok(Evaluator { plan, arena })
    }

    pub(super) fn value(&mut self, point: &[f64]) -> f64 {
        set(&self.plan, &mut self.arena, point);
        Reference.run(&self.plan, &mut self.arena, &Rows::none(), Clock::default());
        self.plan.loss().map_or(f64::NAN, |loss| Reference.read_number(&self.plan, &self.arena, loss))
    }
}

/// Writes the variables.
pub(super) fn set(plan: &Plan, arena: &mut ReferenceArena, point: &[f64]) {
    for (parameter, &x) in plan.parameters().iter().zip(point) {
        Reference.write(arena, parameter.span, &[x]);
    }
}
