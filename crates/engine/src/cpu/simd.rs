//! Sixteen f32 lanes, whatever the machine calls them.
//!
//! Every kernel is written once over [`Simd`] and compiled for each instruction set: one
//! AVX-512 register, two of AVX2, or an array that the compiler vectorises (NEON on
//! aarch64). All have the same sixteen lanes, so sums are taken in the same order and the
//! bits are the same; only where a machine has no fused multiply-add do they differ.

/// Lanes of a vector.
pub(super) const LANES: usize = 16;
/// Bytes that memory is fetched in.
pub(super) const CACHE_LINE: usize = 64;

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
    /// x where a = b, else y.
    unsafe fn select_equal(a: Self::V, b: Self::V, x: Self::V, y: Self::V) -> Self::V;
    /// The sum of the lanes in pairs: i with i + 8, then i + 4, i + 2 and i + 1.
    unsafe fn sum(a: Self::V) -> f32;
    /// The first `n` of every second number.
    unsafe fn load_every_second(p: *const f32, n: usize) -> Self::V;
    /// The first and the second of each of `n` pairs.
    #[inline(always)]
    unsafe fn load_pairs(p: *const f32, n: usize) -> [Self::V; 2] {
        // SAFETY: the caller's pairs are there.
        unsafe { [Self::load_every_second(p, n), Self::load_every_second(p.wrapping_add(1), n)] }
    }
    /// Lane i is number i / 2; the first `n` lanes, zero beyond.
    unsafe fn load_twice(p: *const f32, n: usize) -> Self::V;
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

/// Claims the cache line of a number that is written later, and loses the number.
///
/// A line that another core has read is its line too: the first store to it waits until the other gives it up, about 8 ns a line
/// (`PREFETCHW` was measured to bring nothing). But a store waits by itself, while the core goes on; so one is made well ahead.
///
/// # Safety
/// The number is there, and nobody else reads or writes it.
#[inline(always)]
pub(super) unsafe fn claim(p: *mut f32) {
    // SAFETY: the caller's promise. Volatile, as the compiler sees no use in it.
    unsafe { p.write_volatile(0.0) }
}

/// The same, and the number stays.
///
/// # Safety
/// As for [`claim`].
#[inline(always)]
pub(super) unsafe fn claim_as_it_is(p: *mut f32) {
    // SAFETY: the caller's promise.
    unsafe { p.write_volatile(p.read_volatile()) }
}

/// Any machine: arrays, which the compiler turns into what vectors there are.
#[derive(Clone, Copy)]
pub(super) struct Portable;

/// Copies `n` numbers, most often sixteen: in lengths that are known, as comparing by number is a page of instructions for each part of a vector, and a
/// call takes longer.
#[inline(always)]
unsafe fn copy_up_to_sixteen(mut from: *const f32, mut to: *mut f32, n: usize) {
    // SAFETY: the caller's numbers are there, and room for them.
    unsafe {
        if n >= LANES {
            return std::ptr::copy_nonoverlapping(from, to, LANES);
        }
        if n & 8 != 0 {
            std::ptr::copy_nonoverlapping(from, to, 8);
            (from, to) = (from.add(8), to.add(8));
        }
        if n & 4 != 0 {
            std::ptr::copy_nonoverlapping(from, to, 4);
            (from, to) = (from.add(4), to.add(4));
        }
        if n & 2 != 0 {
            std::ptr::copy_nonoverlapping(from, to, 2);
            (from, to) = (from.add(2), to.add(2));
        }
        if n & 1 != 0 {
            to.write(from.read());
        }
    }
}

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
        let mut lanes = rest;
        // SAFETY: only the first `n` lanes are read.
        unsafe { copy_up_to_sixteen(p, lanes.as_mut_ptr(), n) };
        lanes
    }
    #[inline(always)]
    unsafe fn store_part(p: *mut f32, v: Self::V, n: usize) {
        // SAFETY: only the first `n` lanes are written.
        unsafe { copy_up_to_sixteen(v.as_ptr(), p, n) }
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
    #[inline(always)]
    unsafe fn load_twice(p: *const f32, n: usize) -> Self::V {
        // SAFETY: the numbers of the first `n` lanes are read.
        std::array::from_fn(|i| if i < n { unsafe { p.add(i / 2).read() } } else { 0.0 })
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
        fn select_equal(a, b, x, y) if a == b { x } else { y };
        fn select_less(a, b, x, y) if a < b { x } else { y };
        fn select_not_above(a, b, x, y) if a >= b { y } else { x };
        fn select_nan(a, x, y) if a.is_nan() { x } else { y };
        fn exp2(n) f32::from_bits(((n as i32 + 127) as u32) << 23);
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86;
