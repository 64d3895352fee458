//! What `chainrule diff` prints for people.

use super::descent::Descent;
use super::{ByVariable, DiffArgs, Report};
use crate::significant::significant;
use crate::table::table;

/// From which difference on, relative to the derivative, a reader is told what it can mean.
const NOTABLE: f64 = 1e-3;

pub(super) fn page(report: &Report<'_>, args: &DiffArgs) -> String {
    let f = own_name(&report.at);
    // It has parsed, so that its only control characters are ends of lines and tabs.
    let expression = report.expression.trim().replace(char::is_control, " ");
    let mut parts = vec![format!("{f} = {expression}\n{f} = {}{}\n", significant(report.value), at(&report.at))];
    if !report.gradient.0.is_empty() {
        parts.push(derivatives(f, report) + &note(f, report, args.h));
    }
    parts.push(format!("graph: values go forward (→), derivatives of {f} come back (←)\n{}", graph(report)));
    if let Some(descent) = &report.descent {
        let end = &descent.end;
        parts.push(format!("gradient descent, rate {}\n{}", significant(args.rate), path(f, descent)));
        parts.push(format!(
            "ended after {} {}{}: {f} = {}\n",
            end.step,
            if end.step == 1 { "step" } else { "steps" },
            at(&end.at),
            significant(end.value)
        ));
    }
    parts.join("\n")
}

/// `f = x * y at x = 2, y = 3`.
pub(super) fn title(report: &Report<'_>) -> String {
    let expression = report.expression.trim().replace(char::is_control, " ");
    format!("{} = {expression}{}", own_name(&report.at), at(&report.at))
}

/// The function's own name: one that no variable has.
pub(super) fn own_name(variables: &ByVariable<'_>) -> &'static str {
    let free = |name: &&str| variables.0.iter().all(|(variable, _)| variable != name);
    ["f", "g", "h"].into_iter().find(free).unwrap_or("result")
}

fn at(point: &ByVariable<'_>) -> String {
    let pairs: Vec<String> = point.0.iter().map(|(name, x)| format!("{name} = {}", significant(*x))).collect();
    if pairs.is_empty() { String::new() } else { format!(" at {}", pairs.join(", ")) }
}

fn derivatives(f: &str, report: &Report<'_>) -> String {
    let header = ["derivative", "by the chain rule", "by definition", "difference"].map(str::to_owned).to_vec();
    let both = report.gradient.0.iter().zip(&report.numerical.0);
    let rows = both.map(|((name, a), (_, n))| {
        let difference = (a - n).abs();
        let difference = if difference == 0.0 { "0".to_owned() } else { format!("{difference:.1e}") };
        vec![format!("∂{f}/∂{name}"), significant(*a), significant(*n), difference]
    });
    table(std::iter::once(header).chain(rows), |column| column > 0)
}

fn note(f: &str, report: &Report<'_>, h: f64) -> String {
    let mut both = report.gradient.0.iter().zip(&report.numerical.0);
    if !both.any(|((_, a), (_, n))| (a - n).abs() > NOTABLE * a.abs().max(1.0)) {
        return String::new();
    }
    format!(
        "They differ where {f} bends sharply within h = {h:e} of the point, as relu does at 0, or where h is too large or too small.\n"
    )
}

fn graph(report: &Report<'_>) -> String {
    let rows = report.graph.iter().map(|node| {
        let formula = Some(node.formula()).filter(|formula| !formula.is_empty());
        vec![
            node.node.clone(),
            formula.map_or(String::new(), |formula| format!("= {formula}")),
            format!("→ {}", significant(node.value)),
            node.derivative.map_or(String::new(), |derivative| format!("← {}", significant(derivative))),
        ]
    });
    table(rows, |_| false)
}

fn path(f: &str, descent: &Descent<'_>) -> String {
    let line = |step: String, numbers: Vec<String>, value: String| [vec![step], numbers, vec![value]].concat();
    let names = descent.end.at.0.iter().map(|(name, _)| (*name).to_owned()).collect();
    let header = line("step".to_owned(), names, f.to_owned());
    let rows = descent.path.iter().map(|stand| {
        let numbers = stand.at.0.iter().map(|(_, x)| significant(*x)).collect();
        line(stand.step.to_string(), numbers, significant(stand.value))
    });
    table(std::iter::once(header).chain(rows), |_| true)
}
