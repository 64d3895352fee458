//! Whether what a cache says of itself can be so.
//!
//! A sum tells damage, not a lie: whoever writes another meta writes its sum too. What rows are taken by is therefore looked at
//! before anything is read on its word: every chunk lies before the meta, and together those of a column are its rows.

use super::{Chunk, Meta, StoredCells, StoredTarget};

impl Meta {
    /// Whether it can be the meta of a cache whose chunks lie from byte `begin` to byte `end`.
    pub(super) fn is_consistent(&self, begin: u64, end: u64) -> bool {
        // A table without rows is refused before it has a cache.
        if self.group == 0 || self.rows == 0 || u32::try_from(self.rows).is_err() {
            return false;
        }
        let lies = |chunk: &Chunk| {
            let after = chunk.at.checked_add(chunk.bytes as u64);
            chunk.at >= begin && after.is_some_and(|after| after <= end)
        };
        // One after the other, of any size: of what is read in one piece.
        let whole = |chunks: &[Chunk], width: usize| {
            let cells = chunks.iter().try_fold(0usize, |cells, chunk| cells.checked_add(chunk.bytes / width));
            chunks.iter().all(|chunk| lies(chunk) && chunk.bytes % width == 0) && cells == Some(self.rows)
        };
        // One for each group of rows.
        let grouped = |chunks: &[Chunk], width: usize| {
            let sized = |(group, chunk): (usize, &Chunk)| {
                let rows = (self.rows - group * self.group).min(self.group);
                lies(chunk) && rows.checked_mul(width) == Some(chunk.bytes)
            };
            chunks.len() == self.rows.div_ceil(self.group) && chunks.iter().enumerate().all(sized)
        };
        let columns = self.columns.iter().all(|column| match column.cells {
            StoredCells::Numbers | StoredCells::Dates => grouped(&column.chunks, 8),
            StoredCells::Categories(_) => grouped(&column.chunks, 4),
            StoredCells::Ignored(_) => column.chunks.is_empty(),
        });
        let (StoredTarget::Classes { chunks, .. } | StoredTarget::Numbers { chunks, .. }) = &self.target;
        let weights = self.weights.as_ref().is_none_or(|chunks| whole(chunks, 4));
        let hashes = grouped(&self.hashes, 8);
        columns && whole(chunks, 4) && weights && hashes && self.keys.iter().all(|(_, chunks)| whole(chunks, 8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stored::{Identity, StoredColumn};

    fn chunks(sizes: &[usize]) -> Vec<Chunk> {
        let mut at = 24;
        sizes
            .iter()
            .map(|&bytes| {
                at += bytes as u64;
                Chunk { at: at - bytes as u64, bytes, sum: 0 }
            })
            .collect()
    }

    /// Five rows in groups of two: a column of numbers, one of names, one that is passed over.
    fn meta() -> Meta {
        let column = |cells, chunks| StoredColumn { name: "x".into(), cells, chunks };
        let of = Identity { version: String::new(), length: 0, changed: 0, ends: 0, options: String::new() };
        Meta {
            of,
            rows: 5,
            group: 2,
            columns: vec![
                column(StoredCells::Numbers, chunks(&[16, 16, 8])),
                column(StoredCells::Categories(vec!["a".into()]), chunks(&[8, 8, 4])),
                column(StoredCells::Ignored(crate::columns::Reason::Asked), Vec::new()),
            ],
            target: StoredTarget::Numbers { name: "y".into(), chunks: chunks(&[20]) },
            weights: Some(chunks(&[20])),
            keys: vec![(crate::readers::csv::Key::Group, chunks(&[32, 8]))],
            hashes: chunks(&[16, 16, 8]),
            fingerprint: String::new(),
        }
    }

    #[test]
    fn a_meta_that_cannot_be_is_told() {
        assert!(meta().is_consistent(24, 64));
        let changes: [fn(&mut Meta); 16] = [
            |meta| meta.group = 0,
            |meta| meta.group = 3,
            |meta| meta.group = usize::MAX,
            |meta| {
                (meta.rows, meta.weights) = (0, None);
                meta.columns.clear();
                meta.keys.clear();
                meta.target = StoredTarget::Numbers { name: "y".into(), chunks: Vec::new() };
            },
            |meta| meta.rows = 4,
            |meta| meta.rows = 7,
            |meta| meta.rows = usize::MAX,
            |meta| meta.columns[0].chunks[1].at = 63,
            |meta| meta.columns[0].chunks[1].at = u64::MAX,
            |meta| meta.columns[0].chunks[0].at = 23,
            |meta| meta.columns[1].chunks.truncate(2),
            |meta| meta.columns[1].chunks[0].bytes = usize::MAX,
            |meta| meta.columns[2].chunks = chunks(&[16, 16, 8]),
            |meta| meta.weights = Some(chunks(&[10, 10])),
            |meta| meta.keys[0].1.clear(),
            |meta| meta.hashes.truncate(2),
        ];
        for (at, change) in changes.iter().enumerate() {
            let mut meta = meta();
            change(&mut meta);
            assert!(!meta.is_consistent(24, 64), "change {at}");
        }
        assert!(!meta().is_consistent(24, 63), "the last chunk reaches into the meta");
    }
}
