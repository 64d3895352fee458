//! Lanes are output channels: dy is turned, so that the channels of a position stand side by side, and each tap's
//! x is broadcast. A product of matrices whose left one is read where it lies.

use super::{WeightGradient, offsets};
use crate::cpu::product::PANEL;
use crate::cpu::simd::{LANES, Simd};
use crate::cpu::turn::{turn, whole_vectors};
use crate::window::Window;

/// Output channels of a register tile at most: two vectors.
pub(super) const CHANNELS: usize = 2 * LANES;
/// Taps of a register tile of two vectors.
pub(super) const TAPS: usize = 12;
/// Positions whose products one register sums, or an output row if that has more: fixed, as it decides
/// the order of the sum. Turned, 1,024 of them are 128 KiB, within an L2.
const POSITIONS: usize = 1024;

/// Adds the gradients of a part to dw.
///
/// # Safety
/// As [`super::weight_gradient`].
#[inline(always)]
pub(super) unsafe fn by_channel<S: Simd>(g: &WeightGradient) {
    let per_group = g.window.output[0] / g.window.groups;
    let [mut o, end] = g.part.channels;
    while o < end {
        let channels = (S::TILE_VECTORS.min(2) * LANES).min(end - o).min(per_group - o % per_group);
        // SAFETY: the caller's promises, for these channels, which are of one group.
        unsafe { if channels > LANES { blocks::<S, 2>(g, o, channels) } else { blocks::<S, 1>(g, o, channels) } }
        o += channels;
    }
}

/// Output rows of a block: `first..first + count`, counted through all examples.
#[derive(Clone, Copy)]
struct OutputRows {
    first: usize,
    count: usize,
}

/// All blocks of output rows for V vectors of channels.
#[inline(always)]
unsafe fn blocks<S: Simd, const V: usize>(g: &WeightGradient, o: usize, channels: usize) {
    macro_rules! take {
        ($rows:ident, $tap:ident: $($r:literal)*) => {$(
            // Two vectors of registers hold what they can; one vector of them is for machines with half as many.
            if $r * V <= 6 * S::TILE_VECTORS {
                while g.part.taps[1] - $tap >= $r {
                    // SAFETY: the caller's promises, for these taps.
                    unsafe { tile::<S, V, $r>(g, $rows, o, channels, $tap) };
                    $tap += $r;
                }
            }
        )*};
    }
    let [_, height, columns] = g.window.output;
    let all = g.rows * height;
    let most = (POSITIONS / columns).clamp(1, (PANEL / (V * LANES * columns)).max(1));
    for first in (0..all).step_by(most) {
        let rows = OutputRows { first, count: most.min(all - first) };
        // SAFETY: the caller's promises; the panel holds these rows' positions.
        unsafe { turn_rows::<S>(g, rows, o, channels) };
        let mut tap = g.part.taps[0];
        take!(rows, tap: 24 12 6 3 2 1);
    }
}

/// Writes the channels of each position side by side to the panel.
#[inline(always)]
unsafe fn turn_rows<S: Simd>(g: &WeightGradient, rows: OutputRows, o: usize, channels: usize) {
    let [outputs, height, columns] = g.window.output;
    let plane = height * columns;
    let (mut row, end) = (rows.first, rows.first + rows.count);
    let mut to = g.panel;
    while row < end {
        // As many rows of one example as there are: their positions stand side by side.
        let count = (height - row % height).min(end - row);
        let from = (row / height * outputs + o) * plane + row % height * columns;
        // SAFETY: the caller's promises: the channels and positions are within dy, and the panel has room.
        unsafe { turn::<S>(g.dy.add(from), plane, channels, count * columns, to) };
        to = to.wrapping_add(count * columns * whole_vectors(channels));
        row += count;
    }
}

/// V vectors of channels by R taps over a block of rows.
#[inline(always)]
unsafe fn tile<S: Simd, const V: usize, const R: usize>(
    g: &WeightGradient,
    rows: OutputRows,
    o: usize,
    channels: usize,
    tap: usize,
) {
    // SAFETY: the caller's promises: rows, channels and taps are within x, the panel and dw.
    unsafe {
        let Window { input: [inputs, h, width], output: [outputs, height, columns], stride, groups, .. } = g.window;
        let offsets = offsets::<R>(&g.window, o / (outputs / groups), tap);
        let mut acc = [[S::splat(0.0); V]; R];
        let mut turned = g.panel.cast_const();
        for row in rows.first..rows.first + rows.count {
            let mut x = g.x.add(row / height * inputs * h * width + row % height * stride * width);
            for _ in 0..columns {
                let mut dy = [S::splat(0.0); V];
                for (v, dy) in dy.iter_mut().enumerate() {
                    *dy = S::load(turned.add(v * LANES));
                }
                for r in 0..R {
                    let x = S::splat(*x.add(offsets[r]));
                    for v in 0..V {
                        acc[r][v] = S::fma(x, dy[v], acc[r][v]);
                    }
                }
                (x, turned) = (x.add(stride), turned.add(V * LANES));
            }
        }
        // Stored first, so that no register is ever asked for by number.
        let mut sums = [[[0.0; LANES]; V]; R];
        for r in 0..R {
            for v in 0..V {
                S::store(sums[r][v].as_mut_ptr(), acc[r][v]);
            }
        }
        let depth = g.window.depth();
        for (r, sums) in sums.iter().enumerate() {
            for (lane, sum) in sums.as_flattened().iter().enumerate().take(channels) {
                *g.dw.add((o + lane) * depth + tap + r) += sum;
            }
        }
    }
}
