//! Where values live: lifetimes to offsets.
//!
//! Two values may share memory if no moment needs both. First fit in order of decreasing
//! size: on networks it comes within a few per cent of the peak of what lives at once, which is the least
//! that any placement needs.

/// When a value is needed, both ends included, and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lifetime {
    pub(crate) len: usize,
    pub(crate) first: usize,
    pub(crate) last: usize,
}

impl Lifetime {
    fn overlaps(&self, other: &Lifetime) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// The offset of each value, and how much they need together. Offsets are multiples of `align`.
pub(crate) fn place(values: &[Lifetime], align: usize) -> (Vec<usize>, usize) {
    let mut order: Vec<usize> = (0..values.len()).collect();
    // Equal sizes keep the order of their first use, so that listings read from left to right.
    order.sort_by_key(|&v| (std::cmp::Reverse(values[v].len), values[v].first, v));
    let mut offsets = vec![0; values.len()];
    let mut placed: Vec<usize> = Vec::new(); // sorted by offset
    let mut total = 0;
    for v in order {
        let len = values[v].len.next_multiple_of(align);
        let mut at = 0;
        for &other in placed.iter().filter(|&&other| values[other].overlaps(&values[v])) {
            if at + len <= offsets[other] {
                break;
            }
            at = at.max(offsets[other] + values[other].len.next_multiple_of(align));
        }
        offsets[v] = at;
        total = total.max(at + len);
        let slot = placed.partition_point(|&other| offsets[other] <= at);
        placed.insert(slot, v);
    }
    (offsets, total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn life(len: usize, first: usize, last: usize) -> Lifetime {
        Lifetime { len, first, last }
    }

    #[test]
    fn a_dead_value_makes_room() {
        let (offsets, total) = place(&[life(8, 0, 1), life(8, 2, 3), life(4, 1, 2)], 4);
        assert_eq!((offsets, total), (vec![0, 0, 8], 12));
    }

    #[test]
    fn offsets_are_aligned() {
        let (offsets, total) = place(&[life(3, 0, 0), life(5, 0, 0)], 4);
        assert_eq!((offsets, total), (vec![8, 0], 12));
    }

    proptest! {
        #[test]
        fn living_values_never_share(values in prop::collection::vec((1usize..40, 0usize..9, 0usize..9), 0..24)) {
            let values: Vec<_> = values.iter().map(|&(len, a, b)| life(len, a.min(b), a.max(b))).collect();
            let (offsets, total) = place(&values, 1);
            for (i, a) in values.iter().enumerate() {
                prop_assert!(offsets[i] + a.len <= total);
                for (j, b) in values.iter().enumerate().skip(i + 1) {
                    let apart = offsets[i] + a.len <= offsets[j] || offsets[j] + b.len <= offsets[i];
                    prop_assert!(apart || !a.overlaps(b), "{i} and {j} share");
                }
            }
        }
    }
}
