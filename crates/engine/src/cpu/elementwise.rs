//! Functions of each element by itself, sixteen at a time.

use super::math::{exp, exp_minus_1, sigmoid, sigmoids, softplus, softplus_beyond, tanh};
use super::normal::{gelu, gelu_gradient};
use super::simd::{LANES, Simd};
use crate::function::{Map, Zip};
use crate::mask::RowMask;

/// y = f(x) for `len` elements; y may be x.
///
/// # Safety
/// The machine has S; the pointers are valid for `len` elements.
#[inline(always)]
pub(super) unsafe fn map<S: Simd>(f: Map, x: *const f32, y: *mut f32, len: usize) {
    /// A loop for each function, so that no loop decides anything.
    macro_rules! each {
        (|$x:ident| $value:expr) => {{
            let mut i = 0;
            while i + LANES <= len {
                let $x = S::load(x.add(i));
                S::store(y.add(i), $value);
                i += LANES;
            }
            if i < len {
                let $x = S::load_part(x.add(i), len - i, S::splat(1.0));
                S::store_part(y.add(i), $value, len - i);
            }
        }};
    }
    // SAFETY: the caller's promises: the last part is loaded and stored by its length.
    unsafe {
        match f {
            Map::Negate => each!(|x| S::sub(S::splat(-0.0), x)),
            Map::Scale(c) => each!(|x| S::mul(S::splat(c as f32), x)),
            Map::Shift(c) => each!(|x| S::add(x, S::splat(c as f32))),
            Map::Power(2.0) => each!(|x| S::mul(x, x)),
            Map::Exp => each!(|x| exp::<S>(x)),
            Map::Tanh => each!(|x| tanh::<S>(x)),
            Map::Sqrt => each!(|x| S::sqrt(x)),
            Map::Relu => each!(|x| S::max(S::splat(0.0), x)),
            Map::Sigmoid => each!(|x| sigmoid::<S>(x)),
            Map::LeakyRelu(slope) => {
                let (zero, slope) = (S::splat(0.0), S::splat(slope as f32));
                each!(|x| S::select_less(zero, x, x, S::mul(slope, x)));
            }
            Map::Elu(alpha) => {
                let (zero, alpha) = (S::splat(0.0), S::splat(alpha as f32));
                each!(|x| S::select_less(zero, x, x, S::mul(alpha, exp_minus_1::<S>(x))));
            }
            Map::Gelu => each!(|x| gelu::<S>(x)),
            Map::Silu => each!(|x| S::mul(x, sigmoid::<S>(x))),
            Map::Softplus => each!(|x| softplus::<S>(x)),
            Map::Absolute => each!(|x| S::max(S::sub(S::splat(-0.0), x), x)),
            Map::Huber(delta) => {
                let (limit, half) = (S::splat(delta as f32), S::splat(0.5));
                let shift = S::splat((0.5 * delta) as f32);
                each!(|x| {
                    let size = S::max(S::sub(S::splat(-0.0), x), x);
                    let far = S::mul(limit, S::sub(size, shift));
                    S::select_less(limit, size, far, S::mul(half, S::mul(x, x)))
                });
            }
            // In f64, one by one: exact to the last bit or nearly so, and rare in networks.
            Map::Power(_) | Map::Ln | Map::Sin | Map::Cos => {
                for i in 0..len {
                    *y.add(i) = f.of(f64::from(*x.add(i))) as f32;
                }
            }
        }
    }
}

/// y = f(a, b) for `len` elements. A step is 1, or 0 for a scalar that stands for every element;
/// y may be a or b where that one's step is 1.
///
/// # Safety
/// The machine has S; the pointers are valid for `len` elements, or one where the step is 0.
#[inline(always)]
pub(super) unsafe fn zip<S: Simd>(
    f: Zip,
    a: *const f32,
    a_step: usize,
    b: *const f32,
    b_step: usize,
    y: *mut f32,
    len: usize,
) {
    /// A loop for each function, so that no loop decides anything.
    macro_rules! each {
        (|$a:ident, $b:ident| $value:expr) => {{
            let zero = S::splat(0.0);
            // Read once and before any write: y may be the other operand's memory.
            let (same_a, same_b) = (S::splat(*a), S::splat(*b));
            let mut i = 0;
            while i + LANES <= len {
                let $a = if a_step == 0 { same_a } else { S::load(a.add(i)) };
                let $b = if b_step == 0 { same_b } else { S::load(b.add(i)) };
                S::store(y.add(i), $value);
                i += LANES;
            }
            if i < len {
                let $a = if a_step == 0 { same_a } else { S::load_part(a.add(i), len - i, zero) };
                let $b = if b_step == 0 { same_b } else { S::load_part(b.add(i), len - i, zero) };
                S::store_part(y.add(i), $value, len - i);
            }
        }};
    }
    // SAFETY: the caller's promises: the last part is loaded and stored by its length.
    unsafe {
        let (zero, one) = (S::splat(0.0), S::splat(1.0));
        match f {
            Zip::Add => each!(|a, b| S::add(a, b)),
            Zip::Subtract => each!(|a, b| S::sub(a, b)),
            Zip::Multiply => each!(|a, b| S::mul(a, b)),
            Zip::Divide => each!(|a, b| S::div(a, b)),
            Zip::ReluGradient => each!(|a, b| S::select_less(zero, b, a, zero)),
            Zip::SigmoidGradient => each!(|a, b| S::mul(a, S::mul(b, S::sub(one, b)))),
            Zip::TanhGradient => each!(|a, b| S::mul(a, S::sub(one, S::mul(b, b)))),
            Zip::LeakyReluGradient(slope) => {
                let slope = S::splat(slope as f32);
                each!(|a, b| S::select_less(zero, b, a, S::mul(slope, a)));
            }
            Zip::EluGradient(alpha) => {
                let alpha = S::splat(alpha as f32);
                each!(|a, b| S::select_less(zero, b, a, S::mul(a, S::add(b, alpha))));
            }
            Zip::GeluGradient => each!(|a, b| S::mul(a, gelu_gradient::<S>(b))),
            Zip::SiluGradient => each!(|a, b| {
                let (up, down) = sigmoids::<S>(b);
                S::mul(a, S::mul(up, S::fma(b, down, one)))
            }),
            Zip::SoftplusGradient => each!(|a, b| S::mul(a, sigmoid::<S>(b))),
            Zip::AbsoluteGradient => each!(|a, b| {
                let down = S::select_less(b, zero, S::sub(zero, a), S::mul(a, b));
                S::select_less(zero, b, a, down)
            }),
            Zip::HuberGradient(delta) => {
                let (low, high) = (S::splat(-delta as f32), S::splat(delta as f32));
                // In this order, NaN stays NaN.
                each!(|a, b| S::mul(a, S::max(low, S::min(high, b))));
            }
            Zip::BinaryCrossEntropy => each!(|a, b| {
                let line = S::sub(S::max(zero, a), S::mul(a, b));
                S::add(line, softplus_beyond::<S>(a))
            }),
            Zip::Power | Zip::PowerLn => {
                for i in 0..len {
                    let (a, b) = (*a.add(i * a_step), *b.add(i * b_step));
                    *y.add(i) = f.of(f64::from(a), f64::from(b)) as f32;
                }
            }
        }
    }
}

/// y = Σ x over `len` elements: sixteen partial sums, then those in pairs.
///
/// # Safety
/// The machine has S; x is valid for `len` elements, y for one.
#[inline(always)]
pub(super) unsafe fn sum_elements<S: Simd>(x: *const f32, len: usize, y: *mut f32) {
    // SAFETY: the caller's promises: the last part is loaded by its length.
    unsafe {
        let zero = S::splat(0.0);
        let mut sum = zero;
        for i in (0..len).step_by(LANES) {
            sum = S::add(sum, S::load_part(x.add(i), LANES.min(len - i), zero));
        }
        *y = S::sum(sum);
    }
}

/// y = x·scale where the mask keeps it, else 0, for `len` elements of a row; y may be x.
///
/// # Safety
/// The machine has S; the pointers are valid for `len` elements.
#[inline(always)]
pub(super) unsafe fn dropout<S: Simd>(mask: RowMask, scale: f32, x: *const f32, y: *mut f32, len: usize) {
    for i in 0..len {
        // SAFETY: the caller's promises. Plain code, which S's instructions vectorise: whole numbers are no part of `Simd`.
        unsafe { *y.add(i) = if mask.keeps(i as u32) { *x.add(i) * scale } else { 0.0 } }
    }
}
