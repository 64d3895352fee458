//! What the pictures are drawn with: pages, curves, and numbers as coloured cells.

use std::error::Error;

use chainrule_book::folder;
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;
pub(crate) type Area = DrawingArea<SVGBackend<'static>, Shift>;
pub(crate) type Chart<'a> = ChartContext<'a, SVGBackend<'static>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

pub(crate) const BLUE_INK: RGBColor = RGBColor(31, 119, 180);
pub(crate) const RED_INK: RGBColor = RGBColor(214, 39, 40);
pub(crate) const GREEN_INK: RGBColor = RGBColor(44, 160, 44);

/// An empty picture of the book.
pub(crate) fn page(name: &str, size: (u32, u32)) -> Outcome<Area> {
    let file = folder().join("en/pictures").join(format!("{name}.svg"));
    // The backend keeps the name as long as the picture, and a program that draws nine of them may leave it at that.
    let file: &'static str = Box::leak(file.to_string_lossy().into_owned().into_boxed_str());
    let page = SVGBackend::new(file, size).into_drawing_area();
    page.fill(&WHITE)?;
    Ok(page)
}

/// A chart with axes.
pub(crate) fn chart<'a>(
    area: &'a Area,
    title: &str,
    [x, y]: [&str; 2],
    across: [f64; 2],
    up: [f64; 2],
) -> Outcome<Chart<'a>> {
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 15))
        .margin(10)
        .x_label_area_size(36)
        .y_label_area_size(46)
        .build_cartesian_2d(across[0]..across[1], up[0]..up[1])?;
    // Adding 0 makes a label of -0 one of 0.
    let short = |number: &f64| format!("{}", (number * 1e4).round() / 1e4 + 0.0);
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.08))
        .x_labels(7)
        .y_labels(6)
        .x_desc(x)
        .y_desc(y)
        .x_label_formatter(&short)
        .y_label_formatter(&short)
        .draw()?;
    Ok(chart)
}

/// A named curve in a chart.
pub(crate) fn curve(chart: &mut Chart<'_>, name: &str, ink: RGBColor, points: Vec<(f64, f64)>) -> Outcome<()> {
    let line = chart.draw_series(LineSeries::new(points, ink.stroke_width(2)))?;
    line.label(name).legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], ink.stroke_width(2)));
    Ok(())
}

/// The names of a chart's curves.
pub(crate) fn legend(chart: &mut Chart<'_>, position: SeriesLabelPosition) -> Outcome<()> {
    chart
        .configure_series_labels()
        .position(position)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.2))
        .draw()?;
    Ok(())
}

/// Numbers as cells of `side` pixels with their upper left corner at `at`; `shade` gives a number's colour.
pub(crate) fn cells(
    area: &Area,
    numbers: &[f64],
    columns: usize,
    at: (i32, i32),
    side: i32,
    shade: impl Fn(f64) -> RGBColor,
) -> Outcome<()> {
    for (i, &number) in numbers.iter().enumerate() {
        let (x, y) = (at.0 + (i % columns) as i32 * side, at.1 + (i / columns) as i32 * side);
        area.draw(&Rectangle::new([(x, y), (x + side, y + side)], shade(number).filled()))?;
    }
    let rows = (numbers.len() / columns) as i32;
    let corner = (at.0 + columns as i32 * side, at.1 + rows * side);
    area.draw(&Rectangle::new([at, corner], BLACK.mix(0.4)))?;
    Ok(())
}

/// White for 0, black for 1.
pub(crate) fn grey(number: f64) -> RGBColor {
    let tone = (255.0 * (1.0 - number.clamp(0.0, 1.0))) as u8;
    RGBColor(tone, tone, tone)
}

/// Red for numbers above 0, blue for those below, as in `chainrule trace`, the deeper the nearer to ±`most`.
pub(crate) fn signed(number: f64, most: f64) -> RGBColor {
    let share = (number / most).clamp(-1.0, 1.0);
    let ink = if share > 0.0 { RED_INK } else { BLUE_INK };
    let mix = |tone: u8| (255.0 - (255.0 - f64::from(tone)) * share.abs()) as u8;
    RGBColor(mix(ink.0), mix(ink.1), mix(ink.2))
}

/// A word in the middle above or below something.
pub(crate) fn word(area: &Area, text: &str, at: (i32, i32), size: i32) -> Outcome<()> {
    use plotters::style::text_anchor::{HPos, Pos, VPos};
    let style = ("sans-serif", size).into_text_style(area).pos(Pos::new(HPos::Center, VPos::Center));
    area.draw(&Text::new(text.to_owned(), at, style))?;
    Ok(())
}

/// The largest distance from 0.
pub(crate) fn largest(numbers: &[f64]) -> f64 {
    numbers.iter().fold(0.0, |most, number| most.max(number.abs()))
}
