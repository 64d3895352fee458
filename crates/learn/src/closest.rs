//! Did you mean …? The candidate at the smallest Damerau–Levenshtein distance, if it is near.
//!
//! Near is a third of the longer word: one slip in `age`, two in `income`. Case does not count.

/// The candidate nearest to `word`, the first among equals; `None` when none is near.
///
/// ```
/// use chainrule::closest::closest;
/// assert_eq!(closest("incmoe", ["age", "income"]), Some("income"));
/// assert_eq!(closest("colour", ["age", "income"]), None);
/// ```
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let length = word.chars().count();
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let lower = candidate.to_lowercase();
        let other = lower.chars().count();
        // The distance is at least the difference in length, so that a huge name costs nothing.
        if length.abs_diff(other) * 3 > length.max(other) {
            continue;
        }
        let distance = strsim::damerau_levenshtein(&word, &lower);
        let near = distance * 3 <= length.max(other);
        if near && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn a_slip_is_forgiven_and_another_word_is_not() {
        let columns = ["age", "workclass", "income"];
        assert_eq!(closest("agee", columns), Some("age"));
        assert_eq!(closest("INCOME", columns), Some("income"));
        assert_eq!(closest("wrokclass", columns), Some("workclass"));
        assert_eq!(closest("price", columns), None);
        assert_eq!(closest("", columns), None);
        assert_eq!(closest("age", []), None);
    }

    #[test]
    fn the_first_of_equals_wins() {
        assert_eq!(closest("bat", ["cat", "hat"]), Some("cat"));
    }
}
