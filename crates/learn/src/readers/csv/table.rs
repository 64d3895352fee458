//! The rows of a CSV file in turn, all of one width, each cell with its place.

use crate::{
    input_error::{InputError, excerpt},
    readers::gzip,
};
use csv::{ByteRecord, Reader, ReaderBuilder};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    fs,
    io::{BufReader, Cursor, Read},
    path::{Path, PathBuf},
};

/// A file being read: at a row, or before the first.
pub(super) struct Table {
    path: PathBuf,
    reader: Reader<Box<dyn Read + Send>>,
    /// Up to two rows read ahead: enough to tell a header.
    ahead: VecDeque<ByteRecord>,
    row: ByteRecord,
    names: Vec<String>,
}

/// Whether this is written as a number, finite or not.
pub(super) fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok()
}

/// A cell as text without the spaces around it; empty if it is no UTF-8.
fn loosely(cell: &[u8]) -> &str {
    str::from_utf8(cell).unwrap_or_default().trim()
}

/// The file's text, unpacked, without the mark that some editors begin UTF-8 with: the CSV
/// reader knows it only where the first read returns all of it.
fn open(path: &Path) -> Result<Box<dyn Read + Send>, InputError> {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    let mut file = gzip::open(path)?;
    let mut start = Vec::new();
    let mark = file.by_ref().take(MARK.len() as u64).read_to_end(&mut start);
    mark.map_err(|e| gzip::error(path, &e))?;
    if start == MARK {
        start.clear();
    }
    Ok(Box::new(Cursor::new(start).chain(file)))
}

impl Table {
    /// Opens `path`, the columns named by their numbers from 0.
    pub(super) fn open(path: &Path) -> Result<Self, InputError> {
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true) // uneven rows are for us to report
            .from_reader(open(path)?);
        let mut table =
            Self { path: path.to_owned(), reader, ahead: VecDeque::new(), row: ByteRecord::new(), names: Vec::new() };
        while table.ahead.len() < 2 && table.read()? {
            let row = std::mem::take(&mut table.row);
            table.ahead.push_back(row);
        }
        let Some(first) = table.ahead.front() else {
            return Err(InputError::new(table.place(), "a table", "an empty file", "give a CSV file with rows"));
        };
        if table.ahead.iter().any(|row| row.as_slice().contains(&0)) {
            return Err(InputError::new(
                table.place(),
                "a table as text",
                "binary data",
                "give a CSV file, plain or gzipped",
            ));
        }
        table.names = (0..first.len()).map(|at| at.to_string()).collect();
        Ok(table)
    }

    /// The columns' names.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// The file's name, for messages.
    pub(super) fn place(&self) -> String {
        self.path.display().to_string()
    }

    /// The cells of the first row.
    pub(super) fn first(&self) -> HashSet<&str> {
        self.ahead.front().into_iter().flatten().map(loosely).collect()
    }

    /// Whether the first row has a separator of another country's.
    pub(super) fn starts_with_other_separator(&self) -> bool {
        let first = self.ahead.front().map(ByteRecord::as_slice);
        first.is_some_and(|row| row.contains(&b';') || row.contains(&b'\t'))
    }

    /// Whether the first row has a word where the second has a number; a first row that is
    /// alone, whether it is all words.
    pub(super) fn looks_headed(&self) -> bool {
        // Marks of a missing number stand in rows, not in headers.
        const GAPS: [&str; 6] = ["na", "n/a", "null", "none", "?", "-"];
        let word = |cell: &[u8]| {
            let text = loosely(cell);
            !text.is_empty() && !is_number(text) && !GAPS.iter().any(|g| text.eq_ignore_ascii_case(g))
        };
        match (self.ahead.front(), self.ahead.get(1)) {
            (Some(first), Some(second)) => {
                let mut pairs = first.iter().zip(second);
                pairs.any(|(above, below)| word(above) && is_number(loosely(below)))
            }
            (Some(first), None) => first.iter().all(word),
            _ => false,
        }
    }

    /// Takes the first row as the columns' names; a column without one keeps its number.
    pub(super) fn take_header(&mut self) -> Result<(), InputError> {
        self.advance()?;
        let mut names = Vec::with_capacity(self.names.len());
        let mut places = HashMap::new();
        for at in 0..self.names.len() {
            let text = self.text(at)?;
            let name = if text.is_empty() { self.names[at].clone() } else { text.to_owned() };
            if let Some(before) = places.insert(name.clone(), at) {
                return Err(InputError::new(
                    format!("{}, header", self.place()),
                    "each column name once",
                    format!("{} in columns {before} and {at}", excerpt(&name)),
                    "rename or remove one of the two",
                ));
            }
            names.push(name);
        }
        self.names = names;
        Ok(())
    }

    /// Complains where the header is all there is.
    pub(super) fn require_rows(&self) -> Result<(), InputError> {
        if self.ahead.is_empty() {
            return Err(InputError::new(
                self.place(),
                "rows below the header",
                "only a header",
                "add rows; a table without a header needs numbers in its first row",
            ));
        }
        Ok(())
    }

    /// Goes to the next row; false after the last.
    pub(super) fn advance(&mut self) -> Result<bool, InputError> {
        match self.ahead.pop_front() {
            Some(row) => self.row = row,
            None if self.read()? => {}
            None => return Ok(false),
        }
        let (expected, found) = (self.names.len(), self.row.len());
        if found != expected {
            return Err(InputError::new(
                self.line(self.byte()),
                format!("{expected} cells, as in the first row"),
                found.to_string(),
                "look for a missing comma, one too many, or a quote that is not closed",
            ));
        }
        Ok(true)
    }

    fn read(&mut self) -> Result<bool, InputError> {
        self.reader.read_byte_record(&mut self.row).map_err(|e| match e.kind() {
            csv::ErrorKind::Io(e) => gzip::error(&self.path, e),
            _ => InputError::new(self.place(), "a table", e.to_string(), "correct the file"),
        })
    }

    /// Where in the file the row starts.
    pub(super) fn byte(&self) -> u64 {
        self.row.position().map_or(0, csv::Position::byte)
    }

    /// The row's cell as text, without the spaces around it.
    pub(super) fn text(&self, column: usize) -> Result<&str, InputError> {
        let cell = self.row.get(column).unwrap_or_default();
        match str::from_utf8(cell) {
            Ok(text) => Ok(text.trim()),
            Err(e) => {
                let at = e.valid_up_to();
                let found = format!("byte {:#04x} at byte {at} of the cell", cell[at]);
                let hint = "save the file as UTF-8";
                Err(self.wrong(self.byte(), column, "UTF-8 text", found, hint))
            }
        }
    }

    /// The row's cell as a finite number.
    pub(super) fn number(&self, column: usize) -> Result<f32, InputError> {
        let text = self.text(column)?;
        let number = text.parse::<f32>();
        if let Some(number) = number.as_ref().ok().filter(|x| x.is_finite()) {
            return Ok(*number);
        }
        let (expected, found, hint) = match number {
            _ if text.is_empty() => return Err(self.empty(column, "a number")),
            Ok(_) if text.parse::<f64>().is_ok_and(f64::is_finite) => {
                ("a number up to 3.4e38 in size", excerpt(text), "write the column in a larger unit")
            }
            Ok(_) => ("a finite number", excerpt(text), "correct the cell, or remove the row"),
            Err(_) if self.byte() == 0 => {
                let hint = "if the line is no row, remove it; if it names the columns, leave --no-header out";
                ("a number", excerpt(text), hint)
            }
            Err(_) => {
                ("a number", excerpt(text), "correct the cell; a column of words must be removed or written as numbers")
            }
        };
        Err(self.wrong(self.byte(), column, expected, found, hint))
    }

    /// The complaint about an empty cell.
    pub(super) fn empty(&self, column: usize, expected: &str) -> InputError {
        let hint = "fill the cell, or remove the row or the column";
        self.wrong(self.byte(), column, expected, "an empty cell".into(), hint)
    }

    /// A complaint about a cell of the row that starts at `byte`.
    pub(super) fn wrong(&self, byte: u64, column: usize, expected: &str, found: String, hint: &str) -> InputError {
        let name = self.names.get(column).map_or(String::new(), |name| excerpt(name));
        InputError::new(format!("{}, column {name}", self.line(byte)), expected, found, hint)
    }

    /// The file and the line, as an editor counts, of the row that starts at `byte`.
    ///
    /// The file is read a second time for it: only a row with an error needs a line, and the
    /// CSV reader's own count stops short of a carriage return's partner and of blank lines.
    fn line(&self, byte: u64) -> String {
        match self.count_lines(byte) {
            Some(line) => format!("{}, line {line}", self.place()),
            None => format!("{}, byte {byte}", self.place()),
        }
    }

    fn count_lines(&self, byte: u64) -> Option<u64> {
        // A pipe is not there a second time.
        if !fs::metadata(&self.path).ok()?.is_file() {
            return None;
        }
        let mut line = 1;
        for (at, found) in (0..).zip(BufReader::new(open(&self.path).ok()?).bytes()) {
            match found.ok()? {
                b'\n' => line += 1,
                b'\r' => {}
                _ if at >= byte => break,
                _ => {}
            }
        }
        Some(line)
    }
}
