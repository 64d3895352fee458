//! `chainrule diff`: a function's value, its derivatives two ways, and the graph between them.
//!
//! The chain rule goes through the graph once and gives every derivative, exactly; the
//! definition takes two values of the function for each. That they agree is the point.

mod descent;
mod page;
mod point;
mod traced;

use std::io::{Write, stdout};
use std::path::PathBuf;

use chainrule::InputError;
use chainrule::engine::derivative::numerical_gradient;
use clap::Args;
use serde::{Serialize, Serializer};

use super::trace;
use crate::arguments;
use crate::drawing::svg;
use crate::expression::Expression;
use crate::graph_page;
use crate::outcome::No;
use descent::Descent;
use traced::{Evaluator, Traced};

/// Derivatives of a function, by the chain rule and by definition
///
/// Prints the value, each partial derivative both ways, and the computational graph: what goes
/// forward through each node, and what comes back.
#[derive(Args)]
#[command(after_help = "\
Functions: exp ln sin cos tanh sqrt sigmoid relu; operators: + - * / ^ and parentheses.

Examples:
  chainrule diff 'apple * count * tax' --at apple=100,count=2,tax=1.1
  chainrule diff 'apple * count * tax' --at apple=100,count=2,tax=1.1 --svg apples.svg
  chainrule diff 'apple * count * tax' --at apple=100,count=2,tax=1.1 --html apples.html
  chainrule diff 'x0^2 + x1^2' --at x0=-3,x1=4 --descend --rate 0.1 --steps 100")]
pub(crate) struct DiffArgs {
    /// The function, in quotes
    #[arg(value_name = "EXPR", allow_hyphen_values = true)]
    expression: String,
    /// The point: a number for each variable
    #[arg(long, value_name = "NAME=NUMBER,…", value_delimiter = ',')]
    at: Vec<String>,
    /// The step of the definition, (f(x + h) - f(x - h)) / 2h
    #[arg(long, value_name = "H", default_value = "1e-4", value_parser = step, allow_negative_numbers = true)]
    h: f64,
    /// Then go down the slope from the point
    #[arg(long)]
    descend: bool,
    /// How far a step goes: x -= RATE * ∂f/∂x
    #[arg(
        long,
        default_value_t = 0.1,
        value_parser = arguments::rate,
        requires = "descend",
        allow_negative_numbers = true
    )]
    rate: f64,
    /// How many steps to go
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = arguments::count, requires = "descend")]
    steps: usize,
    /// Draw the graph into a file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Write a page to look around in: pointing at a node shows the formula of its derivative, the numbers that went in, and
    /// the chain of factors from the function back to it
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print one JSON object, in full precision
    #[arg(long)]
    json: bool,
}

fn step(text: &str) -> Result<f64, InputError> {
    let number = text.parse().ok().filter(|h: &f64| h.is_finite() && *h > 0.0);
    number.ok_or_else(|| InputError::new("", "a finite number above 0", format!("'{text}'"), "for example 1e-4"))
}

/// All that is printed.
#[derive(Serialize)]
struct Report<'a> {
    expression: &'a str,
    at: ByVariable<'a>,
    value: f64,
    gradient: ByVariable<'a>,
    numerical: ByVariable<'a>,
    graph: Vec<Traced>,
    /// The first node whose value, or else derivative, is not a finite number.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_finite: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    descent: Option<Descent<'a>>,
}

/// A number for each variable, in the expression's order.
#[derive(Clone, Debug)]
struct ByVariable<'a>(Vec<(&'a str, f64)>);

impl<'a> ByVariable<'a> {
    fn new(names: &'a [String], numbers: impl IntoIterator<Item = f64>) -> Self {
        ByVariable(names.iter().map(String::as_str).zip(numbers).collect())
    }
}

impl Serialize for ByVariable<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

/// Differentiates and prints.
pub(crate) fn run(args: &DiffArgs) -> anyhow::Result<()> {
    let expression: Expression = args.expression.parse()?;
    let point = point::point(&args.at, expression.variables())?;
    if args.descend && point.is_empty() {
        let hint = "leave --descend out, or name a number of the expression";
        return Err(InputError::new("--descend", "an expression of variables", "no variable", hint).into());
    }
    let report = report(args, &expression, &point)?;

    if let Some(path) = &args.svg {
        trace::write(path, &svg(&page::title(&report), &traced::drawn(&report.graph)))?;
    }
    if let Some(path) = &args.html {
        let (title, f) = (page::title(&report), page::own_name(&report.at));
        trace::write(path, &graph_page::page(&title, f, f, &traced::drawn(&report.graph)))?;
    }
    let page = if args.json { serde_json::to_string(&report)? + "\n" } else { page::page(&report, args) };
    stdout().lock().write_all(page.as_bytes())?;
    let diverged = report.descent.and_then(|descent| descent.diverged);
    match report.not_finite.or(diverged) {
        Some(why) => Err(No(why).into()),
        None => Ok(()),
    }
}

fn report<'a>(args: &'a DiffArgs, expression: &'a Expression, point: &[f64]) -> anyhow::Result<Report<'a>> {
    let names = expression.variables();
    let graph = traced::trace(expression, point)?;
    let mut evaluator = Evaluator::new(expression)?;
    let numerical = numerical_gradient(|x| evaluator.value(x), point, args.h);
    let derivative = |name: &String| graph.iter().find(|node| node.node == *name).and_then(|node| node.derivative);
    let gradient: Vec<f64> = names.iter().map(|name| derivative(name).unwrap_or(0.0)).collect();
    let not_finite = traced::first_not_finite(&graph);
    let descent = if args.descend && not_finite.is_none() {
        Some(descent::descend(expression, point, args.rate, args.steps)?)
    } else {
        None
    };
    Ok(Report {
        expression: &args.expression,
        at: ByVariable::new(names, point.iter().copied()),
        value: evaluator.value(point),
        gradient: ByVariable::new(names, gradient),
        numerical: ByVariable::new(names, numerical),
        graph,
        not_finite,
        descent,
    })
}
