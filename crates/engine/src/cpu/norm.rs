//! Σ x² of a stretch of numbers, in sixteen lanes and then over the lanes in pairs.

use super::simd::{LANES, Simd};

/// y = Σ x² over `len` numbers.
///
/// # Safety
/// The machine has S; x is valid for `len` numbers, y for one.
#[inline(always)]
pub(super) unsafe fn sum_squares<S: Simd>(x: *const f32, len: usize, y: *mut f32) {
    // SAFETY: the caller's promises: the last part is loaded by its length, the lanes beyond it are 0.
    unsafe {
        let zero = S::splat(0.0);
        let mut sum = zero;
        for i in (0..len).step_by(LANES) {
            let x = S::load_part(x.add(i), LANES.min(len - i), zero);
            sum = S::fma(x, x, sum);
        }
        *y = S::sum(sum);
    }
}
