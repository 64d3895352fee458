//! One step of an optimizer over a stretch of parameters: gradient in, parameters and memory changed, in one pass.

use super::simd::{LANES, Simd};
use crate::optimizer::{Adjust, Factors, Step};

/// What nothing comes before is not adjusted: these factors change no number.
const UNCHANGED: Adjust = Adjust { factor: 1.0, clip: f64::INFINITY, l2: 0.0, keep: 1.0 };

/// Updates `len` parameters at `w` by their gradients at `g`. The optimizer's memory of each
/// stands `block` and twice `block` after it.
///
/// # Safety
/// The machine has S; the pointers are valid for `len` elements, and so is the memory.
#[inline(always)]
pub(super) unsafe fn update<S: Simd>(step: Step, w: *mut f32, block: usize, g: *const f32, len: usize) {
    // SAFETY: the caller's promises, passed on.
    unsafe {
        match step.adjust {
            None => follow::<S, false>(step.factors, UNCHANGED, w, block, g, len),
            Some(adjust) => follow::<S, true>(step.factors, adjust, w, block, g, len),
        }
    }
}

/// The rule's pass, compiled with and without what may come before the rule.
///
/// # Safety
/// As for [`update`].
#[inline(always)]
unsafe fn follow<S: Simd, const ADJUSTED: bool>(
    factors: Factors,
    adjust: Adjust,
    w: *mut f32,
    block: usize,
    g: *const f32,
    len: usize,
) {
    // SAFETY: the caller's promises: the last part is loaded and stored by its length.
    unsafe {
        let splat = |x: f64| S::splat(x as f32);
        let zero = S::splat(0.0);
        let (low, high) = (splat(-adjust.clip), splat(adjust.clip));
        let (factor, l2, keep) = (splat(adjust.factor), splat(adjust.l2), splat(adjust.keep));
        /// A loop for each rule. The memory's pointers are only made where the rule has one.
        macro_rules! each {
            (|$part:ident, $i:ident, $g:ident, $w:ident| $new:expr) => {{
                let mut $i = 0;
                while $i < len {
                    let $part = LANES.min(len - $i);
                    let (mut $g, mut $w) = (S::load_part(g.add($i), $part, zero), S::load_part(w.add($i), $part, zero));
                    if ADJUSTED {
                        // In this order of operands a gradient that is NaN stays so.
                        $g = S::fma(l2, $w, S::max(low, S::min(high, S::mul(factor, $g))));
                        $w = S::mul(keep, $w);
                    }
                    let new = $new;
                    S::store_part(w.add($i), new, $part);
                    $i += LANES;
                }
            }};
        }
        match factors {
            Factors::Sgd { rate } => {
                let down = splat(-rate);
                each!(|part, i, g, w| S::fma(down, g, w));
            }
            Factors::Momentum { rate, momentum } => {
                let (down, stays) = (splat(-rate), splat(momentum));
                let velocity = w.add(block);
                each!(|part, i, g, w| {
                    let v = S::fma(stays, S::load_part(velocity.add(i), part, zero), g);
                    S::store_part(velocity.add(i), v, part);
                    S::fma(down, v, w)
                });
            }
            Factors::Nesterov { rate, momentum } => {
                let (down, stays) = (splat(-rate), splat(momentum));
                let velocity = w.add(block);
                each!(|part, i, g, w| {
                    let v = S::fma(stays, S::load_part(velocity.add(i), part, zero), g);
                    S::store_part(velocity.add(i), v, part);
                    S::fma(down, S::fma(stays, v, g), w)
                });
            }
            Factors::Adagrad { rate, epsilon } => {
                let (down, epsilon) = (splat(-rate), splat(epsilon));
                let squares = w.add(block);
                each!(|part, i, g, w| {
                    let s = S::fma(g, g, S::load_part(squares.add(i), part, zero));
                    S::store_part(squares.add(i), s, part);
                    S::fma(down, S::div(g, S::add(S::sqrt(s), epsilon)), w)
                });
            }
            Factors::Rmsprop { rate, beta, epsilon } => {
                let (down, epsilon, stays, new) = (splat(-rate), splat(epsilon), splat(beta), splat(1.0 - beta));
                let squares = w.add(block);
                each!(|part, i, g, w| {
                    let s = S::fma(stays, S::load_part(squares.add(i), part, zero), S::mul(new, S::mul(g, g)));
                    S::store_part(squares.add(i), s, part);
                    S::fma(down, S::div(g, S::add(S::sqrt(s), epsilon)), w)
                });
            }
            Factors::Adam { rate, beta1, beta2, epsilon, correct1, correct2 } => {
                let (beta1, new1) = (splat(beta1), splat(1.0 - beta1));
                let (beta2, new2) = (splat(beta2), splat(1.0 - beta2));
                let (down, epsilon, root) = (splat(-rate / correct1), splat(epsilon), splat(1.0 / correct2.sqrt()));
                let (first, second) = (w.add(block), w.add(2 * block));
                each!(|part, i, g, w| {
                    let m = S::fma(beta1, S::load_part(first.add(i), part, zero), S::mul(new1, g));
                    let v = S::fma(beta2, S::load_part(second.add(i), part, zero), S::mul(new2, S::mul(g, g)));
                    S::store_part(first.add(i), m, part);
                    S::store_part(second.add(i), v, part);
                    S::fma(down, S::div(m, S::fma(S::sqrt(v), root, epsilon)), w)
                });
            }
            Factors::Lion { rate, beta1, beta2 } => {
                let (beta1, new1) = (splat(beta1), splat(1.0 - beta1));
                let (beta2, new2) = (splat(beta2), splat(1.0 - beta2));
                let (down, up) = (splat(-rate), splat(rate));
                let memory = w.add(block);
                each!(|part, i, g, w| {
                    let m = S::load_part(memory.add(i), part, zero);
                    let c = S::fma(beta1, m, S::mul(new1, g));
                    S::store_part(memory.add(i), S::fma(beta2, m, S::mul(new2, g)), part);
                    // Neither above nor below 0 it is 0, or NaN and to be seen.
                    S::add(w, S::select_less(zero, c, down, S::select_less(c, zero, up, c)))
                });
            }
        }
    }
}
