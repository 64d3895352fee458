//! The CPU backend: f32, as fast as the machine allows.
//!
//! A run is the plan's sweeps. In the examples' sweep each member of the team takes
//! chunks of rows through all calls, while they are in cache; in the parameters' sweep each takes a
//! slice of every gradient and update. Every element is computed by the same chain of operations
//! whoever computes it, so results are the same to the bit for any number of threads.

mod call;
mod columns;
mod convolution;
mod elementwise;
mod embedding;
mod few_rows;
mod fold;
mod gather;
mod instruction_set;
pub mod machine;
mod math;
mod memory;
mod narrow;
mod norm;
mod normal;
mod pace;
mod parts;
mod pool;
mod product;
mod run;
mod simd;
mod softmax;
mod soon;
mod team;
mod turn;
mod update;
mod weight_gradient;
mod winograd;

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::backend::{Backend, BackendError, Zones};
use crate::kernel::Buf;
use crate::layout::{ALIGN, Layout, Span};
use crate::plan::Plan;
use crate::rows::{Clock, Rows};
use crate::shape::Extent;
use crate::sweeps::SweepKind;
use columns::Limits;
use instruction_set::Kernels;
use memory::Cells;
use pace::Paces;
use run::{Run, Stopwatch, Unwatched};
use team::Team;

/// Numbers of a chunk's row values that stay in cache: half of a common L2.
const CHUNK_NUMBERS: usize = 128 * 1024;
/// A chunk's rows, at least, so that products have something to share, and at most.
const CHUNK_ROWS: std::ops::RangeInclusive<usize> = 16..=512;

/// The fast backend.
///
/// ```
/// use chainrule_engine::*;
/// let g = Graph::new();
/// let y = g.input("x", [2]).affine(g.parameter("w", [2, 1]), g.parameter("b", [1]));
/// let plan = g.predict(&[y])?;
/// let backend = Cpu::all_cores();
/// let mut arena = backend.allocate(&[&plan], 1)?;
/// backend.write(&mut arena, plan.parameter("w").unwrap(), &[10.0, 1.0]);
/// backend.run(&plan, &mut arena, &Rows::all(&plan, &[Column::F32(&[1.0, 2.0])])?, Clock::default());
/// assert_eq!(arena.slice(&plan, plan.value(y).unwrap()), [12.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Cpu {
    kernels: &'static Kernels,
    team: Mutex<Team>,
    paces: Mutex<Paces>,
    threads: usize,
    limits: Limits,
}

impl Cpu {
    /// With so many threads; 0 is taken as 1. Their number changes no result.
    ///
    /// ```
    /// use chainrule_engine::Cpu;
    /// assert_eq!((Cpu::new(0).threads(), Cpu::new(3).threads()), (1, 3));
    /// ```
    pub fn new(threads: usize) -> Self {
        Cpu::with(instruction_set::available()[0], threads)
    }

    /// With as many threads as the machine has cores for this process.
    pub fn all_cores() -> Self {
        Cpu::new(std::thread::available_parallelism().map_or(1, Into::into))
    }

    /// With the instruction set of that name, and so many threads; `None` if the machine has no such set. The set changes no
    /// result, but for `portable` on a machine whose compiled code has no fused multiply-add.
    ///
    /// ```
    /// use chainrule_engine::Cpu;
    /// let names = Cpu::instruction_sets();
    /// assert_eq!(Cpu::of(names[0], 2).map(|cpu| cpu.instruction_set()), Some(Cpu::new(2).instruction_set()));
    /// assert!(names.contains(&"portable") && Cpu::of("abacus", 1).is_none());
    /// ```
    pub fn of(instruction_set: &str, threads: usize) -> Option<Cpu> {
        let named = instruction_set::available().into_iter().find(|kernels| kernels.name == instruction_set);
        named.map(|kernels| Cpu::with(kernels, threads))
    }

    /// The instruction sets of this machine, best first.
    pub fn instruction_sets() -> Vec<&'static str> {
        instruction_set::available().into_iter().map(|kernels| kernels.name).collect()
    }

    fn with(kernels: &'static Kernels, threads: usize) -> Self {
        let threads = threads.max(1);
        Cpu {
            kernels,
            threads,
            team: Mutex::new(Team::new(threads)),
            paces: Mutex::default(),
            limits: Limits::MEASURED,
        }
    }

    /// Every instruction set of this machine, with so many threads that share even the smallest run: its
    /// rows, or its columns.
    #[cfg(test)]
    pub(crate) fn each(threads: usize) -> impl Iterator<Item = Cpu> {
        let rows = Limits { run_flops: 0, paced_flops: 0, weight: usize::MAX, rows: 0, other_flops: 0 };
        let columns = Limits { run_flops: 0, paced_flops: 0, weight: 0, rows: usize::MAX, other_flops: u64::MAX };
        let ways = if threads == 1 { vec![rows] } else { vec![rows, columns] };
        let sharing =
            move |kernels| ways.clone().into_iter().map(move |limits| Cpu { limits, ..Cpu::with(kernels, threads) });
        instruction_set::available().into_iter().flat_map(sharing)
    }

    /// Runs a plan once, on the caller's thread alone, and returns the seconds that each call of its listing took.
    ///
    /// ```
    /// use chainrule_engine::*;
    /// let g = Graph::new();
    /// let plan = g.predict(&[g.input("x", [2]).sum()])?;
    /// let backend = Cpu::new(1);
    /// let mut arena = backend.allocate(&[&plan], 1)?;
    /// let seconds = backend.profile(&plan, &mut arena, &Rows::all(&plan, &[Column::F32(&[1.0, 2.0])])?, Clock::default());
    /// assert_eq!(seconds.len(), plan.lines().count());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn profile(&self, plan: &Plan, arena: &mut CpuArena, rows: &Rows<'_>, clock: Clock) -> Vec<f64> {
        let (run, chunk) = self.prepare(plan, arena, rows, clock, 1);
        let mut watch = Stopwatch { since: Instant::now(), seconds: vec![0.0; plan.calls.len()] };
        for sweep in &plan.sweeps {
            match sweep.kind {
                SweepKind::Examples => run.examples(sweep, chunk, 0, 1, &mut watch),
                SweepKind::Parameters => run.parameters(sweep, [0, 1], false, &mut watch),
            }
        }
        watch.seconds
    }

    /// A run with so many workers, and how many rows a chunk has: as many chunks for each worker, of as
    /// many rows.
    fn prepare<'a>(
        &'a self,
        plan: &'a Plan,
        arena: &'a mut CpuArena,
        rows: &'a Rows<'a>,
        clock: Clock,
        workers: usize,
    ) -> (Run<'a>, usize) {
        arena.zones.expect_room(plan, rows.count);
        assert!(arena.zones.scratch_regions == self.threads, "the arena was allocated by a backend of other threads");
        arena.rows = rows.count;
        let least = rows.count.div_ceil(arena.zones.scratch_rows.max(1)).max(1);
        let chunk = rows.count.div_ceil(least.next_multiple_of(workers)).max(1);
        let room = arena.zones.total().unwrap_or_default();
        let (own, cells) = (arena.own, arena.cells.as_mut_slice());
        (Run::new(plan, cells, arena.zones, [room, own, workers], rows, clock, self.kernels), chunk)
    }

    /// How many threads it has.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// The instruction set it has chosen: `avx512`, `avx2` or `portable`.
    ///
    /// ```
    /// use chainrule_engine::Cpu;
    /// assert!(["avx512", "avx2", "portable"].contains(&Cpu::new(1).instruction_set()));
    /// ```
    pub fn instruction_set(&self) -> &'static str {
        self.kernels.name
    }
}

/// The memory of [`Cpu`]: the zones of the plans, then each thread's room for packing and for changes of basis.
#[derive(Debug)]
pub struct CpuArena {
    cells: Cells,
    zones: Zones,
    /// Numbers of a thread's room.
    own: usize,
    rows: usize,
}

impl CpuArena {
    /// The parameters and the optimizer's memory: all that training changes.
    ///
    /// ```
    /// use chainrule_engine::{Backend, Cpu, Graph, Rule};
    /// let g = Graph::new();
    /// let w = g.parameter("w", [4]);
    /// let plan = g.update((w * w).sum(), Rule::named("momentum").unwrap())?;
    /// let mut arena = Cpu::new(1).allocate(&[&plan], 0)?;
    /// let layout = plan.layout();
    /// assert_eq!(arena.state().len(), layout.parameters + layout.memory);
    /// // A copy of it is all that another training needs to go on.
    /// let copy = arena.state().to_vec();
    /// arena.state_mut().copy_from_slice(&copy);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn state(&self) -> &[f32] {
        &self.cells.as_slice()[..self.zones.whole()]
    }

    /// The same, for writing.
    pub fn state_mut(&mut self) -> &mut [f32] {
        let len = self.zones.whole();
        &mut self.cells.as_mut_slice()[..len]
    }

    /// A value that the last run of `plan` delivered: row after row, if it has rows. Empty for a
    /// constant.
    pub fn slice(&self, plan: &Plan, value: Buf) -> &[f32] {
        let rows = if value.extent == Extent::Row { self.rows } else { 1 };
        let len = if value.constant.is_some() { 0 } else { rows * value.shape.len() };
        let start = self.zones.start(plan.places[value.id.index()], 0);
        &self.cells.as_slice()[start..start + len]
    }
}

/// Rows of a chunk at most: its values stay in cache, unless the weights, which every chunk
/// reads, are larger still.
fn chunk_rows(layout: Layout) -> usize {
    let row = (layout.kept + layout.scratch).max(1);
    let rows = (CHUNK_NUMBERS.max(layout.parameters) / row).clamp(*CHUNK_ROWS.start(), *CHUNK_ROWS.end());
    // So that each value of a chunk, and each thread's room, begins on a cache line.
    rows.next_multiple_of(ALIGN)
}

impl Cpu {
    /// The zones of an arena, the numbers of each thread's room, and those of all; `None` of more than can be counted.
    fn room(&self, plans: &[&Plan], rows: usize) -> (Zones, usize, Option<usize>) {
        let mut zones = Zones::new(plans, rows, 0, self.threads);
        zones.scratch_rows = chunk_rows(zones.layout).min(zones.capacity);
        let own = plans.iter().flat_map(|plan| &plan.calls).map(run::room).fold(run::ROOM, usize::max);
        let own = own + plans.iter().map(|plan| parts::room(plan, rows)).fold(0, usize::max);
        let total = self.threads.checked_mul(own).and_then(|rooms| zones.total()?.checked_add(rooms));
        (zones, own, total)
    }
}

impl Backend for Cpu {
    type Arena = CpuArena;

    fn allocate(&self, plans: &[&Plan], rows: usize) -> Result<CpuArena, BackendError> {
        let (zones, own, total) = self.room(plans, rows);
        let total = total.ok_or(BackendError::Memory { wanted: usize::MAX })?;
        Ok(CpuArena { cells: Cells::new(total)?, zones, own, rows: 0 })
    }

    fn bytes(&self, plans: &[&Plan], rows: usize) -> u64 {
        let (.., total) = self.room(plans, rows);
        total.map_or(u64::MAX, |numbers| (numbers as u64).saturating_mul(size_of::<f32>() as u64))
    }

    fn run(&self, plan: &Plan, arena: &mut CpuArena, rows: &Rows<'_>, clock: Clock) {
        let flops = plan.flops.per_row * rows.count as u64 + plan.flops.once;
        let Limits { run_flops, paced_flops, .. } = self.limits;
        // Which plan it is of is of no account, but those of different work are not alike.
        let size = [flops, plan.calls.len() as u64];
        let paces = || self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        let paced = self.threads > 1 && (run_flops..paced_flops).contains(&flops);
        let alone = if paced { paces().of(size).alone() } else { flops < run_flops };
        let workers = if alone { 1 } else { self.threads };
        let start = Instant::now();
        let (run, chunk) = self.prepare(plan, arena, rows, clock, workers);
        let mut team = self.team.lock().unwrap_or_else(PoisonError::into_inner);
        let own_rows = run.own_rows(0, workers).is_some();
        let mut summed = false;
        for (number, sweep) in plan.sweeps.iter().enumerate() {
            if workers > 1 && sweep.kind == SweepKind::Examples && run.goes_by_columns(sweep, self.limits) {
                run.by_columns(sweep, self.limits, workers, &mut team);
                summed = false;
                continue;
            }
            let work = |worker: usize| match sweep.kind {
                SweepKind::Examples => {
                    run.examples(sweep, chunk, worker, workers, &mut Unwatched);
                    if let Some(next) = plan.sweeps.get(number + 1).filter(|_| own_rows) {
                        run.sum_own_rows(next, worker, workers);
                    }
                }
                SweepKind::Parameters => run.parameters(sweep, [worker, workers], summed, &mut Unwatched),
            };
            if workers == 1 {
                work(0);
            } else {
                team.run(&work);
            }
            summed = own_rows && sweep.kind == SweepKind::Examples;
        }
        if paced {
            paces().of(size).took(start.elapsed());
        }
    }

    fn write(&self, arena: &mut CpuArena, span: Span, values: &[f64]) {
        let cells = &mut arena.cells.as_mut_slice()[span.offset..span.offset + span.len];
        assert_eq!(cells.len(), values.len(), "one value for each number of the span");
        cells.iter_mut().zip(values).for_each(|(cell, &value)| *cell = value as f32);
    }

    fn read_span(&self, arena: &CpuArena, span: Span) -> Vec<f64> {
        arena.cells.as_slice()[span.offset..span.offset + span.len].iter().map(|&x| x.into()).collect()
    }

    fn read(&self, plan: &Plan, arena: &CpuArena, value: Buf) -> Vec<f64> {
        match value.constant {
            Some(c) if value.extent == Extent::Whole => vec![c; value.shape.len()],
            Some(c) => vec![c; arena.rows * value.shape.len()],
            None => arena.slice(plan, value).iter().map(|&x| x.into()).collect(),
        }
    }

    fn read_number(&self, plan: &Plan, arena: &CpuArena, value: Buf) -> f64 {
        value.constant.or_else(|| arena.slice(plan, value).first().map(|&x| x.into())).unwrap_or(f64::NAN)
    }
}
