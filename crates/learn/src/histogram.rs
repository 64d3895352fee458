//! How numbers lie: their range, their squares, and how many of them are in each part of the range.
//!
//! Every weight and gradient of a network passes here after every epoch, so eight numbers go side by side: none waits for the sum,
//! or for the count, of the one before it. What is shown is kept to five digits: enough to see by, and the same in every file.

use serde::{Deserialize, Serialize};

/// How many parts a [`Histogram`] has, unless all of its numbers are equal.
const PARTS: usize = 32;

/// How many numbers go side by side.
const LANES: usize = 8;

/// What stands for all that is larger.
const LARGEST: f64 = 1e308;

/// How many numbers lie in each of equal parts of their range.
///
/// ```
/// use chainrule::histogram::Histogram;
///
/// let h = Histogram::of(&[0.0, 0.1, 0.9, 1.0, f64::NAN]);
/// assert_eq!((h.low, h.high), (0.0, 1.0));
/// assert_eq!((h.counts[0], h.counts[3], h.counts[28], h.counts[31]), (1, 1, 1, 1));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Histogram {
    /// The smallest.
    pub low: f64,
    /// The largest.
    pub high: f64,
    /// From the lowest part to the highest; one part if all numbers are equal.
    pub counts: Vec<u64>,
}

impl Histogram {
    /// Of these numbers; those that are not finite are left out.
    pub fn of(values: &[f64]) -> Histogram {
        Histogram::within(Range::of(values), values)
    }

    /// Of these numbers, whose range it is.
    pub(crate) fn within(Range { low, high, squares }: Range, values: &[f64]) -> Histogram {
        if !squares.is_finite() {
            let finite: Vec<f64> = values.iter().copied().filter(|x| x.is_finite()).collect();
            let Range { low, high, .. } = Range::of(&finite);
            return Histogram::within(Range { low, high, squares: 0.0 }, &finite);
        }
        if low >= high {
            return Histogram { low: rounded(low), high: rounded(high), counts: vec![values.len() as u64] };
        }
        // Halves, as the difference of the largest numbers is none.
        let (least, each) = (low / 2.0, PARTS as f64 / (high / 2.0 - low / 2.0));
        let part = |x: f64| usize::from(((x / 2.0 - least) * each) as u8).min(PARTS - 1);
        let mut counts = [[0; PARTS]; LANES];
        let (chunks, rest) = values.as_chunks::<LANES>();
        for chunk in chunks {
            for (counts, &x) in counts.iter_mut().zip(chunk) {
                counts[part(x)] += 1;
            }
        }
        rest.iter().for_each(|&x| counts[0][part(x)] += 1);
        let counts = (0..PARTS).map(|at| counts.iter().map(|lane| lane[at]).sum()).collect();
        Histogram { low: rounded(low), high: rounded(high), counts }
    }
}

/// From the smallest of some numbers to the largest; what is no number is passed over.
#[derive(Clone, Copy)]
pub(crate) struct Range {
    /// The smallest; ∞ of none.
    pub low: f64,
    /// The largest; −∞ of none.
    pub high: f64,
    /// Σx², of all of them: finite only if each of them is.
    pub squares: f64,
}

impl Range {
    pub(crate) fn of(values: &[f64]) -> Range {
        let (mut low, mut high, mut squares) = ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES], [0.0; LANES]);
        let (chunks, rest) = values.as_chunks::<LANES>();
        let mut take = |at: usize, x: f64| {
            // Written out, as `min` and `max` ask more of what is no number.
            low[at] = if x < low[at] { x } else { low[at] };
            high[at] = if x > high[at] { x } else { high[at] };
            squares[at] += x * x;
        };
        for chunk in chunks {
            (0..LANES).for_each(|at| take(at, chunk[at]));
        }
        rest.iter().for_each(|&x| take(0, x));
        Range {
            low: low.into_iter().fold(f64::INFINITY, f64::min),
            high: high.into_iter().fold(f64::NEG_INFINITY, f64::max),
            squares: squares.iter().sum(),
        }
    }

    /// √(mean x²) of so many numbers.
    pub(crate) fn rms(self, count: usize) -> f64 {
        (self.squares / count.max(1) as f64).sqrt()
    }
}

/// Five digits of a number; [`LARGEST`] of one that is not finite, which JSON has not.
pub(crate) fn rounded(x: f64) -> f64 {
    if x.is_nan() {
        return LARGEST;
    }
    format!("{:.4e}", x.clamp(-LARGEST, LARGEST)).parse().unwrap_or(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_has_each_finite_number_once() {
        let h = Histogram::of(&[0.0, 0.1, 1.0, 1.0, f64::NAN, 0.5]);
        assert_eq!((h.low, h.high, h.counts.iter().sum::<u64>()), (0.0, 1.0, 5));
        assert_eq!((h.counts[0], h.counts[3], h.counts[16], h.counts[31]), (1, 1, 1, 2));
        assert_eq!(Histogram::of(&[2.0; 3]), Histogram { low: 2.0, high: 2.0, counts: vec![3] });
        let wide = Histogram::of(&[f64::MIN, f64::MAX, f64::INFINITY]);
        assert_eq!((wide.counts[0], wide.counts[31], wide.counts.iter().sum::<u64>()), (1, 1, 2));
        assert_eq!(Histogram::of(&[f64::NAN]).counts, [0]);
        // 0..127 has four numbers in each part: chunks and the rest count alike.
        let many: Vec<f64> = (0..3 * 127).map(|x| f64::from(x % 127)).collect();
        let h = Histogram::of(&many);
        assert_eq!((h.counts.iter().sum::<u64>(), h.counts[0], h.counts[31]), (381, 12, 12));
    }

    #[test]
    fn a_range_ends_where_its_numbers_do_wherever_they_stand() {
        for at in 0..19 {
            let mut values = [1.0; 19];
            values[at] = -3.0;
            values[(at + 7) % 19] = 2.0;
            let range = Range::of(&values);
            assert_eq!((range.low, range.high, range.squares), (-3.0, 2.0, 17.0 + 9.0 + 4.0));
            values[at] = f64::NAN;
            assert!(!Range::of(&values).squares.is_finite());
        }
    }

    #[test]
    fn five_digits_and_nothing_that_json_lacks() {
        assert_eq!(rounded(1.0 / 3.0), 0.33333);
        assert_eq!([f64::NAN, f64::INFINITY, f64::MIN].map(rounded), [LARGEST, LARGEST, -LARGEST]);
        assert_eq!(rounded(-2.5e-9), -2.5e-9);
    }
}
