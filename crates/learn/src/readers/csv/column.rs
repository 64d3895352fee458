//! One column as it grows: numbers as long as its cells are numbers, from the first word on categories.
//!
//! What it is, only the whole column can tell:
//!
//! | cells | column |
//! | --- | --- |
//! | numbers and empty cells | numbers |
//! | words of at most 20 kinds, or each twice or more on average | categories |
//! | words that nearly never come twice, or only empty cells | passed over |
//! | a few words among many numbers | an error with the place of the first |
//!
//! An empty cell holds nothing, or `NA`, `N/A`, `null` or `?`. Among categories a number is its shortest spelling, so that
//! `1.0` is `1`: other programs write whole numbers so once a cell of the column is empty.

use super::{FEW, keys::Key, number};
use crate::columns::{EMPTY, Reason, Values};
use crate::input_error::InputError;
use std::collections::HashMap;

/// What a column is to be, if it is not for its cells to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Numbers, nothing else.
    Number,
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
    /// Cells that are finite numbers, and that are words; of numbers alone the first is not counted.
    pub(super) numeric: usize,
    pub(super) words: usize,
    pub(super) empties: usize,
    pub(super) first_word: Option<Found>,
    /// The first infinite or undefined number, which is counted as a word.
    pub(super) first_not_finite: Option<Found>,
    pub(super) first_empty: Option<u64>,
}

#[derive(Debug)]
pub(super) enum Cells {
    Numbers(Vec<f64>),
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
    /// The number of each spelling, and of each name.
    numbers: HashMap<Box<[u8]>, u32>,
}

impl Words {
    /// The number of the name, a new one if need be.
    fn name(&mut self, name: &str, value: Option<f64>) -> u32 {
        if let Some(&code) = self.numbers.get(name.as_bytes()) {
            return code;
        }
        // The rows are counted in 32 bits, and each has one name at most.
        let code = self.names.len() as u32;
        self.names.push(name.to_owned());
        self.values.push(value);
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
            *known.entry(number.to_bits()).or_insert_with(|| self.name(&spelled(number), Some(number)))
        };
        numbers.iter().map(code).collect()
    }

    /// Adds the cells that come next.
    fn append(&mut self, more: Words) {
        let renamed: Vec<u32> =
            more.names.iter().zip(more.values).map(|(name, value)| self.name(name, value)).collect();
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
            Some(Kind::Category) => Cells::Words(Words::default()),
            Some(Kind::Key(_)) => Cells::Keys(Vec::new()),
            Some(Kind::Ignored) => Cells::Gone { rows: 0, different: 0 },
        };
        let (first_word, first_not_finite, first_empty) = (None, None, None);
        Column { asked, cells, taken: 0, numeric: 0, words: 0, empties: 0, first_word, first_not_finite, first_empty }
    }

    /// Adds the cell of the row that starts at `byte`.
    #[inline]
    pub(super) fn push(&mut self, cell: &[u8], byte: u64) -> Result<(), Unreadable> {
        if let Cells::Numbers(numbers) = &mut self.cells
            && let Some(number) = number::parse(cell).filter(|number| number.abs() <= f64::from(f32::MAX))
        {
            numbers.push(number);
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
            match (code == EMPTY, words.values.get(code as usize)) {
                (true, _) => self.empties += 1,
                (_, Some(Some(_))) => self.numeric += 1,
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
                Cells::Numbers(numbers) => numbers.push(f64::NAN),
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
        let spoken = number::parse(text.as_bytes());
        let value = spoken.filter(|number| number.abs() <= f64::from(f32::MAX));
        let found = || Found { byte, text: text.to_owned() };
        match (value, spoken) {
            (Some(_), _) => self.numeric += 1,
            (None, Some(_)) => {
                self.first_not_finite.get_or_insert_with(found);
                self.words += 1;
            }
            (None, None) => {
                self.first_word.get_or_insert_with(found);
                self.words += 1;
            }
        }
        if self.asked == Some(Kind::Number) {
            // The first word is an error once the column ends: the cell itself is of no use.
            self.cells = Cells::Gone { rows: self.rows() + 1, different: 0 };
            return Ok(());
        }
        self.become_words();
        if let Cells::Words(words) = &mut self.cells {
            let code = match value {
                Some(value) => words.name(&spelled(value), Some(value)),
                None => words.name(text, None),
            };
            words.numbers.entry(cell.into()).or_insert(code);
            words.codes.push(code);
        } else if let Cells::Gone { rows, .. } = &mut self.cells {
            *rows += 1;
        }
        Ok(())
    }

    /// From numbers to names.
    fn become_words(&mut self) {
        if let Cells::Numbers(numbers) = &self.cells {
            let mut words = Words::default();
            words.codes = words.codes_of(numbers);
            self.cells = Cells::Words(words);
        }
    }

    /// Adds the cells that come next, as if they had been pushed one by one. `part` has the same kind.
    pub(super) fn append(&mut self, mut part: Column) {
        let rows = self.rows() + part.rows();
        match (&self.cells, &part.cells) {
            (Cells::Numbers(_), Cells::Words(_)) => self.become_words(),
            (Cells::Words(_), Cells::Numbers(_)) => part.become_words(),
            _ => {}
        }
        match (&mut self.cells, part.cells) {
            (Cells::Numbers(cells), Cells::Numbers(more)) => cells.extend(more),
            (Cells::Words(words), Cells::Words(more)) => words.append(more),
            (Cells::Keys(keys), Cells::Keys(more)) => keys.extend(more),
            (Cells::Gone { rows: known, .. }, _) => *known = rows,
            (_, _) => self.cells = Cells::Gone { rows, different: 0 },
        }
        self.numeric += part.numeric;
        self.words += part.words;
        self.empties += part.empties;
        let first = |mine: &mut Option<Found>, other: Option<Found>| *mine = mine.take().or(other);
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
            Cells::Numbers(numbers) => self.taken + numbers.len(),
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
            Cells::Numbers(numbers) => Cells::Numbers(numbers.drain(..rows).collect()),
            Cells::Words(words) => {
                Cells::Words(Words { codes: words.codes.drain(..rows).collect(), ..Words::default() })
            }
            Cells::Keys(keys) => Cells::Keys(keys.drain(..rows).collect()),
            Cells::Gone { .. } => Cells::Gone { rows, different: 0 },
        }
    }

    /// From numbers to names, those that were taken first: `earlier` names them.
    pub(super) fn become_words_after<E>(&mut self, earlier: impl FnOnce(&mut Words) -> Result<(), E>) -> Result<(), E> {
        if let Cells::Numbers(numbers) = &self.cells {
            let mut words = Words::default();
            earlier(&mut words)?;
            words.codes = words.codes_of(numbers);
            self.cells = Cells::Words(words);
        }
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
        let (numeric, words) = (self.numeric, self.words);
        let category = |words: Words| Values::Categories { codes: words.codes, names: words.names };
        if self.asked == Some(Kind::Category) {
            return Ok(category(self.into_words()));
        }
        if let Some(found) = self.mistake() {
            return Err(match (self.asked, number::parse(found.text.as_bytes())) {
                (_, Some(x)) if x.is_finite() => {
                    wrong(found, "a number up to 3.4e38 in size", "write the column in a larger unit")
                }
                (_, Some(_)) => {
                    wrong(found, "a finite number", "correct the cell, or leave it empty if the number is not known")
                }
                (Some(_), None) => wrong(found, "a number, as in training", "correct the cell, or leave it empty"),
                (None, None) => {
                    let expected = format!("a number, as {numeric} other cells of the column are");
                    let hint = format!(
                        "correct the cell, leave it empty, or take the column's numbers for names: --category {name}"
                    );
                    wrong(found, &expected, &hint)
                }
            });
        }
        match self.cells {
            Cells::Numbers(_) if numeric == 0 && self.asked.is_none() => {
                Ok(Values::Ignored { rows, reason: Reason::Empty })
            }
            Cells::Numbers(numbers) => Ok(Values::Numbers(numbers)),
            Cells::Words(kept) if kept.names.len() <= FEW || kept.names.len() * 2 <= numeric + words => {
                Ok(category(kept))
            }
            Cells::Words(kept) => {
                let reason = Reason::Words { different: kept.names.len(), cells: numeric + words };
                Ok(Values::Ignored { rows, reason })
            }
            Cells::Keys(_) => Ok(Values::Ignored { rows, reason: Reason::Split }),
            Cells::Gone { different, .. } => {
                let reason = Reason::Words { different, cells: numeric + words };
                Ok(Values::Ignored { rows, reason })
            }
        }
    }

    /// Whether it is of numbers and has a cell that is none.
    pub(super) fn is_mistaken(&self) -> bool {
        self.asked == Some(Kind::Number) && self.mistake().is_some()
    }

    /// The cell that is a word where numbers are meant.
    fn mistake(&self) -> Option<&Found> {
        let first = match (&self.first_word, &self.first_not_finite) {
            (Some(word), Some(other)) if other.byte < word.byte => Some(other),
            (word, other) => word.as_ref().or(other.as_ref()),
        };
        if self.asked == Some(Kind::Number) || self.first_word.is_none() {
            return first;
        }
        let cells = (self.numeric + self.words) as f64;
        let mostly = self.numeric as f64 >= MOSTLY * cells;
        let by_kind = match &self.cells {
            Cells::Words(words) => {
                let numbers = words.values.iter().filter(|value| value.is_some()).count();
                words.names.len() > FEW && numbers * 2 > words.names.len()
            }
            _ => false,
        };
        first.filter(|_| mostly || by_kind)
    }
}
