//! Where values live: zones of the arena, and each value's place in one.
//!
//! A row value that is read after the sweep that wrote it, or after the run, is *kept* for all rows; the others are
//! *scratch*, which is used again for every chunk of rows.

use crate::chain_rule::Forward;
use crate::kernel::Buf;
use crate::memory::{Lifetime, place};
use crate::plan::{Goal, Parameter, Plan};
use crate::shape::Extent;
use crate::sweeps::end_of_pass;

/// A part of the arena that all plans of one graph share: a parameter, or its memory.
///
/// ```
/// use chainrule_engine::{Backend, Graph, Reference};
/// let g = Graph::new();
/// let plan = g.predict(&[g.parameter("w", [3]).sum()])?;
/// let span = plan.parameter("w").unwrap();
/// let mut arena = Reference.allocate(&[&plan], 0)?;
/// Reference.write(&mut arena, span, &[1.0, 2.0, 3.0]);
/// assert_eq!((span.len, Reference.read_span(&arena, span)), (3, vec![1.0, 2.0, 3.0]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first element.
    pub offset: usize,
    /// How many.
    pub len: usize,
}

/// A region of the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// Nowhere: pruned, fused away, or a constant.
    Nowhere,
    /// The parameters: first in every plan's arena.
    Parameters,
    /// Whole values, such as gradients.
    Whole,
    /// Row values that outlive their chunk: offsets count in elements a row.
    Kept,
    /// Row values that die within their chunk of rows: offsets count in elements a row.
    Scratch,
}

/// Where a value lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The region.
    pub zone: Zone,
    /// Its offset there.
    pub offset: usize,
}

/// How much of each region a plan needs, in elements; the optimizer's memory follows the parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Of the parameters.
    pub parameters: usize,
    /// Of the optimizer: one block of the parameters' size for each number it remembers.
    pub memory: usize,
    /// Of whole values.
    pub whole: usize,
    /// Of kept row values, for each row.
    pub kept: usize,
    /// Of row values within a chunk, for each row.
    pub scratch: usize,
}

impl Layout {
    /// Enough for both.
    ///
    /// ```
    /// use chainrule_engine::Layout;
    /// let (a, b) = (Layout { whole: 3, kept: 1, ..Layout::default() }, Layout { whole: 2, kept: 5, ..Layout::default() });
    /// assert_eq!(a.union(b), Layout { whole: 3, kept: 5, ..Layout::default() });
    /// ```
    pub fn union(self, other: Layout) -> Layout {
        Layout {
            parameters: self.parameters.max(other.parameters),
            memory: self.memory.max(other.memory),
            whole: self.whole.max(other.whole),
            kept: self.kept.max(other.kept),
            scratch: self.scratch.max(other.scratch),
        }
    }
}

/// Elements between starts of whole values and parameters: a cache line of f32.
pub(crate) const ALIGN: usize = 16;

impl Plan {
    /// Gives every value its place, and counts what each zone needs. Roots outlive the run.
    pub(crate) fn place_values(&mut self, forward: &Forward, roots: &[Buf]) {
        for parameter in self.parameters().to_vec() {
            if let Some(w) = forward.y[parameter.node.0] {
                self.places[w.id.index()] = Place { zone: Zone::Parameters, offset: parameter.span.offset };
            }
        }
        let end = |p: &Parameter| p.span.offset + p.span.len.next_multiple_of(ALIGN);
        self.layout.parameters = self.parameters().last().map_or(0, end);
        if let Goal::Update(optimizer) = self.goal {
            self.layout.memory = optimizer.rule.memory() * self.layout.parameters;
        }

        let uses = Uses::of(self, roots);
        for (zone, align) in [(Zone::Whole, ALIGN), (Zone::Kept, 1), (Zone::Scratch, 1)] {
            let members: Vec<usize> = (0..self.values.len()).filter(|&v| uses.zone(self, v) == zone).collect();
            let lifetimes: Vec<Lifetime> = members
                .iter()
                .map(|&v| {
                    let (first, last) = uses.lifetime(v, zone);
                    Lifetime { len: self.values[v].shape.len(), first, last }
                })
                .collect();
            let (offsets, total) = place(&lifetimes, align);
            for (&v, offset) in members.iter().zip(offsets) {
                self.places[v] = Place { zone, offset };
            }
            match zone {
                Zone::Whole => self.layout.whole = total,
                Zone::Kept => self.layout.kept = total,
                _ => self.layout.scratch = total,
            }
        }
    }
}

/// When each value is written first and read last: by call and by sweep.
struct Uses {
    call: Vec<Option<(usize, usize)>>,
    /// The first and the last call of each call's pass.
    pass: Vec<(usize, usize)>,
    sweep: Vec<Option<(usize, usize)>>,
    outlives: Vec<bool>,
}

impl Uses {
    fn of(plan: &Plan, roots: &[Buf]) -> Uses {
        let mut uses = Uses {
            call: vec![None; plan.values.len()],
            pass: Vec::with_capacity(plan.calls.len()),
            sweep: vec![None; plan.values.len()],
            outlives: vec![false; plan.values.len()],
        };
        let widen = |range: &mut Option<(usize, usize)>, at: usize| {
            *range = Some(range.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
        };
        for (s, sweep) in plan.sweeps.iter().enumerate() {
            while uses.pass.len() < sweep.calls.end {
                let start = uses.pass.len();
                let end = end_of_pass(&plan.calls, sweep.calls.end, start);
                uses.pass.resize(end, (start, end - 1));
            }
            for c in sweep.calls.clone() {
                let call = &plan.calls[c];
                for v in call.reads().into_iter().chain(call.writes()) {
                    widen(&mut uses.call[v.index()], c);
                    widen(&mut uses.sweep[v.index()], s);
                }
            }
        }
        roots.iter().for_each(|root| uses.outlives[root.id.index()] = true);
        uses
    }

    fn zone(&self, plan: &Plan, v: usize) -> Zone {
        let value = plan.values[v];
        match (self.sweep[v], value.extent) {
            (None, _) => Zone::Nowhere,
            _ if plan.places[v].zone == Zone::Parameters => Zone::Parameters,
            (_, Extent::Whole) => Zone::Whole,
            (Some((first, last)), Extent::Row) if first < last || self.outlives[v] => Zone::Kept,
            (_, Extent::Row) => Zone::Scratch,
        }
    }

    fn lifetime(&self, v: usize, zone: Zone) -> (usize, usize) {
        let range = if zone == Zone::Scratch { self.call[v] } else { self.sweep[v] };
        let (mut first, mut last) = range.unwrap_or((0, 0));
        if zone == Zone::Scratch && self.pass[first] != self.pass[last] {
            (first, last) = (self.pass[first].0, self.pass[last].1);
        }
        (first, if self.outlives[v] { usize::MAX } else { last })
    }
}
