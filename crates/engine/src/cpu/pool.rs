//! Max pooling of one example, and its gradient.

use super::convolution::load_apart;
use super::simd::{LANES, Simd};
use crate::window::Window;

/// y = the largest of each window, at = its place in the channel: the first among equals, and a NaN
/// before any number. Windows reach `padding` beyond each edge, where nothing is looked at: rows of
/// them are left out, and the outputs at the left and right edge are computed one by one.
///
/// # Safety
/// The machine has S; the pointers are valid for the window's input and outputs.
#[inline(always)]
pub(super) unsafe fn max_pool<S: Simd>(window: &Window, padding: usize, x: *const f32, y: *mut f32, at: *mut f32) {
    let Window { input: [channels, h, w], output: [_, rows, columns], kernel: [kh, kw], stride, .. } = *window;
    // The outputs whose windows lie within a row.
    let first = padding.div_ceil(stride).min(columns);
    let end = ((w + padding + stride).saturating_sub(kw) / stride).clamp(first, columns);
    // SAFETY: the caller's promises: from `first` to `end` windows lie within a row of a channel, and a
    // row's last part is loaded and stored by its length; the others are asked for places within.
    unsafe {
        let counts: [f32; LANES] = std::array::from_fn(|i| (i * stride) as f32);
        let apart = S::load(counts.as_ptr());
        for row in 0..channels * rows {
            let plane = x.add(row / rows * h * w);
            let (y, at) = (y.add(row * columns), at.add(row * columns));
            let top = row % rows * stride;
            let (above, below) = (padding.saturating_sub(top), kh.min(h + padding - top));
            for j in (0..first).chain(end..columns) {
                let (left, right) = (padding.saturating_sub(j * stride), kw.min(w + padding - j * stride));
                let corner = (top + above - padding) * w + (j * stride + left - padding);
                (*y.add(j), *at.add(j)) = largest(plane.add(corner), w, below - above, right - left, corner);
            }
            for j in (first..end).step_by(LANES) {
                let lanes = LANES.min(end - j);
                let corner = (top + above - padding) * w + (j * stride - padding);
                let (mut best, mut place) = (S::splat(f32::NEG_INFINITY), S::add(apart, S::splat(corner as f32)));
                for k in 0..below - above {
                    for l in 0..kw {
                        let tap = corner + k * w + l;
                        let value = load_apart::<S>(plane.add(tap), stride, lanes);
                        let here = S::add(apart, S::splat(tap as f32));
                        // A NaN wins over numbers, and keeps what it has won.
                        let place_now = S::select_not_above(best, value, here, place);
                        let best_now = S::select_not_above(best, value, value, best);
                        place = S::select_nan(best, place, place_now);
                        best = S::select_nan(best, best, best_now);
                    }
                }
                S::store_part(y.add(j), best, lanes);
                S::store_part(at.add(j), place, lanes);
            }
        }
    }
}

/// The largest of `rows` × `columns` numbers at the channel's place `corner`, and its place.
///
/// # Safety
/// The numbers are there, in rows `width` apart.
#[inline(always)]
unsafe fn largest(x: *const f32, width: usize, rows: usize, columns: usize, corner: usize) -> (f32, f32) {
    let (mut best, mut place) = (f32::NEG_INFINITY, corner);
    for k in 0..rows {
        for l in 0..columns {
            // SAFETY: the caller's promise.
            let value = unsafe { *x.add(k * width + l) };
            if value > best || (value.is_nan() && !best.is_nan()) {
                (best, place) = (value, corner + k * width + l);
            }
        }
    }
    (best, place as f32)
}

/// dx = 0 but for the places that were chosen, which get the sum of the dy that chose them.
pub(super) fn max_pool_gradient(window: &Window, dy: &[f32], at: &[f32], dx: &mut [f32]) {
    let (input, output) = window.planes();
    dx.fill(0.0);
    let planes = dy.chunks_exact(output).zip(at.chunks_exact(output)).zip(dx.chunks_exact_mut(input));
    for ((dy, at), dx) in planes {
        for (&dy, &at) in dy.iter().zip(at) {
            dx[at as usize] += dy;
        }
    }
}
