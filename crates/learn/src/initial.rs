//! The parameters before the first step: biases 0, weights normal with mean 0 and
//!
//! | next word | standard deviation | by |
//! | --- | --- | --- |
//! | relu | √(2 / inputs) | He |
//! | any other | √(1 / inputs) | Xavier |
//!
//! so that a layer's outputs vary about as much as its inputs: ReLU, which drops half of
//! them, takes twice the variance. Each number is a function of (seed, parameter) alone.

use chainrule_engine::Shape;

use crate::model::Model;
use crate::random::{Purpose, stream};
use crate::spec::Layer;

/// The first values of the parameter `number`, counted in the order of
/// [`Plan::parameters`](chainrule_engine::Plan::parameters).
pub fn initial(model: &Model, number: usize, shape: Shape, seed: u64) -> Vec<f64> {
    // Each affine layer has two parameters, its weight and its bias.
    let mut affine = (0..model.layers().len()).filter(|&at| matches!(model.layers()[at], Layer::Affine(_)));
    let next = affine.nth(number / 2).and_then(|at| model.layers().get(at + 1));
    let &[inputs, _] = shape.axes() else {
        return vec![0.0; shape.len()];
    };
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
    fn seed_and_number_decide() {
        let model: Model = "affine:4 relu affine:4".parse().unwrap();
        let draw = |number, seed| initial(&model, number, [4, 4].into(), seed);
        assert_eq!(draw(0, 1), draw(0, 1));
        assert_ne!(draw(0, 1), draw(0, 2));
        assert_ne!(draw(0, 1)[0], draw(2, 1)[0]);
    }
}
