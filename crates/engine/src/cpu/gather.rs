//! The rows at hand of an input, from its resident table into the arena.

use crate::rows::{Column, Rows};

/// Writes rows `first..first + y.len() / width` of `column` to `y`, as f32.
pub(super) fn gather(column: Column<'_>, rows: &Rows<'_>, first: usize, width: usize, y: &mut [f32]) {
    fn each<T: Copy>(cells: &[T], rows: &Rows<'_>, first: usize, width: usize, y: &mut [f32], f: impl Fn(T) -> f32) {
        for (at, y) in y.chunks_exact_mut(width).enumerate() {
            let start = rows.row(first + at) * width;
            y.iter_mut().zip(&cells[start..start + width]).for_each(|(y, &cell)| *y = f(cell));
        }
    }
    match column {
        Column::F32(cells) => {
            for (at, y) in y.chunks_exact_mut(width).enumerate() {
                let start = rows.row(first + at) * width;
                y.copy_from_slice(&cells[start..start + width]);
            }
        }
        Column::F64(cells) => each(cells, rows, first, width, y, |x| x as f32),
        Column::U8 { cells, scale } => each(cells, rows, first, width, y, |x| f32::from(x) * scale),
        Column::U32(cells) => each(cells, rows, first, width, y, |x| x as f32),
        Column::Absent => y.fill(f32::NAN),
    }
}
