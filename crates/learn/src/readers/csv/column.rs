//! One column as it grows: numbers as long as its cells are numbers, from the first word on categories.
//!
//! What it is, only the whole column can tell:
//!
//! | cells | column |
//! | --- | --- |
//! | numbers and empty cells | numbers |
//! | [dates](crate::calendar) and empty cells | dates |
//! | words of at most 20 kinds, or each twice or more on average | categories |
//! | words that nearly never come twice, or only empty cells | passed over |
//! | a few words among many numbers, or a few others among many dates | an error with the place of the first |
//!
//! An empty cell holds nothing, or `NA`, `N/A`, `null` or `?`. Among categories a number is its shortest spelling, so that
//! `1.0` is `1`: other programs write whole numbers so once a cell of the column is empty. So is a date.

use super::{FEW, keys::Key, number};
use crate::calendar;
use crate::columns::{EMPTY, Reason, Values};
use crate::input_error::InputError;
use std::collections::HashMap;

/// What a column is to be, if it is not for its cells to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Numbers, nothing else.
    Number,
    /// Dates and times, nothing else.
    Date,
    /// Categories, even if they are written as numbers.
    Category,
    /// Nothing.
    Ignored,
    /// What says of each row on which side of a split it is to be.
    Key(Key),
}

impl Kind {
    /// What a column was found to be.
    pub(crate) fn of(values: &Values) -> Kind {
        match values {
            Values::Numbers(_) => Kind::Number,
            Values::Dates(_) => Kind::Date,
            Values::Categories { .. } => Kind::Category,
            Values::Ignored { .. } => Kind::Ignored,
        }
    }
}

/// Marks of a missing value.
const MARKS: [&[u8]; 4] = [b"NA", b"N/A", b"null", b"?"];
/// More distinct words than this are kept only while they come again.
const MANY: usize = 100_000;
/// With this share of numbers, a column's words are mistakes.
const MOSTLY: f64 = 0.9;

/// Why a cell is no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreadable {
    Nul,
    NotUtf8,
}

/// A cell to complain about: where its row starts, and what it says.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) byte: u64,
    pub(super) text: String,
}

/// The column as far as it has been read.
#[derive(Debug)]
pub(super) struct Column {
    asked: Option<Kind>,
    cells: Cells,
    /// Cells before those, that were taken.
    taken: usize,
    /// Cells that are finite numbers, that are dates, and that are words.
    pub(super) numeric: usize,
    pub(super) dates: usize,
    pub(super) words: usize,
    pub(super) empties: usize,
    /// The first number: where its row starts.
    first_number: Option<(u64, f64)>,
    first_date: Option<Found>,
    pub(super) first_word: Option<Found>,
    /// The first infinite or undefined number, which is counted as a word.
    pub(super) first_not_finite: Option<Found>,
    pub(super) first_empty: Option<u64>,
}

#[derive(Debug)]
pub(super) enum Cells {
    /// NaN where a cell is empty; as long as all are, a first date makes them dates.
    Numbers(Vec<f64>),
    Dates(Vec<f64>),
    Words(Words),
    /// See [`Key`].
    Keys(Vec<u64>),
    /// Too many words to keep, or none asked for: how many rows, and how many different words before they were dropped.
    Gone {
        rows: usize,
        different: usize,
    },
}

/// Distinct cells by number.
#[derive(Debug, Default)]
pub(super) struct Words {
    pub(super) codes: Vec<u32>,
    pub(super) names: Vec<String>,
    /// For each name its value, if it is a number.
    pub(super) values: Vec<Option<f64>>,
    /// For each name whether it is a date.
    are_dates: Vec<bool>,
    /// The number of each spelling, and of each name.
    numbers: HashMap<Box<[u8]>, u32>,
}

impl Words {
    /// The number of the name, a new one if need be.
    fn name(&mut self, name: &str, value: Option<f64>, is_date: bool) -> u32 {
        if let Some(&code) = self.numbers.get(name.as_bytes()) {
            return code;
        }
        // The rows are counted in 32 bits, and each has one name at most.
        let code = self.names.len() as u32;
        self.names.push(name.to_owned());
        self.values.push(value);
        self.are_dates.push(is_date);
        self.numbers.insert(name.as_bytes().into(), code);
        code
    }

    /// The codes of numbers, which get names.
    pub(super) fn codes_of(&mut self, numbers: &[f64]) -> Vec<u32> {
        let mut known: HashMap<u64, u32> = HashMap::new();
        let code = |&number: &f64| {
            if number.is_nan() {
                return EMPTY;
            }
            let number = number + 0.0;
            *known.entry(number.to_bits()).or_insert_with(|| self.name(&spelled(number), Some(number), false))
        };
        numbers.iter().map(code).collect()
    }

    /// The codes of dates, which get names.
    pub(super) fn codes_of_dates(&mut self, dates: &[f64]) -> Vec<u32> {
        let name = |&date: &f64| if date.is_nan() { EMPTY } else { self.name(&calendar::spelled(date), None, true) };
        dates.iter().map(name).collect()
    }

    /// Adds the cells that come next.
    fn append(&mut self, more: Words) {
        let kinds = more.values.into_iter().zip(more.are_dates);
        let renamed: Vec<u32> =
            more.names.iter().zip(kinds).map(|(name, (value, is_date))| self.name(name, value, is_date)).collect();
        self.codes
            .extend(more.codes.into_iter().map(|code| if code == EMPTY { EMPTY } else { renamed[code as usize] }));
    }
}

/// Whether the cell, without the spaces around it, says that there is nothing.
fn is_empty(cell: &[u8]) -> bool {
    cell.is_empty() || MARKS.iter().any(|mark| cell.eq_ignore_ascii_case(mark))
}

/// A number as categories are named by it.
pub(super) fn spelled(number: f64) -> String {
    (number + 0.0).to_string()
}

impl Column {
    pub(super) fn new(asked: Option<Kind>) -> Self {
        let cells = match asked {
            None | Some(Kind::Number) => Cells::Numbers(Vec::new()),
            Some(Kind::Date) => Cells::Dates(Vec::new()),
            Some(Kind::Category) => Cells::Words(Words::default()),
            Some(Kind::Key(_)) => Cells::Keys(Vec::new()),
            Some(Kind::Ignored) => Cells::Gone { rows: 0, different: 0 },
        };
        Column {
            asked,
            cells,
            taken: 0,
            numeric: 0,
            dates: 0,
            words: 0,
            empties: 0,
            first_number: None,
            first_date: None,
            first_word: None,
            first_not_finite: None,
            first_empty: None,
        }
    }

    /// Adds the cell of the row that starts at `byte`.
    #[inline]
    pub(super) fn push(&mut self, cell: &[u8], byte: u64) -> Result<(), Unreadable> {
        if let Cells::Numbers(numbers) = &mut self.cells
            && let Some(number) = number::parse(cell).filter(|number| number.abs() <= f64::from(f32::MAX))
        {
            numbers.push(number);
            if self.numeric == 0 {
                self.first_number = Some((byte, number));
            }
            self.numeric += 1;
            return Ok(());
        }
        self.push_other(cell, byte)
    }

    fn push_other(&mut self, cell: &[u8], byte: u64) -> Result<(), Unreadable> {
        if let Cells::Words(words) = &mut self.cells
            && let Some(&code) = words.numbers.get(cell)
        {
            words.codes.push(code);
            match (words.values.get(code as usize), words.are_dates.get(code as usize)) {
                _ if code == EMPTY => self.empties += 1,
                (Some(Some(_)), _) => self.numeric += 1,
                (_, Some(true)) => self.dates += 1,
                _ => self.words += 1,
            }
            return Ok(());
        }
        if let (Some(Kind::Ignored), Cells::Gone { rows, .. }) = (self.asked, &mut self.cells) {
            *rows += 1;
            return Ok(());
        }
        let text = str::from_utf8(cell).map_err(|_| Unreadable::NotUtf8)?.trim();
        if text.contains('\0') {
            return Err(Unreadable::Nul);
        }
        if is_empty(text.as_bytes()) {
            self.empties += 1;
            self.first_empty.get_or_insert(byte);
            match &mut self.cells {
                Cells::Numbers(cells) | Cells::Dates(cells) => cells.push(f64::NAN),
                Cells::Words(words) => {
                    words.codes.push(EMPTY);
                    words.numbers.insert(cell.into(), EMPTY);
                }
                Cells::Keys(keys) => keys.push(0),
                Cells::Gone { rows, .. } => *rows += 1,
            }
            return Ok(());
        }
        if let (Some(Kind::Key(key)), Cells::Keys(keys)) = (self.asked, &mut self.cells) {
            keys.push(key.of(text).unwrap_or_else(|| {
                self.first_word.get_or_insert_with(|| Found { byte, text: text.to_owned() });
                0
            }));
            return Ok(());
        }
        let date = calendar::parse(text);
        let found = || Found { byte, text: text.to_owned() };
        if let Some(date) = date {
            self.first_date.get_or_insert_with(found);
            self.dates += 1;
            self.become_dates();
            if let Cells::Dates(dates) = &mut self.cells {
                dates.push(date);
                return Ok(());
            }
        }
        let spoken = if date.is_none() { number::parse(text.as_bytes()) } else { None };
        let value = spoken.filter(|number| number.abs() <= f64::from(f32::MAX));
        match (value, spoken, date) {
            (Some(value), ..) => {
                self.first_number.get_or_insert((byte, value));
                self.numeric += 1;
            }
            (None, Some(_), _) => {
                self.first_not_finite.get_or_insert_with(found);
                self.words += 1;
            }
            (None, None, None) => {
                self.first_word.get_or_insert_with(found);
                self.words += 1;
            }
            (None, None, Some(_)) => {}
        }
        if matches!(self.asked, Some(Kind::Number | Kind::Date)) {
            // The first word is an error once the column ends: the cell itself is of no use.
            self.cells = Cells::Gone { rows: self.rows() + 1, different: 0 };
            return Ok(());
        }
        self.become_words();
        if let Cells::Words(words) = &mut self.cells {
            let code = match (value, date) {
                (Some(value), _) => words.name(&spelled(value), Some(value), false),
                (None, Some(date)) => words.name(&calendar::spelled(date), None, true),
                (None, None) => words.name(text, None, false),
            };
            words.numbers.entry(cell.into()).or_insert(code);
            words.codes.push(code);
        } else if let Cells::Gone { rows, .. } = &mut self.cells {
            *rows += 1;
        }
        Ok(())
    }

    /// From nothing but empty cells to dates.
    fn become_dates(&mut self) {
        if let Cells::Numbers(cells) = &mut self.cells
            && self.numeric == 0
            && self.asked.is_none()
        {
            self.cells = Cells::Dates(std::mem::take(cells));
        }
    }

    /// From numbers or dates to names.
    fn become_words(&mut self) {
        let mut words = Words::default();
        words.codes = match &self.cells {
            Cells::Numbers(numbers) => words.codes_of(numbers),
            Cells::Dates(dates) => words.codes_of_dates(dates),
            _ => return,
        };
        self.cells = Cells::Words(words);
    }

    /// Whether what is there, numbers or dates, turns to names once `part` comes after it.
    pub(super) fn turns_to_words(&self, part: &Column) -> bool {
        match (&self.cells, &part.cells) {
            (Cells::Numbers(_) | Cells::Dates(_), Cells::Words(_)) => true,
            (Cells::Numbers(_), Cells::Dates(_)) => self.numeric > 0,
            (Cells::Dates(_), Cells::Numbers(_)) => part.numeric > 0,
            _ => false,
        }
    }

    /// Adds the cells that come next, as if they had been pushed one by one. `part` has the same kind.
    pub(super) fn append(&mut self, mut part: Column) {
        let rows = self.rows() + part.rows();
        if self.turns_to_words(&part) {
            self.become_words();
        }
        match (&self.cells, &part.cells) {
            (Cells::Words(_), _) => part.become_words(),
            (Cells::Numbers(_), Cells::Dates(_)) => self.become_dates(),
            _ => {}
        }
        match (&mut self.cells, part.cells) {
            (Cells::Numbers(cells), Cells::Numbers(more))
            | (Cells::Dates(cells), Cells::Dates(more) | Cells::Numbers(more)) => cells.extend(more),
            (Cells::Words(words), Cells::Words(more)) => words.append(more),
            (Cells::Keys(keys), Cells::Keys(more)) => keys.extend(more),
            (Cells::Gone { rows: known, .. }, _) => *known = rows,
            (_, _) => self.cells = Cells::Gone { rows, different: 0 },
        }
        self.numeric += part.numeric;
        self.dates += part.dates;
        self.words += part.words;
        self.empties += part.empties;
        let first = |mine: &mut Option<Found>, other: Option<Found>| *mine = mine.take().or(other);
        self.first_number = self.first_number.or(part.first_number);
        first(&mut self.first_date, part.first_date);
        first(&mut self.first_word, part.first_word);
        first(&mut self.first_not_finite, part.first_not_finite);
        self.first_empty = self.first_empty.or(part.first_empty);
        self.drop_too_many(rows);
    }

    /// From too many names among so many `rows` to none.
    fn drop_too_many(&mut self, rows: usize) {
        if let Cells::Words(words) = &self.cells {
            let different = words.names.len();
            if self.asked.is_none() && different > MANY && different * 2 > rows {
                self.cells = Cells::Gone { rows, different };
            }
        }
    }

    pub(super) fn rows(&self) -> usize {
        match &self.cells {
            Cells::Numbers(cells) | Cells::Dates(cells) => self.taken + cells.len(),
            Cells::Words(words) => self.taken + words.codes.len(),
            Cells::Keys(keys) => self.taken + keys.len(),
            Cells::Gone { rows, .. } => *rows,
        }
    }

    /// The cells that were not taken.
    pub(super) fn cells(&self) -> &Cells {
        &self.cells
    }

    /// The same, for good.
    pub(super) fn into_cells(self) -> Cells {
        self.cells
    }

    /// Takes the first `rows` of them out; of words the codes alone.
    pub(super) fn take(&mut self, rows: usize) -> Cells {
        self.taken += rows;
        match &mut self.cells {
            Cells::Numbers(cells) => Cells::Numbers(cells.drain(..rows).collect()),
            Cells::Dates(cells) => Cells::Dates(cells.drain(..rows).collect()),
            Cells::Words(words) => {
                Cells::Words(Words { codes: words.codes.drain(..rows).collect(), ..Words::default() })
            }
            Cells::Keys(keys) => Cells::Keys(keys.drain(..rows).collect()),
            Cells::Gone { .. } => Cells::Gone { rows, different: 0 },
        }
    }

    /// From numbers or dates to names, those that were taken first: `earlier` names them.
    pub(super) fn become_words_after<E>(&mut self, earlier: impl FnOnce(&mut Words) -> Result<(), E>) -> Result<(), E> {
        let mut words = Words::default();
        earlier(&mut words)?;
        words.codes = match &self.cells {
            Cells::Numbers(numbers) => words.codes_of(numbers),
            Cells::Dates(dates) => words.codes_of_dates(dates),
            _ => return Ok(()),
        };
        self.cells = Cells::Words(words);
        Ok(())
    }

    /// The cells as names, numbers too.
    pub(super) fn into_words(mut self) -> Words {
        self.asked = Some(Kind::Category);
        self.become_words();
        match self.cells {
            Cells::Words(words) => words,
            _ => Words::default(),
        }
    }

    /// The cells if they are all numbers.
    pub(super) fn numbers(&self) -> Option<&[f64]> {
        match &self.cells {
            Cells::Numbers(numbers) => Some(numbers),
            _ => None,
        }
    }

    /// The column, of the type that was asked for or that its cells say. `wrong` makes an error of the cell found in
    /// place of what was expected, and a hint.
    pub(super) fn finish(
        self,
        name: &str,
        wrong: impl Fn(&Found, &str, &str) -> InputError,
    ) -> Result<Values, InputError> {
        let rows = self.rows();
        if self.asked == Some(Kind::Ignored) {
            return Ok(Values::Ignored { rows, reason: Reason::Asked });
        }
        let (numeric, dates, known) = (self.numeric, self.dates, self.numeric + self.dates + self.words);
        let category = |words: Words| Values::Categories { codes: words.codes, names: words.names };
        if self.asked == Some(Kind::Category) {
            return Ok(category(self.into_words()));
        }
        if let Some(found) = self.mistake() {
            let is_of_dates = self.asked == Some(Kind::Date) || (self.asked.is_none() && dates > numeric);
            return Err(match (self.asked, number::parse(found.text.as_bytes())) {
                (asked, _) if is_of_dates => {
                    let as_known = || format!("as {dates} other cells of the column are");
                    let expected = asked.map_or_else(as_known, |_| "as in training".to_owned());
                    let expected = format!("a date such as 2024-01-31, {expected}");
                    let hint = match asked {
                        Some(_) => "correct the cell, or leave it empty".to_owned(),
                        None => {
                            format!("correct the cell, leave it empty, or take the dates for names: --category {name}")
                        }
                    };
                    wrong(&found, &expected, &hint)
                }
                (_, Some(x)) if x.is_finite() => {
                    wrong(&found, "a number up to 3.4e38 in size", "write the column in a larger unit")
                }
                (_, Some(_)) => {
                    wrong(&found, "a finite number", "correct the cell, or leave it empty if the number is not known")
                }
                (Some(_), None) => wrong(&found, "a number, as in training", "correct the cell, or leave it empty"),
                (None, None) => {
                    let expected = format!("a number, as {numeric} other cells of the column are");
                    let hint = format!(
                        "correct the cell, leave it empty, or take the column's numbers for names: --category {name}"
                    );
                    wrong(&found, &expected, &hint)
                }
            });
        }
        match self.cells {
            Cells::Numbers(_) if numeric == 0 && self.asked.is_none() => {
                Ok(Values::Ignored { rows, reason: Reason::Empty })
            }
            Cells::Numbers(numbers) => Ok(Values::Numbers(numbers)),
            Cells::Dates(dates) => Ok(Values::Dates(dates)),
            Cells::Words(kept) if kept.names.len() <= FEW || kept.names.len() * 2 <= known => Ok(category(kept)),
            Cells::Words(kept) => {
                let reason = Reason::Words { different: kept.names.len(), cells: known };
                Ok(Values::Ignored { rows, reason })
            }
            Cells::Keys(_) => Ok(Values::Ignored { rows, reason: Reason::Split }),
            Cells::Gone { different, .. } => {
                let reason = Reason::Words { different, cells: known };
                Ok(Values::Ignored { rows, reason })
            }
        }
    }

    /// Whether it is of numbers and has a cell that is none.
    pub(super) fn is_mistaken(&self) -> bool {
        matches!(self.asked, Some(Kind::Number | Kind::Date)) && self.mistake().is_some()
    }

    /// The first cell that is no number.
    pub(super) fn first_no_number(&self) -> Option<&Found> {
        let others = [&self.first_word, &self.first_not_finite, &self.first_date];
        others.into_iter().flatten().min_by_key(|found| found.byte)
    }

    /// The first cell that is no date.
    fn first_no_date(&self) -> Option<Found> {
        let number = self.first_number.map(|(byte, number)| Found { byte, text: spelled(number) });
        let others = [self.first_word.clone(), self.first_not_finite.clone(), number];
        others.into_iter().flatten().min_by_key(|found| found.byte)
    }

    /// The cell that is none where numbers or dates are meant.
    fn mistake(&self) -> Option<Found> {
        let no_number = || self.first_no_number().cloned();
        match self.asked {
            Some(Kind::Number) => return no_number(),
            Some(Kind::Date) => return self.first_no_date(),
            _ if self.first_word.is_none() && self.dates == 0 => return no_number(),
            _ => {}
        }
        let cells = (self.numeric + self.dates + self.words) as f64;
        let names = |is: &dyn Fn(&Words) -> usize| match &self.cells {
            Cells::Words(words) => words.names.len() > FEW && is(words) * 2 > words.names.len(),
            _ => false,
        };
        let numbers = |words: &Words| words.values.iter().flatten().count();
        let dates = |words: &Words| words.are_dates.iter().filter(|&&is_date| is_date).count();
        if self.numeric as f64 >= MOSTLY * cells || names(&numbers) {
            no_number()
        } else if self.dates as f64 >= MOSTLY * cells || names(&dates) {
            self.first_no_date()
        } else {
            None
        }
    }
}
