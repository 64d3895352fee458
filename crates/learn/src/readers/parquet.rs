//! Parquet, as the CSV that it would be: types, gaps, blocks, caches and places of errors are then those of every table.
//!
//! A thread of its own decodes rows and writes them as text; numbers are written so that they are read to the same bit. What CSV has no word for
//! is an empty cell: null, and the NaN that stands for it in tables of numpy. Columns within columns are refused by name.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use parquet::basic::{Compression, LogicalType, TimeUnit};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row, reader::RowIter};
use parquet::schema::types::Type;

use crate::calendar;
use crate::input_error::{InputError, excerpt};

/// Bytes that are sent at a time, and how many such wait at most.
const SENT: usize = 1 << 18;
const WAITING: usize = 4;

/// The file at `path` as the text of a table with a header.
///
/// # Errors
/// If it is broken, or has columns that are no table's.
pub(super) fn open(path: &Path) -> Result<Box<dyn Read + Send>, InputError> {
    let file = File::open(path).map_err(|e| InputError::io(path, &e))?;
    let reader = SerializedFileReader::new(file).map_err(|e| broken(path, &e))?;
    let schema = reader.metadata().file_metadata().schema_descr().root_schema_ptr();
    let columns = schema.get_fields();
    if columns.is_empty() {
        return Err(InputError::new(path.display().to_string(), "a table", "no columns", "give a file with some"));
    }
    if let Some(column) = columns.iter().find(|column| !column.is_primitive()) {
        let place = format!("{}, column {}", path.display(), excerpt(column.name()));
        let hint = "leave it out, or make a column of each of its parts";
        return Err(InputError::new(place, "one value a row", "a column of lists or of columns", hint));
    }
    let mut chunks = reader.metadata().row_groups().iter().flat_map(|group| group.columns());
    if let Some(chunk) = chunks.find(|chunk| !is_unpacked(chunk.compression())) {
        let place = format!("{}, column {}", path.display(), excerpt(chunk.column_descr().name()));
        let found = format!("{:?}", chunk.compression());
        let hint = "write it with compression=\"snappy\", \"gzip\" or none";
        return Err(InputError::new(place, "snappy, gzip, lz4 or no compression", found, hint));
    }
    let nanoseconds: Vec<bool> = columns.iter().map(|column| has_nanoseconds(column)).collect();
    let mut text = Vec::new();
    line(&mut text, columns.iter().map(|column| column.name().to_owned()));
    let (send, receive) = sync_channel(WAITING);
    let place = path.to_owned();
    // It ends when nobody receives.
    thread::spawn(move || {
        let ended = write(reader, &place, &nanoseconds, text, &send);
        if let Err(e) = ended {
            let _ = send.send(Err(e));
        }
    });
    Ok(Box::new(Text { path: path.to_owned(), receive, at_hand: Vec::new(), at: 0, ended: false }))
}

/// Whether the compression is one of those that are written in Rust.
fn is_unpacked(compression: Compression) -> bool {
    use Compression::{GZIP, LZ4, LZ4_RAW, SNAPPY, UNCOMPRESSED};
    matches!(compression, UNCOMPRESSED | SNAPPY | GZIP(_) | LZ4 | LZ4_RAW)
}

/// Whether a column has times in nanoseconds, which come as whole numbers.
fn has_nanoseconds(column: &Type) -> bool {
    match column.get_basic_info().logical_type_ref() {
        Some(LogicalType::Timestamp(timestamp)) => timestamp.unit == TimeUnit::NANOS,
        _ => false,
    }
}

/// Sends all rows; ends early when nobody receives.
fn write(
    reader: SerializedFileReader<File>,
    path: &Path,
    nanoseconds: &[bool],
    mut text: Vec<u8>,
    send: &SyncSender<Result<Vec<u8>, InputError>>,
) -> Result<(), InputError> {
    for (row, found) in (1..).zip(RowIter::from_file_into(Box::new(reader))) {
        let found =
            found.map_err(|e| InputError { place: format!("{}, row {row}", path.display()), ..broken(path, &e) })?;
        let cells = cells(&found, nanoseconds).map_err(|(column, found)| {
            let place = format!("{}, row {row}, column {}", path.display(), excerpt(column));
            InputError::new(place, "a number, a text, a date or a truth", found, "leave the column out of the file")
        })?;
        line(&mut text, cells.into_iter());
        if text.len() >= SENT && send.send(Ok(std::mem::take(&mut text))).is_err() {
            return Ok(());
        }
    }
    // Whoever has seen enough does not miss the rest. Nothing at all is the end.
    let _ = send.send(Ok(text)).and_then(|()| send.send(Ok(Vec::new())));
    Ok(())
}

/// A row's cells as text, or the column that has none and what it has.
fn cells<'a>(row: &'a Row, nanoseconds: &[bool]) -> Result<Vec<String>, (&'a str, &'static str)> {
    let columns = row.get_column_iter().zip(nanoseconds);
    columns.map(|((name, field), &nano)| cell(field, nano).map_err(|found| (&**name, found))).collect()
}

fn cell(field: &Field, has_nanoseconds: bool) -> Result<String, &'static str> {
    // By whole seconds first: an f64 holds microseconds of these, and no nanoseconds.
    let moment = |units: i64, in_second: i64| {
        let (seconds, rest) = (units.div_euclid(in_second), units.rem_euclid(in_second));
        calendar::spelled(seconds as f64 + rest as f64 / in_second as f64)
    };
    let number = |x: f64, text: String| if x.is_nan() { String::new() } else { text };
    Ok(match field {
        Field::Null => String::new(),
        Field::Bool(x) => x.to_string(),
        Field::Byte(x) => x.to_string(),
        Field::Short(x) => x.to_string(),
        Field::Int(x) => x.to_string(),
        Field::Long(x) if has_nanoseconds => moment(*x, 1_000_000_000),
        Field::Long(x) => x.to_string(),
        Field::UByte(x) => x.to_string(),
        Field::UShort(x) => x.to_string(),
        Field::UInt(x) => x.to_string(),
        Field::ULong(x) => x.to_string(),
        Field::Float16(x) => number(f64::from(*x), f32::from(*x).to_string()),
        Field::Float(x) => number(f64::from(*x), x.to_string()),
        Field::Double(x) => number(*x, x.to_string()),
        Field::Decimal(_) => field.to_string(),
        Field::Str(text) => text.clone(),
        Field::Date(days) => calendar::spelled(f64::from(*days) * 86_400.0),
        Field::TimeMillis(x) => x.to_string(),
        Field::TimeMicros(x) => x.to_string(),
        Field::TimestampMillis(x) => moment(*x, 1000),
        Field::TimestampMicros(x) => moment(*x, 1_000_000),
        Field::Bytes(_) => return Err("bytes that are no text"),
        Field::Group(_) | Field::ListInternal(_) | Field::MapInternal(_) => return Err("values within a value"),
    })
}

/// Adds cells as a line, in quotes where a comma or the end of a line would be taken for their own.
fn line(text: &mut Vec<u8>, cells: impl Iterator<Item = String>) {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            text.push(b',');
        }
        if cell.contains([',', '"', '\n', '\r']) {
            text.push(b'"');
            text.extend(cell.replace('"', "\"\"").into_bytes());
            text.push(b'"');
        } else {
            text.extend(cell.into_bytes());
        }
    }
    text.push(b'\n');
}

fn broken(path: &Path, e: &parquet::errors::ParquetError) -> InputError {
    let told = e.to_string();
    let hint = "download or copy the file again, or write it anew";
    InputError::new(path.display().to_string(), "a Parquet file", format!("a broken one: {}", excerpt(&told)), hint)
}

/// The text, as it comes.
struct Text {
    path: PathBuf,
    receive: Receiver<Result<Vec<u8>, InputError>>,
    at_hand: Vec<u8>,
    at: usize,
    ended: bool,
}

impl Read for Text {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.at_hand.len() && !self.ended {
            let torn = || {
                let found = "a broken one: it could not be decoded";
                let hint = "download or copy the file again, or write it anew";
                InputError::new(self.path.display().to_string(), "a Parquet file", found, hint)
            };
            // A thread that is gone without a word has met what its library did not expect.
            let text = self.receive.recv().unwrap_or_else(|_| Err(torn())).map_err(io::Error::other)?;
            self.ended = text.is_empty();
            (self.at_hand, self.at) = (text, 0);
        }
        let count = buffer.len().min(self.at_hand.len() - self.at);
        buffer[..count].copy_from_slice(&self.at_hand[self.at..][..count]);
        self.at += count;
        Ok(count)
    }
}
