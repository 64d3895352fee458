//! The operations, one idea a file: formula, shapes, derivative, and the cases on which the
//! table tests try it.

mod absolute;
mod activation;
mod add;
mod affine;
mod avg_pool;
mod binary_cross_entropy;
#[cfg(test)]
mod cases;
mod channels;
mod concat;
mod conv2d;
mod cross_entropy;
mod dropout;
mod elementary;
mod elu;
mod embedding;
mod flatten;
mod gelu;
mod huber;
mod leaky_relu;
mod matmul;
mod max_pool;
mod mean_squared_error;
mod mul;
#[cfg(test)]
mod normalisation;
mod pow;
mod silu;
mod softmax;
mod softmax_with_loss;
mod softplus;
mod sum;
mod weighted_softmax_with_loss;

pub use absolute::Absolute;
pub use activation::{Relu, Sigmoid, Tanh};
pub use add::{Add, Neg, Sub};
pub use affine::Affine;
pub use avg_pool::AvgPool;
pub use binary_cross_entropy::BinaryCrossEntropy;
pub use channels::{GlobalAvgPool, OverPositions};
pub use concat::Concat;
pub use conv2d::Conv2d;
pub use cross_entropy::CrossEntropy;
pub use dropout::Dropout;
pub use elementary::{Cos, Exp, Ln, Sin, Sqrt};
pub use elu::Elu;
pub use embedding::Embedding;
pub use flatten::Flatten;
pub use gelu::Gelu;
pub use huber::Huber;
pub use leaky_relu::LeakyRelu;
pub use matmul::MatMul;
pub use max_pool::MaxPool;
pub use mean_squared_error::MeanSquaredError;
pub use mul::{Div, Mul};
pub use pow::Pow;
pub use silu::Silu;
pub use softmax::Softmax;
pub use softmax_with_loss::SoftmaxWithLoss;
pub use softplus::Softplus;
pub use sum::{BatchMean, Mean, Sum};
pub use weighted_softmax_with_loss::WeightedSoftmaxWithLoss;

use crate::shape::{Shape, ShapeError};

/// The shape of f(a, b) element by element: equal shapes, or one of them a scalar.
fn elementwise(op: &str, x: &[Shape]) -> Result<Shape, ShapeError> {
    match *x {
        [a, b] if a == b || b.is_scalar() => Ok(a),
        [a, b] if a.is_scalar() => Ok(b),
        [a, b] => Err(ShapeError::new(op, "equal shapes, or a scalar", format!("{a} and {b}"))),
        _ => Err(ShapeError::new(op, "two operands", x.len().to_string())),
    }
}

/// The shape of logits or probabilities with a label: a vector and a scalar.
fn classes_and_label(op: &str, x: &[Shape]) -> Result<Shape, ShapeError> {
    match *x {
        [classes, label] if classes.rank() == 1 && label.is_scalar() => Ok(Shape::scalar()),
        [classes, label] => {
            Err(ShapeError::new(op, "a vector of classes and a scalar label", format!("{classes} and {label}")))
        }
        _ => Err(ShapeError::new(op, "two operands", x.len().to_string())),
    }
}
