//! What an empty cell of numbers counts as: the median, which a few far numbers do not move.
//!
//! Of many numbers the first sixteen bits are counted, and only those that begin as the median does are looked at again (a radix
//! selection): two passes without a branch, where a quickselect guesses at each comparison.

/// So few numbers are selected from at once.
const FEW: usize = 1 << 16;

/// How many bits are counted at a time.
pub(crate) const DIGIT: u32 = 16;

/// The median of the numbers that are there; of an even number of them the mean of the middle two.
pub(crate) fn median(cells: &[f64]) -> Option<f64> {
    let known = || cells.iter().copied().filter(|cell| !cell.is_nan());
    if cells.len() < FEW {
        let all: Vec<f64> = known().collect();
        let (at, even) = (all.len() / 2, all.len().is_multiple_of(2));
        return select(all, at, even, || f64::NEG_INFINITY);
    }
    let first = |cell: f64| (ordered(cell) >> (u64::BITS - DIGIT)) as usize;
    let mut counts = vec![0usize; 1 << DIGIT];
    known().for_each(|cell| counts[first(cell)] += 1);
    let count: usize = counts.iter().sum();
    let mut at = count / 2;
    let digit = counts.iter().position(|&count| {
        let here = at < count;
        at -= if here { 0 } else { count };
        here
    })?;
    let near: Vec<f64> = known().filter(|&cell| first(cell) == digit).collect();
    let below = || known().filter(|&cell| first(cell) < digit).fold(f64::NEG_INFINITY, f64::max);
    select(near, at, count.is_multiple_of(2), below)
}

/// The number at the place `at` of their order, from 0; if `even` the mean of it and the one before, which is `below` of the first.
fn select(mut numbers: Vec<f64>, at: usize, even: bool, below: impl FnOnce() -> f64) -> Option<f64> {
    if at >= numbers.len() {
        return None;
    }
    let (less, &mut found, _) = numbers.select_nth_unstable_by(at, f64::total_cmp);
    if !even {
        return Some(found);
    }
    let before = if less.is_empty() { below() } else { less.iter().copied().fold(f64::NEG_INFINITY, f64::max) };
    Some(before + (found - before) / 2.0)
}

/// Bits that are in order as the numbers are: negative ones are turned over, the others' sign is set.
pub(crate) fn ordered(number: f64) -> u64 {
    let bits = number.to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// The number of such bits.
pub(crate) fn number_of(ordered: u64) -> f64 {
    f64::from_bits(if ordered >> 63 == 1 { ordered & !(1 << 63) } else { !ordered })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, stream};

    #[test]
    fn the_middle_of_what_is_there() {
        assert_eq!(median(&[5.0, f64::NAN, 1.0, 3.0]), Some(3.0));
        assert_eq!(median(&[4.0, 1.0, 100.0, 2.0]), Some(3.0));
        assert_eq!(median(&[7.0]), Some(7.0));
        assert_eq!(median(&[f64::NAN]), None);
    }

    #[test]
    fn of_many_it_is_what_sorting_finds() {
        let mut chance = stream(1, Purpose::Shuffle, 0);
        let mut draws: [Box<dyn FnMut(usize) -> f64>; 5] = [
            Box::new(|_| chance.normal()),
            Box::new(|at| (at % 3) as f64),
            Box::new(|at| if at.is_multiple_of(5) { f64::NAN } else { 1e9 + at as f64 }),
            // The middle two lie far apart, in digits of their own.
            Box::new(|at| if at.is_multiple_of(2) { -1e300 } else { 1e300 }),
            Box::new(|_| f64::NAN),
        ];
        for (draw, which) in draws.iter_mut().zip(0..) {
            for count in [FEW, FEW + 1, FEW + 4] {
                let cells: Vec<f64> = (0..count).map(&mut *draw).collect();
                let mut known: Vec<f64> = cells.iter().copied().filter(|cell| !cell.is_nan()).collect();
                known.sort_by(f64::total_cmp);
                let middle = known.len() / 2;
                let expected = match known.len() {
                    0 => None,
                    n if n % 2 == 1 => Some(known[middle]),
                    _ => Some(known[middle - 1] + (known[middle] - known[middle - 1]) / 2.0),
                };
                assert_eq!(median(&cells), expected, "{count} of {which}");
            }
        }
    }

    #[test]
    fn bits_are_in_order_as_numbers_are() {
        let numbers = [f64::NEG_INFINITY, -1e300, -1.0, -0.0, 0.0, 1e-300, 2.0, f64::INFINITY];
        assert!(numbers.windows(2).all(|pair| ordered(pair[0]) < ordered(pair[1])));
        assert!(numbers.iter().all(|&x| number_of(ordered(x)).to_bits() == x.to_bits()));
    }
}
