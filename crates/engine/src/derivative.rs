//! The derivative by definition, with a step h that is small instead of infinitely small:
//!
//! ```text
//! df/dx ≈ (f(x + h) − f(x − h)) / 2h
//! ```
//!
//! It needs no rule for any function, only its values, and two of them for every number in x:
//! too slow to train by, and independent of all that the chain rule could get wrong. From
//! chapter 4 of *Deep Learning from Scratch* (K. Saito).

/// df/dx at `x`, by the central difference.
///
/// The formula leaves out h²/6 · f‴, and rounding adds about 10⁻¹⁶ · |f| / h: an h near 1e-5
/// balances them for functions of ordinary size, and 1e-4 is as good in practice.
///
/// ```
/// use chainrule_engine::derivative::numerical_derivative;
/// let slope = numerical_derivative(|x| 0.01 * x * x + 0.1 * x, 5.0, 1e-4);
/// assert!((slope - 0.2).abs() < 1e-9);
/// ```
pub fn numerical_derivative(mut f: impl FnMut(f64) -> f64, x: f64, h: f64) -> f64 {
    (f(x + h) - f(x - h)) / (2.0 * h)
}

/// The partial derivatives ∂f/∂xᵢ at `x`, each with the others held still.
///
/// ```
/// use chainrule_engine::derivative::numerical_gradient;
/// let gradient = numerical_gradient(|x| x[0] * x[0] + x[1] * x[1], &[3.0, 4.0], 1e-4);
/// assert!((gradient[0] - 6.0).abs() < 1e-7 && (gradient[1] - 8.0).abs() < 1e-7);
/// ```
pub fn numerical_gradient(mut f: impl FnMut(&[f64]) -> f64, x: &[f64], h: f64) -> Vec<f64> {
    let mut point = x.to_vec();
    let mut partial = |i: usize| {
        let slope = numerical_derivative(
            |xi| {
                point[i] = xi;
                f(&point)
            },
            x[i],
            h,
        );
        point[i] = x[i];
        slope
    };
    (0..x.len()).map(&mut partial).collect()
}

/// df/dx at `x` from four values, two on either side: it leaves out only h⁴/30 · f⁽⁵⁾
/// (Abramowitz and Stegun, section 25.3). So h may be large enough for rounding not to count.
///
/// ```
/// use chainrule_engine::derivative::five_point_derivative;
/// assert!((five_point_derivative(f64::exp, 0.0, 1e-3) - 1.0).abs() < 1e-12);
/// ```
pub fn five_point_derivative(mut f: impl FnMut(f64) -> f64, x: f64, h: f64) -> f64 {
    let near = f(x + h) - f(x - h);
    let far = f(x + 2.0 * h) - f(x - 2.0 * h);
    (8.0 * near - far) / (12.0 * h)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Backend, Clock, Graph, Reference, Rows};

    #[test]
    fn known_derivatives() {
        type Known = (fn(f64) -> f64, f64, f64);
        let known: [Known; 4] = [
            (|x| 0.01 * x * x + 0.1 * x, 10.0, 0.3),
            (f64::sin, 0.0, 1.0),
            (f64::ln, 2.0, 0.5),
            (|x| x * x * x, -1.0, 3.0),
        ];
        for (f, x, slope) in known {
            assert!((numerical_derivative(f, x, 1e-4) - slope).abs() < 1e-7, "{slope}");
            assert!((five_point_derivative(f, x, 1e-3) - slope).abs() < 1e-10, "{slope}");
        }
    }

    #[test]
    fn four_values_are_better_than_two() {
        let error = |slope: f64| (slope - 1f64.exp()).abs();
        let (two, four) = (numerical_derivative(f64::exp, 1.0, 1e-2), five_point_derivative(f64::exp, 1.0, 1e-2));
        assert!(error(four) < error(two) / 1000.0);
    }

    #[test]
    fn definition_and_chain_rule_agree_on_the_books_function() {
        let g = Graph::new();
        let x = [g.parameter("x0", []), g.parameter("x1", [])];
        let plan = g.gradients(x[0].pow(2.0) + x[1].pow(2.0)).unwrap();
        for (at, slopes) in [([3.0, 4.0], [6.0, 8.0]), ([0.0, 2.0], [0.0, 4.0]), ([3.0, 0.0], [6.0, 0.0])] {
            let numerical = numerical_gradient(|x| x[0].powi(2) + x[1].powi(2), &at, 1e-4);
            let mut arena = Reference.allocate(&[&plan], 0).unwrap();
            for (parameter, value) in plan.parameters().iter().zip(at) {
                Reference.write(&mut arena, parameter.span, &[value]);
            }
            Reference.run(&plan, &mut arena, &Rows::none(), Clock::default());
            for i in 0..2 {
                let exact = Reference.read_number(&plan, &arena, plan.gradient(x[i]).unwrap());
                assert!((numerical[i] - slopes[i]).abs() < 1e-7, "{numerical:?}");
                assert!((exact - slopes[i]).abs() < 1e-12, "{exact}");
            }
        }
    }
}
