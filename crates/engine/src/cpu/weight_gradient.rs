//! dw = Σ over rows and positions of dy · x under each tap: the gradient of a convolution by its weight.
//!
//! Two ways: lanes are output channels where there are enough of them, and positions otherwise. The shape decides, and
//! so does how many products one register sums before its sum is added to dw: threads change no bit.

mod by_channel;
mod by_position;

use super::product::PANEL;
use super::simd::{LANES, Simd};
use crate::window::Window;

/// The gradients of some weights, over all rows.
#[derive(Clone, Copy)]
pub(super) struct WeightGradient {
    pub(super) window: Window,
    pub(super) rows: usize,
    /// Row after row.
    pub(super) x: *const f32,
    pub(super) dy: *const f32,
    pub(super) dw: *mut f32,
    pub(super) part: Part,
    /// [`PANEL`] numbers for turned rows of dy.
    pub(super) panel: *mut f32,
}

/// Which output channels, and which of their taps: from the first to before the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    channels: [usize; 2],
    taps: [usize; 2],
}

impl Part {
    /// The worker's. Lanes stay full where channels are divided by whole vectors; where there are too few
    /// of those, taps are divided.
    pub(super) fn of(window: &Window, worker: usize, workers: usize) -> Part {
        let (channels, depth) = (window.output[0], window.depth());
        let slice = |n: usize, unit: usize| {
            let units = n.div_ceil(unit);
            [units * worker / workers * unit, units * (worker + 1) / workers * unit].map(|at| at.min(n))
        };
        if !lanes_are_channels(window) {
            Part { channels: slice(channels, 1), taps: [0, depth] }
        } else if channels >= workers * by_channel::CHANNELS && window.groups == 1 {
            Part { channels: slice(channels, by_channel::CHANNELS), taps: [0, depth] }
        } else {
            Part { channels: [0, channels], taps: slice(depth, by_channel::TAPS.min(depth.div_ceil(workers))) }
        }
    }
}

/// Whether vectors of channels would be nearly full, a row of outputs of them fits its room, and there are taps enough
/// to be worth turning dy.
fn lanes_are_channels(window: &Window) -> bool {
    let channels = window.output[0] / window.groups;
    let full = channels * 4 > channels.next_multiple_of(LANES) * 3;
    let fits = window.output[2] * by_channel::CHANNELS <= PANEL;
    full && fits && window.depth() >= 2 * by_channel::TAPS
}

/// Computes a part of the gradient.
///
/// # Safety
/// The machine has S; the pointers are valid for `rows` rows and the weight, and nobody else
/// touches this part of dw.
#[inline(always)]
pub(super) unsafe fn weight_gradient<S: Simd>(g: &WeightGradient) {
    let Part { channels, taps } = g.part;
    // SAFETY: the caller's promises.
    unsafe {
        for o in channels[0]..channels[1] {
            std::slice::from_raw_parts_mut(g.dw.add(o * g.window.depth() + taps[0]), taps[1] - taps[0]).fill(0.0);
        }
        if lanes_are_channels(&g.window) {
            by_channel::by_channel::<S>(g);
        } else {
            by_position::by_position::<S>(g);
        }
    }
}

/// Where `Q` taps from `tap` on read, from the first window's corner in a row of x.
#[inline(always)]
fn offsets<const Q: usize>(window: &Window, group: usize, tap: usize) -> [usize; Q] {
    let Window { input: [inputs, h, width], kernel: [kh, kw], dilation, groups, .. } = *window;
    let mut offsets = [0; Q];
    for (q, offset) in offsets.iter_mut().enumerate() {
        let (channel, k, l) = ((tap + q) / (kh * kw), (tap + q) / kw % kh, (tap + q) % kw);
        *offset = ((group * (inputs / groups) + channel) * h + k * dilation) * width + l * dilation;
    }
    offsets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::instruction_set::available;

    /// Numbers between -1 and 1 without a pattern.
    fn numbers(n: usize, seed: u64) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..n).map(|_| next()).collect()
    }

    #[test]
    fn blocks_of_many_positions_add_up_whoever_computes_them() {
        // Two blocks of positions an example, three examples, and channels for a vector and a half.
        let window =
            Window { input: [3, 42, 34], output: [26, 40, 32], kernel: [3, 3], stride: 1, dilation: 1, groups: 1 };
        assert!(lanes_are_channels(&window));
        let rows = 3;
        let (x, dy) = (numbers(rows * 3 * 42 * 34, 1), numbers(rows * 26 * 40 * 32, 2));
        let (depth, (plane, positions)) = (window.depth(), window.planes());
        let exact = |o: usize, tap: usize| -> f64 {
            let offset = offsets::<1>(&window, 0, tap)[0];
            let product = |row: usize, at: usize| {
                let x = x[row * 3 * plane + offset + at / 32 * 34 + at % 32];
                f64::from(x) * f64::from(dy[(row * 26 + o) * positions + at])
            };
            (0..rows).flat_map(|row| (0..positions).map(move |at| (row, at))).map(|(row, at)| product(row, at)).sum()
        };
        for kernels in available() {
            let mut of_one = Vec::new();
            for workers in [1, 2, 3, 8] {
                let mut dw = vec![f32::NAN; 26 * depth];
                let mut panel = vec![f32::NAN; PANEL];
                for worker in 0..workers {
                    let part = Part::of(&window, worker, workers);
                    let (x, dy, dw) = (x.as_ptr(), dy.as_ptr(), dw.as_mut_ptr());
                    let gradient = WeightGradient { window, rows, x, dy, dw, part, panel: panel.as_mut_ptr() };
                    // SAFETY: the slices have the window's lengths, and one worker works after another.
                    unsafe { (kernels.weight_gradient)(&gradient) }
                }
                for (at, &dw) in dw.iter().enumerate() {
                    let exact = exact(at / depth, at % depth);
                    assert!((f64::from(dw) - exact).abs() < 1e-3, "{}: {at}: {dw}, {exact}", kernels.name);
                }
                let bits: Vec<u32> = dw.iter().map(|x| x.to_bits()).collect();
                if workers == 1 { of_one = bits } else { assert_eq!(bits, of_one, "{workers} workers") }
            }
        }
    }
}
