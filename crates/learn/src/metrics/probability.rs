//! Whether the probabilities are right, not just the answers.
//!
//! Probabilities come row after row, one a class.

/// Bins of [`calibration_error`], as in Guo et al., *On Calibration of Modern Neural Networks*, 2017.
pub(crate) const BINS: usize = 15;

/// Rows of probabilities with their labels; `None` if they do not fit together.
pub(super) fn rows<'a>(
    probabilities: &'a [f64],
    labels: &'a [u32],
    classes: usize,
) -> Option<impl Iterator<Item = (&'a [f64], usize)>> {
    let fits = classes > 0 && !labels.is_empty() && probabilities.len() == labels.len() * classes;
    if !fits || labels.iter().any(|&label| label as usize >= classes) {
        return None;
    }
    Some(probabilities.chunks_exact(classes).zip(labels.iter().map(|&label| label as usize)))
}

/// `−mean ln p(label)`, with p at least f64's smallest step from 1, so that one certain error costs 36 and not everything.
///
/// ```
/// use chainrule::metrics::log_loss;
/// assert_eq!(log_loss(&[0.5, 0.5, 0.25, 0.75], &[0, 1], 2), Some((2f64.ln() - 0.75f64.ln()) / 2.0));
/// ```
pub fn log_loss(probabilities: &[f64], labels: &[u32], classes: usize) -> Option<f64> {
    let rows = rows(probabilities, labels, classes)?;
    let sum: f64 = rows.map(|(p, label)| -p[label].clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()).sum();
    Some(sum / labels.len() as f64)
}

/// `mean Σ (p − onehot)²` over the classes, of two classes half of it: `mean (p(1) − label)²`. Brier, 1950.
///
/// ```
/// assert_eq!(chainrule::metrics::brier(&[0.75, 0.25, 0.5, 0.5], &[0, 1], 2), Some((0.0625 + 0.25) / 2.0));
/// ```
pub fn brier(probabilities: &[f64], labels: &[u32], classes: usize) -> Option<f64> {
    let rows = rows(probabilities, labels, classes)?;
    let of_row = |p: &[f64], label: usize| -> f64 {
        p.iter().enumerate().map(|(class, &p)| (p - f64::from(u8::from(class == label))).powi(2)).sum()
    };
    let mean = rows.map(|(p, label)| of_row(p, label)).sum::<f64>() / labels.len() as f64;
    Some(if classes == 2 { mean / 2.0 } else { mean })
}

/// `Σ share·|accuracy − confidence|` over 15 bins `(i/15, (i+1)/15]` of the highest probability of a row.
///
/// ```
/// // Sure of each row, and right in one of two.
/// assert_eq!(chainrule::metrics::calibration_error(&[1.0, 0.0, 1.0, 0.0], &[0, 1], 2), Some(0.5));
/// ```
pub fn calibration_error(probabilities: &[f64], labels: &[u32], classes: usize) -> Option<f64> {
    let rows = rows(probabilities, labels, classes)?;
    // Of each bin: Σ (right − confidence).
    let mut bins = [0.0; BINS];
    for (p, label) in rows {
        let (class, confidence) = crate::evaluate::best(p);
        bins[calibration_bin(confidence)] += f64::from(u8::from(class as usize == label)) - confidence;
    }
    Some(bins.iter().map(|gap| gap.abs()).sum::<f64>() / labels.len() as f64)
}

/// The bin `(i/15, (i+1)/15]` of a probability.
pub(crate) fn calibration_bin(confidence: f64) -> usize {
    ((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_worked_out_by_hand() {
        let (p, labels) = ([0.75, 0.25, 0.5, 0.5], [0, 1]);
        assert!((log_loss(&p, &labels, 2).unwrap() - (-(0.75f64.ln()) - 0.5f64.ln()) / 2.0).abs() < 1e-15);
        assert_eq!(brier(&p, &labels, 2), Some((0.0625 + 0.25) / 2.0));
        // Two bins: |1 − 0.75| and |0 − 0.5|, half of the rows each.
        assert_eq!(calibration_error(&p, &labels, 2), Some(0.25 / 2.0 + 0.5 / 2.0));
        assert_eq!(log_loss(&p, &[0], 2), None);
        assert_eq!(brier(&p, &[0, 2], 2), None);
        assert_eq!(calibration_error(&[], &[], 2), None);
    }

    #[test]
    fn a_certain_error_has_a_finite_price() {
        assert!(log_loss(&[1.0, 0.0], &[1], 2).unwrap() < 37.0);
    }
}
