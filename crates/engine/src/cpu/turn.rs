//! Channels side by side, and back: where lanes are channels, a position's channels stand together.

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
