//! The gradient check: the chain rule against the definition, for every parameter of a network.
//!
//! For a parameter w with the gradient a by the chain rule and n by definition, in f64 on
//! [`Reference`],
//!
//! ```text
//! error = |a − n| / max(|a|, |n|, floor)
//! ```
//!
//! must stay within [`TOLERANCE`]. Four decisions make that sharp and fair:
//!
//! - n is the [five-point quotient](crate::derivative::five_point_derivative), whose h is large
//!   enough that rounding does not hide an error.
//! - Where the two do not agree, h is divided by ten and they are compared again, up to three
//!   times: the quotient tends to the true derivative and to no other. The nearest counts.
//! - The floor is 1/1000 of the parameter's largest gradient, since an element that hardly
//!   matters needs fewer digits; and at least the gradient below which the rounding of the loss
//!   alone, some 16 · 2⁻⁵² · max(|L|, 1) / h in the quotient, exceeds the tolerance.
//! - A quotient across a kink (ReLU's, where its operand changes sign between the points, or a
//!   pool's, where another element becomes the largest) says nothing. If the smallest h still crosses it, the element is counted as a kink and
//!   compared with nothing.

use crate::backend::{Backend, BackendError};
use crate::derivative::five_point_derivative;
use crate::graph::{Graph, Kind, NodeId, Var};
use crate::kernel::{Buf, Kernel};
use crate::layout::Span;
use crate::mask::split_mix;
use crate::plan::{CompileError, Goal, Plan, Request};
use crate::reference::{Reference, ReferenceArena};
use crate::rows::{Clock, Column, Rows, RowsError};
use crate::shape::Shape;

/// The largest relative error of a gradient that counts as right.
pub const TOLERANCE: f64 = 1e-6;

/// How often a step that crosses a kink, or whose quotient disagrees, is divided by ten.
const RETRIES: usize = 3;

/// The rounding of a loss, in units of its last place: a few dozen sums, not all one way.
const ROUNDING: f64 = 16.0;

/// How to check.
///
/// ```
/// use chainrule_engine::gradient_check::CheckOptions;
/// let every_element = CheckOptions { sample: usize::MAX, ..CheckOptions::default() };
/// assert_eq!(every_element.seed, 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CheckOptions {
    /// The most elements of a parameter to check; a sample is drawn where it has more.
    pub sample: usize,
    /// Of that sample.
    pub seed: u64,
    /// The first step, for a parameter within ±1; for a larger w it is h·|w|.
    pub h: f64,
}

impl Default for CheckOptions {
    fn default() -> Self {
        CheckOptions { sample: 200, seed: 1, h: 1e-3 }
    }
}

/// One parameter's result.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterCheck {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// How many of its elements were compared.
    pub checked: usize,
    /// How many it has.
    pub total: usize,
    /// How many were drawn but stand on a kink, and were not compared.
    pub kinks: usize,
    /// Where the two differ most; `None` if nothing was compared.
    pub worst: Option<Difference>,
}

/// An element's derivative, both ways.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// The element, counted with the last axis fastest.
    pub at: usize,
    /// By the chain rule.
    pub by_chain_rule: f64,
    /// By definition.
    pub by_definition: f64,
    /// Relative; infinite if either is not a finite number.
    pub error: f64,
}

impl ParameterCheck {
    /// The largest relative error; 0 if nothing was compared.
    pub fn largest_error(&self) -> f64 {
        self.worst.map_or(0.0, |worst| worst.error)
    }

    /// Whether every element that was compared is right, and one was.
    ///
    /// ```
    /// use chainrule_engine::Graph;
    /// use chainrule_engine::gradient_check::{CheckOptions, check_gradients};
    /// let g = Graph::new();
    /// let w = g.parameter("w", [2]);
    /// let checks = check_gradients(&g, w.sin().sum(), &[vec![0.1, 0.2]], &[], CheckOptions::default())?;
    /// assert!(checks[0].passed() && checks[0].largest_error() < 1e-9);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn passed(&self) -> bool {
        self.worst.is_some_and(|worst| worst.error <= TOLERANCE)
    }
}

/// A network that cannot be checked.
///
/// ```
/// use chainrule_engine::Graph;
/// use chainrule_engine::gradient_check::{CheckOptions, check_gradients};
/// let g = Graph::new();
/// let w = g.parameter("w", [2]);
/// let error = check_gradients(&g, w.sum(), &[vec![0.1]], &[], CheckOptions::default()).unwrap_err();
/// assert!(error.to_string().ends_with("expected 2 numbers, found 1"), "{error}");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// It does not compile.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The columns do not fit its inputs.
    #[error(transparent)]
    Rows(#[from] RowsError),
    /// There is not enough memory.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The values do not fit its parameters.
    #[error("{at}: expected {expected} numbers, found {found}")]
    Parameter {
        /// Which parameter.
        at: String,
        /// How many it has.
        expected: usize,
        /// How many were given.
        found: usize,
    },
}

/// Compares the gradients of `loss` by every parameter of `graph`, at `values`: one slice a
/// parameter and one column an input, each in the order in which the graph made them.
///
/// ```
/// use chainrule_engine::gradient_check::{CheckOptions, check_gradients};
/// use chainrule_engine::{Column, Graph};
/// let g = Graph::new();
/// let (x, t) = (g.input("x", [2]), g.label("t"));
/// let logits = x.affine(g.parameter("w", [2, 3]), g.parameter("b", [3]));
/// let loss = logits.softmax_with_loss(t).batch_mean();
/// let values = [vec![0.1, -0.2, 0.3, 0.4, 0.0, -0.1], vec![0.0; 3]];
/// let columns = [Column::F64(&[1.0, 2.0, -1.0, 0.5]), Column::U32(&[2, 0])];
/// let checks = check_gradients(&g, loss, &values, &columns, CheckOptions::default())?;
/// assert!(checks.iter().all(|check| check.passed()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the graph does not compile, or the values or columns do not fit it.
pub fn check_gradients(
    graph: &Graph,
    loss: Var<'_>,
    values: &[Vec<f64>],
    columns: &[Column<'_>],
    options: CheckOptions,
) -> Result<Vec<ParameterCheck>, CheckError> {
    let chain_rule = graph.gradients(loss)?;
    let outputs = operands_with_kinks(graph, loss.id());
    // Traced, so that the places that a pool chose can be read.
    let request = Request { goal: Goal::Loss, loss: Some(loss.id()), outputs, trace: true, ..Request::default() };
    let definition = Plan::compile(graph, &request)?;
    expect_values(&chain_rule, values)?;

    let rows = Rows::all(&chain_rule, columns)?;
    let mut arena = Reference.allocate(&[&chain_rule, &definition], rows.count())?;
    for (parameter, values) in chain_rule.parameters().iter().zip(values) {
        Reference.write(&mut arena, parameter.span, values);
    }
    Reference.run(&chain_rule, &mut arena, &rows, Clock::default());
    let gradients: Vec<Vec<f64>> = chain_rule
        .parameters()
        .iter()
        .map(|p| match chain_rule.gradient_of(p.node) {
            Some(gradient) => Reference.read(&chain_rule, &arena, gradient),
            // The loss does not depend on it.
            None => vec![0.0; p.shape.len()],
        })
        .collect();

    let kinked = request.outputs.iter().filter_map(|&id| definition.value_of(id)).collect();
    let choice = |call: &Kernel| match *call {
        Kernel::MaxPool { at, .. } => Some(definition.values[at.index()]),
        _ => None,
    };
    let choices = definition.calls.iter().filter_map(choice).collect();
    let mut definition = Definition { plan: &definition, kinked, choices, arena, rows };
    let parameters = chain_rule.parameters().iter().zip(values).zip(&gradients).enumerate();
    // What follows a statistic is no parameter of the loss.
    let follows: Vec<NodeId> = graph.follows().iter().map(|follow| follow.parameter).collect();
    Ok(parameters
        .filter(|(_, ((parameter, _), _))| !follows.contains(&parameter.node))
        .map(|(number, ((parameter, values), gradients))| {
            let largest = gradients.iter().fold(0.0f64, |most, g| most.max(g.abs()));
            let mut check = ParameterCheck {
                name: parameter.name.clone(),
                shape: parameter.shape,
                checked: 0,
                total: values.len(),
                kinks: 0,
                worst: None,
            };
            for at in drawn(options.seed, number, values.len(), options.sample) {
                let span = Span { offset: parameter.span.offset + at, len: 1 };
                match definition.compare(span, values[at], gradients[at], largest, options.h) {
                    Some((by_definition, error)) => {
                        check.checked += 1;
                        if check.worst.is_none_or(|worst| error > worst.error) {
                            check.worst = Some(Difference { at, by_chain_rule: gradients[at], by_definition, error });
                        }
                    }
                    None => check.kinks += 1,
                }
            }
            check
        })
        .collect())
}

fn expect_values(plan: &Plan, values: &[Vec<f64>]) -> Result<(), CheckError> {
    for (number, parameter) in plan.parameters().iter().enumerate() {
        let (expected, found) = (parameter.span.len, values.get(number).map_or(0, Vec::len));
        if expected != found {
            return Err(CheckError::Parameter { at: format!("parameter '{}'", parameter.name), expected, found });
        }
    }
    Ok(())
}

/// The operands of the ops with a kink that lead to the loss.
fn operands_with_kinks(graph: &Graph, loss: NodeId) -> Vec<NodeId> {
    let mut leads = vec![false; graph.len()];
    leads[loss.0] = true;
    let mut operands = Vec::new();
    for id in graph.ids().rev().filter(|id| id.0 <= loss.0) {
        if !leads[id.0] {
            continue;
        }
        let node = graph.node(id);
        node.inputs.iter().for_each(|x| leads[x.0] = true);
        if matches!(&node.kind, Kind::Op(op) if op.has_kink()) {
            operands.extend(node.inputs);
        }
    }
    operands
}

/// Where a loss stands: for each operand at a kink, whether it is below 0, at it, or above; and
/// the places that pools chose.
type Sides = (Vec<Option<std::cmp::Ordering>>, Vec<f64>);

/// The loss as a function of one element, and on which side of each kink it was.
struct Definition<'a> {
    plan: &'a Plan,
    kinked: Vec<Buf>,
    choices: Vec<Buf>,
    arena: ReferenceArena,
    rows: Rows<'a>,
}

impl Definition<'_> {
    /// The derivative of the loss by the element in `span`, whose value is `w`, and its error
    /// against `gradient`; `None` on a kink.
    fn compare(&mut self, span: Span, w: f64, gradient: f64, largest: f64, h: f64) -> Option<(f64, f64)> {
        let (loss, sides) = self.at(span, w);
        let mut nearest: Option<(f64, f64)> = None;
        let mut h = h * w.abs().max(1.0);
        for _ in 0..=RETRIES {
            let mut crossed = false;
            let slope = five_point_derivative(
                |w| {
                    let (loss, there) = self.at(span, w);
                    crossed |= there != sides;
                    loss
                },
                w,
                h,
            );
            if !crossed {
                let rounding = ROUNDING * f64::EPSILON * loss.abs().max(1.0) / h;
                let floor = (largest * 1e-3).max(rounding / TOLERANCE);
                let error = relative_error(gradient, slope, floor);
                if nearest.is_none_or(|(_, least)| error < least) {
                    nearest = Some((slope, error));
                }
                if error <= TOLERANCE {
                    break;
                }
            }
            h /= 10.0;
        }
        Reference.write(&mut self.arena, span, &[w]);
        nearest
    }

    /// The loss where the element is `w`, and on which sides of the kinks that is.
    fn at(&mut self, span: Span, w: f64) -> (f64, Sides) {
        Reference.write(&mut self.arena, span, &[w]);
        Reference.run(self.plan, &mut self.arena, &self.rows, Clock::default());
        let loss = self.plan.loss().expect("a plan with the goal of a loss delivers it");
        let side = |x: f64| x.partial_cmp(&0.0);
        let read = |x: &Buf| Reference.read(self.plan, &self.arena, *x);
        let operands = self.kinked.iter().flat_map(read).map(side).collect();
        let choices = self.choices.iter().flat_map(read).collect();
        (Reference.read_number(self.plan, &self.arena, loss), (operands, choices))
    }
}

fn relative_error(a: f64, n: f64, floor: f64) -> f64 {
    let error = (a - n).abs() / a.abs().max(n.abs()).max(floor);
    // `max` passes over a NaN; and ∞ − ∞, as ∞/∞, is one.
    if error.is_finite() && a.is_finite() && n.is_finite() { error } else { f64::INFINITY }
}

/// `sample` of `total` elements, in order, each set of them as likely as any (Knuth's
/// algorithm S); all of them if there are no more.
fn drawn(seed: u64, parameter: usize, total: usize, sample: usize) -> impl Iterator<Item = usize> {
    let mut wanted = sample.min(total);
    let stream = split_mix(seed).wrapping_add(parameter as u64);
    (0..total).filter(move |&at| {
        let left = (total - at) as u64;
        let chosen = split_mix(split_mix(stream).wrapping_add(at as u64)) % left < wanted as u64;
        wanted -= usize::from(chosen);
        chosen
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_its_size_and_its_seed() {
        let draw = |seed, parameter| drawn(seed, parameter, 1000, 20).collect::<Vec<_>>();
        assert_eq!(draw(1, 0).len(), 20);
        assert_eq!(draw(1, 0), draw(1, 0));
        assert_ne!(draw(1, 0), draw(2, 0));
        assert_ne!(draw(1, 0), draw(1, 1));
        assert_eq!(drawn(1, 0, 3, 20).collect::<Vec<_>>(), [0, 1, 2]);
    }
}
