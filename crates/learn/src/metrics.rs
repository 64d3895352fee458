//! How good predictions are: accuracy for classes, root mean squared error and R² for numbers.
//!
//! Each is a plain function of predictions and truth, summed in f64 and in order. Each is
//! `None` where it has no meaning: nothing to judge, or as many predictions as truths not given.

/// The share of right classes: `#{predicted = label} / n`.
///
/// ```
/// # use chainrule::metrics::accuracy;
/// assert_eq!(accuracy(&[0, 1, 2, 2], &[0, 1, 1, 2]), Some(0.75));
/// ```
pub fn accuracy(predicted: &[u32], labels: &[u32]) -> Option<f64> {
    if predicted.len() != labels.len() || labels.is_empty() {
        return None;
    }
    let right = predicted.iter().zip(labels).filter(|(p, l)| p == l).count();
    Some(right as f64 / labels.len() as f64)
}

/// The root mean squared error, in the unit of the values: `√(Σ (predicted − value)² / n)`.
pub fn rmse(predicted: &[f32], values: &[f32]) -> Option<f64> {
    Some((squared_error(predicted, values)? / values.len() as f64).sqrt())
}

/// The share of the variance that is explained:
/// `R² = 1 − Σ (predicted − value)² / Σ (value − mean)²`.
///
/// 1 is perfect; 0 is as good as always saying the mean; `None` where all values are equal.
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
        assert_eq!(accuracy(&[1, 1, 0], &[1, 0, 1]), Some(1.0 / 3.0));
        // Errors 1, −1, 2, 0: squares 1 + 1 + 4 + 0 = 6.
        let (predicted, values) = ([2.0, 1.0, 5.0, 4.0], [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(rmse(&predicted, &values), Some(1.5f64.sqrt()));
        // Spread about 2.5: 2.25 + 0.25 + 0.25 + 2.25 = 5.
        assert!((r2(&predicted, &values).unwrap() - (1.0 - 6.0 / 5.0)).abs() < 1e-15);
        assert_eq!(r2(&values, &values), Some(1.0));
        assert_eq!(r2(&[2.5; 4], &values), Some(0.0));
    }

    #[test]
    fn nothing_to_judge_is_no_answer() {
        assert_eq!(accuracy(&[], &[]), None);
        assert_eq!(accuracy(&[1], &[1, 2]), None);
        assert_eq!(rmse(&[], &[]), None);
        assert_eq!(r2(&[1.0, 2.0], &[0.1, 0.1]), None);
    }
}
