//! Sixteen f32 lanes, whatever the machine calls them.
//!
//! Every kernel is written once over [`Simd`] and compiled for each instruction set: one
//! AVX-512 register, two of AVX2, or an array that the compiler vectorises (NEON on
//! aarch64). All have the same sixteen lanes, so sums are taken in the same order and the
//! bits are the same; only where a machine has no fused multiply-add do they differ.

/// Lanes of a vector.
pub(super) const LANES: usize = 16;

/// The operations of one instruction set.
///
/// # Safety
/// Each method must only be called on a machine that has the instruction set; pointers must
/// be valid for the lanes that are loaded or stored. That is the contract of every method, and
/// of every kernel built from them.
pub(super) unsafe trait Simd: Copy {
    /// Sixteen lanes.
    type V: Copy;
    /// Columns of a product's register tile, in vectors.
    const TILE_VECTORS: usize;

    unsafe fn splat(x: f32) -> Self::V;
    unsafe fn load(p: *const f32) -> Self::V;
    unsafe fn store(p: *mut f32, v: Self::V);
    /// The first `n` lanes from memory, the others from `rest`.
    unsafe fn load_part(p: *const f32, n: usize, rest: Self::V) -> Self::V;
    /// Stores the first `n` lanes.
    unsafe fn store_part(p: *mut f32, v: Self::V, n: usize);
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn div(a: Self::V, b: Self::V) -> Self::V;
    /// a·b + c, rounded once where the machine can.
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The same for the first eight lanes; the others are of no account.
    unsafe fn fma_low(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The first `n` lanes, at most eight; the others are of no account.
    unsafe fn load_low(p: *const f32, n: usize) -> Self::V;
    unsafe fn sqrt(a: Self::V) -> Self::V;
    /// The larger, and b if either is NaN.
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V;
    /// The smaller, and b if either is NaN.
    unsafe fn min(a: Self::V, b: Self::V) -> Self::V;
    /// x where a < b, else y.
    unsafe fn select_less(a: Self::V, b: Self::V, x: Self::V, y: Self::V) -> Self::V;
    /// x where a < b or either is NaN, else y.
    unsafe fn select_not_above(a: Self::V, b: Self::V, x: Self::V, y: Self::V) -> Self::V;
    /// x where a is NaN, else y.
    unsafe fn select_nan(a: Self::V, x: Self::V, y: Self::V) -> Self::V;
    /// The sum of the lanes in pairs: i with i + 8, then i + 4, i + 2 and i + 1.
    unsafe fn sum(a: Self::V) -> f32;
    /// The first `n` of every second number.
    unsafe fn load_every_second(p: *const f32, n: usize) -> Self::V;
    /// 2ⁿ for whole numbers −126 ≤ n ≤ 127.
    unsafe fn exp2(n: Self::V) -> Self::V;
    /// Writes the transpose of a block of `rows` rows of `n` numbers, each at most sixteen: `n` rows of
    /// sixteen numbers, zero from `rows` on.
    #[inline(always)]
    unsafe fn transpose(from: *const f32, step: usize, rows: usize, n: usize, to: *mut f32, to_step: usize) {
        for i in 0..n {
            for j in 0..LANES {
                // SAFETY: the caller's blocks hold these elements.
                unsafe { *to.add(i * to_step + j) = if j < rows { *from.add(j * step + i) } else { 0.0 } }
            }
        }
    }
}

/// Asks for a cache line, and does not wait for it. Any address will do.
#[inline(always)]
pub(super) fn prefetch<T>(p: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing that the program can see, and never faults.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(p.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = p;
}

/// Any machine: arrays, which the compiler turns into what vectors there are.
#[derive(Clone, Copy)]
pub(super) struct Portable;

/// a·b + c. Without fused instructions `mul_add` would be a call for each lane.
#[inline(always)]
fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
    if cfg!(any(target_arch = "aarch64", target_feature = "fma")) { a.mul_add(b, c) } else { a * b + c }
}

macro_rules! lanewise {
    ($(fn $name:ident($($x:ident),*) $value:expr;)*) => {$(
        #[inline(always)]
        unsafe fn $name($($x: Self::V),*) -> Self::V {
            std::array::from_fn(|i| { $(let $x = $x[i];)* $value })
        }
    )*};
}

// SAFETY: plain array code; only pointers carry an obligation, the caller's.
unsafe impl Simd for Portable {
    type V = [f32; LANES];
    const TILE_VECTORS: usize = 1;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self::V {
        [x; LANES]
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self::V {
        // SAFETY: the caller's pointer is valid for 16 lanes.
        unsafe { p.cast::<Self::V>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, v: Self::V) {
        // SAFETY: the caller's pointer is valid for 16 lanes.
        unsafe { p.cast::<Self::V>().write_unaligned(v) }
    }
    #[inline(always)]
    unsafe fn load_part(p: *const f32, n: usize, rest: Self::V) -> Self::V {
        // SAFETY: only the first `n` lanes are read.
        std::array::from_fn(|i| if i < n { unsafe { p.add(i).read() } } else { rest[i] })
    }
    #[inline(always)]
    unsafe fn store_part(p: *mut f32, v: Self::V, n: usize) {
        for (i, &x) in v.iter().enumerate().take(n) {
            // SAFETY: only the first `n` lanes are written.
            unsafe { p.add(i).write(x) }
        }
    }
    #[inline(always)]
    unsafe fn fma_low(a: Self::V, b: Self::V, mut c: Self::V) -> Self::V {
        for i in 0..LANES / 2 {
            c[i] = multiply_add(a[i], b[i], c[i]);
        }
        c
    }
    #[inline(always)]
    unsafe fn load_low(p: *const f32, n: usize) -> Self::V {
        // SAFETY: only the first `n` lanes are read.
        unsafe { Self::load_part(p, n, [0.0; LANES]) }
    }
    #[inline(always)]
    unsafe fn sum(mut a: Self::V) -> f32 {
        for width in [8, 4, 2, 1] {
            for i in 0..width {
                a[i] += a[i + width];
            }
        }
        a[0]
    }
    #[inline(always)]
    unsafe fn load_every_second(p: *const f32, n: usize) -> Self::V {
        // SAFETY: only the first `n` are read.
        std::array::from_fn(|i| if i < n { unsafe { p.add(2 * i).read() } } else { 0.0 })
    }
    lanewise! {
        fn add(a, b) a + b;
        fn sub(a, b) a - b;
        fn mul(a, b) a * b;
        fn div(a, b) a / b;
        fn fma(a, b, c) multiply_add(a, b, c);
        fn sqrt(a) a.sqrt();
        fn max(a, b) if a > b { a } else { b };
        fn min(a, b) if a < b { a } else { b };
        fn select_less(a, b, x, y) if a < b { x } else { y };
        fn select_not_above(a, b, x, y) if a >= b { y } else { x };
        fn select_nan(a, x, y) if a.is_nan() { x } else { y };
        fn exp2(n) f32::from_bits(((n as i32 + 127) as u32) << 23);
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Simd;
    use std::arch::x86_64::*;

    /// One register of AVX-512.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx512;

    #[inline(always)]
    fn first(n: usize) -> __mmask16 {
        ((1u32 << n) - 1) as __mmask16
    }

    macro_rules! instructions {
        ($(fn $name:ident($($x:ident: $t:ty),*) $(-> $r:ty)? { $($body:tt)* })*) => {$(
            #[inline(always)]
            unsafe fn $name($($x: $t),*) $(-> $r)? {
                // SAFETY: the trait's contract: the machine has these instructions, and pointers are
                // valid for the lanes that are loaded or stored.
                unsafe { $($body)* }
            }
        )*};
    }

    // SAFETY: each method is its instruction, with the trait's meaning.
    unsafe impl Simd for Avx512 {
        type V = __m512;
        const TILE_VECTORS: usize = 4;

        instructions! {
            fn splat(x: f32) -> __m512 { _mm512_set1_ps(x) }
            fn load(p: *const f32) -> __m512 { _mm512_loadu_ps(p) }
            fn store(p: *mut f32, v: __m512) { _mm512_storeu_ps(p, v) }
            fn load_part(p: *const f32, n: usize, rest: __m512) -> __m512 { _mm512_mask_loadu_ps(rest, first(n), p) }
            fn store_part(p: *mut f32, v: __m512, n: usize) { _mm512_mask_storeu_ps(p, first(n), v) }
            fn add(a: __m512, b: __m512) -> __m512 { _mm512_add_ps(a, b) }
            fn sub(a: __m512, b: __m512) -> __m512 { _mm512_sub_ps(a, b) }
            fn mul(a: __m512, b: __m512) -> __m512 { _mm512_mul_ps(a, b) }
            fn div(a: __m512, b: __m512) -> __m512 { _mm512_div_ps(a, b) }
            fn fma(a: __m512, b: __m512, c: __m512) -> __m512 { _mm512_fmadd_ps(a, b, c) }
            fn fma_low(a: __m512, b: __m512, c: __m512) -> __m512 {
                let low = |x| _mm512_castps512_ps256(x);
                _mm512_castps256_ps512(_mm256_fmadd_ps(low(a), low(b), low(c)))
            }
            fn load_low(p: *const f32, n: usize) -> __m512 {
                _mm512_castps256_ps512(_mm256_maskz_loadu_ps(first(n) as __mmask8, p))
            }
            fn sqrt(a: __m512) -> __m512 { _mm512_sqrt_ps(a) }
            fn max(a: __m512, b: __m512) -> __m512 { _mm512_max_ps(a, b) }
            fn min(a: __m512, b: __m512) -> __m512 { _mm512_min_ps(a, b) }
            fn select_less(a: __m512, b: __m512, x: __m512, y: __m512) -> __m512 {
                _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b), y, x)
            }
            fn select_not_above(a: __m512, b: __m512, x: __m512, y: __m512) -> __m512 {
                _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_GE_OQ>(a, b), x, y)
            }
            fn select_nan(a: __m512, x: __m512, y: __m512) -> __m512 {
                _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_UNORD_Q>(a, a), y, x)
            }
            fn sum(a: __m512) -> f32 {
                sum_of_eight(_mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps::<1>(a)))
            }
            fn load_every_second(p: *const f32, n: usize) -> __m512 {
                // The last number that is wanted is the last that is read.
                let numbers = (2 * n).saturating_sub(1);
                let zero = _mm512_setzero_ps();
                let low = _mm512_mask_loadu_ps(zero, first(numbers.min(16)), p);
                let high = _mm512_mask_loadu_ps(zero, first(numbers.saturating_sub(16)), p.wrapping_add(16));
                let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
                _mm512_permutex2var_ps(low, even, high)
            }
            fn exp2(n: __m512) -> __m512 {
                let exponent = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
                _mm512_castsi512_ps(_mm512_slli_epi32::<23>(exponent))
            }
            fn transpose(from: *const f32, step: usize, rows: usize, n: usize, to: *mut f32, to_step: usize) {
                let zero = _mm512_setzero_ps();
                let mut x = [zero; 16];
                for (j, x) in x.iter_mut().enumerate() {
                    if j < rows {
                        *x = _mm512_mask_loadu_ps(zero, first(n), from.add(j * step));
                    }
                }
                // Pairs of rows, then of pairs: 4 × 4 blocks stand transposed within each 128 bits.
                let mut y = [zero; 16];
                for i in 0..8 {
                    y[2 * i] = _mm512_unpacklo_ps(x[2 * i], x[2 * i + 1]);
                    y[2 * i + 1] = _mm512_unpackhi_ps(x[2 * i], x[2 * i + 1]);
                }
                let pd = |a, b, high: bool| {
                    let (a, b) = (_mm512_castps_pd(a), _mm512_castps_pd(b));
                    _mm512_castpd_ps(if high { _mm512_unpackhi_pd(a, b) } else { _mm512_unpacklo_pd(a, b) })
                };
                for i in 0..4 {
                    for c in 0..4 {
                        x[4 * i + c] = pd(y[4 * i + c / 2], y[4 * i + c / 2 + 2], c % 2 == 1);
                    }
                }
                // Column c of block row i stands in x[4i + c], quarter b for column 4b + c.
                for c in 0..4 {
                    let low = |a, b| _mm512_shuffle_f32x4::<0b01_00_01_00>(a, b);
                    let high = |a, b| _mm512_shuffle_f32x4::<0b11_10_11_10>(a, b);
                    let even = |a, b| _mm512_shuffle_f32x4::<0b10_00_10_00>(a, b);
                    let odd = |a, b| _mm512_shuffle_f32x4::<0b11_01_11_01>(a, b);
                    let (first, second) = (low(x[c], x[4 + c]), low(x[8 + c], x[12 + c]));
                    let (third, fourth) = (high(x[c], x[4 + c]), high(x[8 + c], x[12 + c]));
                    y[c] = even(first, second);
                    y[4 + c] = odd(first, second);
                    y[8 + c] = even(third, fourth);
                    y[12 + c] = odd(third, fourth);
                }
                for (i, &y) in y.iter().enumerate() {
                    if i < n {
                        _mm512_storeu_ps(to.add(i * to_step), y);
                    }
                }
            }
        }
    }

    /// The sum of eight lanes: i with i + 4, then i + 2 and i + 1.
    #[inline(always)]
    unsafe fn sum_of_eight(a: __m256) -> f32 {
        // SAFETY: called from AVX2 or AVX-512 code only.
        unsafe {
            let four = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
        }
    }

    /// Two registers of AVX2, with FMA.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx2;

    /// Lanes `from..from + 8` of the first `n`, as a mask of sign bits.
    #[inline(always)]
    unsafe fn mask(n: usize, from: i32) -> __m256i {
        // SAFETY: called from AVX2 code only.
        unsafe {
            let lane = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(from));
            _mm256_cmpgt_epi32(_mm256_set1_epi32(n as i32), lane)
        }
    }

    type Two = [__m256; 2];

    // SAFETY: each method is its instruction on both halves, with the trait's meaning.
    unsafe impl Simd for Avx2 {
        type V = Two;
        const TILE_VECTORS: usize = 1;

        instructions! {
            fn splat(x: f32) -> Two { [_mm256_set1_ps(x); 2] }
            fn load(p: *const f32) -> Two { [_mm256_loadu_ps(p), _mm256_loadu_ps(p.add(8))] }
            fn store(p: *mut f32, v: Two) {
                _mm256_storeu_ps(p, v[0]);
                _mm256_storeu_ps(p.add(8), v[1]);
            }
            fn load_part(p: *const f32, n: usize, rest: Two) -> Two {
                // wrapping_add: the second half may begin beyond the end, where no lane is loaded.
                let (low, high) = (mask(n, 0), mask(n, 8));
                [
                    _mm256_blendv_ps(rest[0], _mm256_maskload_ps(p, low), _mm256_castsi256_ps(low)),
                    _mm256_blendv_ps(rest[1], _mm256_maskload_ps(p.wrapping_add(8), high), _mm256_castsi256_ps(high)),
                ]
            }
            fn store_part(p: *mut f32, v: Two, n: usize) {
                _mm256_maskstore_ps(p, mask(n, 0), v[0]);
                _mm256_maskstore_ps(p.wrapping_add(8), mask(n, 8), v[1]);
            }
            fn add(a: Two, b: Two) -> Two { [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])] }
            fn sub(a: Two, b: Two) -> Two { [_mm256_sub_ps(a[0], b[0]), _mm256_sub_ps(a[1], b[1])] }
            fn mul(a: Two, b: Two) -> Two { [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])] }
            fn div(a: Two, b: Two) -> Two { [_mm256_div_ps(a[0], b[0]), _mm256_div_ps(a[1], b[1])] }
            fn fma(a: Two, b: Two, c: Two) -> Two {
                [_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])]
            }
            fn fma_low(a: Two, b: Two, c: Two) -> Two { [_mm256_fmadd_ps(a[0], b[0], c[0]), c[1]] }
            fn load_low(p: *const f32, n: usize) -> Two { [_mm256_maskload_ps(p, mask(n, 0)), _mm256_setzero_ps()] }
            fn sqrt(a: Two) -> Two { [_mm256_sqrt_ps(a[0]), _mm256_sqrt_ps(a[1])] }
            fn max(a: Two, b: Two) -> Two { [_mm256_max_ps(a[0], b[0]), _mm256_max_ps(a[1], b[1])] }
            fn min(a: Two, b: Two) -> Two { [_mm256_min_ps(a[0], b[0]), _mm256_min_ps(a[1], b[1])] }
            fn select_less(a: Two, b: Two, x: Two, y: Two) -> Two {
                [
                    _mm256_blendv_ps(y[0], x[0], _mm256_cmp_ps::<_CMP_LT_OQ>(a[0], b[0])),
                    _mm256_blendv_ps(y[1], x[1], _mm256_cmp_ps::<_CMP_LT_OQ>(a[1], b[1])),
                ]
            }
            fn select_not_above(a: Two, b: Two, x: Two, y: Two) -> Two {
                [
                    _mm256_blendv_ps(x[0], y[0], _mm256_cmp_ps::<_CMP_GE_OQ>(a[0], b[0])),
                    _mm256_blendv_ps(x[1], y[1], _mm256_cmp_ps::<_CMP_GE_OQ>(a[1], b[1])),
                ]
            }
            fn select_nan(a: Two, x: Two, y: Two) -> Two {
                [
                    _mm256_blendv_ps(y[0], x[0], _mm256_cmp_ps::<_CMP_UNORD_Q>(a[0], a[0])),
                    _mm256_blendv_ps(y[1], x[1], _mm256_cmp_ps::<_CMP_UNORD_Q>(a[1], a[1])),
                ]
            }
            fn sum(a: Two) -> f32 { sum_of_eight(_mm256_add_ps(a[0], a[1])) }
            fn load_every_second(p: *const f32, n: usize) -> Two {
                let numbers = (2 * n).saturating_sub(1) as i32;
                let part = |from: i32| _mm256_maskload_ps(p.wrapping_add(from as usize), mask(numbers.max(from) as usize, from));
                let even = |a, b| {
                    let halves = _mm256_shuffle_ps::<0b10_00_10_00>(a, b);
                    _mm256_castpd_ps(_mm256_permute4x64_pd::<0b11_01_10_00>(_mm256_castps_pd(halves)))
                };
                [even(part(0), part(8)), even(part(16), part(24))]
            }
            fn exp2(n: Two) -> Two {
                let exponent = |n| _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
                let power = |n| _mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent(n)));
                [power(n[0]), power(n[1])]
            }
        }
    }
}
