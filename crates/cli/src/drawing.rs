//! A computational graph as SVG: operands on the left, what is made of them to their right, and in each box what went
//! forward (→) and what came back (←): a number as such, more of them as a map, red above 0, blue below, as strong as the
//! largest is.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use crate::heat_map::{cells, map, map_size, shades};
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
    /// The engine's name of its op.
    pub(crate) op: Option<&'static str>,
    /// Of a parameter that a step changed, afterwards.
    pub(crate) after: Option<Vec<f64>>,
    /// Of each of `operands`.
    pub(crate) factors: Vec<Factor>,
}

/// What the chain rule multiplies by between a box and one of its operands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Factor {
    /// Which operand of the op it is: numbers have no box, and so no place among a box's operands.
    pub(crate) place: usize,
    /// ∂value/∂operand, `[numbers of the value, numbers of the operand]`, where it is small.
    pub(crate) local: Option<Vec<f64>>,
}

/// How colors are written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ink {
    /// As they are, on white paper.
    Fixed,
    /// As variables of the page's CSS, which has a light and a dark one of each; boxes are links to what the page says of them.
    Page,
}

impl Ink {
    fn color(self, [name, fixed]: [&'static str; 2]) -> String {
        if self == Ink::Fixed { fixed.to_owned() } else { format!("var(--{name})") }
    }
}

const TITLE_INK: [&str; 2] = ["ink", "#111827"];
const FORMULA_INK: [&str; 2] = ["soft", "#374151"];
const VALUE_INK: [&str; 2] = ["forward", "#1d4ed8"];
const BACK_INK: [&str; 2] = ["back", "#b91c1c"];
const EDGE: [&str; 2] = ["edge", "#9ca3af"];
const LEAF: [[&str; 2]; 2] = [["leaf", "#f3f4f6"], ["edge", "#9ca3af"]];
const BOX: [[&str; 2]; 2] = [["box", "#ffffff"], ["border", "#4b5563"]];

/// Pixels: the size of letters, and how far one reaches in a box; one of Hangul takes two.
const TEXT: f64 = 12.0;
const TITLE: f64 = 13.0;
const LETTER: f64 = 7.3;
const LINE: f64 = 17.0;
const MARGIN: f64 = 12.0;
const BETWEEN: [f64; 2] = [64.0, 18.0];
/// The whole picture, for a file of its own.
pub(crate) fn svg(title: &str, boxes: &[Drawn]) -> String {
    picture(title, boxes, Ink::Fixed)
}

/// The same within a page: box number 3 links to `#n3`, and an edge says which boxes it is between.
pub(crate) fn figure(title: &str, boxes: &[Drawn]) -> String {
    picture(title, boxes, Ink::Page)
}

fn picture(title: &str, boxes: &[Drawn], ink: Ink) -> String {
    let levels = levels(boxes);
    let sizes: Vec<[f64; 2]> = boxes.iter().map(size).collect();
    let columns = levels.iter().max().map_or(0, |most| most + 1);
    let within = |column: usize| (0..boxes.len()).filter(|&at| levels[at] == column).collect::<Vec<_>>();
    let stack = |column: &[usize]| column.iter().map(|&at| sizes[at][1] + BETWEEN[1]).sum::<f64>() - BETWEEN[1];
    let tallest = (0..columns).map(|column| stack(&within(column))).fold(0.0, f64::max);

    let mut places = vec![[0.0; 2]; boxes.len()];
    let (mut x, top) = (MARGIN, if ink == Ink::Page { MARGIN } else { MARGIN + 2.0 * LINE });
    for column in (0..columns).map(within) {
        let mut y = top + (tallest - stack(&column)) / 2.0;
        for &at in &column {
            places[at] = [x, y];
            y += sizes[at][1] + BETWEEN[1];
        }
        x += column.iter().map(|&at| sizes[at][0]).fold(0.0, f64::max) + BETWEEN[0];
    }
    let title_width = title.width() as f64 * LETTER * TITLE / TEXT + 2.0 * MARGIN;
    let drawn_width = x - BETWEEN[0] + MARGIN;
    let width = if ink == Ink::Page { drawn_width } else { f64::max(drawn_width, title_width) };
    let height = top + tallest + MARGIN;

    let mut out = match ink {
        Ink::Page => format!(
            "<svg width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"group\" \
             aria-label=\"{}\" font-family=\"ui-monospace, Menlo, Consolas, monospace\" font-size=\"{TEXT}\">\n",
            escaped(title)
        ),
        Ink::Fixed => format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"ui-monospace, Menlo, Consolas, monospace\" font-size=\"{TEXT}\">\n\
         <title>{title}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"{MARGIN}\" y=\"{}\" font-size=\"{TITLE}\" fill=\"#111827\">{title}</text>\n",
            MARGIN + LINE,
            title = escaped(title),
        ),
    };
    for (at, drawn) in boxes.iter().enumerate() {
        for &operand in &drawn.operands {
            let from = [places[operand][0] + sizes[operand][0], places[operand][1] + sizes[operand][1] / 2.0];
            let to = [places[at][0], places[at][1] + sizes[at][1] / 2.0];
            let bend = (to[0] - from[0]) / 2.0;
            let between = if ink == Ink::Page {
                format!(" class=\"edge\" data-from=\"{operand}\" data-to=\"{at}\"")
            } else {
                String::new()
            };
            let _ = writeln!(
                out,
                "<path{between} d=\"M{:.1} {:.1} C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}\" fill=\"none\" stroke=\"{}\" \
                 stroke-width=\"1.4\"/>",
                from[0],
                from[1],
                from[0] + bend,
                from[1],
                to[0] - bend,
                to[1],
                to[0],
                to[1],
                ink.color(EDGE)
            );
        }
    }
    for (at, ((drawn, place), size)) in boxes.iter().zip(&places).zip(&sizes).enumerate() {
        if ink == Ink::Page {
            let said: Vec<String> = lines(drawn).into_iter().map(|(line, _)| escaped(&line)).collect();
            let _ =
                write!(out, "<a class=\"node\" href=\"#n{at}\" data-node=\"{at}\" aria-label=\"{}\">", said.join("; "));
        }
        draw(&mut out, drawn, *place, *size, ink);
        out += if ink == Ink::Page { "</a>\n" } else { "" };
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

fn draw(out: &mut String, drawn: &Drawn, [x, y]: [f64; 2], [width, height]: [f64; 2], ink: Ink) {
    let [fill, stroke] = if drawn.operands.is_empty() { LEAF } else { BOX }.map(|color| ink.color(color));
    let _ = writeln!(
        out,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"6\" fill=\"{fill}\" stroke=\"{stroke}\"/>"
    );
    let mut below = y + 4.0;
    for (number, (line, numbers)) in lines(drawn).into_iter().enumerate() {
        let (color, weight) = match line.chars().next() {
            _ if number == 0 => (TITLE_INK, "bold"),
            Some('→') => (VALUE_INK, "normal"),
            Some('←') => (BACK_INK, "normal"),
            _ => (FORMULA_INK, "normal"),
        };
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{}\" font-weight=\"{weight}\">{}</text>",
            x + 8.0,
            below + 13.0,
            ink.color(color),
            escaped(&line)
        );
        below += LINE;
        if let Some(numbers) = numbers {
            let map = map(&drawn.shape, numbers);
            let (cell, [_, tall]) = map_size(&map);
            match ink {
                Ink::Fixed => cells(out, &map, [x + 8.0, below + 2.0], cell),
                Ink::Page => {
                    let (left, top) = (x + 8.0, below + 2.0);
                    let _ = write!(out, "<g transform=\"translate({left:.1} {top:.1}) scale({cell:.3})\">");
                    shades(out, &map);
                    out.push_str("</g>");
                }
            }
            below += tall + 6.0;
        }
    }
}

/// Text as XML and HTML take it, within quotes too.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(name: &str, shape: &[usize], value: &[f64], operands: &[usize]) -> Drawn {
        let (shape, value, operands) = (shape.to_vec(), value.to_vec(), operands.to_vec());
        let (name, formula, derivative) = (name.to_owned(), String::new(), Some(value.clone()));
        Drawn { name, formula, shape, derivative, value, operands, op: None, after: None, factors: Vec::new() }
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
    fn names_are_text() {
        let picture = svg("a < b & c", &[drawn("v<1>", &[], &[1.5], &[])]);
        assert!(picture.contains("a &lt; b &amp; c") && picture.contains("v&lt;1&gt;"), "{picture}");
        assert!(picture.contains("→ 1.5") && picture.contains("← 1.5"), "{picture}");
    }
}
