//! The data inside the program: 1797 handwritten digits, so that the first training needs
//! no file. Their provenance is in `data/README.md`.

use crate::dataset::{Cells, Dataset, Target};
use crate::keys::Keys;
use flate2::read::GzDecoder;
use std::io::Read;

static DIGITS: &[u8] = include_bytes!("../data/digits.csv.gz");

/// The embedded digits: 1797 pictures of 8 × 8 pixels in 0..=16, scaled to [0, 1], and their
/// ten classes `0` to `9`.
///
/// ```
/// let digits = chainrule::digits();
/// assert_eq!((digits.rows(), digits.width()), (1797, 64));
/// ```
pub fn digits() -> Dataset {
    const SIDE: usize = 8;
    let mut text = String::new();
    GzDecoder::new(DIGITS).read_to_string(&mut text).expect("the embedded file is whole: the tests read it");
    let mut cells = Vec::new();
    let mut labels = Vec::new();
    for line in text.lines() {
        let mut row: Vec<u8> = line.split(',').filter_map(|cell| cell.parse().ok()).collect();
        labels.extend(row.pop().map(u32::from));
        cells.extend(row);
    }
    Dataset {
        cells: Cells::U8 { cells, scale: 1.0 / 16.0 },
        shape: vec![SIDE * SIDE],
        image: Some([1, SIDE, SIDE]),
        columns: Vec::new(),
        target: Target::Classes { labels, names: (0..10).map(|digit| digit.to_string()).collect() },
        weights: None,
        keys: Keys::default(),
        source: "the embedded digits".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_digits_are_whole() {
        let data = digits();
        assert_eq!((data.rows(), data.width()), (1797, 64));
        let Cells::U8 { cells, .. } = &data.cells else { panic!("pixels are bytes") };
        assert_eq!(cells.len(), 1797 * 64);
        assert_eq!(cells.iter().max(), Some(&16));
        assert_eq!(cells[..8], [0, 0, 5, 13, 9, 1, 0, 0]);
        let Target::Classes { labels, names } = &data.target else { panic!("digits are classes") };
        assert_eq!(names[9], "9");
        let mut counts = [0; 10];
        for &label in labels {
            counts[label as usize] += 1;
        }
        assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    }
}
