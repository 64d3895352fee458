//! `chainrule check`: are a network's gradients right? Backpropagation against the definition of
//! the derivative, parameter by parameter, in f64 on random rows.

use std::io::{Write, stdout};

use chainrule::engine::gradient_check::{CheckOptions, Difference, ParameterCheck, TOLERANCE, check_gradients};
use chainrule::engine::{Column, Graph};
use chainrule::initial::initial;
use chainrule::random::{Purpose, stream};
use chainrule::{Build, InputError, Task, Tensor};
use clap::Args;
use serde::Serialize;

use super::subject::{Subject, SubjectArgs, image, row};
use crate::arguments;
use crate::indices::indices;
use crate::outcome::No;
use crate::significant::significant;
use crate::table::table;

/// The most numbers, of parameters and rows together: in f64 their copies take a gigabyte.
const MOST: usize = 20_000_000;

/// Backpropagation against numerical differentiation
///
/// Compares the gradient of each parameter, on random rows, with the derivative by definition:
/// all its elements, or a sample of them. A relative error above 1e-6 fails. Elements where the
/// loss has a kink, as relu's at 0, have no derivative; they are counted and not compared.
#[derive(Args)]
#[command(after_help = "\
Examples:
  chainrule check --model 'affine:50 relu affine:10' --input 784
  chainrule check runs/digits-1 --sample 500")]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    subject: SubjectArgs,
    /// How many elements of a parameter to compare at most
    #[arg(long, value_name = "N", value_parser = arguments::count, default_value_t = 200)]
    sample: usize,
    /// How many random rows the loss is the mean of
    #[arg(long, value_name = "N", value_parser = arguments::count, default_value_t = 5)]
    rows: usize,
    /// Of the rows, the sample and the random parameters
    #[arg(long, value_name = "N", value_parser = arguments::seed, default_value_t = 1)]
    seed: u64,
    /// Print one JSON object, in full precision
    #[arg(long)]
    json: bool,
}

/// Checks, and prints a line a parameter.
pub(crate) fn run(args: &CheckArgs) -> anyhow::Result<()> {
    let subject = args.subject.open()?;
    let checks = check(&subject, args)?;
    let report = Report {
        model: subject.model.to_string(),
        input: subject.input.len(),
        image: image(subject.input),
        rows: args.rows,
        seed: args.seed,
        tolerance: TOLERANCE,
        passed: checks.iter().all(ParameterCheck::passed),
        parameters: checks.iter().map(Line::of).collect(),
    };
    answer(&report, args.json, stdout().lock())
}

/// Prints the report; a wrong gradient is an error.
fn answer(report: &Report, json: bool, mut out: impl Write) -> anyhow::Result<()> {
    let page = if json { serde_json::to_string(report)? + "\n" } else { page(report) };
    out.write_all(page.as_bytes())?;
    match report.parameters.iter().find(|line| !line.passed) {
        Some(line) => Err(No(line.failure()).into()),
        None => Ok(()),
    }
}

fn check(subject: &Subject, args: &CheckArgs) -> anyhow::Result<Vec<ParameterCheck>> {
    let Subject { model, input, objective, run } = subject;
    // Of a convolution the images between the layers may be far more than its weights.
    let images = model.shapes(*input)?.into_iter().map(|layer| layer.output).filter(|shape| shape.rank() == 3);
    let a_row = images.fold(input.len(), |sum, image| sum.saturating_add(image.len()));
    let parameters = model.numbers(*input)?;
    let numbers = args.rows.checked_mul(a_row).and_then(|cells| parameters.checked_add(cells));
    if numbers.is_none_or(|numbers| numbers > MOST) {
        let found = numbers.map_or("more than can be counted".to_owned(), |numbers| numbers.to_string());
        let expected = format!("at most {MOST} numbers in parameters, rows and their images together");
        let hint = "check a narrower network of the same layers, or fewer --rows";
        return Err(InputError::new("check", expected, found, hint).into());
    }

    let graph = Graph::new();
    let network = model.build(&graph, *input, *objective, Build::Train)?;
    let plan = graph.gradients(network.loss).map_err(InputError::from)?;
    let random =
        || plan.parameters().iter().zip(0..).map(|(p, number)| initial(model, None, number, p.shape, args.seed));
    let values = |tensor: &Tensor| tensor.values.iter().copied().map(f64::from).collect();
    let parameters: Vec<Vec<f64>> = match run {
        Some(run) => run.predictor.tensors().iter().map(values).collect(),
        None => random().collect(),
    };

    let mut draws = stream(args.seed, Purpose::Sample, 0);
    let numbers = args.rows * input.len();
    let x: Vec<f64> = match model.takes_numbers_below() {
        Some(most) => (0..numbers).map(|_| f64::from(draws.below(most as u32))).collect(),
        None => (0..numbers).map(|_| draws.normal()).collect(),
    };
    let (mut labels, mut targets) = (Vec::new(), Vec::new());
    let t = match objective.task {
        Task::Classes(classes) => {
            let classes = u32::try_from(classes).unwrap_or(u32::MAX);
            labels.extend((0..args.rows).map(|_| draws.below(classes)));
            Column::U32(&labels)
        }
        Task::Number => {
            targets.extend((0..args.rows).map(|_| draws.normal()));
            Column::F64(&targets)
        }
    };
    let options = CheckOptions { sample: args.sample, seed: args.seed, ..CheckOptions::default() };
    Ok(check_gradients(&graph, network.loss, &parameters, &[Column::F64(&x), t], options)?)
}

/// All that is printed.
#[derive(Serialize)]
struct Report {
    model: String,
    input: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<[usize; 3]>,
    rows: usize,
    seed: u64,
    tolerance: f64,
    passed: bool,
    parameters: Vec<Line>,
}

/// A parameter's line.
#[derive(Serialize)]
struct Line {
    name: String,
    shape: Vec<usize>,
    checked: usize,
    total: usize,
    kinks: usize,
    largest_error: Option<f64>,
    /// The element where it is.
    at: Option<Vec<usize>>,
    by_chain_rule: Option<f64>,
    by_definition: Option<f64>,
    passed: bool,
}

impl Line {
    fn of(check: &ParameterCheck) -> Line {
        let shape = check.shape.axes().to_vec();
        let worst = |part: fn(Difference) -> f64| check.worst.map(part);
        Line {
            name: check.name.clone(),
            checked: check.checked,
            total: check.total,
            kinks: check.kinks,
            largest_error: worst(|worst| worst.error),
            at: check.worst.map(|worst| indices(worst.at, &shape)),
            by_chain_rule: worst(|worst| worst.by_chain_rule),
            by_definition: worst(|worst| worst.by_definition),
            passed: check.passed(),
            shape,
        }
    }

    fn failure(&self) -> String {
        let name = &self.name;
        match (&self.at, self.largest_error, self.by_chain_rule, self.by_definition) {
            (Some(at), Some(error), Some(a), Some(n)) => format!(
                "gradient check failed: {name} at {at:?} is {} by the chain rule and {} by definition, \
                 a relative error of {error:.1e}",
                significant(a),
                significant(n)
            ),
            _ => format!("gradient check failed: every element of {name} stands on a kink; try another --seed"),
        }
    }
}

fn page(report: &Report) -> String {
    let Report { model, rows, tolerance, .. } = report;
    let row = row(report.input, report.image);
    let header = ["parameter", "shape", "checked", "kinks", "largest error", "verdict"].map(str::to_owned).to_vec();
    let lines = report.parameters.iter().map(|line| {
        vec![
            line.name.clone(),
            format!("{:?}", line.shape),
            format!("{} of {}", line.checked, line.total),
            line.kinks.to_string(),
            line.largest_error.map_or("-".to_owned(), |error| format!("{error:.1e}")),
            if line.passed { "right" } else { "WRONG" }.to_owned(),
        ]
    });
    let lines = table(std::iter::once(header).chain(lines), |column| (2..5).contains(&column));
    format!(
        "{model}, {row}, {rows} random rows\n\n{lines}\n\
         right: within {tolerance:e} of the derivative by definition, relatively\n"
    )
}

#[cfg(test)]
mod tests {
    use std::process::ExitCode;

    use chainrule::engine::{At, Buf, Emit, Op, Out, Shape, ShapeError};

    use super::*;
    use crate::outcome;

    /// y = x², with dx = dy·x, or with the right derivative, dy·2x.
    #[derive(Debug)]
    struct Square {
        right: bool,
    }

    impl Op for Square {
        fn name(&self) -> &'static str {
            "square"
        }
        fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
            Ok(x[0])
        }
        fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
            k.mul(x[0], x[0]).into()
        }
        fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
            let half = k.mul(dy, at.x[0]);
            vec![Some(if self.right { k.add(half, half) } else { half })]
        }
    }

    /// What is printed, and the exit status.
    fn checked(op: Square, json: bool) -> (String, ExitCode) {
        let graph = Graph::new();
        let (good, bad) = (graph.parameter("good", [2]), graph.parameter("bad", [2, 2]));
        let loss = good.tanh().sum() + graph.apply(op, &[bad]).sum();
        let values = [vec![0.5, -0.25], vec![0.5, -1.0, 1.5, 2.0]];
        let checks = check_gradients(&graph, loss, &values, &[], CheckOptions::default()).unwrap();
        let report = Report {
            model: "a model".to_owned(),
            input: 2,
            image: None,
            rows: 0,
            seed: 1,
            tolerance: TOLERANCE,
            passed: checks.iter().all(ParameterCheck::passed),
            parameters: checks.iter().map(Line::of).collect(),
        };
        let mut out = Vec::new();
        let status = outcome::of(answer(&report, json, &mut out));
        (String::from_utf8(out).unwrap(), status)
    }

    #[test]
    fn a_broken_derivative_is_exit_status_1() {
        let (page, status) = checked(Square { right: false }, false);
        assert_eq!(status, ExitCode::from(1));
        let verdict = |name: &str| page.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        assert!(verdict("good").ends_with("right"), "{page}");
        assert!(verdict("bad").contains("5.0e-1") && verdict("bad").ends_with("WRONG"), "{page}");
        let (json, status) = checked(Square { right: false }, true);
        assert_eq!(status, ExitCode::from(1));
        assert!(json.contains(r#""passed":false,"parameters":[{"name":"good""#), "{json}");
    }

    #[test]
    fn right_derivatives_are_exit_status_0() {
        let (page, status) = checked(Square { right: true }, false);
        assert_eq!(status, ExitCode::SUCCESS);
        assert!(!page.contains("WRONG"), "{page}");
    }

    #[test]
    fn a_failure_says_where_and_how_far() {
        let line = Line {
            name: "0.weight".to_owned(),
            shape: vec![2, 3],
            checked: 6,
            total: 6,
            kinks: 0,
            largest_error: Some(0.5),
            at: Some(vec![1, 2]),
            by_chain_rule: Some(1.5),
            by_definition: Some(3.0),
            passed: false,
        };
        assert_eq!(
            line.failure(),
            "gradient check failed: 0.weight at [1, 2] is 1.5 by the chain rule and 3 by definition, \
             a relative error of 5.0e-1"
        );
    }
}
