//! A 3 × 3 convolution in 16 products for each 2 × 2 outputs instead of 36: y = Aᵀ·[(G·g·Gᵀ) ⊙ (Bᵀ·d·B)]·A, summed over the input's
//! channels before A; F(2 × 2, 3 × 3) of Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2015), after Winograd.
//!
//! At each of the sixteen points the sum over channels is a product of matrices, tiles × inputs · inputs × outputs, for as many tiles of
//! however many examples as stay in cache. Lanes are channels, so that the changes of basis are full vectors for the smallest of
//! images too; the channels of a position are brought side by side for it, and taken apart again.
//!
//! A, B and G hold 0, ±1 and ±1/2, so little is lost to rounding: of numbers of like size, as activations are, an output's error stays
//! below 2 ε Σ |w·x| (a test holds it; largest found: 1 ε). Where one input is 10ⁿ times its neighbours in a tile, though, outputs
//! beside it that do not read it lose n digits, as they do not otherwise. Each output is one chain of operations, whatever tiles are computed together.

pub(super) mod transform;

use super::convolution::Convolution;
use super::few_rows;
use super::instruction_set::Kernels;
use super::product::{Finish, Product};
use super::simd::{LANES, Simd};
use super::soon::Soon;
use super::turn::{turn, turn_back, whole_vectors};
use crate::window::Window;
use transform::{Stretch, of_inputs, of_weights, to_outputs};

/// A kernel's taps along each axis, a tile's outputs, and its inputs.
pub(super) const TAPS: usize = 3;
pub(super) const STEP: usize = 2;
pub(super) const SIDE: usize = 4;
/// Numbers of a tile in the basis in which it is multiplied.
pub(super) const POINTS: usize = SIDE * SIDE;

/// Numbers of a block of tiles in that basis, at most: they stay in an L2.
const NEAR: usize = 1 << 17;
/// Tiles of a block: fewer where they would not be near, but so many at least, as weights are read once a block.
const TILES: std::ops::RangeInclusive<usize> = 16..=128;
/// Output channels whose products stay near until they are outputs.
const CHANNELS: usize = 64;

/// The tiles of a window's outputs, and how they are taken together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tiles {
    /// Of an example.
    rows: usize,
    columns: usize,
    /// Rows of tiles that make up a block: of as many whole examples, or of one.
    block: usize,
}

/// Some rows of tiles of one example.
#[derive(Clone, Copy)]
pub(super) struct Part {
    pub(super) example: usize,
    /// The first row of tiles in the example, and how many rows.
    first: usize,
    rows: usize,
    /// Tiles of the block before these.
    pub(super) before: usize,
}

impl Part {
    /// The first row of outputs.
    pub(super) fn first_output(self) -> usize {
        self.first * STEP
    }
}

impl Tiles {
    pub(super) fn of(window: &Window) -> Tiles {
        let [_, height, width] = window.output;
        let (rows, columns) = (height.div_ceil(STEP), width.div_ceil(STEP));
        let most = (NEAR / (POINTS * whole_vectors(window.input[0]))).clamp(*TILES.start(), *TILES.end());
        let block = if rows * columns <= most { most / (rows * columns) * rows } else { (most / columns).max(1) };
        Tiles { rows, columns, block }
    }

    /// Rows of tiles of so many examples.
    pub(super) fn of_examples(self, examples: usize) -> usize {
        examples * self.rows
    }

    /// Of a block, at most.
    pub(super) fn most(self) -> usize {
        self.block * self.columns
    }

    /// The rows of tiles of each block of so many examples.
    pub(super) fn blocks(self, examples: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
        let all = self.of_examples(examples);
        (0..all).step_by(self.block).map(move |first| first..all.min(first + self.block))
    }

    /// A block's tiles.
    pub(super) fn count(self, block: &std::ops::Range<usize>) -> usize {
        block.len() * self.columns
    }

    /// A block's parts, an example each.
    pub(super) fn parts(self, block: std::ops::Range<usize>) -> impl Iterator<Item = Part> {
        let mut at = block.start;
        std::iter::from_fn(move || {
            let (example, first) = (at / self.rows, at % self.rows);
            let part = Part {
                example,
                first,
                rows: (self.rows - first).min(block.end - at),
                before: (at - block.start) * self.columns,
            };
            at += part.rows;
            (part.rows > 0).then_some(part)
        })
    }

    /// A part in the basis of `point` numbers a point, with so many numbers at each position.
    pub(super) fn stretch(self, window: &Window, part: Part, channels: usize, point: usize) -> Stretch {
        let [_, height, width] = window.output;
        let height = (height - part.first_output()).min(STEP * part.rows);
        Stretch { rows: part.rows, columns: self.columns, height, width, channels, point }
    }
}

/// Numbers that a worker needs for this window, forward or back; none if it is not computed so.
pub(super) fn room(window: &Window) -> usize {
    if !window.goes_by_tiles() {
        return 0;
    }
    let tiles = Tiles::of(window);
    let [inputs, outputs] = [window.input[0], window.output[0]].map(whole_vectors);
    let rows = tiles.block.min(tiles.rows) * STEP;
    let turned = usize::max(inputs_of(window, rows) * inputs, rows * window.output[2] * outputs);
    POINTS * window.input[0] * outputs + POINTS * tiles.most() * (inputs + outputs) + turned
}

/// Positions that so many rows of outputs read, and that a last tile reaches beyond them.
fn inputs_of(window: &Window, rows: usize) -> usize {
    let width = window.input[2];
    (rows + 2) * width + width + 2
}

/// Brings the channels of a part's inputs side by side, and what its tiles read beyond them is 0.
///
/// # Safety
/// The machine has S; `x` holds the examples' rows, and `turned` has room.
#[inline(always)]
pub(super) unsafe fn turn_inputs<S: Simd>(
    window: &Window,
    part: Part,
    x: *const f32,
    channels: usize,
    turned: *mut f32,
) {
    let ([_, height, width], [_, _, columns]) = (window.input, window.output);
    let first = part.first_output();
    let positions = (STEP * part.rows + 2).min(height - first) * width;
    let channels_there = whole_vectors(channels);
    // SAFETY: the caller's promises.
    unsafe {
        turn::<S>(x.add(first * width), height * width, channels, positions, turned);
        if first + STEP * part.rows + 2 > height || !columns.is_multiple_of(STEP) {
            let beyond = (inputs_of(window, STEP * part.rows) - positions) * channels_there;
            std::slice::from_raw_parts_mut(turned.add(positions * channels_there), beyond).fill(0.0);
        }
    }
}

/// A convolution of some examples.
#[derive(Clone, Copy)]
pub(super) struct Winograd {
    /// Of the first.
    pub(super) convolution: Convolution,
    pub(super) examples: usize,
    /// Numbers from one example's input, and output, to the next's.
    pub(super) x_step: usize,
    pub(super) y_step: usize,
    /// Room for [`room`] numbers, and for a product's panel.
    pub(super) room: *mut f32,
    pub(super) panel: *mut f32,
    pub(super) kernels: &'static Kernels,
}

/// Computes the convolution.
///
/// # Safety
/// The machine has S; the window goes by tiles; the pointers are valid for the examples' inputs and outputs, the weight and the bias.
#[inline(always)]
pub(super) unsafe fn winograd<S: Simd>(g: &Winograd) {
    let Convolution { window, x, bias, y, relu, .. } = g.convolution;
    let ([inputs, ..], [outputs, height, width]) = (window.input, window.output);
    let [c, o] = [inputs, outputs].map(whole_vectors);
    let tiles = Tiles::of(&window);
    // SAFETY: the caller's promises; the room holds all of these.
    unsafe {
        let (u, v) = (g.room, g.room.add(POINTS * inputs * o));
        let m = v.add(POINTS * tiles.most() * c);
        let turned = m.add(POINTS * tiles.most() * o);
        weights::<S>(&g.convolution, u);
        for block in tiles.blocks(g.examples) {
            let count = tiles.count(&block);
            for part in tiles.parts(block.clone()) {
                turn_inputs::<S>(&window, part, x.add(part.example * g.x_step), inputs, turned);
                of_inputs::<S>(tiles.stretch(&window, part, c, count * c), turned, v.add(part.before * c));
            }
            for first in (0..outputs).step_by(CHANNELS) {
                let n = CHANNELS.min(o - first);
                for point in 0..POINTS {
                    let product = Product {
                        m: count,
                        k: inputs,
                        n,
                        a: v.add(point * count * c),
                        a_row: c,
                        a_col: 1,
                        b: u.add(POINTS * inputs * first + point * inputs * n),
                        b_step: n,
                        b_transposed: false,
                        bias: std::ptr::null(),
                        c: m.add(point * count * n),
                        c_row: n,
                        c_shared: false,
                        finish: Finish::None,
                        adds: false,
                        panel: g.panel,
                        panel_holds_b: false,
                        few: few_rows::MOST,
                        soon: Soon::Nothing,
                        kernels: g.kernels,
                    };
                    (g.kernels.product)(&product);
                }
                let channels = CHANNELS.min(outputs - first);
                let mut padded = [0.0; CHANNELS];
                if !bias.is_null() {
                    padded[..channels].copy_from_slice(std::slice::from_raw_parts(bias.add(first), channels));
                }
                for part in tiles.parts(block.clone()) {
                    let stretch = tiles.stretch(&window, part, n, count * n);
                    to_outputs::<S>(stretch, m.add(part.before * n), padded.as_ptr(), relu, turned);
                    let to = y.add(part.example * g.y_step + (first * height + part.first_output()) * width);
                    turn_back::<S>(turned, n, stretch.height * width, to, height * width, channels);
                }
            }
        }
    }
}

/// The weights in the basis in which they are multiplied: blocks of output channels, `[point, input, output]` each.
#[inline(always)]
unsafe fn weights<S: Simd>(c: &Convolution, u: *mut f32) {
    let (inputs, outputs) = (c.window.input[0], c.window.output[0]);
    for first in (0..outputs).step_by(CHANNELS) {
        let n = CHANNELS.min(whole_vectors(outputs) - first);
        for lanes in (0..n).step_by(LANES) {
            let there = LANES.min(outputs - first - lanes);
            for input in 0..inputs {
                let mut g = [0.0; TAPS * TAPS * LANES];
                let from = (first + lanes) as isize * c.steps.output + input as isize * c.steps.input;
                // SAFETY: the caller's promises: nine taps of each of these channels stand together.
                unsafe {
                    let step = c.steps.output as usize;
                    S::transpose(c.w.offset(from), step, there, TAPS * TAPS, g.as_mut_ptr(), LANES);
                    let to = u.add(POINTS * inputs * first + input * n + lanes);
                    of_weights::<S>(&g, c.steps.l < 0, to, inputs * n);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::convolution::WeightSteps;
    use crate::cpu::instruction_set::available;
    use crate::cpu::product::PANEL;
    use crate::cpu::weight_gradient::tests::numbers;
    use crate::ops::Conv2d;
    use crate::{Backend, Clock, Column, Cpu, Graph, Rows};

    /// All outputs of so many examples.
    fn outputs(
        kernels: &'static Kernels,
        window: Window,
        transposed: bool,
        examples: usize,
        [x, w, bias]: [&[f32]; 3],
    ) -> Vec<f32> {
        let (plane, positions) = window.planes();
        let [x_step, y_step] = [window.input[0] * plane, window.output[0] * positions];
        // What stands in the room, and behind the outputs, must not matter.
        let mut room = vec![f32::NAN; room(&window)];
        let mut panel = vec![f32::NAN; PANEL];
        let mut y = vec![7.0; examples * y_step + 1];
        let steps = WeightSteps::of(&window, transposed);
        let convolution = Convolution {
            window,
            x: x.as_ptr(),
            w: w.as_ptr(),
            steps,
            bias: bias.as_ptr(),
            y: y.as_mut_ptr(),
            relu: false,
        };
        let (room, panel) = (room.as_mut_ptr(), panel.as_mut_ptr());
        let all = Winograd { convolution, examples, x_step, y_step, room, panel, kernels };
        // SAFETY: the slices have the window's lengths.
        unsafe { (kernels.winograd)(&all) }
        assert_eq!(y.pop(), Some(7.0), "{window:?}");
        y
    }

    #[test]
    #[should_panic(expected = "the arena was allocated for plans without such a convolution")]
    fn an_arena_without_the_room_is_refused() {
        let g = Graph::new();
        let (x, z) = (g.input("x", [12, 19, 19]), g.input("z", [12, 5, 5]));
        let (w, bias) = (g.parameter("w", [12, 12, 3, 3]), g.parameter("b", [12]));
        let strided = x.conv2d(w, bias, Conv2d { stride: 2, ..Conv2d::default() });
        let large = g.predict(&[strided]).expect("shapes fit");
        let tiles = g.predict(&[z.conv2d(w, bias, Conv2d::default())]).expect("shapes fit");
        let cpu = Cpu::new(1);
        let mut arena = cpu.allocate(&[&large], 1).expect("memory");
        let (x, z) = (vec![0.0; 12 * 19 * 19], vec![0.0; 12 * 5 * 5]);
        let columns = [Column::F32(&x), Column::F32(&z)];
        let rows = Rows::all(&tiles, &columns).expect("whole rows");
        cpu.run(&tiles, &mut arena, &rows, Clock::default());
    }

    #[test]
    fn errors_are_as_stated() {
        // Edges that end within a tile, channels that end within a vector and beyond a block, blocks of many examples and of part of one.
        for (case, (input, channels, examples)) in [
            ([12, 3, 3], 12, 1),
            ([16, 16, 16], 32, 3),
            ([13, 9, 12], 70, 5),
            ([100, 5, 4], 17, 40),
            ([300, 5, 5], 130, 2),
            ([14, 34, 70], 16, 1),
        ]
        .into_iter()
        .enumerate()
        {
            let [inputs, h, width] = input;
            let output = [channels, h - 2, width - 2];
            let window = Window { input, output, kernel: [3, 3], stride: 1, dilation: 1, groups: 1 };
            assert!(window.goes_by_tiles());
            let (plane, positions) = window.planes();
            let x = numbers(examples * inputs * plane, 1);
            let (w, bias) = (numbers(channels * inputs * 9, 2), numbers(channels, 3));
            for transposed in [false, true] {
                let exact = |at: usize| -> (f64, f64) {
                    let (example, o, i, j) = (
                        at / (channels * positions),
                        at / positions % channels,
                        at / output[2] % output[1],
                        at % output[2],
                    );
                    let product = |c: usize, tap: usize| {
                        let w = if transposed {
                            w[(c * channels + o) * 9 + 8 - tap]
                        } else {
                            w[(o * inputs + c) * 9 + tap]
                        };
                        f64::from(w)
                            * f64::from(x[(example * inputs + c) * plane + (i + tap / 3) * width + j + tap % 3])
                    };
                    let products =
                        || (0..inputs).flat_map(|c| (0..9).map(move |tap| (c, tap))).map(|(c, tap)| product(c, tap));
                    let bias = f64::from(bias[o]);
                    (products().sum::<f64>() + bias, products().map(f64::abs).sum::<f64>() + bias.abs())
                };
                let mut first: Option<Vec<f32>> = None;
                for kernels in available() {
                    let y = outputs(kernels, window, transposed, examples, [&x, &w, &bias]);
                    let mut largest = 0.0f64;
                    for (at, &y) in y.iter().enumerate() {
                        let (exact, size) = exact(at);
                        largest = largest.max((f64::from(y) - exact).abs() / size / f64::from(f32::EPSILON));
                    }
                    assert!(largest < 2.0, "case {case} on {}: {largest}", kernels.name);
                    if kernels.name != "portable" {
                        assert_eq!(*first.get_or_insert(y.clone()), y, "case {case} on {}", kernels.name);
                    }
                }
                // An example is what it is alone.
                let y = first.unwrap_or_default();
                for (example, y) in y.chunks_exact(channels * positions).enumerate() {
                    let x = &x[example * inputs * plane..][..inputs * plane];
                    assert_eq!(
                        outputs(available()[0], window, transposed, 1, [x, &w, &bias]),
                        y,
                        "case {case}, {example}"
                    );
                }
            }
        }
    }
}
