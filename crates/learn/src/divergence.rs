//! Where a training broke: the first value, in the order of computation, that was not finite, and the row of the batch that it is of.
//!
//! A step overwrites the parameters that it was computed from. Steps are exact to the bit, so
//! the trainer replays the epoch from its start up to the step that failed, and that one runs
//! once more here on a plan that keeps every node's value.

use std::fmt;
use std::path::PathBuf;

use chainrule_engine::{Backend, Clock, Extent, Goal, Graph, Optimizer, Plan, Request, Rows, Span};

use crate::command_line::quoted;
use crate::encoding::Table;
use crate::model::{Model, Network};
use crate::node_name::node_name;

/// Rows of a batch that are named at most.
const NAMED: usize = 8;

/// A training that was stopped, because its loss was not a finite number.
///
/// ```
/// use chainrule::trainer::TrainError;
/// use chainrule::{Settings, digits, train};
/// let sgd = chainrule::engine::Rule::Sgd.into();
/// let settings = Settings { optimizer: sgd, rate: Some(1e9), epochs: 2, ..Settings::default() };
/// let Err(TrainError::Diverged(diverged)) = train(digits(), &settings, |_progress| {}) else { panic!() };
/// println!("step {} of epoch {}: {} is {}", diverged.step, diverged.epoch, diverged.of, diverged.loss);
/// ```
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
    /// The batch's rows by their numbers in the data, from 0; none after the epoch's last step.
    pub rows: Vec<u32>,
    /// The step's number in the training, from 1.
    pub number: u64,
    /// The folder of a training that is kept, where a checkpoint holds what was before the step.
    pub kept: Option<PathBuf>,
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
    /// Which of the rows that were looked at it is of; `None` of what all rows share, such as a parameter.
    pub row: Option<usize>,
}

impl fmt::Display for Diverged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Diverged { epoch, step, of, loss, rate, optimizer, first, rows, number, kept } = self;
        write!(f, "epoch {epoch}, step {step}, rate {}: expected a finite {of}, found {loss}", short(*rate))?;
        if let Some(NotFinite { node, layer, value, row }) = first {
            write!(f, "\n  first value that was not finite: {value} in {node}")?;
            if let Some(layer) = layer {
                write!(f, " (layer {layer})")?;
            }
            if let Some(row) = row.and_then(|row| rows.get(row)) {
                write!(f, ", of row {} of the data", row + 1)?;
            }
        }
        if !rows.is_empty() {
            let named: Vec<String> = rows.iter().take(NAMED).map(|row| (row + 1).to_string()).collect();
            let more = if rows.len() > NAMED { format!(" and {} more", rows.len() - NAMED) } else { String::new() };
            write!(f, "\n  rows of the batch: {}{more}", named.join(", "))?;
        }
        // A tenth of a rate that is far too large still is.
        let tenth = rate / 10.0;
        match Optimizer::named(optimizer).map(Optimizer::usual_rate).filter(|&usual| usual < tenth) {
            Some(usual) => write!(f, "\n  hint: try a smaller rate; the usual one of {optimizer} is {}", short(usual)),
            None => write!(f, "\n  hint: try a smaller rate, such as {}", short(tenth)),
        }?;
        write!(f, ", or --clip-norm 1")?;
        if let Some(folder) = kept {
            let folder = quoted(&folder.display().to_string());
            write!(f, "\n  what was before the step is kept: chainrule trace {folder} --step {number} shows it")?;
        }
        Ok(())
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
            let (at, value) = values.into_iter().enumerate().find(|(_, value)| !value.is_finite())?;
            let (extent, length) = (self.graph.node(id).extent, self.graph.node(id).shape.len());
            let row = (extent == Extent::Row).then(|| at / length.max(1));
            let (node, layer) = node_name(self.graph, self.network, id);
            let layer = layer.and_then(|at| self.model.layers().get(at)).map(ToString::to_string);
            Some(NotFinite { node, layer, value, row })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_is_a_tenth_or_the_usual_rate() {
        let hint = |rate| diverged(rate).to_string().lines().last().unwrap_or_default().to_owned();
        assert_eq!(hint(1e30), "  hint: try a smaller rate; the usual one of sgd is 0.1, or --clip-norm 1");
        assert_eq!(hint(0.5), "  hint: try a smaller rate, such as 0.05, or --clip-norm 1");
        assert_eq!(hint(1e-3), "  hint: try a smaller rate, such as 0.0001, or --clip-norm 1");
    }

    #[test]
    fn the_batch_and_its_row_are_named() {
        let first = NotFinite { node: "y".into(), layer: None, value: f64::INFINITY, row: Some(1) };
        let rows = (10..20).collect();
        let told = Diverged { first: Some(first), rows, kept: Some("my run".into()), ..diverged(0.5) }.to_string();
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(
            lines,
            [
                "epoch 1, step 2, rate 0.5: expected a finite loss, found NaN",
                "  first value that was not finite: inf in y, of row 12 of the data",
                "  rows of the batch: 11, 12, 13, 14, 15, 16, 17, 18 and 2 more",
                "  hint: try a smaller rate, such as 0.05, or --clip-norm 1",
                "  what was before the step is kept: chainrule trace 'my run' --step 2 shows it",
            ]
        );
    }

    fn diverged(rate: f64) -> Diverged {
        Diverged {
            epoch: 1,
            step: 2,
            of: "loss",
            loss: f64::NAN,
            rate,
            optimizer: "sgd",
            first: None,
            rows: Vec::new(),
            number: 2,
            kept: None,
        }
    }
}
