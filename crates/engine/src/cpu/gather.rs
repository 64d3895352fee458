//! The rows at hand of an input, from its resident table into the arena.

use super::simd::prefetch;
use crate::rows::{Column, Rows};

/// A table larger than the caches answers late, so rows are asked for so many rows ahead.
const AHEAD: usize = 2;

/// Writes rows `first..first + y.len() / width` of `column` to `y`, as f32.
pub(super) fn gather(column: Column<'_>, rows: &Rows<'_>, first: usize, width: usize, y: &mut [f32]) {
    fn each<T>(
        cells: &[T],
        rows: &Rows<'_>,
        first: usize,
        width: usize,
        y: &mut [f32],
        copy: impl Fn(&[T], &mut [f32]),
    ) {
        let row = |at: usize| &cells[rows.row(first + at) * width..][..width];
        let ask = |at: usize| row(at).chunks(64 / size_of::<T>()).for_each(|line| prefetch(line.as_ptr()));
        let count = y.len() / width;
        (0..AHEAD.min(count)).for_each(ask);
        for (at, y) in y.chunks_exact_mut(width).enumerate() {
            if at + AHEAD < count {
                ask(at + AHEAD);
            }
            copy(row(at), y);
        }
    }
    /// A number at a time.
    fn by<T: Copy>(f: impl Fn(T) -> f32) -> impl Fn(&[T], &mut [f32]) {
        move |cells, y| y.iter_mut().zip(cells).for_each(|(y, &cell)| *y = f(cell))
    }
    match column {
        Column::F32(cells) => each(cells, rows, first, width, y, |cells, y| y.copy_from_slice(cells)),
        Column::F64(cells) => each(cells, rows, first, width, y, by(|x| x as f32)),
        Column::U8 { cells, scale } => each(cells, rows, first, width, y, by(|x| f32::from(x) * scale)),
        Column::U32(cells) => each(cells, rows, first, width, y, by(|x| x as f32)),
        Column::Absent => y.fill(f32::NAN),
    }
}
