//! Signs in the data that a score will say more than the network has learned.
//!
//! - A row of the test set that stands in the training set too is remembered, not understood.
//! - A column that alone tells the target is often its copy, or was written down after it.
//! - An identifier tells the rows apart and nothing about them.

use std::collections::HashSet;
use std::fmt;

use serde::Serialize;

use crate::columns::{EMPTY, Values};
use crate::dataset::{Cells, Dataset, Target};
use crate::keys::Keys;
use crate::row_hash::Hashes;

/// What to look at before a score is believed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "warning", rename_all = "snake_case")]
pub enum Warning {
    /// Test rows whose cells and target all equal those of a training row.
    DuplicateRows {
        /// How many.
        rows: usize,
        /// Of so many test rows.
        of: usize,
    },
    /// Groups of which some rows train and others judge.
    GroupOnBothSides {
        /// How many.
        groups: usize,
        /// Of so many groups among the test rows.
        of: usize,
        /// How many test rows are of them.
        rows: usize,
    },
    /// Rows of another run's held-out ones that are not there.
    Lost {
        /// How many.
        rows: usize,
    },
    /// A column from which the target can be told almost without the others.
    TellTale {
        /// Its name.
        column: String,
        /// The accuracy, or R², of the best guess by this column alone.
        score: f64,
        /// What a guess without any column has: the most frequent class's share, or 0.
        without: f64,
        /// Whether the scores are accuracies.
        classes: bool,
    },
    /// A column of whole numbers that counts the rows.
    Identifier {
        /// Its name.
        column: String,
        /// How many rows, each with a number of its own.
        rows: usize,
    },
    /// A column that is passed over.
    Ignored {
        /// Its name.
        column: String,
        /// Why.
        reason: String,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::DuplicateRows { rows, of } => write!(
                f,
                "{rows} of the {of} test rows stand in the training set too: the score on them is of memory, not of learning"
            ),
            Warning::GroupOnBothSides { groups, of, rows } => write!(
                f,
                "{groups} of the {of} groups of the test rows have rows in the training set too, and {rows} test rows are of \
                 them: the score on them is not of groups that are new to the network"
            ),
            Warning::Lost { rows } => {
                write!(f, "{rows} rows that the other run held out are not in these data: scores are of the others")
            }
            Warning::TellTale { column, score, without, classes: true } => write!(
                f,
                "column '{column}' alone tells the class of {:.1}% of the rows, and without it {:.1}% could be guessed: if \
                 it is only known with the target, leave it out with --ignore",
                100.0 * score,
                100.0 * without
            ),
            Warning::TellTale { column, score, .. } => write!(
                f,
                "column '{column}' alone explains {:.1}% of the target's variance: if it is only known with the target, \
                 leave it out with --ignore",
                100.0 * score
            ),
            Warning::Identifier { column, rows } => write!(
                f,
                "column '{column}' has another whole number in each of {rows} rows, like an identifier: leave it out with \
                 --ignore if it is one"
            ),
            Warning::Ignored { column, reason } => write!(f, "column '{column}' is passed over: {reason}"),
        }
    }
}

/// How many of the second rows equal one of the first in all cells and the target, by the [hashes](crate::row_hash) of all rows.
pub(crate) fn duplicates(first: (&[u64], &[u32]), second: (&[u64], &[u32])) -> usize {
    let known: Hashes = first.1.iter().map(|&row| first.0[row as usize]).collect();
    second.1.iter().filter(|&&row| known.contains(&second.0[row as usize])).count()
}

/// What the keys say, of the training rows and of those to judge by.
pub(crate) fn of_keys(train: (&Keys, &[u32]), test: (&Keys, &[u32])) -> Vec<Warning> {
    let mut found = Vec::new();
    if train.0.lost > 0 {
        found.push(Warning::Lost { rows: train.0.lost });
    }
    if let (Some(first), Some(second)) = (&train.0.groups, &test.0.groups) {
        let known: HashSet<u64> = train.1.iter().map(|&row| first[row as usize]).collect();
        let others: HashSet<u64> = test.1.iter().map(|&row| second[row as usize]).collect();
        let groups = others.intersection(&known).count();
        let rows = test.1.iter().filter(|&&row| known.contains(&second[row as usize])).count();
        if groups > 0 {
            found.push(Warning::GroupOnBothSides { groups, of: others.len(), rows });
        }
    }
    found
}

/// What the training `rows` of a table show.
///
/// ```
/// use chainrule::{Source, leaks::warnings};
/// # let temporary = tempfile::tempdir()?;
/// # let path = temporary.path().join("t.csv");
/// // The column 'copy' is what is to be learned.
/// let rows: String = (0..400).map(|i| format!("{},{},{}\n", i % 7, i % 2, i % 2)).collect();
/// std::fs::write(&path, format!("x,copy,y\n{rows}"))?;
/// let data = Source { path: Some(path), target: Some("y".into()), ..Source::default() }.open(None)?.train;
/// let found = warnings(&data, &(0..400).collect::<Vec<u32>>());
/// assert!(found.iter().any(|warning| warning.to_string().contains("copy")), "{found:?}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn warnings(data: &Dataset, rows: &[u32]) -> Vec<Warning> {
    let Cells::Table(columns) = &data.cells else { return Vec::new() };
    // Even a large table shows it in a part of its rows.
    let sample: Vec<u32> = rows.iter().copied().step_by(rows.len().div_ceil(SAMPLE).max(1)).collect();
    let mut found = Vec::new();
    for (name, values) in data.columns.iter().zip(columns) {
        let column = name.clone();
        match values {
            // What was asked for is no surprise.
            Values::Ignored { reason, .. } if reason.is_asked() => {}
            Values::Ignored { reason, .. } => found.push(Warning::Ignored { column, reason: reason.to_string() }),
            Values::Numbers(cells) if is_identifier(cells) => {
                found.push(Warning::Identifier { column, rows: cells.len() });
            }
            _ => {}
        }
        found.extend(tell_tale(name, values, &data.target, &sample));
    }
    found
}

/// Rows that are asked whether one column tells their target.
pub(crate) const SAMPLE: usize = 20_000;
/// Fewer rows than this say nothing about a column.
pub(crate) const LEAST: usize = 50;
/// Intervals that numbers are told apart by, and rows in one at least.
const INTERVALS: usize = 64;
const IN_AN_INTERVAL: usize = 10;
/// A column is a tell-tale if it leaves at most this share of the error without it.
const LEFT: f64 = 0.02;

/// Whether no number comes twice, and they are whole and either in order or hardly more than the rows.
fn is_identifier(cells: &[f64]) -> bool {
    let whole = |cell: &f64| cell.fract() == 0.0;
    if cells.len() < LEAST || !cells.iter().take(LEAST).all(whole) || !cells.iter().all(whole) {
        return false;
    }
    let mut sorted = cells.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let reach = sorted[sorted.len() - 1] - sorted[0];
    let (ordered, dense) = (cells.is_sorted(), reach < 2.0 * cells.len() as f64);
    (ordered || dense) && sorted.windows(2).all(|pair| pair[0] < pair[1])
}

/// The warning if the column alone tells the target.
pub(crate) fn tell_tale(name: &str, values: &Values, target: &Target, rows: &[u32]) -> Option<Warning> {
    if rows.len() < LEAST {
        return None;
    }
    let groups = groups(values, rows)?;
    let (score, without, classes) = match target {
        Target::Classes { labels, names } => {
            let most = |rows: &[u32]| {
                let mut counts = vec![0usize; names.len()];
                rows.iter().for_each(|&row| counts[labels[row as usize] as usize] += 1);
                counts.into_iter().max().unwrap_or(0)
            };
            // One row of each group pays for the group's guess: alone a row tells nothing.
            let right: usize = groups.iter().map(|rows| most(rows) - 1).sum();
            (right as f64 / rows.len() as f64, most(rows) as f64 / rows.len() as f64, true)
        }
        Target::Numbers { values: targets, .. } => {
            let t = |row: u32| f64::from(targets[row as usize]);
            let targets: Vec<Vec<f64>> = groups.iter().map(|rows| rows.iter().map(|&row| t(row)).collect()).collect();
            let by_group = explained(&targets);
            let by_line = match values {
                Values::Numbers(cells) | Values::Dates(cells) => {
                    correlation(rows, |row| cells[row as usize], t).powi(2)
                }
                _ => 0.0,
            };
            (by_group.max(by_line), 0.0, false)
        }
        Target::None => return None,
    };
    let tells = without < 1.0 && 1.0 - score <= LEFT * (1.0 - without);
    tells.then(|| Warning::TellTale { column: name.to_owned(), score, without, classes })
}

/// The rows by category, or by intervals of numbers that have about as many rows each; equal numbers stay together.
fn groups(values: &Values, rows: &[u32]) -> Option<Vec<Vec<u32>>> {
    match values {
        Values::Categories { codes, names } => {
            let mut groups = vec![Vec::new(); names.len() + 1];
            for &row in rows {
                let code = codes[row as usize];
                groups[if code == EMPTY { names.len() } else { code as usize }].push(row);
            }
            groups.retain(|group| !group.is_empty());
            Some(groups)
        }
        Values::Numbers(cells) | Values::Dates(cells) => {
            let mut sorted = rows.to_vec();
            sorted.sort_by(|&a, &b| cells[a as usize].total_cmp(&cells[b as usize]));
            let full = rows.len().div_ceil(INTERVALS).max(IN_AN_INTERVAL);
            let mut groups: Vec<Vec<u32>> = Vec::new();
            for row in sorted {
                let same = |other: u32| cells[other as usize].total_cmp(&cells[row as usize]).is_eq();
                match groups.last_mut() {
                    Some(group) if group.len() < full || group.last().is_some_and(|&last| same(last)) => {
                        group.push(row);
                    }
                    _ => groups.push(vec![row]),
                }
            }
            Some(groups)
        }
        Values::Ignored { .. } => None,
    }
}

/// The share of the variance between the groups, a group of n as if its own variance were n/(n − 1) times as large.
fn explained(groups: &[Vec<f64>]) -> f64 {
    let all: Vec<f64> = groups.iter().flatten().copied().collect();
    let squares = |numbers: &[f64]| {
        let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
        numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>()
    };
    let total = squares(&all);
    let mean_square = total / all.len() as f64;
    let within = groups.iter().map(|group| match group.len() {
        1 => mean_square,
        n => squares(group) * n as f64 / (n - 1) as f64,
    });
    if total > 0.0 { 1.0 - within.sum::<f64>() / total } else { 0.0 }
}

/// Pearson's r over the rows that have both numbers; 0 if one of them never changes or a number is missing.
fn correlation(rows: &[u32], x: impl Fn(u32) -> f64, y: impl Fn(u32) -> f64) -> f64 {
    let n = rows.len() as f64;
    let mean = |of: &dyn Fn(u32) -> f64| rows.iter().map(|&row| of(row)).sum::<f64>() / n;
    let (mx, my) = (mean(&x), mean(&y));
    let product = |a: &dyn Fn(u32) -> f64, b: &dyn Fn(u32) -> f64| rows.iter().map(|&row| a(row) * b(row)).sum::<f64>();
    let (dx, dy) = (|row| x(row) - mx, |row| y(row) - my);
    let r = product(&dx, &dy) / (product(&dx, &dx) * product(&dy, &dy)).sqrt();
    if r.is_finite() { r } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::Reason;
    use crate::row_hash::row_hashes;

    fn table(columns: Vec<(&str, Values)>, target: Target) -> Dataset {
        let (names, values): (Vec<_>, Vec<_>) =
            columns.into_iter().map(|(name, values)| (name.to_owned(), values)).unzip();
        Dataset {
            cells: Cells::Table(values),
            shape: vec![names.len()],
            image: None,
            columns: names,
            target,
            weights: None,
            keys: Keys::default(),
            source: "t".into(),
        }
    }

    fn numbers(of: impl Fn(u32) -> f64) -> Values {
        Values::Numbers((0..400).map(of).collect())
    }

    #[test]
    fn test_rows_of_the_training_set_are_counted() {
        let words = Values::Categories { codes: vec![0, 1, 0, 0], names: vec!["x".into(), "y".into()] };
        let target = Target::Numbers { values: vec![1.0, 1.0, 1.0, 2.0], name: "t".into() };
        let data = table(vec![("a", Values::Numbers(vec![1.0, 1.0, 1.0, 1.0])), ("b", words)], target);
        let hashes = &row_hashes(&data)[..];
        assert_eq!(duplicates((hashes, &[0]), (hashes, &[1, 2, 3])), 1, "row 1 has another word, row 3 another target");
        assert_eq!(duplicates((hashes, &[0, 3]), (hashes, &[2, 2, 3])), 3);
    }

    #[test]
    fn a_column_that_tells_the_class_and_one_that_does_not() {
        let labels: Vec<u32> = (0..400).map(|i| i * 7 % 13 / 7).collect();
        let class = labels.clone();
        let data = table(
            vec![
                ("copy", numbers(move |row| f64::from(class[row as usize]))),
                ("noise", numbers(|row| f64::from(row * 31 % 101))),
                ("id", numbers(|row| f64::from(row + 1000))),
                ("gone", Values::Ignored { rows: 400, reason: Reason::Empty }),
                ("left", Values::Ignored { rows: 400, reason: Reason::Asked }),
            ],
            Target::Classes { labels, names: vec!["a".into(), "b".into()] },
        );
        let rows: Vec<u32> = (0..400).collect();
        let found = warnings(&data, &rows);
        let [Warning::TellTale { column, score, without, .. }, Warning::Identifier { column: id, rows: 400 }, last] =
            &found[..]
        else {
            panic!("{found:?}")
        };
        assert_eq!((&**column, &**id), ("copy", "id"));
        assert!(*score > 0.99 && *without < 0.6);
        assert_eq!(last.to_string(), "column 'gone' is passed over: all its cells are empty");
        assert!(warnings(&data, &rows[..20]).iter().all(|warning| !matches!(warning, Warning::TellTale { .. })));
    }

    #[test]
    fn a_column_that_tells_the_number() {
        let values: Vec<f32> = (0..400).map(|i| (i * 17 % 401) as f32).collect();
        let of = values.clone();
        let data = table(
            vec![
                ("unit", numbers(move |row| 0.3 - 100.0 * f64::from(of[row as usize]))),
                ("noise", numbers(|row| f64::from(row % 20) + 0.5)),
                // A category a row tells each row, and nothing.
                ("each", Values::Categories { codes: (0..400).collect(), names: vec![String::new(); 400] }),
            ],
            Target::Numbers { values, name: "t".into() },
        );
        let rows: Vec<u32> = (0..400).collect();
        let found = warnings(&data, &rows);
        assert!(matches!(&found[..], [Warning::TellTale { column, .. }] if column == "unit"), "{found:?}");
    }
}
