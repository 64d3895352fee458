//! Batch norm against none over 16 scales of initial weights, as in chapter 6 of *Deep Learning from Scratch*: five layers of 100, 1,000
//! training rows.
//!
//! `cargo run --release -p chainrule --example batch_norm -- MNIST` writes `batch_norm.svg`; without a folder it takes the
//! embedded digits.

#![allow(clippy::print_stdout, reason = "an example is a program")]

mod comparison;

use chainrule::choice::parse;
use chainrule::{Data, Fractions, Initial, Progress, Settings, train};
use comparison::{Curve, Outcome, curves, data, page};

const SCALES: usize = 16;
const ROWS: u32 = 1000;
const JUDGES: u32 = 700;
const EPOCHS: usize = 20;

/// The accuracy on validation rows, epoch by epoch; up to where training broke.
fn accuracies(name: &str, norm: &str, scale: f64, data: &Data) -> Outcome<Curve> {
    let settings = Settings {
        model: Some(format!("{} affine:10", format!("affine:100 {norm}relu ").repeat(5)).parse()?),
        initial: Some(Initial::Normal { std: scale }),
        optimizer: parse("sgd")?,
        rate: Some(0.01),
        batch: 100,
        epochs: EPOCHS,
        fractions: Fractions { validation: f64::from(JUDGES) / f64::from(ROWS + JUDGES), test: 0.0 },
        ..Settings::default()
    };
    let mut points = Vec::new();
    let trained = train(data.clone(), &settings, |progress| {
        if let Progress::Epoch(epoch) = progress
            && let Some(accuracy) = epoch.validation.and_then(|scores| scores.accuracy)
        {
            points.push((epoch.epoch as f64, accuracy));
        }
    });
    // Too large a scale breaks the network, which is what the picture is to show.
    if let Err(chainrule::TrainError::Input(error)) = trained {
        return Err(error.into());
    }
    Ok(Curve { name: name.to_owned(), points })
}

fn main() -> Outcome<()> {
    let given = data()?;
    let rows: Vec<u32> = (0..(ROWS + JUDGES).min(given.train.rows() as u32)).collect();
    let data: Data = given.train.select(&rows).into();
    let file = "batch_norm.svg";
    let title = "Accuracy on validation rows with batch norm and without, by the scale of the initial weights";
    let areas = page(file, title, (1000, 800))?.split_evenly((4, 4));
    println!("scale    with batch norm  without   (accuracy after {EPOCHS} epochs)");
    for (at, area) in areas.iter().enumerate() {
        let scale = 10f64.powf(-4.0 * at as f64 / (SCALES - 1) as f64);
        let both = [accuracies("batch norm", "batch_norm ", scale, &data)?, accuracies("none", "", scale, &data)?];
        let last = |curve: &Curve| match curve.points.last() {
            Some(&(epoch, accuracy)) if epoch as usize == EPOCHS => format!("{accuracy:.3}"),
            _ => "broke".to_owned(),
        };
        println!("{scale:<7.4}  {:<15}  {}", last(&both[0]), last(&both[1]));
        curves(area, &format!("scale {scale:.4}"), ["epoch", ""], 0.0..EPOCHS as f64, 0.0..1.0, &both)?;
    }
    println!("picture: {file}");
    Ok(())
}
