//! CSV tables: commas, tabs, semicolons or bars, quotes, either line ending, plain or gzipped, with or without a header.
//!
//! A column is of numbers or of categories as its cells say: see `column.rs`. What its gaps stand for, the
//! [encoding](crate::encoding) decides.

mod blocks;
mod column;
mod delimiter;
mod features;
mod keys;
mod number;
mod quotes;
mod store;
mod table;
mod target;

pub(crate) use blocks::Block;
pub use column::Kind;
pub(crate) use features::{BlockOfRows, FeatureRows, numbered};
pub use features::{Features, Known, OnError, read_features};
pub use keys::Key;
pub(crate) use keys::put as put_keys;
pub(crate) use store::store;
pub(super) use target::of_numbers as target_of_numbers;

use crate::{
    closest::closest,
    columns::{Reason, Values},
    dataset::{Cells, Dataset},
    input_error::{InputError, excerpt, listing},
    keys::Keys,
    pipeline::in_order,
    readers::standard_input,
    settings::all_threads,
};
use column::{Column, Found};
use keys::KeyColumns;
use std::path::Path;
use table::{Sheet, Table, is_number};

/// Up to so many kinds of whole numbers are classes, and so many words are never too many.
const FEW: usize = 20;

/// How to read a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CsvOptions {
    /// The column to learn: its name or, without a header, its number from 0.
    pub target: Option<String>,
    /// Whether the first row holds names. `None` finds out: it does if it names the target,
    /// or has a word where the second row has a number or a date.
    pub header: Option<bool>,
    /// What stands between the cells. `None` finds out: tabs in a file that ends in `.tsv` or `.tab`, else what the
    /// first lines have equally often.
    pub delimiter: Option<u8>,
    /// What the target is. `None` finds out:
    ///
    /// - whole numbers of at most 20 kinds are classes, other numbers are numbers;
    /// - words are classes, unless they are few among many numbers, or nearly all differ.
    ///
    /// Other data for the same network should be read with the kind that the first had.
    pub kind: Option<TargetKind>,
    /// The column of the rows' weights.
    pub weights: Option<String>,
    /// Columns of categories, even if they are written as numbers or dates.
    pub category: Vec<String>,
    /// Columns to pass over.
    pub ignore: Vec<String>,
    /// The column of groups, whose rows stay together in a split.
    pub groups: Option<String>,
    /// The column of times, numbers or dates, by which the latest rows are held out.
    pub time: Option<String>,
    /// The column that says of each row whether it is to train, for validation or to test.
    pub split: Option<String>,
    /// Columns that another table had, of their types there; those that this one lacks are not missed here.
    pub known: Vec<Known>,
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
/// is not UTF-8, or is a word or no finite number in a column of numbers; if a cell of the target or a weight is empty.
///
/// ```no_run
/// # use chainrule::readers::csv::{CsvOptions, read};
/// let options = CsvOptions { target: Some("price".into()), ..Default::default() };
/// let houses = read("houses.csv".as_ref(), &options)?;
/// # Ok::<(), chainrule::InputError>(())
/// ```
pub fn read(path: &Path, options: &CsvOptions) -> Result<Dataset, InputError> {
    read_table(path, options, true)
}

/// Reads a table; a target is asked for only if it `must` be there.
pub(crate) fn read_table(path: &Path, options: &CsvOptions, must: bool) -> Result<Dataset, InputError> {
    if standard_input::is_meant(path) {
        standard_input::keep()?;
    }
    let Asked { table, kinds, learned, weighed, keyed } = asked_columns(path, options, must)?;
    let (columns, sheet) = fill(table, &kinds)?;

    let (mut cells, mut names) = (Vec::new(), Vec::new());
    let (mut target, mut weights, mut keys) = (crate::dataset::Target::None, None, Keys::default());
    for (at, column) in columns.into_iter().enumerate() {
        if learned == Some(at) {
            target = target::finish(column, &sheet, at, options.kind)?;
            continue;
        }
        names.push(sheet.names()[at].clone());
        cells.push(if weighed == Some(at) {
            let rows = column.rows();
            weights = Some(weights_of(column, &sheet, at)?);
            Values::Ignored { rows, reason: Reason::Weights }
        } else if let Some(key) = keyed.at(at) {
            let rows = column.rows();
            keys::finish(&mut keys, key, column, &sheet, at)?;
            Values::Ignored { rows, reason: Reason::Split }
        } else {
            finish(column, &sheet, at)?
        });
    }
    Ok(Dataset {
        cells: Cells::Table(cells),
        shape: vec![names.len()],
        image: None,
        columns: names,
        target,
        weights,
        keys,
        source: sheet.place(),
    })
}

/// The table before its rows.
struct Asked {
    table: Table,
    /// What each column is asked to be.
    kinds: Vec<Option<Kind>>,
    /// Where the target is.
    learned: Option<usize>,
    /// Where the weights are.
    weighed: Option<usize>,
    /// What the split goes by.
    keyed: KeyColumns,
}

/// Opens a table; a target is asked for only if it `must` be there.
fn asked_columns(path: &Path, options: &CsvOptions, must: bool) -> Result<Asked, InputError> {
    let mut table = Table::open(path, options.delimiter)?;
    let asked = options.target.as_deref();
    let looks_headed =
        || asked.is_some_and(|name| !is_number(name) && table.first().contains(name)) || table.looks_headed();
    let headed = table.is_named() || options.header.unwrap_or_else(looks_headed);
    if headed {
        table.take_header()?;
    }
    table.require_rows()?;
    let sheet = &table.sheet;
    let learned = if must || asked.is_some() { Some(target_column(sheet, asked, headed)?) } else { None };
    let weighed = options.weights.as_deref().map(|name| named(sheet, "weights", name, learned)).transpose()?;
    let keyed = KeyColumns::find(sheet, options, learned)?;
    let kinds = kinds(sheet, options, learned, weighed, &keyed)?;
    Ok(Asked { table, kinds, learned, weighed, keyed })
}

/// What each column is asked to be.
fn kinds(
    sheet: &Sheet,
    options: &CsvOptions,
    learned: Option<usize>,
    weighed: Option<usize>,
    keyed: &KeyColumns,
) -> Result<Vec<Option<Kind>>, InputError> {
    let names = sheet.names();
    let mut kinds: Vec<Option<Kind>> = names
        .iter()
        .map(|name| options.known.iter().find(|known| known.name == *name).map(|known| known.kind))
        .collect();
    for (option, asked, kind) in
        [("category", &options.category, Kind::Category), ("ignore", &options.ignore, Kind::Ignored)]
    {
        for name in asked {
            kinds[named(sheet, option, name, learned)?] = Some(kind);
        }
    }
    if let Some(at) = learned {
        kinds[at] = target::kind(options.kind);
    }
    if let Some(at) = weighed {
        kinds[at] = Some(Kind::Number);
    }
    for (key, at) in keyed.iter() {
        if matches!(kinds[at].replace(Kind::Key(key)), Some(Kind::Key(_))) || weighed == Some(at) {
            let expected = "a column for each of groups, time, split and weights";
            let found = format!("{} for two of them", excerpt(&names[at]));
            let hint = "name another column, or leave one of them out";
            return Err(InputError::new(sheet.place(), expected, found, hint));
        }
    }
    Ok(kinds)
}

/// The position of a column other than the target that an option names.
fn named(sheet: &Sheet, option: &str, name: &str, learned: Option<usize>) -> Result<usize, InputError> {
    let names = sheet.names();
    let at = names.iter().position(|known| known == name);
    let place = || format!("{}, {option}", sheet.place());
    match at {
        Some(at) if learned == Some(at) => Err(InputError::new(
            place(),
            "a column other than the target",
            excerpt(name),
            match option {
                "category" => {
                    "take it out of --category; whether a target is classes or numbers, its cells say".to_owned()
                }
                _ => format!("take it out of --{option}"),
            },
        )),
        Some(at) => Ok(at),
        None => {
            let hint = match closest(name, names.iter().map(String::as_str)) {
                Some(near) => format!("did you mean {}?", excerpt(near)),
                None if option == "split" => "name a column, or the folder of a run that has held rows out".to_owned(),
                None => "`chainrule data FILE` shows the columns".to_owned(),
            };
            Err(InputError::new(place(), format!("one of {}", listing(names)), excerpt(name), hint))
        }
    }
}

/// Reads all rows into columns of these kinds, blocks of them on all threads.
fn fill(table: Table, kinds: &[Option<Kind>]) -> Result<(Vec<Column>, Sheet), InputError> {
    let (sheet, blocks) = table.split();
    let mut columns: Vec<Column> = kinds.iter().copied().map(Column::new).collect();
    let part = |(): &mut (), block: Block| {
        let mut part: Vec<Column> = kinds.iter().copied().map(Column::new).collect();
        sheet.read(&block, &mut part).map(|_| part)
    };
    in_order(
        all_threads(),
        blocks,
        || Ok(()),
        part,
        |part| {
            columns.iter_mut().zip(part).for_each(|(column, part)| column.append(part));
            Ok(())
        },
    )?;
    Ok((columns, sheet))
}

/// The column's values, errors with their place.
fn finish(column: Column, sheet: &Sheet, at: usize) -> Result<Values, InputError> {
    let wrong =
        |found: &Found, expected: &str, hint: &str| sheet.wrong(found.byte, at, expected, excerpt(&found.text), hint);
    column.finish(&sheet.names()[at], wrong)
}

/// Finite weights from 0.
fn weights_of(column: Column, sheet: &Sheet, at: usize) -> Result<Vec<f32>, InputError> {
    if let Some(byte) = column.first_empty {
        let hint = "fill the cell; 0 leaves the row out of the loss";
        return Err(sheet.wrong(byte, at, "a weight", "an empty cell".to_owned(), hint));
    }
    let wrong = |found: &Found, _: &str, _: &str| {
        let hint = "correct the cell; 0 leaves the row out of the loss";
        sheet.wrong(found.byte, at, "a weight, a finite number from 0", excerpt(&found.text), hint)
    };
    match column.finish(&sheet.names()[at], wrong)? {
        Values::Numbers(cells) => Ok(cells.into_iter().map(|cell| cell as f32).collect()),
        _ => Err(InputError::new(sheet.place(), "weights", "no numbers", "choose another column")),
    }
}

/// The position of the target.
fn target_column(sheet: &Sheet, asked: Option<&str>, headed: bool) -> Result<usize, InputError> {
    let names = sheet.names();
    let last = names.len().saturating_sub(1);
    if last == 0 {
        return Err(InputError::new(
            sheet.place(),
            "at least two columns: the target and what to tell it by",
            "one",
            format!("cells are told apart by {}; --delimiter says what else is between them", sheet.delimiter()),
        ));
    }
    let choices = if headed {
        format!("one of {}", listing(names))
    } else {
        format!("a column number from 0 to {last}, as there is no header")
    };
    let Some(asked) = asked else {
        let hint = format!("--target COLUMN says which column to learn: {choices}");
        return Err(InputError::new(sheet.place(), "a target column", "none given", hint));
    };
    names.iter().position(|name| name == asked).ok_or_else(|| {
        let near = closest(asked, names.iter().map(String::as_str)).filter(|_| headed);
        let hint = match near {
            Some(near) => format!("did you mean {}?", excerpt(near)),
            None if headed => "the first line is taken for the columns' names; if it is not that, remove it".to_owned(),
            None => "--target COLUMN says which column to learn".to_owned(),
        };
        InputError::new(format!("{}, target", sheet.place()), choices, excerpt(asked), hint)
    })
}

#[cfg(test)]
mod tests;
