//! Gradient descent from a point: `x ← x − η · ∂f/∂x` for every variable at once.

use chainrule::engine::{Backend, Clock, Goal, Graph, Plan, Reference, Request, Rows, Rule};
use serde::Serialize;

use super::ByVariable;
use super::traced::set;
use crate::expression::Expression;
use crate::significant::significant;

/// How many stretches the path is printed in.
const STRETCHES: usize = 10;

/// Where a descent went.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Descent<'a> {
    /// Some of its steps, the first and the last among them.
    pub(super) path: Vec<Stand<'a>>,
    /// The last.
    pub(super) end: Stand<'a>,
    /// What became infinite, and when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) diverged: Option<String>,
}

/// A point on the way.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Stand<'a> {
    /// How many steps came before.
    pub(super) step: usize,
    pub(super) at: ByVariable<'a>,
    pub(super) value: f64,
}

/// Goes `steps` steps down from `point`, or until a number is not finite.
pub(super) fn descend<'a>(
    expression: &'a Expression,
    point: &[f64],
    rate: f64,
    steps: usize,
) -> anyhow::Result<Descent<'a>> {
    let graph = Graph::new();
    let vars = expression.build(&graph);
    let loss = vars.last().map(|var| var.id());
    let plan = |goal| Plan::compile(&graph, &Request { goal, loss, ..Request::default() });
    let (look, go) = (plan(Goal::Loss)?, plan(Goal::Update(Rule::Sgd.into()))?);
    let mut arena = Reference.allocate(&[&look, &go], 0)?;
    set(&look, &mut arena, point);

    let stretch = steps.div_ceil(STRETCHES).max(1);
    let mut path = Vec::new();
    let mut step = 0;
    loop {
        Reference.run(&look, &mut arena, &Rows::none(), Clock::default());
        let value = look.loss().map_or(f64::NAN, |loss| Reference.read_number(&look, &arena, loss));
        let numbers: Vec<f64> = look.parameters().iter().flat_map(|p| Reference.read_span(&arena, p.span)).collect();
        let finite = value.is_finite() && numbers.iter().all(|x| x.is_finite());
        let stand = Stand { step, at: ByVariable::new(expression.variables(), numbers), value };
        if step == steps || !finite {
            path.push(stand.clone());
            let diverged = (!finite).then(|| diverged(&stand, rate));
            return Ok(Descent { path, end: stand, diverged });
        }
        if step % stretch == 0 {
            path.push(stand);
        }
        Reference.run(&go, &mut arena, &Rows::none(), Clock { step: step as u64, rate, seed: 0 });
        step += 1;
    }
}

fn diverged(stand: &Stand<'_>, rate: f64) -> String {
    let lost = stand.at.0.iter().find(|(_, x)| !x.is_finite());
    let (name, number) = lost.map_or(("the value", stand.value), |&(name, x)| (name, x));
    let (step, number) = (stand.step, significant(number));
    let steps = if step == 1 { "step" } else { "steps" };
    format!("descent diverged: after {step} {steps} {name} is {number}; try a rate below {}", significant(rate))
}
