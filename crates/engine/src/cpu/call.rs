//! One run at work: each call of a plan, over a chunk of rows or a slice of a whole.

use super::convolution::{Convolution, WeightGradient, WeightSteps, spread};
use super::fold::{BLOCK, Fold, Target};
use super::gather::gather;
use super::instruction_set::Kernels;
use super::pool::max_pool_gradient;
use super::product::{Finish, PANEL, Product};
use super::softmax::class;
use crate::backend::Zones;
use crate::kernel::{BufId, Epilogue, Gradient, Kernel, Map, Sizes};
use crate::optimizer::Step;
use crate::plan::{Plan, Zone};
use crate::rows::{Clock, Rows};
use crate::shape::Extent;
use crate::sweeps::Sweep;

/// Numbers that each worker has for packing and for blocks of gradients.
pub(super) const ROOM: usize = PANEL + BLOCK;

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
    plan: &'a Plan,
    base: *mut f32,
    zones: Zones,
    /// Where the workers' room begins.
    room: usize,
    rows: &'a Rows<'a>,
    clock: Clock,
    kernels: &'a Kernels,
}

// SAFETY: workers share `base`, and write where no other does: chunks have their own rows and each worker
// its own scratch region and room; slices of wholes do not overlap; and the calls of one
// parameters' sweep do not depend on one another.
unsafe impl Sync for Run<'_> {}

/// A value as a worker sees it.
#[derive(Clone, Copy)]
struct Slot {
    /// The first row at hand.
    p: *mut f32,
    /// Numbers from row to row: 0 for a whole.
    step: usize,
    /// Numbers of a row, or of the whole.
    len: usize,
}

/// The numbers of a row.
///
/// # Safety
/// The slot has that row, and nobody writes it while the slice lives.
unsafe fn cells<'a>(slot: Slot, r: usize) -> &'a [f32] {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(slot.row(r), slot.len) }
}

/// The numbers of a row, for writing.
///
/// # Safety
/// The slot has that row, and nobody else reads or writes it while the slice lives.
unsafe fn cells_mut<'a>(slot: Slot, r: usize) -> &'a mut [f32] {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts_mut(slot.row(r), slot.len) }
}

impl Slot {
    fn row(self, r: usize) -> *mut f32 {
        self.p.wrapping_add(r * self.step)
    }

    /// The step along the elements of a row of `len`: 0 for a scalar, which stands for each.
    fn along(self, len: usize) -> usize {
        usize::from(self.len == len)
    }
}

/// The rows of a chunk, and who computes them.
#[derive(Clone, Copy)]
struct Chunk {
    first: usize,
    count: usize,
    /// Rows of the worker's scratch region that stand before these.
    skipped: usize,
    worker: usize,
}

impl<'a> Run<'a> {
    /// `cells` holds the zones, and from `room` on the workers' room.
    pub(super) fn new(
        plan: &'a Plan,
        cells: &'a mut [f32],
        zones: Zones,
        room: usize,
        rows: &'a Rows<'a>,
        clock: Clock,
        kernels: &'a Kernels,
    ) -> Self {
        debug_assert!(room + zones.scratch_regions * ROOM <= cells.len());
        Run { plan, base: cells.as_mut_ptr(), zones, room, rows, clock, kernels }
    }

    /// The worker's part of an examples' sweep: an equal number of neighbouring chunks.
    pub(super) fn examples(&self, sweep: &Sweep, chunk: usize, worker: usize, workers: usize, watch: &mut impl Watch) {
        let chunks = self.rows.count.div_ceil(chunk);
        for c in chunks * worker / workers..chunks * (worker + 1) / workers {
            let first = c * chunk;
            let at = Chunk { first, count: chunk.min(self.rows.count - first), skipped: 0, worker };
            let mut calls = sweep.calls.clone();
            while let Some(start) = calls.next() {
                let shares_weights = |number: usize| matches!(self.plan.calls[number], Kernel::Matmul { .. });
                if shares_weights(start) {
                    self.row_wise(&self.plan.calls[start], at);
                    watch.finished(start);
                    continue;
                }
                // Calls that gain nothing from many rows go over few at a time, while those are in cache.
                let mut end = start + 1;
                while calls.start < calls.end && !shares_weights(calls.start) {
                    end = calls.start + 1;
                    calls.next();
                }
                let few = self.few_rows(start..end);
                for first in (at.first..at.first + at.count).step_by(few) {
                    let part =
                        Chunk { first, count: few.min(at.first + at.count - first), skipped: first - at.first, worker };
                    for number in start..end {
                        self.row_wise(&self.plan.calls[number], part);
                        watch.finished(number);
                    }
                }
            }
        }
    }

    /// So many rows that what the widest of these calls writes stays in a first-level cache.
    fn few_rows(&self, calls: std::ops::Range<usize>) -> usize {
        const NUMBERS: usize = 8 * 1024;
        let width = |call: &Kernel| self.plan.values[call.result().index()].shape.len();
        let widest = self.plan.calls[calls].iter().map(width).fold(1, usize::max);
        (NUMBERS / widest).max(1)
    }

    /// The worker's part of a parameters' sweep: a slice of each gradient and update, and every so
    /// many of the other calls.
    pub(super) fn parameters(&self, sweep: &Sweep, worker: usize, workers: usize, watch: &mut impl Watch) {
        for number in sweep.calls.clone() {
            self.slice_of(number, worker, workers);
            watch.finished(number);
        }
    }

    fn slice_of(&self, number: usize, worker: usize, workers: usize) {
        let call = &self.plan.calls[number];
        let slice = |len: usize| len * worker / workers..len * (worker + 1) / workers;
        match *call {
            Kernel::MatmulRows { a, b, y, sizes } => {
                self.fold(a, b, sizes, slice(sizes.k), worker, Target::Store(self.whole(y).p));
            }
            Kernel::Conv2dGradient { x, dy, dw, window } => {
                let part = slice(window.output[0]);
                let (x, dy, dw) = (self.whole(x), self.whole(dy), self.whole(dw).p);
                let rows = if dy.step == 0 { 1 } else { self.rows.count };
                let (from, to) = (part.start, part.end);
                let gradient = WeightGradient { window, rows, x: x.p, dy: dy.p, dw, from, to };
                // SAFETY: kept values of all rows; the channels are this worker's alone.
                unsafe { (self.kernels.weight_gradient)(&gradient) }
            }
            Kernel::Update { rule, parameter, gradient } => {
                let step = Step::new(rule, self.clock.rate, self.clock.step);
                let (w, block) = (self.whole(parameter), self.zones.layout.parameters);
                match gradient {
                    Gradient::MatmulRows { a, b, sizes } => {
                        self.fold(a, b, sizes, slice(sizes.k), worker, Target::Update { step, w: w.p, block });
                    }
                    Gradient::Stored(g) => {
                        let part = slice(w.len);
                        let (w, g) = (w.p.wrapping_add(part.start), self.whole(g).p.wrapping_add(part.start));
                        // SAFETY: a part of the parameter and of its gradient, of the same length.
                        unsafe { (self.kernels.update)(step, w, block, g, part.len()) }
                    }
                    Gradient::SumRows(x) if number % workers == worker => {
                        let (rows, x) = (self.rows.count, self.whole(x));
                        let buffer = self.buffer(worker);
                        // SAFETY: x has `rows` rows of as many numbers as w.
                        unsafe { (self.kernels.sum_rows_update)(rows, w.len, x.p, step, w.p, block, buffer) }
                    }
                    Gradient::SumRows(_) => {}
                }
            }
            Kernel::SumRows { x, y } if number % workers == worker => {
                let (x, y) = (self.whole(x), self.whole(y));
                // SAFETY: x has a row of as many numbers as y for each row of the batch.
                unsafe { (self.kernels.sum_rows)(self.rows.count, y.len, x.p, y.p) }
            }
            Kernel::MeanRows { x, y } if number % workers == worker => self.mean_rows(x, y),
            Kernel::SumRows { .. } | Kernel::MeanRows { .. } => {}
            _ if number % workers == worker => self.row_wise(call, Chunk { first: 0, count: 1, skipped: 0, worker }),
            _ => {}
        }
    }

    fn slot(&self, v: BufId, at: Chunk) -> Slot {
        let (place, value) = (self.plan.places[v.index()], &self.plan.values[v.index()]);
        let len = value.shape.len();
        let step = if value.extent == Extent::Row { len } else { 0 };
        let before = match place.zone {
            Zone::Kept => at.first * len,
            Zone::Scratch => at.skipped * len,
            _ => 0,
        };
        let start = self.zones.start(place, at.worker) + before;
        Slot { p: self.base.wrapping_add(start), step, len }
    }

    /// A whole value, or a kept one from its first row on.
    fn whole(&self, v: BufId) -> Slot {
        self.slot(v, Chunk { first: 0, count: self.rows.count, skipped: 0, worker: 0 })
    }

    fn panel(&self, worker: usize) -> *mut f32 {
        self.base.wrapping_add(self.room + worker * ROOM)
    }

    fn buffer(&self, worker: usize) -> *mut f32 {
        self.panel(worker).wrapping_add(PANEL)
    }

    fn fold(&self, a: BufId, b: BufId, sizes: Sizes, part: std::ops::Range<usize>, worker: usize, target: Target) {
        let fold = Fold {
            rows: self.rows.count * sizes.m,
            width: sizes.k,
            n: sizes.n,
            a: self.whole(a).p,
            b: self.whole(b).p,
            from: part.start,
            to: part.end,
            target,
            panel: self.panel(worker),
            buffer: self.buffer(worker),
        };
        // SAFETY: kept values of all rows; the part is this worker's alone.
        unsafe { (self.kernels.fold)(&fold) }
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

    /// A call over the rows of a chunk, each by itself; a call on wholes goes over one row.
    fn row_wise(&self, call: &Kernel, at: Chunk) {
        let (k, count) = (self.kernels, at.count);
        let slot = |v: BufId| self.slot(v, at);
        // SAFETY, for every block below: slots are places of this plan in this arena, which has room
        // for it and for these rows; lengths are those of the values' shapes, which ops have checked.
        match *call {
            Kernel::Gather { input, y } => {
                let y = slot(y);
                // SAFETY: as above.
                let cells = unsafe { std::slice::from_raw_parts_mut(y.p, count * y.len) };
                gather(self.rows.columns[input], self.rows, at.first, y.len, cells);
            }
            Kernel::Fill { value, per_row, y } => {
                let y = slot(y);
                let value = if per_row { value / self.rows.count as f64 } else { value };
                // SAFETY: as above.
                unsafe { std::slice::from_raw_parts_mut(y.p, count * y.len) }.fill(value as f32);
            }
            // SAFETY: as above.
            Kernel::Map { f, x, y } => unsafe { (k.map)(f, slot(x).p, slot(y).p, count * slot(y).len) },
            Kernel::Zip { f, a, b, y } => {
                let (a, b, y) = (slot(a), slot(b), slot(y));
                let each_row = |x: Slot| x.step == x.len && x.len == y.len;
                if each_row(a) && each_row(b) {
                    // SAFETY: as above.
                    unsafe { (k.zip)(f, a.p, 1, b.p, 1, y.p, count * y.len) }
                } else {
                    for r in 0..count {
                        // SAFETY: as above.
                        unsafe { (k.zip)(f, a.row(r), a.along(y.len), b.row(r), b.along(y.len), y.row(r), y.len) }
                    }
                }
            }
            Kernel::Broadcast { x, y } => {
                let (x, y) = (slot(x), slot(y));
                for r in 0..count {
                    for i in 0..y.len {
                        // SAFETY: as above.
                        unsafe { *y.row(r).add(i) = *x.row(r).add(i * x.along(y.len)) }
                    }
                }
            }
            Kernel::Matmul { .. } => self.matmul(call, at),
            Kernel::Spread { x, y, from, to, corner, step } => {
                let (x, y) = (slot(x), slot(y));
                for r in 0..count {
                    // SAFETY: as above.
                    let (x, y) = unsafe { (cells(x, r), cells_mut(y, r)) };
                    spread(x, y, from, to, corner, step);
                }
            }
            Kernel::Conv2d { .. } => self.convolution(call, at),
            Kernel::SumPositions { x, y } => {
                let (x, y) = (slot(x), slot(y));
                let plane = x.len / y.len;
                for r in 0..count {
                    for c in 0..y.len {
                        let channel = x.row(r).wrapping_add(c * plane);
                        // SAFETY: as above; a channel's positions are rows of one number.
                        unsafe { (k.sum_elements)(channel, plane, y.row(r).add(c)) }
                    }
                }
            }
            Kernel::MaxPool { x, y, at: place, window } => {
                let (x, y, place) = (slot(x), slot(y), slot(place));
                for r in 0..count {
                    // SAFETY: as above.
                    unsafe { (k.max_pool)(&window, x.row(r), y.row(r), place.row(r)) }
                }
            }
            Kernel::MaxPoolGradient { dy, at: place, dx, window } => {
                let (dy, place, dx) = (slot(dy), slot(place), slot(dx));
                for r in 0..count {
                    // SAFETY: as above.
                    unsafe { max_pool_gradient(&window, cells(dy, r), cells(place, r), cells_mut(dx, r)) }
                }
            }
            Kernel::SumElements { x, y } => {
                let (x, y) = (slot(x), slot(y));
                for r in 0..count {
                    // SAFETY: as above.
                    unsafe { (k.sum_elements)(x.row(r), x.len, y.row(r)) }
                }
            }
            Kernel::MeanRowsGradient { dy, dx } => {
                let (dy, dx) = (slot(dy), slot(dx));
                for r in 0..count {
                    for i in 0..dx.len {
                        // SAFETY: as above.
                        unsafe { *dx.row(r).add(i) = *dy.p.add(i) / self.rows.count as f32 }
                    }
                }
            }
            Kernel::Softmax { x, y } => {
                let (x, y) = (slot(x), slot(y));
                for r in 0..count {
                    // SAFETY: as above.
                    unsafe { (k.softmax)(x.row(r), y.row(r), y.len) };
                }
            }
            Kernel::SoftmaxGradient { y, dy, dx } => {
                let (y, dy, dx) = (slot(y), slot(dy), slot(dx));
                for r in 0..count {
                    // SAFETY: as above.
                    unsafe { (k.softmax_gradient)(dx.len, y.row(r), dy.row(r), dx.row(r)) }
                }
            }
            Kernel::SoftmaxCrossEntropy { x, label, loss, probability } => {
                let (x, label, loss, p) = (slot(x), slot(label), slot(loss), slot(probability));
                // SAFETY: as above.
                unsafe { (k.cross_entropy)(count, x.len, x.p, label.p, label.step, loss.p, p.p) }
            }
            Kernel::SoftmaxCrossEntropyGradient { probability, label, dloss, dx } => {
                let (p, label, dloss, dx) = (slot(probability), slot(label), slot(dloss), slot(dx));
                // SAFETY: as above.
                unsafe {
                    (k.cross_entropy_gradient)(count, dx.len, p.p, label.p, label.step, dloss.p, dloss.step, dx.p);
                }
            }
            Kernel::Pick { x, label, y } => {
                let (x, label, y) = (slot(x), slot(label), slot(y));
                for r in 0..count {
                    // SAFETY: as above; the class is below x's length.
                    unsafe { *y.row(r) = class(*label.row(r), x.len).map_or(f32::NAN, |c| *x.row(r).add(c)) }
                }
            }
            Kernel::PickGradient { label, dy, dx } => {
                let (label, dy, dx) = (slot(label), slot(dy), slot(dx));
                for r in 0..count {
                    // SAFETY: as above; the class is below dx's length.
                    unsafe {
                        std::slice::from_raw_parts_mut(dx.row(r), dx.len).fill(0.0);
                        if let Some(c) = class(*label.row(r), dx.len) {
                            *dx.row(r).add(c) = *dy.row(r);
                        }
                    }
                }
            }
            Kernel::MatmulRows { .. }
            | Kernel::Conv2dGradient { .. }
            | Kernel::SumRows { .. }
            | Kernel::MeanRows { .. }
            | Kernel::Update { .. } => {
                unreachable!("folds and updates are ordered into parameters' sweeps")
            }
        }
    }

    fn convolution(&self, call: &Kernel, at: Chunk) {
        let Kernel::Conv2d { x, w, bias, y, window, transposed, epilogue } = *call else { return };
        let (x, w, y) = (self.slot(x, at), self.slot(w, at), self.slot(y, at));
        let bias = bias.map_or(std::ptr::null(), |bias| self.slot(bias, at).p.cast_const());
        let steps = WeightSteps::of(&window, transposed);
        let relu = epilogue == Epilogue::Map(Map::Relu);
        for r in 0..at.count {
            let convolution = Convolution { window, x: x.row(r), w: w.p, steps, bias, y: y.row(r), relu };
            // SAFETY: slots of this plan in this arena, with sizes that the op has checked; y is this
            // chunk's alone and shares memory with none of its operands.
            unsafe { (self.kernels.convolution)(&convolution) }
            if let (Epilogue::Map(f), false) = (epilogue, relu) {
                // SAFETY: y is a row of its own length.
                unsafe { (self.kernels.map)(f, y.row(r), y.row(r), y.len) }
            }
        }
    }

    fn matmul(&self, call: &Kernel, at: Chunk) {
        let Kernel::Matmul { a, b, bias, y, transpose_a, transpose_b, sizes, epilogue } = *call else { return };
        let Sizes { m, k, n } = sizes;
        let (a, b, y) = (self.slot(a, at), self.slot(b, at), self.slot(y, at));
        let bias = bias.map(|bias| self.slot(bias, at));
        // Rows of one matrix for all examples, where they share the other operands.
        let shared = b.step == 0 && bias.is_none_or(|bias| bias.step == 0) && a.step > 0 && (m == 1 || !transpose_a);
        let (times, m) = if shared { (1, at.count * m) } else { (at.count, m) };
        for r in 0..times {
            let product = Product {
                m,
                k,
                n,
                a: a.row(r),
                a_row: if transpose_a && !shared { 1 } else { k },
                a_col: if transpose_a && !shared { m } else { 1 },
                b: b.row(r),
                b_step: if transpose_b { k } else { n },
                b_transposed: transpose_b,
                bias: bias.map_or(std::ptr::null(), |bias| bias.row(r).cast_const()),
                c: y.row(r),
                c_row: n,
                finish: match epilogue {
                    Epilogue::None => Finish::None,
                    Epilogue::Map(f) => Finish::Map(f),
                    Epilogue::Zip(f, with) => Finish::Zip(f, self.slot(with, at).row(r)),
                },
                panel: self.panel(at.worker),
            };
            // SAFETY: slots of this plan in this arena, with sizes that the op has checked; y is this
            // chunk's alone and shares memory with none of its operands.
            unsafe { (self.kernels.product)(&product) }
        }
    }
}
