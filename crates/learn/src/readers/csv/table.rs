//! A CSV file: what all its rows have in common, its first rows, and then blocks of rows, all of one width, each cell with its
//! place.

use super::{
    blocks::{Block, Blocks, Cut, lines},
    column::{Column, Unreadable},
    delimiter, number, quotes,
};
use crate::{
    calendar,
    input_error::{InputError, excerpt},
    readers::{standard_input, table_text},
};
use csv::{ByteRecord, ReaderBuilder};
use std::{
    collections::{HashMap, HashSet},
    fs,
    io::{self, BufReader, Cursor, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

/// What the rows of a file have in common, and complaints about them with their place.
#[derive(Clone)]
pub(super) struct Sheet {
    path: PathBuf,
    delimiter: u8,
    names: Vec<String>,
    /// Whether complaints go without lines, for which the file is read a second time.
    is_quiet: bool,
    /// How long the mark at its beginning is.
    mark: u64,
    /// The rows at hand of a text that cannot be read a second time.
    at_hand: Option<Arc<AtHand>>,
}

/// Rows of a text, where they begin in it, and on which line.
struct AtHand {
    text: Vec<u8>,
    at: u64,
    line: u64,
}

/// A file being read.
pub(super) struct Table {
    pub(super) sheet: Sheet,
    blocks: Blocks,
    /// The first two rows or more, if the file has as many.
    first: Option<Block>,
    /// Up to two rows read ahead: enough to tell a header.
    ahead: Vec<ByteRecord>,
    /// How many of them are no rows but names.
    headers: usize,
    /// Whether the file itself says that the first row has names.
    is_named: bool,
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
    let mut file = table_text::open(path)?;
    let mut start = Vec::new();
    let mark = file.by_ref().take(MARK.len() as u64).read_to_end(&mut start);
    mark.map_err(|e| table_text::error(path, &e))?;
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
        let (mut text, mark) = open(path)?;
        let mut start = Vec::new();
        text.by_ref().take(START).read_to_end(&mut start).map_err(|e| table_text::error(path, &e))?;
        let whole = (start.len() as u64) < START;
        let is_named = table_text::is_parquet(path);
        let delimiter = if is_named { Some(b',') } else { delimiter };
        let delimiter = delimiter.or_else(|| by_ending(path)).unwrap_or_else(|| delimiter::guess(&start, whole));
        let text: Box<dyn Read + Send> = Box::new(Cursor::new(start).chain(text));
        let path = path.to_owned();
        let sheet = Sheet { path, delimiter, names: Vec::new(), is_quiet: false, mark, at_hand: None };
        let (blocks, ahead) = (Blocks::new(&sheet.path, text, delimiter, !sheet.is_there_again()), Vec::new());
        let mut table = Table { sheet, blocks, first: None, ahead, headers: 0, is_named };
        table.look_ahead()?;
        let Some(first) = table.ahead.first() else {
            return Err(InputError::new(table.sheet.place(), "a table", "an empty file", "give a CSV file with rows"));
        };
        if table.ahead.iter().any(|row| row.as_slice().contains(&0)) {
            return Err(InputError::new(
                table.sheet.place(),
                "a table as text",
                "binary data",
                "give a CSV file, plain or gzipped",
            ));
        }
        table.sheet.names = (0..first.len()).map(|at| at.to_string()).collect();
        Ok(table)
    }

    /// Reads the first two rows; they are left in the first block.
    fn look_ahead(&mut self) -> Result<(), InputError> {
        while let Some(more) = next(&mut self.blocks, &self.sheet)? {
            let mut block = match self.first.take() {
                None => more,
                Some(first) => Block { text: [first.text, more.text].concat(), ..first },
            };
            let mut rows = self.sheet.rows(&block);
            self.ahead.clear();
            while self.ahead.len() < 2 {
                let mut row = ByteRecord::new();
                if !rows.read_byte_record(&mut row).map_err(|e| self.sheet.broken(e))? {
                    break;
                }
                self.ahead.push(row);
            }
            block.text.shrink_to_fit();
            self.first = Some(block);
            if self.ahead.len() == 2 {
                break;
            }
        }
        Ok(())
    }

    /// The rows behind the header, a block at a time; none after the last.
    pub(super) fn next_block(&mut self) -> Result<Option<Block>, InputError> {
        let Some(mut first) = self.first.take() else { return next(&mut self.blocks, &self.sheet) };
        if self.headers > 0 {
            let start = self.ahead.get(1).map_or(first.text.len(), |row| place(row) as usize);
            let headers: Vec<u8> = first.text.drain(..start).collect();
            first.at += start as u64;
            first.line = first.line.map(|line| line + lines(&headers));
        }
        Ok(Some(first))
    }

    /// The table in two: for those who take blocks, and for those who read them.
    pub(super) fn split(mut self) -> (Sheet, impl FnMut() -> Result<Option<Block>, InputError> + Send) {
        (self.sheet.clone(), move || self.next_block())
    }

    /// The cells of the first row.
    pub(super) fn first(&self) -> HashSet<&str> {
        self.ahead.first().into_iter().flatten().map(loosely).collect()
    }

    /// Whether the first row has names, whatever it looks like.
    pub(super) fn is_named(&self) -> bool {
        self.is_named
    }

    /// Whether the first row has a word where the second has a number or a date; a first row that is
    /// alone, whether it is all words.
    pub(super) fn looks_headed(&self) -> bool {
        // Marks of a missing number stand in rows, not in headers.
        const GAPS: [&str; 6] = ["na", "n/a", "null", "none", "?", "-"];
        let value = |text: &str| is_number(text) || calendar::parse(text).is_some();
        let word = |cell: &[u8]| {
            let text = loosely(cell);
            !text.is_empty() && !value(text) && !GAPS.iter().any(|g| text.eq_ignore_ascii_case(g))
        };
        match (self.ahead.first(), self.ahead.get(1)) {
            _ if self.is_named => true,
            (Some(first), Some(second)) => {
                let mut pairs = first.iter().zip(second);
                pairs.any(|(above, below)| word(above) && value(loosely(below)))
            }
            (Some(first), None) => first.iter().all(word),
            _ => false,
        }
    }

    /// Takes the first row as the columns' names; a column without one keeps its number.
    pub(super) fn take_header(&mut self) -> Result<(), InputError> {
        let Self { sheet, ahead, headers, .. } = self;
        let Some(row) = ahead.first() else { return Ok(()) };
        let mut names = Vec::with_capacity(sheet.names.len());
        let mut places = HashMap::new();
        for (at, cell) in row.iter().enumerate() {
            let text = str::from_utf8(cell).map_err(|_| sheet.unreadable(row, 0, at, Unreadable::NotUtf8))?.trim();
            let name = if text.is_empty() { sheet.names[at].clone() } else { text.to_owned() };
            if let Some(before) = places.insert(name.clone(), at) {
                return Err(InputError::new(
                    format!("{}, header", sheet.place()),
                    "each column name once",
                    format!("{} in columns {before} and {at}", excerpt(&name)),
                    "rename or remove one of the two",
                ));
            }
            names.push(name);
        }
        (sheet.names, *headers) = (names, 1);
        Ok(())
    }

    /// Complains where the header is all there is.
    pub(super) fn require_rows(&self) -> Result<(), InputError> {
        if self.ahead.len() == self.headers {
            return Err(InputError::new(
                self.sheet.place(),
                "rows below the header",
                "only a header",
                "add rows; a table without a header needs numbers in its first row",
            ));
        }
        Ok(())
    }
}

/// A text from some byte on, which is on this line.
struct Again {
    text: Box<dyn Read + Send>,
    at: u64,
    line: u64,
}

/// The next block of rows.
fn next(blocks: &mut Blocks, sheet: &Sheet) -> Result<Option<Block>, InputError> {
    match blocks.next()? {
        Cut::Block(block) => Ok(Some(block)),
        Cut::End => Ok(None),
        Cut::Unclosed(block) => {
            sheet.with(&block).expect_closed_quotes()?;
            let hint = "close the quote; within a quoted cell a quote is written twice";
            Err(InputError::new(sheet.place(), "a quote that is closed", "the end of the text within one", hint))
        }
        Cut::TooLong => {
            let hint = "look for line ends that are none, or another kind of file";
            Err(InputError::new(sheet.place(), "rows of at most 64 MB", "a longer one", hint))
        }
    }
}

/// Where in its block a row starts.
fn place(row: &ByteRecord) -> u64 {
    row.position().map_or(0, csv::Position::byte)
}

impl Sheet {
    /// The columns' names.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// The file's name, for messages.
    pub(super) fn place(&self) -> String {
        if standard_input::is_meant(&self.path) { "standard input".to_owned() } else { self.path.display().to_string() }
    }

    /// What stands between the cells, in words.
    pub(super) fn delimiter(&self) -> String {
        match self.delimiter {
            b'\t' => "a tab".to_owned(),
            other => format!("'{}'", char::from(other)),
        }
    }

    /// The same, with complaints that cost nothing.
    pub(super) fn quiet(&self) -> Sheet {
        Sheet { is_quiet: true, ..self.clone() }
    }

    /// The same, with complaints that know their lines from the block, if there is no second reading.
    pub(super) fn with(&self, block: &Block) -> Sheet {
        let at_hand = |line| Arc::new(AtHand { text: block.text.clone(), at: block.at, line });
        Sheet { at_hand: block.line.map(at_hand), ..self.clone() }
    }

    /// Reads the rows of a block into `columns`; returns how many there are.
    ///
    /// # Errors
    /// If a row is of another length than the first, or a cell is no text.
    pub(super) fn read(&self, block: &Block, columns: &mut [Column]) -> Result<usize, InputError> {
        let mut count = 0;
        self.each_row(block, |row| {
            count += 1;
            self.push(row, block.at, columns)
        })?;
        Ok(count)
    }

    /// Hands the block's rows on, of any length.
    pub(super) fn each_row(
        &self,
        block: &Block,
        mut to: impl FnMut(&ByteRecord) -> Result<(), InputError>,
    ) -> Result<(), InputError> {
        let (mut rows, mut row) = (self.rows(block), ByteRecord::new());
        while rows.read_byte_record(&mut row).map_err(|e| self.broken(e))? {
            to(&row)?;
        }
        Ok(())
    }

    /// The block's rows, of any length.
    fn rows<'a>(&self, block: &'a Block) -> csv::Reader<&'a [u8]> {
        ReaderBuilder::new()
            .has_headers(false)
            .flexible(true) // uneven rows are for us to report
            .delimiter(self.delimiter)
            .from_reader(&block.text)
    }

    /// Adds a row of the block that begins at `from`.
    pub(super) fn push(&self, row: &ByteRecord, from: u64, columns: &mut [Column]) -> Result<(), InputError> {
        let byte = from + place(row);
        let (expected, found) = (self.names.len(), row.len());
        if found != expected {
            if !self.is_quiet && row.as_slice().contains(&b'\n') {
                self.expect_closed_quotes()?;
            }
            return Err(InputError::new(
                self.line(byte),
                format!("{expected} cells, as in the first row"),
                found.to_string(),
                "look for a missing comma, one too many, or a quote that is not closed",
            ));
        }
        for (at, (column, cell)) in columns.iter_mut().zip(row).enumerate() {
            column.push(cell, byte).map_err(|why| self.unreadable(row, from, at, why))?;
        }
        Ok(())
    }

    fn broken(&self, e: csv::Error) -> InputError {
        match e.into_kind() {
            csv::ErrorKind::Io(e) => table_text::error(&self.path, &e),
            other => InputError::new(self.place(), "a table", format!("{other:?}"), "correct the file"),
        }
    }

    /// Complains about a quote that swallowed the rest of the file. The CSV reader takes the end for its other half.
    fn expect_closed_quotes(&self) -> Result<(), InputError> {
        let Some(Again { text, at, .. }) = self.again() else { return Ok(()) };
        let Some(opened) = quotes::unclosed(text, self.delimiter) else { return Ok(()) };
        Err(InputError::new(
            self.line(at + opened),
            "a quote that is closed",
            "the end of the file within it",
            "close the quote; within a quoted cell a quote is written twice",
        ))
    }

    /// The complaint about a cell, of a row of the block that begins at `from`, that is no text.
    fn unreadable(&self, row: &ByteRecord, from: u64, column: usize, why: Unreadable) -> InputError {
        let byte = from + place(row);
        match why {
            Unreadable::Nul => {
                let hint = "the file may be binary or damaged, or UTF-16: save it as UTF-8 text";
                self.wrong(byte, column, "text", "a NUL byte".to_owned(), hint)
            }
            Unreadable::NotUtf8 => {
                let found = match self.first_invalid(row, byte) {
                    Some((at, byte)) => format!("byte {byte:#04x} at byte {at} of the text"),
                    None => "bytes that are no UTF-8".to_owned(),
                };
                self.wrong(byte, column, "UTF-8 text", found, "save the file as UTF-8")
            }
        }
    }

    /// The first byte from the row on that is no UTF-8, with its place in the unpacked file.
    fn first_invalid(&self, row: &ByteRecord, from: u64) -> Option<(u64, u8)> {
        let Again { mut text, at: begin, .. } = self.again()?;
        io::copy(&mut text.by_ref().take(from.checked_sub(begin)?), &mut io::sink()).ok()?;
        // The row's cells, their quotes and delimiters.
        let most = 2 * row.as_slice().len() as u64 + 4 * row.len() as u64 + 16;
        let mut bytes = Vec::new();
        text.take(most).read_to_end(&mut bytes).ok()?;
        let at = str::from_utf8(&bytes).err()?.valid_up_to();
        Some((self.mark + from + at as u64, *bytes.get(at)?))
    }

    /// Whether the text can be read a second time: a pipe is gone.
    pub(super) fn is_there_again(&self) -> bool {
        match standard_input::is_meant(&self.path) {
            true => standard_input::kept().is_some(),
            false => fs::metadata(&self.path).is_ok_and(|meta| meta.is_file()),
        }
    }

    /// The text once more, or what is at hand of it.
    fn again(&self) -> Option<Again> {
        if self.is_quiet {
            return None;
        }
        if let Some(here) = &self.at_hand {
            return Some(Again { text: Box::new(Cursor::new(here.text.clone())), at: here.at, line: here.line });
        }
        let (text, _) = open(&self.path).ok().filter(|_| self.is_there_again())?;
        Some(Again { text, at: 0, line: 1 })
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
        let Again { text, at: begin, mut line } = self.again()?;
        for (at, found) in (begin..).zip(BufReader::new(text).bytes()) {
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
