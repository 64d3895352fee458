//! A plan's calls with their times, for whoever prints them.

use chainrule::engine::Plan;
use chainrule::engine::listing::Line;
use serde::Serialize;

/// A call of a plan's listing.
#[derive(Serialize)]
pub(crate) struct Call {
    /// In the listing.
    pub(crate) number: usize,
    pub(crate) result: String,
    pub(crate) formula: String,
    flops_per_row: u64,
    flops_once: u64,
    place: String,
    /// What it took, if that was measured.
    #[serde(flatten)]
    pub(crate) time: Option<Time>,
}

/// What a call took.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Time {
    pub(crate) microseconds: f64,
    /// Of all calls together.
    pub(crate) share: f64,
}

impl Time {
    /// As columns: `81.2 µs` and `43%`.
    pub(crate) fn columns(self) -> [String; 2] {
        [format!("{:.1} µs", self.microseconds), format!("{:.0}%", 100.0 * self.share)]
    }
}

/// The calls of a plan, with the seconds of each if they were measured.
pub(crate) fn calls(plan: &Plan, seconds: Option<&[f64]>) -> Vec<Call> {
    let total: f64 = seconds.into_iter().flatten().sum();
    let time = |number: usize| {
        let &seconds = seconds?.get(number)?;
        Some(Time { microseconds: seconds * 1e6, share: seconds / total })
    };
    let call = |(number, line): (usize, Line)| Call {
        number,
        result: line.result,
        formula: line.formula,
        flops_per_row: line.flops.per_row,
        flops_once: line.flops.once,
        place: line.place,
        time: time(number),
    };
    plan.lines().enumerate().map(call).collect()
}
