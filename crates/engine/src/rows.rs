//! What a run is given: the rows at hand of each input, and the clock.

use crate::plan::Plan;

/// A resident table of an input's values, row after row.
#[derive(Clone, Copy, Debug)]
pub enum Column<'a> {
    /// Numbers.
    F32(&'a [f32]),
    /// Numbers, for checks.
    F64(&'a [f64]),
    /// Bytes, such as pixels: the value is `cell · scale`.
    U8 {
        /// One a number.
        cells: &'a [u8],
        /// What a cell of 1 means.
        scale: f32,
    },
    /// Classes.
    U32(&'a [u32]),
    /// Nothing, for an input that the plan does not read (a label, when predicting).
    Absent,
}

impl Column<'_> {
    /// How many numbers it holds.
    fn len(&self) -> usize {
        match self {
            Column::F32(cells) => cells.len(),
            Column::F64(cells) => cells.len(),
            Column::U8 { cells, .. } => cells.len(),
            Column::U32(cells) => cells.len(),
            Column::Absent => 0,
        }
    }
}

/// The rows of one run: which rows of which tables, checked against the plan once.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    pub(crate) columns: &'a [Column<'a>],
    pub(crate) index: Option<&'a [u32]>,
    pub(crate) count: usize,
}

/// Tables that do not fit a plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("input '{input}': expected {expected}, found {found}")]
pub struct RowsError {
    /// The input's name in the graph.
    pub input: String,
    /// What the plan takes.
    pub expected: String,
    /// What was given.
    pub found: String,
}

impl<'a> Rows<'a> {
    /// No rows: for a plan of whole values only.
    pub fn none() -> Rows<'static> {
        Rows { columns: &[], index: None, count: 0 }
    }

    /// The rows `index` of the tables `columns`, in this order; one column an input of the
    /// graph, in the order in which they were made.
    ///
    /// # Errors
    /// If a column is missing or is not a whole number of rows, or an index is beyond its end.
    pub fn pick(plan: &Plan, columns: &'a [Column<'a>], index: &'a [u32]) -> Result<Self, RowsError> {
        let available = Self::available(plan, columns)?;
        if let Some(&beyond) = index.iter().find(|&&row| row as usize >= available) {
            return Err(RowsError {
                input: plan.inputs().first().map_or(String::new(), |input| input.name.clone()),
                expected: format!("rows below {available}"),
                found: format!("row {beyond}"),
            });
        }
        Ok(Rows { columns, index: Some(index), count: index.len() })
    }

    /// All rows of the tables `columns`, in their order.
    ///
    /// # Errors
    /// If a column is missing, is not a whole number of rows, or has more rows than another.
    pub fn all(plan: &Plan, columns: &'a [Column<'a>]) -> Result<Self, RowsError> {
        let count = Self::available(plan, columns)?;
        Ok(Rows { columns, index: None, count })
    }

    fn available(plan: &Plan, columns: &[Column<'_>]) -> Result<usize, RowsError> {
        let mut available = None;
        for (number, input) in plan.inputs().iter().enumerate() {
            if !input.used {
                continue;
            }
            let error = |expected: String, found: String| RowsError { input: input.name.clone(), expected, found };
            let len = columns.get(number).map_or(0, Column::len);
            let width = input.shape.len();
            if len == 0 || len % width != 0 {
                return Err(error(format!("rows of {width} numbers"), format!("{len} numbers")));
            }
            let rows = len / width;
            match available {
                Some(others) if others != rows => {
                    return Err(error(format!("{others} rows, as the inputs before it"), format!("{rows} rows")));
                }
                _ => available = Some(rows),
            }
        }
        Ok(available.unwrap_or(0))
    }

    /// How many rows.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The table's row for the `at`-th row at hand.
    #[inline]
    pub(crate) fn row(&self, at: usize) -> usize {
        self.index.map_or(at, |index| index[at] as usize)
    }
}

/// What a step depends on besides its data.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Clock {
    /// How many updates came before.
    pub step: u64,
    /// The learning rate η.
    pub rate: f64,
    /// The run's seed.
    pub seed: u64,
}
