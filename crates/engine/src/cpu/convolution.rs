//! Convolutions without a matrix of patches: windows are read where they lie.
//!
//! Going forward, a register tile holds R output channels by V stretches of up to sixteen neighbouring
//! outputs of a row; for each tap (c, k, l) it multiplies a weight with the inputs under those outputs. Every output is one
//! chain over the taps in their order. The gradient by the input is the same loop over another
//! weight order.

use super::simd::{LANES, Simd};
use crate::window::Window;

/// Where the weight of (output channel, input channel, k, l) stands: steps from the first.
#[derive(Clone, Copy)]
pub(super) struct WeightSteps {
    pub(super) first: isize,
    pub(super) group: isize,
    pub(super) output: isize,
    pub(super) input: isize,
    pub(super) k: isize,
    pub(super) l: isize,
}

impl WeightSteps {
    pub(super) fn of(window: &Window, transposed: bool) -> WeightSteps {
        let [kh, kw] = window.kernel.map(|n| n as isize);
        let inputs = (window.input[0] / window.groups) as isize;
        let outputs = (window.output[0] / window.groups) as isize;
        if transposed {
            WeightSteps {
                first: kh * kw - 1,
                group: inputs * outputs * kh * kw,
                output: kh * kw,
                input: outputs * kh * kw,
                k: -kw,
                l: -1,
            }
        } else {
            WeightSteps {
                first: 0,
                group: outputs * inputs * kh * kw,
                output: inputs * kh * kw,
                input: kh * kw,
                k: kw,
                l: 1,
            }
        }
    }
}

/// One example's convolution.
#[derive(Clone, Copy)]
pub(super) struct Convolution {
    pub(super) window: Window,
    pub(super) x: *const f32,
    pub(super) w: *const f32,
    pub(super) steps: WeightSteps,
    /// `[o]`, or null.
    pub(super) bias: *const f32,
    pub(super) y: *mut f32,
    pub(super) relu: bool,
}

/// Up to sixteen neighbouring outputs of one row.
#[derive(Clone, Copy, Default)]
struct Stretch {
    /// The first window's corner in a channel of x, and the outputs' place in a channel of y.
    x: usize,
    y: usize,
    lanes: usize,
}

impl Stretch {
    /// How many an output channel has.
    fn count(window: &Window) -> usize {
        window.output[1] * window.output[2].div_ceil(LANES)
    }

    /// Number `n` of an output channel, row after row.
    #[inline(always)]
    fn of(window: &Window, n: usize) -> Stretch {
        let (stride, width, columns) = (window.stride, window.input[2], window.output[2]);
        let in_a_row = columns.div_ceil(LANES);
        let (i, j) = (n / in_a_row, n % in_a_row * LANES);
        let x = i * stride * width + j * stride;
        Stretch { x, y: i * columns + j, lanes: LANES.min(columns - j) }
    }
}

/// `lanes` numbers, `step` apart; zero beyond.
#[inline(always)]
pub(super) unsafe fn load_apart<S: Simd>(p: *const f32, step: usize, lanes: usize) -> S::V {
    // SAFETY: the caller's numbers are there.
    unsafe {
        match step {
            1 => S::load_part(p, lanes, S::splat(0.0)),
            2 => S::load_every_second(p, lanes),
            _ => {
                let mut apart = [0.0; LANES];
                for (i, x) in apart.iter_mut().enumerate().take(lanes) {
                    *x = *p.add(i * step);
                }
                S::load(apart.as_ptr())
            }
        }
    }
}

/// The same, where it is known beforehand whether they stand side by side.
#[inline(always)]
pub(super) unsafe fn load<S: Simd, const APART: bool>(p: *const f32, step: usize, lanes: usize) -> S::V {
    // SAFETY: the caller's numbers are there.
    unsafe { if APART { load_apart::<S>(p, step, lanes) } else { S::load_part(p, lanes, S::splat(0.0)) } }
}

/// Computes the convolution.
///
/// # Safety
/// The machine has S; the pointers are valid for the window's input, output, weight and bias.
#[inline(always)]
pub(super) unsafe fn convolution<S: Simd>(c: &Convolution) {
    // SAFETY: the caller's promises.
    unsafe {
        if c.window.stride == 1 {
            all_tiles::<S, false>(c);
        } else {
            all_tiles::<S, true>(c);
        }
    }
}

/// Stretches of a register tile at most.
const STRETCHES: usize = 4;

// No closures from here on: they would not be compiled for the instruction set of their function.
#[inline(always)]
unsafe fn all_tiles<S: Simd, const APART: bool>(c: &Convolution) {
    let count = Stretch::count(&c.window);
    let outputs = c.window.output[0] / c.window.groups;
    let most = S::TILE_VECTORS.min(STRETCHES);
    let mut first = 0;
    while first < count {
        let held = most.min(count - first);
        let mut at = [Stretch::default(); STRETCHES];
        for (v, at) in at.iter_mut().enumerate().take(held) {
            *at = Stretch::of(&c.window, first + v);
        }
        for group in 0..c.window.groups {
            // SAFETY: the caller's promises, for these outputs.
            unsafe {
                match held {
                    1 => channels::<S, APART, 1>(c, &at, group, outputs),
                    2 => channels::<S, APART, 2>(c, &at, group, outputs),
                    3 => channels::<S, APART, 3>(c, &at, group, outputs),
                    _ => channels::<S, APART, 4>(c, &at, group, outputs),
                }
            }
        }
        first += held;
    }
}

/// All channels of a group, for V stretches.
#[inline(always)]
unsafe fn channels<S: Simd, const APART: bool, const V: usize>(
    c: &Convolution,
    at: &[Stretch; STRETCHES],
    group: usize,
    outputs: usize,
) {
    macro_rules! take {
        ($o:ident: $($r:literal)*) => {$(
            // Tiles larger than the registers are not compiled.
            if $r * V <= 6 * S::TILE_VECTORS {
                while outputs - $o >= $r {
                    // SAFETY: the caller's promises, for these channels.
                    unsafe { tile::<S, APART, V, $r>(c, at, group, $o) };
                    $o += $r;
                }
            }
        )*};
    }
    if V <= S::TILE_VECTORS {
        let mut o = 0;
        take!(o: 8 6 4 2 1);
    }
}

/// R channels by V stretches, in registers.
#[inline(always)]
unsafe fn tile<S: Simd, const APART: bool, const V: usize, const R: usize>(
    c: &Convolution,
    at: &[Stretch; STRETCHES],
    group: usize,
    o: usize,
) {
    // SAFETY: the caller's promises: windows and channels are within x, w and y.
    unsafe {
        let Window { input: [inputs, h, width], output, kernel: [kh, kw], stride, dilation, groups } = c.window;
        let inputs = inputs / groups;
        let first_output = group * (output[0] / groups) + o;
        let zero = S::splat(0.0);
        let mut acc = [[zero; V]; R];
        if !c.bias.is_null() {
            for (r, acc) in acc.iter_mut().enumerate() {
                *acc = [S::splat(*c.bias.add(first_output + r)); V];
            }
        }
        let x = c.x.add(group * inputs * h * width);
        let s = c.steps;
        let w = c.w.offset(s.first + group as isize * s.group + o as isize * s.output);
        for channel in 0..inputs {
            for k in 0..kh {
                for l in 0..kw {
                    let tap = x.add((channel * h + k * dilation) * width + l * dilation);
                    let w = w.offset(channel as isize * s.input + k as isize * s.k + l as isize * s.l);
                    let mut row = [zero; V];
                    for v in 0..V {
                        row[v] = load::<S, APART>(tap.add(at[v].x), stride, at[v].lanes);
                    }
                    for (r, acc) in acc.iter_mut().enumerate() {
                        let weight = S::splat(*w.offset(r as isize * s.output));
                        for v in 0..V {
                            acc[v] = S::fma(weight, row[v], acc[v]);
                        }
                    }
                }
            }
        }
        let plane = output[1] * output[2];
        for (r, acc) in acc.iter().enumerate() {
            for (&sum, at) in acc.iter().zip(at) {
                let y = if c.relu { S::max(zero, sum) } else { sum };
                S::store_part(c.y.add((first_output + r) * plane + at.y), y, at.lanes);
            }
        }
    }
}

/// y = 0 but for x's elements, `step` apart from `corner` on; what lies outside y is left out.
pub(super) fn spread(x: &[f32], y: &mut [f32], from: [usize; 2], to: [usize; 2], corner: [isize; 2], step: usize) {
    y.fill(0.0);
    let place =
        |i: usize, axis: usize| usize::try_from(corner[axis] + (i * step) as isize).ok().filter(|&i| i < to[axis]);
    let columns: std::ops::Range<usize> = {
        let inside = |j: &usize| place(*j, 1).is_some();
        let first = (0..from[1]).find(inside).unwrap_or(from[1]);
        first..(first..from[1]).rfind(inside).map_or(first, |last| last + 1)
    };
    let Some(left) = place(columns.start, 1) else { return };
    for (x, y) in x.chunks_exact(from[0] * from[1]).zip(y.chunks_exact_mut(to[0] * to[1])) {
        for (i, x) in x.chunks_exact(from[1]).enumerate() {
            if let Some(i) = place(i, 0) {
                let (x, y) = (&x[columns.clone()], &mut y[i * to[1] + left..]);
                if step == 1 {
                    y[..x.len()].copy_from_slice(x);
                } else {
                    y.iter_mut().step_by(step).zip(x).for_each(|(y, &x)| *y = x);
                }
            }
        }
    }
}
