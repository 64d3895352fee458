//! eˣ, eˣ − 1, tanh, the sigmoid and the softplus on sixteen lanes.
//!
//! Polynomials and thresholds of eˣ and tanh are those of Cephes (Moshier, expf.c and tanhf.c). The error of each
//! in units of the last place is stated with it and held by a test over all of its range.

use super::simd::{LANES, Simd};

/// Adding and taking away 1.5·2²³ rounds to a whole number.
const ROUND: f32 = 12_582_912.0;

/// A whole n and e^r − 1 for x = n·ln 2 + r.
#[inline(always)]
unsafe fn reduced<S: Simd>(x: S::V) -> (S::V, S::V) {
    // SAFETY: no pointers; the machine is the caller's promise.
    unsafe {
        let magic = S::splat(ROUND);
        let n = S::sub(S::fma(x, S::splat(std::f32::consts::LOG2_E), magic), magic);
        let r = S::fma(n, S::splat(-0.693_359_4), x);
        let r = S::fma(n, S::splat(2.121_944_4e-4), r);
        let mut p = S::splat(1.987_569_1e-4);
        for c in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
            p = S::fma(p, r, S::splat(c));
        }
        (n, S::fma(p, S::mul(r, r), r))
    }
}

/// eˣ, within 2 ULP for −87.3 ≤ x; smaller results, which have few bits, are 0. ∞ from 88.73 on.
#[inline(always)]
pub(super) unsafe fn exp<S: Simd>(x: S::V) -> S::V {
    // SAFETY: no pointers; the machine is the caller's promise.
    unsafe {
        let (low, high) = (S::splat(-87.336_54), S::splat(88.722_84));
        let within = S::max(low, S::min(high, x)); // in this order, NaN stays NaN
        let (n, p) = reduced::<S>(within);
        let p = S::add(p, S::splat(1.0));
        // n may be 128, which no exponent holds: 2ⁿ in two factors.
        let magic = S::splat(ROUND);
        let half = S::sub(S::fma(n, S::splat(0.5), magic), magic);
        let y = S::mul(S::mul(p, S::exp2(half)), S::exp2(S::sub(n, half)));
        let y = S::select_less(x, low, S::splat(0.0), y);
        S::select_less(high, x, S::splat(f32::INFINITY), y)
    }
}

/// tanh x, within 3 ULP.
#[inline(always)]
pub(super) unsafe fn tanh<S: Simd>(x: S::V) -> S::V {
    // SAFETY: no pointers; the machine is the caller's promise.
    unsafe {
        let zero = S::splat(0.0);
        let size = S::select_less(x, zero, S::sub(zero, x), x);
        // Near zero 1 − 2/(e²ˣ + 1) would cancel.
        let z = S::mul(x, x);
        let mut p = S::splat(-5.704_988_7e-3);
        for c in [2.063_909e-2, -5.373_971_5e-2, 1.333_144_2e-1, -3.333_328_3e-1] {
            p = S::fma(p, z, S::splat(c));
        }
        let near = S::fma(S::mul(p, z), x, x);
        let e = exp::<S>(S::add(size, size));
        let far = S::sub(S::splat(1.0), S::div(S::splat(2.0), S::add(e, S::splat(1.0))));
        let far = S::select_less(x, zero, S::sub(zero, far), far);
        S::select_less(size, S::splat(0.625), near, far)
    }
}

/// eˣ − 1 for x ≤ 0, within 3 ULP; what it gives for larger x is of no use.
#[inline(always)]
pub(super) unsafe fn exp_minus_1<S: Simd>(x: S::V) -> S::V {
    // SAFETY: no pointers; the machine is the caller's promise.
    unsafe {
        let one = S::splat(1.0);
        // Below −80 it has long been −1; above 0 only the exponent of 2ⁿ is to hold.
        let within = S::max(S::splat(-80.0), S::min(one, x));
        let (n, p) = reduced::<S>(within);
        let power = S::exp2(n);
        S::fma(power, p, S::sub(power, one))
    }
}

/// −|x|
#[inline(always)]
unsafe fn down<S: Simd>(x: S::V) -> S::V {
    // SAFETY: no pointers; the machine is the caller's promise.
    unsafe {
        let zero = S::splat(0.0);
        S::select_less(x, zero, x, S::sub(zero, x))
    }
}

/// 1/(1 + e⁻ˣ), within 4 ULP.
#[inline(always)]
pub(super) unsafe fn sigmoid<S: Simd>(x: S::V) -> S::V {
    // SAFETY: no pointers; the machine is the caller's promise.
    unsafe {
        let one = S::splat(1.0);
        let e = exp::<S>(down::<S>(x));
        S::div(S::select_less(x, S::splat(0.0), e, one), S::add(one, e))
    }
}

/// The sigmoid of x and of −x, each within 5 ULP: their sum is 1, but a difference from 1 would cancel.
#[inline(always)]
pub(super) unsafe fn sigmoids<S: Simd>(x: S::V) -> (S::V, S::V) {
    // SAFETY: no pointers; the machine is the caller's promise.
    unsafe {
        let (zero, one) = (S::splat(0.0), S::splat(1.0));
        let e = exp::<S>(down::<S>(x));
        let large = S::div(one, S::add(one, e));
        let small = S::mul(e, large);
        (S::select_less(x, zero, small, large), S::select_less(x, zero, large, small))
    }
}

/// ln(1 + e^−|x|), within 4 ULP: what the softplus has beyond max(x, 0).
///
/// With u = e^−|x| and s = u/(2 + u), ln(1 + u) = 2 artanh s = 2s + s³R(s²) (Abramowitz and Stegun, 4.1.27); R is a
/// minimax polynomial for 0 ≤ s ≤ 1/3.
#[inline(always)]
pub(super) unsafe fn softplus_beyond<S: Simd>(x: S::V) -> S::V {
    // SAFETY: no pointers; the machine is the caller's promise.
    unsafe {
        let u = exp::<S>(down::<S>(x));
        let s = S::div(u, S::add(S::splat(2.0), u));
        let z = S::mul(s, s);
        let mut r = S::splat(0.280_119_87);
        for c in [0.280_018_06, 0.400_215_27, 0.666_664_2] {
            r = S::fma(r, z, S::splat(c));
        }
        S::fma(S::mul(z, s), r, S::add(s, s))
    }
}

/// ln(1 + eˣ), within 4 ULP.
#[inline(always)]
pub(super) unsafe fn softplus<S: Simd>(x: S::V) -> S::V {
    // SAFETY: no pointers; the machine is the caller's promise.
    unsafe { S::add(S::max(S::splat(0.0), x), softplus_beyond::<S>(x)) }
}

/// The largest lane.
#[inline(always)]
pub(super) unsafe fn max_lanes<S: Simd>(v: S::V) -> f32 {
    let mut lanes = [0.0; LANES];
    // SAFETY: `lanes` holds sixteen.
    unsafe { S::store(lanes.as_mut_ptr(), v) };
    let mut max = lanes[0];
    for lane in lanes {
        max = if lane > max { lane } else { max };
    }
    max
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::cpu::simd::Portable;

    /// How many numbers of f32 lie between the two.
    fn ulps(found: f32, exact: f64) -> i64 {
        let ordered = |x: f32| {
            let bits = i64::from(x.to_bits());
            if bits >> 31 == 0 { bits } else { -(bits & 0x7fff_ffff) }
        };
        (ordered(found) - ordered(exact as f32)).abs()
    }

    /// The largest error of `f` against `exact` over every 97th f32 in a range of either sign.
    pub(in crate::cpu) fn worst(
        f: unsafe fn([f32; LANES]) -> [f32; LANES],
        exact: fn(f64) -> f64,
        largest: f32,
    ) -> (i64, f32) {
        let mut worst = (0, 0.0);
        for bits in (0..largest.to_bits()).step_by(97) {
            for x in [f32::from_bits(bits), -f32::from_bits(bits)] {
                let expected = exact(f64::from(x));
                // SAFETY: portable code runs on every machine.
                let found = unsafe { f([x; LANES]) }[0];
                let error = if expected.abs() < f64::from(f32::MIN_POSITIVE) { 0 } else { ulps(found, expected) };
                if error > worst.0 {
                    worst = (error, x);
                }
            }
        }
        worst
    }

    #[test]
    fn errors_are_as_stated() {
        type V = [f32; LANES];
        unsafe fn up(x: V) -> V {
            // SAFETY: portable code runs on every machine.
            unsafe { sigmoids::<Portable>(x) }.0
        }
        unsafe fn of_minus_x(x: V) -> V {
            // SAFETY: as above.
            unsafe { sigmoids::<Portable>(x) }.1
        }
        unsafe fn below_0(x: V) -> V {
            // SAFETY: as above.
            unsafe { exp_minus_1::<Portable>(x.map(|x| x.min(0.0))) }
        }
        for (name, found, most) in [
            ("exp", worst(exp::<Portable>, f64::exp, 88.7), 2),
            ("tanh", worst(tanh::<Portable>, f64::tanh, 20.0), 3),
            ("sigmoid", worst(sigmoid::<Portable>, |x| 1.0 / (1.0 + (-x).exp()), 80.0), 4),
            ("sigmoids", worst(up, |x| 1.0 / (1.0 + (-x).exp()), 80.0), 5),
            ("sigmoids of -x", worst(of_minus_x, |x| 1.0 / (1.0 + x.exp()), 80.0), 5),
            ("exp_minus_1", worst(below_0, |x| x.min(0.0).exp_m1(), 90.0), 3),
            ("softplus", worst(softplus::<Portable>, |x| x.max(0.0) + (-x.abs()).exp().ln_1p(), 90.0), 4),
            ("softplus_beyond", worst(softplus_beyond::<Portable>, |x| (-x.abs()).exp().ln_1p(), 90.0), 4),
        ] {
            assert!(found.0 <= most, "{name}({}) is {} ULP off", found.1, found.0);
        }
    }

    #[test]
    fn ends_and_nan() {
        // SAFETY: portable code runs on every machine.
        let of = |f: unsafe fn([f32; LANES]) -> [f32; LANES], x: f32| unsafe { f([x; LANES]) }[0];
        let (inf, nan) = (f32::INFINITY, f32::NAN);
        assert_eq!([-inf, -1000.0, 0.0, 1000.0, inf].map(|x| of(exp::<Portable>, x)), [0.0, 0.0, 1.0, inf, inf]);
        assert_eq!([-inf, -50.0, 0.0, 50.0, inf].map(|x| of(tanh::<Portable>, x)), [-1.0, -1.0, 0.0, 1.0, 1.0]);
        assert_eq!([-inf, -1000.0, 0.0, 1000.0, inf].map(|x| of(sigmoid::<Portable>, x)), [0.0, 0.0, 0.5, 1.0, 1.0]);
        assert_eq!([-inf, -1000.0, 1000.0, inf].map(|x| of(softplus::<Portable>, x)), [0.0, 0.0, 1000.0, inf]);
        assert_eq!([-inf, -1000.0, 0.0].map(|x| of(exp_minus_1::<Portable>, x)), [-1.0, -1.0, 0.0]);
        let all =
            [exp::<Portable>, exp_minus_1::<Portable>, tanh::<Portable>, sigmoid::<Portable>, softplus::<Portable>];
        assert!(all.iter().all(|&f| of(f, nan).is_nan()));
    }
}
