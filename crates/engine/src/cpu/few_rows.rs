//! Few rows and a large weight: each number of it is used for a few multiply-adds, so that reading it is all that takes time, and it
//! comes fastest in long stretches of neighbouring rows.
//!
//! - y = x·W: [`SIDE_BY_SIDE`] rows of W at a time, added to sums that stay in a first-level cache.
//! - dx = dy·Wᵀ: sixteen rows of W at a time, turned block by block.
//! - W's update by Σ rows xᵀ·dy: row after row, or many narrow ones at a time.
//!
//! Each element is the same chain of multiply-adds as in `product.rs`, so its bits are the same too.

use std::ops::Range;

use super::fold::{BLOCK, Fold};
use super::product::{Finish, PANEL, Product};
use super::simd::{LANES, Simd};
use super::turn::multiply_turned;
use crate::optimizer::Step;

/// Rows at most: of more, the tiles do better,
pub(super) const MOST: usize = 4;
/// but forward of up to these, where memory is far.
const MOST_OF_FAR: usize = 16;
/// Parameters of a network from which on none is near when it is needed again: 16 MiB.
const FAR: usize = 1 << 22;
/// Numbers of a large weight: 256 KiB. A smaller one is near, and its tiles keep their sums in registers.
pub(super) const LARGE: usize = 1 << 16;
/// Rows of W that are read at a time: as many as a first-level cache has ways, and the machine can foresee.
const SIDE_BY_SIDE: usize = 8;
/// Sums at a time: 16 KiB.
const SUMS: usize = 4096;

/// Rows at most in a network of so many parameters.
pub(super) fn most(parameters: usize) -> usize {
    if parameters >= FAR { MOST_OF_FAR } else { MOST }
}

impl Product<'_> {
    /// Whether to compute it here.
    pub(super) fn is_of_few_rows(&self) -> bool {
        let few = if self.b_transposed { MOST } else { self.few };
        (1..=few).contains(&self.m) && self.k * self.n >= LARGE
    }

    /// What the sums of a vector of columns begin with.
    #[inline(always)]
    unsafe fn beginning<S: Simd>(&self, row: usize, column: usize) -> S::V {
        let part = LANES.min(self.n - column);
        // SAFETY: the caller's promises; the last vector is loaded by its length.
        unsafe {
            let zero = S::splat(0.0);
            if self.adds {
                S::load_part(self.c.add(row * self.c_row + column), part, zero)
            } else if self.bias.is_null() {
                zero
            } else {
                S::load_part(self.bias.add(column), part, zero)
            }
        }
    }

    /// What happens to each element in the end.
    unsafe fn finish_all(&self) {
        for at in (0..self.m).map(|row| row * self.c_row) {
            // SAFETY: the caller's promises, for a row of C.
            unsafe {
                let c = self.c.add(at);
                match self.finish {
                    Finish::None => {}
                    Finish::Map(f) => (self.kernels.map)(f, c, c, self.n),
                    Finish::Zip(f, with) => (self.kernels.zip)(f, c, 1, with.add(at), 1, c, self.n),
                }
            }
        }
    }
}

/// Computes a product of few rows.
///
/// # Safety
/// As for [`product`](super::product::product), and it is of few rows.
#[inline(always)]
pub(super) unsafe fn product<S: Simd>(p: &Product) {
    // SAFETY: the caller's promises, passed on.
    unsafe {
        if p.b_transposed {
            match p.m {
                1 => turned::<S, 1>(p),
                2 => turned::<S, 2>(p),
                3 => turned::<S, 3>(p),
                _ => turned::<S, MOST>(p),
            }
        } else {
            straight::<S>(p);
        }
        p.finish_all();
    }
}

/// By rows of B, stretch by stretch.
#[inline(always)]
unsafe fn straight<S: Simd>(p: &Product) {
    const { assert!(SUMS + MOST_OF_FAR * 2 * LANES <= PANEL && SUMS / MOST_OF_FAR >= LANES) };
    let most = SUMS / p.m / LANES * LANES;
    for j in (0..p.n).step_by(most) {
        let columns = most.min(p.n - j);
        // A line more, so that the rows of sums do not fall on one set of the cache.
        let stretch = Stretch { columns, sums: p.panel, step: columns.next_multiple_of(LANES) + LANES };
        // SAFETY: the caller's promises; the panel holds the sums of m rows.
        unsafe {
            for (r, i) in stretch.vectors(p.m) {
                S::store(stretch.at(r, i), p.beginning::<S>(r, j + i));
            }
            let mut k = 0;
            while k < p.k {
                let b = p.b.add(k * p.b_step + j);
                if p.k - k >= SIDE_BY_SIDE {
                    stretch.add_rows::<S, SIDE_BY_SIDE>(p, k, b);
                    k += SIDE_BY_SIDE;
                } else {
                    stretch.add_rows::<S, 1>(p, k, b);
                    k += 1;
                }
            }
            for (r, i) in stretch.vectors(p.m) {
                let part = LANES.min(columns - i);
                S::store_part(p.c.add(r * p.c_row + j + i), S::load(stretch.at(r, i)), part);
            }
        }
    }
}

/// Sums of a stretch of columns, for each row of A.
#[derive(Clone, Copy)]
struct Stretch {
    columns: usize,
    sums: *mut f32,
    /// From row to row.
    step: usize,
}

impl Stretch {
    fn at(self, row: usize, column: usize) -> *mut f32 {
        self.sums.wrapping_add(row * self.step + column)
    }

    /// Each vector of the sums of so many rows.
    fn vectors(self, rows: usize) -> impl Iterator<Item = (usize, usize)> {
        (0..rows).flat_map(move |row| (0..self.columns).step_by(LANES).map(move |column| (row, column)))
    }

    /// Adds the part of K rows of B, of which the first is the k-th, to all sums: of up to four rows of A at a time.
    #[inline(always)]
    unsafe fn add_rows<S: Simd, const K: usize>(self, p: &Product, k: usize, b: *const f32) {
        for row in (0..p.m).step_by(4) {
            let a = p.a.wrapping_add(row * p.a_row + k * p.a_col);
            let part = Stretch { sums: self.at(row, 0), ..self };
            // SAFETY: the caller's promises, for these rows.
            unsafe {
                match p.m - row {
                    1 => part.add::<S, 1, K>(p, a, b),
                    2 => part.add::<S, 2, K>(p, a, b),
                    3 => part.add::<S, 3, K>(p, a, b),
                    _ => part.add::<S, 4, K>(p, a, b),
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn add<S: Simd, const M: usize, const K: usize>(self, p: &Product, a: *const f32, b: *const f32) {
        let whole = self.columns / LANES * LANES;
        // SAFETY: the caller's promises: B has these columns, the last of them loaded by their number; sums are whole vectors.
        unsafe {
            macro_rules! vector {
                ($i:expr, $load:expr) => {{
                    let mut sums = [S::splat(0.0); M];
                    for (m, sum) in sums.iter_mut().enumerate() {
                        *sum = S::load(self.at(m, $i));
                    }
                    for k in 0..K {
                        let row = $load(b.add(k * p.b_step + $i));
                        for (m, sum) in sums.iter_mut().enumerate() {
                            *sum = S::fma(S::splat(*a.add(m * p.a_row + k * p.a_col)), row, *sum);
                        }
                    }
                    for (m, &sum) in sums.iter().enumerate() {
                        S::store(self.at(m, $i), sum);
                    }
                }};
            }
            for i in (0..whole).step_by(LANES) {
                vector!(i, |b| S::load(b));
            }
            if whole < self.columns {
                vector!(whole, |b| S::load_part(b, self.columns - whole, S::splat(0.0)));
            }
        }
    }
}

/// By columns of B, which lie in rows, sixteen at a time.
#[inline(always)]
unsafe fn turned<S: Simd, const M: usize>(p: &Product) {
    for j in (0..p.n).step_by(LANES) {
        let columns = LANES.min(p.n - j);
        // SAFETY: the caller's promises, for these columns.
        unsafe {
            let mut sums = [S::splat(0.0); M];
            for (r, sum) in sums.iter_mut().enumerate() {
                *sum = p.beginning::<S>(r, j);
            }
            let (from, factors) = (p.b.add(j * p.b_step), [p.a_row, p.a_col]);
            multiply_turned::<S, M>(&mut sums, [columns, p.b_step], from, p.k, p.a, factors);
            for (r, &sum) in sums.iter().enumerate() {
                S::store_part(p.c.add(r * p.c_row + j), sum, columns);
            }
        }
    }
}

/// Numbers of the gradient at a time: a part of one of its rows, or many rows.
const LONG: usize = 1024;

/// The update of the weight at `w`, in stretches of its rows.
///
/// # Safety
/// As for [`fold`](super::fold::fold), and there are at most [`MOST`] rows.
#[inline(always)]
pub(super) unsafe fn update<S: Simd>(f: &Fold, step: Step, w: *mut f32, block: usize) {
    const { assert!(LONG + LANES <= BLOCK) };
    let [rows, columns] = f.part.clone();
    let together = if columns == (0..f.n) { (LONG / f.n.max(1)).max(1) } else { 1 };
    for first in rows.clone().step_by(together) {
        let rows = first..rows.end.min(first + together);
        for j in columns.clone().step_by(LONG) {
            let columns = j..columns.end.min(j + LONG);
            // SAFETY: the caller's promises; the buffer holds these numbers, to the end of their last vector.
            unsafe {
                for (n, i) in rows.clone().enumerate() {
                    let to = f.buffer.add(n * columns.len());
                    match f.rows {
                        1 => gradient::<S, 1>(f, i, columns.clone(), to),
                        2 => gradient::<S, 2>(f, i, columns.clone(), to),
                        3 => gradient::<S, 3>(f, i, columns.clone(), to),
                        _ => gradient::<S, MOST>(f, i, columns.clone(), to),
                    }
                }
                (f.kernels.update)(step, w.add(first * f.n + j), block, f.buffer, rows.len() * columns.len());
            }
        }
    }
}

/// These columns of the i-th row of the gradient, in whole vectors: what stands beyond the last column is lost.
#[inline(always)]
unsafe fn gradient<S: Simd, const R: usize>(f: &Fold, i: usize, columns: Range<usize>, to: *mut f32) {
    // SAFETY: the caller's promises.
    unsafe {
        let zero = S::splat(0.0);
        let mut x = [zero; R];
        for (r, x) in x.iter_mut().enumerate() {
            *x = S::splat(*f.a.add(r * f.width + i));
        }
        for j in columns.clone().step_by(LANES) {
            let part = LANES.min(columns.end - j);
            let mut sum = zero;
            for (r, &x) in x.iter().enumerate() {
                sum = S::fma(x, S::load_part(f.b.add(r * f.n + j), part, zero), sum);
            }
            S::store(to.add(j - columns.start), sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FAR, LARGE, LONG, MOST, MOST_OF_FAR, SUMS};
    use crate::{Backend, Clock, Column, Cpu, Graph, Plan, Reference, Rows, Rule};

    const INPUTS: usize = 68;
    const HIDDEN: usize = 1045;
    const OUTPUTS: usize = 131;

    /// Both weights after a step of `rows` rows.
    fn updated<B: Backend>(backend: &B, plan: &Plan, rows: usize) -> Vec<f64> {
        let x: Vec<f32> = (0..rows * INPUTS).map(|i| (i as f32 * 0.73).sin()).collect();
        let columns = [Column::F32(&x)];
        let rows = Rows::all(plan, &columns).expect("whole rows");
        let mut arena = backend.allocate(&[plan], rows.count()).expect("memory");
        let spans = ["w", "v"].map(|name| plan.parameter(name).expect("it has one"));
        for span in spans {
            let values: Vec<f64> = (0..span.len).map(|i| (i as f64 * 0.37).sin() * 0.05).collect();
            backend.write(&mut arena, span, &values);
        }
        backend.run(plan, &mut arena, &rows, Clock { step: 0, rate: 0.01, seed: 0 });
        spans.into_iter().flat_map(|span| backend.read_span(&arena, span)).collect()
    }

    /// Forward, back and update, each with a rest in every direction, and stretches and rows longer than one.
    #[test]
    fn few_rows_by_large_weights() {
        const { assert!(INPUTS * HIDDEN >= LARGE && HIDDEN * OUTPUTS >= LARGE && HIDDEN > LONG && HIDDEN > SUMS / MOST) };
        let g = Graph::new();
        let (w, v) = (g.parameter("w", [INPUTS, HIDDEN]), g.parameter("v", [HIDDEN, OUTPUTS]));
        let y = g.input("x", [INPUTS]).matmul(w).tanh().matmul(v);
        let plan = g.update((y * y).sum().batch_mean(), Rule::Sgd).expect("shapes fit");
        for rows in 1..=MOST + 1 {
            let expected = updated(&Reference, &plan, rows);
            for one in Cpu::each(1) {
                let set = one.instruction_set();
                let found = updated(&one, &plan, rows);
                for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
                    assert!(
                        (found - expected).abs() < 2e-6 * (1.0 + expected.abs()),
                        "{set}, {rows} rows, {i}: {found}, reference {expected}"
                    );
                }
                for cpu in [2, 3].into_iter().flat_map(Cpu::each).filter(|cpu| cpu.instruction_set() == set) {
                    assert!(updated(&cpu, &plan, rows) == found, "{set}, {rows} rows, {} threads", cpu.threads());
                }
            }
        }
    }

    /// A weight of fewer rows than there are threads: some have no row of its gradient to compute.
    #[test]
    fn no_row_is_few_rows() {
        const OUTPUTS: usize = 300;
        const ROWS: usize = 255;
        const { assert!(OUTPUTS * ROWS >= LARGE) };
        let g = Graph::new();
        let w = g.parameter("w", [2, OUTPUTS]);
        let plan = g.gradients(g.input("x", [2]).matmul(w).sum().batch_mean()).expect("shapes fit");
        let x = vec![0.5; 2 * ROWS];
        let x = [Column::F32(&x)];
        let rows = Rows::all(&plan, &x).expect("whole rows");
        for cpu in Cpu::each(8) {
            let mut arena = cpu.allocate(&[&plan], ROWS).expect("memory");
            cpu.run(&plan, &mut arena, &rows, Clock::default());
            let gradient = cpu.read(&plan, &arena, plan.gradient(w).expect("it has one"));
            assert!(gradient.iter().all(|g| (g - 0.5).abs() < 1e-5), "{gradient:?}");
        }
    }

    /// Up to sixteen rows of a network that is far have the bits that they have among more.
    #[test]
    fn rows_of_a_far_weight_are_as_in_a_batch() {
        const { assert!(FAR_INPUTS * FAR_OUTPUTS >= FAR) };
        const FAR_INPUTS: usize = 2101;
        const FAR_OUTPUTS: usize = 2003;
        let g = Graph::new();
        let y = g
            .input("x", [FAR_INPUTS])
            .affine(g.parameter("w", [FAR_INPUTS, FAR_OUTPUTS]), g.parameter("b", [FAR_OUTPUTS]));
        let y = y.relu();
        let plan = g.predict(&[y]).expect("shapes fit");
        let y = plan.value(y).expect("it is delivered");
        let all: Vec<f32> = (0..(MOST_OF_FAR + 1) * FAR_INPUTS).map(|i| (i as f32 * 0.73).sin()).collect();
        for cpu in [1, 2].into_iter().flat_map(Cpu::each) {
            let mut arena = cpu.allocate(&[&plan], MOST_OF_FAR + 1).expect("memory");
            for parameter in plan.parameters() {
                let values: Vec<f64> = (0..parameter.span.len).map(|i| (i % 997) as f64 * 1e-4 - 0.05).collect();
                cpu.write(&mut arena, parameter.span, &values);
            }
            let mut answers = |rows: usize| {
                let x = [Column::F32(&all[..rows * FAR_INPUTS])];
                cpu.run(&plan, &mut arena, &Rows::all(&plan, &x).expect("whole rows"), Clock::default());
                arena.slice(&plan, y).to_vec()
            };
            let together = answers(MOST_OF_FAR + 1);
            for rows in [1, MOST + 1, MOST_OF_FAR - 1, MOST_OF_FAR] {
                let what = format!("{rows} rows, {} × {}", cpu.instruction_set(), cpu.threads());
                assert!(answers(rows) == together[..rows * FAR_OUTPUTS], "{what}");
            }
        }
    }
}
