//! The rows of a CSV file in turn, all of one width, each cell with its place.

use super::{column::Unreadable, delimiter, number, quotes, quotes::Quotes};
use crate::{
    input_error::{InputError, excerpt},
    readers::gzip,
};
use csv::{ByteRecord, Reader, ReaderBuilder};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    fs,
    io::{self, BufReader, Cursor, Read},
    path::{Path, PathBuf},
};

/// The reader's share of the file in memory.
const BUFFER: usize = 256 << 10;

/// A file being read: at a row, or before the first.
pub(super) struct Table {
    path: PathBuf,
    reader: Reader<Quotes<Box<dyn Read + Send>>>,
    delimiter: u8,
    /// Up to two rows read ahead: enough to tell a header.
    ahead: VecDeque<ByteRecord>,
    row: ByteRecord,
    names: Vec<String>,
}

/// Whether this is written as a number, finite or not.
pub(super) fn is_number(text: &str) -> bool {
    number::parse(text.as_bytes()).is_some()
}

/// A cell as text without the spaces around it; empty if it is no UTF-8.
fn loosely(cell: &[u8]) -> &str {
    str::from_utf8(cell).unwrap_or_default().trim()
}

/// The file's text, unpacked, without the mark that some editors begin UTF-8 with: the CSV
/// reader knows it only where the first read returns all of it. With it how long the mark is.
fn open(path: &Path) -> Result<(Box<dyn Read + Send>, u64), InputError> {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    let mut file = gzip::open(path)?;
    let mut start = Vec::new();
    let mark = file.by_ref().take(MARK.len() as u64).read_to_end(&mut start);
    mark.map_err(|e| gzip::error(path, &e))?;
    if start == MARK {
        return Ok((file, MARK.len() as u64));
    }
    Ok((Box::new(Cursor::new(start).chain(file)), 0))
}

/// What the delimiter is guessed from.
const START: u64 = 64 << 10;

/// What the file's ending says: tabs in `.tsv` and `.tab`.
fn by_ending(path: &Path) -> Option<u8> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let name = name.trim_end_matches(".gz");
    (name.ends_with(".tsv") || name.ends_with(".tab")).then_some(b'\t')
}

impl Table {
    /// Opens `path`, the columns named by their numbers from 0. A `delimiter` that is not given is told from the
    /// ending or else from the first lines.
    pub(super) fn open(path: &Path, delimiter: Option<u8>) -> Result<Self, InputError> {
        let (mut text, _) = open(path)?;
        let mut start = Vec::new();
        text.by_ref().take(START).read_to_end(&mut start).map_err(|e| gzip::error(path, &e))?;
        let whole = (start.len() as u64) < START;
        let delimiter = delimiter.or_else(|| by_ending(path)).unwrap_or_else(|| delimiter::guess(&start, whole));
        let text: Box<dyn Read + Send> = Box::new(Cursor::new(start).chain(text));
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true) // uneven rows are for us to report
            .delimiter(delimiter)
            .buffer_capacity(BUFFER)
            .from_reader(Quotes::new(text));
        let (ahead, row, names) = (VecDeque::new(), ByteRecord::new(), Vec::new());
        let mut table = Self { path: path.to_owned(), reader, delimiter, ahead, row, names };
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

    /// What stands between the cells, in words.
    pub(super) fn delimiter(&self) -> String {
        match self.delimiter {
            b'\t' => "a tab".to_owned(),
            other => format!("'{}'", char::from(other)),
        }
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
            if self.row.as_slice().contains(&b'\n') {
                self.expect_closed_quotes()?;
            }
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
        let more = self.reader.read_byte_record(&mut self.row).map_err(|e| match e.kind() {
            csv::ErrorKind::Io(e) => gzip::error(&self.path, e),
            _ => InputError::new(self.place(), "a table", e.to_string(), "correct the file"),
        })?;
        if !more && self.reader.get_ref().odd() {
            self.expect_closed_quotes()?;
        }
        Ok(more)
    }

    /// Complains about a quote that swallowed the rest of the file. The CSV reader takes the end for its other half.
    fn expect_closed_quotes(&self) -> Result<(), InputError> {
        let opened = open(&self.path).ok().and_then(|(text, _)| quotes::unclosed(text, self.delimiter));
        let Some(opened) = opened else { return Ok(()) };
        Err(InputError::new(
            self.line(opened),
            "a quote that is closed",
            "the end of the file within it",
            "close the quote; within a quoted cell a quote is written twice",
        ))
    }

    /// The row's cells.
    pub(super) fn cells(&self) -> impl Iterator<Item = &[u8]> {
        self.row.iter()
    }

    /// Where in the file the row starts.
    pub(super) fn byte(&self) -> u64 {
        self.row.position().map_or(0, csv::Position::byte)
    }

    /// The row's cell as text, without the spaces around it.
    fn text(&self, column: usize) -> Result<&str, InputError> {
        let cell = self.row.get(column).unwrap_or_default();
        let text = str::from_utf8(cell).map_err(|_| self.unreadable(column, Unreadable::NotUtf8))?;
        Ok(text.trim())
    }

    /// The complaint about a cell of the row that is no text.
    pub(super) fn unreadable(&self, column: usize, why: Unreadable) -> InputError {
        match why {
            Unreadable::Nul => {
                let hint = "the file may be binary or damaged, or UTF-16: save it as UTF-8 text";
                self.wrong(self.byte(), column, "text", "a NUL byte".to_owned(), hint)
            }
            Unreadable::NotUtf8 => {
                let found = match self.first_invalid() {
                    Some((at, byte)) => format!("byte {byte:#04x} at byte {at} of the text"),
                    None => "bytes that are no UTF-8".to_owned(),
                };
                self.wrong(self.byte(), column, "UTF-8 text", found, "save the file as UTF-8")
            }
        }
    }

    /// The first byte from the row on that is no UTF-8, with its place in the unpacked file.
    fn first_invalid(&self) -> Option<(u64, u8)> {
        let (mut text, mark) = open(&self.path).ok().filter(|_| self.is_file())?;
        let from = self.byte();
        io::copy(&mut text.by_ref().take(from), &mut io::sink()).ok()?;
        // The row's cells, their quotes and delimiters.
        let most = 2 * self.row.as_slice().len() as u64 + 4 * self.row.len() as u64 + 16;
        let mut row = Vec::new();
        text.take(most).read_to_end(&mut row).ok()?;
        let at = str::from_utf8(&row).err()?.valid_up_to();
        Some((mark + from + at as u64, *row.get(at)?))
    }

    fn is_file(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|meta| meta.is_file())
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
        let (text, _) = open(&self.path).ok().filter(|_| self.is_file())?;
        let mut line = 1;
        for (at, found) in (0..).zip(BufReader::new(text).bytes()) {
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
