//! Numbers as people read them: ten significant digits, without the noise of the last bits.

/// `715.0000000000001` as `715`, `1e-12` as `1e-12`; what is not finite as `NaN` or `inf`.
pub(crate) fn significant(x: f64) -> String {
    // Through the text, whose rounding is exact.
    let rounded = format!("{x:.9e}").parse().ok().filter(|rounded: &f64| rounded.is_finite()).unwrap_or(x);
    let size = f64::abs(rounded);
    if size == 0.0 {
        "0".to_owned()
    } else if (1e-4..1e10).contains(&size) || !size.is_finite() {
        format!("{rounded}")
    } else {
        format!("{rounded:e}")
    }
}

/// Four digits, where many numbers stand beside one another.
pub(crate) fn four(x: f64) -> String {
    significant(format!("{x:.3e}").parse().unwrap_or(x))
}

/// The least and the most: `-0.5 to 3`.
pub(crate) fn range(numbers: &[f64]) -> String {
    let (least, most) = numbers.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &x| (a.min(x), b.max(x)));
    format!("{} to {}", four(least), four(most))
}

#[cfg(test)]
mod tests {
    use super::{range, significant};

    #[test]
    fn a_range_has_four_digits() {
        assert_eq!(range(&[1.0 / 3.0, -2.0, 1e-7]), "-2 to 0.3333");
    }

    #[test]
    fn noise_is_rounded_away_and_size_is_kept() {
        for (x, text) in [
            (715.000_000_000_000_1, "715"),
            (1.1, "1.1"),
            (-3.3000000000000003, "-3.3"),
            (1.0 / 3.0, "0.3333333333"),
            (-0.0, "0"),
            (6.111_111_111_11e-10, "6.111111111e-10"),
            (1.5e300, "1.5e300"),
            (1234567890.0, "1234567890"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::MAX, "1.7976931348623157e308"),
        ] {
            assert_eq!(significant(x), text);
        }
    }
}
