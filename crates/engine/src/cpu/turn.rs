//! What lies in rows becomes lanes, and back: where lanes are channels, a position's channels stand together.

use std::mem::MaybeUninit;

use super::simd::{LANES, Simd};

/// Numbers that so many channels take, in whole vectors.
pub(super) const fn whole_vectors(channels: usize) -> usize {
    channels.next_multiple_of(LANES)
}

/// Writes the channels of each of `positions` positions side by side, [`whole_vectors`] of them with zeros at the end. A channel's
/// positions begin at `from`, `plane` after those of the channel before.
///
/// # Safety
/// The machine has S; the positions of all channels are there, and room for them at `to`.
#[inline(always)]
pub(super) unsafe fn turn<S: Simd>(from: *const f32, plane: usize, channels: usize, positions: usize, to: *mut f32) {
    let width = whole_vectors(channels);
    for at in (0..positions).step_by(LANES) {
        let n = LANES.min(positions - at);
        for c in (0..channels).step_by(LANES) {
            let lanes = LANES.min(channels - c);
            // SAFETY: the caller's promises, for these channels and positions.
            unsafe { S::transpose(from.add(c * plane + at), plane, lanes, n, to.add(at * width + c), width) }
        }
    }
}

/// The reverse: `from` has `width` numbers a position.
///
/// # Safety
/// As for [`turn`].
#[inline(always)]
pub(super) unsafe fn turn_back<S: Simd>(
    from: *const f32,
    width: usize,
    positions: usize,
    to: *mut f32,
    plane: usize,
    channels: usize,
) {
    for c in (0..channels).step_by(LANES) {
        let lanes = LANES.min(channels - c);
        for at in (0..positions).step_by(LANES) {
            let n = LANES.min(positions - at);
            let to = to.wrapping_add(c * plane + at);
            // SAFETY: the caller's promises, for these channels and positions.
            unsafe {
                let from = from.add(at * width + c);
                if n == LANES {
                    S::transpose(from, width, n, lanes, to, plane);
                } else {
                    // What is behind the last position belongs to another.
                    let mut block = [0.0; LANES * LANES];
                    S::transpose(from, width, n, lanes, block.as_mut_ptr(), LANES);
                    for lane in 0..lanes {
                        let row = S::load(block.as_ptr().add(lane * LANES));
                        S::store_part(to.add(lane * plane), row, n);
                    }
                }
            }
        }
    }
}

/// Sixteen vectors.
#[repr(align(64))]
struct Block {
    _room: [f32; LANES * LANES],
}

/// Multiplies rows whose numbers become lanes: adds Σ over `depth` of row[k]·factor[m, k] to each of M vectors of sums, a lane for each of up to sixteen
/// `rows`. The steps of the factors are from m to m and from k to k.
///
/// # Safety
/// The machine has S; the rows, `step` numbers apart, and the factors are there.
#[inline(always)]
pub(super) unsafe fn multiply_turned<S: Simd, const M: usize>(
    sums: &mut [S::V; M],
    [rows, step]: [usize; 2],
    from: *const f32,
    depth: usize,
    factors: *const f32,
    [to_sum, along]: [usize; 2],
) {
    let mut block = MaybeUninit::<Block>::uninit();
    let block = block.as_mut_ptr().cast::<f32>();
    for k in (0..depth).step_by(LANES) {
        let numbers = LANES.min(depth - k);
        // SAFETY: the caller's promises, for these numbers of the rows; the block holds sixteen vectors.
        unsafe {
            S::transpose(from.add(k), step, rows, numbers, block, LANES);
            let factors = factors.add(k * along);
            for i in 0..numbers {
                let lanes = S::load(block.add(i * LANES));
                for (m, sum) in sums.iter_mut().enumerate() {
                    *sum = S::fma(S::splat(*factors.add(m * to_sum + i * along)), lanes, *sum);
                }
            }
        }
    }
}
