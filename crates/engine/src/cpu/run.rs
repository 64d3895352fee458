//! One run at work: each worker's part of the sweeps.

use std::ops::Range;

use super::embedding;
use super::fold::{BLOCK, Columns, Fold, Target};
use super::instruction_set::Kernels;
use super::parts;
use super::product::{PANEL, TILE_COLUMNS};
use super::simd::LANES;
use super::weight_gradient::{Part, WeightGradient};
use super::winograd;
use crate::backend::Zones;
use crate::kernel::{BufId, Gradient, Kernel, SQUARES, Sizes};
use crate::layout::Zone;
use crate::optimizer::{Optimizer, Step};
use crate::plan::Plan;
use crate::rows::{Clock, Rows};
use crate::shape::Extent;
use crate::sweeps::{Sweep, end_of_pass, gathered_by, shares_weights};
use crate::window::Window;

/// Numbers that each worker has for packing and for blocks of gradients.
pub(super) const ROOM: usize = PANEL + (parts::BUFFERS + 1) * BLOCK;

/// Numbers that a worker needs for this call: those, and for a change of basis.
pub(super) fn room(call: &Kernel) -> usize {
    let tiles = match call {
        Kernel::Conv2d { window, .. } | Kernel::Conv2dGradient { window, .. } => winograd::room(window),
        _ => 0,
    };
    ROOM + tiles.next_multiple_of(LANES)
}

/// Told of each call that a worker has finished.
pub(super) trait Watch {
    fn finished(&mut self, call: usize);
}

/// Nobody looks.
pub(super) struct Unwatched;

impl Watch for Unwatched {
    #[inline(always)]
    fn finished(&mut self, _: usize) {}
}

/// The time that each call takes, in seconds.
pub(super) struct Stopwatch {
    pub(super) since: std::time::Instant,
    pub(super) seconds: Vec<f64>,
}

impl Watch for Stopwatch {
    fn finished(&mut self, call: usize) {
        let now = std::time::Instant::now();
        self.seconds[call] += (now - self.since).as_secs_f64();
        self.since = now;
    }
}

/// What all workers of a run share.
pub(super) struct Run<'a> {
    pub(super) plan: &'a Plan,
    base: *mut f32,
    pub(super) zones: Zones,
    /// Where the workers' room begins, and the numbers of each one's.
    room: usize,
    own: usize,
    /// Where in a worker's room the sums over its own rows begin: at its end.
    own_sums: usize,
    pub(super) workers: usize,
    pub(super) rows: &'a Rows<'a>,
    pub(super) clock: Clock,
    pub(super) kernels: &'static Kernels,
}

// SAFETY: workers share `base`, and write where no other does: chunks have their own rows and each worker
// its own scratch region and room; slices of wholes do not overlap; and the calls of one
// parameters' sweep do not depend on one another.
unsafe impl Sync for Run<'_> {}

/// A value as a worker sees it.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    /// The first row at hand.
    pub(super) p: *mut f32,
    /// Numbers from row to row: 0 for a whole.
    pub(super) step: usize,
    /// Numbers of a row, or of the whole.
    pub(super) len: usize,
}

/// The numbers of a row.
///
/// # Safety
/// The slot has that row, and nobody writes it while the slice lives.
pub(super) unsafe fn cells<'a>(slot: Slot, r: usize) -> &'a [f32] {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(slot.row(r), slot.len) }
}

/// The numbers of a row, for writing.
///
/// # Safety
/// The slot has that row, and nobody else reads or writes it while the slice lives.
pub(super) unsafe fn cells_mut<'a>(slot: Slot, r: usize) -> &'a mut [f32] {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts_mut(slot.row(r), slot.len) }
}

impl Slot {
    pub(super) fn row(self, r: usize) -> *mut f32 {
        self.p.wrapping_add(r * self.step)
    }

    /// The step along the elements of a row of `len`: 0 for a scalar, which stands for each.
    pub(super) fn along(self, len: usize) -> usize {
        usize::from(self.len == len)
    }
}

/// The rows of a chunk, and who computes them.
#[derive(Clone, Copy)]
pub(super) struct Chunk {
    pub(super) first: usize,
    pub(super) count: usize,
    /// Rows of the scratch region that stand before these.
    pub(super) skipped: usize,
    /// Which scratch region they are in.
    pub(super) region: usize,
    /// Whose room it is packed in.
    pub(super) worker: usize,
}

impl<'a> Run<'a> {
    /// `cells` holds the zones, and from `room` on the workers' rooms of `own` numbers each.
    pub(super) fn new(
        plan: &'a Plan,
        cells: &'a mut [f32],
        zones: Zones,
        [room, own, workers]: [usize; 3],
        rows: &'a Rows<'a>,
        clock: Clock,
        kernels: &'static Kernels,
    ) -> Self {
        debug_assert!(room + zones.scratch_regions * own <= cells.len());
        let own_sums = own.checked_sub(if workers > 1 { parts::room(plan, rows.count) } else { 0 });
        let own_sums = own_sums.filter(|&own_sums| own_sums >= ROOM);
        let own_sums = own_sums.expect("the arena was allocated for plans with fewer sums over rows");
        Run { plan, base: cells.as_mut_ptr(), zones, room, own, own_sums, workers, rows, clock, kernels }
    }

    /// The worker's part of an examples' sweep: an equal number of neighbouring chunks.
    pub(super) fn examples(&self, sweep: &Sweep, chunk: usize, worker: usize, workers: usize, watch: &mut impl Watch) {
        let chunks = self.rows.count.div_ceil(chunk);
        let neighbours =
            || chunks * worker / workers * chunk..(chunks * (worker + 1) / workers * chunk).min(self.rows.count);
        let rows = self.own_rows(worker, workers).unwrap_or_else(neighbours);
        for first in rows.clone().step_by(chunk) {
            let count = chunk.min(rows.end - first);
            self.passes(sweep.calls.clone(), Chunk { first, count, skipped: 0, region: worker, worker }, watch);
        }
    }

    /// A chunk through neighbouring calls of a sweep.
    pub(super) fn passes(&self, calls: Range<usize>, at: Chunk, watch: &mut impl Watch) {
        let mut start = calls.start;
        while start < calls.end {
            let end = end_of_pass(&self.plan.calls, calls.end, start);
            let call = |number: usize| &self.plan.calls[number];
            let product = Some(end - 1).filter(|&last| shares_weights(call(last)));
            let gathered = product.and_then(|last| gathered_by(&self.plan.calls, start, last));
            self.a_few_rows_at_a_time(start..product.unwrap_or(end), gathered, at, watch);
            if let Some(number) = product {
                let soon = gathered.map(call).or_else(|| self.written_soon(number..calls.end).map(call));
                match call(number) {
                    product @ Kernel::Matmul { .. } => self.matmul(product, at, None, soon),
                    other => self.row_wise(other, at),
                }
                watch.finished(number);
            }
            start = end;
        }
    }

    /// A chunk through calls that are not products, `but` for one.
    fn a_few_rows_at_a_time(&self, calls: Range<usize>, but: Option<usize>, at: Chunk, watch: &mut impl Watch) {
        let calls = calls.filter(|&number| Some(number) != but);
        let few = self.few_rows(calls.clone());
        for done in (0..at.count).step_by(few) {
            let count = few.min(at.count - done);
            let part = Chunk { first: at.first + done, count, skipped: at.skipped + done, ..at };
            for number in calls.clone() {
                self.row_wise(&self.plan.calls[number], part);
                watch.finished(number);
            }
        }
    }

    /// The next product that only writes, as its depth is small, if the first of these calls multiplies long enough to claim for it what it
    /// will write, and is the last that does.
    fn written_soon(&self, calls: Range<usize>) -> Option<usize> {
        let long = |sizes: Sizes| sizes.k > 2 * LANES && sizes.n > 2 * LANES;
        let product = |number: usize| match self.plan.calls[number] {
            Kernel::Matmul { y, sizes, .. } => Some((number, sizes, self.plan.places[y.index()].zone)),
            _ => None,
        };
        let mut products = calls.filter_map(product);
        products.next().filter(|&(_, sizes, _)| long(sizes) && self.workers > 1)?;
        let writes =
            |&(_, sizes, zone): &(usize, Sizes, Zone)| sizes.k <= LANES && sizes.n > LANES && zone == Zone::Kept;
        products.take_while(|&(_, sizes, _)| !long(sizes)).find(writes).map(|(number, ..)| number)
    }

    /// So many rows that what the widest of these calls writes stays in a first-level cache.
    fn few_rows(&self, calls: impl Iterator<Item = usize>) -> usize {
        const NUMBERS: usize = 8 * 1024;
        let width = |number: usize| self.plan.values[self.plan.calls[number].result().index()].shape.len();
        let widest = calls.map(width).fold(1, usize::max);
        (NUMBERS / widest).max(1)
    }

    /// The worker's slice of a gradient or update, or every so many of the other calls.
    pub(super) fn slice_of(&self, number: usize, worker: usize, workers: usize) {
        let call = &self.plan.calls[number];
        let slice = |len: usize| len * worker / workers..len * (worker + 1) / workers;
        let vectors = |len: usize| {
            let part = slice(len.div_ceil(LANES));
            part.start * LANES..len.min(part.end * LANES)
        };
        // By the longer side, so that less of the two operands is read, and later taken back, from other cores.
        let share = |sizes: Sizes| {
            if sizes.n > 4 * sizes.k && sizes.n >= workers * TILE_COLUMNS {
                let tiles = slice(sizes.n.div_ceil(TILE_COLUMNS));
                [0..sizes.k, tiles.start * TILE_COLUMNS..sizes.n.min(tiles.end * TILE_COLUMNS)]
            } else {
                [slice(sizes.k), 0..sizes.n]
            }
        };
        match *call {
            Kernel::MatmulRows { a, b, y, sizes } => {
                self.fold(a, b, sizes, share(sizes), worker, Target::Store(self.whole(y).p));
            }
            Kernel::Conv2dGradient { x, dy, dw, window } => {
                let (x, dy, dw) = (self.whole(x), self.whole(dy), self.whole(dw).p);
                let rows = if dy.step == 0 { 1 } else { self.rows.count };
                let gradient = WeightGradient {
                    window,
                    rows,
                    x: x.p,
                    dy: dy.p,
                    dw,
                    part: Part::of(&window, worker, workers),
                    panel: self.panel(worker),
                    room: self.basis(worker, &window),
                    kernels: self.kernels,
                };
                // SAFETY: kept values of all rows; the part is this worker's alone, and so is the panel.
                unsafe { (self.kernels.weight_gradient)(&gradient) }
            }
            Kernel::LookupGradient { x, dy, dw, width } => {
                let (x, dy, dw) = (self.whole(x), self.whole(dy), self.whole(dw));
                let rows = slice(dw.len / width);
                // SAFETY: these rows of the table are this worker's alone.
                let part = unsafe {
                    std::slice::from_raw_parts_mut(dw.p.wrapping_add(rows.start * width), rows.len() * width)
                };
                part.fill(0.0);
                for r in 0..if dy.step == 0 { 1 } else { self.rows.count } {
                    // SAFETY: kept values of all rows.
                    unsafe { embedding::add(cells(x, r), cells(dy, r), width, rows.start, part) }
                }
            }
            Kernel::SumSquares { x, y, at } => {
                let (x, y) = (self.whole(x), self.whole(y).p);
                for i in slice(x.len.div_ceil(SQUARES)) {
                    let from = i * SQUARES;
                    // SAFETY: a part of x, and the element of y that stands for it.
                    unsafe {
                        let (x, len) = (x.p.wrapping_add(from), SQUARES.min(x.len - from));
                        (self.kernels.sum_squares)(x, len, y.wrapping_add(at + i));
                    }
                }
            }
            Kernel::Update { optimizer, parameter, gradient, squared_norm } => {
                let step = self.step(optimizer, squared_norm);
                let (w, block) = (self.whole(parameter), self.zones.layout.parameters);
                match gradient {
                    Gradient::MatmulRows { a, b, sizes } => {
                        self.fold(a, b, sizes, share(sizes), worker, Target::Update { step, w: w.p, block });
                    }
                    Gradient::Stored(g) => {
                        let part = slice(w.len);
                        let (w, g) = (w.p.wrapping_add(part.start), self.whole(g).p.wrapping_add(part.start));
                        // SAFETY: a part of the parameter and of its gradient, of the same length.
                        unsafe { (self.kernels.update)(step, w, block, g, part.len()) }
                    }
                    Gradient::SumRows(x) => {
                        let (x, at) = self.columns_of(x, vectors(w.len));
                        let (w, buffer) = (w.p.wrapping_add(at), self.buffer(worker));
                        // SAFETY: x has a row of as many numbers as w for each row of the batch.
                        unsafe { (self.kernels.sum_rows_update)(x, step, w, block, buffer) }
                    }
                }
            }
            Kernel::SumRows { x, y } => {
                let y = self.whole(y);
                let (x, at) = self.columns_of(x, vectors(y.len));
                // SAFETY: x has a row of as many numbers as y for each row of the batch.
                unsafe { (self.kernels.sum_rows)(x, y.p.wrapping_add(at)) }
            }
            Kernel::MeanRows { x, y } if number % workers == worker => self.mean_rows(x, y),
            Kernel::MeanRows { .. } => {}
            _ if number % workers == worker => {
                self.row_wise(call, Chunk { first: 0, count: 1, skipped: 0, region: worker, worker });
            }
            _ => {}
        }
    }

    /// The optimizer's step at this time.
    pub(super) fn step(&self, optimizer: Optimizer, squared_norm: Option<BufId>) -> Step {
        // SAFETY: a scalar of this plan in this arena, which nobody writes in this sweep.
        let squared_norm = squared_norm.map(|v| f64::from(unsafe { *self.whole(v).p }));
        Step::new(optimizer, self.clock, squared_norm)
    }

    /// These columns of all rows of a kept value, and the first of them.
    fn columns_of(&self, x: BufId, columns: Range<usize>) -> (Columns, usize) {
        let (x, at) = (self.whole(x), columns.start);
        let columns = Columns { x: x.p.wrapping_add(at), rows: self.rows.count, step: x.len, len: columns.len() };
        (columns, at)
    }

    pub(super) fn slot(&self, v: BufId, at: Chunk) -> Slot {
        let (place, value) = (self.plan.places[v.index()], &self.plan.values[v.index()]);
        let len = value.shape.len();
        let step = if value.extent == Extent::Row { len } else { 0 };
        let before = match place.zone {
            Zone::Kept => at.first * len,
            Zone::Scratch => at.skipped * len,
            _ => 0,
        };
        let start = self.zones.start(place, at.region) + before;
        Slot { p: self.base.wrapping_add(start), step, len }
    }

    /// A whole value, or a kept one from its first row on.
    pub(super) fn whole(&self, v: BufId) -> Slot {
        self.slot(v, Chunk { first: 0, count: self.rows.count, skipped: 0, region: 0, worker: 0 })
    }

    pub(super) fn panel(&self, worker: usize) -> *mut f32 {
        self.base.wrapping_add(self.room + worker * self.own)
    }

    /// The sums over a worker's own rows.
    pub(super) fn own_sums(&self, worker: usize) -> *mut f32 {
        self.panel(worker).wrapping_add(self.own_sums)
    }

    pub(super) fn buffer(&self, worker: usize) -> *mut f32 {
        self.panel(worker).wrapping_add(PANEL)
    }

    /// Where the worker changes the basis of this convolution.
    ///
    /// # Panics
    /// If the arena was allocated for plans that need less, which no count of values tells.
    pub(super) fn basis(&self, worker: usize, window: &Window) -> *mut f32 {
        assert!(
            ROOM + winograd::room(window) <= self.own_sums,
            "the arena was allocated for plans without such a convolution"
        );
        self.panel(worker).wrapping_add(ROOM)
    }

    fn fold(&self, a: BufId, b: BufId, sizes: Sizes, part: [Range<usize>; 2], worker: usize, target: Target) {
        let fold = Fold { a: self.whole(a).p, b: self.whole(b).p, part, target, ..self.fold_of(sizes, worker) };
        // SAFETY: kept values of all rows; the part is this worker's alone.
        unsafe { (self.kernels.fold)(&fold) }
    }

    /// A fold over all rows of what is still to be said.
    pub(super) fn fold_of(&self, sizes: Sizes, worker: usize) -> Fold {
        Fold {
            rows: self.rows.count * sizes.m,
            width: sizes.k,
            n: sizes.n,
            a: std::ptr::null(),
            b: std::ptr::null(),
            part: [0..0, 0..0],
            target: Target::Store(std::ptr::null_mut()),
            shared: self.workers > 1,
            panel: self.panel(worker),
            buffer: self.buffer(worker),
            turned: self.buffer(worker).wrapping_add(parts::BUFFERS * BLOCK),
            kernels: self.kernels,
        }
    }

    /// In f64: the mean loss of a large batch must not lose the last of its rows.
    fn mean_rows(&self, x: BufId, y: BufId) {
        let (x, y) = (self.whole(x), self.whole(y));
        for i in 0..y.len {
            // SAFETY: x has a row of as many numbers as y for each row of the batch.
            let sum: f64 = (0..self.rows.count).map(|r| f64::from(unsafe { *x.row(r).add(i) })).sum();
            // SAFETY: i is below y's length.
            unsafe { *y.p.add(i) = (sum / self.rows.count as f64) as f32 }
        }
    }
}
