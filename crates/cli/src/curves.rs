//! Curves over epochs laid over each other on one scale, in letters for a terminal and as SVG.
//!
//! The scale is logarithmic where all numbers are above 0 and the largest is over twenty times the smallest, as losses often
//! are. What is not finite is left out.

use std::fmt::Write;

use crate::drawing::escaped;
use crate::significant::{four, significant};

/// The terminal's plot, without its labels; odd, so that there is a middle.
const WIDTH: usize = 65;
const HEIGHT: usize = 17;

/// The picture, in pixels: of one field, and around it.
const FIELD: [f64; 2] = [640.0, 360.0];
const LEFT: f64 = 80.0;
const TOP: f64 = 44.0;
const BELOW: f64 = 52.0;
const LINE: f64 = 20.0;

/// Told apart without red and green: Okabe and Ito's, the yellow left out, as it is pale on white.
const COLORS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];
/// When the colors begin again.
const DASHES: [&str; 4] = ["", "8 3", "2 3", "8 3 2 3"];

/// By more than this from the smallest to the largest, the scale is logarithmic.
const LOGARITHMIC: f64 = 20.0;

/// A curve.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    /// What it is called in the plot.
    pub(crate) letter: char,
    /// What it is called in full.
    pub(crate) name: String,
    /// Epochs, ascending, and numbers.
    pub(crate) points: Vec<(f64, f64)>,
}

impl Curve {
    fn finite(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.points.iter().copied().filter(|point| point.1.is_finite())
    }
}

/// What all curves fit on.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Scale {
    epochs: [f64; 2],
    low: f64,
    high: f64,
    logarithmic: bool,
}

impl Scale {
    /// `None` if there is no point.
    fn of(curves: &[Curve]) -> Option<Scale> {
        let points: Vec<(f64, f64)> = curves.iter().flat_map(Curve::finite).collect();
        let ends = |numbers: &mut dyn Iterator<Item = f64>| {
            numbers.fold([f64::INFINITY, f64::NEG_INFINITY], |[a, b], x| [a.min(x), b.max(x)])
        };
        let epochs = ends(&mut points.iter().map(|point| point.0));
        let [low, high] = ends(&mut points.iter().map(|point| point.1));
        let logarithmic = low > 0.0 && high > LOGARITHMIC * low;
        (!points.is_empty()).then_some(Scale { epochs, low, high, logarithmic })
    }

    /// From 0 at the lowest to 1 at the highest; the middle if there is one number alone.
    fn height(&self, y: f64) -> f64 {
        let Scale { low, high, logarithmic, .. } = *self;
        let part = if logarithmic { (y / low).ln() / (high / low).ln() } else { (y - low) / (high - low) };
        if part.is_finite() { part } else { 0.5 }
    }

    /// What lies at this height.
    fn at(&self, height: f64) -> f64 {
        let Scale { low, high, logarithmic, .. } = *self;
        if logarithmic { low * (high / low).powf(height) } else { low + height * (high - low) }
    }

    /// From 0 at the first epoch to 1 at the last.
    fn along(&self, epoch: f64) -> f64 {
        let part = (epoch - self.epochs[0]) / (self.epochs[1] - self.epochs[0]);
        if part.is_finite() { part } else { 0.5 }
    }

    fn note(&self) -> &'static str {
        if self.logarithmic { " (logarithmic)" } else { "" }
    }
}

/// The curves in letters, `*` where several meet; empty if there is no point.
pub(crate) fn plot(title: &str, curves: &[Curve]) -> String {
    let Some(scale) = Scale::of(curves) else { return String::new() };
    let mut field = vec![[' '; WIDTH]; HEIGHT];
    for curve in curves {
        let places = places(curve, &scale);
        for (column, row) in places.into_iter().enumerate().filter_map(|(column, row)| Some((column, row?))) {
            let place = &mut field[row][column];
            *place = if *place == ' ' { curve.letter } else { '*' };
        }
    }
    let labels = [0, HEIGHT / 2, HEIGHT - 1].map(|row| {
        let height = 1.0 - row as f64 / (HEIGHT - 1) as f64;
        (row, four(scale.at(height)))
    });
    let wide = labels.iter().map(|(_, label)| label.len()).max().unwrap_or_default();
    let mut out = format!("{title}{}\n", scale.note());
    for (at, row) in field.iter().enumerate() {
        let label = labels.iter().find(|(row, _)| *row == at).map_or("", |(_, label)| label);
        let line = format!("{label:>wide$} |{}", row.iter().collect::<String>());
        let _ = writeln!(out, "{}", line.trim_end());
    }
    let [first, last] = scale.epochs.map(significant);
    let _ = writeln!(out, "{:wide$} +{}", "", "-".repeat(WIDTH));
    let gap = WIDTH.saturating_sub(first.len() + last.len());
    let _ = writeln!(out, "{:wide$}  {first}{:gap$}{last}  epoch", "", "");
    out
}

/// The row of a curve in each column: of the last point there, or on the line between its neighbours.
fn places(curve: &Curve, scale: &Scale) -> [Option<usize>; WIDTH] {
    let points: Vec<(f64, f64)> = curve.finite().collect();
    let column = |epoch: f64| (scale.along(epoch) * (WIDTH - 1) as f64).round();
    let row = |height: f64| ((1.0 - height) * (HEIGHT - 1) as f64).round() as usize;
    let mut places = [None; WIDTH];
    for pair in points.windows(2) {
        let [from, to] = [column(pair[0].0), column(pair[1].0)];
        for (at, place) in places.iter_mut().enumerate().skip(from as usize).take((to - from) as usize) {
            let part = (at as f64 - from) / (to - from);
            let [a, b] = [pair[0].1, pair[1].1].map(|y| scale.height(y));
            *place = Some(row(a + part * (b - a)));
        }
    }
    if let Some(&(epoch, y)) = points.last() {
        places[column(epoch) as usize] = Some(row(scale.height(y)));
    }
    places
}

/// Fields of curves below each other, and what their colors mean; a field without a point is left out.
pub(crate) fn svg(title: &str, fields: &[(&str, Vec<Curve>)]) -> String {
    let fields: Vec<(&str, &[Curve], Scale)> =
        fields.iter().filter_map(|(name, curves)| Some((*name, &**curves, Scale::of(curves)?))).collect();
    let all: &[Curve] = fields.iter().map(|field| field.1).max_by_key(|curves| curves.len()).unwrap_or_default();
    let each = FIELD[1] + BELOW + LINE;
    let legend = TOP + each * fields.len() as f64;
    let (width, height) = (LEFT + FIELD[0] + 24.0, legend + LINE * all.len() as f64 + 12.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\" fill=\"#374151\">\n<title>{title}</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"16\" y=\"26\" font-size=\"16\" font-weight=\"bold\" fill=\"#111827\">{title}</text>\n",
        title = escaped(title)
    );
    for (at, (name, curves, scale)) in fields.iter().enumerate() {
        field(&mut out, TOP + LINE + each * at as f64, name, curves, scale);
    }
    for (at, curve) in all.iter().enumerate() {
        let y = legend + LINE * at as f64;
        let _ = writeln!(
            out,
            "<path d=\"M16 {:.0}h40\" {}/><text x=\"66\" y=\"{:.0}\">{}  {}</text>",
            y - 4.0,
            stroke(curve),
            y,
            curve.letter,
            escaped(&curve.name)
        );
    }
    out + "</svg>\n"
}

fn stroke(curve: &Curve) -> String {
    let at = (curve.letter as usize).saturating_sub('A' as usize);
    let dash = DASHES[at / COLORS.len() % DASHES.len()];
    format!(
        "fill=\"none\" stroke=\"{}\" stroke-width=\"2\" stroke-linejoin=\"round\" stroke-dasharray=\"{dash}\"",
        COLORS[at % COLORS.len()]
    )
}

fn field(out: &mut String, top: f64, name: &str, curves: &[Curve], scale: &Scale) {
    let x = |epoch: f64| LEFT + scale.along(epoch) * FIELD[0];
    let y = |height: f64| top + (1.0 - height) * FIELD[1];
    let _ = writeln!(
        out,
        "<text x=\"{LEFT}\" y=\"{:.0}\" font-weight=\"bold\">{}{}</text>",
        top - 8.0,
        escaped(name),
        scale.note()
    );
    for tick in 0..=4 {
        let height = f64::from(tick) / 4.0;
        let _ = writeln!(
            out,
            "<path d=\"M{LEFT} {0:.1}h{1}\" stroke=\"#e5e7eb\"/><text x=\"{2:.0}\" y=\"{3:.1}\" text-anchor=\"end\">{4}</text>",
            y(height),
            FIELD[0],
            LEFT - 8.0,
            y(height) + 4.0,
            four(scale.at(height))
        );
    }
    let [first, last] = scale.epochs;
    // Whole epochs, each once.
    let mut ticks: Vec<f64> = (0..=4).map(|tick| (first + f64::from(tick) / 4.0 * (last - first)).round()).collect();
    ticks.dedup();
    for epoch in ticks {
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{epoch}</text>",
            x(epoch),
            top + FIELD[1] + 18.0
        );
    }
    let middle = LEFT + FIELD[0] / 2.0;
    let _ =
        writeln!(out, "<text x=\"{middle}\" y=\"{:.0}\" text-anchor=\"middle\">epoch</text>", top + FIELD[1] + 36.0);
    for curve in curves {
        let points: Vec<String> =
            curve.finite().map(|(epoch, value)| format!("{:.1} {:.1}", x(epoch), y(scale.height(value)))).collect();
        if let [alone] = &points[..] {
            let place = alone.replace(' ', "\" cy=\"");
            let color = COLORS[(curve.letter as usize).saturating_sub('A' as usize) % COLORS.len()];
            let _ = writeln!(out, "<circle class=\"curve\" cx=\"{place}\" r=\"3\" fill=\"{color}\"/>");
        } else if !points.is_empty() {
            let _ = writeln!(out, "<path class=\"curve\" d=\"M{}\" {}/>", points.join("L"), stroke(curve));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(letter: char, numbers: &[f64]) -> Curve {
        let points = (1..).map(f64::from).zip(numbers.iter().copied()).collect();
        Curve { letter, name: format!("runs/{letter}"), points }
    }

    #[test]
    fn letters_stand_where_the_numbers_are() {
        let page = plot("loss", &[curve('A', &[3.0, 2.0, 1.0]), curve('B', &[3.0, 3.0, 3.0])]);
        let lines: Vec<&str> = page.lines().collect();
        assert_eq!(lines.len(), 1 + HEIGHT + 2);
        assert_eq!(lines[0], "loss");
        assert!(lines[1].starts_with("3 |*") && lines[1].ends_with('B') && lines[1].len() == 3 + WIDTH, "{page}");
        assert!(lines[HEIGHT].starts_with("1 |") && lines[HEIGHT].ends_with('A'), "{page}");
        assert!(lines[HEIGHT].len() == 3 + WIDTH, "{page}");
        // The middle one of three epochs, at half the height.
        assert_eq!(lines[1 + HEIGHT / 2].chars().nth(3 + WIDTH / 2), Some('A'), "{page}");
        assert!(lines[HEIGHT + 2].starts_with("   1 ") && lines[HEIGHT + 2].ends_with(" 3  epoch"), "{page}");
    }

    #[test]
    fn a_loss_that_falls_far_is_shown_by_its_logarithm() {
        let page = plot("loss", &[curve('A', &[100.0, 1.0, 0.01])]);
        assert!(page.starts_with("loss (logarithmic)\n"));
        let lines: Vec<&str> = page.lines().collect();
        assert_eq!(lines[1 + HEIGHT / 2].chars().nth("0.01 |".len() + WIDTH / 2), Some('A'), "{page}");
    }

    #[test]
    fn one_epoch_equal_numbers_and_none_are_no_trouble() {
        assert!(plot("loss", &[curve('A', &[0.5])]).contains('A'));
        assert!(plot("loss", &[curve('A', &[0.0, 0.0])]).contains('A'));
        assert!(plot("loss", &[curve('A', &[f64::NAN, 1.0])]).contains('A'));
        assert_eq!(plot("loss", &[curve('A', &[f64::INFINITY])]), "");
        assert!(svg("<t>", &[("loss", vec![curve('A', &[0.5])])]).contains("<circle"));
        assert!(!svg("<t>", &[("loss", vec![curve('A', &[])])]).contains("NaN"));
    }

    #[test]
    fn a_picture_has_each_curve_where_it_is() {
        let picture = svg("a & b", &[("loss", vec![curve('A', &[1.0, 0.0]), curve('H', &[0.0, 1.0])])]);
        assert!(picture.contains("<title>a &amp; b</title>"));
        let [left, right, top, bottom] = [LEFT, LEFT + FIELD[0], TOP + LINE, TOP + LINE + FIELD[1]];
        assert!(picture.contains(&format!("M{left:.1} {top:.1}L{right:.1} {bottom:.1}")), "{picture}");
        assert!(picture.contains(&format!("M{left:.1} {bottom:.1}L{right:.1} {top:.1}")), "{picture}");
        assert!(picture.contains("stroke-dasharray=\"8 3\""), "the eighth is dashed");
    }
}
