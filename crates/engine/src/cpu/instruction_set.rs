//! The kernels of each instruction set, chosen once when the program starts.

use super::convolution::{self, Convolution};
use super::elementwise;
use super::fold::{self, Columns, Fold};
use super::machine;
use super::norm;
use super::pool;
use super::product::{self, Product};
use super::simd::Portable;
#[cfg(target_arch = "x86_64")]
use super::simd::{Avx2, Avx512};
use super::softmax;
use super::update;
use super::weight_gradient::{self, WeightGradient};
use super::winograd::{self, Winograd};
use crate::function::{Map, Zip};
use crate::mask::RowMask;
use crate::optimizer::Step;
use crate::window::Window;

/// The entry points of one instruction set.
///
/// Each is unsafe as the generic function of its name is; that the machine has the instructions
/// is promised by where a table comes from: [`best`] or [`named`].
pub(super) struct Kernels {
    pub(super) name: &'static str,
    pub(super) product: unsafe fn(&Product),
    pub(super) fold: unsafe fn(&Fold),
    pub(super) convolution: unsafe fn(&Convolution),
    pub(super) winograd: unsafe fn(&Winograd),
    pub(super) weight_gradient: unsafe fn(&WeightGradient),
    pub(super) sum_squares: unsafe fn(*const f32, usize, *mut f32),
    pub(super) sum_rows: unsafe fn(Columns, *mut f32),
    pub(super) sum_rows_update: unsafe fn(Columns, Step, *mut f32, usize, *mut f32),
    pub(super) update: unsafe fn(Step, *mut f32, usize, *const f32, usize),
    pub(super) map: unsafe fn(Map, *const f32, *mut f32, usize),
    pub(super) zip: unsafe fn(Zip, *const f32, usize, *const f32, usize, *mut f32, usize),
    pub(super) dropout: unsafe fn(RowMask, f32, *const f32, *mut f32, usize),
    pub(super) max_pool: unsafe fn(&Window, usize, *const f32, *mut f32, *mut f32),
    pub(super) max_pool_gradient: unsafe fn(&Window, *const f32, *const f32, *mut f32),
    pub(super) sum_elements: unsafe fn(*const f32, usize, *mut f32),
    pub(super) multiply_add: unsafe fn(usize, *mut f32),
    pub(super) read_and_write: unsafe fn(*mut f32, usize),
    pub(super) softmax: unsafe fn(usize, usize, *const f32, *mut f32),
    pub(super) softmax_gradient: unsafe fn(usize, *const f32, *const f32, *mut f32),
    pub(super) cross_entropy: unsafe fn(usize, usize, *const f32, *const f32, usize, *mut f32, *mut f32),
    pub(super) cross_entropy_gradient:
        unsafe fn(usize, usize, *const f32, *const f32, usize, *const f32, usize, *mut f32),
}

impl std::fmt::Debug for Kernels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

macro_rules! instruction_set {
    ($table:ident, $name:literal, $simd:ty $(, $features:literal)?) => {
        static $table: Kernels = {
            instruction_set!(@each $simd $(, $features)?;
                fn product(p: &Product) = product::product;
                fn fold(f: &Fold) = fold::fold;
                fn convolution(c: &Convolution) = convolution::convolution;
                fn winograd(g: &Winograd) = winograd::winograd;
                fn weight_gradient(g: &WeightGradient) = weight_gradient::weight_gradient;
                fn sum_squares(x: *const f32, len: usize, y: *mut f32) = norm::sum_squares;
                fn sum_rows(x: Columns, y: *mut f32) = fold::sum_rows;
                fn sum_rows_update(x: Columns, step: Step, w: *mut f32, block: usize, buffer: *mut f32) = fold::sum_rows_update;
                fn update(step: Step, w: *mut f32, block: usize, g: *const f32, len: usize) = update::update;
                fn map(f: Map, x: *const f32, y: *mut f32, len: usize) = elementwise::map;
                fn zip(
                    f: Zip, a: *const f32, a_step: usize, b: *const f32, b_step: usize, y: *mut f32, len: usize
                ) = elementwise::zip;
                fn dropout(mask: RowMask, scale: f32, x: *const f32, y: *mut f32, len: usize) = elementwise::dropout;
                fn max_pool(window: &Window, padding: usize, x: *const f32, y: *mut f32, at: *mut f32) = pool::max_pool;
                fn max_pool_gradient(window: &Window, dy: *const f32, at: *const f32, dx: *mut f32) = pool::max_pool_gradient;
                fn sum_elements(x: *const f32, len: usize, y: *mut f32) = elementwise::sum_elements;
                fn multiply_add(rounds: usize, y: *mut f32) = machine::multiply_add;
                fn read_and_write(p: *mut f32, len: usize) = machine::read_and_write;
                fn softmax(rows: usize, n: usize, x: *const f32, y: *mut f32) = softmax::softmax;
                fn softmax_gradient(n: usize, y: *const f32, dy: *const f32, dx: *mut f32) = softmax::softmax_gradient;
                fn cross_entropy(
                    rows: usize, n: usize, x: *const f32, label: *const f32, label_step: usize,
                    loss: *mut f32, probability: *mut f32
                ) = softmax::cross_entropy;
                fn cross_entropy_gradient(
                    rows: usize, n: usize, probability: *const f32, label: *const f32, label_step: usize,
                    dloss: *const f32, dloss_step: usize, dx: *mut f32
                ) = softmax::cross_entropy_gradient;
            );
            Kernels {
                name: $name, product, fold, convolution, winograd, weight_gradient, sum_squares, sum_rows, sum_rows_update, update, map,
                zip, dropout, max_pool, max_pool_gradient, sum_elements,
                multiply_add, read_and_write, softmax, softmax_gradient, cross_entropy, cross_entropy_gradient,
            }
        };
    };
    (@each $simd:ty, $features:literal; $(fn $f:ident($($x:ident: $t:ty),*) = $module:ident::$g:ident;)*) => {$(
        #[target_feature(enable = $features)]
        unsafe fn $f($($x: $t),*) {
            // SAFETY: the caller's promises, and this function has S's instructions.
            unsafe { $module::$g::<$simd>($($x),*) }
        }
    )*};
    (@each $simd:ty; $(fn $f:ident($($x:ident: $t:ty),*) = $module:ident::$g:ident;)*) => {$(
        unsafe fn $f($($x: $t),*) {
            // SAFETY: the caller's promises; this instruction set is every machine's.
            unsafe { $module::$g::<$simd>($($x),*) }
        }
    )*};
}

instruction_set!(PORTABLE, "portable", Portable);
#[cfg(target_arch = "x86_64")]
instruction_set!(AVX2, "avx2", Avx2, "avx2,fma");
#[cfg(target_arch = "x86_64")]
instruction_set!(AVX512, "avx512", Avx512, "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma");

/// The tables that this machine can use, best first.
pub(super) fn available() -> Vec<&'static Kernels> {
    let mut tables = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        let wide = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512bw");
        let fused = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        if wide && fused {
            tables.push(&AVX512);
        }
        if fused {
            tables.push(&AVX2);
        }
    }
    tables.push(&PORTABLE);
    tables
}
