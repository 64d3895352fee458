//! AVX2 with FMA, and AVX-512.

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
        fn select_equal(a: __m512, b: __m512, x: __m512, y: __m512) -> __m512 {
            _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_EQ_OQ>(a, b), y, x)
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
        fn load_pairs(p: *const f32, n: usize) -> [__m512; 2] {
            let zero = _mm512_setzero_ps();
            let low = _mm512_mask_loadu_ps(zero, first((2 * n).min(16)), p);
            let high = _mm512_mask_loadu_ps(zero, first((2 * n).saturating_sub(16)), p.wrapping_add(16));
            let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            let odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
            [_mm512_permutex2var_ps(low, even, high), _mm512_permutex2var_ps(low, odd, high)]
        }
        fn load_twice(p: *const f32, n: usize) -> __m512 {
            let numbers = _mm512_mask_loadu_ps(_mm512_setzero_ps(), first(n.div_ceil(2)), p);
            let twice = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
            _mm512_permutexvar_ps(twice, numbers)
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

/// Thirty-two lanes of ones, as two vectors have, and as many of zeros: each mask is a part of it.
static ONES_THEN_ZEROS: [i32; 64] = {
    let mut lanes = [0; 64];
    let mut i = 0;
    while i < 32 {
        lanes[i] = -1;
        i += 1;
    }
    lanes
};

/// Lanes `from..from + 8` of the first `n`, at most 32, as a mask of sign bits. It is loaded, as a loop that compares has registers to spare for neither
/// the lanes' numbers nor the mask.
#[inline(always)]
unsafe fn mask(n: usize, from: usize) -> __m256i {
    // SAFETY: called from AVX2 code only; `from` is at most 24, so the part begins at 56 at the latest, and eight lanes are there.
    unsafe { _mm256_loadu_si256(ONES_THEN_ZEROS.as_ptr().add(32 + from - n.min(32)).cast()) }
}

/// Stores the first `n` of up to eight lanes: by a mask that would take some machines a dozen cycles.
#[inline(always)]
unsafe fn store_up_to_eight(mut p: *mut f32, v: __m256, n: usize) {
    // SAFETY: called from AVX2 code only; the first `n` numbers are there.
    unsafe {
        let mut rest = _mm256_castps256_ps128(v);
        if n >= 8 {
            return _mm256_storeu_ps(p, v);
        }
        if n & 4 != 0 {
            _mm_storeu_ps(p, rest);
            (rest, p) = (_mm256_extractf128_ps::<1>(v), p.add(4));
        }
        if n & 2 != 0 {
            _mm_storel_pd(p.cast(), _mm_castps_pd(rest));
            (rest, p) = (_mm_movehl_ps(rest, rest), p.add(2));
        }
        if n & 1 != 0 {
            _mm_store_ss(p, rest);
        }
    }
}

/// Writes the transpose of `rows` rows of `n` numbers, up to eight of each: `n` rows of eight, zero from `rows` on.
#[inline(always)]
unsafe fn transpose_of_eight(from: *const f32, step: usize, rows: usize, n: usize, to: *mut f32, to_step: usize) {
    // SAFETY: called from AVX2 code only, with the caller's blocks.
    unsafe {
        let zero = _mm256_setzero_ps();
        let (mut x, mut y, wanted) = ([zero; 8], [zero; 8], mask(n.min(8), 0));
        for (j, x) in x.iter_mut().enumerate() {
            if j < rows {
                *x = _mm256_maskload_ps(from.add(j * step), wanted);
            }
        }
        // Pairs of rows, then of pairs: 4 × 4 blocks stand transposed within each 128 bits.
        for i in 0..4 {
            y[2 * i] = _mm256_unpacklo_ps(x[2 * i], x[2 * i + 1]);
            y[2 * i + 1] = _mm256_unpackhi_ps(x[2 * i], x[2 * i + 1]);
        }
        for i in 0..2 {
            for c in 0..2 {
                let (a, b) = (y[4 * i + c], y[4 * i + c + 2]);
                x[4 * i + 2 * c] = _mm256_shuffle_ps::<0b01_00_01_00>(a, b);
                x[4 * i + 2 * c + 1] = _mm256_shuffle_ps::<0b11_10_11_10>(a, b);
            }
        }
        for c in 0..4 {
            y[c] = _mm256_permute2f128_ps::<0x20>(x[c], x[c + 4]);
            y[c + 4] = _mm256_permute2f128_ps::<0x31>(x[c], x[c + 4]);
        }
        for (i, &y) in y.iter().enumerate() {
            if i < n {
                _mm256_storeu_ps(to.add(i * to_step), y);
            }
        }
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
            if n >= 16 {
                return [_mm256_loadu_ps(p), _mm256_loadu_ps(p.wrapping_add(8))];
            }
            let (low, high) = (mask(n, 0), mask(n, 8));
            [
                _mm256_blendv_ps(rest[0], _mm256_maskload_ps(p, low), _mm256_castsi256_ps(low)),
                _mm256_blendv_ps(rest[1], _mm256_maskload_ps(p.wrapping_add(8), high), _mm256_castsi256_ps(high)),
            ]
        }
        fn store_part(p: *mut f32, v: Two, n: usize) {
            store_up_to_eight(p, v[0], n);
            if n > 8 {
                store_up_to_eight(p.wrapping_add(8), v[1], n - 8);
            }
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
        fn select_equal(a: Two, b: Two, x: Two, y: Two) -> Two {
            [
                _mm256_blendv_ps(y[0], x[0], _mm256_cmp_ps::<_CMP_EQ_OQ>(a[0], b[0])),
                _mm256_blendv_ps(y[1], x[1], _mm256_cmp_ps::<_CMP_EQ_OQ>(a[1], b[1])),
            ]
        }
        fn load_twice(p: *const f32, n: usize) -> Two {
            let numbers = _mm256_maskload_ps(p, mask(n.div_ceil(2), 0));
            let (low, high) = (_mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3), _mm256_setr_epi32(4, 4, 5, 5, 6, 6, 7, 7));
            [_mm256_permutevar8x32_ps(numbers, low), _mm256_permutevar8x32_ps(numbers, high)]
        }
        fn sum(a: Two) -> f32 { sum_of_eight(_mm256_add_ps(a[0], a[1])) }
        fn load_pairs(p: *const f32, n: usize) -> [Two; 2] {
            let part = |from: usize| _mm256_maskload_ps(p.wrapping_add(from), mask(2 * n, from));
            let (a, b, c, d) = (part(0), part(8), part(16), part(24));
            let in_order = |x| _mm256_castpd_ps(_mm256_permute4x64_pd::<0b11_01_10_00>(_mm256_castps_pd(x)));
            let even = |a, b| in_order(_mm256_shuffle_ps::<0b10_00_10_00>(a, b));
            let odd = |a, b| in_order(_mm256_shuffle_ps::<0b11_01_11_01>(a, b));
            [[even(a, b), even(c, d)], [odd(a, b), odd(c, d)]]
        }
        fn load_every_second(p: *const f32, n: usize) -> Two {
            let numbers = (2 * n).saturating_sub(1);
            let part = |from: usize| _mm256_maskload_ps(p.wrapping_add(from), mask(numbers, from));
            let even = |a, b| {
                let halves = _mm256_shuffle_ps::<0b10_00_10_00>(a, b);
                _mm256_castpd_ps(_mm256_permute4x64_pd::<0b11_01_10_00>(_mm256_castps_pd(halves)))
            };
            [even(part(0), part(8)), even(part(16), part(24))]
        }
        fn transpose(from: *const f32, step: usize, rows: usize, n: usize, to: *mut f32, to_step: usize) {
            for (i, j) in [(0, 0), (0, 8), (8, 0), (8, 8)] {
                if i < n {
                    let from = from.wrapping_add(j * step + i);
                    transpose_of_eight(from, step, rows.saturating_sub(j).min(8), n - i, to.add(i * to_step + j), to_step);
                }
            }
        }
        fn exp2(n: Two) -> Two {
            let exponent = |n| _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
            let power = |n| _mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent(n)));
            [power(n[0]), power(n[1])]
        }
    }
}
