//! Initial weights side by side, as in chapter 6 of *Deep Learning from Scratch*: what the activations of five layers of 100 look like, and what
//! that does to learning.
//!
//! `cargo run --release -p chainrule --example initial_weights -- MNIST` writes `initial_weights.svg`; without a folder it
//! takes the embedded digits.

#![allow(clippy::print_stdout, reason = "an example is a program")]

mod comparison;

use chainrule::choice::parse;
use chainrule::engine::{Backend, Clock, Column, Cpu, Graph, Rows};
use chainrule::initial::initial;
use chainrule::random::{Purpose, stream};
use chainrule::{Build, Fractions, Model, Objective, Settings, Task};
use comparison::{Area, Curve, Outcome, colour, curves, data, losses, page};
use plotters::prelude::*;

const LAYERS: usize = 5;
const ROWS: usize = 1000;
const STEPS: usize = 2000;
const BATCH: usize = 128;
const BINS: usize = 30;

/// (activation, initial weights): the book's.
const PAIRS: [(&str, &str); 6] = [
    ("sigmoid", "normal:1"),
    ("sigmoid", "normal:0.01"),
    ("sigmoid", "xavier"),
    ("relu", "normal:0.01"),
    ("relu", "xavier"),
    ("relu", "he"),
];

/// The activations of each layer for rows of a normal distribution.
fn activations(activation: &str, weights: &str) -> Outcome<Vec<Vec<f64>>> {
    let model: Model = format!("{} affine:1", format!("affine:100 {activation} ").repeat(LAYERS)).parse()?;
    let graph = Graph::new();
    let network = model.build(&graph, [100].into(), Objective::usual(Task::Number), Build::Test)?;
    let outputs: Vec<_> = (0..LAYERS).map(|layer| graph.var(network.layers[2 * layer + 1])).collect();
    let plan = graph.predict(&outputs)?;
    let cpu = Cpu::new(1);
    let mut arena = cpu.allocate(&[&plan], ROWS)?;
    for (number, parameter) in plan.parameters().iter().enumerate() {
        let values = initial(&model, Some(parse(weights)?), number, parameter.shape, 1);
        cpu.write(&mut arena, parameter.span, &values);
    }
    let mut draws = stream(1, Purpose::Sample, 0);
    let x: Vec<f64> = (0..ROWS * 100).map(|_| draws.normal()).collect();
    let columns = [Column::F64(&x), Column::Absent];
    let rows = Rows::all(&plan, &columns)?;
    cpu.run(&plan, &mut arena, &rows, Clock::default());
    let read = |y| plan.value(y).map(|y| cpu.read(&plan, &arena, y)).ok_or("it is delivered");
    Ok(outputs.into_iter().map(read).collect::<Result<_, _>>()?)
}

fn histogram(area: &Area<'_>, title: &str, values: &[f64]) -> Outcome<()> {
    let mut counts = [0usize; BINS];
    for &value in values {
        counts[((value * BINS as f64) as usize).min(BINS - 1)] += 1;
    }
    let share = |count: usize| count as f64 / values.len() as f64;
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 12))
        .margin(4)
        .x_label_area_size(16)
        .build_cartesian_2d(0.0..1.0, 0.0..0.5)?;
    chart.configure_mesh().disable_mesh().disable_y_axis().x_labels(3).draw()?;
    let bar = |(at, &count): (usize, &usize)| {
        let edge = |at: usize| at as f64 / BINS as f64;
        Rectangle::new([(edge(at), 0.0), (edge(at + 1), share(count))], colour(0).filled())
    };
    chart.draw_series(counts.iter().enumerate().map(bar))?;
    Ok(())
}

fn main() -> Outcome<()> {
    let data = data()?;
    let file = "initial_weights.svg";
    let title =
        "Initial weights: activations from 0 to 1 (all larger ones in the last bar) of five layers, and the loss";
    let areas = page(file, title, (1140, 900))?.split_evenly((PAIRS.len(), LAYERS + 1));
    println!("activation  weights      mean and standard deviation of the activations of layers 1 to {LAYERS}");
    for (row, (activation, weights)) in PAIRS.into_iter().enumerate() {
        let layers = activations(activation, weights)?;
        print!("{activation:<10}  {weights:<11}");
        for (layer, values) in layers.iter().enumerate() {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt();
            print!("  {mean:.3} ±{deviation:.3}");
            histogram(
                &areas[row * (LAYERS + 1) + layer],
                &format!("{activation}, {weights}, layer {}", layer + 1),
                values,
            )?;
        }
        println!();
    }
    println!("\nmean loss of the last 100 of {STEPS} steps, sgd at 0.01");
    for (row, (activation, weights)) in PAIRS.into_iter().enumerate() {
        let settings = Settings {
            model: Some(format!("{} affine:10", format!("affine:100 {activation} ").repeat(LAYERS)).parse()?),
            initial: Some(parse(weights)?),
            optimizer: parse("sgd")?,
            rate: Some(0.01),
            batch: BATCH,
            epochs: (STEPS * BATCH).div_ceil(data.train.rows()),
            fractions: Fractions { validation: 0.0, test: 0.0 },
            ..Settings::default()
        };
        let (curve, _) = losses(weights, &data, &settings, 100)?;
        let points: Vec<(f64, f64)> = curve.points.into_iter().filter(|(step, _)| *step <= STEPS as f64).collect();
        println!("{activation:<10}  {weights:<11}  {:.4}", points.last().map_or(f64::NAN, |point| point.1));
        let curve = [Curve { name: weights.to_owned(), points }];
        curves(&areas[row * (LAYERS + 1) + LAYERS], "loss", ["", ""], 0.0..STEPS as f64, 0.0..2.5, &curve)?;
    }
    println!("picture: {file}");
    Ok(())
}
