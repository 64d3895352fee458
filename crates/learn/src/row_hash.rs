//! 64 bits for each row, the same for rows with the same cells and target: among n rows two others share them with a
//! chance of about n² / 2⁶⁵.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use crate::columns::{EMPTY, Values};
use crate::dataset::{Cells, Dataset, Target};

/// A set of hashes, each of which is its own place: hashing them again would take most of the time.
pub(crate) type Hashes = HashSet<u64, BuildHasherDefault<AsItIs>>;

/// Takes a number as it is.
#[derive(Default)]
pub(crate) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.0 = self.0 << 8 | u64::from(byte));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// Of all rows. Numbers are compared by value (0 is −0), categories and classes by name.
pub(crate) fn row_hashes(data: &Dataset) -> Vec<u64> {
    let mut hashes = begin(data.rows());
    let width = data.width().max(1);
    match &data.cells {
        Cells::F32(cells) => {
            for (hash, row) in hashes.iter_mut().zip(cells.chunks_exact(width)) {
                row.iter().for_each(|&cell| *hash = mix(*hash, u64::from((cell + 0.0).to_bits())));
            }
        }
        Cells::U8 { cells, .. } => {
            for (hash, row) in hashes.iter_mut().zip(cells.chunks_exact(width)) {
                *hash = bytes(*hash, row);
            }
        }
        Cells::Table(columns) => columns.iter().for_each(|column| add(&mut hashes, column)),
    }
    add_target(&mut hashes, &data.target);
    hashes
}

/// Of as many rows without cells. Then come the columns, one after the other, and the target.
pub(crate) fn begin(rows: usize) -> Vec<u64> {
    vec![0x9e37_79b9_7f4a_7c15; rows]
}

pub(crate) fn add_target(hashes: &mut [u64], target: &Target) {
    match target {
        Target::Classes { labels, names } => add_codes(hashes, labels, &word_hashes(names)),
        Target::Numbers { values, .. } => {
            let bits = |value: f32| u64::from((value + 0.0).to_bits());
            hashes.iter_mut().zip(values).for_each(|(hash, &value)| *hash = mix(*hash, bits(value)));
        }
        Target::None => {}
    }
}

/// Adds a column's cells; nothing of one that is passed over.
fn add(hashes: &mut [u64], column: &Values) {
    match column {
        Values::Numbers(cells) | Values::Dates(cells) => add_numbers(hashes, cells),
        Values::Categories { codes, names } => add_codes(hashes, codes, &word_hashes(names)),
        Values::Ignored { .. } => {}
    }
}

pub(crate) fn add_numbers(hashes: &mut [u64], cells: &[f64]) {
    hashes.iter_mut().zip(cells).for_each(|(hash, &cell)| *hash = mix(*hash, (cell + 0.0).to_bits()));
}

/// Adds categories or classes, whose names have these hashes.
pub(crate) fn add_codes(hashes: &mut [u64], codes: &[u32], names: &[u64]) {
    let name = |code: u32| if code == EMPTY { 0 } else { names[code as usize] };
    hashes.iter_mut().zip(codes).for_each(|(hash, &code)| *hash = mix(*hash, name(code)));
}

pub(crate) fn word_hashes(words: &[String]) -> Vec<u64> {
    words.iter().map(|word| word_hash(word)).collect()
}

/// Of a word.
pub(crate) fn word_hash(word: &str) -> u64 {
    bytes(1, word.as_bytes())
}

fn bytes(hash: u64, bytes: &[u8]) -> u64 {
    let word = |part: &[u8]| part.iter().rev().fold(0u64, |word, &byte| word << 8 | u64::from(byte));
    mix(bytes.chunks(8).fold(hash, |hash, part| mix(hash, word(part))), bytes.len() as u64)
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood, 2014) on what is so far, turned, and what is new.
fn mix(hash: u64, word: u64) -> u64 {
    let mut z = hash.rotate_left(23) ^ word;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_told_apart_by_every_cell_and_the_target() {
        let data = |cells: &[u8], labels: &[u32], names: &[&str]| Dataset {
            cells: Cells::U8 { cells: cells.to_vec(), scale: 1.0 },
            shape: vec![10],
            image: None,
            columns: vec![],
            target: Target::Classes { labels: labels.to_vec(), names: names.iter().map(|&n| n.into()).collect() },
            weights: None,
            keys: crate::Keys::default(),
            source: String::new(),
        };
        let mut cells = vec![0; 40];
        cells[19] = 1;
        let hashes = row_hashes(&data(&cells, &[0, 0, 1, 0], &["a", "b"]));
        assert_eq!(hashes[0], hashes[3]);
        assert!(hashes[0] != hashes[1] && hashes[0] != hashes[2]);
        // By name, whatever its number.
        assert_eq!(row_hashes(&data(&[0; 10], &[1], &["z", "a"]))[0], hashes[0]);
    }
}
