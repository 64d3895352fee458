//! dw = Σ over rows and positions of dy · x under each tap: the gradient of a convolution by its weight.
//!
//! Three ways: by Winograd's tiles where the convolution is; else lanes are output channels where there are enough of them, and
//! positions otherwise. The shape decides, and so does how many products one number sums before its sum is added to dw: threads change no bit.

mod by_channel;
mod by_position;
mod by_tile;

use super::instruction_set::Kernels;
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
    /// Those of [`room`].
    pub(super) room: *mut f32,
    /// Of the same instruction set.
    pub(super) kernels: &'static Kernels,
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
        if window.goes_by_tiles() {
            let vectors = channels.div_ceil(LANES);
            let across = (1..=workers.min(vectors)).rev().find(|&n| workers.is_multiple_of(n)).unwrap_or(1);
            let [output, input] = [worker % across, worker / across];
            let units = [vectors * output / across, vectors * (output + 1) / across];
            let (inputs, down) = (window.input[0], workers / across);
            let inputs = [inputs * input / down, inputs * (input + 1) / down];
            let channels = units.map(|unit| (unit * LANES).min(channels));
            Part { channels, taps: inputs.map(|input| input * depth / window.input[0]) }
        } else if !lanes_are_channels(window) {
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
        if g.window.goes_by_tiles() {
            by_tile::by_tile::<S>(g);
        } else if lanes_are_channels(&g.window) {
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
pub(super) mod tests {
    use super::*;
    use crate::cpu::instruction_set::available;
    use crate::cpu::winograd;

    /// Numbers between -1 and 1 without a pattern.
    pub(in crate::cpu) fn numbers(n: usize, seed: u64) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..n).map(|_| next()).collect()
    }

    /// Both ways with lanes of channels: blocks of positions that an example fills more than once, with channels for a vector and a half;
    /// tiles that end beyond the edges, sums that begin anew, and channels that workers share by outputs and by inputs.
    #[test]
    fn blocks_add_up_whoever_computes_them() {
        let window = |input, output| Window { input, output, kernel: [3, 3], stride: 1, dilation: 1, groups: 1 };
        for (window, rows) in [
            (window([3, 42, 34], [26, 40, 32]), 3),
            (window([13, 7, 8], [20, 5, 6]), 150),
            (window([17, 21, 22], [12, 19, 20]), 4),
        ] {
            assert!(window.goes_by_tiles() || lanes_are_channels(&window));
            let ([inputs, _, width], [outputs, _, columns]) = (window.input, window.output);
            let (depth, (plane, positions)) = (window.depth(), window.planes());
            let (x, dy) = (numbers(rows * inputs * plane, 1), numbers(rows * outputs * positions, 2));
            let exact = |o: usize, tap: usize| -> f64 {
                let offset = offsets::<1>(&window, 0, tap)[0];
                let product = |row: usize, at: usize| {
                    let x = x[row * inputs * plane + offset + at / columns * width + at % columns];
                    f64::from(x) * f64::from(dy[(row * outputs + o) * positions + at])
                };
                (0..rows).flat_map(|row| (0..positions).map(move |at| product(row, at))).sum()
            };
            let exact: Vec<f64> = (0..outputs * depth).map(|at| exact(at / depth, at % depth)).collect();
            for kernels in available() {
                let mut of_one = Vec::new();
                for workers in [1, 2, 3, 8] {
                    let mut dw = vec![f32::NAN; outputs * depth];
                    let (mut panel, mut room) = (vec![f32::NAN; PANEL], vec![f32::NAN; winograd::room(&window)]);
                    for worker in 0..workers {
                        let part = Part::of(&window, worker, workers);
                        let (x, dy, dw) = (x.as_ptr(), dy.as_ptr(), dw.as_mut_ptr());
                        let (panel, room) = (panel.as_mut_ptr(), room.as_mut_ptr());
                        let gradient = WeightGradient { window, rows, x, dy, dw, part, panel, room, kernels };
                        // SAFETY: the slices have the window's lengths, and one worker works after another.
                        unsafe { (kernels.weight_gradient)(&gradient) }
                    }
                    for (at, (&dw, exact)) in dw.iter().zip(&exact).enumerate() {
                        assert!((f64::from(dw) - exact).abs() < 1e-3, "{}: {at}: {dw}, {exact}", kernels.name);
                    }
                    let bits: Vec<u32> = dw.iter().map(|x| x.to_bits()).collect();
                    if workers == 1 { of_one = bits } else { assert_eq!(bits, of_one, "{workers} workers") }
                }
            }
        }
    }
}
