//! Winograd's tiles, back: as y = Aᵀ·[u ⊙ v]·A with u = G·g·Gᵀ, the chain rule gives du = Σ v ⊙ (A·dy·Aᵀ) over tiles, and dg = Gᵀ·du·G.
//!
//! At each of the sixteen points the sum is a product of matrices, inputs × tiles · tiles × outputs. Its sums begin anew, and are added to dw,
//! after a number of tiles that the shape decides.

use super::{Part, WeightGradient};
use crate::cpu::few_rows;
use crate::cpu::product::{Finish, Product};
use crate::cpu::simd::{LANES, Simd};
use crate::cpu::soon::Soon;
use crate::cpu::turn::{turn, whole_vectors};
use crate::cpu::winograd::transform::{of_derivatives, of_inputs, to_weights};
use crate::cpu::winograd::{POINTS, TAPS, Tiles, turn_inputs};

/// Tiles whose products one number sums, about.
const SUMMED: usize = 1024;

/// Adds the gradients of a part, the taps of whole channels, to dw.
///
/// # Safety
/// As [`super::weight_gradient`].
#[inline(always)]
pub(super) unsafe fn by_tile<S: Simd>(g: &WeightGradient) {
    let window = &g.window;
    let (depth, (plane, positions)) = (window.depth(), window.planes());
    let Part { channels: [first_output, end_output], taps } = g.part;
    let [first_input, end_input] = taps.map(|tap| tap / (TAPS * TAPS));
    let (inputs, outputs) = (end_input - first_input, end_output - first_output);
    if inputs == 0 || outputs == 0 {
        return;
    }
    let [c, o] = [inputs, outputs].map(whole_vectors);
    let tiles = Tiles::of(window);
    // SAFETY: the caller's promises; the room holds all of these.
    unsafe {
        let du = g.room;
        let v = du.add(POINTS * inputs * o);
        let dm = v.add(POINTS * tiles.most() * c);
        let turned = dm.add(POINTS * tiles.most() * o);
        let mut summed = 0;
        for block in tiles.blocks(g.rows) {
            let count = tiles.count(&block);
            for part in tiles.parts(block.clone()) {
                let x = g.x.add((part.example * window.input[0] + first_input) * plane);
                turn_inputs::<S>(window, part, x, inputs, turned);
                of_inputs::<S>(tiles.stretch(window, part, c, count * c), turned, v.add(part.before * c));
                let stretch = tiles.stretch(window, part, o, count * o);
                let dy = g.dy.add((part.example * window.output[0] + first_output) * positions);
                let (from, there) = (part.first_output(), stretch.height * stretch.width);
                turn::<S>(dy.add(from * stretch.width), positions, outputs, there, turned);
                of_derivatives::<S>(stretch, turned, dm.add(part.before * o));
            }
            for point in 0..POINTS {
                let product = Product {
                    m: inputs,
                    k: count,
                    n: o,
                    a: v.add(point * count * c),
                    a_row: 1,
                    a_col: c,
                    b: dm.add(point * count * o),
                    b_step: o,
                    b_transposed: false,
                    bias: std::ptr::null(),
                    c: du.add(point * inputs * o),
                    c_row: o,
                    c_shared: false,
                    finish: Finish::None,
                    adds: summed > 0,
                    panel: g.panel,
                    panel_holds_b: false,
                    few: few_rows::MOST,
                    soon: Soon::Nothing,
                    kernels: g.kernels,
                };
                (g.kernels.product)(&product);
            }
            summed += count;
            if summed >= SUMMED || block.end == tiles.of_examples(g.rows) {
                summed = 0;
                for input in 0..inputs {
                    for lanes in (0..outputs).step_by(LANES) {
                        let there = LANES.min(outputs - lanes);
                        let dg = to_weights::<S>(du.add(input * o + lanes), inputs * o);
                        let mut of_channel = [0.0; LANES * LANES];
                        S::transpose(dg.as_ptr(), LANES, TAPS * TAPS, LANES, of_channel.as_mut_ptr(), LANES);
                        for (lane, dg) in of_channel.chunks_exact(LANES).enumerate().take(there) {
                            let dw = g.dw.add((first_output + lanes + lane) * depth + taps[0] + input * TAPS * TAPS);
                            let sum = S::load_part(dw, TAPS * TAPS, S::splat(0.0));
                            S::store_part(dw, S::add(sum, S::load(dg.as_ptr())), TAPS * TAPS);
                        }
                    }
                }
            }
        }
    }
}
