//! The reference backend: f64 and naive loops, one after another.
//!
//! It is the living definition of each kernel, and the ground on which gradients are checked.
//! Nothing here is clever on purpose.

use crate::backend::{Backend, BackendError, Zones};
use crate::kernel::{Buf, BufId, Epilogue, Gradient, Kernel, SQUARES, Sizes, following};
use crate::layout::{Span, Zone};
use crate::mask::Mask;
use crate::optimizer::{Adjust, Factors, Step};
use crate::plan::Plan;
use crate::rows::{Clock, Column, Rows};
use crate::shape::Extent;
use crate::window::Window;

/// The backend whose numbers the others are tested against.
///
/// ```
/// use chainrule_engine::{Graph, Reference};
/// let g = Graph::new();
/// assert_eq!(Reference.value(g.parameter("x", []).sin(), &[("x", &[0.5])])?, [0.5f64.sin()]);
/// # Ok::<(), chainrule_engine::ValueError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Reference;

/// Its memory.
#[derive(Clone, Debug)]
pub struct ReferenceArena {
    cells: Vec<f64>,
    zones: Zones,
    rows: usize,
}

fn room(plans: &[&Plan], rows: usize) -> Zones {
    let zones = Zones::new(plans, rows, 0, 1);
    Zones { scratch_rows: zones.capacity, ..zones }
}

impl Backend for Reference {
    type Arena = ReferenceArena;

    fn bytes(&self, plans: &[&Plan], rows: usize) -> u64 {
        let total = room(plans, rows).total();
        total.map_or(u64::MAX, |numbers| (numbers as u64).saturating_mul(size_of::<f64>() as u64))
    }

    fn allocate(&self, plans: &[&Plan], rows: usize) -> Result<ReferenceArena, BackendError> {
        let zones = room(plans, rows);
        let total = zones.total().ok_or(BackendError::Memory { wanted: usize::MAX })?;
        let mut cells = Vec::new();
        cells.try_reserve_exact(total).map_err(|_| BackendError::Memory { wanted: total })?;
        cells.resize(total, 0.0);
        Ok(ReferenceArena { cells, zones, rows: 0 })
    }

    fn run(&self, plan: &Plan, arena: &mut ReferenceArena, rows: &Rows<'_>, clock: Clock) {
        arena.zones.expect_room(plan, rows.count);
        arena.rows = rows.count;
        for call in &plan.calls {
            Run { plan, cells: &mut arena.cells, zones: arena.zones, rows }.call(call, clock);
        }
    }

    fn write(&self, arena: &mut ReferenceArena, span: Span, values: &[f64]) {
        arena.cells[span.offset..span.offset + span.len].copy_from_slice(values);
    }

    fn read_span(&self, arena: &ReferenceArena, span: Span) -> Vec<f64> {
        arena.cells[span.offset..span.offset + span.len].to_vec()
    }

    fn read(&self, plan: &Plan, arena: &ReferenceArena, value: Buf) -> Vec<f64> {
        let rows = if value.extent == Extent::Row { arena.rows } else { 1 };
        let len = rows * value.shape.len();
        match value.constant {
            Some(c) => vec![c; len],
            None => {
                let start = arena.zones.start(plan.places[value.id.index()], 0);
                arena.cells[start..start + len].to_vec()
            }
        }
    }

    fn read_number(&self, plan: &Plan, arena: &ReferenceArena, value: Buf) -> f64 {
        value.constant.unwrap_or_else(|| arena.cells[arena.zones.start(plan.places[value.id.index()], 0)])
    }
}

/// One product of a convolution's sum.
struct Tap {
    /// The element of the input.
    input: usize,
    /// The input's channel within its group, and the place in the kernel.
    channel: usize,
    k: usize,
    l: usize,
}

impl Tap {
    /// The element of the weight for the output channel `o`.
    fn weight(&self, window: Window, o: usize, transposed: bool) -> usize {
        let [kh, kw] = window.kernel;
        let (inputs, outputs) = (window.input[0] / window.groups, window.output[0] / window.groups);
        if transposed {
            let c = o / outputs * inputs + self.channel;
            ((c * outputs + o % outputs) * kh + kh - 1 - self.k) * kw + kw - 1 - self.l
        } else {
            ((o * inputs + self.channel) * kh + self.k) * kw + self.l
        }
    }
}

/// What the output's element `at` sums over, in order.
fn taps(window: Window, at: usize) -> impl Iterator<Item = Tap> {
    let Window { input, output, kernel: [kh, kw], stride, dilation, groups } = window;
    let (o, i, j) = (at / (output[1] * output[2]), at / output[2] % output[1], at % output[2]);
    let channels = input[0] / groups;
    let first = o / (output[0] / groups) * channels;
    (0..channels * kh * kw).map(move |tap| {
        let (channel, k, l) = (tap / (kh * kw), tap / kw % kh, tap % kw);
        let (row, column) = (i * stride + k * dilation, j * stride + l * dilation);
        Tap { input: ((first + channel) * input[1] + row) * input[2] + column, channel, k, l }
    })
}

/// The places of the input that the window of a pool's output `at` covers, in order: those within the edges.
fn taps_within(window: Window, padding: usize, at: usize) -> impl Iterator<Item = usize> {
    let Window { input: [_, h, w], output: [_, rows, columns], kernel: [kh, kw], stride, .. } = window;
    let (c, i, j) = (at / (rows * columns), at / columns % rows, at % columns);
    (0..kh * kw).filter_map(move |tap| {
        let row = (i * stride + tap / kw).checked_sub(padding).filter(|&row| row < h)?;
        let column = (j * stride + tap % kw).checked_sub(padding).filter(|&column| column < w)?;
        Some((c * h + row) * w + column)
    })
}

/// One run at work.
struct Run<'a> {
    plan: &'a Plan,
    cells: &'a mut [f64],
    zones: Zones,
    rows: &'a Rows<'a>,
}

impl Run<'_> {
    fn is_row(&self, v: BufId) -> bool {
        self.plan.values[v.index()].extent == Extent::Row
    }

    /// Elements of one row, or of the whole.
    fn len(&self, v: BufId) -> usize {
        self.plan.values[v.index()].shape.len()
    }

    /// Over how many rows a call that writes `v` goes.
    fn count(&self, v: BufId) -> usize {
        if self.is_row(v) { self.rows.count } else { 1 }
    }

    /// Where element `i` of `v` stands for row `r`: scalars stand for each element, wholes for each row.
    fn at(&self, v: BufId, r: usize, i: usize) -> usize {
        let len = self.len(v);
        let r = if self.is_row(v) { r } else { 0 };
        self.zones.start(self.plan.places[v.index()], 0) + r * len + if len == 1 { 0 } else { i }
    }

    fn get(&self, v: BufId, r: usize, i: usize) -> f64 {
        debug_assert_ne!(self.plan.places[v.index()].zone, Zone::Nowhere);
        self.cells[self.at(v, r, i)]
    }

    fn set(&mut self, v: BufId, r: usize, i: usize, value: f64) {
        let at = self.at(v, r, i);
        self.cells[at] = value;
    }

    /// y[r, i] = f(r, i)
    fn each(&mut self, y: BufId, f: impl Fn(&Self, usize, usize) -> f64) {
        for r in 0..self.count(y) {
            for i in 0..self.len(y) {
                let value = f(self, r, i);
                self.set(y, r, i, value);
            }
        }
    }

    fn label(&self, label: BufId, r: usize) -> usize {
        self.get(label, r, 0) as usize
    }

    /// The element (i, j) of Σ rows aᵀ·b.
    fn sum_of_products(&self, a: BufId, b: BufId, sizes: Sizes, at: usize) -> f64 {
        let (i, j) = (at / sizes.n, at % sizes.n);
        let mut sum = 0.0;
        for r in 0..self.rows.count {
            for m in 0..sizes.m {
                sum += self.get(a, r, m * sizes.k + i) * self.get(b, r, m * sizes.n + j);
            }
        }
        sum
    }

    fn sum_rows(&self, x: BufId, i: usize) -> f64 {
        (0..self.rows.count).map(|r| self.get(x, r, i)).sum()
    }

    fn call(&mut self, call: &Kernel, clock: Clock) {
        match *call {
            Kernel::Gather { input, y } => self.gather(input, y),
            Kernel::Fill { value, per_row, y } => {
                let value = if per_row { value / self.rows.count as f64 } else { value };
                self.each(y, |_, _, _| value);
            }
            Kernel::Map { f, x, y } => self.each(y, |s, r, i| f.of(s.get(x, r, i))),
            Kernel::Zip { f, a, b, y } => self.each(y, |s, r, i| f.of(s.get(a, r, i), s.get(b, r, i))),
            Kernel::Broadcast { x, y } => self.each(y, |s, r, i| s.get(x, r, i)),
            Kernel::Matmul { a, b, bias, y, transpose_a, transpose_b, sizes: Sizes { m, k, n }, epilogue } => {
                self.each(y, |s, r, at| {
                    let (i, j) = (at / n, at % n);
                    let mut sum = bias.map_or(0.0, |bias| s.get(bias, r, j));
                    for l in 0..k {
                        let left = s.get(a, r, if transpose_a { l * m + i } else { i * k + l });
                        sum += left * s.get(b, r, if transpose_b { j * k + l } else { l * n + j });
                    }
                    match epilogue {
                        Epilogue::None => sum,
                        Epilogue::Map(f) => f.of(sum),
                        Epilogue::Zip(f, with) => f.of(sum, s.get(with, r, at)),
                    }
                });
            }
            Kernel::MatmulRows { a, b, y, sizes } => self.each(y, |s, _, at| s.sum_of_products(a, b, sizes, at)),
            Kernel::SumElements { x, y } => self.each(y, |s, r, _| (0..s.len(x)).map(|i| s.get(x, r, i)).sum()),
            Kernel::SumSquares { x, y, at } => {
                let len = self.len(x);
                for block in 0..len.div_ceil(SQUARES) {
                    let elements = block * SQUARES..len.min((block + 1) * SQUARES);
                    let sum = elements.map(|i| self.get(x, 0, i).powi(2)).sum();
                    self.set(y, 0, at + block, sum);
                }
            }
            Kernel::SumRows { x, y } => self.each(y, |s, _, i| s.sum_rows(x, i)),
            Kernel::MeanRows { x, y } => self.each(y, |s, _, i| s.sum_rows(x, i) / s.rows.count as f64),
            Kernel::MeanRowsGradient { dy, dx } => self.each(dx, |s, _, i| s.get(dy, 0, i) / s.rows.count as f64),
            Kernel::Softmax { x, y } => self.each(y, |s, r, i| {
                let (max, sum) = s.max_and_sum(x, r);
                (s.get(x, r, i) - max).exp() / sum
            }),
            Kernel::SoftmaxGradient { y, dy, dx } => self.each(dx, |s, r, i| {
                let dot: f64 = (0..s.len(y)).map(|j| s.get(dy, r, j) * s.get(y, r, j)).sum();
                s.get(y, r, i) * (s.get(dy, r, i) - dot)
            }),
            Kernel::SoftmaxCrossEntropy { x, label, loss, probability } => {
                self.each(loss, |s, r, _| {
                    let (max, sum) = s.max_and_sum(x, r);
                    sum.ln() - (s.get(x, r, s.label(label, r)) - max)
                });
                self.call(&Kernel::Softmax { x, y: probability }, clock);
            }
            Kernel::SoftmaxCrossEntropyGradient { probability, label, dloss, dx } => self.each(dx, |s, r, i| {
                let onehot = if s.label(label, r) == i { 1.0 } else { 0.0 };
                (s.get(probability, r, i) - onehot) * s.get(dloss, r, 0)
            }),
            Kernel::Pick { x, label, y } => self.each(y, |s, r, _| s.get(x, r, s.label(label, r))),
            Kernel::PickGradient { label, dy, dx } => {
                self.each(dx, |s, r, i| if s.label(label, r) == i { s.get(dy, r, 0) } else { 0.0 });
            }
            Kernel::Spread { x, y, from, to, corner, step } => self.each(y, |s, r, at| {
                let (c, i, j) = (at / (to[0] * to[1]), at / to[1] % to[0], at % to[1]);
                let back = |i: usize, axis: usize| {
                    let from_corner = usize::try_from(i as isize - corner[axis]).ok()?;
                    (from_corner % step == 0 && from_corner / step < from[axis]).then_some(from_corner / step)
                };
                match (back(i, 0), back(j, 1)) {
                    (Some(i), Some(j)) => s.get(x, r, (c * from[0] + i) * from[1] + j),
                    _ => 0.0,
                }
            }),
            Kernel::Conv2d { x, w, bias, y, window, transposed, epilogue } => self.each(y, |s, r, at| {
                let o = at / window.planes().1;
                let start = bias.map_or(0.0, |bias| s.get(bias, r, o));
                let sum = taps(window, at).fold(start, |sum, tap| {
                    sum + s.get(x, r, tap.input) * s.get(w, r, tap.weight(window, o, transposed))
                });
                if let Epilogue::Map(f) = epilogue { f.of(sum) } else { sum }
            }),
            Kernel::Conv2dGradient { x, dy, dw, window } => {
                self.each(dw, |_, _, _| 0.0);
                for r in 0..self.count(dy) {
                    for at in 0..self.len(dy) {
                        for tap in taps(window, at) {
                            let i = tap.weight(window, at / window.planes().1, false);
                            let sum = self.get(dw, 0, i) + self.get(x, r, tap.input) * self.get(dy, r, at);
                            self.set(dw, 0, i, sum);
                        }
                    }
                }
            }
            Kernel::SumPositions { x, y } => self.each(y, |s, r, c| {
                let plane = s.len(x) / s.len(y);
                (0..plane).map(|i| s.get(x, r, c * plane + i)).sum()
            }),
            Kernel::MaxPool { x, y, at, window, padding } => {
                // The first among equals; a NaN is larger than any number.
                let chosen = |s: &Self, r: usize, o: usize| {
                    let inputs = taps_within(window, padding, o);
                    let best = inputs.reduce(|best, i| {
                        let (b, x) = (s.get(x, r, best), s.get(x, r, i));
                        if x > b || (x.is_nan() && !b.is_nan()) { i } else { best }
                    });
                    best.unwrap_or(0)
                };
                self.each(y, |s, r, o| s.get(x, r, chosen(s, r, o)));
                self.each(at, |s, r, o| (chosen(s, r, o) % window.planes().0) as f64);
            }
            Kernel::MaxPoolGradient { dy, at, dx, window } => {
                self.each(dx, |_, _, _| 0.0);
                let (input, output) = window.planes();
                for r in 0..self.count(dx) {
                    for o in 0..self.len(dy) {
                        let i = o / output * input + self.get(at, r, o) as usize;
                        let sum = self.get(dx, r, i) + self.get(dy, r, o);
                        self.set(dx, r, i, sum);
                    }
                }
            }
            Kernel::Dropout { x, y, rate, stream } => {
                let mask = Mask::new(rate, stream, clock.seed, clock.step);
                self.each(y, |s, r, i| if mask.row(r).keeps(i as u32) { s.get(x, r, i) / (1.0 - rate) } else { 0.0 });
            }
            Kernel::OverPositions { x, y } => {
                let plane = self.len(y) / self.len(x);
                self.each(y, |s, r, i| s.get(x, r, i / plane));
            }
            Kernel::Concat { a, b, y } => {
                let first = self.len(a);
                self.each(y, |s, r, i| if i < first { s.get(a, r, i) } else { s.get(b, r, i - first) });
            }
            Kernel::Part { x, y, at } => self.each(y, |s, r, i| s.get(x, r, at + i)),
            Kernel::Lookup { x, w, y } => {
                let (numbers, width) = (self.len(x), self.len(y) / self.len(x));
                let rows = self.len(w) / width;
                self.each(y, |s, r, at| {
                    let number = s.get(x, r, at / width % numbers);
                    let known = number >= 0.0 && number < rows as f64;
                    if known { s.get(w, 0, number as usize * width + at % width) } else { f64::NAN }
                });
            }
            Kernel::LookupGradient { x, dy, dw, width } => {
                self.each(dw, |_, _, _| 0.0);
                for r in 0..self.count(dy) {
                    for at in 0..self.len(dy) {
                        let number = self.get(x, r, at / width);
                        let i = number as usize * width + at % width;
                        if number >= 0.0 && i < self.len(dw) {
                            let sum = self.get(dw, 0, i) + self.get(dy, r, at);
                            self.set(dw, 0, i, sum);
                        }
                    }
                }
            }
            Kernel::Follow { parameter, value, share, variance_of } => {
                if let Some((keep, take)) = following(share, variance_of, self.rows.count) {
                    self.each(parameter, |s, _, i| keep * s.get(parameter, 0, i) + take * s.get(value, 0, i));
                }
            }
            Kernel::Update { optimizer, parameter, gradient, squared_norm } => {
                let gradients: Vec<f64> = (0..self.len(parameter))
                    .map(|at| match gradient {
                        Gradient::Stored(g) => self.get(g, 0, at),
                        Gradient::MatmulRows { a, b, sizes } => self.sum_of_products(a, b, sizes, at),
                        Gradient::SumRows(x) => self.sum_rows(x, at),
                    })
                    .collect();
                let squared_norm = squared_norm.map(|v| self.get(v, 0, 0));
                self.update(Step::new(optimizer, clock, squared_norm), parameter, &gradients);
            }
        }
    }

    fn gather(&mut self, input: usize, y: BufId) {
        let width = self.len(y);
        let (rows, column) = (self.rows, self.rows.columns[input]);
        self.each(y, |_, r, i| {
            let at = rows.row(r) * width + i;
            match column {
                Column::F32(cells) => cells[at].into(),
                Column::F64(cells) => cells[at],
                // In f32, as the tables of other backends have it.
                Column::U8 { cells, scale } => (f32::from(cells[at]) * scale).into(),
                Column::U32(cells) => cells[at].into(),
                Column::Absent => f64::NAN,
            }
        });
    }

    /// max x, and Σ e^(x − max x), of one row: no exponential overflows.
    fn max_and_sum(&self, x: BufId, r: usize) -> (f64, f64) {
        let row = || (0..self.len(x)).map(|i| self.get(x, r, i));
        let max = row().fold(f64::NEG_INFINITY, f64::max);
        (max, row().map(|x| (x - max).exp()).sum())
    }

    fn update(&mut self, step: Step, parameter: BufId, gradients: &[f64]) {
        let first = self.at(parameter, 0, 0);
        let block = self.zones.layout.parameters;
        for (at, &g) in gradients.iter().enumerate() {
            let (w, m, v) = (first + at, first + at + block, first + at + 2 * block);
            let cells = &mut *self.cells;
            let mut g = g;
            if let Some(Adjust { factor, clip, l2, keep }) = step.adjust {
                g = (factor * g).clamp(-clip, clip) + l2 * cells[w];
                cells[w] *= keep;
            }
            match step.factors {
                Factors::Sgd { rate } => cells[w] -= rate * g,
                Factors::Momentum { rate, momentum } => {
                    cells[m] = momentum * cells[m] + g;
                    cells[w] -= rate * cells[m];
                }
                Factors::Nesterov { rate, momentum } => {
                    cells[m] = momentum * cells[m] + g;
                    cells[w] -= rate * (g + momentum * cells[m]);
                }
                Factors::Adagrad { rate, epsilon } => {
                    cells[m] += g * g;
                    cells[w] -= rate * g / (cells[m].sqrt() + epsilon);
                }
                Factors::Rmsprop { rate, beta, epsilon } => {
                    cells[m] = beta * cells[m] + (1.0 - beta) * g * g;
                    cells[w] -= rate * g / (cells[m].sqrt() + epsilon);
                }
                Factors::Adam { rate, beta1, beta2, epsilon, correct1, correct2 } => {
                    cells[m] = beta1 * cells[m] + (1.0 - beta1) * g;
                    cells[v] = beta2 * cells[v] + (1.0 - beta2) * g * g;
                    cells[w] -= rate * (cells[m] / correct1) / ((cells[v] / correct2).sqrt() + epsilon);
                }
                Factors::Lion { rate, beta1, beta2 } => {
                    let c = beta1 * cells[m] + (1.0 - beta1) * g;
                    cells[m] = beta2 * cells[m] + (1.0 - beta2) * g;
                    // signum(0) would be 1.
                    let sign = if c == 0.0 { 0.0 } else { c.signum() };
                    cells[w] -= rate * sign;
                }
            }
        }
    }
}
