//! What a machine must offer to run plans. A GPU would be a third `impl` and nothing else.

use crate::kernel::Buf;
use crate::layout::{Layout, Place, Span, Zone};
use crate::plan::Plan;
use crate::rows::{Clock, Rows};

/// Runs plans over an arena of its own kind.
///
/// ```
/// use chainrule_engine::*;
/// /// The mean of x², by any backend.
/// fn mean_square<B: Backend>(backend: &B, x: &[f32]) -> Result<f64, Box<dyn std::error::Error>> {
///     let g = Graph::new();
///     let v = g.input("x", []);
///     let loss = (v * v).batch_mean();
///     let plan = g.predict(&[loss])?;
///     let mut arena = backend.allocate(&[&plan], x.len())?;
///     backend.run(&plan, &mut arena, &Rows::all(&plan, &[Column::F32(x)])?, Clock::default());
///     Ok(backend.read_number(&plan, &arena, plan.value(loss).unwrap()))
/// }
/// assert_eq!(mean_square(&Reference, &[1.0, 3.0])?, 5.0);
/// assert_eq!(mean_square(&Cpu::new(2), &[1.0, 3.0])?, 5.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Backend {
    /// One allocation: parameters, optimizer memory, whole values, row values.
    type Arena;

    /// Memory for any of `plans`, which come from one graph and so share their parameters, with up
    /// to `rows` rows at a time. Everything is zero at first.
    ///
    /// # Errors
    /// If there is not that much memory.
    fn allocate(&self, plans: &[&Plan], rows: usize) -> Result<Self::Arena, BackendError>;

    /// How many bytes [`allocate`](Self::allocate) takes for these; `u64::MAX` of what no machine has.
    ///
    /// ```
    /// use chainrule_engine::{Backend, Graph, Reference};
    /// let g = Graph::new();
    /// let plan = g.predict(&[g.parameter("w", [1000]).sum()])?;
    /// assert!(Reference.bytes(&[&plan], 0) >= 8000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn bytes(&self, plans: &[&Plan], rows: usize) -> u64;

    /// Runs a plan once. Allocates nothing.
    ///
    /// # Panics
    /// If the arena was not allocated for this plan and as many rows.
    fn run(&self, plan: &Plan, arena: &mut Self::Arena, rows: &Rows<'_>, clock: Clock);

    /// Writes a parameter.
    ///
    /// # Panics
    /// If `values` is not as long as the span.
    fn write(&self, arena: &mut Self::Arena, span: Span, values: &[f64]);

    /// Reads a parameter.
    fn read_span(&self, arena: &Self::Arena, span: Span) -> Vec<f64>;

    /// Reads a value that the last run of `plan` delivered: row after row, if it has rows.
    fn read(&self, plan: &Plan, arena: &Self::Arena, value: Buf) -> Vec<f64>;

    /// Reads the first number of a value that the last run of `plan` delivered, such as the
    /// loss. Allocates nothing.
    fn read_number(&self, plan: &Plan, arena: &Self::Arena, value: Buf) -> f64;
}

/// A backend that cannot do what it is asked.
///
/// ```
/// use chainrule_engine::{Backend, Cpu, Graph};
/// let g = Graph::new();
/// let plan = g.predict(&[g.input("x", [1 << 20]).exp()])?;
/// assert!(Cpu::new(1).allocate(&[&plan], usize::MAX / 4).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// There is not that much memory.
    #[error("memory: expected room for {wanted} numbers, found none; try a smaller batch or model")]
    Memory {
        /// Numbers asked for.
        wanted: usize,
    },
}

/// Where the zones of an arena begin: params | memory | whole | kept × rows | scratch × rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Zones {
    /// The most that any plan of this arena needs.
    pub(crate) layout: Layout,
    /// How many rows fit.
    pub(crate) capacity: usize,
    /// How many rows a scratch region holds, and how many such regions there are.
    pub(crate) scratch_rows: usize,
    pub(crate) scratch_regions: usize,
}

impl Zones {
    pub(crate) fn new(plans: &[&Plan], rows: usize, scratch_rows: usize, scratch_regions: usize) -> Zones {
        let layout = plans.iter().fold(Layout::default(), |all, plan| all.union(plan.layout()));
        // A multiple of the alignment, so that each row value starts on a cache line.
        let capacity = rows.next_multiple_of(crate::layout::ALIGN);
        Zones { layout, capacity, scratch_rows, scratch_regions }
    }

    pub(crate) fn whole(&self) -> usize {
        self.layout.parameters + self.layout.memory
    }

    fn kept(&self) -> usize {
        self.whole() + self.layout.whole
    }

    fn scratch(&self) -> usize {
        self.kept() + self.layout.kept * self.capacity
    }

    /// Elements of all zones; `None` if that overflows.
    pub(crate) fn total(&self) -> Option<usize> {
        let kept = self.layout.kept.checked_mul(self.capacity)?;
        let scratch = self.layout.scratch.checked_mul(self.scratch_rows)?.checked_mul(self.scratch_regions)?;
        self.kept().checked_add(kept)?.checked_add(scratch).filter(|&n| n <= isize::MAX as usize / 16)
    }

    /// The first element of a value; for scratch, in the given region.
    pub(crate) fn start(&self, place: Place, region: usize) -> usize {
        match place.zone {
            Zone::Nowhere => 0,
            Zone::Parameters => place.offset,
            Zone::Whole => self.whole() + place.offset,
            Zone::Kept => self.kept() + place.offset * self.capacity,
            Zone::Scratch => {
                let regions = self.layout.scratch * self.scratch_rows * region;
                self.scratch() + regions + place.offset * self.scratch_rows
            }
        }
    }

    /// Panics unless an arena of these zones can run `plan` with that many rows.
    pub(crate) fn expect_room(&self, plan: &Plan, rows: usize) {
        let layout = plan.layout();
        assert!(
            rows <= self.capacity
                && self.layout.union(layout) == self.layout
                && self.layout.parameters == layout.parameters,
            "the arena was allocated for other plans or fewer than {rows} rows"
        );
    }
}
