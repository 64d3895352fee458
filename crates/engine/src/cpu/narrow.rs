//! Products of one or two columns: the lanes are rows.
//!
//! A score or two for each row would fill as many lanes of sixteen. So sixteen rows of A are turned, block by block, and their numbers
//! multiplied with one of B at a time. The chains are those of `product.rs`, and so are the bits.

use std::mem::MaybeUninit;

use super::product::{Finish, Product};
use super::simd::{LANES, Simd};

/// Columns at most: by more, turning costs what it saves.
const MOST: usize = 2;

/// Sixteen rows of C, or of A's columns.
#[repr(align(64))]
struct Block {
    _room: [f32; LANES * LANES],
}

impl Product<'_> {
    /// Whether to compute it here: it has rows and depth to fill a block.
    pub(super) fn is_narrow(&self) -> bool {
        let plain = !self.b_transposed && !self.adds && self.a_col == 1 && matches!(self.finish, Finish::None);
        plain && self.n <= MOST && self.m >= LANES && self.k >= LANES
    }
}

/// Computes the product.
///
/// # Safety
/// As for [`product`](super::product::product), and it is narrow.
#[inline(always)]
pub(super) unsafe fn product<S: Simd>(p: &Product) {
    let mut block = MaybeUninit::<Block>::uninit();
    let block = block.as_mut_ptr().cast::<f32>();
    for i in (0..p.m).step_by(LANES) {
        let rows = LANES.min(p.m - i);
        // SAFETY: the caller's promises, for these rows; the block holds sixteen vectors.
        unsafe {
            let mut sums = [S::splat(0.0); MOST];
            for (j, sum) in sums[..p.n].iter_mut().enumerate() {
                if !p.bias.is_null() {
                    *sum = S::splat(*p.bias.add(j));
                }
            }
            for k in (0..p.k).step_by(LANES) {
                let depth = LANES.min(p.k - k);
                S::transpose(p.a.add(i * p.a_row + k), p.a_row, rows, depth, block, LANES);
                for d in 0..depth {
                    let (column, b) = (S::load(block.add(d * LANES)), p.b.add((k + d) * p.b_step));
                    sums[0] = S::fma(column, S::splat(*b), sums[0]);
                    if p.n > 1 {
                        sums[1] = S::fma(column, S::splat(*b.add(1)), sums[1]);
                    }
                }
            }
            for (j, &sum) in sums[..p.n].iter().enumerate() {
                S::store(block.add(j * LANES), sum);
            }
            for r in 0..rows {
                for j in 0..p.n {
                    *p.c.add((i + r) * p.c_row + j) = *block.add(j * LANES + r);
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
