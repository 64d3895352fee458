//! Exact epochs: each row once an epoch, in an order that is a function of (seed, epoch).
//!
//! Every epoch shuffles the given order anew instead of the last epoch's, so that epoch e
//! can be dealt without dealing the ones before it.

use crate::random::{Purpose, stream};
use std::slice::Chunks;

/// The rows of one epoch in mini-batches; the last may be short.
///
/// ```
/// # use chainrule::MiniBatches;
/// let mut batches = MiniBatches::new(&[10, 11, 12], 2, 42, 0);
/// for epoch in 0..3 {
///     batches.reshuffle(epoch);
///     for rows in &batches {
///         assert!(rows.len() <= 2);
///     }
/// }
/// ```
#[derive(Debug, Clone)]
pub struct MiniBatches {
    given: Vec<u32>,
    order: Vec<u32>,
    batch: usize,
    seed: u64,
}

impl MiniBatches {
    /// The batches of `epoch`: `batch` of `rows` each (a `batch` of 0 counts as 1).
    ///
    /// ```
    /// use chainrule::MiniBatches;
    /// let batches = MiniBatches::new(&[10, 11, 12, 13, 14], 2, 1, 0);
    /// assert_eq!((batches.len(), batches.iter().last().unwrap().len()), (3, 1));
    /// ```
    pub fn new(rows: &[u32], batch: usize, seed: u64, epoch: u64) -> Self {
        let mut batches = Self { given: rows.to_vec(), order: rows.to_vec(), batch: batch.max(1), seed };
        batches.reshuffle(epoch);
        batches
    }

    /// Turns to another `epoch`; allocates nothing.
    ///
    /// ```
    /// use chainrule::MiniBatches;
    /// let mut batches = MiniBatches::new(&[0, 1, 2, 3, 4, 5, 6, 7], 8, 1, 0);
    /// let first = batches.iter().next().unwrap().to_vec();
    /// batches.reshuffle(1);
    /// assert_ne!(batches.iter().next(), Some(&first[..]));
    /// batches.reshuffle(0);
    /// assert_eq!(batches.iter().next(), Some(&first[..]));
    /// ```
    pub fn reshuffle(&mut self, epoch: u64) {
        self.order.copy_from_slice(&self.given);
        stream(self.seed, Purpose::Shuffle, epoch).shuffle(&mut self.order);
    }

    /// The epoch's batches in turn.
    pub fn iter(&self) -> Chunks<'_, u32> {
        self.order.chunks(self.batch)
    }

    /// How many batches an epoch has.
    pub fn len(&self) -> usize {
        self.given.len().div_ceil(self.batch)
    }

    /// Whether there are no rows at all.
    pub fn is_empty(&self) -> bool {
        self.given.is_empty()
    }
}

impl<'a> IntoIterator for &'a MiniBatches {
    type Item = &'a [u32];
    type IntoIter = Chunks<'a, u32>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_known() {
        let rows: Vec<u32> = (0..10).collect();
        let batches = MiniBatches::new(&rows, 4, 42, 3);
        let dealt: Vec<&[u32]> = batches.iter().collect();
        assert_eq!(dealt, [&[7, 0, 4, 9][..], &[8, 1, 6, 5], &[3, 2]]);
        assert_eq!(batches.len(), 3);
    }

    #[test]
    fn every_row_comes_once_an_epoch() {
        let rows: Vec<u32> = (0..103).map(|i| i * 3).collect();
        for epoch in 0..5 {
            let mut all = MiniBatches::new(&rows, 10, 1, epoch).iter().collect::<Vec<_>>().concat();
            assert_ne!(all, rows);
            all.sort_unstable();
            assert_eq!(all, rows);
        }
    }

    #[test]
    fn an_epoch_does_not_depend_on_the_ones_before() {
        let rows: Vec<u32> = (0..50).collect();
        let mut batches = MiniBatches::new(&rows, 7, 5, 0);
        batches.reshuffle(1);
        batches.reshuffle(2);
        let alone = MiniBatches::new(&rows, 7, 5, 2);
        assert!(batches.iter().eq(&alone));
    }

    #[test]
    fn no_rows_and_no_batch_size_are_no_trouble() {
        let none = MiniBatches::new(&[], 8, 1, 0);
        assert!(none.is_empty());
        assert_eq!(none.iter().count(), 0);
        assert_eq!(MiniBatches::new(&[1, 2], 0, 1, 0).len(), 2);
    }
}
