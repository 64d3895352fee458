//! Folds: rows into a whole, in the order of the rows, and the update that follows in the same visit.
//!
//! A weight's gradient Σ rows xᵀ·dy is computed block by block into a buffer that stays in cache, and each
//! block is used up by the optimizer at once: the whole gradient is never in memory.

use std::ops::Range;

use super::few_rows;
use super::instruction_set::Kernels;
use super::product::{Finish, PANEL_ROWS, Product, TILE_COLUMNS};
use super::simd::{LANES, Simd};
use super::soon::Soon;
use super::update::update;
use crate::optimizer::Step;

/// Parameters and memory of a whole network that stay near from step to step: 1 MiB of them.
const NEAR: usize = 1 << 18;
/// So many rows take long enough to sum for parameters to be claimed meanwhile.
const CLAIMS: usize = 16;
/// Rows of a weight's gradient that are computed between two updates.
const BLOCK_ROWS: usize = 48;
const BLOCK_COLUMNS: usize = 64;
/// Numbers that a block of a gradient needs.
pub(super) const BLOCK: usize = BLOCK_ROWS * BLOCK_COLUMNS;

/// Where a gradient goes.
#[derive(Clone, Copy)]
pub(super) enum Target {
    /// To memory, of the weight's layout.
    Store(*mut f32),
    /// Into the update of the weight at `w`, whose memory stands `block` after it.
    Update { step: Step, w: *mut f32, block: usize },
}

/// A part of the gradient `[width, n]` = Σ aᵀ·b over `rows` rows.
pub(super) struct Fold {
    pub(super) rows: usize,
    /// Columns of a.
    pub(super) width: usize,
    pub(super) n: usize,
    pub(super) a: *const f32,
    pub(super) b: *const f32,
    /// The part of the gradient: rows, and columns.
    pub(super) part: [Range<usize>; 2],
    pub(super) target: Target,
    /// Whether other workers have read the target.
    pub(super) shared: bool,
    /// Room for a packed panel, and for [`BLOCK`] numbers.
    pub(super) panel: *mut f32,
    pub(super) buffer: *mut f32,
    /// Room for as many, of the gradient's transpose.
    pub(super) turned: *mut f32,
    /// Of the same instruction set: a product's tiles are compiled once, and called from here.
    pub(super) kernels: &'static Kernels,
}

impl Fold {
    /// These rows and columns of the gradient, into `c`.
    fn product(&self, rows: Range<usize>, columns: Range<usize>, c: *mut f32, c_row: usize) -> Product<'static> {
        Product {
            m: rows.len(),
            k: self.rows,
            n: columns.len(),
            a: self.a.wrapping_add(rows.start),
            a_row: 1,
            a_col: self.width,
            b: self.b.wrapping_add(columns.start),
            b_step: self.n,
            b_transposed: false,
            bias: std::ptr::null(),
            c,
            c_row,
            c_shared: false,
            adds: false,
            finish: Finish::None,
            panel: self.panel,
            panel_holds_b: false,
            few: few_rows::MOST,
            soon: Soon::Nothing,
            kernels: self.kernels,
        }
    }
}

/// Vectors that hold so many columns; a last one of up to eight costs half.
const fn vectors(columns: usize) -> f64 {
    (columns * 2).div_ceil(LANES) as f64 / 2.0
}

/// Whether the gradient's transpose, whose lanes are inputs, takes fewer multiply-adds: that of few outputs does, as they fill a part of a vector.
fn is_sooner_turned(f: &Fold) -> bool {
    f.part[1] == (0..f.n) && f.n < LANES && f.n as f64 * vectors(f.width) <= 0.75 * f.width as f64 * vectors(f.n)
}

/// These rows of the gradient, into rows of `to_step` numbers, by its transpose: the same chains.
///
/// # Safety
/// As for [`fold`], and the numbers are at most [`BLOCK`].
unsafe fn turned(f: &Fold, rows: Range<usize>, to: *mut f32, to_step: usize) {
    let len = rows.len();
    let product = Product {
        m: f.n,
        n: len,
        a: f.b,
        a_row: 1,
        a_col: f.n,
        b: f.a.wrapping_add(rows.start),
        b_step: f.width,
        c: f.turned,
        c_row: len,
        ..f.product(0..0, 0..0, f.turned, len)
    };
    // SAFETY: the caller's promises, and the room for what is turned.
    unsafe {
        (f.kernels.product)(&product);
        for row in 0..len {
            for column in 0..f.n {
                *to.add(row * to_step + column) = *f.turned.add(column * len + row);
            }
        }
    }
}

/// Computes the gradient's rows.
///
/// # Safety
/// The machine has S; the pointers are valid for their matrices, and nobody else touches this part
/// of the target.
#[inline(always)]
pub(super) unsafe fn fold<S: Simd>(f: &Fold) {
    // SAFETY: the caller's promises; the buffer holds a block.
    unsafe {
        let [rows, columns] = f.part.clone();
        let turns = is_sooner_turned(f);
        let most = BLOCK / f.n.clamp(1, BLOCK);
        match f.target {
            Target::Update { step, w, block } if f.rows <= few_rows::MOST => {
                few_rows::update::<S>(f, step, w, block);
            }
            Target::Store(y) if turns => {
                for i in rows.clone().step_by(most) {
                    turned(f, i..rows.end.min(i + most), y.add(i * f.n), f.n);
                }
            }
            Target::Update { step, w, block } if turns => {
                for i in rows.clone().step_by(most) {
                    let rows = i..rows.end.min(i + most);
                    let len = rows.len() * f.n;
                    turned(f, rows, f.buffer, f.n);
                    update::<S>(step, w.add(i * f.n), block, f.buffer, len);
                }
            }
            Target::Store(y) => {
                let y = y.add(rows.start * f.n + columns.start);
                (f.kernels.product)(&f.product(rows, columns, y, f.n));
            }
            Target::Update { step, w, block } => {
                let claim = f.shared && f.rows >= CLAIMS;
                // What an L2 holds is not worth asking for.
                let far = step.numbers() * block > NEAR;
                let matrices = if far { step.numbers() - usize::from(claim) } else { 0 };
                for j in columns.clone().step_by(BLOCK_COLUMNS) {
                    let columns = BLOCK_COLUMNS.min(columns.end - j);
                    let one_panel = f.rows <= PANEL_ROWS && columns <= TILE_COLUMNS;
                    for i in rows.clone().step_by(BLOCK_ROWS) {
                        let from = rows.start;
                        let rows = BLOCK_ROWS.min(rows.end - i);
                        let here = w.add(i * f.n + j);
                        (f.kernels.product)(&Product {
                            panel_holds_b: one_panel && i > from,
                            soon: if claim || far {
                                Soon::Parameters { w: here, row: f.n, claim, matrices, block }
                            } else {
                                Soon::Nothing
                            },
                            ..f.product(i..i + rows, j..j + columns, f.buffer, columns)
                        });
                        // Whole rows are one stretch.
                        let (stretches, len) = if columns == f.n { (1, rows * columns) } else { (rows, columns) };
                        for r in 0..stretches {
                            update::<S>(step, here.add(r * f.n), block, f.buffer.add(r * columns), len);
                        }
                    }
                }
            }
        }
    }
}

/// A stretch of the columns of a matrix of `rows` rows, each `step` numbers after the one before.
#[derive(Clone, Copy)]
pub(super) struct Columns {
    pub(super) x: *const f32,
    pub(super) rows: usize,
    pub(super) step: usize,
    pub(super) len: usize,
}

impl Columns {
    /// The sums of a vector of columns from `i` on, and how many of them there are.
    #[inline(always)]
    unsafe fn sum<S: Simd>(self, i: usize) -> (S::V, usize) {
        let part = LANES.min(self.len - i);
        // SAFETY: the caller's promises: the last vector is loaded by its length.
        unsafe {
            let zero = S::splat(0.0);
            let mut sum = zero;
            for r in 0..self.rows {
                sum = S::add(sum, S::load_part(self.x.add(r * self.step + i), part, zero));
            }
            (sum, part)
        }
    }
}

/// y = Σ rows of the columns.
///
/// # Safety
/// The machine has S; the pointers are valid for their matrices.
#[inline(always)]
pub(super) unsafe fn sum_rows<S: Simd>(x: Columns, y: *mut f32) {
    // SAFETY: the caller's promises: the last vector is stored by its length.
    unsafe {
        for i in (0..x.len).step_by(LANES) {
            let (sum, part) = x.sum::<S>(i);
            S::store_part(y.add(i), sum, part);
        }
    }
}

/// Σ rows of the columns, each sum used up by the update of the parameter at `w`.
///
/// # Safety
/// As for [`sum_rows`]; the buffer holds [`BLOCK`] numbers.
#[inline(always)]
pub(super) unsafe fn sum_rows_update<S: Simd>(x: Columns, step: Step, w: *mut f32, block: usize, buffer: *mut f32) {
    // SAFETY: the caller's promises, for each part of the columns.
    unsafe {
        for i in (0..x.len).step_by(LANES) {
            let (sum, part) = x.sum::<S>(i);
            S::store(buffer, sum);
            update::<S>(step, w.add(i), block, buffer, part);
        }
    }
}
