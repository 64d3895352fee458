//! How far predicted numbers are from the true ones, in the unit of the values or as a share of their variance.

/// The mean squared error: `Σ (predicted − value)² / n`.
///
/// ```
/// assert_eq!(chainrule::metrics::mse(&[1.0, 5.0], &[1.0, 2.0]), Some(4.5));
/// ```
pub fn mse(predicted: &[f32], values: &[f32]) -> Option<f64> {
    Some(squared_error(predicted, values)? / values.len() as f64)
}

/// The root mean squared error, in the unit of the values: `√(Σ (predicted − value)² / n)`.
///
/// ```
/// assert_eq!(chainrule::metrics::rmse(&[1.0, 5.0], &[3.0, 3.0]), Some(2.0));
/// ```
pub fn rmse(predicted: &[f32], values: &[f32]) -> Option<f64> {
    Some(mse(predicted, values)?.sqrt())
}

/// The mean absolute error: `Σ |predicted − value| / n`.
///
/// ```
/// assert_eq!(chainrule::metrics::mae(&[1.0, 5.0], &[1.0, 2.0]), Some(1.5));
/// ```
pub fn mae(predicted: &[f32], values: &[f32]) -> Option<f64> {
    let errors = absolute_errors(predicted, values)?;
    Some(errors.iter().sum::<f64>() / errors.len() as f64)
}

/// The median of `|predicted − value|`: what half of the errors are below, however large a few are.
///
/// ```
/// assert_eq!(chainrule::metrics::median_absolute_error(&[1.0, 2.0, 90.0], &[1.0, 1.0, 1.0]), Some(1.0));
/// ```
pub fn median_absolute_error(predicted: &[f32], values: &[f32]) -> Option<f64> {
    let mut errors = absolute_errors(predicted, values)?;
    errors.sort_by(f64::total_cmp);
    let middle = errors.len() / 2;
    Some(if errors.len() % 2 == 1 { errors[middle] } else { f64::midpoint(errors[middle - 1], errors[middle]) })
}

/// The share of the variance that is explained:
/// `R² = 1 − Σ (predicted − value)² / Σ (value − mean)²`.
///
/// 1 is perfect; 0 is as good as always saying the mean; `None` where all values are equal.
///
/// ```
/// use chainrule::metrics::r2;
/// assert_eq!([r2(&[1.0, 3.0], &[1.0, 3.0]), r2(&[2.0, 2.0], &[1.0, 3.0])], [Some(1.0), Some(0.0)]);
/// ```
pub fn r2(predicted: &[f32], values: &[f32]) -> Option<f64> {
    let error = squared_error(predicted, values)?;
    let first = values.first()?;
    // Asked of the values themselves: the mean of equal values may be off by a rounding.
    if values.iter().all(|value| value == first) {
        return None;
    }
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64;
    let spread: f64 = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum();
    Some(1.0 - error / spread)
}

fn absolute_errors(predicted: &[f32], values: &[f32]) -> Option<Vec<f64>> {
    if predicted.len() != values.len() || values.is_empty() {
        return None;
    }
    Some(predicted.iter().zip(values).map(|(&p, &v)| (f64::from(p) - f64::from(v)).abs()).collect())
}

fn squared_error(predicted: &[f32], values: &[f32]) -> Option<f64> {
    if predicted.len() != values.len() || values.is_empty() {
        return None;
    }
    let pairs = predicted.iter().zip(values);
    Some(pairs.map(|(&p, &v)| (f64::from(p) - f64::from(v)).powi(2)).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_worked_out_by_hand() {
        // Errors 1, −1, 2, 0: squares 1 + 1 + 4 + 0 = 6.
        let (predicted, values) = ([2.0, 1.0, 5.0, 4.0], [1.0, 2.0, 3.0, 4.0]);
        assert_eq!((mse(&predicted, &values), rmse(&predicted, &values)), (Some(1.5), Some(1.5f64.sqrt())));
        assert_eq!((mae(&predicted, &values), median_absolute_error(&predicted, &values)), (Some(1.0), Some(1.0)));
        assert_eq!(median_absolute_error(&[1.0, 5.0, 9.0], &[0.0, 0.0, 0.0]), Some(5.0));
        // Spread about 2.5: 2.25 + 0.25 + 0.25 + 2.25 = 5.
        assert!((r2(&predicted, &values).unwrap() - (1.0 - 6.0 / 5.0)).abs() < 1e-15);
        assert_eq!(r2(&values, &values), Some(1.0));
        assert_eq!(r2(&[2.5; 4], &values), Some(0.0));
    }

    #[test]
    fn nothing_to_judge_is_no_answer() {
        assert_eq!(rmse(&[], &[]), None);
        assert_eq!(r2(&[1.0, 2.0], &[0.1, 0.1]), None);
    }
}
