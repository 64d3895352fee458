//! The normal distribution on sixteen lanes, and what GELU takes from it.
//!
//! Φ(−t) = e^(−t²/2) · p(t) for t ≥ 0, where p falls slowly from ½ as 1/t: here a minimax polynomial in
//! (t − 3)/(t + 3), its relative error 8·10⁻⁹. So the tail keeps its digits, where 1 + erf would cancel.

use super::math::exp;
use super::simd::Simd;

/// From here on e^(−t²/2) is below the smallest normal f32.
const FAR: f32 = 14.0;

/// t = |x| (at most [`FAR`]), e^(−t²/2), and p(t).
#[inline(always)]
unsafe fn tail<S: Simd>(x: S::V) -> (S::V, S::V, S::V) {
    // SAFETY: no pointers; the machine is the caller's promise.
    unsafe {
        let zero = S::splat(0.0);
        let t = S::min(S::splat(FAR), S::select_less(x, zero, S::sub(zero, x), x)); // in this order, NaN stays NaN
        // t = near + rest, near a multiple of 2⁻⁷ whose square is exact: t²/2 itself would be rounded, and an error of
        // the exponent is one of the result. Adding and taking away 1.5·2¹⁶ rounds so.
        let grid = S::splat(98_304.0);
        let near = S::sub(S::add(t, grid), grid);
        let rest = S::mul(S::sub(near, t), S::mul(S::splat(0.5), S::add(t, near)));
        let large = exp::<S>(S::mul(S::mul(near, near), S::splat(-0.5)));
        // e^rest for |rest| ≤ 0.055
        let mut small = S::splat(1.0 / 24.0);
        for c in [1.0 / 6.0, 0.5, 1.0, 1.0] {
            small = S::fma(small, rest, S::splat(c));
        }
        let three = S::splat(3.0);
        let q = S::div(S::sub(t, three), S::add(t, three));
        let mut p = S::splat(5.367_189_8e-5);
        for c in [
            1.155_437_9e-4,
            -3.394_849_2e-4,
            -9.837_585e-4,
            2.904_556_2e-3,
            6.132_070_4e-3,
            -4.621_329e-2,
            1.232_250_3e-1,
            -2.064_026_1e-1,
            1.215_139_5e-1,
        ] {
            p = S::fma(p, q, S::splat(c));
        }
        (t, S::mul(large, small), p)
    }
}

/// x·Φ(x), within 10 ULP.
#[inline(always)]
pub(super) unsafe fn gelu<S: Simd>(x: S::V) -> S::V {
    // SAFETY: no pointers; the machine is the caller's promise.
    unsafe {
        let (t, e, p) = tail::<S>(x);
        S::sub(S::max(S::splat(0.0), x), S::mul(e, S::mul(t, p)))
    }
}

/// Φ(x) + x·φ(x), within 4·2⁻²⁴: it crosses 0 near −0.75, where no relative bound can hold.
#[inline(always)]
pub(super) unsafe fn gelu_gradient<S: Simd>(x: S::V) -> S::V {
    // SAFETY: no pointers; the machine is the caller's promise.
    unsafe {
        let (t, e, p) = tail::<S>(x);
        // φ(t) = e/√2π
        let down = S::mul(e, S::fma(t, S::splat(-0.398_942_3), p));
        S::select_less(x, S::splat(0.0), down, S::sub(S::splat(1.0), down))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::math::tests::worst;
    use crate::cpu::simd::{LANES, Portable};
    use crate::function::{Map, Zip};

    #[test]
    fn errors_are_as_stated() {
        let (ulps, x) = worst(gelu::<Portable>, |x| Map::Gelu.of(x), 15.0);
        assert!(ulps <= 10, "gelu({x}) is {ulps} ULP off");
        let mut largest = (0.0, 0.0);
        for bits in (0..20f32.to_bits()).step_by(97) {
            for x in [f32::from_bits(bits), -f32::from_bits(bits)] {
                // SAFETY: portable code runs on every machine.
                let found = unsafe { gelu_gradient::<Portable>([x; LANES]) }[0];
                let error = (f64::from(found) - Zip::GeluGradient.of(1.0, x.into())).abs();
                if error > largest.0 {
                    largest = (error, x);
                }
            }
        }
        assert!(largest.0 <= 4.0 / f64::from(1 << 24), "gelu'({}) is {:e} off", largest.1, largest.0);
    }

    #[test]
    fn ends_and_nan() {
        // SAFETY: portable code runs on every machine.
        let of = |f: unsafe fn([f32; LANES]) -> [f32; LANES], x: f32| unsafe { f([x; LANES]) }[0];
        let ends = [f32::NEG_INFINITY, -1000.0, 0.0, 1000.0, f32::INFINITY];
        assert_eq!(ends.map(|x| of(gelu::<Portable>, x)), [0.0, 0.0, 0.0, 1000.0, f32::INFINITY]);
        assert_eq!(ends.map(|x| of(gelu_gradient::<Portable>, x)), [0.0, 0.0, 0.5, 1.0, 1.0]);
        assert!(of(gelu::<Portable>, f32::NAN).is_nan() && of(gelu_gradient::<Portable>, f32::NAN).is_nan());
    }
}
