//! A computational graph as one page: the picture of [`drawing`](crate::drawing), and for each box what is to be said of it. The text
//! is all in the page, so that it prints and reads without a script; the script only shows that of the box at hand.

mod chain;

use std::fmt::Write;

use crate::drawing::{Drawn, escaped, figure};
use crate::formulas::formula;
use crate::heat_map::heat_map;
use crate::significant::{four, significant};
use chain::Step;

/// So many numbers are written out; of more their statistics and a map.
const FEW: usize = 16;
/// So many can be unfolded.
const UNFOLDED: usize = 1024;
/// Ways from the loss that are shown.
const WAYS: usize = 4;
/// Of a longer way the part next to the box is shown.
const STEPS: usize = 24;

/// The page; derivatives are those of `loss`, such as `L` or `f`, which is called `called` in words.
pub(crate) fn page(title: &str, loss: &str, called: &str, boxes: &[Drawn]) -> String {
    let uses = chain::uses(boxes);
    let ways = chain::ways(&uses);
    let details: String = (0..boxes.len()).map(|at| detail(at, loss, boxes, &uses, ways[at])).collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n<style>\n{css}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n\
         <p><span class=\"forward\">→ values</span> go forward, <span class=\"back\">← derivatives of {called}</span> come back. In a map \
         red is above 0, blue below, the strongest the largest there. <span class=\"how\">Point at a box, click it to hold it, or go through them with Tab and the arrow keys.</span></p>\n</header>\n<main>\n<div class=\"graph\">\n{figure}</div>\n\
         <div class=\"details\">\n{details}</div>\n</main>\n<script>\n{script}</script>\n</body>\n</html>\n",
        title = escaped(title),
        called = escaped(called),
        css = include_str!("graph_page/page.css"),
        script = include_str!("graph_page/page.js"),
        figure = figure(title, boxes),
    )
}

/// All that is said of a box.
fn detail(at: usize, loss: &str, boxes: &[Drawn], uses: &[Vec<Step>], ways: u64) -> String {
    let drawn = &boxes[at];
    let (name, loss) = (escaped(&drawn.name), escaped(loss));
    let mut out = format!("<section class=\"detail\" id=\"n{at}\">\n<h2>{name} <small>{}</small></h2>\n", shape(drawn));
    if !drawn.formula.is_empty() {
        let letters = drawn
            .op
            .and_then(formula)
            .map_or(String::new(), |formula| format!("<br><span class=\"letters\">{}</span>", escaped(formula.result)));
        let _ = writeln!(out, "<p class=\"formula\">{name} = {}{letters}</p>", escaped(&drawn.formula));
    }
    let _ = writeln!(out, "<h3 class=\"forward\">→ value</h3>\n{}", numbers(&drawn.shape, &drawn.value));
    let Some(derivative) = &drawn.derivative else {
        let _ = writeln!(out, "<p>{loss} is not differentiated by it.</p>\n</section>");
        return out;
    };
    let _ = writeln!(out, "<h3 class=\"back\">← ∂{loss}/∂{name}</h3>\n{}", numbers(&drawn.shape, derivative));
    if let Some(after) = &drawn.after {
        let change: Vec<f64> = after.iter().zip(&drawn.value).map(|(after, before)| after - before).collect();
        let after = numbers(&drawn.shape, after);
        let _ =
            writeln!(out, "<h3>After the step</h3>\n{after}\n<h3>The change</h3>\n{}", numbers(&drawn.shape, &change));
    }
    if uses[at].is_empty() {
        let _ = writeln!(out, "<p>It is what is differentiated: the chain begins with 1.</p>\n</section>");
        return out;
    }
    let _ = writeln!(out, "<h3>Where that comes from</h3>");
    for &step in &uses[at] {
        out += &origin(step, &loss, boxes);
    }
    if uses[at].len() > 1 {
        let _ =
            writeln!(out, "<p>It is used {} times: the derivative is the sum of what comes back.</p>", uses[at].len());
    }
    out += &chains(at, &loss, boxes, uses, ways);
    out + "</section>\n"
}

/// What one use of a box sends back to it.
fn origin(step: Step, loss: &str, boxes: &[Drawn]) -> String {
    let (user, factor) = (&boxes[step.user], &boxes[step.user].factors[step.operand]);
    let of = user.op.and_then(formula);
    let mut out = format!("<div class=\"origin\">\n<p>from {}", link(step.user, boxes));
    if let Some(formula) = of {
        let (result, back) = (escaped(formula.result), escaped(formula.back(factor.place)));
        let _ = write!(out, ", {result}:<br><strong class=\"letters\">{back}</strong>");
    }
    out += "</p>\n<table>\n";
    let letter = |place| of.map_or("", |formula| formula.operand(place));
    let mut row = |head: String, body: String| {
        let _ = writeln!(out, "<tr><th>{head}</th><td>{body}</td></tr>");
    };
    // In the letters of the op, a loss's own dL is the derivative by its result as well.
    if let Some(dy) = &user.derivative {
        let result = of.and_then(|formula| formula.result.chars().next()).unwrap_or('y');
        row(format!("d{result} = ∂{loss}/∂{}", escaped(&user.name)), brief(dy));
    }
    for (&operand, factor) in user.operands.iter().zip(&user.factors) {
        let letter = letter(factor.place);
        let equals =
            if letter.is_empty() || letter == boxes[operand].name { String::new() } else { format!("{letter} = ") };
        row(format!("{equals}{}", link(operand, boxes)), brief(&boxes[operand].value));
    }
    row(format!("{} = {}", letter_of_result(of.map(|f| f.result)), escaped(&user.name)), brief(&user.value));
    let head = format!("∂{}/∂{}", escaped(&user.name), escaped(&boxes[step.to(boxes)].name));
    row(head, local(factor.local.as_deref(), user.value.len()));
    out + "</table>\n</div>\n"
}

fn letter_of_result(result: Option<&str>) -> char {
    result.and_then(|result| result.chars().next()).unwrap_or('y')
}

/// The ways from the loss to a box, factor by factor.
fn chains(at: usize, loss: &str, boxes: &[Drawn], uses: &[Vec<Step>], ways: u64) -> String {
    let shown = chain::first(at, uses, WAYS);
    let mut out = format!("<h3>The chain of factors from {loss}</h3>\n");
    let mut sum = Some(vec![0.0; boxes[at].value.len()]);
    for (number, way) in shown.iter().enumerate() {
        if ways > 1 {
            let _ = writeln!(out, "<p class=\"way\">Way {} of {ways}:</p>", number + 1);
        }
        out += "<ol class=\"chain\">\n";
        let skipped = way.len().saturating_sub(STEPS);
        if skipped > 0 {
            let _ = writeln!(out, "<li>{skipped} factors, down to {}</li>", link(way[skipped].user, boxes));
        } else if let Some(first) = way.first() {
            let top = &boxes[first.user];
            let begin = top.derivative.as_deref().map_or(String::new(), brief);
            let _ = writeln!(out, "<li>∂{loss}/∂{} = {begin}</li>", link(first.user, boxes));
        }
        for step in &way[skipped..] {
            let user = &boxes[step.user];
            let factor = local(user.factors[step.operand].local.as_deref(), user.value.len());
            let (y, x) = (escaped(&user.name), link(step.to(boxes), boxes));
            let _ = writeln!(out, "<li>· ∂{y}/∂{x} = {factor}</li>");
        }
        out += "</ol>\n";
        let product = chain::product(boxes, way);
        match &product {
            Some(product) => {
                let _ = writeln!(out, "<p class=\"product\">{} = {}</p>", factors(boxes, way), brief(product));
            }
            None => out += "<p>A factor is too large to write out; its formula is with the node.</p>\n",
        }
        sum = sum.zip(product).map(|(sum, product)| sum.iter().zip(&product).map(|(a, b)| a + b).collect());
    }
    if ways > shown.len() as u64 {
        let _ = writeln!(out, "<p>{} more ways are not shown.</p>", ways - shown.len() as u64);
    } else if let Some(sum) = sum.filter(|_| ways > 1) {
        let _ = writeln!(out, "<p class=\"product\">Together: {}</p>", brief(&sum));
    }
    out
}

/// `1 · 1.1 · 2` where every factor is one number, else what is multiplied.
fn factors(boxes: &[Drawn], way: &[Step]) -> String {
    let first = way.first().and_then(|step| boxes[step.user].derivative.as_deref());
    let rest = way.iter().map(|step| boxes[step.user].factors[step.operand].local.as_deref());
    let one = |numbers: Option<&[f64]>| match numbers {
        Some(&[number]) => Some(if number < 0.0 { format!("({})", four(number)) } else { four(number) }),
        _ => None,
    };
    let all: Option<Vec<String>> = std::iter::once(first).chain(rest).map(one).collect();
    all.map_or("Their product".to_owned(), |all| all.join(" · "))
}

/// ∂y/∂x as words and numbers.
fn local(factor: Option<&[f64]>, rows: usize) -> String {
    let Some(factor) = factor else { return "too large to write out, or none".to_owned() };
    let columns = factor.len().checked_div(rows).unwrap_or(0);
    let off = |(at, x): (usize, &f64)| at / columns != at % columns && *x != 0.0;
    if rows == columns && rows > 1 && !factor.iter().enumerate().any(off) {
        let diagonal: Vec<f64> = (0..rows).map(|at| factor[at * columns + at]).collect();
        return format!("each number by itself: {}", brief(&diagonal));
    }
    match (rows, columns) {
        (1, _) | (_, 1) => brief(factor),
        _ => {
            let map = heat_map(&[rows, columns], factor);
            format!("a matrix [{rows}, {columns}], {}{map}", range_of(factor))
        }
    }
}

/// A few numbers, or what they are about.
fn brief(numbers: &[f64]) -> String {
    match numbers {
        [number] => significant(*number),
        _ if numbers.len() <= FEW => numbers.iter().map(|&x| four(x)).collect::<Vec<_>>().join(" "),
        _ => format!("{} numbers, {}", numbers.len(), range_of(numbers)),
    }
}

fn range_of(numbers: &[f64]) -> String {
    let zeros = numbers.iter().filter(|&&x| x == 0.0).count();
    let zeros = if zeros == 0 { String::new() } else { format!(", {zeros} are 0") };
    crate::significant::range(numbers) + &zeros
}

/// All numbers where they are few; else statistics, a map, and the numbers to unfold.
fn numbers(shape: &[usize], numbers: &[f64]) -> String {
    if numbers.len() <= FEW {
        return format!("<p class=\"numbers\">{}</p>", brief(numbers));
    }
    let count = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / count;
    let deviation = (numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count).sqrt();
    let mut out = format!(
        "<p class=\"numbers\">{}<br>mean {}, deviation {}</p>\n{}\n",
        brief(numbers),
        four(mean),
        four(deviation),
        heat_map(shape, numbers)
    );
    if numbers.len() <= UNFOLDED {
        let across = shape.last().copied().filter(|&across| shape.len() > 1 && across > 0).unwrap_or(8);
        let line = |line: &[f64]| line.iter().map(|&x| format!("{:>10}", four(x))).collect::<String>();
        let lines: Vec<String> = numbers.chunks(across).map(line).collect();
        let _ =
            writeln!(out, "<details><summary>all {}</summary><pre>{}</pre></details>", numbers.len(), lines.join("\n"));
    }
    out
}

fn shape(drawn: &Drawn) -> String {
    if drawn.shape.is_empty() { String::new() } else { format!("{:?}", drawn.shape) }
}

fn link(at: usize, boxes: &[Drawn]) -> String {
    format!("<a href=\"#n{at}\">{}</a>", escaped(&boxes[at].name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drawing::Factor;

    #[test]
    fn a_diagonal_is_told_from_a_matrix() {
        assert_eq!(local(Some(&[2.0, 0.0, 0.0, 3.0]), 2), "each number by itself: 2 3");
        assert!(local(Some(&[2.0, 1.0, 0.0, 3.0]), 2).starts_with("a matrix [2, 2], 0 to 3, 1 are 0<svg"));
        assert_eq!(local(Some(&[2.0, 1.0]), 1), "2 1");
        assert_eq!(local(None, 3), "too large to write out, or none");
    }

    #[test]
    fn the_apples_chain_is_written_as_numbers() {
        let drawn = |name: &str, value: f64, derivative: f64, operands: &[usize], local: &[f64]| Drawn {
            name: name.to_owned(),
            formula: if operands.is_empty() { String::new() } else { "a * b".to_owned() },
            shape: Vec::new(),
            value: vec![value],
            derivative: Some(vec![derivative]),
            operands: operands.to_vec(),
            op: (!operands.is_empty()).then_some("mul"),
            after: None,
            factors: local.iter().enumerate().map(|(place, &x)| Factor { place, local: Some(vec![x]) }).collect(),
        };
        let boxes = [
            drawn("apple", 100.0, 2.2, &[], &[]),
            drawn("count", 2.0, 110.0, &[], &[]),
            drawn("tax<", 1.1, 200.0, &[], &[]),
            drawn("v1", 200.0, 1.1, &[0, 1], &[2.0, 100.0]),
            drawn("v2", 220.0, 1.0, &[3, 2], &[1.1, 200.0]),
        ];
        let page = page("f", "f", "f", &boxes);
        assert!(page.contains("1 · 1.1 · 2 = 2.2</p>"), "{page}");
        assert!(page.contains("<strong class=\"letters\">da = dy·b</strong>"), "{page}");
        assert!(page.contains("tax&lt;") && !page.contains("tax<"), "{page}");
        assert_eq!(page.matches("class=\"node\"").count(), 5);
        assert_eq!(page.matches("class=\"edge\"").count(), 4);
        assert!(!page.contains("http"), "nothing is fetched");
    }
}
