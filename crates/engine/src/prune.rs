//! Prune: drop each call whose results nobody reads.
//!
//! Ops emit every derivative they have; the gradient of the data, which only the first layer
//! could give and nobody asks for, disappears here.

use crate::kernel::{Buf, Kernel};

/// Keeps what changes parameters, and what they and `roots` depend on.
pub(crate) fn prune(calls: &mut Vec<Kernel>, roots: &[Buf]) {
    let values = calls.iter().flat_map(Kernel::writes).map(|v| v.index() + 1).max().unwrap_or(0);
    let values = roots.iter().map(|v| v.id.index() + 1).chain([values]).max().unwrap_or(0);
    let mut needed = vec![false; values];
    roots.iter().for_each(|root| needed[root.id.index()] = true);
    let mut keep = vec![false; calls.len()];
    for (at, call) in calls.iter().enumerate().rev() {
        keep[at] = call.changes().is_some() || call.writes().iter().any(|v| needed[v.index()]);
        if keep[at] {
            call.reads().iter().for_each(|v| needed[v.index()] = true);
        }
    }
    let mut keep = keep.into_iter();
    calls.retain(|_| keep.next() == Some(true));
}
