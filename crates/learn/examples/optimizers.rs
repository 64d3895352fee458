//! Optimizers side by side, as in chapter 6 of *Deep Learning from Scratch*: their paths down x²/20 + y², and their losses
//! on images with five layers of 100.
//!
//! `cargo run --release -p chainrule --example optimizers -- MNIST` writes `optimizers.svg`; without a folder it takes the
//! embedded digits.

#![allow(clippy::print_stdout, reason = "an example is a program")]

mod comparison;

use chainrule::choice::parse;
use chainrule::engine::{Backend, Clock, Graph, Optimizer, Reference, Rows};
use chainrule::{Fractions, Settings};
use comparison::{Area, Curve, Outcome, colour, curves, data, losses, page};
use plotters::prelude::*;

/// The book's rates for the descent, and for the images.
const OPTIMIZERS: [(&str, f64, f64); 6] = [
    ("sgd", 0.95, 0.01),
    ("momentum", 0.1, 0.01),
    ("nesterov", 0.1, 0.01),
    ("adagrad", 1.5, 0.01),
    ("rmsprop", 0.3, 0.001),
    ("adam", 0.3, 0.001),
];
const DOWN: usize = 30;
const STEPS: usize = 2000;
const BATCH: usize = 128;

/// From (−7, 2) down f(x, y) = x²/20 + y².
fn descent(name: &str, rate: f64) -> Outcome<Vec<(f64, f64)>> {
    let graph = Graph::new();
    let (x, y) = (graph.parameter("x", []), graph.parameter("y", []));
    let plan = graph.update(x * x / 20.0 + y * y, parse::<Optimizer>(name)?)?;
    let mut arena = Reference.allocate(&[&plan], 1)?;
    let span = |name| plan.parameter(name).ok_or("it is a parameter");
    let (x, y) = (span("x")?, span("y")?);
    Reference.write(&mut arena, x, &[-7.0]);
    Reference.write(&mut arena, y, &[2.0]);
    let mut path = vec![(-7.0, 2.0)];
    for step in 0..DOWN as u64 {
        Reference.run(&plan, &mut arena, &Rows::none(), Clock { step, rate, seed: 0 });
        path.push((Reference.read_span(&arena, x)[0], Reference.read_span(&arena, y)[0]));
    }
    Ok(path)
}

/// The path over the contours of f.
fn draw_path(area: &Area<'_>, at: usize, name: &str, path: &[(f64, f64)]) -> Outcome<()> {
    let mut chart = ChartBuilder::on(area)
        .caption(name, ("sans-serif", 14))
        .margin(8)
        .x_label_area_size(24)
        .y_label_area_size(32)
        .build_cartesian_2d(-10.0..10.0, -5.0..5.0)?;
    chart.configure_mesh().disable_mesh().draw()?;
    for level in [0.2, 0.8, 2.0, 4.0, 7.0, 11.0_f64] {
        let around = (0..=120).map(|i| std::f64::consts::TAU * f64::from(i) / 120.0);
        let ellipse = around.map(|a| ((20.0 * level).sqrt() * a.cos(), level.sqrt() * a.sin()));
        chart.draw_series(LineSeries::new(ellipse, BLACK.mix(0.2)))?;
    }
    chart.draw_series(LineSeries::new(path.iter().copied(), colour(at).stroke_width(2)))?;
    chart.draw_series(path.iter().map(|&point| Circle::new(point, 2, colour(at).filled())))?;
    Ok(())
}

fn main() -> Outcome<()> {
    let data = data()?;
    let file = "optimizers.svg";
    let title = "Optimizers: down x²/20 + y² in 30 steps, and the loss on images";
    let (paths, images) = page(file, title, (990, 750))?.split_vertically(500);
    let areas = paths.split_evenly((2, 3));
    let mut on_images: Vec<Curve> = Vec::new();
    println!(
        "optimizer  rate   x, y after {DOWN} steps      rate on images  mean loss of the last 100 of {STEPS} steps"
    );
    for (at, (name, rate, on_images_rate)) in OPTIMIZERS.into_iter().enumerate() {
        let path = descent(name, rate)?;
        let &(x, y) = path.last().ok_or("the path has points")?;
        draw_path(&areas[at], at, &format!("{name}, rate {rate}"), &path)?;
        let rows = data.train.rows();
        let settings = Settings {
            model: Some("affine:100 relu affine:100 relu affine:100 relu affine:100 relu affine:10".parse()?),
            optimizer: parse(name)?,
            rate: Some(on_images_rate),
            batch: BATCH,
            epochs: (STEPS * BATCH).div_ceil(rows),
            fractions: Fractions { validation: 0.0, test: 0.0 },
            ..Settings::default()
        };
        let (mut curve, _) = losses(name, &data, &settings, 100)?;
        curve.points.retain(|(step, _)| *step <= STEPS as f64);
        let loss = curve.points.last().map_or(f64::NAN, |point| point.1);
        println!("{name:<9}  {rate:<5}  {x:>8.4}, {y:>8.4}        {on_images_rate:<14}  {loss:.4}");
        on_images.push(curve);
    }
    curves(&images, "images", ["step", "loss"], 0.0..STEPS as f64, 0.0..1.2, &on_images)?;
    println!("picture: {file}");
    Ok(())
}
