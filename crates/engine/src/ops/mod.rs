//! The operations, one idea a file: formula, shapes, derivative, and the cases on which the
//! table tests try it.

mod activation;
mod add;
mod affine;
#[cfg(test)]
mod cases;
mod conv2d;
mod cross_entropy;
mod elementary;
mod flatten;
mod matmul;
mod max_pool;
mod mean_squared_error;
mod mul;
mod pow;
mod softmax;
mod softmax_with_loss;
mod sum;

pub use activation::{Relu, Sigmoid, Tanh};
pub use add::{Add, Neg, Sub};
pub use affine::Affine;
pub use conv2d::Conv2d;
pub use cross_entropy::CrossEntropy;
pub use elementary::{Cos, Exp, Ln, Sin, Sqrt};
pub use flatten::Flatten;
pub use matmul::MatMul;
pub use max_pool::MaxPool;
pub use mean_squared_error::MeanSquaredError;
pub use mul::{Div, Mul};
pub use pow::Pow;
pub use softmax::Softmax;
pub use softmax_with_loss::SoftmaxWithLoss;
pub use sum::{BatchMean, Mean, Sum};

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
