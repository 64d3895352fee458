//! A plan as a page that a person can read: sweeps, calls as formulas, places, FLOPs.

use std::fmt;

use crate::chain_rule::Forward;
use crate::flops::Flops;
use crate::function::{Map, Zip};
use crate::graph::Node;
use crate::kernel::{Buf, BufId, Epilogue, Gradient, Kernel};
use crate::layout::Zone;
use crate::plan::{Goal, Plan};
use crate::sweeps::SweepKind;

/// Leaves are called by their names, gradients by what they are of, others by number.
pub(crate) fn name_values(
    nodes: &[Node],
    forward: &Forward,
    gradients: &[Option<Buf>],
    calls: &[Kernel],
) -> Vec<String> {
    let count = calls.iter().flat_map(|c| c.reads().into_iter().chain(c.writes())).map(|v| v.index() + 1).max();
    let mut names = vec![String::new(); count.unwrap_or(0)];
    let mut give = |buf: &Option<Buf>, name: String| {
        if let Some(slot) = buf.and_then(|buf| names.get_mut(buf.id.index())).filter(|slot| slot.is_empty()) {
            *slot = name;
        }
    };
    for ((node, y), gradient) in nodes.iter().zip(&forward.y).zip(gradients) {
        if !node.name.is_empty() {
            give(y, node.name.clone());
            give(gradient, format!("d({})", node.name));
        }
    }
    let mut number = 0;
    for v in calls.iter().flat_map(Kernel::writes) {
        if names[v.index()].is_empty() {
            names[v.index()] = format!("%{number}");
            number += 1;
        }
    }
    names
}

impl Plan {
    fn name(&self, v: BufId) -> &str {
        self.labels.get(v.index()).map_or("?", String::as_str)
    }

    fn formula(&self, call: &Kernel) -> String {
        let n = |v: BufId| self.name(v);
        match *call {
            Kernel::Gather { .. } => "rows at hand".to_owned(),
            Kernel::Fill { value, per_row, .. } => format!("{value}{}", if per_row { " / rows" } else { "" }),
            Kernel::Map { f, x, .. } => map_formula(f, n(x)),
            Kernel::Zip { f, a, b, .. } => zip_formula(f, n(a), n(b)),
            Kernel::Broadcast { x, .. } => format!("{} for each", n(x)),
            Kernel::Matmul { a, b, bias, transpose_a, transpose_b, epilogue, .. } => {
                let t = |yes| if yes { "ᵀ" } else { "" };
                let mut product = format!("{}{} · {}{}", n(a), t(transpose_a), n(b), t(transpose_b));
                if let Some(bias) = bias {
                    product = format!("{product} + {}", n(bias));
                }
                match epilogue {
                    Epilogue::None => product,
                    Epilogue::Map(f) => map_formula(f, &product),
                    Epilogue::Zip(f, with) => zip_formula(f, &format!("({product})"), n(with)),
                }
            }
            Kernel::MatmulRows { a, b, .. } => format!("Σ rows {}ᵀ · {}", n(a), n(b)),
            Kernel::Spread { x, corner, step, .. } => format!("{} spread by {step} from {corner:?}", n(x)),
            Kernel::Conv2d { x, w, bias, transposed, epilogue, .. } => {
                let mut sum = format!("{} ⋆ {}{}", n(x), n(w), if transposed { "ᵀ" } else { "" });
                if let Some(bias) = bias {
                    sum = format!("{sum} + {}", n(bias));
                }
                if let Epilogue::Map(f) = epilogue { map_formula(f, &sum) } else { sum }
            }
            Kernel::Conv2dGradient { x, dy, .. } => format!("Σ rows {} ⋆ {}", n(x), n(dy)),
            Kernel::Dropout { x, rate, .. } => format!("{} dropped out by {rate}", n(x)),
            Kernel::Concat { a, b, .. } => format!("{}, then {}", n(a), n(b)),
            Kernel::Part { x, at, .. } => format!("{} from {at} on", n(x)),
            Kernel::Lookup { x, w, .. } => format!("{}[{}]", n(w), n(x)),
            Kernel::LookupGradient { x, dy, .. } => format!("Σ rows {} at {}", n(dy), n(x)),
            Kernel::OverPositions { x, .. } => format!("{} at each position", n(x)),
            Kernel::Follow { parameter, value, share, .. } => {
                format!("{} · {} + {share} · {}", 1.0 - share, n(parameter), n(value))
            }
            Kernel::SumPositions { x, .. } => format!("Σ positions {}", n(x)),
            Kernel::MaxPool { x, at, .. } => format!("max of windows of {}, where in {}", n(x), n(at)),
            Kernel::MaxPoolGradient { dy, at, .. } => format!("{} at {}", n(dy), n(at)),
            Kernel::SumElements { x, .. } => format!("Σ {}", n(x)),
            Kernel::SumRows { x, .. } => format!("Σ rows {}", n(x)),
            Kernel::SumSquares { x, .. } => format!("Σ {}²", n(x)),
            Kernel::MeanRows { x, .. } => format!("mean rows {}", n(x)),
            Kernel::MeanRowsGradient { dy, .. } => format!("{} / rows", n(dy)),
            Kernel::Softmax { x, .. } => format!("softmax({})", n(x)),
            Kernel::SoftmaxGradient { y, dy, .. } => format!("{} · ({} - Σ {} · {})", n(y), n(dy), n(dy), n(y)),
            Kernel::SoftmaxCrossEntropy { x, label, probability, .. } => {
                format!("-ln softmax({}) at {}, and all of it in {}", n(x), n(label), n(probability))
            }
            Kernel::SoftmaxCrossEntropyGradient { probability, label, dloss, .. } => {
                format!("({} - onehot({})) · {}", n(probability), n(label), n(dloss))
            }
            Kernel::Pick { x, label, .. } => format!("{} at {}", n(x), n(label)),
            Kernel::PickGradient { label, dy, .. } => format!("{} at {}", n(dy), n(label)),
            Kernel::Update { optimizer, gradient, .. } => match gradient {
                Gradient::Stored(g) => format!("{} by {}", optimizer.name(), n(g)),
                Gradient::MatmulRows { a, b, .. } => format!("{} by Σ rows {}ᵀ · {}", optimizer.name(), n(a), n(b)),
                Gradient::SumRows(x) => format!("{} by Σ rows {}", optimizer.name(), n(x)),
            },
        }
    }
}

fn map_formula(f: Map, x: &str) -> String {
    match f {
        Map::Negate => format!("-{x}"),
        Map::Scale(c) => format!("{c} · {x}"),
        Map::Shift(c) => format!("{x} + {c}"),
        Map::Power(c) => format!("{x}^{c}"),
        Map::Exp => format!("exp({x})"),
        Map::Ln => format!("ln({x})"),
        Map::Sin => format!("sin({x})"),
        Map::Cos => format!("cos({x})"),
        Map::Tanh => format!("tanh({x})"),
        Map::Sqrt => format!("sqrt({x})"),
        Map::Relu => format!("relu({x})"),
        Map::Sigmoid => format!("sigmoid({x})"),
        Map::LeakyRelu(slope) => format!("leaky_relu({x}, {slope})"),
        Map::Elu(alpha) => format!("elu({x}, {alpha})"),
        Map::Gelu => format!("gelu({x})"),
        Map::Silu => format!("silu({x})"),
        Map::Softplus => format!("softplus({x})"),
        Map::Absolute => format!("|{x}|"),
        Map::Huber(delta) => format!("huber({x}, {delta})"),
    }
}

fn zip_formula(f: Zip, a: &str, b: &str) -> String {
    match f {
        Zip::Add => format!("{a} + {b}"),
        Zip::Subtract => format!("{a} - {b}"),
        Zip::Multiply => format!("{a} · {b}"),
        Zip::Divide => format!("{a} / {b}"),
        Zip::Power => format!("{a}^{b}"),
        Zip::PowerLn => format!("{a}^{b} · ln({a})"),
        Zip::ReluGradient => format!("{a} where {b} > 0"),
        Zip::SigmoidGradient => format!("{a} · {b}(1 - {b})"),
        Zip::TanhGradient => format!("{a} · (1 - {b}²)"),
        Zip::LeakyReluGradient(slope) => format!("{a} where {b} > 0, else {slope} · {a}"),
        Zip::EluGradient(alpha) => format!("{a} where {b} > 0, else {a} · ({b} + {alpha})"),
        Zip::GeluGradient => format!("{a} · gelu'({b})"),
        Zip::SiluGradient => format!("{a} · silu'({b})"),
        Zip::SoftplusGradient => format!("{a} · sigmoid({b})"),
        Zip::AbsoluteGradient => format!("{a} · sign({b})"),
        Zip::HuberGradient(delta) => format!("{a} · {b} within ±{delta}"),
        Zip::BinaryCrossEntropy => format!("-{b} · ln sigmoid({a}) - (1 - {b}) · ln sigmoid(-{a})"),
    }
}

/// `39760` as `39,760`.
fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A call as its line of the listing says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it computes, with its shape: `%0[50]`.
    pub result: String,
    /// By what.
    pub formula: String,
    /// Its floating-point operations.
    pub flops: Flops,
    /// Where the result lives; empty for nowhere.
    pub place: String,
}

/// A plan's page, with a text beside each call.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a> {
    plan: &'a Plan,
    beside: &'a [String],
}

impl Plan {
    /// The page with a text for each call, such as its time, between its number and its result: a column as wide as
    /// the widest, aligned to the right. Without texts it is the plan's `Display`.
    ///
    /// ```
    /// use chainrule_engine::Graph;
    /// let g = Graph::new();
    /// let plan = g.predict(&[g.input("x", [2]).exp()])?;
    /// let times: Vec<String> = plan.lines().map(|_| "1 µs".to_owned()).collect();
    /// assert!(plan.listing(&times).to_string().contains("1 µs"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn listing<'a>(&'a self, beside: &'a [String]) -> Listing<'a> {
        Listing { plan: self, beside }
    }

    /// Its calls in their order.
    ///
    /// ```
    /// use chainrule_engine::Graph;
    /// let g = Graph::new();
    /// let plan = g.predict(&[g.input("x", [2]).exp()])?;
    /// let formulas: Vec<String> = plan.lines().map(|line| line.formula).collect();
    /// assert!(formulas[1].starts_with("exp"), "{formulas:?}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lines(&self) -> impl Iterator<Item = Line> {
        self.calls.iter().map(|call| {
            let y = call.result();
            Line {
                result: format!("{}{}", self.name(y), self.values[y.index()].shape),
                formula: self.formula(call),
                flops: self.flops_of(call),
                place: match self.places[y.index()] {
                    place if place.zone == Zone::Nowhere => String::new(),
                    place => format!("{:?}+{}", place.zone, place.offset).to_lowercase(),
                },
            }
        })
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.listing(&[]).fmt(f)
    }
}

impl fmt::Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = self.plan;
        let goal = match plan.goal {
            Goal::Predict => "predict".to_owned(),
            Goal::Loss => "loss".to_owned(),
            Goal::Gradients => "loss and gradients".to_owned(),
            Goal::Update(optimizer) => format!("one training step with {}", optimizer.name()),
        };
        let count = |n: usize| thousands(n as u64);
        writeln!(f, "plan: {goal}")?;
        let weights: usize = plan.parameters().iter().map(|p| p.span.len).sum();
        let layout = plan.layout();
        writeln!(
            f,
            "numbers: {} parameters, {} optimizer memory, {} whole; a row {} kept, {} scratch",
            count(weights),
            count(layout.memory),
            count(layout.whole),
            count(layout.kept),
            count(layout.scratch)
        )?;
        let flops = plan.flops();
        writeln!(f, "FLOPs: {} a row, {} once", thousands(flops.per_row), thousands(flops.once))?;
        let width = self.beside.iter().map(|text| text.chars().count()).max();
        let lines: Vec<Line> = plan.lines().collect();
        for sweep in &plan.sweeps {
            match sweep.kind {
                SweepKind::Examples => writeln!(f, "\nexamples' sweep: each chunk of rows, in order")?,
                SweepKind::Parameters => writeln!(f, "\nparameters' sweep: each call by itself")?,
            }
            for at in sweep.calls.clone() {
                let Line { result, formula, flops, place } = &lines[at];
                let flops = match (flops.per_row, flops.once) {
                    (0, 0) => String::new(),
                    (rows, 0) => format!("{} a row", thousands(rows)),
                    (0, once) => thousands(once),
                    (rows, once) => format!("{} a row + {}", thousands(rows), thousands(once)),
                };
                let beside = match (width, self.beside.get(at)) {
                    (Some(width), Some(text)) => format!("  {text:>width$}"),
                    _ => String::new(),
                };
                let line = format!("{at:4}{beside}  {result:<20} = {formula:<52} {flops:<24} {place}");
                writeln!(f, "{}", line.trim_end())?;
            }
        }
        Ok(())
    }
}
