//! The columns of a table as they were read: numbers, or categories by name, with their gaps.
//!
//! They stay columns, in f64 and in codes, until an [`encoding`](crate::encoding) that was fitted on the training
//! rows makes rows of them: what a category or an empty cell becomes must not depend on the rows that judge.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The code of an empty cell among categories.
pub const EMPTY: u32 = u32::MAX;

/// One column, a cell a row.
///
/// ```
/// use chainrule::{Values, columns::EMPTY};
/// let colours = Values::Categories { codes: vec![0, 1, EMPTY], names: vec!["red".into(), "blue".into()] };
/// assert_eq!((colours.rows(), colours.kind()), (3, "category"));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Numbers; NaN where a cell is empty.
    Numbers(Vec<f64>),
    /// Dates and times, in seconds since 1970; NaN where a cell is empty.
    Dates(Vec<f64>),
    /// Words.
    Categories {
        /// The number of each row's name, or [`EMPTY`].
        codes: Vec<u32>,
        /// The distinct words, in the order of their first row.
        names: Vec<String>,
    },
    /// Text that nearly never comes twice, or nothing: passed over, and its cells are not kept.
    Ignored {
        /// How many rows.
        rows: usize,
        /// Why.
        reason: Reason,
    },
}

/// Why a column is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// It was asked for.
    Asked,
    /// It holds the rows' weights.
    Weights,
    /// It says on which side of the split a row is.
    Split,
    /// All its cells are empty.
    Empty,
    /// Words that nearly never come twice: names, keys or free text.
    Words {
        /// How many different ones.
        different: usize,
        /// Of so many cells with a word.
        cells: usize,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Asked => f.write_str("as asked"),
            Reason::Weights => f.write_str("it holds the rows' weights"),
            Reason::Split => f.write_str("the split goes by it"),
            Reason::Empty => f.write_str("all its cells are empty"),
            Reason::Words { different, cells } if different == cells => {
                write!(f, "each of its {cells} words is another, as of an identifier or of free text")
            }
            Reason::Words { different, cells } => write!(f, "{different} different words in {cells} cells"),
        }
    }
}

impl Reason {
    /// Whether the column was named for it, so that it surprises no one.
    pub(crate) fn is_asked(self) -> bool {
        matches!(self, Reason::Asked | Reason::Weights | Reason::Split)
    }
}

impl Values {
    /// How many rows.
    pub fn rows(&self) -> usize {
        match self {
            Values::Numbers(cells) | Values::Dates(cells) => cells.len(),
            Values::Categories { codes, .. } => codes.len(),
            Values::Ignored { rows, .. } => *rows,
        }
    }

    /// The given rows in the given order.
    pub(crate) fn select(&self, rows: &[u32]) -> Values {
        match self {
            Values::Numbers(cells) => Values::Numbers(rows.iter().map(|&row| cells[row as usize]).collect()),
            Values::Dates(cells) => Values::Dates(rows.iter().map(|&row| cells[row as usize]).collect()),
            Values::Categories { codes, names } => Values::Categories {
                codes: rows.iter().map(|&row| codes[row as usize]).collect(),
                names: names.clone(),
            },
            Values::Ignored { reason, .. } => Values::Ignored { rows: rows.len(), reason: *reason },
        }
    }

    /// What the column is, in a word.
    pub fn kind(&self) -> &'static str {
        match self {
            Values::Numbers(_) => "number",
            Values::Dates(_) => "date",
            Values::Categories { .. } => "category",
            Values::Ignored { .. } => "ignored",
        }
    }
}

/// Columns of numbers without gaps as rows of f32; the number of the first other column if there is one.
pub(crate) fn as_rows(columns: &[Values]) -> Result<Vec<f32>, usize> {
    let mut numbers = Vec::with_capacity(columns.len());
    for (at, column) in columns.iter().enumerate() {
        match column {
            Values::Numbers(cells) if !cells.iter().any(|cell| cell.is_nan()) => numbers.push(cells),
            _ => return Err(at),
        }
    }
    let rows = numbers.first().map_or(0, |cells| cells.len());
    let mut cells = Vec::with_capacity(rows * numbers.len());
    for row in 0..rows {
        cells.extend(numbers.iter().map(|cells| cells[row] as f32));
    }
    Ok(cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_numbers_columns_become_rows() {
        let (a, b) = (Values::Numbers(vec![1.0, 2.0]), Values::Numbers(vec![3.0, 4.0]));
        assert_eq!(as_rows(&[a.clone(), b]), Ok(vec![1.0, 3.0, 2.0, 4.0]));
        assert_eq!(as_rows(&[a.clone(), Values::Numbers(vec![1.0, f64::NAN])]), Err(1));
        let words = Values::Categories { codes: vec![0, EMPTY], names: vec!["x".into()] };
        assert_eq!(as_rows(&[words.clone(), a]), Err(0));
        assert_eq!(words.select(&[1, 1]), Values::Categories { codes: vec![EMPTY; 2], names: vec!["x".into()] });
    }
}
