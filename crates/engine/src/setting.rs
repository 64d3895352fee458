//! A number that whoever trains may set, such as Adam's β₁: its name and what it may be.

use std::fmt;

/// A setting of an optimizer, or of anything else that is chosen by name.
///
/// ```
/// use chainrule_engine::Optimizer;
/// for setting in Optimizer::named("adam").unwrap().settings() {
///     println!("{}: {} ({})", setting.name, setting.says, setting.range);
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// As users write it.
    pub name: &'static str,
    /// What it may be.
    pub range: Range,
    /// What it is.
    pub says: &'static str,
}

/// What a setting may be. Nothing else than finite numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// Above 0.
    Positive,
    /// From 0.
    NotNegative,
    /// From 0 to less than 1.
    Share,
    /// Above 0, at most 1.
    Factor,
    /// A whole number from 1.
    Count,
    /// A whole number from 0.
    Whole,
}

impl Range {
    /// Whether `x` is in it.
    ///
    /// ```
    /// use chainrule_engine::Range;
    /// assert!(Range::Share.contains(0.0) && !Range::Share.contains(1.0) && !Range::Positive.contains(f64::INFINITY));
    /// assert!(Range::Count.contains(3.0) && !Range::Count.contains(2.5));
    /// ```
    pub fn contains(self, x: f64) -> bool {
        // Beyond 2⁵³ not every whole number is one of f64.
        let whole = x.fract() == 0.0 && x <= 9_007_199_254_740_992.0;
        x.is_finite()
            && match self {
                Range::Positive => x > 0.0,
                Range::NotNegative => x >= 0.0,
                Range::Share => (0.0..1.0).contains(&x),
                Range::Factor => x > 0.0 && x <= 1.0,
                Range::Count => whole && x >= 1.0,
                Range::Whole => whole && x >= 0.0,
            }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Range::Positive => "a finite number above 0",
            Range::NotNegative => "a finite number from 0",
            Range::Share => "a number from 0 to less than 1",
            Range::Factor => "a number above 0, at most 1",
            Range::Count => "a whole number from 1",
            Range::Whole => "a whole number from 0",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Range;

    #[test]
    fn ranges_end_where_they_say() {
        let cases: [(Range, &[f64], &[f64]); 6] = [
            (Range::Positive, &[1e-300, 1e300], &[0.0, -1.0]),
            (Range::NotNegative, &[0.0, 5.0], &[-1e-300]),
            (Range::Share, &[0.0, 0.999], &[1.0, -0.1]),
            (Range::Factor, &[1e-9, 1.0], &[0.0, 1.001]),
            (Range::Count, &[1.0, 30.0], &[0.0, 1.5]),
            (Range::Whole, &[0.0, 30.0], &[-1.0, 0.5, 1e300]),
        ];
        for (range, within, beyond) in cases {
            assert!(within.iter().all(|&x| range.contains(x)), "{range}");
            let never = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
            assert!(!beyond.iter().chain(&never).any(|&x| range.contains(x)), "{range}");
        }
    }
}
