//! Dead relus: units that are 0 for every row that is looked at, let no derivative through, and so stay as they are.
//!
//! Of a layer with its usual initial weights under a tenth are; of a wide layer on a table of few columns half may be when it
//! is trained, and the rest tells all there is. Seven in ten is a network of which little is left.

use super::advice::Again;
use super::case::Case;
use super::{Finding, Illness, percent};

const DEAD: f64 = 0.7;

pub(super) fn sign(case: &Case<'_>) -> Option<Finding> {
    let last = case.layers.last()?;
    let worst =
        last.outputs.iter().filter_map(|output| Some((output, output.dead?))).max_by(|a, b| a.1.total_cmp(&b.1));
    let (worst, dead) = worst.filter(|(_, dead)| *dead >= DEAD)?;
    let at = |layer: usize| {
        case.since(|layers| layers.outputs.iter().any(|o| o.layer == layer && o.dead.is_some_and(|dead| dead >= DEAD)))
    };
    let ill = last.outputs.iter().filter(|output| output.dead.is_some_and(|dead| dead >= DEAD));
    let since = ill.clone().filter_map(|output| at(output.layer)).min()?;
    let leaky = |_, _, word: &str| if word == "relu" { "leaky_relu".to_owned() } else { word.to_owned() };
    let again = || Again::of(case);
    // Weights that were given, or drawn in another way than usual, may be the reason.
    let unusual = ["init-from", "initial"].into_iter().find(|flag| since == 0 && again().has(flag));
    let first = match unusual {
        Some(flag) => again().without(flag),
        None => again().with("rate", &(case.record.training.rate / 10.0)),
    };
    Some(Finding {
        illness: Illness::DeadRelus,
        since: Some(since),
        says: format!(
            "{} of the units of the relu that is word {} are 0 for every row{}",
            percent(dead),
            worst.layer + 1,
            match ill.count() {
                1 => String::new(),
                more => format!(", and at least seven in ten of those of {} other relus", more - 1),
            }
        ),
        advice: vec![first.command(), again().words(leaky).command()],
    })
}
