//! Few rows and a large weight: the team shares the columns of the product instead of the rows.
//!
//! By rows, each thread reads all of the weight, which takes longer than to multiply; and a single row has nothing to
//! share. By columns each reads its part alone. So where the large products of an examples' sweep are all there is to share,
//! each of them is a turn of the team, over all rows in the first scratch region, and the caller does the calls between them.
//! No element's chain of operations depends on who computes it, so the bits are the same.

use super::few_rows;
use super::product::TILE_COLUMNS;
use super::run::{Chunk, Run, Unwatched};
use super::team::Team;
use crate::kernel::Kernel;
use crate::shape::Extent;
use crate::sweeps::Sweep;

/// From where on it pays to share work, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// A run of fewer floating-point operations is done by the caller alone: the others' part would cost
    /// more to hand over than to do.
    pub(super) run_flops: u64,
    /// One of fewer than these is timed alone and shared.
    pub(super) paced_flops: u64,
    /// Columns are shared by weights of at least so many numbers,
    pub(super) weight: usize,
    /// for so many rows at most,
    pub(super) rows: usize,
    /// where all other calls have fewer floating-point operations.
    pub(super) other_flops: u64,
}

impl Limits {
    pub(super) const MEASURED: Limits =
        Limits { run_flops: 300_000, paced_flops: 30_000_000, weight: 1 << 16, rows: 6, other_flops: 300_000 };
}

impl Run<'_> {
    fn shares_columns(&self, number: usize, limits: Limits) -> bool {
        match self.plan.calls[number] {
            Kernel::Matmul { b, sizes, .. } => {
                self.plan.values[b.index()].extent == Extent::Whole && sizes.k * sizes.n >= limits.weight
            }
            _ => false,
        }
    }

    /// Whether a team should share the columns of the sweep's products.
    pub(super) fn goes_by_columns(&self, sweep: &Sweep, limits: Limits) -> bool {
        let rows = self.rows.count;
        let most = limits.rows.max(few_rows::most(self.zones.layout.parameters));
        if rows > most.min(self.zones.scratch_rows) {
            return false;
        }
        let (mut shared, mut other_flops) = (false, 0);
        for number in sweep.calls.clone() {
            if self.shares_columns(number, limits) {
                shared = true;
            } else {
                let flops = self.plan.flops_of(&self.plan.calls[number]);
                other_flops += flops.per_row * rows as u64 + flops.once;
            }
        }
        shared && (other_flops < limits.other_flops || rows == 1)
    }

    /// An examples' sweep by the whole team.
    pub(super) fn by_columns(&self, sweep: &Sweep, limits: Limits, workers: usize, team: &mut Team) {
        let all = Chunk { first: 0, count: self.rows.count, skipped: 0, region: 0, worker: 0 };
        let mut start = sweep.calls.start;
        while start < sweep.calls.end {
            let next = (start..sweep.calls.end).find(|&number| self.shares_columns(number, limits));
            let end = next.unwrap_or(sweep.calls.end);
            self.passes(start..end, all, &mut Unwatched);
            if let Some(number) = next {
                team.run(&|worker| self.columns(number, Chunk { worker, ..all }, workers));
            }
            start = end + 1;
        }
    }

    /// The worker's columns of a product, in whole tiles.
    fn columns(&self, number: usize, at: Chunk, workers: usize) {
        let Kernel::Matmul { sizes, .. } = self.plan.calls[number] else { return };
        let tiles = sizes.n.div_ceil(TILE_COLUMNS);
        let edge = |worker: usize| (tiles * worker / workers * TILE_COLUMNS).min(sizes.n);
        self.matmul(&self.plan.calls[number], at, Some(edge(at.worker)..edge(at.worker + 1)), None);
    }
}

#[cfg(test)]
mod tests {
    use crate::{Backend, Buf, Clock, Column, Cpu, Graph, Plan, Reference, Rows};

    const INPUTS: usize = 1100;
    const MOST: usize = 33;

    fn answers<B: Backend>(backend: &B, plan: &Plan, y: Buf, x: &[f32]) -> Vec<f64> {
        let columns = [Column::F32(x)];
        let rows = Rows::all(plan, &columns).expect("whole rows");
        let mut arena = backend.allocate(&[plan], rows.count()).expect("memory");
        for parameter in plan.parameters() {
            let values: Vec<f64> = (0..parameter.span.len).map(|i| (i as f64 * 0.37).sin() * 0.05).collect();
            backend.write(&mut arena, parameter.span, &values);
        }
        backend.run(plan, &mut arena, &rows, Clock::default());
        backend.read(plan, &arena, y)
    }

    /// Every width of tile, more than one panel, and packing: by rows, by columns, and as in the largest batch.
    #[test]
    fn few_rows_by_a_large_weight_are_as_in_a_batch() {
        let g = Graph::new();
        let layer = |n: usize, from: usize, to: usize| {
            (g.parameter(&format!("{n}.w"), [from, to]), g.parameter(&format!("{n}.b"), [to]))
        };
        let ((w, b), (v, c)) = (layer(0, INPUTS, 300), layer(1, 300, 270));
        let y = g.input("x", [INPUTS]).affine(w, b).relu().affine(v, c).tanh();
        let plan = g.predict(&[y]).expect("shapes fit");
        let y = plan.value(y).expect("it is delivered");
        let x: Vec<f32> = (0..MOST * INPUTS).map(|i| (i as f32 * 0.73).sin()).collect();
        let expected = answers(&Reference, &plan, y, &x);
        for one in Cpu::each(1) {
            let all = answers(&one, &plan, y, &x);
            for (i, (found, expected)) in all.iter().zip(&expected).enumerate() {
                assert!(
                    (found - expected).abs() < 1e-5,
                    "{}, {i}: {found}, reference {expected}",
                    one.instruction_set()
                );
            }
            for rows in (1..=9).chain([12, 13, 16, 32, MOST]) {
                for cpu in [1, 2, 3].into_iter().flat_map(Cpu::each) {
                    if cpu.instruction_set() == one.instruction_set() {
                        let found = answers(&cpu, &plan, y, &x[..rows * INPUTS]);
                        assert!(
                            found == all[..found.len()],
                            "{rows} rows, {} × {}",
                            one.instruction_set(),
                            cpu.threads()
                        );
                    }
                }
            }
        }
    }
}
