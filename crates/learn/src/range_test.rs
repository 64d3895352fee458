//! The learning-rate range test: which rate to train with. Smith, *Cyclical Learning Rates for Training Neural Networks*,
//! 2017, section 3.3.
//!
//! The rate rises from step to step by the same factor, from one that changes nothing to one that breaks the network. A loss
//! is smoothed by sₙ = β·sₙ₋₁ + (1−β)·lossₙ, without the pull to 0 at its beginning: sₙ/(1−βⁿ). The test ends where
//! the smoothed loss is far above its lowest.
//!
//! The suggestion is the rate at which the smoothed loss falls fastest by the logarithm of the rate: below it a training
//! loses time, and above it the loss soon gets ragged. It is never more than a quarter of the rate of the lowest loss, which
//! is the edge: from there on the loss rises.

use chainrule_engine::Backend;
use serde::Serialize;

use crate::divergence::Suspect;
use crate::input_error::InputError;
use crate::model::Build;
use crate::prepared::Prepared;
use crate::readers::Data;
use crate::sample_weights::weighed;
use crate::session::Session;
use crate::settings::Settings;
use crate::trainer::TrainError;

/// Steps of the test, if it is not ended before.
pub const STEPS: usize = 300;
/// The first and the last rate, by the optimizer's usual one.
const REACH: [f64; 2] = [1e-4, 1e3];
/// β of the smoothed loss.
const SMOOTH: f64 = 0.9;
/// A smoothed loss that is so many times its lowest ends the test.
const FAR_ABOVE: f64 = 4.0;
/// The slope at a step is that of the line through so many points on either side.
const NEIGHBOURS: usize = 12;
/// A loss that fell by a smaller share than this has not answered.
const LEAST_FALL: f64 = 0.01;
/// Of the rate with the lowest loss, at most this share is suggested.
const BELOW_THE_EDGE: f64 = 0.25;

/// One step of the test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// The step's rate.
    pub rate: f64,
    /// The batch's loss before the step.
    pub loss: f64,
    /// Of this step and those before it.
    pub smoothed: f64,
}

/// What the test found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RangeTest {
    /// The rate to train with.
    pub suggestion: f64,
    /// Why.
    pub reason: String,
    /// The rate of the lowest smoothed loss.
    pub lowest: f64,
    /// Where the test ended: the first rate at which the loss was far above its lowest, or no number; `None` if it was neither.
    pub broke: Option<f64>,
    /// Each step before that.
    pub points: Vec<Point>,
}

/// Runs the range test on the training rows. It leaves nothing behind.
///
/// ```
/// use chainrule::range_test::range_test;
/// use chainrule::{Settings, digits, engine::Cpu};
/// let settings = Settings { model: Some("affine:50 relu affine:10".parse()?), ..Settings::default() };
/// let found = range_test(&Cpu::new(1), digits(), &settings)?;
/// assert!((1e-4..1.0).contains(&found.suggestion), "{}", found.reason);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If settings and data do not fit together, or no loss fell: then there is no rate to suggest.
pub fn range_test<B: Backend>(
    backend: &B,
    data: impl Into<Data>,
    settings: &Settings,
) -> Result<RangeTest, TrainError> {
    settings.check()?;
    let prepared = Prepared::new(data.into(), settings)?;
    let graph = chainrule_engine::Graph::new();
    let network = prepared.model.build(&graph, prepared.input, prepared.objective, Build::Train)?;
    let network = weighed(&graph, network, &prepared.examples);
    let update = graph.update(network.loss, settings.optimizer).map_err(InputError::from)?;
    let rows = &prepared.split.train;
    let arena = backend.allocate(&[&update], settings.batch.min(rows.len())).map_err(InputError::from)?;
    let suspect = Suspect { graph: &graph, model: &prepared.model, network: &network };
    let mut batches = prepared.examples.batches(rows, settings)?;
    let mut session = Session::begin(backend, arena, update, suspect, settings, batches.len());
    settings.init_from.as_ref().map_or(Ok(()), |file| session.take(file).map(|_| ()))?;
    let usual = settings.optimizer.usual_rate();
    let rate = |step: usize| usual * REACH[0] * (REACH[1] / REACH[0]).powf(step as f64 / (STEPS - 1) as f64);
    let mut curve = Curve::default();
    let mut step = 0;
    for epoch in 0.. {
        batches.reshuffle(epoch)?;
        for at in 0..batches.len() {
            let (table, batch) = batches.at(at)?;
            let loss = session.step_at(step as u64, rate(step), table, batch)?;
            if step == STEPS || !curve.goes_on(rate(step), loss) {
                return Ok(curve.found()?);
            }
            step += 1;
        }
    }
    unreachable!("an epoch has a batch, and the test ends after its steps")
}

/// The test so far.
#[derive(Default)]
struct Curve {
    points: Vec<Point>,
    sum: f64,
    broke: Option<f64>,
}

impl Curve {
    /// Whether the loss is not yet far above its lowest.
    fn goes_on(&mut self, rate: f64, loss: f64) -> bool {
        self.sum = SMOOTH * self.sum + (1.0 - SMOOTH) * loss;
        let smoothed = self.sum / (1.0 - SMOOTH.powf((self.points.len() + 1) as f64));
        let lowest = self.points.iter().map(|point| point.smoothed).fold(f64::INFINITY, f64::min);
        if !smoothed.is_finite() || smoothed > FAR_ABOVE * lowest {
            self.broke = Some(rate);
            return false;
        }
        self.points.push(Point { rate, loss, smoothed });
        true
    }

    fn found(self) -> Result<RangeTest, InputError> {
        let Curve { points, broke, .. } = self;
        let no = |found: &str| {
            let hint = "the network or its target may be wrong: look at the data, or try another model or optimizer";
            InputError::new("range test", "a loss that falls as the rate rises", found, hint)
        };
        let by_loss = |a: &&Point, b: &&Point| a.smoothed.total_cmp(&b.smoothed);
        let Some(lowest) = points.iter().min_by(by_loss) else { return Err(no("no finite loss")) };
        let slopes = (NEIGHBOURS..points.len().saturating_sub(NEIGHBOURS)).map(|at| {
            let part = &points[at - NEIGHBOURS..=at + NEIGHBOURS];
            (points[at].rate, slope(part))
        });
        // At the first rates nothing is learned yet.
        let first = &points[..points.len().min(2 * NEIGHBOURS)];
        let start = first.iter().map(|point| point.loss).sum::<f64>() / first.len() as f64;
        if lowest.smoothed > (1.0 - LEAST_FALL) * start {
            return Err(no("one that does not"));
        }
        let before = slopes.filter(|&(rate, slope)| rate <= lowest.rate && slope < 0.0);
        let Some((steepest, slope)) = before.min_by(|a, b| a.1.total_cmp(&b.1)) else {
            return Err(no("one that does not"));
        };
        let cap = BELOW_THE_EDGE * lowest.rate;
        let (suggestion, why) = if steepest <= cap {
            (steepest, format!("there the loss falls fastest, by {:.2} for ten times the rate", -slope))
        } else {
            (cap, "a quarter of the rate with the lowest loss, just before which it falls fastest".to_owned())
        };
        let edge = match broke {
            Some(broke) => format!(", and from {} on the loss is far above it or no number", two_digits(broke)),
            None => String::new(),
        };
        let reason = format!("{why}; it is lowest at {}{edge}", two_digits(lowest.rate));
        let lowest = lowest.rate;
        Ok(RangeTest { suggestion: two_digits(suggestion), reason, lowest, broke, points })
    }
}

/// More digits of a rate than two say nothing.
fn two_digits(rate: f64) -> f64 {
    format!("{rate:.1e}").parse().unwrap_or(rate)
}

/// By least squares: what the smoothed loss gains for ten times the rate.
fn slope(points: &[Point]) -> f64 {
    let n = points.len() as f64;
    let x = |point: &Point| point.rate.log10();
    let (mean_x, mean_y) = (points.iter().map(x).sum::<f64>() / n, points.iter().map(|p| p.smoothed).sum::<f64>() / n);
    let cross: f64 = points.iter().map(|p| (x(p) - mean_x) * (p.smoothed - mean_y)).sum();
    cross / points.iter().map(|p| (x(p) - mean_x).powi(2)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A loss that stays at 2, falls to 0.2 in the decade around `middle`, and breaks at a hundred times it.
    fn curve(middle: f64) -> Curve {
        let mut curve = Curve::default();
        for step in 0..STEPS {
            let rate = 1e-6 * 10f64.powf(7.0 * step as f64 / (STEPS - 1) as f64);
            let fall = 1.0 / (1.0 + (-4.0 * (rate / middle).log10()).exp());
            let loss = if rate > 100.0 * middle { f64::NAN } else { 2.0 - 1.8 * fall };
            if !curve.goes_on(rate, loss) {
                break;
            }
        }
        curve
    }

    #[test]
    fn the_steepest_fall_is_found() {
        for middle in [1e-4, 1e-3, 1e-2] {
            let found = curve(middle).found().unwrap();
            // Smoothing looks back by 1/(1−β) = 10 steps, of which a decade has 43.
            assert!((middle..2.2 * middle).contains(&found.suggestion), "{middle}: {}", found.suggestion);
            assert!((90.0 * middle..110.0 * middle).contains(&found.broke.unwrap()), "{found:?}");
            assert!(found.reason.starts_with("there the loss falls fastest, by "), "{}", found.reason);
        }
    }

    #[test]
    fn smoothing_does_not_pull_to_0() {
        let mut curve = Curve::default();
        (0..50).for_each(|step| assert!(curve.goes_on(f64::from(step + 1), 3.0)));
        assert!(curve.points.iter().all(|point| (point.smoothed - 3.0).abs() < 1e-12));
        assert!(curve.found().unwrap_err().found.contains("does not"));
    }

    #[test]
    fn without_a_loss_there_is_no_suggestion() {
        let mut curve = Curve::default();
        assert!(!curve.goes_on(1e-3, f64::NAN));
        assert_eq!(curve.found().unwrap_err().found, "no finite loss");
    }
}
