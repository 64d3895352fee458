//! Memory that is used right after a product: its lines are asked for, or claimed, while the multiplications go on, so that nobody
//! waits for them.
//!
//! A tile asks a little between stretches of its steps along k: what is asked for at once has to fit the machine's queue of misses,
//! and what is claimed its queue of stores.

use super::gather::Table;
use super::simd::{LANES, claim, claim_as_it_is, prefetch};

/// What a product's tiles ask for.
#[derive(Clone, Copy)]
pub(super) enum Soon<'a> {
    Nothing,
    /// Parameters of C's shape, perhaps to be claimed, and so many matrices to be asked for, each so far after the one before: the parameters
    /// themselves, if they are not claimed, and the optimizer's memory. `row` is their step from row to row.
    Parameters {
        w: *mut f32,
        row: usize,
        claim: bool,
        matrices: usize,
        block: usize,
    },
    /// Rows of `row` numbers, one for each of C, that a later call writes.
    Written {
        y: *mut f32,
        row: usize,
    },
    /// A's own rows, which each tile gathers before it reads them: so many cache lines of each of them at a time.
    Rows {
        table: Table<'a>,
        a: *mut f32,
        lines: usize,
    },
}

impl Soon<'_> {
    /// What the block of columns from `j` and of `depth` steps from `k` on, perhaps the `last`, asks for.
    pub(super) fn of_block(self, j: usize, k: usize, depth: usize, last: bool) -> Self {
        match self {
            Soon::Parameters { w, row, claim, matrices, block } if last => {
                Soon::Parameters { w: w.wrapping_add(j), row, claim, matrices, block }
            }
            Soon::Written { .. } if j == 0 && last => self,
            Soon::Rows { table, a, .. } if j == 0 && k == 0 => {
                Soon::Rows { table, a, lines: table.lines().div_ceil(depth.div_ceil(LANES)) }
            }
            _ => Soon::Nothing,
        }
    }

    /// How many steps of `depth` along k a tile of `rows` goes from one part of asking to the next.
    #[inline(always)]
    pub(super) fn stretch(self, rows: usize, vectors: usize, depth: usize) -> usize {
        match self {
            Soon::Nothing => depth,
            Soon::Parameters { .. } if vectors == 1 => depth,
            Soon::Parameters { .. } | Soon::Written { .. } => depth.div_ceil(rows),
            Soon::Rows { .. } => LANES,
        }
    }

    /// One part of what a tile asks for that begins with row `i`.
    ///
    /// # Safety
    /// The parameters have the tile's rows and vectors; what is written has its rows, and A those that the next tile
    /// gathers; all of them are nobody else's.
    #[inline(always)]
    pub(super) unsafe fn ask(self, part: usize, i: usize, tile_rows: usize, vectors: usize) {
        match self {
            Soon::Nothing => {}
            Soon::Parameters { w, row, claim, matrices, block } => {
                let rows = if vectors == 1 { i..i + tile_rows } else { i + part..i + part + 1 };
                for w in rows.map(|at| w.wrapping_add(at * row)) {
                    for v in 0..if claim { vectors } else { 0 } {
                        // SAFETY: the caller's promise: each vector begins within the row.
                        unsafe { claim_as_it_is(w.add(v * LANES)) }
                    }
                    for matrix in (0..matrices).map(|n| w.wrapping_add((n + usize::from(claim)) * block)) {
                        (0..vectors).for_each(|v| prefetch(matrix.wrapping_add(v * LANES)));
                    }
                }
            }
            Soon::Written { y, row } => {
                for at in (0..row).step_by(LANES) {
                    // SAFETY: the caller's promise.
                    unsafe { claim(y.add((i + part) * row + at)) }
                }
            }
            Soon::Rows { table, a, lines } => {
                let next = i + tile_rows;
                table.ask(next, tile_rows, part * lines..(part + 1) * lines);
                for at in (next..table.count).take(tile_rows) {
                    // SAFETY: the caller's promise; the stretch begins within the row.
                    unsafe { claim(a.add(at * table.width + part * LANES)) }
                }
            }
        }
    }
}
