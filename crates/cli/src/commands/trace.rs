//! `chainrule trace`: one example through a trained network, forward and back.

use std::io::{Write, stdout};
use std::path::{Path, PathBuf};

use chainrule::{InputError, Run, Trace, TracedNode};
use clap::Args;
use serde::Serialize;

use super::other_data::OtherDataArgs;
use crate::arguments;
use crate::drawing::{Drawn, Factor, svg};
use crate::graph_page;
use crate::indices::indices;
use crate::significant::{four, range, significant};
use crate::table::table;
use crate::whole_file;

mod step;

/// So many numbers are printed one by one; of more, their range.
const FEW: usize = 10;
/// Numbers in a line of `--layer`.
const ACROSS: usize = 8;

/// See one example go through a network, forward and back
///
/// Prints every node's value, and the derivative of the example's loss by it. Rows are counted from 1: those that were held
/// out, or those of DATA. The network is as in testing: nothing is dropped.
#[derive(Args)]
#[command(after_help = "\
Examples:
  chainrule trace runs/digits-1 --row 3
  chainrule trace runs/digits-1 --row 3 --layer 2
  chainrule trace runs/digits-1 --svg trace.svg
  chainrule trace runs/digits-1 --html trace.html
  chainrule trace runs/digits-1 --step 40
  chainrule trace runs/iris-1 new.csv --row 1 --json")]
pub(crate) struct TraceArgs {
    /// The folder that `chainrule train` wrote
    run: PathBuf,
    /// A table with the target, or a folder of images; the rows are its own
    data: Option<PathBuf>,
    #[command(flatten)]
    other: OtherDataArgs,
    /// Which row, from 1
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = arguments::count)]
    row: usize,
    /// A step of the training instead, from 1 over all epochs: its batch at the parameters before it, the gradients of the
    /// batch's mean loss, and the parameters after it. The steps before it are done again, from the seed or from a checkpoint
    #[arg(long, value_name = "N", conflicts_with_all = ["data", "row"], value_parser = arguments::count)]
    step: Option<usize>,
    /// All numbers of a layer: its place in the model, from 0, as in the nodes' names
    #[arg(long, value_name = "N")]
    layer: Option<usize>,
    /// Draw the graph into a file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Write a page to look around in: pointing at a node shows the formula of its derivative, the numbers that went in, and
    /// the chain of factors from the loss back to it
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print one JSON object with all numbers
    #[arg(long)]
    json: bool,
}

/// All that is printed.
#[derive(Serialize)]
struct Report<'a> {
    model: String,
    row: usize,
    #[serde(flatten)]
    trace: &'a Trace,
}

/// Traces, prints and draws.
pub(crate) fn run(args: &TraceArgs) -> anyhow::Result<()> {
    if let Some(number) = args.step {
        return step::run(args, number);
    }
    let run = Run::open(&args.run)?;
    let model = run.predictor.model();
    if let Some(layer) = args.layer.filter(|&layer| layer >= model.layers().len()) {
        let most = model.layers().len().saturating_sub(1);
        let hint = format!("the model is '{model}'");
        return Err(InputError::new("--layer", format!("0 to {most}"), layer.to_string(), hint).into());
    }
    let (data, rows) = match &args.data {
        None => {
            let (data, rows) = run.held_out()?;
            (data, Some(rows))
        }
        Some(path) => {
            let data = args.other.open(&run, path)?;
            (data.test.unwrap_or(data.train), None)
        }
    };
    let most = rows.as_ref().map_or(data.rows(), Vec::len);
    if args.row > most {
        let of = if rows.is_some() { "held-out rows" } else { "rows" };
        let expected = format!("1 to {most}, as there are {most} {of}");
        return Err(InputError::new("--row", expected, args.row.to_string(), "name one of them").into());
    }
    let row = rows.as_ref().map_or(args.row as u32 - 1, |rows| rows[args.row - 1]);
    let trace = run.predictor.trace(&data, row)?;

    let title = format!("{model}, row {}: loss {}", args.row, significant(trace.loss));
    if let Some(path) = &args.svg {
        write(path, &svg(&title, &drawn(&trace)))?;
    }
    if let Some(path) = &args.html {
        write(path, &graph_page::page(&title, "L", "the loss L", &drawn(&trace)))?;
    }
    let report = Report { model: model.to_string(), row: args.row, trace: &trace };
    let page = match args.layer {
        _ if args.json => serde_json::to_string(&report)? + "\n",
        None => page(&report),
        Some(layer) => layer_page(&trace, layer),
    };
    stdout().lock().write_all(page.as_bytes())?;
    Ok(())
}

/// Writes a picture.
///
/// # Errors
/// If it cannot be written; what was there still is.
pub(crate) fn write(path: &Path, picture: &str) -> anyhow::Result<()> {
    whole_file::write(path, |mut file| Ok(file.write_all(picture.as_bytes())?))
}

fn page(report: &Report<'_>) -> String {
    let nodes = &report.trace.nodes;
    let header = ["node", "", "shape", "→ value", "← derivative of the loss"].map(str::to_owned).to_vec();
    let lines = nodes.iter().map(|node| {
        let formula = formula(node, nodes);
        vec![
            node.name.clone(),
            if formula.is_empty() { formula } else { format!("= {formula}") },
            if node.shape.is_empty() { String::new() } else { format!("{:?}", node.shape) },
            numbers(&node.value),
            node.gradient.as_deref().map_or("-".to_owned(), numbers),
        ]
    });
    let lines = table(std::iter::once(header).chain(lines), |_| false);
    format!("{}, row {}: loss {}\n\n{lines}", report.model, report.row, significant(report.trace.loss))
}

/// All numbers of a layer's nodes, and of the parameters among their operands.
fn layer_page(trace: &Trace, layer: usize) -> String {
    let within = trace.nodes.iter().filter(|node| node.layer == Some(layer));
    let mut shown: Vec<usize> = within.clone().flat_map(|node| node.operands.iter().copied()).collect();
    shown.extend((0..trace.nodes.len()).filter(|&at| trace.nodes[at].layer == Some(layer)));
    shown.sort_unstable();
    shown.dedup();
    let mut page = String::new();
    for node in shown.into_iter().filter_map(|at| trace.nodes.get(at)) {
        let formula = formula(node, &trace.nodes);
        let equals = if formula.is_empty() { String::new() } else { format!(" = {formula}") };
        page += &format!("{}{equals} {:?}\n", node.name, node.shape);
        for (arrow, numbers) in [("→", Some(&node.value)), ("←", node.gradient.as_ref())] {
            let Some(numbers) = numbers else { continue };
            // A matrix by its rows, all else as it comes.
            let row = node.shape.last().filter(|_| node.shape.len() > 1).map_or(numbers.len(), |&axis| axis).max(1);
            let mut at = 0;
            let mut lines: Vec<Vec<String>> = Vec::new();
            for chunk in numbers.chunks(row).flat_map(|row| row.chunks(ACROSS)) {
                let first = format!("  {arrow} {:?}", indices(at, &node.shape));
                lines.push(std::iter::once(first).chain(chunk.iter().map(|&x| four(x))).collect());
                at += chunk.len();
            }
            page += &table(lines, |column| column > 0);
        }
        page.push('\n');
    }
    page
}

/// `affine(x, 0.weight, 0.bias)`.
fn formula(node: &TracedNode, nodes: &[TracedNode]) -> String {
    let operands: Vec<&str> = node.operands.iter().map(|&at| &*nodes[at].name).collect();
    node.op.map_or(String::new(), |op| format!("{op}({})", operands.join(", ")))
}

/// A few numbers one by one, many by their range and how many are 0.
fn numbers(numbers: &[f64]) -> String {
    if numbers.len() <= FEW {
        return numbers.iter().map(|&x| four(x)).collect::<Vec<_>>().join(" ");
    }
    let zeros = numbers.iter().filter(|&&x| x == 0.0).count();
    let share = if zeros == 0 { String::new() } else { format!(", {zeros} of {} are 0", numbers.len()) };
    range(numbers) + &share
}

fn drawn(trace: &Trace) -> Vec<Drawn> {
    let drawn = |node: &TracedNode| Drawn {
        name: node.name.clone(),
        formula: formula(node, &trace.nodes),
        shape: node.shape.clone(),
        value: node.value.clone(),
        derivative: node.gradient.clone(),
        operands: node.operands.clone(),
        op: node.op,
        after: None,
        factors: node.local.iter().enumerate().map(|(place, local)| Factor { place, local: local.clone() }).collect(),
    };
    trace.nodes.iter().map(drawn).collect()
}
