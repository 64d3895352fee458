//! How much arithmetic a plan asks for: a multiplication and an addition are two operations, and each
//! elementary function counts as one.

use crate::kernel::{BufId, Epilogue, Gradient, Kernel};
use crate::plan::Plan;
use crate::shape::Extent;

/// Floating-point operations of a call: for each row, and once for the whole.
///
/// ```
/// use chainrule_engine::Graph;
/// let g = Graph::new();
/// let plan = g.predict(&[g.input("x", [8]).exp(), g.parameter("w", [5]).exp()])?;
/// assert_eq!((plan.flops().per_row, plan.flops().once), (8, 5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flops {
    /// For each row at hand.
    pub per_row: u64,
    /// For any number of rows.
    pub once: u64,
}

impl std::ops::Add for Flops {
    type Output = Flops;
    fn add(self, other: Flops) -> Flops {
        Flops { per_row: self.per_row + other.per_row, once: self.once + other.once }
    }
}

impl Plan {
    pub(crate) fn count_flops(&self) -> Flops {
        self.calls.iter().map(|call| self.flops_of(call)).fold(Flops::default(), |a, b| a + b)
    }

    pub(crate) fn flops_of(&self, call: &Kernel) -> Flops {
        let len = |v: BufId| self.values[v.index()].shape.len() as u64;
        let row = |v: BufId| self.values[v.index()].extent == Extent::Row;
        let each = |v: BufId, flops: u64| {
            if row(v) { Flops { per_row: flops, once: 0 } } else { Flops { per_row: 0, once: flops } }
        };
        let rows = |flops: u64| Flops { per_row: flops, once: 0 };
        match *call {
            Kernel::Gather { .. } | Kernel::Fill { .. } | Kernel::Broadcast { .. } => Flops::default(),
            Kernel::Pick { .. } | Kernel::PickGradient { .. } | Kernel::Spread { .. } => Flops::default(),
            Kernel::Map { y, .. } | Kernel::Zip { y, .. } => each(y, len(y)),
            Kernel::Matmul { y, sizes, bias, epilogue, .. } => {
                let outputs = (sizes.m * sizes.n) as u64;
                let more = u64::from(bias.is_some()) + u64::from(epilogue != Epilogue::None);
                each(y, outputs * (2 * sizes.k as u64 + more))
            }
            Kernel::MatmulRows { sizes, .. } => rows((2 * sizes.m * sizes.k * sizes.n) as u64),
            Kernel::Conv2d { y, window, bias, epilogue, .. } => {
                let more = u64::from(bias.is_some()) + u64::from(epilogue != Epilogue::None);
                each(y, len(y) * (2 * window.depth() as u64 + more))
            }
            Kernel::Conv2dGradient { dy, window, .. } => rows(len(dy) * 2 * window.depth() as u64),
            Kernel::Dropout { y, .. } => each(y, len(y)),
            Kernel::OverPositions { .. } | Kernel::Concat { .. } | Kernel::Part { .. } | Kernel::Lookup { .. } => {
                Flops::default()
            }
            Kernel::LookupGradient { dy, .. } => rows(len(dy)),
            Kernel::Follow { parameter, .. } => each(parameter, 3 * len(parameter)),
            Kernel::SumPositions { x, y } => each(y, len(x)),
            Kernel::MaxPool { y, window, .. } => each(y, len(y) * (window.kernel[0] * window.kernel[1]) as u64),
            Kernel::MaxPoolGradient { dy, dx, .. } => each(dx, len(dy)),
            Kernel::SumElements { x, y } => each(y, len(x)),
            Kernel::SumSquares { x, .. } => Flops { per_row: 0, once: 2 * len(x) },
            Kernel::SumRows { x, .. } | Kernel::MeanRows { x, .. } => rows(len(x)),
            Kernel::MeanRowsGradient { dx, .. } => rows(len(dx)),
            Kernel::Softmax { y, .. } => each(y, 4 * len(y)),
            Kernel::SoftmaxGradient { dx, .. } => each(dx, 4 * len(dx)),
            Kernel::SoftmaxCrossEntropy { probability, .. } => each(probability, 4 * len(probability)),
            Kernel::SoftmaxCrossEntropyGradient { dx, .. } => each(dx, 2 * len(dx)),
            Kernel::Update { optimizer, parameter, gradient, .. } => {
                let fold = match gradient {
                    Gradient::Stored(_) => 0,
                    Gradient::MatmulRows { sizes, .. } => (2 * sizes.m * sizes.k * sizes.n) as u64,
                    Gradient::SumRows(x) => len(x),
                };
                Flops { per_row: fold, once: optimizer.flops() * len(parameter) }
            }
        }
    }
}
