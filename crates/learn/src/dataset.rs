//! Examples in memory: one row of cells an example, and what is to be learned from each.
//!
//! Pixels stay bytes (a quarter of the memory, and a quarter of the traffic); their scale
//! says what a byte is worth, and the first layer's input is `cell · scale`. A table's columns stay columns.

use crate::columns::Values;
use crate::keys::Keys;

/// Rows of equal shape with their target.
///
/// ```
/// use chainrule::{Cells, Dataset, Keys, Target};
/// let xor = Dataset {
///     cells: Cells::F32(vec![0., 0., 0., 1., 1., 0., 1., 1.]),
///     shape: vec![2],
///     image: None,
///     columns: vec!["a".into(), "b".into()],
///     target: Target::Classes { labels: vec![0, 1, 1, 0], names: vec!["same".into(), "different".into()] },
///     weights: None,
///     keys: Keys::default(),
///     source: "xor".into(),
/// };
/// assert_eq!((xor.rows(), xor.width()), (4, 2));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// All rows, one after the other.
    pub cells: Cells,
    /// The shape of one row: `[784]`; of a table, how many columns there are.
    pub shape: Vec<usize>,
    /// Channels, height and width, when a row is a picture; its cells are channel by channel, row by row.
    pub image: Option<[usize; 3]>,
    /// The names of a row's cells; empty for pictures.
    pub columns: Vec<String>,
    /// What each row is an example of.
    pub target: Target,
    /// How much each row's loss counts in training, from 0 and finite; all alike if `None`.
    pub weights: Option<Vec<f32>>,
    /// What says on which side of a split each row is to be, if anything does.
    pub keys: Keys,
    /// Where it was read from, for messages and records.
    pub source: String,
}

/// The numbers of all rows, as they are stored.
#[derive(Debug, Clone, PartialEq)]
pub enum Cells {
    /// Numbers as they are.
    F32(Vec<f32>),
    /// Bytes, each worth `cell · scale`.
    U8 {
        /// The bytes.
        cells: Vec<u8>,
        /// What one unit is worth: 1/255 for pixels.
        scale: f32,
    },
    /// The columns of a table, as many as `columns` has names.
    Table(Vec<Values>),
}

/// What is to be learned.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// One class a row.
    Classes {
        /// A number below `names.len()` for each row.
        labels: Vec<u32>,
        /// The classes' names in the order of their numbers.
        names: Vec<String>,
    },
    /// One number a row.
    Numbers {
        /// The number of each row.
        values: Vec<f32>,
        /// The column's name.
        name: String,
    },
    /// Nothing: the rows wait for a prediction.
    None,
}

impl Dataset {
    /// How many examples there are.
    pub fn rows(&self) -> usize {
        let cells = match &self.cells {
            Cells::F32(cells) => cells.len(),
            Cells::U8 { cells, .. } => cells.len(),
            Cells::Table(columns) => return columns.first().map_or(0, Values::rows),
        };
        cells.checked_div(self.width()).unwrap_or(0)
    }

    /// How many cells one example has.
    pub fn width(&self) -> usize {
        self.shape.iter().product()
    }

    /// The given rows in the given order; a row may come twice.
    ///
    /// ```
    /// let digits = chainrule::digits().select(&[3, 0, 3]);
    /// assert_eq!(digits.rows(), 3);
    /// ```
    ///
    /// # Panics
    /// If a row is not below [`rows`](Self::rows), as slices do.
    pub fn select(&self, rows: &[u32]) -> Self {
        let width = self.width();
        Self {
            cells: match &self.cells {
                Cells::F32(cells) => Cells::F32(gather(cells, width, rows)),
                Cells::U8 { cells, scale } => Cells::U8 { cells: gather(cells, width, rows), scale: *scale },
                Cells::Table(columns) => Cells::Table(columns.iter().map(|column| column.select(rows)).collect()),
            },
            shape: self.shape.clone(),
            image: self.image,
            columns: self.columns.clone(),
            target: self.target.select(rows),
            weights: self.weights.as_ref().map(|weights| gather(weights, 1, rows)),
            keys: self.keys.select(rows),
            source: self.source.clone(),
        }
    }

    /// A fingerprint of the shape, the cells, the target and the weights (not of the keys, nor of names of columns or
    /// files): FNV-1a, 64 bits, over their little-endian bytes, of a table's columns over whole cells. It tells a run's record
    /// whether the data are still the same; it is no protection against a forger.
    ///
    /// ```
    /// let digits = chainrule::digits();
    /// assert_eq!(digits.hash(), chainrule::digits().hash());
    /// assert_ne!(digits.hash(), digits.select(&[1, 0]).hash());
    /// ```
    pub fn hash(&self) -> u64 {
        let mut fnv = Fnv::of_shape(&self.shape);
        match &self.cells {
            Cells::F32(cells) => fnv.numbers(0, cells),
            Cells::U8 { cells, scale } => {
                fnv.numbers(1, &[*scale]);
                fnv.add(cells);
            }
            Cells::Table(columns) => columns.iter().for_each(|column| fnv.column(column)),
        }
        fnv.target(&self.target);
        fnv.weights(self.weights.as_deref());
        fnv.0
    }
}

impl Target {
    /// The given rows in the given order.
    pub(crate) fn select(&self, rows: &[u32]) -> Target {
        match self {
            Target::Classes { labels, names } => {
                Target::Classes { labels: gather(labels, 1, rows), names: names.clone() }
            }
            Target::Numbers { values, name } => Target::Numbers { values: gather(values, 1, rows), name: name.clone() },
            Target::None => Target::None,
        }
    }
}

fn gather<T: Copy>(from: &[T], width: usize, rows: &[u32]) -> Vec<T> {
    let mut to = Vec::with_capacity(rows.len() * width);
    for &row in rows {
        let start = row as usize * width;
        to.extend_from_slice(&from[start..start + width]);
    }
    to
}

/// FNV-1a: `hash ← (hash xor byte) · prime`.
pub(crate) struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// Of a file.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        let mut fnv = Fnv::new();
        fnv.add(bytes);
        fnv
    }

    /// Begins with the shape of a row.
    pub(crate) fn of_shape(shape: &[usize]) -> Self {
        let mut fnv = Fnv::new();
        for &length in shape {
            fnv.add(&(length as u64).to_le_bytes());
        }
        fnv
    }

    /// What came out.
    pub(crate) fn value(&self) -> u64 {
        self.0
    }

    fn column(&mut self, column: &Values) {
        match column {
            Values::Numbers(cells) => {
                self.begin_numbers();
                cells.iter().for_each(|cell| self.cell(cell.to_bits()));
            }
            Values::Dates(cells) => {
                self.begin_dates();
                cells.iter().for_each(|cell| self.cell(cell.to_bits()));
            }
            Values::Categories { codes, names } => {
                self.begin_categories();
                codes.iter().for_each(|&code| self.cell(u64::from(code)));
                self.names(names);
            }
            Values::Ignored { rows, .. } => self.ignored(*rows),
        }
    }

    /// A cell at a time: tables are large, and their cells eight bytes.
    #[inline]
    pub(crate) fn cell(&mut self, cell: u64) {
        self.0 = (self.0 ^ cell ^ (cell >> 32)).wrapping_mul(0x0100_0000_01b3);
    }

    pub(crate) fn begin_numbers(&mut self) {
        self.cell(5);
    }

    pub(crate) fn begin_dates(&mut self) {
        self.cell(12);
    }

    pub(crate) fn begin_categories(&mut self) {
        self.cell(6);
    }

    /// Of categories, after their codes.
    pub(crate) fn names(&mut self, names: &[String]) {
        names.iter().for_each(|name| self.add(name.as_bytes()));
    }

    pub(crate) fn ignored(&mut self, rows: usize) {
        self.cell(7);
        self.cell(rows as u64);
    }

    pub(crate) fn target(&mut self, target: &Target) {
        match target {
            Target::Classes { labels, names } => {
                self.add(&[2]);
                for label in labels {
                    self.add(&label.to_le_bytes());
                }
                for name in names {
                    self.add(&(name.len() as u64).to_le_bytes());
                    self.add(name.as_bytes());
                }
            }
            Target::Numbers { values, .. } => self.numbers(3, values),
            Target::None => self.add(&[4]),
        }
    }

    pub(crate) fn weights(&mut self, weights: Option<&[f32]>) {
        if let Some(weights) = weights {
            self.numbers(8, weights);
        }
    }

    /// `tag` keeps kinds apart whose bytes are equal.
    fn numbers(&mut self, tag: u8, numbers: &[f32]) {
        self.add(&[tag]);
        for number in numbers {
            self.add(&number.to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Dataset {
        Dataset {
            cells: Cells::F32(vec![0.0, 1.0, 10.0, 11.0, 20.0, 21.0]),
            shape: vec![2],
            image: None,
            columns: vec!["a".into(), "b".into()],
            target: Target::Classes { labels: vec![0, 1, 0], names: vec!["no".into(), "yes".into()] },
            weights: None,
            keys: Keys::default(),
            source: "three.csv".into(),
        }
    }

    #[test]
    fn rows_are_selected_with_their_target() {
        let some = three().select(&[2, 1, 2]);
        assert_eq!((some.rows(), some.width()), (3, 2));
        assert_eq!(some.cells, Cells::F32(vec![20.0, 21.0, 10.0, 11.0, 20.0, 21.0]));
        assert!(matches!(some.target, Target::Classes { labels, .. } if labels == [0, 1, 0]));
        assert_eq!(three().select(&[]).rows(), 0);
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        let mut fnv = Fnv::new();
        fnv.add(b"foobar");
        assert_eq!(fnv.0, 0x8594_4171_f739_67e8); // from the authors' test vectors
    }

    #[test]
    fn the_hash_sees_every_cell_and_label_and_no_path() {
        let hash = three().hash();
        let mut other = three();
        other.source = "elsewhere.csv".into();
        assert_eq!(other.hash(), hash);
        assert_ne!(three().select(&[0, 2, 1]).hash(), hash);
        if let Target::Classes { labels, .. } = &mut other.target {
            labels[2] = 1;
        }
        assert_ne!(other.hash(), hash);
        other.target = Target::None;
        assert_ne!(other.hash(), hash);
    }

    #[test]
    fn a_row_of_nothing_is_no_row() {
        let mut none = three();
        none.shape = vec![0];
        assert_eq!(none.rows(), 0);
    }
}
