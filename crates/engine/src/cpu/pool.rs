//! Max pooling of one example, and its gradient.

use super::convolution::load_apart;
use super::simd::{LANES, Simd};
use crate::window::Window;

/// y = the largest of each window, at = its place in the channel: the first among equals, and a NaN
/// before any number.
///
/// # Safety
/// The machine has S; the pointers are valid for the window's input and outputs.
#[inline(always)]
pub(super) unsafe fn max_pool<S: Simd>(window: &Window, x: *const f32, y: *mut f32, at: *mut f32) {
    let Window { input: [channels, h, w], output: [_, rows, columns], kernel: [kh, kw], stride, .. } = *window;
    // SAFETY: the caller's promises: windows lie within a channel, and a row's last part is loaded
    // and stored by its length.
    unsafe {
        let counts: [f32; LANES] = std::array::from_fn(|i| (i * stride) as f32);
        let apart = S::load(counts.as_ptr());
        for row in 0..channels * rows {
            let plane = x.add(row / rows * h * w);
            for j in (0..columns).step_by(LANES) {
                let lanes = LANES.min(columns - j);
                let corner = row % rows * stride * w + j * stride;
                let (mut best, mut place) = (S::splat(f32::NEG_INFINITY), S::add(apart, S::splat(corner as f32)));
                for k in 0..kh {
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
                S::store_part(y.add(row * columns + j), best, lanes);
                S::store_part(at.add(row * columns + j), place, lanes);
            }
        }
    }
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
