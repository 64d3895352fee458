//! The table tests: every op's cases, gradients against central differences on `Reference`,
//! and `Cpu` against `Reference`, for several numbers of rows.

use crate::backend::Backend;
use crate::cpu::Cpu;
use crate::graph::{Graph, Var};
use crate::plan::{Goal, Plan, Request};
use crate::reference::Reference;
use crate::rows::{Clock, Column, Rows};
use crate::shape::{Extent, Shape};

type Build = for<'g> fn(&[Var<'g>]) -> Var<'g>;

/// An expression over an op, and what to feed it.
pub(crate) struct Case {
    name: &'static str,
    build: Build,
    operands: Vec<Operand>,
}

impl Case {
    pub(crate) fn new(name: &'static str, build: Build, operands: impl IntoIterator<Item = Operand>) -> Case {
        Case { name, build, operands: operands.into_iter().collect() }
    }
}

pub(crate) struct Operand {
    extent: Extent,
    shape: Shape,
    values: Values,
}

#[derive(PartialEq)]
enum Values {
    Any,
    Positive,
    Labels(usize),
}

pub(crate) fn row<const N: usize>(axes: [usize; N]) -> Operand {
    Operand { extent: Extent::Row, shape: Shape::from(axes), values: Values::Any }
}

pub(crate) fn whole<const N: usize>(axes: [usize; N]) -> Operand {
    Operand { extent: Extent::Whole, shape: Shape::from(axes), values: Values::Any }
}

pub(crate) fn label(classes: usize) -> Operand {
    Operand { values: Values::Labels(classes), ..row([]) }
}

/// Each of `axes` as [`label`] is.
pub(crate) fn labels<const N: usize>(classes: usize, axes: [usize; N]) -> Operand {
    Operand { values: Values::Labels(classes), ..row(axes) }
}

pub(crate) fn positive(operand: &Operand) -> Operand {
    Operand { extent: operand.extent, shape: operand.shape, values: Values::Positive }
}

fn all() -> Vec<Case> {
    use super::*;
    [
        add::cases(),
        mul::cases(),
        pow::cases(),
        elementary::cases(),
        activation::cases(),
        sum::cases(),
        affine::cases(),
        conv2d::cases(),
        max_pool::cases(),
        flatten::cases(),
        concat::cases(),
        embedding::cases(),
        matmul::cases(),
        softmax::cases(),
        softmax_with_loss::cases(),
        cross_entropy::cases(),
        mean_squared_error::cases(),
        leaky_relu::cases(),
        elu::cases(),
        gelu::cases(),
        silu::cases(),
        softplus::cases(),
        avg_pool::cases(),
        channels::cases(),
        dropout::cases(),
        normalisation::cases(),
        absolute::cases(),
        huber::cases(),
        binary_cross_entropy::cases(),
        weighted_softmax_with_loss::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Numbers in (−2, 2) from a fixed sequence: the golden ratio's multiples, evenly spread and never equal.
fn numbers(case: usize, operand: usize, len: usize) -> impl Iterator<Item = f64> {
    let start = (case * 31 + operand * 7919) as f64 * 0.123_456_7;
    (0..len).map(move |i| ((start + i as f64 * 0.618_033_988_749_895).fract() - 0.5) * 4.0)
}

/// A case as a loss over its operands, with their values.
struct Bench {
    plan: Plan,
    trace: Plan,
    values: Vec<Vec<f64>>,
    extents: Vec<Extent>,
    nodes: Vec<crate::graph::NodeId>,
    y: crate::graph::NodeId,
    rows: usize,
}

impl Bench {
    fn new(number: usize, case: &Case, rows: usize) -> Bench {
        let g = Graph::new();
        let mut vars = Vec::new();
        let mut values = Vec::new();
        for (o, operand) in case.operands.iter().enumerate() {
            let (rows, var) = match operand.extent {
                Extent::Row => (rows, g.input(&format!("x{o}"), operand.shape)),
                Extent::Whole => (1, g.parameter(&format!("w{o}"), operand.shape)),
            };
            let fit = |x: f64| match operand.values {
                Values::Any => x,
                Values::Positive => 0.3 + x.abs(),
                Values::Labels(n) => ((x + 2.0) / 4.0 * n as f64).floor(),
            };
            // Rounded to f32, so that both backends see the same numbers.
            let rounded = |x: f64| f64::from(fit(x) as f32);
            values.push(numbers(number, o, rows * operand.shape.len()).map(rounded).collect::<Vec<f64>>());
            vars.push(var);
        }
        let y = (case.build)(&vars);
        // A loss whose derivative by y differs from element to element: Σ y·(y + c)/2.
        let loss = (y * (y + 0.7) * 0.5).sum().batch_mean();
        let differentiable = case.operands.iter().map(|o| !matches!(o.values, Values::Labels(_)));
        let nodes: Vec<_> = vars.iter().map(|v| v.id()).collect();
        let wanted = nodes.iter().zip(differentiable).filter(|(_, yes)| *yes).map(|(id, _)| *id).collect();
        let request = Request {
            goal: Goal::Gradients,
            loss: Some(loss.id()),
            outputs: vec![y.id()],
            with_respect_to: wanted,
            trace: false,
        };
        let compile = |request: &Request| Plan::compile(&g, request).unwrap_or_else(|e| panic!("{}: {e}", case.name));
        Bench {
            plan: compile(&request),
            trace: compile(&Request { trace: true, ..request }),
            values,
            extents: case.operands.iter().map(|o| o.extent).collect(),
            nodes,
            y: y.id(),
            rows,
        }
    }

    /// Runs `plan`: the loss, the output, and the gradients by operand.
    fn run<B: Backend>(&self, backend: &B, plan: &Plan) -> (f64, Vec<f64>, Vec<Option<Vec<f64>>>) {
        let mut arena = backend.allocate(&[plan], self.rows).unwrap();
        let parameters = self.values.iter().zip(&self.extents).filter(|(_, e)| **e == Extent::Whole);
        for (parameter, (values, _)) in plan.parameters().iter().zip(parameters) {
            backend.write(&mut arena, parameter.span, values);
        }
        let columns: Vec<Column<'_>> = self
            .values
            .iter()
            .zip(&self.extents)
            .filter(|(_, e)| **e == Extent::Row)
            .map(|(values, _)| Column::F64(values))
            .collect();
        let rows = if columns.is_empty() { Rows::none() } else { Rows::all(plan, &columns).unwrap() };
        backend.run(plan, &mut arena, &rows, Clock::default());
        let read = |buf| backend.read(plan, &arena, buf);
        let gradients = self.nodes.iter().map(|&id| plan.gradient_of(id).map(read)).collect();
        (read(plan.loss().unwrap())[0], read(plan.value_of(self.y).unwrap()), gradients)
    }

    fn loss_with(&mut self, operand: usize, at: usize, value: f64) -> f64 {
        let before = std::mem::replace(&mut self.values[operand][at], value);
        let (loss, ..) = self.run(&Reference, &self.plan);
        self.values[operand][at] = before;
        loss
    }
}

#[test]
fn gradients_equal_central_differences() {
    for (number, case) in all().iter().enumerate() {
        let mut bench = Bench::new(number, case, 3);
        let (.., gradients) = bench.run(&Reference, &bench.plan);
        for (operand, gradient) in gradients.into_iter().enumerate() {
            for (at, dx) in gradient.into_iter().flatten().enumerate() {
                let (x, h) = (bench.values[operand][at], 1e-5);
                let (above, below) = (bench.loss_with(operand, at, x + h), bench.loss_with(operand, at, x - h));
                let numerical = (above - below) / (2.0 * h);
                // What the rounding of the two losses may do to their difference.
                let rounding = 64.0 * f64::EPSILON * above.abs().max(below.abs()) / (2.0 * h);
                let error = ((dx - numerical).abs() - rounding) / (1e-3 + dx.abs().max(numerical.abs()));
                assert!(
                    error < 1e-6,
                    "{}: operand {operand}[{at}]: {dx} by the chain rule, {numerical} by definition",
                    case.name
                );
            }
        }
    }
}

fn assert_close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let size = expected.iter().fold(1e-3f64, |size, x| size.max(x.abs()));
    for (i, (x, y)) in found.iter().zip(expected).enumerate() {
        assert!((x - y).abs() <= tolerance * size, "{what}[{i}]: {x}, reference {y}");
    }
}

#[test]
fn fusing_changes_nothing() {
    for (number, case) in all().iter().enumerate() {
        let bench = Bench::new(number, case, 4);
        assert_eq!(bench.run(&Reference, &bench.plan), bench.run(&Reference, &bench.trace), "{}", case.name);
    }
}

#[test]
fn cpu_equals_reference() {
    for (number, case) in all().iter().enumerate() {
        for rows in [1, 2, 7, 16, 33, 100] {
            let bench = Bench::new(number, case, rows);
            let expected = bench.run(&Reference, &bench.plan);
            for cpu in Cpu::each(1) {
                let found = bench.run(&cpu, &bench.plan);
                let what = format!("{} with {rows} rows on {}", case.name, cpu.instruction_set());
                assert_close(&format!("{what}: loss"), &[found.0], &[expected.0], 3e-6);
                assert_close(&format!("{what}: y"), &found.1, &expected.1, 3e-6);
                for (o, (found, expected)) in found.2.iter().zip(&expected.2).enumerate() {
                    if let (Some(found), Some(expected)) = (found, expected) {
                        assert_close(&format!("{what}: gradient {o}"), found, expected, 3e-5);
                    }
                }
            }
        }
    }
}

#[test]
fn threads_and_instruction_sets_change_no_bit() {
    let all_bits = |bench: &Bench, cpu: &Cpu| {
        let (loss, y, gradients) = bench.run(cpu, &bench.plan);
        let numbers = gradients.into_iter().flatten().flatten().chain(y).chain([loss]);
        numbers.map(f64::to_bits).collect::<Vec<u64>>()
    };
    for (number, case) in all().iter().enumerate() {
        for rows in [1, 7, 100] {
            let bench = Bench::new(number, case, rows);
            let fused: Vec<Cpu> = Cpu::each(1).filter(|cpu| cpu.instruction_set() != "portable").collect();
            let first = fused.first().map(|cpu| all_bits(&bench, cpu));
            for cpu in fused.into_iter().chain([2, 3, 8].into_iter().flat_map(Cpu::each)) {
                if cpu.instruction_set() != "portable" {
                    let what = format!("{}, {rows} rows, {} × {}", case.name, cpu.instruction_set(), cpu.threads());
                    assert_eq!(Some(all_bits(&bench, &cpu)), first, "{what}");
                }
            }
        }
    }
}
