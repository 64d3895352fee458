//! Rows of a table by their numbers, and what comes back to them.
//!
//! Each thread adds to some of the table's rows, and looks at all examples in their order for what is theirs: so no
//! element's sum depends on how many threads there are.

use super::softmax::class;

/// y = the rows of `w` that `x` says; NaN where there is none.
pub(super) fn lookup(x: &[f32], w: &[f32], y: &mut [f32]) {
    let width = y.len() / x.len();
    for (y, &number) in y.chunks_exact_mut(width).zip(x) {
        match class(number, w.len() / width) {
            Some(row) => y.copy_from_slice(&w[row * width..][..width]),
            None => y.fill(f32::NAN),
        }
    }
}

/// Adds `dy` to the rows that `x` says, of a table whose row `first` and those after it are `dw`.
pub(super) fn add(x: &[f32], dy: &[f32], width: usize, first: usize, dw: &mut [f32]) {
    for (dy, &number) in dy.chunks_exact(width).zip(x) {
        let row = class(number, first + dw.len() / width).and_then(|row| row.checked_sub(first));
        if let Some(row) = row {
            dw[row * width..][..width].iter_mut().zip(dy).for_each(|(dw, dy)| *dw += dy);
        }
    }
}
