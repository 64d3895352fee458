//! What a run is given: the rows at hand of each input, and the clock.

use crate::plan::Plan;

/// A resident table of an input's values, row after row.
///
/// ```
/// use chainrule_engine::*;
/// let g = Graph::new();
/// let y = g.input("pixels", [2]).sum();
/// let plan = g.predict(&[y])?;
/// let mut arena = Reference.allocate(&[&plan], 2)?;
/// let pixels = [Column::U8 { cells: &[0, 255, 51, 51], scale: 1.0 / 255.0 }];
/// Reference.run(&plan, &mut arena, &Rows::all(&plan, &pixels)?, Clock::default());
/// let sums = Reference.read(&plan, &arena, plan.value(y).unwrap());
/// assert!((sums[0] - 1.0).abs() < 1e-6 && (sums[1] - 0.4).abs() < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
///
/// ```
/// use chainrule_engine::{Column, Graph, Rows};
/// let g = Graph::new();
/// let plan = g.predict(&[g.input("x", [3]).sum()])?;
/// let error = Rows::all(&plan, &[Column::F32(&[1.0, 2.0])]).unwrap_err();
/// assert_eq!(error.to_string(), "input 'x': expected rows of 3 numbers, found 2 numbers");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
    ///
    /// ```
    /// assert_eq!(chainrule_engine::Rows::none().count(), 0);
    /// ```
    pub fn none() -> Rows<'static> {
        Rows { columns: &[], index: None, count: 0 }
    }

    /// The rows `index` of the tables `columns`, in this order; one column an input of the
    /// graph, in the order in which they were made.
    ///
    /// ```
    /// use chainrule_engine::*;
    /// let g = Graph::new();
    /// let x = g.input("x", [1]);
    /// let (y, table) = (x * 2.0, [Column::F64(&[10.0, 20.0, 30.0])]);
    /// let plan = g.predict(&[y])?;
    /// let mut arena = Reference.allocate(&[&plan], 2)?;
    /// Reference.run(&plan, &mut arena, &Rows::pick(&plan, &table, &[2, 0])?, Clock::default());
    /// assert_eq!(Reference.read(&plan, &arena, plan.value(y).unwrap()), [60.0, 20.0]);
    /// assert!(Rows::pick(&plan, &table, &[3]).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
    /// ```
    /// use chainrule_engine::{Column, Graph, Rows};
    /// let g = Graph::new();
    /// let plan = g.predict(&[g.input("x", [2]).sum()])?;
    /// assert_eq!(Rows::all(&plan, &[Column::F32(&[1.0, 2.0, 3.0, 4.0])])?.count(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
///
/// ```
/// use chainrule_engine::*;
/// let g = Graph::new();
/// let y = g.parameter("x", [4]).dropout(0.5, 0);
/// let plan = g.predict(&[y])?;
/// let mut arena = Reference.allocate(&[&plan], 0)?;
/// Reference.write(&mut arena, plan.parameter("x").unwrap(), &[1.0; 4]);
/// let mut dropped = |step| {
///     Reference.run(&plan, &mut arena, &Rows::none(), Clock { step, rate: 0.0, seed: 7 });
///     Reference.read(&plan, &arena, plan.value(y).unwrap())
/// };
/// // All chance is a function of the clock.
/// assert_eq!(dropped(3), dropped(3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Clock {
    /// How many updates came before.
    pub step: u64,
    /// The learning rate η.
    pub rate: f64,
    /// The run's seed.
    pub seed: u64,
}
