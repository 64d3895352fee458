//! Lanes are neighbouring positions of an output row: each weight has sixteen partial sums, which are added
//! up after blocks of rows of a fixed number. For few channels, as of a first or a depthwise convolution.

use super::{WeightGradient, offsets};
use crate::cpu::convolution::load;
use crate::cpu::simd::{LANES, Simd};
use crate::window::Window;

/// Rows whose products one register sums before its lanes are added up: fixed, as it decides the
/// order of the sum.
const BLOCK: usize = 8;
/// Output channels, and taps, of a register tile, of 32 registers and of half as many.
const fn tile<S: Simd>() -> [usize; 2] {
    if S::TILE_VECTORS > 1 { [4, 5] } else { [2, 3] }
}

/// Adds the gradients of a part to dw.
///
/// # Safety
/// As [`super::weight_gradient`].
#[inline(always)]
pub(super) unsafe fn by_position<S: Simd>(g: &WeightGradient) {
    // SAFETY: the caller's promises, for each block of rows, channels and taps.
    unsafe {
        let [most_channels, most_taps] = const { tile::<S>() };
        let per_group = g.window.output[0] / g.window.groups;
        for first in (0..g.rows).step_by(BLOCK) {
            let rows = first..g.rows.min(first + BLOCK);
            let mut o = g.part.channels[0];
            while o < g.part.channels[1] {
                // A tile's channels share their inputs, so they are of one group.
                let channels = most_channels.min(g.part.channels[1] - o).min(per_group - o % per_group);
                for tap in (g.part.taps[0]..g.part.taps[1]).step_by(most_taps) {
                    let taps = most_taps.min(g.part.taps[1] - tap);
                    match (channels, g.window.stride) {
                        (4, 1) => gradient_taps::<S, false, 4>(g, &rows, o, tap, taps),
                        (4, _) => gradient_taps::<S, true, 4>(g, &rows, o, tap, taps),
                        (2, 1) if most_channels == 2 => gradient_taps::<S, false, 2>(g, &rows, o, tap, taps),
                        (2, _) if most_channels == 2 => gradient_taps::<S, true, 2>(g, &rows, o, tap, taps),
                        _ => {
                            for o in o..o + channels {
                                gradient_taps::<S, true, 1>(g, &rows, o, tap, taps);
                            }
                        }
                    }
                }
                o += channels;
            }
        }
    }
}

/// Up to a tile's taps.
#[inline(always)]
unsafe fn gradient_taps<S: Simd, const APART: bool, const R: usize>(
    g: &WeightGradient,
    rows: &std::ops::Range<usize>,
    o: usize,
    tap: usize,
    taps: usize,
) {
    // SAFETY: the caller's promises.
    unsafe {
        // Tiles larger than the registers are not compiled.
        let [most_channels, most_taps] = const { tile::<S>() };
        if R > most_channels || taps > most_taps {
            return;
        }
        match taps {
            1 => gradient_tile::<S, APART, R, 1>(g, rows, o, tap),
            2 => gradient_tile::<S, APART, R, 2>(g, rows, o, tap),
            3 => gradient_tile::<S, APART, R, 3>(g, rows, o, tap),
            _ if most_taps == 3 => {}
            4 => gradient_tile::<S, APART, R, 4>(g, rows, o, tap),
            _ => gradient_tile::<S, APART, R, 5>(g, rows, o, tap),
        }
    }
}

/// R channels by Q taps over a block of rows, lanes added up at its end.
#[inline(always)]
unsafe fn gradient_tile<S: Simd, const APART: bool, const R: usize, const Q: usize>(
    g: &WeightGradient,
    rows: &std::ops::Range<usize>,
    o: usize,
    tap: usize,
) {
    // SAFETY: the caller's promises: rows, channels and taps are within x, dy and dw.
    unsafe {
        let Window { input: [inputs, h, width], output, stride, groups, .. } = g.window;
        let offsets = offsets::<Q>(&g.window, o / (output[0] / groups), tap);
        let (plane, depth) = (output[1] * output[2], g.window.depth());
        let mut acc = [[S::splat(0.0); Q]; R];
        for row in rows.clone() {
            let x = g.x.add(row * inputs * h * width);
            let dy = g.dy.add((row * output[0] + o) * plane);
            for i in 0..output[1] {
                for j in (0..output[2]).step_by(LANES) {
                    let lanes = LANES.min(output[2] - j);
                    let at = x.add(i * stride * width + j * stride);
                    let mut dys = [S::splat(0.0); R];
                    for (r, value) in dys.iter_mut().enumerate() {
                        *value = load::<S, false>(dy.add(r * plane + i * output[2] + j), 1, lanes);
                    }
                    for q in 0..Q {
                        let x = load::<S, APART>(at.add(offsets[q]), stride, lanes);
                        for r in 0..R {
                            acc[r][q] = S::fma(x, dys[r], acc[r][q]);
                        }
                    }
                }
            }
        }
        for (r, acc) in acc.iter().enumerate() {
            for (q, &sum) in acc.iter().enumerate() {
                *g.dw.add((o + r) * depth + tap + q) += S::sum(sum);
            }
        }
    }
}
