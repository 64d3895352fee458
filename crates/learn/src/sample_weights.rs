//! Rows that count more than others: the training loss is Σ wᵢ·lossᵢ / n over a batch's n rows.
//!
//! Weights are scaled so that their mean over the training rows is 1, and a rate means what it means without them. So a
//! row of weight 2 pulls as if it stood there twice. Validation and test rows count once each, whatever their weights.

use chainrule_engine::{Graph, Shape};

use crate::examples::Examples;
use crate::input_error::InputError;
use crate::model::Network;

/// The network with a third input `w`, a number a row, by which the row's loss is multiplied in training.
///
/// ```
/// use chainrule::{Build, Model, Objective, Task, sample_weights::with_weights};
/// let graph = chainrule::engine::Graph::new();
/// let objective = Objective::usual(Task::Number);
/// let network = Model::usual(1).build(&graph, [4].into(), objective, Build::Train)?;
/// let network = with_weights(&graph, network);
/// let plan = graph.gradients(network.loss)?;
/// let names: Vec<&str> = plan.inputs().iter().map(|input| &*input.name).collect();
/// assert_eq!(names, ["x", "t", "w"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn with_weights<'g>(graph: &'g Graph, network: Network<'g>) -> Network<'g> {
    let w = graph.input("w", Shape::scalar());
    let loss_by_row = network.loss_by_row * w;
    Network { loss: loss_by_row.batch_mean(), loss_by_row, ..network }
}

/// The network, with weights if the examples have them.
pub(crate) fn weighed<'g>(graph: &'g Graph, network: Network<'g>, examples: &Examples) -> Network<'g> {
    if examples.are_weighed() { with_weights(graph, network) } else { network }
}

/// Scales the weights so that their mean over the training `rows` is 1.
///
/// # Errors
/// If one is negative or not finite, or all of the training rows are 0.
pub(crate) fn normalise(weights: &mut [f32], rows: &[u32], source: &str) -> Result<(), InputError> {
    let place = || format!("{source}, weights");
    if let Some(row) = weights.iter().position(|weight| !weight.is_finite() || *weight < 0.0) {
        return Err(InputError::new(
            place(),
            "finite numbers from 0",
            format!("{} in row {}", weights[row], row + 1),
            "correct the cell; 0 leaves the row out of the loss",
        ));
    }
    let mean = rows.iter().map(|&row| f64::from(weights[row as usize])).sum::<f64>() / rows.len() as f64;
    if mean <= 0.0 {
        let hint = "give some rows a weight above 0";
        return Err(InputError::new(place(), "a row to learn from with a weight above 0", "none", hint));
    }
    weights.iter_mut().for_each(|weight| *weight = (f64::from(*weight) / mean) as f32);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::Objective;
    use crate::model::{Build, Model, Task};
    use chainrule_engine::{Backend, Clock, Column, Reference, Rows};

    /// The gradient of `affine:2 tanh affine:K` over all rows.
    fn gradient(task: Task, x: &[f64], t: Column<'_>, w: Option<&[f64]>) -> Vec<f64> {
        let model: Model =
            if task == Task::Number { "affine:2 tanh affine:1" } else { "affine:2 tanh affine:3" }.parse().unwrap();
        let graph = Graph::new();
        let mut network = model.build(&graph, [2].into(), Objective::usual(task), Build::Train).unwrap();
        if w.is_some() {
            network = with_weights(&graph, network);
        }
        let plan = graph.gradients(network.loss).unwrap();
        let mut arena = Reference.allocate(&[&plan], 8).unwrap();
        for (number, parameter) in plan.parameters().iter().enumerate() {
            let values: Vec<f64> = (0..parameter.shape.len()).map(|i| ((number * 7 + i * 3) as f64).sin()).collect();
            Reference.write(&mut arena, parameter.span, &values);
        }
        let columns = [Column::F64(x), t, w.map_or(Column::Absent, Column::F64)];
        Reference.run(&plan, &mut arena, &Rows::all(&plan, &columns).unwrap(), Clock::default());
        let parameters = graph.ids().filter(|&id| matches!(graph.node(id).kind, chainrule_engine::Kind::Parameter));
        parameters.flat_map(|id| Reference.read(&plan, &arena, plan.gradient(graph.var(id)).unwrap())).collect()
    }

    #[test]
    fn a_weight_of_2_is_the_row_twice() {
        let (x, twice) = ([0.3, -1.0, 2.0, 0.5, -0.7, 0.1], [0.3, -1.0, 0.3, -1.0, 2.0, 0.5, -0.7, 0.1]);
        let mut weights = [2.0, 1.0, 1.0];
        normalise(&mut weights, &[0, 1, 2], "t").unwrap();
        let weights = weights.map(f64::from);
        let close = |a: Vec<f64>, b: Vec<f64>| {
            assert!(a.len() > 8 && a.iter().any(|a| a.abs() > 0.01));
            assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-12), "{a:?} {b:?}");
        };
        close(
            gradient(Task::Number, &x, Column::F64(&[1.0, 2.0, 3.0]), Some(&weights)),
            gradient(Task::Number, &twice, Column::F64(&[1.0, 1.0, 2.0, 3.0]), None),
        );
        close(
            gradient(Task::Classes(3), &x, Column::U32(&[2, 0, 1]), Some(&weights)),
            gradient(Task::Classes(3), &twice, Column::U32(&[2, 2, 0, 1]), None),
        );
    }

    #[test]
    fn weights_that_cannot_be() {
        let refused = |weights: &mut [f32]| normalise(weights, &[0, 1], "t").unwrap_err().found;
        assert_eq!(refused(&mut [1.0, -1.0]), "-1 in row 2");
        assert_eq!(refused(&mut [0.0, 0.0, 5.0]), "none");
        let mut weights = [1.0, 3.0, 4.0];
        normalise(&mut weights, &[0, 1], "t").unwrap();
        assert_eq!(weights, [0.5, 1.5, 2.0]);
    }
}
