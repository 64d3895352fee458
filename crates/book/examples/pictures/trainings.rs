//! Trainings on the digits, watched.

use chainrule::engine::Rule;
use chainrule::{Fractions, Progress, Settings, digits, train};
use plotters::prelude::*;

use crate::canvas::{BLUE_INK, GREEN_INK, Outcome, RED_INK, chart, curve, legend, page};

/// The losses of training and validation rows and the validation accuracy, by epoch.
struct Watched {
    training: Vec<(f64, f64)>,
    validation: Vec<(f64, f64)>,
    accuracy: Vec<(f64, f64)>,
}

fn watch(settings: &Settings) -> Outcome<Watched> {
    let mut watched = Watched { training: Vec::new(), validation: Vec::new(), accuracy: Vec::new() };
    train(digits(), settings, |progress| {
        if let Progress::Epoch(epoch) = progress {
            let at = epoch.epoch as f64;
            watched.training.push((at, epoch.train_loss));
            if let Some(scores) = &epoch.validation {
                watched.validation.push((at, scores.loss));
                watched.accuracy.extend(scores.accuracy.map(|accuracy| (at, accuracy)));
            }
        }
    })?;
    Ok(watched)
}

/// Chapter 2's hundred rows, learned by heart.
pub(crate) fn overfitting() -> Outcome<()> {
    let settings = Settings {
        model: Some("affine:100 relu affine:10".parse()?),
        epochs: 500,
        fractions: Fractions { validation: 0.4, test: 0.54 },
        ..Settings::default()
    };
    let watched = watch(&settings)?;
    let page = page("overfitting_digits", (760, 300))?;
    let mut chart = chart(&page, "", ["epoch", "loss"], [0.0, 500.0], [0.0, 1.2])?;
    let shown = |points: Vec<(f64, f64)>| points.into_iter().filter(|point| point.1 <= 1.2).collect();
    curve(&mut chart, "training", BLUE_INK, shown(watched.training))?;
    curve(&mut chart, "validation", RED_INK, shown(watched.validation))?;
    legend(&mut chart, SeriesLabelPosition::UpperRight)?;
    Ok(page.present()?)
}

/// One layer's loss by rows seen, for three sizes of batch.
pub(crate) fn mini_batches() -> Outcome<()> {
    const EPOCHS: usize = 8;
    const ROWS: usize = 1258;
    let page = page("mini_batches", (760, 320))?;
    let mut chart = chart(&page, "", ["rows seen", "loss of the batch"], [0.0, (EPOCHS * ROWS) as f64], [0.0, 2.6])?;
    for (batch, ink) in [(10, GREEN_INK), (100, BLUE_INK), (ROWS, RED_INK)] {
        let settings = Settings {
            model: Some("affine:10".parse()?),
            optimizer: Rule::Sgd.into(),
            rate: Some(0.5),
            batch,
            epochs: EPOCHS,
            ..Settings::default()
        };
        let mut points = Vec::new();
        train(digits(), &settings, |progress| {
            if let Progress::Step { epoch, step, loss } = progress {
                let seen = (epoch - 1) * ROWS + ((step - 1) * batch).min(ROWS);
                points.push((seen as f64, loss));
            }
        })?;
        curve(&mut chart, &format!("batch {batch}"), ink, points)?;
    }
    legend(&mut chart, SeriesLabelPosition::UpperRight)?;
    Ok(page.present()?)
}

/// Chapter 10's network, epoch by epoch.
pub(crate) fn backpropagation() -> Outcome<()> {
    let settings = Settings {
        model: Some("affine:50 relu affine:10".parse()?),
        optimizer: Rule::Sgd.into(),
        rate: Some(0.5),
        batch: 100,
        epochs: 30,
        ..Settings::default()
    };
    let watched = watch(&settings)?;
    let page = page("backpropagation", (760, 290))?;
    let halves = page.split_evenly((1, 2));
    let mut left = chart(&halves[0], "loss", ["epoch", ""], [0.0, 30.0], [0.0, 2.4])?;
    curve(&mut left, "training", BLUE_INK, watched.training)?;
    curve(&mut left, "validation", RED_INK, watched.validation)?;
    legend(&mut left, SeriesLabelPosition::UpperRight)?;
    let mut right = chart(&halves[1], "validation accuracy", ["epoch", ""], [0.0, 30.0], [0.0, 1.0])?;
    curve(&mut right, "validation", RED_INK, watched.accuracy)?;
    Ok(page.present()?)
}
