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
    let pairs = ([kh, kw], stride) == ([2, 2], 2);
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
                let inside = Inside { x: plane.add(corner), width: w, rows: below - above, columns: kw, stride, lanes };
                let (best, place) = if pairs && below - above == 2 {
                    inside.largest_of_four::<S>(apart)
                } else {
                    inside.largest::<S>(apart)
                };
                let place = S::add(place, S::splat(corner as f32));
                S::store_part(y.add(j), best, lanes);
                S::store_part(at.add(j), place, lanes);
            }
        }
    }
}

/// Windows that lie within the rows of a channel, side by side: the first begins at `x`.
#[derive(Clone, Copy)]
struct Inside {
    x: *const f32,
    width: usize,
    rows: usize,
    columns: usize,
    stride: usize,
    lanes: usize,
}

impl Inside {
    /// The largest of each, and its place from `x` on.
    ///
    /// # Safety
    /// The machine has S; the windows are there. `apart` holds the windows' beginnings.
    #[inline(always)]
    unsafe fn largest<S: Simd>(self, apart: S::V) -> (S::V, S::V) {
        // SAFETY: the caller's promises.
        unsafe {
            let mut best = (S::splat(f32::NEG_INFINITY), apart);
            for k in 0..self.rows {
                for l in 0..self.columns {
                    let tap = k * self.width + l;
                    let value = load_apart::<S>(self.x.add(tap), self.stride, self.lanes);
                    best = larger::<S>(best, (value, S::add(apart, S::splat(tap as f32))));
                }
            }
            best
        }
    }

    /// The same for windows of 2 × 2, two apart: each row is read once, and the rows' best are compared.
    ///
    /// # Safety
    /// As [`Inside::largest`].
    #[inline(always)]
    unsafe fn largest_of_four<S: Simd>(self, apart: S::V) -> (S::V, S::V) {
        // SAFETY: the caller's promises.
        unsafe {
            let [a, b] = S::load_pairs(self.x, self.lanes);
            let [c, d] = S::load_pairs(self.x.add(self.width), self.lanes);
            let width = self.width as f32;
            let above = larger::<S>((a, S::splat(0.0)), (b, S::splat(1.0)));
            let below = larger::<S>((c, S::splat(width)), (d, S::splat(width + 1.0)));
            let (best, place) = larger::<S>(above, below);
            (best, S::add(apart, place))
        }
    }
}

/// The larger number with its place; the first among equals. A NaN wins over numbers, and keeps what it has won.
#[inline(always)]
unsafe fn larger<S: Simd>(first: (S::V, S::V), second: (S::V, S::V)) -> (S::V, S::V) {
    // SAFETY: the caller's machine has S.
    unsafe {
        let ((a, at_a), (b, at_b)) = (first, second);
        let at = S::select_nan(a, at_a, S::select_not_above(a, b, at_b, at_a));
        (S::select_nan(a, a, S::select_not_above(a, b, b, a)), at)
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
///
/// # Safety
/// The machine has S; the pointers are valid for the window's input and outputs, and the places lie in a channel.
#[inline(always)]
pub(super) unsafe fn max_pool_gradient<S: Simd>(window: &Window, dy: *const f32, at: *const f32, dx: *mut f32) {
    let (input, output) = window.planes();
    let channels = window.input[0];
    // Windows of 2 × 2 side by side, from the corner on: then each number is of one window at most.
    let pairs = (window.kernel, window.stride) == ([2, 2], 2)
        && 2 * window.output[1] <= window.input[1]
        && 2 * window.output[2] <= window.input[2];
    // SAFETY: the caller's promises.
    unsafe {
        for c in 0..channels {
            let (dy, at, dx) = (dy.add(c * output), at.add(c * output), dx.add(c * input));
            if pairs {
                spread_pairs::<S>(window, dy, at, dx);
            } else {
                std::slice::from_raw_parts_mut(dx, input).fill(0.0);
                for i in 0..output {
                    *dx.add(*at.add(i) as usize) += *dy.add(i);
                }
            }
        }
    }
}

/// One channel whose windows of 2 × 2 do not meet: each number of dx looks whether its window has chosen it.
///
/// # Safety
/// As [`max_pool_gradient`].
#[inline(always)]
unsafe fn spread_pairs<S: Simd>(window: &Window, dy: *const f32, at: *const f32, dx: *mut f32) {
    let ([_, h, w], [_, rows, columns]) = (window.input, window.output);
    let counts: [f32; LANES] = std::array::from_fn(|i| i as f32);
    // SAFETY: the caller's promises; a row's last part is loaded and stored by its length.
    unsafe {
        let (counts, zero) = (S::load(counts.as_ptr()), S::splat(0.0));
        for row in 0..2 * rows {
            let (dy, at, dx) = (dy.add(row / 2 * columns), at.add(row / 2 * columns), dx.add(row * w));
            for j in (0..2 * columns).step_by(LANES) {
                let lanes = LANES.min(2 * columns - j);
                let place = S::add(counts, S::splat((row * w + j) as f32));
                let chosen = S::load_twice(at.add(j / 2), lanes);
                let y = S::select_equal(chosen, place, S::load_twice(dy.add(j / 2), lanes), zero);
                S::store_part(dx.add(j), y, lanes);
            }
            std::slice::from_raw_parts_mut(dx.add(2 * columns), w - 2 * columns).fill(0.0);
        }
        std::slice::from_raw_parts_mut(dx.add(2 * rows * w), (h - 2 * rows) * w).fill(0.0);
    }
}
