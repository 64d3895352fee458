//! The parameters before the first step: biases and means 0; variances, and the weights of a norm, 1; other weights random, so that a
//! layer's outputs vary about as much as its inputs.
//!
//! | name | weights | by |
//! | --- | --- | --- |
//! | zeros | 0 | |
//! | normal:std | normal with the standard deviation std | |
//! | uniform:limit | uniform from −limit to limit | |
//! | xavier | normal, √(2 / (inputs + outputs)) | Glorot and Bengio, *Understanding the difficulty of training deep feedforward neural networks*, 2010 |
//! | he | normal, √(2 / inputs): ReLU drops half of its inputs | He and others, *Delving Deep into Rectifiers*, 2015 |
//! | lecun | normal, √(1 / inputs) | LeCun and others, *Efficient BackProp*, 1998 |
//! | orthogonal | WᵀW = I, or WWᵀ = I if there are more outputs than inputs | Saxe, McClelland and Ganguli, *Exact solutions to the nonlinear dynamics of learning in deep linear neural networks*, 2014 |
//!
//! where inputs are the numbers that one output is computed from, c / groups · height · width of a conv2d, and outputs
//! those that are computed from one input. Unless one is given, the activation that follows chooses: relu and its kin (leaky_relu,
//! elu, gelu, silu, softplus) he, sigmoid and tanh xavier, any other or none lecun. Each number is a function of (seed, parameter) alone.

mod orthogonal;

use chainrule_engine::{Range, Setting, Shape};

use crate::choice::Choice;
use crate::layer_shape::{Role, roles};
use crate::model::Model;
use crate::random::{Purpose, Stream, stream};
use crate::spec::{Layer, branches};

/// How weights are drawn.
///
/// ```
/// use chainrule::{Initial, choice};
/// assert_eq!(choice::parse::<Initial>("normal:0.01").unwrap(), Initial::Normal { std: 0.01 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Initial {
    /// All 0. Outputs of a layer then never differ, but for its first: for a single layer.
    Zeros,
    /// Normal around 0.
    Normal {
        /// The standard deviation.
        std: f64,
    },
    /// Uniform around 0.
    Uniform {
        /// The largest.
        limit: f64,
    },
    /// Of the variance 2 / (inputs + outputs).
    Xavier,
    /// Of the variance 2 / inputs.
    He,
    /// Of the variance 1 / inputs.
    Lecun,
    /// Columns, or rows if there are fewer, of length 1 and at right angles.
    Orthogonal,
}

const STD: Setting = Setting { name: "std", range: Range::Positive, says: "the standard deviation" };
const LIMIT: Setting = Setting { name: "limit", range: Range::Positive, says: "the largest weight" };

/// The initial weights: with their usual numbers, what they are, what can be set.
pub const INITIALS: [(Initial, &str, &[Setting]); 7] = [
    (Initial::Zeros, "0", &[]),
    (Initial::Normal { std: 0.01 }, "normal, of the standard deviation std", &[STD]),
    (Initial::Uniform { limit: 0.05 }, "uniform from −limit to limit", &[LIMIT]),
    (Initial::Xavier, "normal, of the variance 2 / (inputs + outputs)", &[]),
    (Initial::He, "normal, of the variance 2 / inputs", &[]),
    (Initial::Lecun, "normal, of the variance 1 / inputs", &[]),
    (Initial::Orthogonal, "WᵀW = I, or WWᵀ = I if there are more outputs than inputs", &[]),
];

impl Choice for Initial {
    const MARK: char = ':';

    fn usual() -> Vec<Self> {
        INITIALS.iter().map(|line| line.0).collect()
    }
    fn name(&self) -> &'static str {
        match self {
            Initial::Zeros => "zeros",
            Initial::Normal { .. } => "normal",
            Initial::Uniform { .. } => "uniform",
            Initial::Xavier => "xavier",
            Initial::He => "he",
            Initial::Lecun => "lecun",
            Initial::Orthogonal => "orthogonal",
        }
    }
    fn formula(&self) -> &'static str {
        INITIALS.iter().find(|line| line.0.name() == self.name()).map_or("", |line| line.1)
    }
    fn settings(&self) -> Vec<Setting> {
        INITIALS.iter().find(|line| line.0.name() == self.name()).map_or(Vec::new(), |line| line.2.to_vec())
    }
    fn number(&mut self, name: &str) -> Option<&mut f64> {
        match (self, name) {
            (Initial::Normal { std }, "std") => Some(std),
            (Initial::Uniform { limit }, "limit") => Some(limit),
            _ => None,
        }
    }
}

impl Initial {
    /// What suits the layer `at`: its outputs go through the activation that follows.
    fn suiting(layers: &[Layer], at: usize) -> Initial {
        // These pass on what an activation after them meets.
        let passing = |layer: &&Layer| {
            let pool = matches!(layer, Layer::MaxPool(_) | Layer::AvgPool(_) | Layer::GlobalAvgPool | Layer::Flatten);
            let meeting = matches!(layer, Layer::Residual | Layer::Concat | Layer::Close);
            pool || meeting || matches!(layer, Layer::BatchNorm | Layer::LayerNorm | Layer::Dropout(_))
        };
        match branches::followers(layers, at).find(|layer| !passing(layer)) {
            Some(Layer::Relu | Layer::LeakyRelu(_) | Layer::Elu(_) | Layer::Gelu | Layer::Silu | Layer::Softplus) => {
                Initial::He
            }
            Some(Layer::Sigmoid | Layer::Tanh) => Initial::Xavier,
            _ => Initial::Lecun,
        }
    }

    /// Weights of a layer, each output of which is computed from `inputs` numbers, and each input of which goes into `outputs`.
    fn weights(self, shape: Shape, inputs: usize, outputs: usize, draws: &mut Stream) -> Vec<f64> {
        let mut normal = |variance: f64| (0..shape.len()).map(|_| variance.sqrt() * draws.normal()).collect();
        match self {
            Initial::Zeros => vec![0.0; shape.len()],
            Initial::Normal { std } => (0..shape.len()).map(|_| std * draws.normal()).collect(),
            Initial::Uniform { limit } => (0..shape.len()).map(|_| limit * (2.0 * draws.unit() - 1.0)).collect(),
            Initial::Xavier => normal(2.0 / (inputs + outputs) as f64),
            Initial::He => normal(2.0 / inputs as f64),
            Initial::Lecun => normal(1.0 / inputs as f64),
            Initial::Orthogonal => {
                let rows = shape.axes()[0];
                orthogonal::orthogonal(rows, shape.len() / rows, draws)
            }
        }
    }
}

/// The first values of the parameter `number`, counted in the order of
/// [`Plan::parameters`](chainrule_engine::Plan::parameters): weights as `given`, or as the activation that follows asks.
///
/// ```
/// use chainrule::{Initial, initial::initial};
/// let model = "affine:50 relu affine:10".parse()?;
/// // He's for what a relu follows: √(2/784) wide.
/// let weights = initial(&model, None, 0, [784, 50].into(), 1);
/// let deviation = (weights.iter().map(|w| w * w).sum::<f64>() / weights.len() as f64).sqrt();
/// assert!((deviation - (2f64 / 784.0).sqrt()).abs() < 1e-3);
/// assert_eq!(initial(&model, Some(Initial::Zeros), 0, [784, 50].into(), 1), vec![0.0; 784 * 50]);
/// # Ok::<(), chainrule::InputError>(())
/// ```
pub fn initial(model: &Model, given: Option<Initial>, number: usize, shape: Shape, seed: u64) -> Vec<f64> {
    let layers = model.layers();
    let of = |(at, layer): (usize, &Layer)| roles(layer).iter().map(move |&role| (at, role)).collect::<Vec<_>>();
    let (at, role) = match layers.iter().enumerate().flat_map(of).nth(number) {
        Some(found) => found,
        None => return vec![0.0; shape.len()],
    };
    let (inputs, outputs) = match (role, layers[at], shape.axes()) {
        // Each number of its result comes from one of the table: as a product with a one-hot vector.
        (Role::Weight, Layer::Embedding { width, .. }, _) => (1, width),
        (Role::Weight, Layer::Affine(_), &[inputs, outputs]) => (inputs, outputs),
        (Role::Weight, Layer::Conv2d(convolution), &[outputs, channels, height, width]) => {
            let window = height * width;
            (channels * window, outputs / convolution.options.groups * window)
        }
        (Role::Weight | Role::Variance, ..) => return vec![1.0; shape.len()],
        (Role::Bias | Role::Mean, ..) => return vec![0.0; shape.len()],
    };
    let initial = given.unwrap_or_else(|| match layers[at] {
        Layer::Embedding { .. } => Initial::Lecun,
        _ => Initial::suiting(layers, at),
    });
    initial.weights(shape, inputs, outputs, &mut stream(seed, Purpose::Initial, number as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::{parse, written};

    fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
        let (sum, count) = values.into_iter().fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
        sum / count
    }

    fn variance(values: &[f64]) -> f64 {
        mean(values.iter().map(|v| v * v))
    }

    #[test]
    fn every_line_of_the_table_can_be_said() {
        for (initial, formula, _) in INITIALS {
            assert_eq!((parse(initial.name()), written(initial)), (Ok(initial), initial.name().to_owned()));
            assert_eq!(initial.formula(), formula);
        }
        assert_eq!(parse("normal:0.2"), Ok(Initial::Normal { std: 0.2 }));
        assert_eq!(written(Initial::Uniform { limit: 0.5 }), "uniform:limit=0.5");
        assert_eq!(parse::<Initial>("xaver").unwrap_err().hint, "did you mean 'xavier'?");
        assert_eq!(parse::<Initial>("normal:0").unwrap_err().expected, "std=number, a finite number above 0");
    }

    #[test]
    fn the_activation_that_follows_chooses() {
        let model: Model = "affine:100 relu affine:100 tanh affine:100 sigmoid affine:10".parse().unwrap();
        let drawn = |number| variance(&initial(&model, None, number, [400, 100].into(), 1)) * 400.0;
        let [he, tanh, sigmoid, lecun] = [0, 2, 4, 6].map(drawn);
        assert!((he - 2.0).abs() < 0.05, "{he}");
        assert!((tanh - 1.6).abs() < 0.05 && (sigmoid - 1.6).abs() < 0.05, "{tanh}, {sigmoid}");
        assert!((lecun - 1.0).abs() < 0.03, "{lecun}");
        assert_eq!(initial(&model, None, 1, [100].into(), 1), [0.0; 100]);
    }

    #[test]
    fn a_convolutions_inputs_are_its_window() {
        let model: Model =
            "conv2d:64@3 relu conv2d:64@5,groups=4 tanh conv2d:64@3 max_pool:2 relu affine:2".parse().unwrap();
        let draw = |number, axes: [usize; 4]| variance(&initial(&model, None, number, axes.into(), 1));
        let (he, xavier, pooled) = (draw(0, [64, 8, 3, 3]), draw(2, [64, 16, 5, 5]), draw(4, [64, 64, 3, 3]));
        assert!((he * 72.0 - 2.0).abs() < 0.1, "{he}");
        // 16 channels go into each output, and each input goes into the 16 outputs of its group.
        assert!((xavier * 400.0 - 1.0).abs() < 0.05, "{xavier}");
        assert!((pooled * 576.0 - 2.0).abs() < 0.1, "{pooled}");
        assert_eq!(initial(&model, None, 1, [64].into(), 1), [0.0; 64]);
    }

    #[test]
    fn the_moments_are_those_that_were_asked_for() {
        let model: Model = "affine:200 relu affine:2".parse().unwrap();
        let draw = |text: &str| initial(&model, Some(parse(text).unwrap()), 0, [300, 200].into(), 7);
        assert_eq!(draw("zeros"), vec![0.0; 60_000]);
        let fourth = |values: &[f64]| mean(values.iter().map(|v| v.powi(4))) / variance(values).powi(2);
        // (what, variance, kurtosis): 3 is a normal distribution's, 9/5 a uniform one's.
        for (text, expected, kurtosis) in [
            ("normal:0.2", 0.04, 3.0),
            ("uniform:0.3", 0.03, 1.8),
            ("xavier", 2.0 / 500.0, 3.0),
            ("he", 2.0 / 300.0, 3.0),
            ("lecun", 1.0 / 300.0, 3.0),
        ] {
            let values = draw(text);
            let deviation = f64::sqrt(expected);
            assert!(mean(values.iter().copied()).abs() < 0.02 * deviation, "{text}");
            assert!((variance(&values) / expected - 1.0).abs() < 0.02, "{text}: {}", variance(&values));
            assert!((fourth(&values) - kurtosis).abs() < 0.1, "{text}: {}", fourth(&values));
        }
        assert!(draw("uniform:0.3").iter().all(|v| v.abs() <= 0.3));
        assert_eq!(initial(&model, Some(Initial::He), 1, [200].into(), 1), vec![0.0; 200]);
    }

    #[test]
    fn a_norm_begins_as_no_change() {
        let model: Model = "affine:4 batch_norm relu layer_norm affine:4".parse().unwrap();
        let draw = |number| initial(&model, None, number, [4].into(), 1);
        assert_eq!([2, 5, 6].map(draw), [[1.0; 4]; 3].map(Vec::from));
        assert_eq!([1, 3, 4, 7, 9].map(draw), [[0.0; 4]; 5].map(Vec::from));
        let he = variance(&initial(&model, None, 0, [400, 100].into(), 1)) * 400.0;
        assert!((he - 2.0).abs() < 0.05, "{he}");
    }

    #[test]
    fn seed_and_number_decide() {
        let model: Model = "affine:4 relu affine:4".parse().unwrap();
        for given in INITIALS.map(|line| line.0).into_iter().skip(1).map(Some).chain([None]) {
            let draw = |number, seed| initial(&model, given, number, [4, 4].into(), seed);
            assert_eq!(draw(0, 1), draw(0, 1));
            assert_ne!(draw(0, 1), draw(0, 2));
            assert_ne!(draw(0, 1)[0], draw(2, 1)[0]);
        }
    }
}
