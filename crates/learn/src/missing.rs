//! What an empty cell of numbers counts as: the median, which a few far numbers do not move.

/// The median of the numbers that are there; of an even number of them the mean of the middle two.
pub(crate) fn median(cells: &[f64]) -> Option<f64> {
    let mut known: Vec<f64> = cells.iter().copied().filter(|cell| !cell.is_nan()).collect();
    let middle = known.len() / 2;
    let even = known.len().is_multiple_of(2);
    if known.is_empty() {
        return None;
    }
    let (below, &mut at, _) = known.select_nth_unstable_by(middle, f64::total_cmp);
    if !even {
        return Some(at);
    }
    let before = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Some(before + (at - before) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_middle_of_what_is_there() {
        assert_eq!(median(&[5.0, f64::NAN, 1.0, 3.0]), Some(3.0));
        assert_eq!(median(&[4.0, 1.0, 100.0, 2.0]), Some(3.0));
        assert_eq!(median(&[7.0]), Some(7.0));
        assert_eq!(median(&[f64::NAN]), None);
    }
}
