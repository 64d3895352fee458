//! A network at work on random rows, so that its plan can be timed without data.
//!
//! The numbers are ordinary ones: a run's parameters, or first ones as training draws them, and rows from the normal
//! distribution. The rate is so small that random targets cannot drive the parameters anywhere.

use std::time::{Duration, Instant};

use chainrule::engine::{Backend, Clock, Column, Cpu, CpuArena, Plan, Rows, RowsError};
use chainrule::initial::initial;
use chainrule::random::{Purpose, Stream, stream};
use chainrule::{InputError, Task};

use crate::commands::subject::Subject;

const RESIDENT: usize = 10_000;
/// Wide rows are fewer: 256 MiB of them.
const MOST_CELLS: usize = 64 << 20;
const RATE: f64 = 1e-6;
const SEED: u64 = 1;
/// Runs that only warm the caches.
const WARM: usize = 5;
/// How often a profile is taken: for so long, and at least so often.
const PROFILE: (Duration, usize) = (Duration::from_millis(200), 9);

/// A plan with memory, parameters and rows.
pub(crate) struct Rehearsal<'p> {
    pub(crate) plan: &'p Plan,
    pub(crate) cpu: Cpu,
    arena: CpuArena,
    table: Table,
    draws: Stream,
    index: Vec<u32>,
    step: u64,
}

impl<'p> Rehearsal<'p> {
    /// The plan of the subject's network, to be run on `batch` rows at a time.
    ///
    /// # Errors
    /// If there is not that much memory.
    pub(crate) fn new(subject: &Subject, plan: &'p Plan, cpu: Cpu, batch: usize) -> anyhow::Result<Self> {
        if u32::try_from(batch).is_err() {
            let hint = "a batch of some hundred rows is usual";
            return Err(InputError::new("--batch", format!("at most {}", u32::MAX), batch.to_string(), hint).into());
        }
        // The rows after it: whoever has room for the network has room for a row.
        let mut arena = cpu.allocate(&[plan], batch).map_err(InputError::from)?;
        for (number, parameter) in plan.parameters().iter().enumerate() {
            let values = match &subject.run {
                Some(run) => run.predictor.tensors()[number].values.iter().copied().map(f64::from).collect(),
                None => initial(&subject.model, None, number, parameter.shape, SEED),
            };
            cpu.write(&mut arena, parameter.span, &values);
        }
        let mut draws = stream(SEED, Purpose::Sample, 0);
        let table = Table::random(subject, &mut draws);
        Ok(Rehearsal { plan, cpu, arena, table, draws, index: vec![0; batch], step: 0 })
    }

    /// The seconds that each of many runs took, sorted: for so long, and at least five.
    ///
    /// # Errors
    /// None that the table of this type can cause.
    pub(crate) fn time(&mut self, long: Duration) -> Result<Vec<f64>, RowsError> {
        for _ in 0..WARM {
            self.once(Cpu::run)?;
        }
        let (begin, mut times) = (Instant::now(), Vec::new());
        while begin.elapsed() < long || times.len() < 5 {
            let start = Instant::now();
            self.once(Cpu::run)?;
            times.push(start.elapsed().as_secs_f64());
        }
        times.sort_by(f64::total_cmp);
        Ok(times)
    }

    /// The seconds that each call of the listing takes on one thread: the median of several runs.
    ///
    /// # Errors
    /// None that the table of this type can cause.
    pub(crate) fn profile(&mut self) -> Result<Vec<f64>, RowsError> {
        let (long, least) = PROFILE;
        let (begin, mut profiles) = (Instant::now(), Vec::new());
        while begin.elapsed() < long || profiles.len() < least {
            profiles.push(self.once(Cpu::profile)?);
        }
        let median = |call: usize| {
            let mut times: Vec<f64> = profiles.iter().map(|profile| profile[call]).collect();
            times.sort_by(f64::total_cmp);
            times[times.len() / 2]
        };
        Ok((0..profiles[0].len()).map(median).collect())
    }

    /// Draws a mini-batch and does with it what is asked.
    fn once<T>(&mut self, run: impl Fn(&Cpu, &Plan, &mut CpuArena, &Rows<'_>, Clock) -> T) -> Result<T, RowsError> {
        let Rehearsal { draws, table, .. } = self;
        self.index.iter_mut().for_each(|row| *row = draws.below(table.rows));
        let columns = table.columns();
        let rows = Rows::pick(self.plan, &columns, &self.index)?;
        let clock = Clock { step: self.step, rate: RATE, seed: SEED };
        self.step += 1;
        Ok(run(&self.cpu, self.plan, &mut self.arena, &rows, clock))
    }
}

/// Random rows, with targets.
struct Table {
    rows: u32,
    cells: Vec<f32>,
    labels: Vec<u32>,
    targets: Vec<f32>,
    task: Task,
}

impl Table {
    fn random(subject: &Subject, draws: &mut Stream) -> Table {
        let rows = (MOST_CELLS / subject.input.len()).clamp(1, RESIDENT);
        let numbers = rows * subject.input.len();
        let embedded = subject.model.takes_numbers_below();
        let cells = embedded.map(|most| (0..numbers).map(|_| draws.below(most as u32) as f32).collect());
        let mut normals = |count: usize| (0..count).map(|_| draws.normal() as f32).collect();
        let cells = cells.unwrap_or_else(|| normals(numbers));
        let (mut labels, mut targets) = (Vec::new(), Vec::new());
        match subject.objective.task {
            Task::Classes(classes) => {
                let classes = u32::try_from(classes).unwrap_or(u32::MAX);
                labels = (0..rows).map(|_| draws.below(classes)).collect();
            }
            Task::Number => targets = normals(rows),
        }
        Table { rows: rows as u32, cells, labels, targets, task: subject.objective.task }
    }

    /// The network's inputs: x, and t.
    fn columns(&self) -> [Column<'_>; 2] {
        let t = match self.task {
            Task::Classes(_) => Column::U32(&self.labels),
            Task::Number => Column::F32(&self.targets),
        };
        [Column::F32(&self.cells), t]
    }
}
