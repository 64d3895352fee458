//! What the comparisons of chapter 6 share: data, a training whose losses are kept, and a picture of curves.

#![allow(dead_code, reason = "each comparison uses some of it")]

use std::error::Error;
use std::path::PathBuf;

use chainrule::{Data, Progress, Settings, Source, Trained, train};
use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::prelude::*;

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

/// The data at the path that the first argument names, such as a folder of MNIST's files; without one the embedded digits.
pub(crate) fn data() -> Outcome<Data> {
    let path = std::env::args_os().nth(1).map(PathBuf::from);
    Ok(Source { path, ..Source::default() }.open(None)?)
}

/// A named curve.
pub(crate) struct Curve {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// Trains, and keeps the loss of each step, smoothed by a moving mean of so many.
pub(crate) fn losses(name: &str, data: &Data, settings: &Settings, smooth: usize) -> Outcome<(Curve, Trained)> {
    let mut losses: Vec<f64> = Vec::new();
    let trained = train(data.clone(), settings, |progress| {
        if let Progress::Step { loss, .. } = progress {
            losses.push(loss);
        }
    })?;
    let mean = |at: usize| {
        let part = &losses[at.saturating_sub(smooth - 1)..=at];
        part.iter().sum::<f64>() / part.len() as f64
    };
    let points = (0..losses.len()).step_by(losses.len().div_ceil(400)).map(|at| (at as f64 + 1.0, mean(at))).collect();
    Ok((Curve { name: name.to_owned(), points }, trained))
}

/// A colour for each curve.
pub(crate) fn colour(at: usize) -> RGBColor {
    const COLOURS: [(u8, u8, u8); 7] =
        [(31, 119, 180), (214, 39, 40), (44, 160, 44), (255, 127, 14), (148, 103, 189), (140, 86, 75), (23, 190, 207)];
    let (r, g, b) = COLOURS[at % COLOURS.len()];
    RGBColor(r, g, b)
}

/// The page of a picture, of `size` pixels below its title.
pub(crate) fn page<'a>(file: &'a str, title: &str, size: (u32, u32)) -> Outcome<Area<'a>> {
    let whole = SVGBackend::new(file, (size.0, size.1 + 36)).into_drawing_area();
    whole.fill(&WHITE)?;
    Ok(whole.titled(title, ("sans-serif", 18))?)
}

pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// Curves in one panel, each with its name.
pub(crate) fn curves<X, Y>(
    area: &Area<'_>,
    title: &str,
    [x_name, y_name]: [&str; 2],
    x: X,
    y: Y,
    curves: &[Curve],
) -> Outcome<()>
where
    X: AsRangedCoord<Value = f64>,
    X::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
    Y: AsRangedCoord<Value = f64>,
    Y::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 14))
        .margin(8)
        .x_label_area_size(32)
        .y_label_area_size(44)
        .build_cartesian_2d(x, y)?;
    let short = |number: &f64| number.to_string();
    let mut mesh = chart.configure_mesh();
    mesh.x_desc(x_name).y_desc(y_name).x_labels(5).y_labels(6).light_line_style(TRANSPARENT);
    mesh.x_label_formatter(&short).y_label_formatter(&|y| format!("{y:.1}")).draw()?;
    for (at, curve) in curves.iter().enumerate() {
        let style = colour(at).stroke_width(2);
        let line = chart.draw_series(LineSeries::new(curve.points.iter().copied(), style))?;
        line.label(&curve.name).legend(move |(x, y)| PathElement::new([(x, y), (x + 14, y)], style));
    }
    if curves.len() > 1 {
        let labels = &mut chart.configure_series_labels();
        labels
            .position(SeriesLabelPosition::MiddleRight)
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK.mix(0.3))
            .draw()?;
    }
    Ok(())
}
