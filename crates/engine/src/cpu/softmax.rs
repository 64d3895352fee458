//! Softmax, with loss and without, one row after another.
//!
//! Sums run over sixteen lanes and then over the lanes in pairs: one order for every machine.

use super::math::{exp, max_lanes};
use super::simd::{LANES, Simd};

/// y = softmax x of one row; returns (max x, Σ e^(x − max x)). y may be x.
///
/// # Safety
/// The machine has S; the pointers are valid for `n` elements, and n > 0.
#[inline(always)]
pub(super) unsafe fn softmax<S: Simd>(x: *const f32, y: *mut f32, n: usize) -> (f32, f32) {
    // SAFETY: the caller's promises: the last part of a row is loaded and stored by its length.
    unsafe {
        let lowest = S::splat(f32::NEG_INFINITY);
        let mut max = lowest;
        for i in (0..n).step_by(LANES) {
            max = S::max(S::load_part(x.add(i), LANES.min(n - i), lowest), max);
        }
        let max = max_lanes::<S>(max);
        let mut sum = S::splat(0.0);
        for i in (0..n).step_by(LANES) {
            let part = LANES.min(n - i);
            let e = exp::<S>(S::sub(S::load_part(x.add(i), part, lowest), S::splat(max)));
            S::store_part(y.add(i), e, part);
            sum = S::add(sum, e);
        }
        let sum = S::sum(sum);
        let share = S::splat(1.0 / sum);
        for i in (0..n).step_by(LANES) {
            let part = LANES.min(n - i);
            S::store_part(y.add(i), S::mul(S::load_part(y.add(i), part, lowest), share), part);
        }
        (max, sum)
    }
}

/// Loss and probabilities of each row. A label that is no class gives a loss of NaN.
///
/// # Safety
/// The machine has S; the pointers are valid for `rows` rows.
#[inline(always)]
pub(super) unsafe fn cross_entropy<S: Simd>(
    rows: usize,
    n: usize,
    x: *const f32,
    label: *const f32,
    label_step: usize,
    loss: *mut f32,
    probability: *mut f32,
) {
    // SAFETY: the caller's promises; the label is checked.
    unsafe {
        for r in 0..rows {
            let (x, label) = (x.add(r * n), *label.add(r * label_step));
            let (max, sum) = softmax::<S>(x, probability.add(r * n), n);
            *loss.add(r) = match class(label, n) {
                Some(class) => sum.ln() - (*x.add(class) - max),
                None => f32::NAN,
            };
        }
    }
}

/// dx = (probability − onehot(label)) · dloss of each row.
///
/// # Safety
/// The machine has S; the pointers are valid for `rows` rows.
#[inline(always)]
pub(super) unsafe fn cross_entropy_gradient<S: Simd>(
    rows: usize,
    n: usize,
    probability: *const f32,
    label: *const f32,
    label_step: usize,
    dloss: *const f32,
    dloss_step: usize,
    dx: *mut f32,
) {
    // SAFETY: the caller's promises; the label is checked.
    unsafe {
        for r in 0..rows {
            let (p, dx) = (probability.add(r * n), dx.add(r * n));
            let scale = *dloss.add(r * dloss_step);
            for i in (0..n).step_by(LANES) {
                let part = LANES.min(n - i);
                let y = S::mul(S::load_part(p.add(i), part, S::splat(0.0)), S::splat(scale));
                S::store_part(dx.add(i), y, part);
            }
            if let Some(class) = class(*label.add(r * label_step), n) {
                *dx.add(class) = (*p.add(class) - 1.0) * scale;
            }
        }
    }
}

/// dx = y · (dy − Σ dy·y) of one row.
///
/// # Safety
/// The machine has S; the pointers are valid for `n` elements.
#[inline(always)]
pub(super) unsafe fn softmax_gradient<S: Simd>(n: usize, y: *const f32, dy: *const f32, dx: *mut f32) {
    // SAFETY: the caller's promises: the last part of a row is loaded and stored by its length.
    unsafe {
        let zero = S::splat(0.0);
        let part = |p: *const f32, i: usize| S::load_part(p.add(i), LANES.min(n - i), zero);
        let mut dot = zero;
        for i in (0..n).step_by(LANES) {
            dot = S::fma(part(dy, i), part(y, i), dot);
        }
        let dot = S::splat(S::sum(dot));
        for i in (0..n).step_by(LANES) {
            let x = S::mul(part(y, i), S::sub(part(dy, i), dot));
            S::store_part(dx.add(i), x, LANES.min(n - i));
        }
    }
}

/// A label as a class below n.
#[inline(always)]
pub(super) fn class(label: f32, n: usize) -> Option<usize> {
    (label >= 0.0 && label < n as f32).then_some(label as usize)
}
