//! What is done to inputs, weights and sums before and after the products: 4 × 4 numbers at a time, lanes being channels.

use super::{POINTS, SIDE, STEP, TAPS};
use crate::cpu::simd::{LANES, Simd};

/// Tiles of an output: neighbouring rows of them, or the last, which may reach beyond its edge.
#[derive(Clone, Copy)]
pub(in crate::cpu) struct Stretch {
    /// Rows of tiles, and tiles of a row.
    pub(in crate::cpu) rows: usize,
    pub(in crate::cpu) columns: usize,
    /// Height and width of the outputs that there are, and how many numbers stand at each position.
    pub(in crate::cpu) height: usize,
    pub(in crate::cpu) width: usize,
    pub(in crate::cpu) channels: usize,
    /// Numbers from one of a tile's sixteen to the next.
    pub(in crate::cpu) point: usize,
}

/// Columns of rows, and rows of columns.
#[inline(always)]
fn flip<V: Copy, const M: usize, const N: usize>(x: [[V; N]; M]) -> [[V; M]; N] {
    let mut flipped = [[x[0][0]; M]; N];
    for (i, row) in x.into_iter().enumerate() {
        for (column, x) in flipped.iter_mut().zip(row) {
            column[i] = x;
        }
    }
    flipped
}

/// Bᵀ·d along one axis.
#[inline(always)]
unsafe fn differences<S: Simd>(d: [S::V; SIDE]) -> [S::V; SIDE] {
    // SAFETY: the caller's machine has S.
    unsafe { [S::sub(d[0], d[2]), S::add(d[1], d[2]), S::sub(d[2], d[1]), S::sub(d[1], d[3])] }
}

/// v = Bᵀ·d·B of each tile. Inputs have a row of `width + 2` positions.
///
/// # Safety
/// The machine has S. From `x` on there are the inputs of all the tiles, and as many numbers as a tile reaches beyond the
/// edge; at `v` there is room for sixteen numbers of each tile's channels.
#[inline(always)]
pub(in crate::cpu) unsafe fn of_inputs<S: Simd>(t: Stretch, x: *const f32, v: *mut f32) {
    let row = (t.width + 2) * t.channels;
    for i in 0..t.rows {
        for lanes in (0..t.channels).step_by(LANES) {
            // SAFETY: the caller's promises.
            unsafe {
                let mut top = x.add(STEP * i * row + lanes);
                let mut to = v.add(i * t.columns * t.channels + lanes);
                // By column of the tile: two of them are the next tile's too.
                let mut d = [[S::splat(0.0); SIDE]; SIDE];
                for j in 0..=t.columns {
                    for d in &mut d[2..] {
                        let mut column = [S::splat(0.0); SIDE];
                        for (k, x) in column.iter_mut().enumerate() {
                            *x = S::load(top.add(k * row));
                        }
                        *d = differences::<S>(column);
                        top = top.wrapping_add(t.channels);
                    }
                    if j > 0 {
                        for (k, row) in flip(d).into_iter().enumerate() {
                            for (l, &v) in differences::<S>(row).iter().enumerate() {
                                S::store(to.add((k * SIDE + l) * t.point), v);
                            }
                        }
                        to = to.wrapping_add(t.channels);
                    }
                    (d[0], d[1]) = (d[2], d[3]);
                }
            }
        }
    }
}

/// Aᵀ·m along one axis.
#[inline(always)]
unsafe fn outputs<S: Simd>(m: [S::V; SIDE]) -> [S::V; STEP] {
    // SAFETY: the caller's machine has S.
    unsafe { [S::add(S::add(m[0], m[1]), m[2]), S::sub(S::sub(m[1], m[2]), m[3])] }
}

/// y = Aᵀ·m·A + bias of each tile, where there are outputs; not below 0 if `relu`.
///
/// # Safety
/// The machine has S; the pointers are valid for sixteen numbers of each tile's channels, for a bias of each channel, or null, and
/// for the outputs.
#[inline(always)]
pub(in crate::cpu) unsafe fn to_outputs<S: Simd>(t: Stretch, m: *const f32, bias: *const f32, relu: bool, y: *mut f32) {
    for i in 0..t.rows {
        for j in 0..t.columns {
            for lanes in (0..t.channels).step_by(LANES) {
                // SAFETY: the caller's promises.
                unsafe {
                    let from = m.add((i * t.columns + j) * t.channels + lanes);
                    let bias = if bias.is_null() { S::splat(0.0) } else { S::load(bias.add(lanes)) };
                    let mut rows = [[S::splat(0.0); STEP]; SIDE];
                    for (k, row) in rows.iter_mut().enumerate() {
                        let mut m = [S::splat(0.0); SIDE];
                        for (l, m) in m.iter_mut().enumerate() {
                            *m = S::load(from.add((k * SIDE + l) * t.point));
                        }
                        *row = outputs::<S>(m);
                    }
                    for (b, column) in flip(rows).into_iter().enumerate().take(t.width - STEP * j) {
                        for (a, &sum) in outputs::<S>(column).iter().enumerate().take(t.height - STEP * i) {
                            let sum = S::add(sum, bias);
                            let sum = if relu { S::max(S::splat(0.0), sum) } else { sum };
                            S::store(y.add(((STEP * i + a) * t.width + STEP * j + b) * t.channels + lanes), sum);
                        }
                    }
                }
            }
        }
    }
}

/// A·dy along one axis: the derivative of [`outputs`].
#[inline(always)]
unsafe fn derivatives<S: Simd>(y: [S::V; STEP]) -> [S::V; SIDE] {
    // SAFETY: the caller's machine has S.
    unsafe { [y[0], S::add(y[0], y[1]), S::sub(y[0], y[1]), S::sub(S::splat(0.0), y[1])] }
}

/// dm = A·dy·Aᵀ of each tile; there is no derivative beyond the edge.
///
/// # Safety
/// As for [`to_outputs`].
#[inline(always)]
pub(in crate::cpu) unsafe fn of_derivatives<S: Simd>(t: Stretch, dy: *const f32, dm: *mut f32) {
    for i in 0..t.rows {
        for j in 0..t.columns {
            for lanes in (0..t.channels).step_by(LANES) {
                // SAFETY: the caller's promises.
                unsafe {
                    let mut tile = [[S::splat(0.0); STEP]; STEP];
                    for (a, row) in tile.iter_mut().enumerate().take(t.height - STEP * i) {
                        for (b, y) in row.iter_mut().enumerate().take(t.width - STEP * j) {
                            *y = S::load(dy.add(((STEP * i + a) * t.width + STEP * j + b) * t.channels + lanes));
                        }
                    }
                    let to = dm.add((i * t.columns + j) * t.channels + lanes);
                    let (left, right) =
                        (derivatives::<S>([tile[0][0], tile[1][0]]), derivatives::<S>([tile[0][1], tile[1][1]]));
                    for k in 0..SIDE {
                        for (l, &dm) in derivatives::<S>([left[k], right[k]]).iter().enumerate() {
                            S::store(to.add((k * SIDE + l) * t.point), dm);
                        }
                    }
                }
            }
        }
    }
}

/// G·g along one axis.
#[inline(always)]
unsafe fn halves<S: Simd>(g: [S::V; TAPS]) -> [S::V; SIDE] {
    // SAFETY: the caller's machine has S.
    unsafe {
        let (half, outer) = (S::splat(0.5), S::add(g[0], g[2]));
        [g[0], S::mul(half, S::add(outer, g[1])), S::mul(half, S::sub(outer, g[1])), g[2]]
    }
}

/// u = G·g·Gᵀ of sixteen channels' weights, which stand tap after tap, or from the last tap on.
///
/// # Safety
/// The machine has S; there is room for sixteen at `u`, `point` apart.
#[inline(always)]
pub(super) unsafe fn of_weights<S: Simd>(taps: &[f32; TAPS * TAPS * LANES], turned: bool, u: *mut f32, point: usize) {
    // SAFETY: the caller's promises.
    unsafe {
        let mut columns = [[S::splat(0.0); SIDE]; TAPS];
        for (l, to) in columns.iter_mut().enumerate() {
            let mut column = [S::splat(0.0); TAPS];
            for (k, g) in column.iter_mut().enumerate() {
                let tap = k * TAPS + l;
                let tap = if turned { TAPS * TAPS - 1 - tap } else { tap };
                *g = S::load(taps.as_ptr().add(tap * LANES));
            }
            *to = halves::<S>(column);
        }
        for (k, row) in flip(columns).into_iter().enumerate() {
            for (l, &x) in halves::<S>(row).iter().enumerate() {
                S::store(u.add((k * SIDE + l) * point), x);
            }
        }
    }
}

/// Gᵀ·du along one axis: the derivative of [`halves`].
#[inline(always)]
unsafe fn taps<S: Simd>(u: [S::V; SIDE]) -> [S::V; TAPS] {
    // SAFETY: the caller's machine has S.
    unsafe {
        let half = S::splat(0.5);
        let (sum, difference) = (S::mul(half, S::add(u[1], u[2])), S::mul(half, S::sub(u[1], u[2])));
        [S::add(u[0], sum), difference, S::add(sum, u[3])]
    }
}

/// dg = Gᵀ·du·G of sixteen channels: nine vectors, tap after tap.
///
/// # Safety
/// The machine has S; there are sixteen vectors at `du`, `point` apart.
#[inline(always)]
pub(in crate::cpu) unsafe fn to_weights<S: Simd>(du: *const f32, point: usize) -> [f32; POINTS * LANES] {
    let mut g = [0.0; POINTS * LANES];
    // SAFETY: the caller's promises.
    unsafe {
        let mut rows = [[S::splat(0.0); TAPS]; SIDE];
        for (k, row) in rows.iter_mut().enumerate() {
            let mut u = [S::splat(0.0); SIDE];
            for (l, u) in u.iter_mut().enumerate() {
                *u = S::load(du.add((k * SIDE + l) * point));
            }
            *row = taps::<S>(u);
        }
        for (l, column) in flip(rows).into_iter().enumerate() {
            for (k, &x) in taps::<S>(column).iter().enumerate() {
                S::store(g.as_mut_ptr().add((k * TAPS + l) * LANES), x);
            }
        }
    }
    g
}
