//! Columns by which a table is split, as [`Keys`]: 64 bits a cell.

use super::{
    CsvOptions,
    column::{Cells, Column, Found, spelled},
    named, number,
    table::Sheet,
};
use crate::{
    calendar,
    input_error::{InputError, excerpt},
    keys::{Keys, Part},
    row_hash::word_hash,
};
use serde::{Deserialize, Serialize};

/// What a column says of its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Key {
    /// The group that the row belongs to, by any name.
    Group,
    /// When it was: a number, or a date.
    Time,
    /// What it is for: train, validation or test.
    Part,
}

impl Key {
    /// What is kept of a cell: of a group its name's hash, of a time its bits, of a part its number; `None` if it is none.
    pub(super) fn of(self, text: &str) -> Option<u64> {
        let number = || number::parse(text.as_bytes()).filter(|number| number.is_finite());
        match self {
            // Names are as those of categories, so that 1.0 is 1.
            Key::Group => Some(number().map_or_else(|| word_hash(text), |number| word_hash(&spelled(number)))),
            Key::Time => number().or_else(|| calendar::parse(text)).map(|time| (time + 0.0).to_bits()),
            Key::Part => Part::named(text).map(|part| part as u64),
        }
    }

    /// What its cells are, and what to do about another one.
    fn expected(self) -> [&'static str; 2] {
        match self {
            Key::Group => [
                "the name of a group",
                "fill the cell; a row of no group is a group of its own, under a name of its own",
            ],
            Key::Time => ["a number or a date such as 2024-01-31", "correct the cell, or remove the row"],
            Key::Part => ["train, validation or test", "correct the cell, or remove the row"],
        }
    }
}

/// Where the columns are that a table is split by.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyColumns(Vec<(Key, usize)>);

impl KeyColumns {
    /// Finds the columns that the options name; the target is at `learned`.
    pub(super) fn find(sheet: &Sheet, options: &CsvOptions, learned: Option<usize>) -> Result<Self, InputError> {
        let asked = [
            (Key::Group, "groups", &options.groups),
            (Key::Time, "time", &options.time),
            (Key::Part, "split", &options.split),
        ];
        let asked = asked.into_iter().filter_map(|(key, option, name)| Some((key, option, name.as_deref()?)));
        asked
            .map(|(key, option, name)| Ok((key, named(sheet, option, name, learned)?)))
            .collect::<Result<_, _>>()
            .map(KeyColumns)
    }

    /// Each key and its column.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Key, usize)> {
        self.0.iter().copied()
    }

    /// Which key the column is.
    pub(super) fn at(&self, column: usize) -> Option<Key> {
        self.iter().find(|&(_, at)| at == column).map(|(key, _)| key)
    }
}

/// Whether all cells are keys.
pub(super) fn expect_whole(key: Key, column: &Column, sheet: &Sheet, at: usize) -> Result<(), InputError> {
    let [expected, hint] = key.expected();
    let empty = column.first_empty.map(|byte| (byte, "an empty cell".to_owned()));
    let other = column.first_word.as_ref().map(|Found { byte, text }| (*byte, excerpt(text)));
    match [empty, other].into_iter().flatten().min_by_key(|&(byte, _)| byte) {
        Some((byte, found)) => Err(sheet.wrong(byte, at, expected, found, hint)),
        None => Ok(()),
    }
}

/// Adds a column's bits to the keys.
pub(crate) fn put(keys: &mut Keys, key: Key, bits: Vec<u64>) {
    match key {
        Key::Group => keys.groups = Some(bits),
        Key::Time => keys.times = Some(bits.into_iter().map(f64::from_bits).collect()),
        Key::Part => {
            keys.parts = Some(bits.into_iter().map(|bits| Part::ALL[bits as usize % Part::ALL.len()]).collect());
        }
    }
}

/// The keys of a column in memory.
pub(super) fn finish(keys: &mut Keys, key: Key, column: Column, sheet: &Sheet, at: usize) -> Result<(), InputError> {
    expect_whole(key, &column, sheet, at)?;
    if let Cells::Keys(bits) = column.into_cells() {
        put(keys, key, bits);
    }
    Ok(())
}
