//! Curves in Braille: eight dots a letter, two across and four down.

use super::grid::{Grid, Style};
use crate::significant::four;

/// By more than this from the smallest to the largest, the scale is logarithmic.
const LOGARITHMIC: f64 = 20.0;

/// Where letters of eight dots begin, and the bit of each dot, by column and row.
const BRAILLE: u32 = 0x2800;
const DOTS: [[u32; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

/// Columns for the numbers at the left.
const LABEL: usize = 8;

/// Points by ascending x.
pub(super) struct Curve<'a> {
    pub(super) name: &'a str,
    pub(super) points: &'a [(f64, f64)],
    pub(super) color: u8,
}

/// A part of a frame.
#[derive(Clone, Copy)]
pub(super) struct Area {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

/// Draws curves with a title that names them, numbers at the left and epochs below.
pub(super) fn draw(grid: &mut Grid, area: Area, title: &str, curves: &[Curve<'_>]) {
    let Area { line, column, width, height } = area;
    if width < LABEL + 6 || height < 4 {
        return;
    }
    let points = || curves.iter().flat_map(|curve| curve.points).filter(|point| point.1.is_finite());
    let ends = |numbers: &mut dyn Iterator<Item = f64>| {
        numbers.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], x| [low.min(x), high.max(x)])
    };
    let [first, last] = ends(&mut points().map(|point| point.0));
    let [low, high] = ends(&mut points().map(|point| point.1));
    let logarithmic = low > 0.0 && high > LOGARITHMIC * low;
    let mut at = grid.write(line, column + LABEL + 1, title, Style { bold: true, ..Style::default() });
    for curve in curves.iter().filter(|curve| !curve.points.is_empty()) {
        at = grid.write(line, at + 2, "━ ", Style { color: Some(curve.color), bold: true });
        at = grid.write(line, at, curve.name, Style::default());
    }
    let (field, dots) = (height - 2, [2 * (width - LABEL - 1), 4 * (height - 2)]);
    let part = |x: f64, low: f64, high: f64| if high > low { (x - low) / (high - low) } else { 0.5 };
    let up = |y: f64| if logarithmic { part(y.ln(), low.ln(), high.ln()) } else { part(y, low, high) };
    let place = |&(x, y): &(f64, f64)| {
        let to = |part: f64, dots: usize| part * (dots - 1) as f64;
        [to(part(x, first, last), dots[0]), to(1.0 - up(y), dots[1])]
    };
    let soft = Style { color: Some(244), bold: false };
    for row in 0..field {
        let height = 1.0 - row as f64 / (field - 1) as f64;
        let value = if logarithmic { low * (high / low).powf(height) } else { low + height * (high - low) };
        if [0, field / 2, field - 1].contains(&row) && low.is_finite() {
            grid.write(line + 1 + row, column, &format!("{:>LABEL$}", label(value)), soft);
        }
        grid.write(line + 1 + row, column + LABEL, "│", soft);
    }
    let mut letters = vec![(0_u32, 0_u8); (width - LABEL - 1) * field];
    for curve in curves {
        let finite: Vec<[f64; 2]> = curve.points.iter().filter(|point| point.1.is_finite()).map(place).collect();
        let mut dot = |[x, y]: [f64; 2]| {
            let (x, y) = (x.round() as usize, y.round() as usize);
            let letter = &mut letters[y / 4 * (width - LABEL - 1) + x / 2];
            *letter = (letter.0 | DOTS[x % 2][y % 4], curve.color);
        };
        finite.first().copied().into_iter().for_each(&mut dot);
        for pair in finite.windows(2) {
            let [from, to] = [pair[0], pair[1]];
            let steps = (to[0] - from[0]).abs().max((to[1] - from[1]).abs()).ceil().max(1.0);
            for step in 1..=steps as usize {
                let part = step as f64 / steps;
                dot([from[0] + part * (to[0] - from[0]), from[1] + part * (to[1] - from[1])]);
            }
        }
    }
    for (at, &(bits, color)) in letters.iter().enumerate().filter(|(_, letter)| letter.0 != 0) {
        let letter = char::from_u32(BRAILLE + bits).unwrap_or(' ').to_string();
        let (row, place) = (at / (width - LABEL - 1), at % (width - LABEL - 1));
        grid.write(line + 1 + row, column + LABEL + 1 + place, &letter, Style { color: Some(color), bold: false });
    }
    if first.is_finite() {
        let (from, to) = (format!("epoch {}", label(first)), label(last));
        grid.write(line + height - 1, column + LABEL + 1, &from, soft);
        if last > first {
            grid.write(line + height - 1, (column + width).saturating_sub(to.len()), &to, soft);
        }
    }
}

/// Four digits, in seven letters at most where that is possible.
fn label(x: f64) -> String {
    let text = four(x);
    if text.len() < LABEL { text } else { format!("{x:.1e}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(points: &[(f64, f64)]) -> Vec<String> {
        let mut grid = Grid::new(30, 6);
        let area = Area { line: 0, column: 0, width: 30, height: 6 };
        draw(&mut grid, area, "loss", &[Curve { name: "training", points, color: 33 }]);
        grid.lines(false).collect()
    }

    #[test]
    fn a_line_goes_from_corner_to_corner() {
        let lines = drawn(&[(1.0, 1.0), (3.0, 0.0)]);
        assert_eq!(lines[0], "         loss  ━ training");
        assert!(lines[1].starts_with("       1│⠉⠒"), "{lines:?}");
        assert!(lines[4].starts_with("       0│") && lines[4].ends_with('⣀'), "{lines:?}");
        assert!(lines[5].starts_with("         epoch 1") && lines[5].ends_with('3'), "{lines:?}");
    }

    #[test]
    fn what_is_not_there_or_not_finite_is_no_trouble() {
        for points in [&[][..], &[(1.0, f64::NAN)], &[(1.0, f64::INFINITY), (2.0, 1.0)], &[(1.0, 2.0), (2.0, 2.0)]] {
            assert_eq!(drawn(points).len(), 6);
        }
        assert!(drawn(&[(1.0, 1e-5), (2.0, 1e5)])[1].contains("100000"));
    }
}
