//! 300 training rows learned by heart, and what weight decay and dropout do to the gap between training and test, as in chapter 6 of *Deep
//! Learning from Scratch*: six hidden layers of 100.
//!
//! `cargo run --release -p chainrule --example overfitting -- MNIST` writes `overfitting.svg`; without a folder it takes
//! the embedded digits.

#![allow(clippy::print_stdout, reason = "an example is a program")]

mod comparison;

use chainrule::engine::{Optimizer, Rule};
use chainrule::{Data, Fractions, Progress, Settings, train};
use comparison::{Curve, Outcome, curves, data, page};

const ROWS: u32 = 300;
const EPOCHS: usize = 400;

fn main() -> Outcome<()> {
    let given = data()?;
    // Only the digits bring no test set: what is not learned from judges.
    let all: Vec<u32> = (0..given.train.rows() as u32).collect();
    let (few, others) = all.split_at(ROWS as usize);
    let judges = &others[..others.len().min(10_000)];
    let test = given.test.unwrap_or_else(|| given.train.select(judges));
    let rows: Vec<u32> = few.iter().chain(&judges[..judges.len().min(1000)]).copied().collect();
    let validation = (rows.len() - few.len()) as f64 / rows.len() as f64;

    let file = "overfitting.svg";
    let title = "300 rows learned by heart: the loss of training and of validation rows";
    let areas = page(file, title, (760, 520))?.split_evenly((2, 2));
    println!("                         train   test    gap   (accuracy after {EPOCHS} epochs)");
    let ways = [
        ("nothing", 0.0, ""),
        ("weight decay 0.1", 0.1, ""),
        ("dropout 0.4", 0.0, "dropout:0.4 "),
        ("decay 0.03, dropout 0.2", 0.03, "dropout:0.2 "),
    ];
    for ((name, l2, dropout), area) in ways.into_iter().zip(&areas) {
        let settings = Settings {
            model: Some(format!("{} affine:10", format!("affine:100 relu {dropout}").repeat(6)).parse()?),
            optimizer: Optimizer { l2, ..Optimizer::from(Rule::Sgd) },
            rate: Some(0.01),
            batch: 100,
            epochs: EPOCHS,
            fractions: Fractions { validation, test: 0.0 },
            ..Settings::default()
        };
        let mut both = ["training", "validation"].map(|name| Curve { name: name.to_owned(), points: Vec::new() });
        let data = Data { test: Some(test.clone()), ..Data::from(given.train.select(&rows)) };
        train(data, &settings, |progress| {
            if let Progress::Epoch(epoch) = progress {
                both[0].points.push((epoch.epoch as f64, epoch.train_loss));
                both[1].points.extend(epoch.validation.map(|scores| (epoch.epoch as f64, scores.loss)));
            }
        })?;
        // The curves are of a training that chose its best epoch; learned by heart is what the last one has.
        let to_the_end = Settings { fractions: Fractions { validation: 0.0, test: 0.0 }, ..settings };
        let data = Data { test: Some(test.clone()), ..Data::from(given.train.select(few)) };
        let last = train(data, &to_the_end, |_| {})?;
        let [train, test] = [Some(last.train), last.test].map(|s| s.and_then(|s| s.accuracy).unwrap_or(f64::NAN));
        println!("{name:<23}  {train:.3}   {test:.3}   {:.3}", train - test);
        curves(area, name, ["epoch", "loss"], 0.0..EPOCHS as f64, 0.0..2.4, &both)?;
    }
    println!("picture: {file}");
    Ok(())
}
