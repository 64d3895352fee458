//! What was understood of data before anything is learned from them: each column's type, range and distribution, the
//! target's balance, and what looks wrong.

use std::collections::HashMap;

use serde::Serialize;

use crate::calendar::spelled;
use crate::columns::{EMPTY, Values};
use crate::dataset::{Cells, Dataset, Target};
use crate::leaks::{self, Warning};
use crate::missing::median;
use crate::row_hash::{Hashes, row_hashes};

/// Intervals of a histogram, and categories that are listed.
pub const BARS: usize = 16;

/// What data are.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Profile {
    /// Where they are.
    pub source: String,
    /// How many rows.
    pub rows: usize,
    /// Rows that equal one before them in all cells and the target.
    pub duplicate_rows: usize,
    /// Channels, height and width, if a row is a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<[usize; 3]>,
    /// Each column but the target.
    pub columns: Vec<ColumnProfile>,
    /// What is to be learned, if it was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetProfile>,
    /// Columns that have only one value, empty cells aside.
    pub constant: Vec<String>,
    /// Columns that equal one before them, each with that one.
    pub duplicate_columns: Vec<[String; 2]>,
    /// What looks wrong.
    pub warnings: Vec<Warning>,
}

/// What a column is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ColumnProfile {
    /// Its name.
    pub name: String,
    /// Its cells.
    #[serde(flatten)]
    pub cells: CellsProfile,
}

/// What the target is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TargetProfile {
    /// Its name, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its values: of classes all.
    #[serde(flatten)]
    pub cells: CellsProfile,
}

/// What a column's cells are.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum CellsProfile {
    /// Numbers.
    Number {
        /// Empty cells.
        empty: usize,
        /// Different numbers.
        distinct: usize,
        /// The smallest.
        min: f64,
        /// The largest.
        max: f64,
        /// The mean.
        mean: f64,
        /// The median.
        median: f64,
        /// How many are in each of [`BARS`] equal intervals from the smallest to the largest.
        histogram: Vec<usize>,
    },
    /// Dates and times.
    Date {
        /// Empty cells.
        empty: usize,
        /// Different moments.
        distinct: usize,
        /// The earliest.
        min: String,
        /// The latest.
        max: String,
        /// How many are in each of [`BARS`] equal intervals from the earliest to the latest.
        histogram: Vec<usize>,
    },
    /// Categories.
    Category {
        /// Empty cells.
        empty: usize,
        /// Different categories.
        distinct: usize,
        /// The most frequent with their rows; [`BARS`] at most, of a target all.
        counts: Vec<(String, usize)>,
    },
    /// Nothing that is used.
    Ignored {
        /// Why.
        reason: String,
    },
}

impl Profile {
    /// Of these data, as they were read; `target` is what its column is called.
    ///
    /// ```
    /// let profile = chainrule::profile::Profile::new(&chainrule::digits(), None);
    /// assert_eq!(profile.rows, 1797);
    /// ```
    pub fn new(data: &Dataset, target: Option<&str>) -> Profile {
        let mut seen = Hashes::with_capacity_and_hasher(data.rows(), Default::default());
        let duplicate_rows = row_hashes(data).into_iter().filter(|&hash| !seen.insert(hash)).count();
        let columns = match &data.cells {
            Cells::Table(columns) => &columns[..],
            _ => &[],
        };
        let all: Vec<u32> = (0..data.rows() as u32).collect();
        let profiles: Vec<ColumnProfile> = data
            .columns
            .iter()
            .zip(columns)
            .map(|(name, values)| ColumnProfile { name: name.clone(), cells: CellsProfile::of(values, BARS) })
            .collect();
        let constant = profiles.iter().filter(|column| column.cells.is_constant()).map(|column| column.name.clone());
        Profile {
            source: data.source.clone(),
            rows: data.rows(),
            duplicate_rows,
            image: data.image,
            target: TargetProfile::of(&data.target, target),
            constant: constant.collect(),
            duplicate_columns: duplicate_columns(&data.columns, columns),
            warnings: leaks::warnings(data, &all),
            columns: profiles,
        }
    }
}

impl TargetProfile {
    fn of(target: &Target, name: Option<&str>) -> Option<TargetProfile> {
        let name = name.map(str::to_owned);
        let cells = match target {
            Target::Classes { labels, names } => {
                CellsProfile::of(&Values::Categories { codes: labels.clone(), names: names.clone() }, usize::MAX)
            }
            Target::Numbers { values, .. } => {
                CellsProfile::of(&Values::Numbers(values.iter().map(|&value| f64::from(value)).collect()), BARS)
            }
            Target::None => return None,
        };
        Some(TargetProfile { name, cells })
    }
}

impl CellsProfile {
    fn of(values: &Values, most: usize) -> CellsProfile {
        match values {
            Values::Numbers(cells) => numbers(cells),
            Values::Dates(cells) => match numbers(cells) {
                CellsProfile::Number { empty, distinct, min, max, histogram, .. } => {
                    CellsProfile::Date { empty, distinct, min: spelled(min), max: spelled(max), histogram }
                }
                other => other,
            },
            Values::Categories { codes, names } => {
                let mut counts = vec![0; names.len()];
                let known = codes.iter().filter(|&&code| code != EMPTY);
                known.for_each(|&code| counts[code as usize] += 1);
                let empty = codes.len() - counts.iter().sum::<usize>();
                let mut counts: Vec<(String, usize)> =
                    names.iter().cloned().zip(counts).filter(|(_, count)| *count > 0).collect();
                let distinct = counts.len();
                counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
                counts.truncate(most);
                CellsProfile::Category { empty, distinct, counts }
            }
            Values::Ignored { reason, .. } => CellsProfile::Ignored { reason: reason.to_string() },
        }
    }

    fn is_constant(&self) -> bool {
        use CellsProfile::{Category, Date, Number};
        matches!(self, Number { distinct: 1, .. } | Date { distinct: 1, .. } | Category { distinct: 1, .. })
    }
}

fn numbers(cells: &[f64]) -> CellsProfile {
    let mut known: Vec<f64> = cells.iter().copied().filter(|cell| !cell.is_nan()).map(|cell| cell + 0.0).collect();
    known.sort_unstable_by(f64::total_cmp);
    let (min, max) = (known.first().copied().unwrap_or(0.0), known.last().copied().unwrap_or(0.0));
    let mut histogram = vec![0; BARS];
    for cell in &known {
        let at = if max > min { (cell - min) / (max - min) * BARS as f64 } else { 0.0 };
        histogram[(at as usize).min(BARS - 1)] += 1;
    }
    CellsProfile::Number {
        empty: cells.len() - known.len(),
        distinct: known.chunk_by(|a, b| a == b).count(),
        min,
        max,
        mean: known.iter().sum::<f64>() / known.len().max(1) as f64,
        median: median(&known).unwrap_or(0.0),
        histogram,
    }
}

/// Each column that equals one before it, and that one.
fn duplicate_columns(names: &[String], columns: &[Values]) -> Vec<[String; 2]> {
    let bits = |column: &Values| -> Option<Vec<u64>> {
        match column {
            Values::Numbers(cells) | Values::Dates(cells) => {
                Some(cells.iter().map(|cell| (cell + 0.0).to_bits()).collect())
            }
            // Names are numbered by their first row, so that equal columns have equal codes.
            Values::Categories { codes, .. } => Some(codes.iter().map(|&code| u64::from(code)).collect()),
            Values::Ignored { .. } => None,
        }
    };
    let mut seen: HashMap<u64, Vec<usize>> = HashMap::new();
    let mut found = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        let Some(cells) = bits(column) else { continue };
        let hash =
            cells.iter().fold(0u64, |hash, &cell| (hash.rotate_left(5) ^ cell).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let same = |&&before: &&usize| same_cells(&columns[before], column);
        let before = seen.entry(hash).or_default();
        match before.iter().find(same) {
            Some(&first) => found.push([names[at].clone(), names[first].clone()]),
            None => before.push(at),
        }
    }
    found
}

fn same_cells(a: &Values, b: &Values) -> bool {
    match (a, b) {
        (Values::Numbers(a), Values::Numbers(b)) | (Values::Dates(a), Values::Dates(b)) => {
            a.iter().zip(b).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()))
        }
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_counted() {
        let a = Values::Numbers(vec![0.0, 1.0, f64::NAN, 16.0, 1.0]);
        let c = Values::Categories { codes: vec![0, 1, 1, EMPTY, 1], names: vec!["x".into(), "y".into()] };
        let data = Dataset {
            cells: Cells::Table(vec![a.clone(), c, Values::Numbers(vec![5.0; 5]), a]),
            shape: vec![4],
            image: None,
            columns: ["a", "c", "five", "again"].map(String::from).to_vec(),
            target: Target::Classes { labels: vec![0, 1, 1, 1, 1], names: vec!["n".into(), "y".into()] },
            weights: None,
            keys: crate::Keys::default(),
            source: "t".into(),
        };
        let profile = Profile::new(&data, Some("label"));
        assert_eq!((profile.rows, profile.duplicate_rows), (5, 1));
        let CellsProfile::Number { empty: 1, distinct: 3, min, max, mean, median, histogram } =
            &profile.columns[0].cells
        else {
            panic!("{profile:?}")
        };
        assert_eq!((*min, *max, *mean, *median), (0.0, 16.0, 4.5, 1.0));
        assert_eq!((histogram[0], histogram[1], histogram[15], histogram.iter().sum::<usize>()), (1, 2, 1, 4));
        let counts = vec![("y".to_owned(), 3), ("x".to_owned(), 1)];
        assert_eq!(profile.columns[1].cells, CellsProfile::Category { empty: 1, distinct: 2, counts });
        assert_eq!(profile.constant, ["five"]);
        assert_eq!(profile.duplicate_columns, [["again".to_owned(), "a".to_owned()]]);
        let target = profile.target.unwrap();
        let counts = vec![("y".to_owned(), 4), ("n".to_owned(), 1)];
        assert_eq!(target.cells, CellsProfile::Category { empty: 0, distinct: 2, counts });
    }
}
