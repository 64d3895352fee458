//! The parameters before the first step: biases and means 0; variances, and the weights of a norm, 1; other weights normal with mean 0 and
//!
//! | next activation | standard deviation | by |
//! | --- | --- | --- |
//! | relu, elu, gelu, silu, softplus | √(2 / inputs) | He |
//! | leaky_relu:s | √(2 / (1 + s²) inputs) | He |
//! | any other, or none | √(1 / inputs) | Xavier |
//!
//! where inputs are the numbers that one output is computed from, c / groups · height · width of a conv2d; so that a layer's outputs vary about as much as its inputs: ReLU, which drops half of
//! them, takes twice the variance. Each number is a function of (seed, parameter) alone.

use chainrule_engine::Shape;

use crate::layer_shape::{Role, roles};
use crate::model::Model;
use crate::random::{Purpose, stream};
use crate::spec::Layer;

/// The first values of the parameter `number`, counted in the order of
/// [`Plan::parameters`](chainrule_engine::Plan::parameters).
pub fn initial(model: &Model, number: usize, shape: Shape, seed: u64) -> Vec<f64> {
    let layers = model.layers();
    let of = |(at, layer): (usize, &Layer)| roles(layer).iter().map(move |&role| (at, role)).collect::<Vec<_>>();
    let inputs = match (layers.iter().enumerate().flat_map(of).nth(number), shape.axes()) {
        (Some((at, Role::Weight)), &[inputs, _]) if matches!(layers[at], Layer::Affine(_)) => (at, inputs),
        (Some((at, Role::Weight)), &[_, channels, height, width]) => (at, channels * height * width),
        (Some((_, Role::Weight | Role::Variance)), _) => return vec![1.0; shape.len()],
        _ => return vec![0.0; shape.len()],
    };
    let (at, inputs) = inputs;
    // These pass on what an activation after them meets.
    let passing = |layer: &&Layer| {
        let pool = matches!(layer, Layer::MaxPool(_) | Layer::AvgPool(_) | Layer::GlobalAvgPool | Layer::Flatten);
        pool || matches!(layer, Layer::BatchNorm | Layer::LayerNorm | Layer::Dropout(_))
    };
    let next = layers[at + 1..].iter().find(|layer| !passing(layer));
    let gain = match next {
        Some(Layer::Relu | Layer::Elu(_) | Layer::Gelu | Layer::Silu | Layer::Softplus) => 2.0,
        Some(Layer::LeakyRelu(leaky)) => 2.0 / (1.0 + leaky.slope * leaky.slope),
        _ => 1.0,
    };
    let deviation = (gain / inputs as f64).sqrt();
    let mut draws = stream(seed, Purpose::Initial, number as u64);
    (0..shape.len()).map(|_| deviation * draws.normal()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variance(values: &[f64]) -> f64 {
        values.iter().map(|v| v * v).sum::<f64>() / values.len() as f64
    }

    #[test]
    fn weights_keep_the_variance_and_biases_are_zero() {
        let model: Model = "affine:100 relu affine:100 tanh affine:10".parse().unwrap();
        let [he, xavier] = [0, 2].map(|number| variance(&initial(&model, number, [400, 100].into(), 1)) * 400.0);
        assert!((he - 2.0).abs() < 0.05, "{he}");
        assert!((xavier - 1.0).abs() < 0.03, "{xavier}");
        assert_eq!(initial(&model, 1, [100].into(), 1), [0.0; 100]);
    }

    #[test]
    fn a_convolutions_inputs_are_its_window() {
        let model: Model =
            "conv2d:64@3 relu conv2d:64@5,groups=4 tanh conv2d:64@3 max_pool:2 relu affine:2".parse().unwrap();
        let draw = |number, axes: [usize; 4]| variance(&initial(&model, number, axes.into(), 1));
        let (he, xavier, pooled) = (draw(0, [64, 8, 3, 3]), draw(2, [64, 16, 5, 5]), draw(4, [64, 64, 3, 3]));
        assert!((he * 72.0 - 2.0).abs() < 0.1, "{he}");
        assert!((xavier * 400.0 - 1.0).abs() < 0.05, "{xavier}");
        assert!((pooled * 576.0 - 2.0).abs() < 0.1, "{pooled}");
        assert_eq!(initial(&model, 1, [64].into(), 1), [0.0; 64]);
    }

    #[test]
    fn a_norm_begins_as_no_change() {
        let model: Model = "affine:4 batch_norm relu layer_norm affine:4".parse().unwrap();
        let draw = |number| initial(&model, number, [4].into(), 1);
        assert_eq!([2, 5, 6].map(draw), [[1.0; 4]; 3].map(Vec::from));
        assert_eq!([1, 3, 4, 7, 9].map(draw), [[0.0; 4]; 5].map(Vec::from));
        let he = variance(&initial(&model, 0, [400, 100].into(), 1)) * 400.0;
        assert!((he - 2.0).abs() < 0.05, "{he}");
    }

    #[test]
    fn seed_and_number_decide() {
        let model: Model = "affine:4 relu affine:4".parse().unwrap();
        let draw = |number, seed| initial(&model, number, [4, 4].into(), seed);
        assert_eq!(draw(0, 1), draw(0, 1));
        assert_ne!(draw(0, 1), draw(0, 2));
        assert_ne!(draw(0, 1)[0], draw(2, 1)[0]);
    }
}
