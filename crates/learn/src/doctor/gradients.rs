//! Gradients that vanish or explode: how the derivative of the loss by a layer's outputs grows or shrinks on its way from the last
//! layer to the first.
//!
//! `ratio = ‖∂loss/∂(outputs of the first weighed layer)‖ / ‖∂loss/∂(outputs of the last)‖`, norms and not means of squares, so that
//! a convolution, whose images share one derivative among many places, is not taken for one that lets nothing through. With the
//! initial weights that are usual it is between 0.1 and 10 for the recipes' networks. A weight a thousandth as fast as
//! another does not move in a training that is tuned to the other: under 1/1000 it vanishes. Above 100 before the first step
//! it explodes; later a large one may be the rate's doing, which is looked for by itself.

use super::advice::Again;
use super::case::Case;
use super::{Finding, Illness, short};
use crate::layer_statistics::{Layers, OutputStatistics};
use crate::model::Model;
use crate::spec::Layer;

const VANISHED: f64 = 1e-3;
const EXPLODED: f64 = 100.0;

pub(super) fn vanishing(case: &Case<'_>) -> Option<Finding> {
    let since = case.since(|layers| ratio(case, layers).is_some_and(|(ratio, ..)| ratio < VANISHED))?;
    let (ratio, first, last) = ratio(case, case.layers.last()?)?;
    let flat = |word: &str| matches!(word, "sigmoid" | "tanh");
    let again = || Again::of(case);
    let is_flat = case.predictor.model().layers().iter().any(|layer| flat(&layer.to_string()));
    let relu = |_, _, word: &str| if flat(word) { "relu".to_owned() } else { word.to_owned() };
    let norm = |_: usize, _: usize, word: &str| match word {
        "relu" | "sigmoid" | "tanh" | "gelu" | "silu" | "elu" | "leaky_relu" => format!("layer_norm {word}"),
        _ => word.to_owned(),
    };
    let mut advice = vec![again().words(norm).command()];
    if is_flat {
        advice.insert(0, again().words(relu).without("initial").command());
    }
    Some(Finding {
        illness: Illness::VanishingGradients,
        since: Some(since),
        says: format!(
            "the derivative of the loss by the outputs of {} is {} of that by the outputs of {}: the first layers hardly learn",
            named(first),
            short(ratio),
            named(last)
        ),
        advice,
    })
}

pub(super) fn exploding(case: &Case<'_>) -> Option<Finding> {
    let layers = case.layers.first().filter(|layers| layers.epoch == 0)?;
    let (ratio, first, last) = ratio(case, layers).filter(|(ratio, ..)| *ratio > EXPLODED)?;
    let again = Again::of(case);
    let again = if again.has("initial") { again.without("initial") } else { again.with("clip-norm", &1) };
    Some(Finding {
        illness: Illness::ExplodingGradients,
        since: Some(0),
        says: format!(
            "before the first step the derivative of the loss by the outputs of {} is {} times that by the outputs of {}",
            named(first),
            short(ratio),
            named(last)
        ),
        advice: vec![again.command()],
    })
}

/// Of the norms, with the two layers; `None` of one layer, and where the last has no derivative.
fn ratio<'l>(case: &Case<'_>, layers: &'l Layers) -> Option<(f64, &'l OutputStatistics, &'l OutputStatistics)> {
    let model: &Model = case.predictor.model();
    let is_weighed = |output: &&OutputStatistics| {
        matches!(model.layers().get(output.layer), Some(Layer::Affine(_) | Layer::Conv2d(_)))
    };
    let mut weighed = layers.outputs.iter().filter(is_weighed);
    let (first, last) = (weighed.next()?, weighed.next_back()?);
    let shapes = model.shapes(case.input()?).ok()?;
    let norm =
        |output: &OutputStatistics| Some(output.gradient_rms * (shapes.get(output.layer)?.output.len() as f64).sqrt());
    let (above, below) = (norm(first)?, norm(last)?);
    (below > 0.0).then_some((above / below, first, last))
}

/// `affine:50 (word 1)`
fn named(output: &OutputStatistics) -> String {
    format!("{} (word {})", output.word, output.layer + 1)
}
