//! Pictures that follow from a formula alone.

use chainrule::engine::derivative::numerical_gradient;
use plotters::prelude::*;

use crate::canvas::{BLUE_INK, GREEN_INK, Outcome, RED_INK, chart, curve, legend, page};

/// `count` steps from one number to another, both included.
fn steps(from: f64, to: f64, count: usize) -> impl Iterator<Item = f64> {
    (0..=count).map(move |i| from + (to - from) * i as f64 / count as f64)
}

/// The cross-entropy, and three losses of numbers.
pub(crate) fn losses() -> Outcome<()> {
    let page = page("losses", (760, 290))?;
    let halves = page.split_evenly((1, 2));
    let axes = ["p, the probability given to the true class", "loss"];
    let mut left = chart(&halves[0], "cross-entropy", axes, [0.0, 1.0], [0.0, 5.0])?;
    curve(&mut left, "-ln p", BLUE_INK, steps(0.0067, 1.0, 300).map(|p| (p, -p.ln())).collect())?;

    let mut right = chart(&halves[1], "losses of numbers", ["y - t", "loss"], [-3.0, 3.0], [0.0, 5.0])?;
    let of = |loss: fn(f64) -> f64| steps(-3.0, 3.0, 300).map(|d| (d, loss(d))).filter(|p| p.1 <= 5.0).collect();
    curve(&mut right, "squared", BLUE_INK, of(|d| d * d))?;
    curve(&mut right, "absolute", RED_INK, of(f64::abs))?;
    curve(&mut right, "Huber, D = 1", GREEN_INK, of(|d| if d.abs() < 1.0 { d * d / 2.0 } else { d.abs() - 0.5 }))?;
    legend(&mut right, SeriesLabelPosition::UpperMiddle)?;
    Ok(page.present()?)
}

/// −∇f over a bowl, and descents with three rates.
pub(crate) fn gradient() -> Outcome<()> {
    let bowl = |x: &[f64]| x[0] * x[0] / 4.0 + x[1] * x[1];
    let page = page("gradient", (760, 420))?;
    let mut chart = chart(&page, "", ["x0", "x1"], [-4.2, 4.2], [-2.2, 2.2])?;
    for level in [0.25, 1.0, 2.25, 4.0_f64] {
        let around = steps(0.0, std::f64::consts::TAU, 120);
        let ellipse = around.map(|a| (2.0 * level.sqrt() * a.cos(), level.sqrt() * a.sin()));
        chart.draw_series(LineSeries::new(ellipse, BLACK.mix(0.15)))?;
    }
    for x in steps(-4.0, 4.0, 16) {
        for y in steps(-2.0, 2.0, 10) {
            let gradient = numerical_gradient(bowl, &[x, y], 1e-4);
            let tip = (x - 0.09 * gradient[0], y - 0.09 * gradient[1]);
            chart.draw_series([PathElement::new([(x, y), tip], BLACK.mix(0.35))])?;
            chart.draw_series([Circle::new(tip, 2, BLACK.mix(0.35).filled())])?;
        }
    }
    for (rate, ink, start) in
        [(0.1, GREEN_INK, [-3.6, 1.7]), (0.6, BLUE_INK, [3.6, 1.7]), (1.03, RED_INK, [-3.8, -1.2])]
    {
        let mut x = start.to_vec();
        let mut path = vec![(x[0], x[1])];
        for _ in 0..10 {
            let gradient = numerical_gradient(bowl, &x, 1e-4);
            x.iter_mut().zip(gradient).for_each(|(x, slope)| *x -= rate * slope);
            path.push((x[0], x[1]));
        }
        chart.draw_series(path.iter().map(|&point| Circle::new(point, 3, ink.filled())))?;
        curve(&mut chart, &format!("rate {rate}"), ink, path)?;
    }
    legend(&mut chart, SeriesLabelPosition::LowerRight)?;
    Ok(page.present()?)
}

/// Three logits, their probabilities, and what comes back.
pub(crate) fn softmax() -> Outcome<()> {
    let logits = [1.0, 2.0, 4.0_f64];
    let sum: f64 = logits.iter().map(|z| z.exp()).sum();
    let p = logits.map(|z| z.exp() / sum);
    let back = [p[0], p[1], p[2] - 1.0];
    let page = page("softmax", (760, 260))?;
    let parts = page.split_evenly((1, 3));
    let panels =
        [("z", logits, [0.0, 4.5]), ("p = softmax(z)", p, [0.0, 1.0]), ("dz = p - onehot(2)", back, [-0.25, 0.25])];
    for ((title, values, up), area) in panels.into_iter().zip(&parts) {
        let mut chart = chart(area, title, ["class", ""], [-0.6, 2.6], up)?;
        let bar = |(class, &value): (usize, &f64)| {
            let ink = if value < 0.0 { RED_INK } else { BLUE_INK };
            Rectangle::new([(class as f64 - 0.3, 0.0), (class as f64 + 0.3, value)], ink.filled())
        };
        chart.draw_series(values.iter().enumerate().map(bar))?;
        let label = |(class, &value): (usize, &f64)| {
            let at = (class as f64 - 0.28, value.max(0.0) + (up[1] - up[0]) * 0.07);
            Text::new(format!("{value:.4}"), at, ("sans-serif", 12))
        };
        chart.draw_series(values.iter().enumerate().map(label))?;
    }
    Ok(page.present()?)
}
