//! Each row-wise call, over a chunk of rows; and the calls on wholes that are one row.

use std::ops::Range;

use super::convolution::{Convolution, WeightSteps, spread};
use super::embedding;
use super::few_rows;
use super::gather::Table;
use super::product::{Finish, Product};
use super::run::{Chunk, Run, Slot, cells, cells_mut};
use super::simd::LANES;
use super::softmax::class;
use super::soon::Soon;
use super::winograd::Winograd;
use crate::function::Map;
use crate::kernel::{BufId, Epilogue, Kernel, Sizes, following};
use crate::mask::Mask;

/// Rows of so many numbers are gathered by the product that reads them, if it takes long enough; fewer numbers come sooner than
/// they can be asked for.
const WIDE: usize = 16;

impl Run<'_> {
    /// A call over the rows of a chunk, each by itself; a call on wholes goes over one row.
    pub(super) fn row_wise(&self, call: &Kernel, at: Chunk) {
        let (k, count) = (self.kernels, at.count);
        let slot = |v: BufId| self.slot(v, at);
        // SAFETY, for every block below: slots are places of this plan in this arena, which has room
        // for it and for these rows; lengths are those of the values' shapes, which ops have checked.
        match *call {
            Kernel::Gather { input, y } => {
                let y = slot(y);
                // SAFETY: as above.
                let cells = unsafe { std::slice::from_raw_parts_mut(y.p, count * y.len) };
                self.table(input, y.len, at).gather(0, false, cells);
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
            Kernel::Matmul { .. } => self.matmul(call, at, None, None),
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
            Kernel::Dropout { x, y, rate, stream } => {
                let (x, y) = (slot(x), slot(y));
                let mask = Mask::new(rate, stream, self.clock.seed, self.clock.step);
                let scale = (1.0 / (1.0 - rate)) as f32;
                for r in 0..count {
                    // SAFETY: as above.
                    unsafe { (k.dropout)(mask.row(at.first + r), scale, x.row(r), y.row(r), y.len) }
                }
            }
            Kernel::OverPositions { x, y } => {
                let (x, y) = (slot(x), slot(y));
                for r in 0..count {
                    // SAFETY: as above.
                    let (x, y) = unsafe { (cells(x, r), cells_mut(y, r)) };
                    y.chunks_exact_mut(y.len() / x.len()).zip(x).for_each(|(plane, &x)| plane.fill(x));
                }
            }
            Kernel::Concat { a, b, y } => {
                let (a, b, y) = (slot(a), slot(b), slot(y));
                for r in 0..count {
                    // SAFETY: as above.
                    let (a, b, y) = unsafe { (cells(a, r), cells(b, r), cells_mut(y, r)) };
                    let (first, second) = y.split_at_mut(a.len());
                    first.copy_from_slice(a);
                    second.copy_from_slice(b);
                }
            }
            Kernel::Part { x, y, at } => {
                let (x, y) = (slot(x), slot(y));
                for r in 0..count {
                    // SAFETY: as above.
                    let (x, y) = unsafe { (cells(x, r), cells_mut(y, r)) };
                    y.copy_from_slice(&x[at..at + y.len()]);
                }
            }
            Kernel::Lookup { x, w, y } => {
                let (x, w, y) = (slot(x), slot(w), slot(y));
                for r in 0..count {
                    // SAFETY: as above.
                    unsafe { embedding::lookup(cells(x, r), cells(w, 0), cells_mut(y, r)) }
                }
            }
            Kernel::Follow { parameter, value, share, variance_of } => {
                let Some((keep, take)) = following(share, variance_of, self.rows.count) else { return };
                // SAFETY: as above; in this sweep nobody else reads or writes the parameter.
                let (parameter, value) = unsafe { (cells_mut(slot(parameter), 0), cells(slot(value), 0)) };
                let follow = |w: f32, v: f32| keep * f64::from(w) + take * f64::from(v);
                parameter.iter_mut().zip(value).for_each(|(w, &v)| *w = follow(*w, v) as f32);
            }
            Kernel::MaxPool { x, y, at: place, window, padding } => {
                let (x, y, place) = (slot(x), slot(y), slot(place));
                for r in 0..count {
                    // SAFETY: as above.
                    unsafe { (k.max_pool)(&window, padding, x.row(r), y.row(r), place.row(r)) }
                }
            }
            Kernel::MaxPoolGradient { dy, at: place, dx, window } => {
                let (dy, place, dx) = (slot(dy), slot(place), slot(dx));
                for r in 0..count {
                    // SAFETY: as above.
                    unsafe { (k.max_pool_gradient)(&window, dy.row(r), place.row(r), dx.row(r)) }
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
                // SAFETY: as above.
                unsafe { (k.softmax)(count, y.len, x.p, y.p) }
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
            | Kernel::LookupGradient { .. }
            | Kernel::SumRows { .. }
            | Kernel::SumSquares { .. }
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
        let first = Convolution { window, x: x.p, w: w.p, steps, bias, y: y.p, relu };
        // SAFETY, for both: slots of this plan in this arena, with sizes that the op has checked, and the worker's own room; y is
        // this chunk's alone and shares memory with none of its operands.
        if window.goes_by_tiles() {
            let winograd = Winograd {
                convolution: first,
                examples: at.count,
                x_step: x.step,
                y_step: y.step,
                room: self.basis(at.worker, &window),
                panel: self.panel(at.worker),
                kernels: self.kernels,
            };
            // SAFETY: as above.
            unsafe { (self.kernels.winograd)(&winograd) }
        } else {
            for r in 0..at.count {
                let convolution = Convolution { x: x.row(r), y: y.row(r), ..first };
                // SAFETY: as above.
                unsafe { (self.kernels.convolution)(&convolution) }
            }
        }
        if let (Epilogue::Map(f), false) = (epilogue, relu) {
            // SAFETY: y's rows stand one after the other.
            unsafe { (self.kernels.map)(f, y.p, y.p, at.count * y.len) }
        }
    }

    /// The chunk's rows of an input.
    fn table(&self, input: usize, width: usize, at: Chunk) -> Table<'_> {
        Table { column: self.rows.columns[input], rows: self.rows, first: at.first, count: at.count, width }
    }

    /// A product, or these columns of it; `soon` is a call that gathers the rows of A and is still to be done, or one that writes soon.
    pub(super) fn matmul(&self, call: &Kernel, at: Chunk, columns: Option<Range<usize>>, soon: Option<&Kernel>) {
        let Kernel::Matmul { a, b, bias, y, transpose_a, transpose_b, sizes, epilogue } = *call else { return };
        let Sizes { m, k, n } = sizes;
        let (a, b, y) = (self.slot(a, at), self.slot(b, at), self.slot(y, at));
        let bias = bias.map(|bias| self.slot(bias, at));
        // Rows of one matrix for all examples, where they share the other operands.
        let shared = b.step == 0 && bias.is_none_or(|bias| bias.step == 0) && a.step > 0 && (m == 1 || !transpose_a);
        let (times, m) = if shared { (1, at.count * m) } else { (at.count, m) };
        let columns = columns.unwrap_or(0..n);
        let soon = match soon {
            Some(&Kernel::Gather { input, .. }) if shared && k >= WIDE && n > LANES => {
                Soon::Rows { table: self.table(input, k, at), a: a.p, lines: 0 }
            }
            Some(call @ Kernel::Gather { .. }) => {
                self.row_wise(call, at);
                Soon::Nothing
            }
            Some(call) if shared && m == at.count => {
                let y = self.slot(call.result(), at);
                Soon::Written { y: y.p, row: y.step }
            }
            _ => Soon::Nothing,
        };
        let (from, b_step) = (columns.start, if transpose_b { k } else { n });
        for r in 0..times {
            let product = Product {
                m,
                k,
                n: columns.len(),
                a: a.row(r),
                a_row: if transpose_a && !shared { 1 } else { k },
                a_col: if transpose_a && !shared { m } else { 1 },
                b: b.row(r).wrapping_add(if transpose_b { from * b_step } else { from }),
                b_step,
                b_transposed: transpose_b,
                bias: bias.map_or(std::ptr::null(), |bias| bias.row(r).wrapping_add(from).cast_const()),
                c: y.row(r).wrapping_add(from),
                c_row: n,
                c_shared: self.workers > 1,
                adds: false,
                finish: match epilogue {
                    Epilogue::None => Finish::None,
                    Epilogue::Map(f) => Finish::Map(f),
                    Epilogue::Zip(f, with) => Finish::Zip(f, self.slot(with, at).row(r).wrapping_add(from)),
                },
                panel: self.panel(at.worker),
                panel_holds_b: false,
                few: few_rows::most(self.zones.layout.parameters),
                soon,
                kernels: self.kernels,
            };
            // SAFETY: slots of this plan in this arena, with sizes that the op has checked; these columns of y
            // are this worker's alone for this chunk, and y shares memory with none of its operands.
            unsafe { (self.kernels.product)(&product) }
        }
    }
}
