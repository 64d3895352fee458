//! CSV tables: commas, quotes, either line ending, plain or gzipped, with or without a header.
//!
//! Every column but the target must be numbers. A gap or a word among them is an error with
//! its line, never a guess: what a missing value stands for is for its owner to say.

mod features;
mod table;
mod target;

pub(crate) use features::numbered;
pub use features::{Features, read_features};

use crate::{
    closest::closest,
    dataset::{Cells, Dataset},
    input_error::{InputError, excerpt, listing},
};
use std::path::Path;
use table::{Table, is_number};
use target::TargetColumn;

/// How to read a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CsvOptions {
    /// The column to learn: its name or, without a header, its number from 0.
    pub target: Option<String>,
    /// Whether the first row holds names. `None` finds out: it does if it names the target,
    /// or has a word where the second row has a number.
    pub header: Option<bool>,
    /// What the target is. `None` finds out:
    ///
    /// - whole numbers of at most 20 kinds are classes, other numbers are numbers;
    /// - words are classes, unless they are few among many numbers, or nearly all differ.
    ///
    /// Other data for the same network should be read with the kind that the first had.
    pub kind: Option<TargetKind>,
}

/// What a target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetKind {
    /// One of some classes, by name. Names that are all numbers are read as such (`1.0` is
    /// `1`) and ordered by size, others by the alphabet.
    Classes,
    /// A number.
    Numbers,
}

/// Reads a table with its target.
///
/// # Errors
/// If there is no such file, no such column, or no rows; if rows differ in length; if a cell
/// is empty, not UTF-8, or not a finite number where it should be one.
///
/// ```no_run
/// # use chainrule::readers::csv::{CsvOptions, read};
/// let options = CsvOptions { target: Some("price".into()), ..Default::default() };
/// let houses = read("houses.csv".as_ref(), &options)?;
/// # Ok::<(), chainrule::InputError>(())
/// ```
pub fn read(path: &Path, options: &CsvOptions) -> Result<Dataset, InputError> {
    let mut table = Table::open(path)?;
    let asked = options.target.as_deref();
    let headed = options.header.unwrap_or_else(|| {
        asked.is_some_and(|name| !is_number(name) && table.first().contains(name)) || table.looks_headed()
    });
    if headed {
        table.take_header()?;
    }
    table.require_rows()?;
    let learned = target_column(&table, asked, headed)?;

    let mut cells = Vec::new();
    let mut column = TargetColumn::default();
    while table.advance()? {
        for at in 0..table.names().len() {
            if at == learned {
                column.push(&table, at)?;
            } else {
                cells.push(table.number(at)?);
            }
        }
    }
    let target = column.finish(&table, learned, options.kind)?;
    let mut columns = table.names().to_vec();
    columns.remove(learned);
    Ok(Dataset {
        cells: Cells::F32(cells),
        shape: vec![columns.len()],
        image: None,
        columns,
        target,
        source: path.display().to_string(),
    })
}

/// The position of the target.
fn target_column(table: &Table, asked: Option<&str>, headed: bool) -> Result<usize, InputError> {
    let names = table.names();
    let last = names.len().saturating_sub(1);
    if last == 0 {
        return Err(InputError::new(
            table.place(),
            "at least two columns: the target and what to tell it by",
            "one",
            if table.starts_with_other_separator() {
                "separate the cells by commas; these seem to be by semicolons or tabs"
            } else {
                "separate the cells by commas"
            },
        ));
    }
    let choices = if headed {
        format!("one of {}", listing(names))
    } else {
        format!("a column number from 0 to {last}, as there is no header")
    };
    let Some(asked) = asked else {
        let hint = format!("--target COLUMN says which column to learn: {choices}");
        return Err(InputError::new(table.place(), "a target column", "none given", hint));
    };
    names.iter().position(|name| name == asked).ok_or_else(|| {
        let near = closest(asked, names.iter().map(String::as_str)).filter(|_| headed);
        let hint = match near {
            Some(near) => format!("did you mean {}?", excerpt(near)),
            None if headed => "the first line is taken for the columns' names; if it is not that, remove it".to_owned(),
            None => "--target COLUMN says which column to learn".to_owned(),
        };
        InputError::new(format!("{}, target", table.place()), choices, excerpt(asked), hint)
    })
}

#[cfg(test)]
mod tests;
