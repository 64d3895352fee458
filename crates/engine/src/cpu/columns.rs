//! Few rows and a large weight: the team shares the columns of the product instead of the rows.
//!
//! By rows, each thread reads all of the weight, which takes longer than to multiply; and a single row has nothing to
//! share. By columns each reads its part alone. So where the large products of an examples' sweep are all there is to share,
//! each of them is a turn of the team, over all rows in the first scratch region, and the caller does the calls between them.
//! No element's chain of operations depends on who computes it, so the bits are the same.

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
    /// Columns are shared by weights of at least so many numbers,
    pub(super) weight: usize,
    /// for so many rows at most,
    pub(super) rows: usize,
    /// where all other calls have fewer floating-point operations.
    pub(super) other_flops: u64,
}

impl Limits {
    pub(super) const MEASURED: Limits = Limits { run_flops: 300_000, weight: 1 << 16, rows: 32, other_flops: 300_000 };
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
        if rows > limits.rows.min(self.zones.scratch_rows) {
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
        self.matmul(&self.plan.calls[number], at, edge(at.worker)..edge(at.worker + 1));
    }
}
