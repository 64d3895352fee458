//! The target column: its distinct cells are kept once, and at the end are taken as classes
//! or as numbers, which only the whole column can tell.

use super::{TargetKind, table::Table};
use crate::{
    dataset::Target,
    input_error::{InputError, excerpt},
};
use std::collections::HashMap;

/// Up to so many kinds of whole numbers are classes, and so many words are never too many.
const FEW: usize = 20;

/// The column as far as it has been read.
#[derive(Default)]
pub(super) struct TargetColumn {
    distinct: HashMap<String, Seen>,
    ids: Vec<u32>,
}

/// A cell's number in order of appearance, and where the row begins that had it first.
struct Seen {
    id: u32,
    byte: u64,
}

/// A distinct cell, with its value if it is a finite number.
struct Distinct {
    text: String,
    value: Option<f64>,
    byte: u64,
}

impl TargetColumn {
    /// Adds the cell of the table's row.
    pub(super) fn push(&mut self, table: &Table, column: usize) -> Result<(), InputError> {
        let text = table.text(column)?;
        if text.is_empty() {
            return Err(table.empty(column, "a class or a number"));
        }
        if let Some(seen) = self.distinct.get(text) {
            self.ids.push(seen.id);
            return Ok(());
        }
        let id = u32::try_from(self.distinct.len()).map_err(|_| {
            let most = format!("at most {} different values", u32::MAX);
            InputError::new(table.place(), most, "more", "split the file")
        })?;
        let byte = table.byte();
        self.distinct.insert(text.to_owned(), Seen { id, byte });
        self.ids.push(id);
        Ok(())
    }

    /// The target, of the kind that is asked for or that the cells suggest.
    pub(super) fn finish(self, table: &Table, column: usize, asked: Option<TargetKind>) -> Result<Target, InputError> {
        let mut distinct: Vec<(u32, Distinct)> = self
            .distinct
            .into_iter()
            .map(|(text, Seen { id, byte })| {
                let value = text.parse().ok().filter(|value: &f64| value.is_finite());
                (id, Distinct { text, value, byte })
            })
            .collect();
        distinct.sort_unstable_by_key(|(id, _)| *id);
        let distinct: Vec<Distinct> = distinct.into_iter().map(|(_, cell)| cell).collect();
        let ids = self.ids;
        let kind = match asked {
            Some(kind) => kind,
            None => guess(table, column, &distinct, ids.len())?,
        };
        match kind {
            TargetKind::Classes => Ok(classes(&distinct, &ids)),
            TargetKind::Numbers => {
                let values = numbers(table, column, &distinct)?;
                Ok(Target::Numbers {
                    values: ids.iter().map(|&id| values[id as usize]).collect(),
                    name: table.names()[column].clone(),
                })
            }
        }
    }
}

/// The rule that [`CsvOptions::kind`](super::CsvOptions::kind) states.
fn guess(table: &Table, column: usize, distinct: &[Distinct], rows: usize) -> Result<TargetKind, InputError> {
    let few = distinct.len() <= FEW;
    let values: Vec<f64> = distinct.iter().filter_map(|cell| cell.value).collect();
    if values.len() == distinct.len() {
        let whole = values.iter().all(|value| value.fract() == 0.0);
        return Ok(if few && whole { TargetKind::Classes } else { TargetKind::Numbers });
    }
    // `nan` and `inf` are words that no one means as a class.
    let infinite = distinct.iter().find(|c| c.value.is_none() && c.text.parse::<f64>().is_ok());
    if let Some(cell) = infinite {
        let hint = "correct the cell, or remove the row";
        let found = excerpt(&cell.text);
        return Err(table.wrong(cell.byte, column, "a class or a finite number", found, hint));
    }
    if few {
        return Ok(TargetKind::Classes);
    }
    if values.len() * 2 > distinct.len() {
        return Ok(TargetKind::Numbers);
    }
    if distinct.len() * 2 > rows {
        return Err(InputError::new(
            format!("{}, column {}", table.place(), excerpt(&table.names()[column])),
            "numbers, or classes that come again",
            format!("{} different words in {rows} rows", distinct.len()),
            "choose another target; names and keys cannot be learned",
        ));
    }
    Ok(TargetKind::Classes)
}

fn numbers(table: &Table, column: usize, distinct: &[Distinct]) -> Result<Vec<f32>, InputError> {
    let number = |cell: &Distinct| {
        let number = cell.text.parse().ok().filter(|number: &f32| number.is_finite());
        number.ok_or_else(|| {
            let found = excerpt(&cell.text);
            let hint = "correct the cell, or remove the row";
            let expected = "a finite number, as the target is of numbers";
            table.wrong(cell.byte, column, expected, found, hint)
        })
    };
    distinct.iter().map(number).collect()
}

fn classes(distinct: &[Distinct], ids: &[u32]) -> Target {
    let values: Option<Vec<f64>> = distinct.iter().map(|cell| cell.value).collect();
    // By value, so that `10` comes after `9` and `1.0` is `1`; + 0 makes −0 a plain 0.
    let (names, of): (Vec<String>, Vec<usize>) = match values {
        Some(values) => ordered(&values, |a, b| (a + 0.0).total_cmp(&(b + 0.0)), |v| (v + 0.0).to_string()),
        None => ordered(distinct, |a, b| a.text.cmp(&b.text), |cell| cell.text.clone()),
    };
    Target::Classes { labels: ids.iter().map(|&id| of[id as usize] as u32).collect(), names }
}

/// The names of the distinct items in order, and each item's place among them.
fn ordered<T>(
    items: &[T],
    order: impl Fn(&T, &T) -> std::cmp::Ordering,
    name: impl Fn(&T) -> String,
) -> (Vec<String>, Vec<usize>) {
    let mut sorted: Vec<usize> = (0..items.len()).collect();
    sorted.sort_by(|&a, &b| order(&items[a], &items[b]));
    let mut names = Vec::new();
    let mut places = vec![0; items.len()];
    let mut before = None;
    for at in sorted {
        if before.is_none_or(|before: usize| order(&items[before], &items[at]).is_ne()) {
            names.push(name(&items[at]));
        }
        places[at] = names.len() - 1;
        before = Some(at);
    }
    (names, places)
}
