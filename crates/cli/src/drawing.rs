//! A computational graph as SVG: operands on the left, what is made of them to their right, and in each box what went
//! forward (→) and what came back (←): a number as such, more of them as a map, red above 0, blue below, as strong as the
//! largest is.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use crate::significant::{four, range};

/// A box.
#[derive(Clone, Debug)]
pub(crate) struct Drawn {
    pub(crate) name: String,
    /// What it is computed by; empty for a leaf.
    pub(crate) formula: String,
    /// Axes of the numbers; none for one.
    pub(crate) shape: Vec<usize>,
    pub(crate) value: Vec<f64>,
    pub(crate) derivative: Option<Vec<f64>>,
    /// Places of its operands among the boxes, which come before it.
    pub(crate) operands: Vec<usize>,
}

/// Pixels: the size of letters, and how far one reaches in a box; one of Hangul takes two.
const TEXT: f64 = 12.0;
const TITLE: f64 = 13.0;
const LETTER: f64 = 7.3;
const LINE: f64 = 17.0;
const MARGIN: f64 = 12.0;
const BETWEEN: [f64; 2] = [64.0, 18.0];
/// Of a map, along its longer side, and the most cells there.
const MAP: f64 = 132.0;
const MOST: usize = 44;

/// The whole picture.
pub(crate) fn svg(title: &str, boxes: &[Drawn]) -> String {
    let levels = levels(boxes);
    let sizes: Vec<[f64; 2]> = boxes.iter().map(size).collect();
    let columns = levels.iter().max().map_or(0, |most| most + 1);
    let within = |column: usize| (0..boxes.len()).filter(|&at| levels[at] == column).collect::<Vec<_>>();
    let stack = |column: &[usize]| column.iter().map(|&at| sizes[at][1] + BETWEEN[1]).sum::<f64>() - BETWEEN[1];
    let tallest = (0..columns).map(|column| stack(&within(column))).fold(0.0, f64::max);

    let mut places = vec![[0.0; 2]; boxes.len()];
    let (mut x, top) = (MARGIN, MARGIN + 2.0 * LINE);
    for column in (0..columns).map(within) {
        let mut y = top + (tallest - stack(&column)) / 2.0;
        for &at in &column {
            places[at] = [x, y];
            y += sizes[at][1] + BETWEEN[1];
        }
        x += column.iter().map(|&at| sizes[at][0]).fold(0.0, f64::max) + BETWEEN[0];
    }
    let title_width = title.width() as f64 * LETTER * TITLE / TEXT + 2.0 * MARGIN;
    let (width, height) = (f64::max(x - BETWEEN[0] + MARGIN, title_width), top + tallest + MARGIN);

    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"ui-monospace, Menlo, Consolas, monospace\" font-size=\"{TEXT}\">\n\
         <title>{title}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"{MARGIN}\" y=\"{}\" font-size=\"{TITLE}\" fill=\"#111827\">{title}</text>\n",
        MARGIN + LINE,
        title = escaped(title),
    );
    for (at, drawn) in boxes.iter().enumerate() {
        for &operand in &drawn.operands {
            let from = [places[operand][0] + sizes[operand][0], places[operand][1] + sizes[operand][1] / 2.0];
            let to = [places[at][0], places[at][1] + sizes[at][1] / 2.0];
            let bend = (to[0] - from[0]) / 2.0;
            let _ = writeln!(
                out,
                "<path d=\"M{:.1} {:.1} C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}\" fill=\"none\" stroke=\"#9ca3af\" \
                 stroke-width=\"1.4\"/>",
                from[0],
                from[1],
                from[0] + bend,
                from[1],
                to[0] - bend,
                to[1],
                to[0],
                to[1]
            );
        }
    }
    for ((drawn, place), size) in boxes.iter().zip(&places).zip(&sizes) {
        draw(&mut out, drawn, *place, *size);
    }
    out + "</svg>\n"
}

/// Of each box: one more than the highest of its operands; a leaf stands just before the first that uses it.
fn levels(boxes: &[Drawn]) -> Vec<usize> {
    let mut levels = vec![0; boxes.len()];
    for (at, drawn) in boxes.iter().enumerate() {
        levels[at] = drawn.operands.iter().map(|&operand| levels[operand] + 1).max().unwrap_or(0);
    }
    for at in (0..boxes.len()).rev().filter(|&at| boxes[at].operands.is_empty()) {
        let users = (at..boxes.len()).filter(|&user| boxes[user].operands.contains(&at));
        levels[at] = users.map(|user| levels[user] - 1).min().unwrap_or(0);
    }
    levels
}

/// The lines of a box, and whether a map of the values or of the derivatives follows each.
fn lines(drawn: &Drawn) -> Vec<(String, Option<&[f64]>)> {
    let title = match &*drawn.shape {
        [] => drawn.name.clone(),
        axes => format!("{} {axes:?}", drawn.name),
    };
    let mut lines = vec![(title, None)];
    if !drawn.formula.is_empty() {
        lines.push((format!("= {}", drawn.formula), None));
    }
    let numbers = [("→", Some(&drawn.value)), ("←", drawn.derivative.as_ref())];
    for (arrow, numbers) in numbers.into_iter().filter_map(|(arrow, numbers)| Some((arrow, numbers?))) {
        lines.push(match &**numbers {
            [] => continue,
            [number] => (format!("{arrow} {}", four(*number)), None),
            numbers => (format!("{arrow} {}", range(numbers)), Some(numbers)),
        });
    }
    lines
}

/// Rows and columns of a map: of an image its channels side by side, of a long vector lines of equal length.
fn grid(shape: &[usize], numbers: usize) -> [usize; 2] {
    match *shape {
        [rows, columns] => [rows, columns],
        [channels, height, width] => [height, channels * width],
        _ if numbers <= 32 => [1, numbers],
        _ => {
            let root = numbers.isqrt();
            let columns = (root..=2 * root).find(|columns| numbers.is_multiple_of(*columns)).unwrap_or(root);
            [numbers.div_ceil(columns), columns]
        }
    }
}

/// Each cell is the number of largest size among those that share it.
fn map(shape: &[usize], numbers: &[f64]) -> Vec<Vec<f64>> {
    let [rows, columns] = match shape {
        &[channels, height, width] if channels > 1 => return images(channels, height, width, numbers),
        _ => grid(shape, numbers.len()),
    };
    shrunk(rows, columns, |row, column| numbers.get(row * columns + column).copied())
}

fn images(channels: usize, height: usize, width: usize, numbers: &[f64]) -> Vec<Vec<f64>> {
    // A gap of one between the channels, in lines as long as the picture is high.
    let across = channels.isqrt().max(1);
    let (rows, columns) = (channels.div_ceil(across) * (height + 1) - 1, across * (width + 1) - 1);
    shrunk(rows, columns, |row, column| {
        let (channel, y, x) =
            (row / (height + 1) * across + column / (width + 1), row % (height + 1), column % (width + 1));
        (y < height && x < width && channel < channels).then(|| numbers[(channel * height + y) * width + x])
    })
}

fn shrunk(rows: usize, columns: usize, at: impl Fn(usize, usize) -> Option<f64>) -> Vec<Vec<f64>> {
    let (down, across) = (rows.div_ceil(MOST).max(1), columns.div_ceil(MOST).max(1));
    let cell = |row: usize, column: usize| {
        let numbers = (row..rows.min(row + down))
            .flat_map(|row| (column..columns.min(column + across)).map(move |column| (row, column)))
            .filter_map(|(row, column)| at(row, column));
        numbers.fold(0.0, |most: f64, x| if x.abs() > most.abs() { x } else { most })
    };
    (0..rows).step_by(down).map(|row| (0..columns).step_by(across).map(|column| cell(row, column)).collect()).collect()
}

/// Pixels of a map's cell, and of the whole map.
fn map_size(map: &[Vec<f64>]) -> (f64, [f64; 2]) {
    let (rows, columns) = (map.len(), map.first().map_or(0, Vec::len));
    let cell = (MAP / rows.max(columns).max(1) as f64).min(12.0);
    (cell, [columns as f64 * cell, rows as f64 * cell])
}

fn size(drawn: &Drawn) -> [f64; 2] {
    let (mut width, mut height) = (90.0, 8.0);
    for (line, numbers) in lines(drawn) {
        width = f64::max(width, line.width() as f64 * LETTER + 16.0);
        height += LINE;
        if let Some(numbers) = numbers {
            let (_, map) = map_size(&map(&drawn.shape, numbers));
            width = f64::max(width, map[0] + 16.0);
            height += map[1] + 6.0;
        }
    }
    [width, height]
}

fn draw(out: &mut String, drawn: &Drawn, [x, y]: [f64; 2], [width, height]: [f64; 2]) {
    let (fill, stroke) = if drawn.operands.is_empty() { ("#f3f4f6", "#9ca3af") } else { ("#ffffff", "#4b5563") };
    let _ = writeln!(
        out,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"6\" fill=\"{fill}\" stroke=\"{stroke}\"/>"
    );
    let mut below = y + 4.0;
    for (number, (line, numbers)) in lines(drawn).into_iter().enumerate() {
        let (color, weight) = match line.chars().next() {
            _ if number == 0 => ("#111827", "bold"),
            Some('→') => ("#1d4ed8", "normal"),
            Some('←') => ("#b91c1c", "normal"),
            _ => ("#374151", "normal"),
        };
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{color}\" font-weight=\"{weight}\">{}</text>",
            x + 8.0,
            below + 13.0,
            escaped(&line)
        );
        below += LINE;
        if let Some(numbers) = numbers {
            let map = map(&drawn.shape, numbers);
            let (cell, [_, tall]) = map_size(&map);
            let most = map.iter().flatten().fold(0.0, |most: f64, x| most.max(x.abs()));
            for (row, cells) in map.iter().enumerate() {
                for (column, &number) in cells.iter().enumerate() {
                    let _ = writeln!(
                        out,
                        "<rect x=\"{:.2}\" y=\"{:.2}\" width=\"{cell:.2}\" height=\"{cell:.2}\" fill=\"{}\"/>",
                        x + 8.0 + column as f64 * cell,
                        below + 2.0 + row as f64 * cell,
                        shade(number, most)
                    );
                }
            }
            below += tall + 6.0;
        }
    }
}

/// Light gray at 0, to red at `most` and blue at −`most`; black is no number.
fn shade(number: f64, most: f64) -> String {
    if !number.is_finite() {
        return "#000000".to_owned();
    }
    let share = if most > 0.0 { (number / most).clamp(-1.0, 1.0) } else { 0.0 };
    let end = if share < 0.0 { [29.0, 78.0, 216.0] } else { [185.0, 28.0, 28.0] };
    let [r, g, b] = end.map(|end| (238.0 + (end - 238.0) * share.abs()).round() as u8);
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(name: &str, shape: &[usize], value: &[f64], operands: &[usize]) -> Drawn {
        let (shape, value, operands) = (shape.to_vec(), value.to_vec(), operands.to_vec());
        Drawn { name: name.to_owned(), formula: String::new(), shape, derivative: Some(value.clone()), value, operands }
    }

    #[test]
    fn leaves_stand_just_before_their_first_user() {
        let boxes = [
            drawn("x", &[], &[1.0], &[]),
            drawn("w", &[], &[1.0], &[]),
            drawn("y", &[], &[1.0], &[0]),
            drawn("z", &[], &[1.0], &[2, 1]),
        ];
        assert_eq!(levels(&boxes), [0, 1, 1, 2]);
    }

    #[test]
    fn zero_is_gray_and_the_ends_are_red_and_blue() {
        assert_eq!([0.0, 2.0, -2.0, f64::NAN].map(|x| shade(x, 2.0)), ["#eeeeee", "#b91c1c", "#1d4ed8", "#000000"]);
        assert_eq!(shade(0.0, 0.0), "#eeeeee");
    }

    #[test]
    fn a_map_has_a_cell_for_each_number_until_there_are_too_many() {
        assert_eq!(map(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
        assert_eq!(map(&[784], &[0.5; 784]), vec![vec![0.5; 28]; 28]);
        let mut many = vec![0.0; 100];
        many[1] = -7.0;
        assert_eq!(map(&[1, 100], &many)[0][..2], [-7.0, 0.0]);
        let two = map(&[2, 1, 2], &[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(two, [[1.0, 2.0], [0.0, 0.0], [3.0, 4.0]]);
    }

    #[test]
    fn names_are_text() {
        let picture = svg("a < b & c", &[drawn("v<1>", &[], &[1.5], &[])]);
        assert!(picture.contains("a &lt; b &amp; c") && picture.contains("v&lt;1&gt;"), "{picture}");
        assert!(picture.contains("→ 1.5") && picture.contains("← 1.5"), "{picture}");
    }
}
