//! A table to predict from: the columns of training, found again by name or by position.

use super::{
    column::{Column, Kind},
    finish,
    table::{Table, is_number},
};
use crate::{
    closest::closest,
    dataset::{Cells, Dataset, Target},
    input_error::{InputError, excerpt, listing},
};
use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

/// A column of training.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its name, or its number from 0.
    pub name: String,
    /// Its type there.
    pub kind: Kind,
}

/// A table being read some rows at a time, so that it may be larger than the memory.
pub struct Features {
    table: Table,
    /// For each column of the file which column of training it is, if it is one that is used.
    places: Vec<Option<usize>>,
    known: Vec<Known>,
}

/// Reads all rows of a table to predict from: [`Features`] in one piece.
///
/// # Errors
/// Those of [`Features::open`] and [`Features::read`].
pub fn read_features(path: &Path, known: &[Known], target: Option<&str>) -> Result<Dataset, InputError> {
    let mut features = Features::open(path, known, target, None)?;
    let data = features.read(usize::MAX)?;
    data.ok_or_else(|| InputError::new(features.table.place(), "rows", "none", "add rows"))
}

impl Features {
    /// Finds the columns of training in the table at `path`.
    ///
    /// With a header, columns are found by name; their order is free, and others, the
    /// `target` among them, are passed over, as are those that training passed over. Without one the width must be that
    /// of training; if there was a `target`, it may be there as well: last, or where training had it if
    /// that table had no header either.
    ///
    /// # Errors
    /// If there is no such file, no row, or not these columns.
    pub fn open(path: &Path, known: &[Known], target: Option<&str>, delimiter: Option<u8>) -> Result<Self, InputError> {
        let mut table = Table::open(path, delimiter)?;
        let columns: Vec<String> = known.iter().map(|column| column.name.clone()).collect();
        let columns = &columns[..];
        let found: Vec<Option<usize>> = if numbered(columns) {
            if table.looks_headed() {
                table.take_header()?;
            }
            let with_target = table.names().len() == columns.len() + 1;
            if with_target && target.is_some() {
                columns.iter().map(|column| column.parse().ok()).collect()
            } else {
                by_order(&table, columns, target)?
            }
        } else if headed(&table, columns) {
            table.take_header()?;
            by_name(&table, known)?
        } else {
            by_order(&table, columns, target)?
        };
        table.require_rows()?;
        let mut places = vec![None; table.names().len()];
        for (at, place) in found.into_iter().enumerate().filter(|&(at, _)| known[at].kind != Kind::Ignored) {
            if let Some(place) = place.and_then(|place| places.get_mut(place)) {
                *place = Some(at);
            }
        }
        Ok(Self { table, places, known: known.to_vec() })
    }

    /// The next rows, at most `rows` of them; `None` after the last.
    ///
    /// # Errors
    /// If a row is of another length than the first, or a cell of a column of numbers is none.
    pub fn read(&mut self, rows: usize) -> Result<Option<Dataset>, InputError> {
        let Self { table, places, known } = self;
        let kind = |place: &Option<usize>| Column::new(Some(place.map_or(Kind::Ignored, |at| known[at].kind)));
        let mut columns: Vec<Column> = places.iter().map(kind).collect();
        let mut count = 0;
        while count < rows && table.advance()? {
            let byte = table.byte();
            for (at, (column, cell)) in columns.iter_mut().zip(table.cells()).enumerate() {
                column.push(cell, byte).map_err(|why| table.unreadable(at, why))?;
            }
            count += 1;
        }
        if count == 0 {
            return Ok(None);
        }
        let mut used = Vec::new();
        for (place, column) in columns.into_iter().enumerate() {
            if let Some(at) = places[place] {
                used.push((at, finish(column, table, place)?));
            }
        }
        used.sort_by_key(|&(at, _)| at);
        let columns: Vec<String> = used.iter().map(|&(at, _)| known[at].name.clone()).collect();
        Ok(Some(Dataset {
            cells: Cells::Table(used.into_iter().map(|(_, values)| values).collect()),
            shape: vec![columns.len()],
            image: None,
            columns,
            target: Target::None,
            weights: None,
            source: table.place(),
        }))
    }
}

/// Whether the columns are those of a table without a header: their numbers, but for the target's.
pub(crate) fn numbered(columns: &[String]) -> bool {
    let numbers: Option<Vec<usize>> = columns.iter().map(|column| column.parse().ok()).collect();
    numbers.is_some_and(|n| n.is_sorted_by(|a, b| a < b) && n.last().is_none_or(|&last| last <= n.len()))
}

/// Whether the first row names the columns. A name like `150` may be a cell by chance; all of
/// them are not.
fn headed(table: &Table, columns: &[String]) -> bool {
    let first = table.first();
    let found = |column: &String| first.contains(column.as_str());
    columns.iter().any(|column| !is_number(column) && found(column))
        || columns.iter().all(found)
        || table.looks_headed()
}

fn by_name(table: &Table, known: &[Known]) -> Result<Vec<Option<usize>>, InputError> {
    let names = table.names();
    let places: HashMap<&str, usize> = names.iter().map(String::as_str).zip(0..).collect();
    let place = |column: &Known| {
        if column.kind == Kind::Ignored {
            return Ok(None);
        }
        let column = &column.name;
        places.get(column.as_str()).copied().map(Some).ok_or_else(|| {
            // A column that has its own part in training is not another one misspelt.
            let trained: HashSet<&String> = known.iter().map(|known| &known.name).collect();
            let free = names.iter().filter(|name| !trained.contains(name));
            let hint = match closest(column, free.map(String::as_str)) {
                Some(near) => format!("rename {}, if that is it", excerpt(near)),
                None => "give the table the columns that the network was trained on".to_owned(),
            };
            let expected = format!("a column {}, as in training", excerpt(column));
            let found = format!("columns {}", listing(names));
            InputError::new(format!("{}, header", table.place()), expected, found, hint)
        })
    };
    known.iter().map(place).collect()
}

fn by_order(table: &Table, columns: &[String], target: Option<&str>) -> Result<Vec<Option<usize>>, InputError> {
    let width = columns.len();
    let found = table.names().len();
    if found == width || (found == width + 1 && target.is_some()) {
        return Ok((0..width).map(Some).collect());
    }
    let or = target.map_or(String::new(), |target| format!(", or {} with {}", width + 1, excerpt(target)));
    Err(InputError::new(
        table.place(),
        format!("{width} columns, as in training{or}"),
        found.to_string(),
        "give the columns of training in their order, or add a header that names them",
    ))
}
