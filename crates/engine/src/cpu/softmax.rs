//! Softmax, with loss and without.
//!
//! Sums run over sixteen lanes and then over the lanes in pairs: one order for every machine. A row of up to sixteen numbers would
//! fill one vector in part, and wait for itself again and again; so sixteen such rows go side by side, a lane for each,
//! and their numbers are added in the order in which lanes would be.

use super::math::{exp, max_lanes};
use super::simd::{LANES, Simd};

/// A block of sixteen vectors.
#[repr(align(64))]
struct Block([f32; LANES * LANES]);

impl Block {
    const ZERO: Block = Block([0.0; LANES * LANES]);

    fn at(&mut self, vector: usize) -> *mut f32 {
        self.0.as_mut_ptr().wrapping_add(vector * LANES)
    }
}

/// y = softmax x of each row. y may be x.
///
/// # Safety
/// The machine has S; the pointers are valid for `rows` rows of `n` numbers, and n > 0.
#[inline(always)]
pub(super) unsafe fn softmax<S: Simd>(rows: usize, n: usize, x: *const f32, y: *mut f32) {
    // SAFETY: the caller's promises.
    unsafe { each_row::<S>(rows, n, x, y, |_, _, _| {}) }
}

/// The same; `seen` is told of each row: its number, max x and Σ e^(x − max x).
///
/// # Safety
/// As for [`softmax`].
#[inline(always)]
unsafe fn each_row<S: Simd>(rows: usize, n: usize, x: *const f32, y: *mut f32, mut seen: impl FnMut(usize, f32, f32)) {
    // SAFETY: the caller's promises, for each row.
    unsafe {
        if n > LANES || rows == 1 {
            for r in 0..rows {
                let (max, sum) = one_row::<S>(x.add(r * n), y.add(r * n), n);
                seen(r, max, sum);
            }
            return;
        }
        for first in (0..rows).step_by(LANES) {
            let count = LANES.min(rows - first);
            let [max, sum] = side_by_side::<S>(count, n, x.add(first * n), y.add(first * n));
            (0..count).for_each(|r| seen(first + r, max[r], sum[r]));
        }
    }
}

/// Up to sixteen rows of up to sixteen numbers; returns their max x and Σ e^(x − max x).
#[inline(always)]
unsafe fn side_by_side<S: Simd>(rows: usize, n: usize, x: *const f32, y: *mut f32) -> [[f32; LANES]; 2] {
    let (mut block, mut turned) = (Block::ZERO, Block::ZERO);
    // SAFETY: the caller's promises, and blocks of sixteen vectors.
    unsafe {
        S::transpose(x, n, rows, n, block.at(0), LANES);
        let mut max = S::splat(f32::NEG_INFINITY);
        for i in 0..n {
            max = S::max(S::load(block.at(i)), max);
        }
        for i in 0..n {
            let e = exp::<S>(S::sub(S::load(block.at(i)), max));
            S::store(block.at(i), e);
            S::store(turned.at(i), e);
        }
        let mut count = n;
        for width in [8, 4, 2, 1] {
            for i in width..count {
                let to = turned.at(i - width);
                S::store(to, S::add(S::load(to), S::load(turned.at(i))));
            }
            count = count.min(width);
        }
        let sum = S::load(turned.at(0));
        let share = S::div(S::splat(1.0), sum);
        for i in 0..n {
            S::store(block.at(i), S::mul(S::load(block.at(i)), share));
        }
        S::transpose(block.at(0), LANES, n, rows, turned.at(0), LANES);
        for r in 0..rows {
            S::store_part(y.add(r * n), S::load(turned.at(r)), n);
        }
        let mut seen = [[0.0; LANES]; 2];
        S::store(seen[0].as_mut_ptr(), max);
        S::store(seen[1].as_mut_ptr(), sum);
        seen
    }
}

/// One row; returns max x and Σ e^(x − max x).
#[inline(always)]
unsafe fn one_row<S: Simd>(x: *const f32, y: *mut f32, n: usize) -> (f32, f32) {
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
        each_row::<S>(rows, n, x, probability, |r, max, sum| {
            *loss.add(r) = match class(*label.add(r * label_step), n) {
                Some(class) => sum.ln() - (*x.add(r * n + class) - max),
                None => f32::NAN,
            };
        });
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

#[cfg(test)]
mod tests {
    use super::LANES;
    use crate::cpu::instruction_set::available;

    /// A row that goes by itself, as it is longer: numbers that weigh nothing change no bit of the others.
    #[test]
    fn rows_side_by_side_are_as_rows_alone() {
        let special = [f32::NEG_INFINITY, f32::NAN, f32::INFINITY, -3e38, 88.0, 0.0];
        for kernels in available() {
            for n in 1..=LANES {
                for rows in [1, 2, 15, 16, 17, 33] {
                    let number = |i: usize| match i % 29 {
                        at if at < special.len() && i > 200 => special[at],
                        _ => (i as f32 * 0.73).sin() * 20.0,
                    };
                    let x: Vec<f32> = (0..rows * n).map(number).collect();
                    let mut y = vec![0.5; rows * n + 1];
                    // SAFETY: as many rows as the slices hold.
                    unsafe { (kernels.softmax)(rows, n, x.as_ptr(), y.as_mut_ptr()) }
                    assert!(y[rows * n] == 0.5, "{}: written beyond the last row", kernels.name);
                    for (r, x) in x.chunks_exact(n).enumerate() {
                        let mut alone = [f32::NEG_INFINITY; LANES + 1];
                        alone[..n].copy_from_slice(x);
                        // SAFETY: one row of that length, in place.
                        unsafe { (kernels.softmax)(1, LANES + 1, alone.as_ptr(), alone.as_mut_ptr()) }
                        let bits =
                            |x: &[f32]| x.iter().map(|x| if x.is_nan() { 0 } else { x.to_bits() }).collect::<Vec<_>>();
                        let (found, alone) = (bits(&y[r * n..][..n]), bits(&alone[..n]));
                        assert!(found == alone, "{}: row {r} of {rows}, {n} numbers: {x:?}", kernels.name);
                    }
                }
            }
        }
    }
}
