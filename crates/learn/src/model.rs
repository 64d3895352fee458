//! A model: layers from a SPEC, and the graph they make for an input and a task.
//!
//! | target | outputs y | loss of a row |
//! | --- | --- | --- |
//! | one of K classes | softmax(z), z the K outputs of the last layer | −ln y at the class |
//! | a number | the one output of the last layer | (y − t)² |

use std::fmt;
use std::str::FromStr;

use chainrule_engine::{Graph, NodeId, Shape, Var};

use crate::input_error::InputError;
use crate::spec::{self, Layer};

/// The most numbers that a model may have: indices of them, in bytes, must be safe to compute with.
const MOST: usize = isize::MAX as usize / 1024;

/// What is learned: it decides the last layer's size and the loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// One of so many classes.
    Classes(usize),
    /// One number.
    Number,
}

impl Task {
    /// How many outputs the last layer has.
    pub fn outputs(self) -> usize {
        match self {
            Task::Classes(classes) => classes,
            Task::Number => 1,
        }
    }

    fn reason(self) -> String {
        match self {
            Task::Classes(classes) => format!("one output for each of the {classes} classes"),
            Task::Number => "one output, as the target is a number".to_owned(),
        }
    }
}

/// Layers in order, written as a SPEC.
///
/// ```
/// use chainrule::{Model, Task};
/// let model: Model = "affine:50 relu affine:10".parse()?;
/// assert_eq!(model.to_string(), "affine:50 relu affine:10");
/// assert_eq!(model.numbers(784), Some(784 * 50 + 50 + 50 * 10 + 10));
/// assert_eq!(Model::usual(Task::Classes(3)).to_string(), "affine:128 relu affine:3");
/// # Ok::<(), chainrule::InputError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    layers: Vec<Layer>,
}

/// A model as nodes of a graph.
#[derive(Debug)]
pub struct Network<'g> {
    /// The input, `[width]` a row.
    pub x: Var<'g>,
    /// The target: a class's number, or a number `[1]`.
    pub t: Var<'g>,
    /// The outputs of a row: probabilities `[K]`, or a number `[1]`.
    pub y: Var<'g>,
    /// The mean loss of the rows at hand.
    pub loss: Var<'g>,
    /// The loss of each row.
    pub loss_by_row: Var<'g>,
    /// The last node of each layer.
    pub layers: Vec<NodeId>,
}

impl Model {
    /// What is trained when nothing is asked for: one hidden layer of 128.
    pub fn usual(task: Task) -> Model {
        Model { layers: vec![Layer::Affine(128), Layer::Relu, Layer::Affine(task.outputs())] }
    }

    /// The layers, first to last.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// How many numbers the weights and biases are for an input of `width` numbers; `None` if
    /// there are more than can be addressed.
    pub fn numbers(&self, width: usize) -> Option<usize> {
        let (mut sum, mut inputs) = (0usize, width);
        for layer in &self.layers {
            if let Layer::Affine(outputs) = *layer {
                sum = inputs.checked_add(1)?.checked_mul(outputs)?.checked_add(sum)?;
                inputs = outputs;
            }
        }
        (sum <= MOST).then_some(sum)
    }

    /// Whether the last layer gives what the task needs.
    ///
    /// # Errors
    /// If it does not, naming the last word.
    pub fn expect_outputs(&self, task: Task) -> Result<(), InputError> {
        let last = self.layers.last();
        let wanted = Layer::Affine(task.outputs());
        if last == Some(&wanted) {
            return Ok(());
        }
        let hint = match last {
            Some(Layer::Affine(_)) => format!("change the last word to {wanted}"),
            _ => format!("add {wanted} as the last word; the loss takes the layer's plain outputs"),
        };
        Err(InputError::new(
            spec::place(&self.to_string(), self.layers.len().saturating_sub(1)),
            format!("{wanted}, {}", task.reason()),
            last.map_or("nothing".to_owned(), Layer::to_string),
            hint,
        ))
    }

    /// Adds the model to `graph`, for rows of `width` numbers. Parameters are called by the
    /// number of their layer in the SPEC: `0.weight` `[in, out]`, `0.bias` `[out]`, `2.weight`.
    ///
    /// # Errors
    /// If the last layer does not fit the task, or there are more numbers than can be addressed.
    pub fn build<'g>(&self, graph: &'g Graph, width: usize, task: Task) -> Result<Network<'g>, InputError> {
        self.expect_outputs(task)?;
        let too_large = || {
            InputError::new(
                format!("model '{self}'"),
                format!("at most {MOST} weights, for rows of at least one number"),
                format!("rows of {width} numbers"),
                "make its layers narrower",
            )
        };
        self.numbers(width).ok_or_else(too_large)?;
        let shape = |axes: &[usize]| Shape::new(axes).ok_or_else(too_large);

        let x = graph.input("x", shape(&[width])?);
        let t = match task {
            Task::Classes(_) => graph.label("t"),
            Task::Number => graph.input("t", [1]),
        };
        let (mut y, mut inputs) = (x, width);
        let mut layers = Vec::with_capacity(self.layers.len());
        for (at, layer) in self.layers.iter().enumerate() {
            y = match *layer {
                Layer::Affine(outputs) => {
                    let weight = graph.parameter(&format!("{at}.weight"), shape(&[inputs, outputs])?);
                    let bias = graph.parameter(&format!("{at}.bias"), shape(&[outputs])?);
                    inputs = outputs;
                    y.affine(weight, bias)
                }
                Layer::Relu => y.relu(),
                Layer::Sigmoid => y.sigmoid(),
                Layer::Tanh => y.tanh(),
            };
            layers.push(y.id());
        }
        let (y, loss_by_row) = match task {
            Task::Classes(_) => (y.softmax(), y.softmax_with_loss(t)),
            Task::Number => (y, y.mean_squared_error(t)),
        };
        Ok(Network { x, t, y, loss: loss_by_row.batch_mean(), loss_by_row, layers })
    }
}

impl FromStr for Model {
    type Err = InputError;

    fn from_str(spec: &str) -> Result<Self, InputError> {
        Ok(Model { layers: spec::parse(spec)? })
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, layer) in self.layers.iter().enumerate() {
            write!(f, "{}{layer}", if at == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(spec: &str) -> Model {
        spec.parse().unwrap()
    }

    #[test]
    fn parameters_are_named_by_their_layer() {
        let g = Graph::new();
        let network = model("affine:5 relu affine:3").build(&g, 4, Task::Classes(3)).unwrap();
        let plan = g.predict(&[network.y]).unwrap();
        let names: Vec<(&str, &[usize])> = plan.parameters().iter().map(|p| (&*p.name, p.shape.axes())).collect();
        assert_eq!(names, [("0.weight", &[4, 5][..]), ("0.bias", &[5]), ("2.weight", &[5, 3]), ("2.bias", &[3])]);
        assert_eq!(network.layers.len(), 3);
        assert_eq!(network.y.shape().axes(), [3]);
    }

    #[test]
    fn the_last_layer_must_fit() {
        let misfit = |spec: &str, task| model(spec).build(&Graph::new(), 4, task).unwrap_err();
        let e = misfit("affine:5 relu affine:3", Task::Classes(10));
        assert_eq!(e.place, "model 'affine:5 relu affine:3', word 3");
        assert_eq!(e.expected, "affine:10, one output for each of the 10 classes");
        assert_eq!((&*e.found, &*e.hint), ("affine:3", "change the last word to affine:10"));
        assert_eq!(misfit("affine:2", Task::Number).expected, "affine:1, one output, as the target is a number");
        assert!(misfit("affine:3 relu", Task::Classes(3)).hint.starts_with("add affine:3 as the last word"));
    }

    #[test]
    fn a_model_beyond_memory_is_refused() {
        let wide = model("affine:16777216 affine:16777216 affine:1");
        assert!(wide.build(&Graph::new(), usize::MAX / 2, Task::Number).is_err());
        assert_eq!(model("affine:1").numbers(usize::MAX), None);
    }
}
