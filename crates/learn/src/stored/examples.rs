//! Rows on disk as a network takes them: encoded where they are needed, a group at a time.

use chainrule_engine::Column;

use super::Stored;
use crate::encoding::{Encoding, Labels, Table};
use crate::input_error::InputError;
use crate::model::Task;

/// A table on disk, and how its rows are encoded.
#[derive(Debug)]
pub(crate) struct StoredExamples {
    pub(crate) stored: Stored,
    pub(crate) encoding: Encoding,
}

impl StoredExamples {
    /// The rows of a group.
    pub(crate) fn group(&self, group: usize) -> Result<Table, InputError> {
        self.encoding.apply(self.stored.group(group)?)
    }

    /// Whether the target is one of some classes.
    pub(crate) fn is_of_classes(&self) -> bool {
        matches!(self.encoding.task(), Task::Classes(_))
    }

    /// The `rows`, in ascending order, in memory.
    pub(crate) fn gather(&self, rows: &[u32]) -> Result<Table, InputError> {
        let width = self.encoding.input.width;
        let (mut x, mut labels, mut values, mut weights) = (Vec::new(), Vec::new(), Vec::new(), None);
        self.each(rows, |table, within| {
            let [cells, t, w] = table.columns();
            for row in within.iter().map(|&row| row as usize) {
                if let Column::F32(cells) = cells {
                    x.extend(&cells[row * width..][..width]);
                }
                match t {
                    Column::U32(known) => labels.push(known[row]),
                    Column::F32(known) => values.push(known[row]),
                    _ => {}
                }
                if let Column::F32(known) = w {
                    weights.get_or_insert_with(Vec::new).push(known[row]);
                }
            }
            Ok::<(), InputError>(())
        })?;
        let labels = if self.is_of_classes() { Labels::Classes(labels) } else { Labels::Numbers(values) };
        Ok(Table::of(x, width, labels, weights))
    }

    /// Hands the `rows`, in ascending order, on: tables, and which rows of them.
    pub(crate) fn each<E: From<InputError>>(
        &self,
        rows: &[u32],
        mut to: impl FnMut(&Table, &[u32]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rest = rows;
        for group in 0..self.stored.groups() {
            let range = self.stored.rows_of(group);
            let (here, others) = rest.split_at(rest.partition_point(|&row| (row as usize) < range.end));
            if !here.is_empty() {
                let within: Vec<u32> = here.iter().map(|&row| row - range.start as u32).collect();
                to(&self.group(group)?, &within)?;
            }
            rest = others;
        }
        Ok(())
    }
}
