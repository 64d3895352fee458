//! A network that is no chain, in a `Graph`: two inputs go through the same weights, a residual among them, and meet.
//!
//! It learns whether two points lie on the same side of a circle. `cargo run --release -p chainrule --example composition`

#![allow(clippy::print_stdout, reason = "an example is a program")]

use chainrule::engine::{Backend, Clock, Column, CompileError, Cpu, Graph, Plan, Rows, Rule, Var};
use chainrule::random::{Purpose, stream};

const PAIRS: usize = 512;

/// The network and its training step: `y` is the logit of "the same side".
fn siamese<'g>(g: &'g Graph) -> Result<(Var<'g>, Plan), CompileError> {
    let (a, b, same) = (g.input("a", [2]), g.input("b", [2]), g.input("same", [1]));
    let (w, c) = (g.parameter("w", [2, 16]), g.parameter("c", [16]));
    let (v, d) = (g.parameter("v", [16, 16]), g.parameter("d", [16]));
    // Used twice: the chain rule sums what comes back to w, c, v and d.
    let seen = |x: Var<'g>| {
        let hidden = x.affine(w, c).tanh();
        hidden + hidden.affine(v, d).tanh()
    };
    let apart = (seen(a) - seen(b)).absolute();
    let y = apart.affine(g.parameter("u", [16, 1]), g.parameter("e", [1]));
    let loss = y.binary_cross_entropy(same).batch_mean();
    Ok((y, g.update(loss, Rule::named("adam").expect("it is in the table"))?))
}

/// The share of pairs that it gets right after so many steps.
fn learned(steps: u64) -> Result<f64, Box<dyn std::error::Error>> {
    let graph = Graph::new();
    let (y, update) = siamese(&graph)?;
    let predict = graph.predict(&[y])?;
    let (cpu, mut draws) = (Cpu::new(1), stream(1, Purpose::Sample, 0));
    let mut arena = cpu.allocate(&[&update, &predict], PAIRS)?;
    for parameter in update.parameters() {
        let values: Vec<f64> = (0..parameter.span.len).map(|_| draws.normal() * 0.4).collect();
        cpu.write(&mut arena, parameter.span, &values);
    }
    let mut points = || (0..2 * PAIRS).map(|_| draws.normal() as f32).collect::<Vec<f32>>();
    let (a, b) = (points(), points());
    let inside = |p: &[f32]| p[0] * p[0] + p[1] * p[1] < 1.4;
    let same: Vec<f32> = a.chunks(2).zip(b.chunks(2)).map(|(a, b)| f32::from(inside(a) == inside(b))).collect();
    let columns = [Column::F32(&a), Column::F32(&b), Column::F32(&same)];
    for step in 0..steps {
        cpu.run(&update, &mut arena, &Rows::all(&update, &columns)?, Clock { step, rate: 0.01, seed: 0 });
    }
    cpu.run(&predict, &mut arena, &Rows::all(&predict, &columns)?, Clock::default());
    let logits = cpu.read(&predict, &arena, predict.value(y).ok_or("y is delivered")?);
    Ok(logits.iter().zip(&same).filter(|(y, same)| (**y > 0.0) == (**same > 0.5)).count() as f64 / PAIRS as f64)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for steps in [0, 100, 1000] {
        println!("after {steps:4} steps: {:.1} % of the pairs are right", 100.0 * learned(steps)?);
    }
    Ok(())
}

#[test]
fn it_learns() {
    assert!(learned(0).unwrap() < 0.7 && learned(1000).unwrap() > 0.95);
}
