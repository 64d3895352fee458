//! The two sweeps: calls in the order that keeps numbers in cache and threads apart.
//!
//! - The **examples' sweep** carries a chunk of rows through every row-wise call, forward and back.
//! - The **parameters' sweep** folds rows into wholes and updates; its calls never depend on
//!   one another, so any slice of any of them can be anyone's work.
//!
//! They alternate as data demands: sweep numbers are even for parameters, odd for examples. One
//! training step of a plain network is one of each; a batch statistic would end a sweep and
//! begin another.

use std::ops::Range;

use crate::kernel::{Buf, Kernel, Sizes};
use crate::shape::Extent;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SweepKind {
    /// Chunks of rows, each through all the calls in order.
    Examples,
    /// Independent calls on whole values.
    Parameters,
}

/// A stretch of calls between two meetings of the threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sweep {
    /// Which.
    pub(crate) kind: SweepKind,
    /// Which calls.
    pub(crate) calls: Range<usize>,
}

/// Where the pass ends, at `end` at the latest, that begins with the call `start`: calls that the rows of a chunk go through together.
///
/// A product alone is one, of all the chunk's rows at once, which share its weights; and a convolution whose weights are prepared. Calls between
/// products gain nothing from many rows: a few go through all of them, while they are in a first-level cache, and
/// then the next few. So what such a call writes for some rows may be there before another has read its operand for
/// others, and a value that one pass hands to another needs its memory from the first of them to the end of the last.
///
/// A product whose rows were gathered just before belongs to the pass that gathers them, so that it may do that itself.
pub(crate) fn end_of_pass(calls: &[Kernel], end: usize, start: usize) -> usize {
    let first = (start..end).find(|&number| shares_weights(&calls[number])).unwrap_or(end);
    let gathers = first < end && gathered_by(calls, start, first).is_some();
    (first + usize::from(gathers)).max(start + 1)
}

/// Whether a call goes over all rows of a chunk at once.
pub(crate) fn shares_weights(call: &Kernel) -> bool {
    match call {
        Kernel::Matmul { .. } => true,
        Kernel::Conv2d { window, .. } => window.goes_by_tiles(),
        _ => false,
    }
}

/// The call from `start` on that gathers the rows which the product `number` reads, if none that reads anything stands between the two.
pub(crate) fn gathered_by(calls: &[Kernel], start: usize, number: usize) -> Option<usize> {
    let Kernel::Matmul { a, b, bias, transpose_a: false, sizes: Sizes { m: 1, .. }, .. } = calls[number] else {
        return None;
    };
    let gathers = |&at: &usize| matches!(calls[at], Kernel::Gather { y, .. } if y == a);
    let at = (start..number).find(gathers)?;
    let reads_nothing = |call: &Kernel| matches!(call, Kernel::Gather { .. } | Kernel::Fill { .. });
    (a != b && bias != Some(a) && calls[at..number].iter().all(reads_nothing)).then_some(at)
}

/// Sorts `calls`, which come in an order that respects their data, into as few sweeps as that
/// data allows.
pub(crate) fn order_into_sweeps(calls: &mut Vec<Kernel>, values: &[Buf]) -> Vec<Sweep> {
    // By value: the first sweep in which a row-wise call, or a whole call, may read it.
    let mut row_ready = vec![1usize; values.len()];
    let mut whole_ready = vec![0usize; values.len()];
    // By value: the first sweep of parameters after all that reads it.
    let mut after_reads = vec![0usize; values.len()];
    let mut numbered: Vec<(usize, Kernel)> = Vec::with_capacity(calls.len());
    for call in calls.drain(..) {
        let row_wise = call.writes().iter().any(|v| values[v.index()].extent == Extent::Row);
        let ready = if row_wise { &row_ready } else { &whole_ready };
        let earliest = if row_wise { 1 } else { 0 };
        let mut sweep = call.reads().iter().map(|v| ready[v.index()]).fold(earliest, usize::max);
        if let Some(parameter) = call.changes() {
            sweep = sweep.max(after_reads[parameter.index()]);
        }
        for v in call.writes() {
            // The last of the calls that write a value decides.
            let (row, whole) = if row_wise { (sweep, sweep + 1) } else { (sweep + 1, sweep + 2) };
            row_ready[v.index()] = row.max(row_ready[v.index()]);
            whole_ready[v.index()] = whole.max(whole_ready[v.index()]);
        }
        let next_parameters = if row_wise { sweep + 1 } else { sweep + 2 };
        for v in call.reads() {
            after_reads[v.index()] = after_reads[v.index()].max(next_parameters);
        }
        numbered.push((sweep, call));
    }
    numbered.sort_by_key(|&(sweep, _)| sweep);
    let mut sweeps = Vec::new();
    for part in numbered.chunk_by(|a, b| a.0 == b.0) {
        let kind = if part[0].0 % 2 == 1 { SweepKind::Examples } else { SweepKind::Parameters };
        sweeps.push(Sweep { kind, calls: calls.len()..calls.len() + part.len() });
        calls.extend(part.iter().map(|&(_, call)| call));
    }
    sweeps
}
