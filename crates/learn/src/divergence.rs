//! Where a training broke: the first value, in the order of computation, that was not finite.
//!
//! A step overwrites the parameters that it was computed from. Steps are exact to the bit, so
//! the trainer replays the epoch from its start up to the step that failed, and that one runs
//! once more here on a plan that keeps every node's value.

use std::fmt;

use chainrule_engine::{Backend, Clock, Goal, Graph, Optimizer, Plan, Request, Rows, Span};

use crate::encoding::Table;
use crate::model::{Model, Network};
use crate::node_name::node_name;

/// A training that was stopped, because its loss was not a finite number.
#[derive(Clone, Debug, PartialEq)]
pub struct Diverged {
    /// The epoch, from 1.
    pub epoch: usize,
    /// The step within the epoch, from 1.
    pub step: usize,
    /// Whose loss it was: `loss`, or `validation loss` after the epoch's last step.
    pub of: &'static str,
    /// The loss.
    pub loss: f64,
    /// The learning rate.
    pub rate: f64,
    /// The optimizer's name.
    pub optimizer: &'static str,
    /// The first value that was not finite, if it could be found.
    pub first: Option<NotFinite>,
}

/// A value of the network that is not a finite number.
#[derive(Clone, Debug, PartialEq)]
pub struct NotFinite {
    /// The node: a parameter's name, or its layer's number in the SPEC and its op, `0.affine`.
    pub node: String,
    /// The layer's word in the SPEC, if it is in a layer.
    pub layer: Option<String>,
    /// The value.
    pub value: f64,
}

impl fmt::Display for Diverged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Diverged { epoch, step, of, loss, rate, optimizer, first } = self;
        write!(f, "epoch {epoch}, step {step}, rate {}: expected a finite {of}, found {loss}", short(*rate))?;
        if let Some(NotFinite { node, layer, value }) = first {
            write!(f, "\n  first value that was not finite: {value} in {node}")?;
            if let Some(layer) = layer {
                write!(f, " (layer {layer})")?;
            }
        }
        // A tenth of a rate that is far too large still is.
        let tenth = rate / 10.0;
        match Optimizer::named(optimizer).map(Optimizer::usual_rate).filter(|&usual| usual < tenth) {
            Some(usual) => write!(f, "\n  hint: try a smaller rate; the usual one of {optimizer} is {}", short(usual)),
            None => write!(f, "\n  hint: try a smaller rate, such as {}", short(tenth)),
        }
    }
}

impl std::error::Error for Diverged {}

/// Four digits of a number are enough to know it by.
fn short(number: f64) -> String {
    let rounded = format!("{number:.3e}").parse().unwrap_or(number);
    if (1e-4..1e6).contains(&rounded) { rounded.to_string() } else { format!("{rounded:e}") }
}

/// What is looked at.
pub(crate) struct Suspect<'a, 'g> {
    pub(crate) graph: &'g Graph,
    pub(crate) model: &'a Model,
    pub(crate) network: &'a Network<'g>,
}

impl Suspect<'_, '_> {
    /// The first node that is not finite for these `parameters`, the arena's first span, and
    /// these rows of a table. `None` if all are, or there is no memory to look.
    pub(crate) fn first_not_finite<B: Backend>(
        &self,
        backend: &B,
        parameters: &[f64],
        table: &Table,
        rows: &[u32],
        clock: Clock,
    ) -> Option<NotFinite> {
        let request = Request {
            goal: Goal::Loss,
            loss: Some(self.network.loss.id()),
            outputs: self.graph.ids().collect(),
            trace: true,
            ..Request::default()
        };
        let plan = Plan::compile(self.graph, &request).ok()?;
        let mut arena = backend.allocate(&[&plan], rows.len()).ok()?;
        backend.write(&mut arena, Span { offset: 0, len: parameters.len() }, parameters);
        let columns = table.columns();
        backend.run(&plan, &mut arena, &Rows::pick(&plan, &columns, rows).ok()?, clock);
        self.graph.ids().find_map(|id| {
            let values = match plan.parameters().iter().find(|p| p.node == id) {
                Some(parameter) => backend.read_span(&arena, parameter.span),
                None => backend.read(&plan, &arena, plan.value_of(id)?),
            };
            let value = values.into_iter().find(|value| !value.is_finite())?;
            let (node, layer) = node_name(self.graph, self.network, id);
            let layer = layer.and_then(|at| self.model.layers().get(at)).map(ToString::to_string);
            Some(NotFinite { node, layer, value })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_is_a_tenth_or_the_usual_rate() {
        let hint = |rate| {
            let diverged =
                Diverged { epoch: 1, step: 2, of: "loss", loss: f64::NAN, rate, optimizer: "sgd", first: None };
            diverged.to_string().lines().last().unwrap_or_default().to_owned()
        };
        assert_eq!(hint(1e30), "  hint: try a smaller rate; the usual one of sgd is 0.1");
        assert_eq!(hint(0.5), "  hint: try a smaller rate, such as 0.05");
        assert_eq!(hint(1e-3), "  hint: try a smaller rate, such as 0.0001");
    }
}
