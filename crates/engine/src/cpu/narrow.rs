//! Products of one or two columns: the lanes are rows.
//!
//! A score or two for each row would fill as many lanes of sixteen. So sixteen rows of A are turned, block by block, and their numbers
//! multiplied with one of B at a time. The chains are those of `product.rs`, and so are the bits.

use super::product::{Finish, Product};
use super::simd::{LANES, Simd};
use super::turn::multiply_turned;

/// Columns at most: by more, turning costs what it saves.
const MOST: usize = 2;

impl Product<'_> {
    /// Whether to compute it here: it has rows and depth to fill a block.
    pub(super) fn is_narrow(&self) -> bool {
        let plain = !self.b_transposed && !self.adds && self.a_col == 1 && matches!(self.finish, Finish::None);
        plain && (1..=MOST).contains(&self.n) && self.m >= LANES && self.k >= LANES
    }
}

/// Computes the product.
///
/// # Safety
/// As for [`product`](super::product::product), and it is narrow.
#[inline(always)]
pub(super) unsafe fn product<S: Simd>(p: &Product) {
    // SAFETY: the caller's promises.
    unsafe { if p.n == 1 { columns::<S, 1>(p) } else { columns::<S, MOST>(p) } }
}

#[inline(always)]
unsafe fn columns<S: Simd, const N: usize>(p: &Product) {
    for i in (0..p.m).step_by(LANES) {
        let rows = LANES.min(p.m - i);
        // SAFETY: the caller's promises, for these rows.
        unsafe {
            let mut sums = [S::splat(0.0); N];
            for (j, sum) in sums.iter_mut().enumerate() {
                if !p.bias.is_null() {
                    *sum = S::splat(*p.bias.add(j));
                }
            }
            let (from, factors) = (p.a.add(i * p.a_row), [1, p.b_step]);
            multiply_turned::<S, N>(&mut sums, [rows, p.a_row], from, p.k, p.b, factors);
            for (j, &sum) in sums.iter().enumerate() {
                let mut lanes = [0.0; LANES];
                S::store(lanes.as_mut_ptr(), sum);
                for (r, &y) in lanes[..rows].iter().enumerate() {
                    *p.c.add((i + r) * p.c_row + j) = y;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::MOST;
    use crate::{Backend, Clock, Column, Cpu, Graph, Plan, Reference, Rows};

    const INPUTS: usize = 37;
    const ROWS: usize = 45;

    fn answers<B: Backend>(backend: &B, plan: &Plan, y: crate::Buf, x: &[f32]) -> Vec<f64> {
        let columns = [Column::F32(x)];
        let rows = Rows::all(plan, &columns).expect("whole rows");
        let mut arena = backend.allocate(&[plan], rows.count()).expect("memory");
        for parameter in plan.parameters() {
            let values: Vec<f64> = (0..parameter.span.len).map(|i| (i as f64 * 0.37).sin()).collect();
            backend.write(&mut arena, parameter.span, &values);
        }
        backend.run(plan, &mut arena, &rows, Clock::default());
        backend.read(plan, &arena, y)
    }

    /// With a bias and without, a part of a block in both directions.
    #[test]
    fn a_row_alone_is_as_in_a_batch() {
        for outputs in 1..=MOST + 1 {
            let g = Graph::new();
            let (x, w) = (g.input("x", [INPUTS]), g.parameter("w", [INPUTS, outputs]));
            for y in [x.matmul(w), x.affine(w, g.parameter("b", [outputs]))] {
                let plan = g.predict(&[y]).expect("shapes fit");
                let y = plan.value(y).expect("it is delivered");
                let x: Vec<f32> = (0..ROWS * INPUTS).map(|i| (i as f32 * 0.73).sin()).collect();
                let expected = answers(&Reference, &plan, y, &x);
                for cpu in Cpu::each(1) {
                    let set = cpu.instruction_set();
                    let found = answers(&cpu, &plan, y, &x);
                    for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
                        assert!((found - expected).abs() < 1e-5, "{set}, {i}: {found}, reference {expected}");
                    }
                    for (row, together) in x.chunks(INPUTS).zip(found.chunks(outputs)) {
                        assert!(answers(&cpu, &plan, y, row) == together, "{set}, {outputs} outputs");
                    }
                }
            }
        }
    }
}
