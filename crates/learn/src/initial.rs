//! The parameters before the first step: biases 0, weights normal with mean 0 and
//!
//! | next activation | standard deviation | by |
//! | --- | --- | --- |
//! | relu | √(2 / inputs) | He |
//! | any other, or none | √(1 / inputs) | Xavier |
//!
//! where inputs are the numbers that one output is computed from, c / groups · height · width of a conv2d; so that a layer's outputs vary about as much as its inputs: ReLU, which drops half of
//! them, takes twice the variance. Each number is a function of (seed, parameter) alone.

use chainrule_engine::Shape;

use crate::model::Model;
use crate::random::{Purpose, stream};
use crate::spec::Layer;

/// The first values of the parameter `number`, counted in the order of
/// [`Plan::parameters`](chainrule_engine::Plan::parameters).
pub fn initial(model: &Model, number: usize, shape: Shape, seed: u64) -> Vec<f64> {
    let inputs = match *shape.axes() {
        [inputs, _] => inputs,
        [_, channels, height, width] => channels * height * width,
        _ => return vec![0.0; shape.len()],
    };
    // Each of these layers has two parameters, its weight and its bias.
    let weighted = |layer: &Layer| matches!(layer, Layer::Affine(_) | Layer::Conv2d(_));
    let layers = model.layers();
    let at = (0..layers.len()).filter(|&at| weighted(&layers[at])).nth(number / 2);
    // A pool passes on what an activation after it meets.
    let passing = |layer: &&Layer| matches!(layer, Layer::MaxPool(_) | Layer::Flatten);
    let next = at.and_then(|at| layers[at + 1..].iter().find(|layer| !passing(layer)));
    let gain = if next == Some(&Layer::Relu) { 2.0 } else { 1.0 };
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
    fn seed_and_number_decide() {
        let model: Model = "affine:4 relu affine:4".parse().unwrap();
        let draw = |number, seed| initial(&model, number, [4, 4].into(), seed);
        assert_eq!(draw(0, 1), draw(0, 1));
        assert_ne!(draw(0, 1), draw(0, 2));
        assert_ne!(draw(0, 1)[0], draw(2, 1)[0]);
    }
}
