//! `chainrule trace --step`: the page of a training step, its picture and its JSON.

use std::io::{IsTerminal, Write, stderr, stdout};

use chainrule::trace::TracedNode;
use chainrule::{InputError, TrainingStep};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::{TraceArgs, drawn, formula, numbers, write};
use crate::drawing::{Drawn, svg};
use crate::graph_page;
use crate::significant::{four, significant};
use crate::table::table;

/// So many numbers are printed in full in the JSON.
const FEW: usize = 64;

/// All that is printed.
#[derive(Serialize)]
struct Report<'a> {
    model: &'a str,
    step: usize,
    epoch: usize,
    step_in_epoch: usize,
    steps_in_epoch: usize,
    rows: usize,
    rate: f64,
    loss: f64,
    replayed: usize,
    seconds: f64,
    nodes: Vec<Node<'a>>,
}

/// A node; its gradient is that of the batch's mean loss.
#[derive(Serialize)]
struct Node<'a> {
    name: &'a str,
    op: Option<&'a str>,
    layer: Option<usize>,
    shape: &'a [usize],
    value: Statistics,
    gradient: Option<Statistics>,
    /// Of a parameter, after the step.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Statistics>,
}

/// Of numbers.
#[derive(Serialize)]
struct Statistics {
    count: usize,
    low: f64,
    high: f64,
    mean: f64,
    /// The root mean square.
    rms: f64,
    /// All of them, where they are few.
    #[serde(skip_serializing_if = "Option::is_none")]
    numbers: Option<Vec<f64>>,
}

impl Statistics {
    fn of(numbers: &[f64]) -> Statistics {
        let count = numbers.len();
        let ends = |(low, high): (f64, f64), &x: &f64| (low.min(x), high.max(x));
        let (low, high) = numbers.iter().fold((f64::INFINITY, f64::NEG_INFINITY), ends);
        let mean = numbers.iter().sum::<f64>() / count as f64;
        Statistics { count, low, high, mean, rms: rms(numbers), numbers: (count <= FEW).then(|| numbers.to_vec()) }
    }
}

fn rms(numbers: &[f64]) -> f64 {
    (numbers.iter().map(|x| x * x).sum::<f64>() / numbers.len() as f64).sqrt()
}

/// Replays, prints and draws.
pub(super) fn run(args: &TraceArgs, number: usize) -> anyhow::Result<()> {
    let bar = stderr().is_terminal().then(|| {
        let style = ProgressStyle::with_template("{bar:16}  {eta} left  step {pos} of {len}");
        ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    });
    let step = TrainingStep::replay(&args.run, number, None, |done, of| {
        if let Some(bar) = &bar {
            bar.set_length(of as u64);
            bar.set_position(done as u64);
        }
    });
    bar.iter().for_each(ProgressBar::finish_and_clear);
    let step = step?;
    let layers = step.trace.nodes.iter().filter_map(|node| node.layer).max().unwrap_or_default();
    if let Some(layer) = args.layer.filter(|&layer| layer > layers) {
        let hint = format!("the model is '{}'", step.model);
        return Err(InputError::new("--layer", format!("0 to {layers}"), layer.to_string(), hint).into());
    }
    let title = format!("{}, step {}: loss {}", step.model, step.step, significant(step.trace.loss));
    if args.svg.is_some() || args.html.is_some() {
        let boxes = boxes(&step);
        if let Some(path) = &args.svg {
            write(path, &svg(&title, &boxes))?;
        }
        if let Some(path) = &args.html {
            write(path, &graph_page::page(&title, "L", "the batch's mean loss L", &boxes))?;
        }
    }
    let page = if args.json { serde_json::to_string(&report(&step))? + "\n" } else { page(&step, args.layer) };
    stdout().lock().write_all(page.as_bytes())?;
    Ok(())
}

/// Of a parameter, after the step.
fn after<'a>(step: &'a TrainingStep, node: &TracedNode) -> Option<&'a [f64]> {
    let found = step.after.iter().find(|(name, _)| node.op.is_none() && *name == node.name);
    found.map(|(_, after)| after.as_slice())
}

fn boxes(step: &TrainingStep) -> Vec<Drawn> {
    let after = step.trace.nodes.iter().map(|node| after(step, node).map(<[f64]>::to_vec));
    drawn(&step.trace).into_iter().zip(after).map(|(drawn, after)| Drawn { after, ..drawn }).collect()
}

fn report(step: &TrainingStep) -> Report<'_> {
    let nodes = step.trace.nodes.iter().map(|node| Node {
        name: &node.name,
        op: node.op,
        layer: node.layer,
        shape: &node.shape,
        value: Statistics::of(&node.value),
        gradient: node.gradient.as_deref().map(Statistics::of),
        after: after(step, node).map(Statistics::of),
    });
    Report {
        model: &step.model,
        step: step.step,
        epoch: step.epoch,
        step_in_epoch: step.within,
        steps_in_epoch: step.steps,
        rows: step.rows,
        rate: step.rate,
        loss: step.trace.loss,
        replayed: step.replayed,
        seconds: step.seconds,
        nodes: nodes.collect(),
    }
}

fn page(step: &TrainingStep, layer: Option<usize>) -> String {
    let nodes = &step.trace.nodes;
    // A layer, and the parameters among its operands.
    let within = |at: usize| match layer {
        None => true,
        Some(layer) => {
            let uses = |node: &TracedNode| node.layer == Some(layer) && node.operands.contains(&at);
            nodes[at].layer == Some(layer) || nodes.iter().any(uses)
        }
    };
    let shown = || nodes.iter().enumerate().filter(|(at, _)| within(*at)).map(|(_, node)| node);
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let line = |node: &TracedNode| {
        let formula = formula(node, nodes);
        vec![
            node.name.clone(),
            if formula.is_empty() { formula } else { format!("= {formula}") },
            if node.shape.is_empty() { String::new() } else { format!("{:?}", node.shape) },
            numbers(&node.value),
            node.gradient.as_deref().map_or("-".to_owned(), numbers),
        ]
    };
    let values = shown().filter(|node| after(step, node).is_none()).map(line);
    let head = words(&["node", "", "shape", "→ value", "← derivative of the mean loss"]);
    let values = table(std::iter::once(head).chain(values), |_| false);

    let parameters = shown().filter_map(|node| {
        let after = after(step, node)?;
        let change: Vec<f64> = after.iter().zip(&node.value).map(|(after, before)| after - before).collect();
        let gradient = node.gradient.as_deref().map_or("-".to_owned(), |gradient| four(rms(gradient)));
        let numbers = [rms(&node.value), rms(after), rms(&change), rms(&change) / rms(&node.value)];
        let [before, after, change, share] = numbers.map(|x| if x.is_finite() { four(x) } else { "-".to_owned() });
        Some(vec![node.name.clone(), format!("{:?}", node.shape), before, gradient, after, change, share])
    });
    let head = words(&["parameter", "shape", "before", "gradient", "after", "change", "change/before"]);
    let parameters = table(std::iter::once(head).chain(parameters), |column| column > 1);
    let TrainingStep { model, step: number, epoch, within, steps, rows, rate, replayed, seconds, trace, .. } = step;
    let rate = significant(*rate);
    format!(
        "{model}, step {number} (step {within} of {steps} in epoch {epoch}): {rows} rows, rate {rate}, loss {}\n\
         {replayed} steps before it done again in {seconds:.2} s\n\n{values}\nroot mean squares\n{parameters}",
        significant(trace.loss)
    )
}
