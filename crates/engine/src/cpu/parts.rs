//! Sums over the rows of a batch, by parts of it.
//!
//! Where each thread sums over all rows for its slice of a gradient, it reads rows that other cores have just written, and their next
//! step waits until it has given them up. For a small gradient of many rows that costs more than the sum. So a batch has up to eight
//! parts; each has its own sum, a chain in the order of its rows, and the sums are added in pairs, ((0 + 1) + (2 + 3)) + ..: threads
//! that share the parts out sum their own rows right behind the examples' sweep, and read of each other these sums alone.
//!
//! What goes by parts, and by how many, hangs on sizes alone, so the bits do not depend on threads: a thread that sums over all rows
//! adds the same parts in the same order.

use std::ops::Range;

use super::fold::{BLOCK, Columns, Fold, Target};
use super::run::{Chunk, Run, Watch};
use super::simd::{LANES, claim_as_it_is};
use crate::function::Zip;
use crate::kernel::{BufId, Gradient, Kernel, Sizes};
use crate::plan::Plan;
use crate::sweeps::Sweep;

/// Rows of a part, at least: a shorter sum costs a product's tiles more than a tenth.
const LEAST_ROWS: usize = 128;
/// Parts at most, a power of two.
const MOST: usize = 8;
/// Numbers that are read of all rows, for each number of the gradient, from which on it goes by parts,
const MANY: usize = 4;
/// and numbers of a gradient at most: 128 KiB.
const SMALL: usize = 1 << 15;
/// Blocks of numbers at hand while parts are added in pairs.
pub(super) const BUFFERS: usize = MOST.ilog2() as usize + 1;

/// Parts of a batch.
fn parts_of(rows: usize) -> usize {
    1 << (rows / LEAST_ROWS).clamp(1, MOST).ilog2()
}

/// The first row of a part.
fn edge(rows: usize, part: usize, parts: usize) -> usize {
    (rows * part).div_ceil(parts)
}

/// A sum over rows: numbers of a whole.
#[derive(Clone, Copy)]
struct Sum {
    of: Summed,
    len: usize,
    /// So many numbers are summed together.
    together: usize,
}

#[derive(Clone, Copy)]
enum Summed {
    /// Σ aᵀ·b.
    Products(BufId, BufId, Sizes),
    /// Σ x.
    Values(BufId),
}

/// What a call sums over rows, if it does and that is small enough to go by parts.
fn sum_of(plan: &Plan, call: &Kernel) -> Option<Sum> {
    match *call {
        Kernel::MatmulRows { a, b, sizes, .. }
        | Kernel::Update { gradient: Gradient::MatmulRows { a, b, sizes }, .. } => {
            let len = sizes.k * sizes.n;
            let small = len <= SMALL && sizes.n <= BLOCK;
            small.then_some(Sum { of: Summed::Products(a, b, sizes), len, together: sizes.n })
        }
        Kernel::SumRows { x, .. } | Kernel::Update { gradient: Gradient::SumRows(x), .. } => {
            let len = plan.values[x.index()].shape.len();
            (len <= SMALL).then_some(Sum { of: Summed::Values(x), len, together: LANES })
        }
        _ => None,
    }
}

/// Numbers that a worker needs for the sums over its own rows, in a batch of so many.
pub(super) fn room(plan: &Plan, rows: usize) -> usize {
    if parts_of(rows) == 1 {
        return 0;
    }
    let sums = plan.calls.iter().filter_map(|call| sum_of(plan, call));
    sums.map(|sum| sum.len.next_multiple_of(LANES)).sum()
}

impl Run<'_> {
    /// The sum of a call that goes by parts, and by how many.
    fn sum_by_parts(&self, call: &Kernel) -> Option<(Sum, usize)> {
        let (rows, parts) = (self.rows.count, parts_of(self.rows.count));
        let sum = sum_of(self.plan, call).filter(|_| parts > 1)?;
        let many = match sum.of {
            Summed::Products(_, _, Sizes { m, k, n }) => rows * m * (k + n) >= MANY * sum.len,
            Summed::Values(_) => true,
        };
        many.then_some((sum, parts))
    }

    /// The rows of a worker: whole parts, if their number allows it.
    pub(super) fn own_rows(&self, worker: usize, workers: usize) -> Option<Range<usize>> {
        let (rows, parts) = (self.rows.count, parts_of(self.rows.count));
        let first = |worker: usize| edge(rows, parts * worker / workers, parts);
        (workers > 1 && parts.is_multiple_of(workers)).then(|| first(worker)..first(worker + 1))
    }

    /// What the worker's own rows add to the sums of a parameters' sweep.
    pub(super) fn sum_own_rows(&self, sweep: &Sweep, worker: usize, workers: usize) {
        let mut at = 0;
        for call in &self.plan.calls[sweep.calls.clone()] {
            let Some((sum, parts)) = self.sum_by_parts(call) else { continue };
            let own = parts * worker / workers..parts * (worker + 1) / workers;
            let to = self.own_sums(worker).wrapping_add(at);
            if own.len() == 1 {
                self.add_up(sum, [own.start, parts], 0..sum.len, to, worker);
            } else {
                for numbers in blocks(0..sum.len, sum.together) {
                    let from = self.in_pairs(own.clone(), self.buffer(worker), numbers.len(), &|part, to| {
                        self.add_up(sum, [part, parts], numbers.clone(), to, worker);
                        to
                    });
                    // SAFETY: a block of sums, and the worker's own room for them.
                    unsafe { std::ptr::copy_nonoverlapping(from, to.wrapping_add(numbers.start), numbers.len()) }
                }
            }
            at += sum.len.next_multiple_of(LANES);
        }
    }

    /// The worker's part of a parameters' sweep, whose sums by parts each worker has of its own rows, or nobody yet.
    pub(super) fn parameters(
        &self,
        sweep: &Sweep,
        [worker, workers]: [usize; 2],
        summed: bool,
        watch: &mut impl Watch,
    ) {
        let mut at = 0;
        for number in sweep.calls.clone() {
            let call = &self.plan.calls[number];
            if let Some((sum, parts)) = self.sum_by_parts(call) {
                let unit = if summed { LANES } else { sum.together };
                let edge = |worker: usize| (sum.len.div_ceil(unit) * worker / workers * unit).min(sum.len);
                for numbers in blocks(edge(worker)..edge(worker + 1), unit) {
                    let (first, len) = (numbers.start, numbers.len());
                    let total = if summed {
                        self.claim_parameters(call, numbers);
                        let sums = |worker: usize| self.own_sums(worker).wrapping_add(at + first).cast_const();
                        self.in_pairs(0..workers, self.buffer(worker), len, &|worker, _| sums(worker))
                    } else {
                        self.in_pairs(0..parts, self.buffer(worker), len, &|part, to| {
                            self.add_up(sum, [part, parts], numbers.clone(), to, worker);
                            to
                        })
                    };
                    self.deliver(call, first, total, len);
                }
                at += sum.len.next_multiple_of(LANES);
            } else {
                self.slice_of(number, worker, workers);
            }
            watch.finished(number);
        }
    }

    /// The sum over the rows of one part: these numbers of it.
    fn add_up(&self, sum: Sum, [part, parts]: [usize; 2], numbers: Range<usize>, to: *mut f32, worker: usize) {
        let rows = edge(self.rows.count, part, parts)..edge(self.rows.count, part + 1, parts);
        let chunk = Chunk { first: rows.start, count: rows.len(), skipped: 0, region: 0, worker };
        match sum.of {
            Summed::Products(a, b, sizes) => {
                let [a, b] = [a, b].map(|v| self.slot(v, chunk).p.cast_const());
                let lines = numbers.start / sizes.n..numbers.end / sizes.n;
                let fold = Fold {
                    rows: rows.len() * sizes.m,
                    a,
                    b,
                    part: [lines.clone(), 0..sizes.n],
                    target: Target::Store(to.wrapping_sub(lines.start * sizes.n)),
                    ..self.fold_of(sizes, worker)
                };
                // SAFETY: kept values of the part's rows, which are there; nobody else writes to these numbers.
                unsafe { (self.kernels.fold)(&fold) }
            }
            Summed::Values(x) => {
                let x = self.slot(x, chunk);
                let columns =
                    Columns { x: x.p.wrapping_add(numbers.start), rows: rows.len(), step: x.len, len: numbers.len() };
                // SAFETY: as above.
                unsafe { (self.kernels.sum_rows)(columns, to) }
            }
        }
    }

    /// Σ over these parts, in pairs: a block of `len` numbers each, which `block` finds, or writes to the room it is given.
    fn in_pairs(
        &self,
        parts: Range<usize>,
        room: *mut f32,
        len: usize,
        block: &dyn Fn(usize, *mut f32) -> *const f32,
    ) -> *const f32 {
        if parts.len() == 1 {
            return block(parts.start, room);
        }
        let middle = parts.start + parts.len() / 2;
        let first = self.in_pairs(parts.start..middle, room, len, block);
        let second = self.in_pairs(middle..parts.end, room.wrapping_add(BLOCK), len, block);
        // SAFETY: blocks of so many numbers, and the worker's own room.
        unsafe { (self.kernels.zip)(Zip::Add, first, 1, second, 1, room, len) }
        room
    }

    /// Claims these parameters, which other cores have read, while sums come from those.
    fn claim_parameters(&self, call: &Kernel, numbers: Range<usize>) {
        if let Kernel::Update { parameter, .. } = *call {
            let w = self.whole(parameter).p;
            // SAFETY: parameters that are this worker's alone in this sweep.
            numbers.step_by(LANES).for_each(|at| unsafe { claim_as_it_is(w.wrapping_add(at)) });
        }
    }

    /// A block of sums, from the number `first` on, to where the call wants it.
    fn deliver(&self, call: &Kernel, first: usize, sums: *const f32, len: usize) {
        match *call {
            Kernel::Update { optimizer, parameter, squared_norm, .. } => {
                let step = self.step(optimizer, squared_norm);
                let w = self.whole(parameter).p.wrapping_add(first);
                // SAFETY: a part of the parameter that is this worker's alone.
                unsafe { (self.kernels.update)(step, w, self.zones.layout.parameters, sums, len) }
            }
            Kernel::MatmulRows { y, .. } | Kernel::SumRows { y, .. } => {
                let y = self.whole(y).p.wrapping_add(first);
                // SAFETY: a part of y that is this worker's alone.
                unsafe { std::ptr::copy_nonoverlapping(sums, y, len) }
            }
            _ => {}
        }
    }
}

/// Numbers in blocks that fit a buffer, of whole units.
fn blocks(numbers: Range<usize>, unit: usize) -> impl Iterator<Item = Range<usize>> {
    let most = (BLOCK / unit).max(1) * unit;
    numbers.clone().step_by(most).map(move |first| first..numbers.end.min(first + most))
}

#[cfg(test)]
mod tests {
    use super::{LEAST_ROWS, MOST, edge, parts_of};
    use crate::{Backend, Clock, Column, Cpu, CpuArena, Graph, Optimizer, Plan, Reference, Rows, Rule};

    const INPUTS: usize = 37;

    #[test]
    fn parts_are_whole_and_long() {
        for (rows, parts) in [(1, 1), (255, 1), (256, 2), (511, 2), (512, 4), (1023, 4), (1024, 8), (100_000, 8)] {
            assert_eq!(parts_of(rows), parts, "{rows}");
            let edges: Vec<usize> = (0..=parts).map(|part| edge(rows, part, parts)).collect();
            assert_eq!((edges[0], edges[parts]), (0, rows), "{rows}");
            let long = |part: &[usize]| parts == 1 || part[1] - part[0] >= LEAST_ROWS - 1;
            assert!(edges.windows(2).all(long), "{rows}: {edges:?}");
        }
    }

    fn columns(rows: usize) -> Vec<f32> {
        (0..rows * INPUTS).map(|i| (i as f32 * 0.73).sin()).collect()
    }

    /// The parameters and the optimizer's memory after a step.
    fn stepped(cpu: &Cpu, arena: &mut CpuArena, plan: &Plan, x: &[f32]) -> Vec<f32> {
        for parameter in plan.parameters() {
            let values: Vec<f64> = (0..parameter.span.len).map(|i| (i as f64 * 0.37).sin() * 0.1).collect();
            cpu.write(arena, parameter.span, &values);
        }
        let x = [Column::F32(x)];
        cpu.run(plan, arena, &Rows::all(plan, &x).expect("whole rows"), Clock { step: 0, rate: 0.01, seed: 0 });
        arena.state().to_vec()
    }

    /// Narrow and wide outputs, biases, a stored gradient (of the clipped plan) and one that is updated at once; threads that share
    /// parts out, and threads that cannot.
    #[test]
    fn sums_by_parts_have_the_same_bits_by_any_threads() {
        let g = Graph::new();
        let layer = |n: usize, from: usize, to: usize| {
            (g.parameter(&format!("{n}.w"), [from, to]), g.parameter(&format!("{n}.b"), [to]))
        };
        let ((w, b), (v, c), (u, d)) = (layer(0, INPUTS, 70), layer(1, 70, 18), layer(2, 18, 2));
        let y = g.input("x", [INPUTS]).affine(w, b).tanh().affine(v, c).tanh().affine(u, d);
        let loss = (y * y).sum().batch_mean();
        let plain = g.update(loss, Rule::named("momentum").expect("it is one")).expect("shapes fit");
        let clipped = Optimizer { clip_norm: 0.5, ..Rule::Sgd.into() };
        let clipped = g.update(loss, clipped).expect("shapes fit");
        for plan in [&plain, &clipped] {
            for rows in [LEAST_ROWS, 2 * LEAST_ROWS, 2 * LEAST_ROWS + 1, 5 * LEAST_ROWS - 1, MOST * LEAST_ROWS + 77] {
                let x = columns(rows);
                let reference = {
                    let x = [Column::F32(&x)];
                    let all = Rows::all(plan, &x).expect("whole rows");
                    let mut arena = Reference.allocate(&[plan], rows).expect("memory");
                    for parameter in plan.parameters() {
                        let values: Vec<f64> = (0..parameter.span.len).map(|i| (i as f64 * 0.37).sin() * 0.1).collect();
                        Reference.write(&mut arena, parameter.span, &values);
                    }
                    Reference.run(plan, &mut arena, &all, Clock { step: 0, rate: 0.01, seed: 0 });
                    let spans = plan.parameters().iter().map(|parameter| parameter.span);
                    spans.flat_map(|span| Reference.read_span(&arena, span)).collect::<Vec<f64>>()
                };
                for one in Cpu::each(1) {
                    let mut arena = one.allocate(&[plan], rows).expect("memory");
                    let state = stepped(&one, &mut arena, plan, &x);
                    let found = plan.parameters().iter().flat_map(|parameter| one.read_span(&arena, parameter.span));
                    for (i, (found, expected)) in found.zip(&reference).enumerate() {
                        assert!((found - expected).abs() < 1e-6, "{rows} rows, {i}: {found}, reference {expected}");
                    }
                    for cpu in [2, 3, 4, 8].into_iter().flat_map(Cpu::each) {
                        if cpu.instruction_set() == one.instruction_set() {
                            // With room for more rows than there are.
                            let mut arena = cpu.allocate(&[plan], 2 * rows).expect("memory");
                            let same = stepped(&cpu, &mut arena, plan, &x) == state;
                            assert!(same, "{rows} rows, {} × {}", cpu.instruction_set(), cpu.threads());
                        }
                    }
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "fewer sums over rows")]
    fn an_arena_of_other_plans_is_refused() {
        let g = Graph::new();
        let (x, z) = (g.input("x", [INPUTS]), g.input("z", [20 * INPUTS]));
        let (w, b) = (g.parameter("w", [INPUTS, 8]), g.parameter("b", [8]));
        let y = x.affine(w, b);
        let small = g.predict(&[y.tanh(), z.tanh().tanh(), (w * w).sum(), (b * b).sum()]).expect("shapes fit");
        let large = g.update((y * y).sum().batch_mean(), Rule::Sgd).expect("shapes fit");
        let cpu = Cpu::each(2).next().expect("one");
        let rows = 2 * LEAST_ROWS;
        let mut arena = cpu.allocate(&[&small], 20 * rows).expect("memory");
        stepped(&cpu, &mut arena, &large, &columns(rows));
    }
}
