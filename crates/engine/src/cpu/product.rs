//! C = A·B by register tiles: broadcast an element of A, multiply it with vectors of B's row.
//!
//! Each element of C is one chain of fused multiply-adds over k, from the bias on, in the order of k. So
//! neither the tile, nor the block of k, nor the instruction set, nor who computes which rows changes
//! a bit of it.
//!
//! A is read where it lies, with any strides. B is copied into a packed panel where it is transposed, or where its rows are
//! far apart (their cache lines would fall on few sets, their pages on few TLB entries) and more than one tile reads them: the
//! first tile of rows leaves in the panel what it has loaded. For fewer rows the tiles are wider instead, as each number
//! of B is used so rarely that reading it is all that counts.

use std::mem::MaybeUninit;

use super::few_rows;
use super::instruction_set::Kernels;
use super::narrow;
use super::simd::{LANES, Simd, claim, prefetch};
use super::soon::Soon;
use crate::function::{Map, Zip};

/// Rows of k that a packed panel holds at most: 1,024 × 64 columns are 256 KiB, within an L2.
pub(super) const PANEL_ROWS: usize = 1024;
/// Columns of a panel at most, and of the largest tile that uses one.
pub(super) const TILE_COLUMNS: usize = 64;
/// Numbers that packing needs.
pub(super) const PANEL: usize = PANEL_ROWS * TILE_COLUMNS;
/// Rows of B that lie further apart than this many numbers are packed. Of a narrow tile's rows too little is read for
/// the machine to foresee where the next ones are.
const fn near<S: Simd>() -> usize {
    if S::TILE_VECTORS == 1 { 24 } else { 256 }
}
/// Rows of A that are a multiple of this many numbers apart fall on one set of the L1 cache,
const PAGE: usize = 1024;
/// which holds so many of them beside what else is read.
const WAYS: usize = 6;
/// Rows whose chains of multiply-adds keep the machine busy.
const ENOUGH: usize = 8;
/// Rows of the tile that packs.
const PACKING_ROWS: usize = 6;

/// What happens to a finished element.
#[derive(Clone, Copy)]
pub(super) enum Finish {
    None,
    Map(Map),
    /// With the same element of a matrix of C's layout.
    Zip(Zip, *const f32),
}

/// C `[m, n]` = finish(A `[m, k]` · B `[k, n]` + bias).
#[derive(Clone, Copy)]
pub(super) struct Product<'a> {
    pub(super) m: usize,
    pub(super) k: usize,
    pub(super) n: usize,
    pub(super) a: *const f32,
    /// Steps in A from row to row, and along k.
    pub(super) a_row: usize,
    pub(super) a_col: usize,
    pub(super) b: *const f32,
    /// The step in B from row to row; if transposed, from column to column.
    pub(super) b_step: usize,
    pub(super) b_transposed: bool,
    /// `[n]`, or null.
    pub(super) bias: *const f32,
    pub(super) c: *mut f32,
    pub(super) c_row: usize,
    /// Other cores may have read what was there before.
    pub(super) c_shared: bool,
    pub(super) finish: Finish,
    /// C holds what the sums begin with.
    pub(super) adds: bool,
    /// Room for [`PANEL`] numbers.
    pub(super) panel: *mut f32,
    /// The panel holds this B already, from a product of as many columns, at most [`TILE_COLUMNS`], and as great a depth, at most
    /// [`PANEL_ROWS`].
    pub(super) panel_holds_b: bool,
    /// Few rows, if it is of a large weight, are up to this.
    pub(super) few: usize,
    pub(super) soon: Soon<'a>,
    /// Of the same instruction set: activations that are too long to stand in every tile are called.
    pub(super) kernels: &'static Kernels,
}

/// Rows of a register tile by its vectors, of `most` vectors for many rows: as many accumulators as the registers allow, as far as that
/// was measured to be faster.
const fn tile_rows(vectors: usize, most: usize) -> usize {
    match (most, vectors) {
        (4, 1) => 16,
        (4, 3) => 8,
        (1, 2) => 2,
        _ if vectors <= most => 6,
        _ if vectors <= 2 * most => 3,
        _ => 1,
    }
}

/// Whether a tile of so many rows and vectors asks for what is needed soon: those of many rows do, and no more are compiled.
const fn asks(vectors: usize, most: usize, rows: usize) -> bool {
    vectors <= most && (rows == tile_rows(vectors, most) || (vectors == 1 && rows == ENOUGH))
}

/// Vectors of a tile that holds all of so few rows, so that B is read once and where it lies; `None` for more rows.
const fn vectors_for(rows: usize, most: usize) -> Option<usize> {
    match (most, rows) {
        (_, 0 | 1) => Some(4 * most),
        (_, 2) | (4, 3) => Some(2 * most),
        (_, 3..=6) => Some(most),
        (4, 7 | 8) => Some(3),
        _ => None,
    }
}

/// Computes the product.
///
/// # Safety
/// The machine has S; every pointer is valid for the matrix it begins, C for writing, and C
/// overlaps no other.
#[inline(always)]
pub(super) unsafe fn product<S: Simd>(p: &Product) {
    // SAFETY: the caller's promises, for every part of the matrices.
    unsafe {
        if p.is_of_few_rows() {
            if let Soon::Rows { table, a, .. } = p.soon {
                table.gather(0, false, std::slice::from_raw_parts_mut(a, p.m * table.width));
            }
            return few_rows::product::<S>(p);
        }
        if p.is_narrow() {
            return narrow::product::<S>(p);
        }
        let step = S::TILE_VECTORS * LANES;
        let few = if p.b_transposed || p.panel_holds_b { None } else { vectors_for(p.m, S::TILE_VECTORS) };
        let most = few.map_or(step, |vectors| vectors * LANES);
        let mut j = 0;
        while j < p.n {
            let columns = if p.n - j >= most { most } else { step.min(most).min(p.n - j) };
            let mut k = 0;
            loop {
                let depth = PANEL_ROWS.min(p.k - k);
                block::<S>(p, j, columns, k, depth);
                k += depth;
                if k >= p.k {
                    break;
                }
            }
            j += columns;
        }
    }
}

/// Columns `j..j + columns` and rows `k..k + depth` of B, for all rows of A.
#[inline(always)]
unsafe fn block<S: Simd>(p: &Product, j: usize, columns: usize, k: usize, depth: usize) {
    // SAFETY: the caller's promises; the packed panel has `depth` rows of whole vectors.
    unsafe {
        let vectors = columns.div_ceil(LANES);
        let far = p.b_step > const { near::<S>() };
        let packed = p.b_transposed || (far && vectors_for(p.m, S::TILE_VECTORS).is_none());
        // Narrow tiles leave theirs side by side.
        let panel = if p.n <= TILE_COLUMNS && depth == p.k { p.panel.add(j * depth) } else { p.panel };
        let mut from = p.b.add(if p.b_transposed { j * p.b_step + k } else { k * p.b_step + j });
        let mut b_row = p.b_step;
        if p.b_transposed && !p.panel_holds_b {
            pack::<S>(from, p.b_step, columns, depth, panel);
        }
        if p.b_transposed || (packed && p.panel_holds_b) {
            (from, b_row) = (panel, vectors * LANES);
        }
        let mut tile = Tile {
            a: p.a.add(k * p.a_col),
            b: from,
            b_row,
            reading: match (packed, far) {
                _ if from == panel => Reading::Near,
                (true, _) => Reading::Packing,
                (false, true) => Reading::Far,
                (false, false) => Reading::Near,
            },
            panel,
            depth,
            bias: if p.bias.is_null() { p.bias } else { p.bias.add(j) },
            c: p.c.add(j),
            columns,
            whole_vectors: from == panel || columns.is_multiple_of(LANES),
            first: k == 0 && !p.adds,
            last: k + depth == p.k,
            finish: match p.finish {
                Finish::Zip(f, with) => Finish::Zip(f, with.add(j)),
                other => other,
            },
            soon: p.soon.of_block(j, k, depth, k + depth == p.k),
        };
        // A last vector of up to eight lanes costs half a multiply-add where they are made of halves.
        let ends_narrow = (1..=LANES / 2).contains(&(columns % LANES));
        // Rows of A side by side share cache lines; of others a line is used for sixteen steps of k, and few of them are enough.
        let rows_at_once = match p.a_row {
            1 => usize::MAX,
            far if far.is_multiple_of(PAGE) => WAYS,
            _ if ends_narrow => usize::MAX,
            _ => ENOUGH,
        };
        let (mut i, mut asked) = (0, false);
        while i < p.m {
            let narrow = ends_narrow && tile.reading == Reading::Near;
            let rows = match tile.reading {
                Reading::Packing => PACKING_ROWS,
                _ => tile_rows(vectors, S::TILE_VECTORS).min(rows_at_once).min(p.m - i),
            };
            if let Soon::Rows { table, a, .. } = tile.soon {
                let rows = rows.min(p.m - i);
                table.gather(i, asked, std::slice::from_raw_parts_mut(a.add(i * table.width), rows * table.width));
            }
            match (vectors, narrow) {
                (16, _) => tile_of::<S, 16, false>(p, &tile, i, rows),
                (8, _) => tile_of::<S, 8, false>(p, &tile, i, rows),
                (1, false) => tile_of::<S, 1, false>(p, &tile, i, rows),
                (2, false) => tile_of::<S, 2, false>(p, &tile, i, rows),
                (3, false) => tile_of::<S, 3, false>(p, &tile, i, rows),
                (_, false) => tile_of::<S, 4, false>(p, &tile, i, rows),
                (1, true) => tile_of::<S, 1, true>(p, &tile, i, rows),
                (2, true) => tile_of::<S, 2, true>(p, &tile, i, rows),
                (3, true) => tile_of::<S, 3, true>(p, &tile, i, rows),
                (_, true) => tile_of::<S, 4, true>(p, &tile, i, rows),
            }
            if tile.last {
                finish_rows(p, &tile, i, rows);
            }
            asked = tile.reading == Reading::Near;
            if tile.reading == Reading::Packing {
                let b_row = vectors * LANES;
                tile = Tile { b: panel, b_row, reading: Reading::Near, whole_vectors: true, ..tile };
            }
            i += rows;
        }
    }
}

/// Accumulators of a tile at most.
const MOST_SUMS: usize = 24;

/// Those of a tile that is done.
#[repr(align(64))]
struct Sums {
    _room: [f32; MOST_SUMS * LANES],
}

/// Where a tile finds its rows of B.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// Close together: the machine foresees them.
    Near,
    /// Far apart: they are asked for ahead.
    Far,
    /// The same, and left in the panel for the next tiles.
    Packing,
}

/// What the tiles of one block have in common.
struct Tile<'a> {
    a: *const f32,
    b: *const f32,
    b_row: usize,
    reading: Reading,
    /// Where the rows are left.
    panel: *mut f32,
    depth: usize,
    bias: *const f32,
    c: *mut f32,
    columns: usize,
    /// B may be read to the end of the last vector.
    whole_vectors: bool,
    first: bool,
    last: bool,
    finish: Finish,
    soon: Soon<'a>,
}

/// A tile of `rows` rows and `V` vectors: tails of rows go in steps of 8, 4, 2 and 1.
#[inline(always)]
unsafe fn tile_of<S: Simd, const V: usize, const NARROW: bool>(p: &Product, t: &Tile, mut i: usize, mut rows: usize) {
    macro_rules! take {
        ($($r:literal)*) => {$(
            // Tiles larger than the registers are not compiled.
            if $r <= const { tile_rows(V, S::TILE_VECTORS) } {
                while rows >= $r {
                    // SAFETY: the caller's promises, for rows i..i + $r.
                    unsafe { registers::<S, V, NARROW, $r>(p, t, i) };
                    i += $r;
                    rows -= $r;
                }
            }
        )*};
    }
    if V <= S::TILE_VECTORS || (!NARROW && V <= 4 * S::TILE_VECTORS) {
        take!(16 12 8 6 5 4 3 2 1);
    }
}

/// R rows by V vectors, the last of them perhaps narrow, in registers.
#[inline(always)]
unsafe fn registers<S: Simd, const V: usize, const NARROW: bool, const R: usize>(p: &Product, t: &Tile, i: usize) {
    // SAFETY: the caller's promises: A has rows i..i + R, B `depth` rows of `columns`.
    unsafe {
        let zero = S::splat(0.0);
        let tail = t.columns - (V - 1) * LANES;
        let mut acc = [[zero; V]; R];
        if !t.first || !t.bias.is_null() {
            let (from, row) = if t.first { (t.bias, 0) } else { (t.c.add(i * p.c_row).cast_const(), p.c_row) };
            for (r, acc) in acc.iter_mut().enumerate() {
                for (v, acc) in acc.iter_mut().enumerate() {
                    let from = from.add(r * row + v * LANES);
                    *acc = if v + 1 == V { S::load_part(from, tail, zero) } else { S::load(from) };
                }
            }
        }
        if p.c_shared && t.first {
            for r in 0..R {
                for v in 0..V {
                    claim(t.c.add((i + r) * p.c_row + v * LANES));
                }
            }
        }
        let mut b = t.b;
        let mut a = t.a.add(i * p.a_row);
        macro_rules! along_k {
            ($depth:expr, $last:expr) => {
                along_k!($depth, $last, |_: [S::V; V], _| {})
            };
            ($depth:expr, $last:expr, $loaded:expr) => {
                for _ in 0..$depth {
                    let mut row = [zero; V];
                    for v in 0..V - 1 {
                        row[v] = S::load(b.add(v * LANES));
                    }
                    row[V - 1] = $last(b.add((V - 1) * LANES));
                    $loaded(row, b);
                    for r in 0..R {
                        let x = S::splat(*a.add(r * p.a_row));
                        for v in 0..V {
                            let narrow = NARROW && v + 1 == V;
                            let fma = if narrow { S::fma_low } else { S::fma };
                            acc[r][v] = fma(x, row[v], acc[r][v]);
                        }
                    }
                    // The next tile's part of A, which for a fold another core may have written.
                    prefetch(a.wrapping_add(LANES));
                    a = a.add(p.a_col);
                    b = b.wrapping_add(t.b_row);
                }
            };
        }
        let ahead = const { if V > 8 { 4 } else { 8 } };
        let ask = |b: *const f32| (0..V).for_each(|v| prefetch(b.wrapping_add(ahead * t.b_row + v * LANES)));
        // Only what can be is compiled: each loop is a page of instructions for each size of tile.
        if !NARROW && R == PACKING_ROWS && t.reading == Reading::Packing {
            let mut panel = t.panel;
            along_k!(t.depth, |p| S::load_part(p, tail, zero), |row: [S::V; V], b| {
                ask(b);
                for (v, &x) in row.iter().enumerate() {
                    S::store(panel.add(v * LANES), x);
                }
                panel = panel.wrapping_add(V * LANES);
            });
        } else if !NARROW && t.reading == Reading::Far {
            along_k!(t.depth, |p| S::load_part(p, tail, zero), |_, b| ask(b));
        } else if const { asks(V, S::TILE_VECTORS, R) }
            && !matches!(t.soon, Soon::Nothing)
            && (NARROW || t.whole_vectors)
        {
            let (stretch, mut part, mut left) = (t.soon.stretch(R, V, t.depth), 0, t.depth);
            while left > 0 {
                t.soon.ask(part, i, R, V);
                let depth = stretch.min(left);
                if NARROW {
                    along_k!(depth, |p| S::load_low(p, tail));
                } else {
                    along_k!(depth, |p| S::load(p));
                }
                (part, left) = (part + 1, left - depth);
            }
        } else if NARROW {
            along_k!(t.depth, |p| S::load_low(p, tail));
        } else if !t.whole_vectors {
            along_k!(t.depth, |p| S::load_part(p, tail, zero));
        } else {
            along_k!(t.depth, |p| S::load(p));
        }
        let relu = t.last && matches!(t.finish, Finish::Map(Map::Relu));
        let relu_gradient = match t.finish {
            Finish::Zip(Zip::ReluGradient, with) if t.last => with,
            _ => std::ptr::null(),
        };
        // Whatever is read by a number that runs lies in memory: as the sums are copied there first, they need not be while they grow.
        let mut sums = MaybeUninit::<Sums>::uninit();
        let sums = sums.as_mut_ptr().cast::<f32>();
        for (r, acc) in acc.iter().enumerate() {
            for (v, &x) in acc.iter().enumerate() {
                S::store(sums.add((r * V + v) * LANES), x);
            }
        }
        for r in 0..R {
            for v in 0..V {
                let x = S::load(sums.add((r * V + v) * LANES));
                let n = if v + 1 == V { tail } else { LANES };
                let at = (i + r) * p.c_row + v * LANES;
                let x = if relu {
                    S::max(zero, x)
                } else if !relu_gradient.is_null() {
                    S::select_less(zero, S::load_part(relu_gradient.add(at), n, zero), x, zero)
                } else {
                    x
                };
                if n == LANES { S::store(t.c.add(at), x) } else { S::store_part(t.c.add(at), x, n) }
            }
        }
    }
}

/// The activations that are too long to stand in every tile: over rows that are still in cache.
#[inline(always)]
unsafe fn finish_rows(p: &Product, t: &Tile, i: usize, rows: usize) {
    // SAFETY: the caller's promises, for rows i..i + rows.
    unsafe {
        for at in (i..i + rows).map(|i| i * p.c_row) {
            let c = t.c.add(at);
            match t.finish {
                Finish::Map(f) if f != Map::Relu => (p.kernels.map)(f, c, c, t.columns),
                Finish::Zip(f, with) if f != Zip::ReluGradient => {
                    (p.kernels.zip)(f, c, 1, with.add(at), 1, c, t.columns);
                }
                _ => {}
            }
        }
    }
}

/// Copies `depth` rows of `columns` of a transposed B into whole vectors, zeros at the end of each row.
#[inline(always)]
unsafe fn pack<S: Simd>(b: *const f32, step: usize, columns: usize, depth: usize, panel: *mut f32) {
    // SAFETY: the caller's promises; the panel has `depth` rows of `width` numbers.
    unsafe {
        let width = columns.next_multiple_of(LANES);
        for j in (0..width).step_by(LANES) {
            for k in (0..depth).step_by(LANES) {
                let (rows, n) = (LANES.min(columns - j), LANES.min(depth - k));
                S::transpose(b.add(j * step + k), step, rows, n, panel.add(k * width + j), width);
            }
        }
    }
}
