//! One step of an optimizer over a stretch of parameters: gradient in, parameters and memory changed, in one pass.

use super::simd::{LANES, Simd};
use crate::optimizer::Step;

/// Updates `len` parameters at `w` by their gradients at `g`. The optimizer's memory of each
/// stands `block` and twice `block` after it.
///
/// # Safety
/// The machine has S; the pointers are valid for `len` elements, and so is the memory.
#[inline(always)]
pub(super) unsafe fn update<S: Simd>(step: Step, w: *mut f32, block: usize, g: *const f32, len: usize) {
    /// A loop for each rule. The memory's pointers are only made where the rule has one.
    macro_rules! each {
        (|$part:ident, $i:ident, $g:ident, $w:ident| $new:expr) => {{
            let zero = S::splat(0.0);
            let mut $i = 0;
            while $i < len {
                let $part = LANES.min(len - $i);
                let ($g, $w) = (S::load_part(g.add($i), $part, zero), S::load_part(w.add($i), $part, zero));
                let new = $new;
                S::store_part(w.add($i), new, $part);
                $i += LANES;
            }
        }};
    }
    // SAFETY: the caller's promises: the last part is loaded and stored by its length.
    unsafe {
        let splat = |x: f64| S::splat(x as f32);
        match step {
            Step::Sgd { rate } => {
                let down = splat(-rate);
                each!(|part, i, g, w| S::fma(down, g, w));
            }
            Step::Momentum { rate, momentum } => {
                let (down, stays) = (splat(-rate), splat(momentum));
                let velocity = w.add(block);
                each!(|part, i, g, w| {
                    let v = S::fma(stays, S::load_part(velocity.add(i), part, S::splat(0.0)), g);
                    S::store_part(velocity.add(i), v, part);
                    S::fma(down, v, w)
                });
            }
            Step::Adam { rate, beta1, beta2, epsilon, correct1, correct2 } => {
                let (beta1, new1) = (splat(beta1), splat(1.0 - beta1));
                let (beta2, new2) = (splat(beta2), splat(1.0 - beta2));
                let (down, epsilon, root) = (splat(-rate / correct1), splat(epsilon), splat(1.0 / correct2.sqrt()));
                let (first, second) = (w.add(block), w.add(2 * block));
                each!(|part, i, g, w| {
                    let zero = S::splat(0.0);
                    let m = S::fma(beta1, S::load_part(first.add(i), part, zero), S::mul(new1, g));
                    let v = S::fma(beta2, S::load_part(second.add(i), part, zero), S::mul(new2, S::mul(g, g)));
                    S::store_part(first.add(i), m, part);
                    S::store_part(second.add(i), v, part);
                    S::fma(down, S::div(m, S::fma(S::sqrt(v), root, epsilon)), w)
                });
            }
        }
    }
}
