//! A model: layers from a SPEC, and the graph they make for an input and an objective.
//!
//! Training and testing are two builds: that of a test has no dropout, and its batch_norm reads what training met. Both
//! have the same parameters in the same order, and so share an arena.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use chainrule_engine::{Follow, Graph, NodeId, Shape, Var};

use crate::input_error::InputError;
use crate::layer_shape::{LayerShape, MOST, Role, layer_shapes};
use crate::loss::{Loss, Objective};
use crate::spec::branches::walk;
use crate::spec::{self, Layer};

/// What is learned: it decides the last layer's size and the loss.
///
/// ```
/// use chainrule::{Model, Objective, Task};
/// let model: Model = "affine:3".parse()?;
/// assert!(model.expect_outputs(Objective::usual(Task::Classes(3))).is_ok());
/// assert!(model.expect_outputs(Objective::usual(Task::Number)).is_err());
/// # Ok::<(), chainrule::InputError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// One of so many classes.
    Classes(usize),
    /// One number.
    Number,
}

/// What a graph is built for.
///
/// ```
/// use chainrule::engine::Graph;
/// use chainrule::{Build, Model, Objective, Task};
/// let model: Model = "dropout:0.5 affine:3".parse()?;
/// let nodes = |build| -> Result<usize, chainrule::InputError> {
///     let graph = Graph::new();
///     model.build(&graph, [4].into(), Objective::usual(Task::Classes(3)), build)?;
///     Ok(graph.len())
/// };
/// // A test drops nothing.
/// assert!(nodes(Build::Train)? > nodes(Build::Test)?);
/// # Ok::<(), chainrule::InputError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// Training: numbers are dropped, and batches have statistics of their own.
    Train,
    /// Judging and predicting: a row's answer depends on that row alone.
    Test,
}

/// Numbers of a gray picture that needs no convolution.
const SMALL: usize = 1024;
/// Convolutions that are usual at most.
const MOST_BLOCKS: usize = 4;
/// PyTorch's usual values.
const EPSILON: f64 = 1e-5;
const MOMENTUM: f64 = 0.1;

fn reason(objective: Objective) -> String {
    match objective {
        Objective { loss: Loss::BinaryCrossEntropy, .. } => "one output, as the loss is binary".to_owned(),
        Objective { task: Task::Classes(classes), .. } => format!("one output for each of the {classes} classes"),
        Objective { task: Task::Number, .. } => "one output, as the target is a number".to_owned(),
    }
}

/// Layers in order, written as a SPEC.
///
/// ```
/// use chainrule::Model;
/// let model: Model = "affine:50 relu affine:10".parse()?;
/// assert_eq!(model.to_string(), "affine:50 relu affine:10");
/// assert_eq!(model.numbers([784].into())?, 784 * 50 + 50 + 50 * 10 + 10);
/// let model: Model = "conv2d:8@3 max_pool:2 affine:10".parse()?;
/// assert_eq!(model.numbers([1, 28, 28].into())?, 8 * 3 * 3 + 8 + 8 * 13 * 13 * 10 + 10);
/// assert_eq!(Model::usual(3).to_string(), "affine:128 relu affine:3");
/// assert_eq!(Model::usual_of_images([1, 28, 28], 3), Model::usual(3));
/// let color = "conv2d:16@3,padding=1 relu max_pool:2 conv2d:32@3,padding=1 relu max_pool:2 affine:128 relu affine:3";
/// assert_eq!(Model::usual_of_images([3, 32, 32], 3).to_string(), color);
/// # Ok::<(), chainrule::InputError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    layers: Vec<Layer>,
}

/// A model as nodes of a graph.
///
/// ```
/// use chainrule::engine::Graph;
/// use chainrule::{Build, Model, Objective, Task};
/// let model: Model = "affine:50 relu affine:10".parse()?;
/// let graph = Graph::new();
/// let network = model.build(&graph, [784].into(), Objective::usual(Task::Classes(10)), Build::Train)?;
/// assert_eq!((network.y.shape().axes(), network.layers.len()), (&[10][..], 3));
/// # Ok::<(), chainrule::InputError>(())
/// ```
#[derive(Debug)]
pub struct Network<'g> {
    /// The input, `[width]` or `[channels, height, width]` a row.
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
    /// What is trained on rows of numbers and on small gray pictures when nothing is asked for: one hidden layer of 128.
    pub fn usual(outputs: usize) -> Model {
        Model { layers: vec![Layer::Affine(128), Layer::Relu, Layer::Affine(outputs)] }
    }

    /// The same for pictures of `image`, channels, height and width: as [`usual`](Self::usual) up to 1,024 numbers; for larger
    /// ones, and those in color, convolutions of 16, 32, ... channels before it, each followed by a pool that halves the sides,
    /// until a side is shorter than 16.
    pub fn usual_of_images(image: [usize; 3], outputs: usize) -> Model {
        let [channels, height, width] = image;
        let side = height.min(width);
        let convolves = channels > 1 || height * width > SMALL;
        let blocks = (0..MOST_BLOCKS).take_while(|block| convolves && side >> block >= 16);
        let spec: String = blocks.map(|block| format!("conv2d:{}@3,padding=1 relu max_pool:2 ", 16 << block)).collect();
        let spec = format!("{spec}{}", Model::usual(outputs));
        spec.parse().unwrap_or_else(|_| Model::usual(outputs))
    }

    /// The same for a table: hidden layers of 128 and 64.
    pub fn usual_of_tables(outputs: usize) -> Model {
        Model { layers: vec![Layer::Affine(128), Layer::Relu, Layer::Affine(64), Layer::Relu, Layer::Affine(outputs)] }
    }

    /// The layers, first to last.
    ///
    /// ```
    /// use chainrule::{Model, spec::Layer};
    /// assert_eq!(Model::usual(3).layers()[1], Layer::Relu);
    /// ```
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The shapes of each layer for rows of the shape `input`: a vector, or an image's channels,
    /// height and width.
    ///
    /// ```
    /// let model: chainrule::Model = "conv2d:8@3 flatten affine:10".parse()?;
    /// let shapes = model.shapes([1, 28, 28].into())?;
    /// assert_eq!(shapes[0].output.axes(), [8, 26, 26]);
    /// let error = model.shapes([784].into()).unwrap_err();
    /// println!("{error}");
    /// # Ok::<(), chainrule::InputError>(())
    /// ```
    ///
    /// # Errors
    /// If a layer cannot take what the one before it gives, naming its word; or there are more
    /// numbers than can be addressed.
    pub fn shapes(&self, input: Shape) -> Result<Vec<LayerShape>, InputError> {
        layer_shapes(&self.layers, input).map_err(|(at, e)| {
            let place = format!("{}, {}", spec::place(&self.to_string(), at), self.layers[at]);
            InputError { place, ..e }
        })
    }

    /// Rows must be whole numbers below this: the network begins with an embedding.
    pub fn takes_numbers_below(&self) -> Option<usize> {
        match self.layers.first() {
            Some(Layer::Embedding { rows, .. }) => Some(*rows),
            _ => None,
        }
    }

    /// How many numbers the weights and biases are for rows of the shape `input`.
    ///
    /// ```
    /// let model: chainrule::Model = "affine:50 relu affine:10".parse()?;
    /// assert_eq!(model.numbers([784].into())?, 784 * 50 + 50 + 50 * 10 + 10);
    /// # Ok::<(), chainrule::InputError>(())
    /// ```
    ///
    /// # Errors
    /// As [`shapes`](Self::shapes).
    pub fn numbers(&self, input: Shape) -> Result<usize, InputError> {
        let shapes = self.shapes(input)?;
        let numbers = shapes.iter().flat_map(|layer| &layer.parameters).map(|(_, shape)| shape.len());
        let sum = numbers.fold(0usize, usize::saturating_add);
        if sum <= MOST {
            return Ok(sum);
        }
        let place = format!("model '{self}'");
        Err(InputError::new(place, format!("at most {MOST} weights"), sum.to_string(), "make its layers narrower"))
    }

    /// Whether the last layer gives what the loss takes.
    ///
    /// # Errors
    /// If it does not, naming the last word.
    pub fn expect_outputs(&self, objective: Objective) -> Result<(), InputError> {
        let last = self.layers.last();
        let wanted = Layer::Affine(objective.outputs());
        if last == Some(&wanted) {
            return Ok(());
        }
        let hint = match last {
            Some(Layer::Affine(_)) => format!("change the last word to {wanted}"),
            _ => format!("add {wanted} as the last word; the loss takes the layer's plain outputs"),
        };
        Err(InputError::new(
            spec::place(&self.to_string(), self.layers.len().saturating_sub(1)),
            format!("{wanted}, {}", reason(objective)),
            last.map_or("nothing".to_owned(), Layer::to_string),
            hint,
        ))
    }

    /// Adds the model to `graph`, for rows of the shape `input`. Parameters are called by the
    /// number of their layer in the SPEC, from 0: `0.weight`, `0.bias`, `2.weight`. A weight is
    /// `[in, out]` of affine, `[out, in / groups, height, width]` of conv2d.
    ///
    /// ```
    /// use chainrule::engine::{Graph, Rule};
    /// use chainrule::{Build, Model, Objective, Task};
    /// let model: Model = "affine:50 relu affine:10".parse()?;
    /// let graph = Graph::new();
    /// let network = model.build(&graph, [784].into(), Objective::usual(Task::Classes(10)), Build::Train)?;
    /// let step = graph.update(network.loss, Rule::Sgd)?;
    /// assert_eq!(step.parameter("0.weight").unwrap().len, 784 * 50);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the last layer does not fit the objective, or as [`shapes`](Self::shapes).
    pub fn build<'g>(
        &self,
        graph: &'g Graph,
        input: Shape,
        objective: Objective,
        build: Build,
    ) -> Result<Network<'g>, InputError> {
        self.expect_outputs(objective)?;
        self.numbers(input)?;

        let x = graph.input("x", input);
        let t = match objective.loss {
            Loss::SoftmaxCrossEntropy { .. } => graph.label("t"),
            _ => graph.input("t", [1]),
        };
        let shapes = self.shapes(input)?;
        let layer = |at: usize, y: Var<'g>| {
            let layer = self.layers[at];
            let parameter = |(role, shape): &(Role, Shape)| {
                let parameter = graph.parameter(&format!("{at}.{}", role.name()), *shape);
                let norm = matches!(layer, Layer::BatchNorm | Layer::LayerNorm);
                if *role == Role::Weight && !norm { parameter } else { parameter.without_decay() }
            };
            let parameters: Vec<Var<'g>> = shapes[at].parameters.iter().map(parameter).collect();
            Ok::<_, Infallible>(layer_on(graph, layer, at, y, &parameters, build))
        };
        let join = |_, parts: Vec<Var<'g>>| Ok(parts[0].concat(&parts[1..]));
        let Ok(after) = walk(&self.layers, x, layer, |_, x, y| Ok(x + y), join);
        let layers = after.iter().map(|y| y.id()).collect();
        let y = after.last().copied().unwrap_or(x);
        let (y, loss_by_row) = objective.loss.of(y, t);
        Ok(Network { x, t, y, loss: loss_by_row.batch_mean(), loss_by_row, layers })
    }
}

/// The layer number `at` on x.
fn layer_on<'g>(
    graph: &'g Graph,
    layer: Layer,
    at: usize,
    x: Var<'g>,
    parameters: &[Var<'g>],
    build: Build,
) -> Var<'g> {
    match (layer, parameters) {
        (Layer::Affine(_), &[weight, bias]) if x.shape().rank() > 1 => x.flatten().affine(weight, bias),
        (Layer::Affine(_), &[weight, bias]) => x.affine(weight, bias),
        (Layer::Conv2d(convolution), &[weight, bias]) => x.conv2d(weight, bias, convolution.options),
        (Layer::Embedding { .. }, &[table]) => x.embedding(table),
        (Layer::LayerNorm, &[gamma, beta]) => x.layer_norm(gamma, beta, EPSILON),
        (Layer::BatchNorm, &[gamma, beta, mean, variance]) if build == Build::Train => {
            let norm = x.batch_norm(gamma, beta, EPSILON);
            let a_row = x.shape().len() / gamma.shape().len();
            for (parameter, value, variance_of) in [(mean, norm.mean, None), (variance, norm.variance, Some(a_row))] {
                graph.follow(Follow { parameter: parameter.id(), value: value.id(), share: MOMENTUM, variance_of });
            }
            norm.y
        }
        (Layer::BatchNorm, &[gamma, beta, mean, variance]) => x.normalise(mean, variance, gamma, beta, EPSILON),
        (Layer::Affine(_) | Layer::Conv2d(_) | Layer::LayerNorm | Layer::BatchNorm | Layer::Embedding { .. }, _) => {
            unreachable!("layer_shape gives their parameters")
        }
        (Layer::Dropout(rate), _) if build == Build::Train => x.dropout(rate, at as u64),
        (Layer::Dropout(_), _) => x,
        (Layer::MaxPool(pool), _) => x.max_pool(pool),
        (Layer::AvgPool(pool), _) => x.avg_pool(pool),
        (Layer::GlobalAvgPool, _) => x.global_avg_pool(),
        (Layer::Flatten, _) => x.flatten(),
        (Layer::Relu, _) => x.relu(),
        (Layer::LeakyRelu(leaky), _) => x.leaky_relu(leaky.slope),
        (Layer::Elu(elu), _) => x.elu(elu.alpha),
        (Layer::Gelu, _) => x.gelu(),
        (Layer::Silu, _) => x.silu(),
        (Layer::Softplus, _) => x.softplus(),
        (Layer::Sigmoid, _) => x.sigmoid(),
        (Layer::Tanh, _) => x.tanh(),
        (Layer::Softmax, _) => x.softmax(),
        (Layer::Residual | Layer::Concat | Layer::Or | Layer::Close, _) => x,
    }
}

impl FromStr for Model {
    type Err = InputError;

    fn from_str(spec: &str) -> Result<Self, InputError> {
        let model = Model { layers: spec::parse(spec)? };
        if model.layers.last() != Some(&Layer::Softmax) {
            return Ok(model);
        }
        Err(InputError::new(
            format!("{}, softmax", spec::place(spec, model.layers.len() - 1)),
            "affine:N as the last word",
            "softmax",
            "leave it out: the loss takes the layer's plain outputs, and applies softmax itself",
        ))
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
        let network = model("affine:5 relu affine:3")
            .build(&g, [4].into(), Objective::usual(Task::Classes(3)), Build::Test)
            .unwrap();
        let plan = g.predict(&[network.y]).unwrap();
        let names: Vec<(&str, &[usize])> = plan.parameters().iter().map(|p| (&*p.name, p.shape.axes())).collect();
        assert_eq!(names, [("0.weight", &[4, 5][..]), ("0.bias", &[5]), ("2.weight", &[5, 3]), ("2.bias", &[3])]);
        assert_eq!(network.layers.len(), 3);
        assert_eq!(network.y.shape().axes(), [3]);
    }

    #[test]
    fn the_last_layer_must_fit() {
        let misfit = |spec: &str, task| {
            model(spec).build(&Graph::new(), [4].into(), Objective::usual(task), Build::Test).unwrap_err()
        };
        let e = misfit("affine:5 relu affine:3", Task::Classes(10));
        assert_eq!(e.place, "model 'affine:5 relu affine:3', word 3");
        assert_eq!(e.expected, "affine:10, one output for each of the 10 classes");
        assert_eq!((&*e.found, &*e.hint), ("affine:3", "change the last word to affine:10"));
        assert_eq!(misfit("affine:2", Task::Number).expected, "affine:1, one output, as the target is a number");
        assert!(misfit("affine:3 relu", Task::Classes(3)).hint.starts_with("add affine:3 as the last word"));
    }

    #[test]
    fn softmax_stands_within_and_not_before_the_loss() {
        let e = "affine:5 softmax".parse::<Model>().unwrap_err();
        assert_eq!((&*e.place, &*e.found), ("model 'affine:5 softmax', word 2, softmax", "softmax"));
        assert!(
            model("affine:5 softmax affine:2")
                .build(&Graph::new(), [4].into(), Objective::usual(Task::Classes(2)), Build::Test)
                .is_ok()
        );
        let e = model("softmax affine:2").shapes([1, 2, 2].into()).unwrap_err();
        assert_eq!((&*e.expected, &*e.found), ("a vector", "an image of 1x2x2"));
    }

    #[test]
    fn a_model_beyond_memory_is_refused() {
        let wide = model("affine:16777216 affine:16777216 affine:1");
        assert!(wide.build(&Graph::new(), [1 << 59].into(), Objective::usual(Task::Number), Build::Test).is_err());
        assert!(model("affine:1").numbers([1 << 59].into()).is_err());
        let wide = model("conv2d:16777216@65536,padding=65536 affine:1");
        assert!(wide.numbers([1, 9, 9].into()).unwrap_err().expected.starts_with("at most 4294967296 numbers"));
    }

    #[test]
    fn images_become_vectors_before_affine() {
        let g = Graph::new();
        let spec = "conv2d:4@3,padding=1 relu max_pool:2 conv2d:6@3x2,groups=2 flatten tanh affine:3";
        for spec in [spec, &spec.replace("flatten ", "")] {
            let input = Shape::from([1, 8, 9]);
            let network = model(spec).build(&g, input, Objective::usual(Task::Classes(3)), Build::Test).unwrap();
            assert_eq!(network.x.shape(), input);
            let shapes: Vec<Shape> = model(spec).shapes(input).unwrap().iter().map(|s| s.output).collect();
            let built: Vec<Shape> = network.layers.iter().map(|&id| g.node(id).shape).collect();
            assert_eq!(shapes, built);
            assert_eq!(shapes[..4], [[4, 8, 9].into(), [4, 8, 9].into(), [4, 4, 4].into(), Shape::from([6, 2, 3])]);
        }
        let plan = g.check();
        assert!(plan.is_ok());
    }

    #[test]
    fn branches_meet() {
        let spec = "affine:4 residual( affine:6 relu affine:4 ) concat( tanh | affine:3 | ) affine:2";
        let g = Graph::new();
        let network = model(spec).build(&g, [5].into(), Objective::usual(Task::Classes(2)), Build::Train).unwrap();
        let widths: Vec<usize> = model(spec).shapes([5].into()).unwrap().iter().map(|s| s.output.len()).collect();
        assert_eq!(widths, [4, 4, 6, 6, 4, 4, 4, 4, 4, 3, 4, 11, 2]);
        let built: Vec<usize> = network.layers.iter().map(|&id| g.node(id).shape.len()).collect();
        assert_eq!(widths, built);
        let plan = g.gradients(network.loss).unwrap();
        let names: Vec<&str> = plan.parameters().iter().map(|p| &*p.name).step_by(2).collect();
        assert_eq!(names, ["0.weight", "2.weight", "4.weight", "9.weight", "12.weight"]);
        assert_eq!(model(spec).numbers([5].into()).unwrap(), 24 + 30 + 28 + 15 + 24);

        let refused = |spec: &str, input: Shape| {
            let e = model(spec).shapes(input).unwrap_err();
            (e.place.rsplit("', ").next().unwrap_or_default().to_owned(), e.expected, e.found)
        };
        let (place, expected, found) = refused("residual( affine:6 ) affine:2", [5].into());
        assert_eq!(
            (&*place, &*expected, &*found),
            ("word 3, )", "the residual to end as it begins, with 5", "a row of 6")
        );
        let (place, expected, _) = refused("concat( conv2d:2@3 | ) affine:2", [1, 5, 5].into());
        assert_eq!((&*place, &*expected), ("word 4, )", "shapes that differ in the first axis alone"));
        let (place, expected, _) = refused("affine:3 embedding:4@2 affine:2", [5].into());
        assert_eq!((&*place, &*expected), ("word 2, embedding:4@2", "a row of whole numbers, as the first word"));
    }

    #[test]
    fn a_layer_that_cannot_be_is_named_by_its_place() {
        let refused = |spec: &str, input: Shape| {
            let e = model(spec).shapes(input).unwrap_err();
            (e.place, e.expected, e.found, e.hint)
        };
        let image = Shape::from([1, 8, 8]);
        let (place, expected, found, _) = refused("relu conv2d:4@9 affine:10", image);
        assert_eq!(place, "model 'relu conv2d:4@9 affine:10', word 2, conv2d:4@9");
        assert_eq!(expected, "at least 9 x 9 with the padding, as far as the kernel reaches");
        assert_eq!(found, "an image of 1x8x8");
        let (place, expected, found, _) = refused("max_pool:2 max_pool:3 max_pool:2 affine:10", image);
        assert!(place.ends_with("word 3, max_pool:2"), "{place}");
        assert_eq!((&*expected, &*found), ("at least 2 x 2 with the padding, a whole window", "an image of 1x1x1"));
        let (_, expected, ..) = refused("conv2d:4@3,groups=2 affine:10", image);
        assert_eq!(expected, "a number of channels that 2 groups can share equally");
        let (_, expected, found, hint) = refused("conv2d:4@3 affine:10", [64].into());
        assert_eq!((&*expected, &*found), ("an image to go over", "a row of 64"));
        assert!(hint.ends_with("--input 1x8x8"), "{hint}");
        let (.., hint) = refused("affine:16 max_pool:2 affine:10", image);
        assert!(hint.starts_with("put it before affine:16"), "{hint}");
    }
}
