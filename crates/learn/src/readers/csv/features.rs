//! A table to predict from: the columns of training, found again by name or by position.

use super::{
    blocks::Block,
    column::{Column, Kind},
    fill, finish,
    table::{Sheet, Table, is_number},
};
use crate::{
    closest::closest,
    dataset::{Cells, Dataset, Target},
    input_error::{InputError, excerpt, listing},
    keys::Keys,
};
use csv::ByteRecord;
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

/// A table to predict from, of which blocks of rows are read as they are asked for, so that it may be larger than the memory.
pub struct Features {
    table: Table,
    layout: Layout,
}

/// Where a table has the columns of training.
#[derive(Clone)]
struct Layout {
    /// For each column of the file which column of training it is, if it is one that is used.
    places: Vec<Option<usize>>,
    known: Vec<Known>,
}

/// What becomes of a row that cannot be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnError {
    /// It is an error.
    #[default]
    Stop,
    /// It is left out.
    Skip,
    /// It stays, with nothing in it.
    Null,
}

/// Makes rows of blocks, for any thread.
pub(crate) struct FeatureRows {
    sheet: Sheet,
    layout: Layout,
    on_error: OnError,
}

/// The rows of one block.
pub(crate) struct BlockOfRows {
    /// Those that could be read; `None` if none could.
    pub(crate) data: Option<Dataset>,
    /// The places among all rows of those that could not, in ascending order.
    pub(crate) bad: Vec<usize>,
    /// Their rows, a few of them, for [`FeatureRows::complaints`], and what names their lines.
    shown: Vec<(ByteRecord, u64)>,
    sheet: Option<Sheet>,
    /// How many bytes of the file.
    pub(crate) bytes: u64,
}

/// So many bad rows of a block are told of.
const SHOWN: usize = 3;

/// Reads all rows of a table to predict from: [`Features`] in one piece.
///
/// ```
/// use chainrule::readers::csv::{Kind, Known, read_features};
/// # let temporary = tempfile::tempdir()?;
/// # let path = temporary.path().join("t.csv");
/// std::fs::write(&path, "b,a,c\n1,2,x\n3,4,y\n")?;
/// let known = ["a", "b"].map(|name| Known { name: name.into(), kind: Kind::Number });
/// let data = read_features(&path, &known, None)?;
/// assert_eq!((data.columns, data.shape), (vec!["a".to_owned(), "b".to_owned()], vec![2]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Those of [`Features::open`], and of a row that cannot be read.
pub fn read_features(path: &Path, known: &[Known], target: Option<&str>) -> Result<Dataset, InputError> {
    let Features { table, layout } = Features::open(path, known, target, None)?;
    let kinds: Vec<Option<Kind>> = layout.kinds().collect();
    let (columns, sheet) = fill(table, &kinds)?;
    layout.arrange(columns, &sheet)
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
            let with_target = table.sheet.names().len() == columns.len() + 1;
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
        let mut places = vec![None; table.sheet.names().len()];
        for (at, place) in found.into_iter().enumerate().filter(|&(at, _)| known[at].kind != Kind::Ignored) {
            if let Some(place) = place.and_then(|place| places.get_mut(place)) {
                *place = Some(at);
            }
        }
        Ok(Self { table, layout: Layout { places, known: known.to_vec() } })
    }

    /// The table in two: what makes rows of blocks, and the blocks.
    pub(crate) fn split(
        self,
        on_error: OnError,
    ) -> (FeatureRows, impl FnMut() -> Result<Option<Block>, InputError> + Send) {
        let (sheet, blocks) = self.table.split();
        (FeatureRows { sheet, layout: self.layout, on_error }, blocks)
    }
}

impl Layout {
    fn kinds(&self) -> impl Iterator<Item = Option<Kind>> {
        self.places.iter().map(|place| Some(place.map_or(Kind::Ignored, |at| self.known[at].kind)))
    }

    fn columns(&self) -> Vec<Column> {
        self.kinds().map(Column::new).collect()
    }

    /// The columns in the order of training.
    fn arrange(&self, columns: Vec<Column>, sheet: &Sheet) -> Result<Dataset, InputError> {
        let mut used = Vec::new();
        for (place, column) in columns.into_iter().enumerate() {
            if let Some(at) = self.places[place] {
                used.push((at, finish(column, sheet, place)?));
            }
        }
        used.sort_by_key(|&(at, _)| at);
        let columns: Vec<String> = used.iter().map(|&(at, _)| self.known[at].name.clone()).collect();
        Ok(Dataset {
            cells: Cells::Table(used.into_iter().map(|(_, values)| values).collect()),
            shape: vec![columns.len()],
            image: None,
            columns,
            target: Target::None,
            weights: None,
            keys: Keys::default(),
            source: sheet.place(),
        })
    }
}

impl FeatureRows {
    /// The rows of a block.
    ///
    /// # Errors
    /// If a row is of another length than the first, or a cell of a column of numbers is none, and that is to stop.
    pub(crate) fn read(&self, block: &Block) -> Result<BlockOfRows, InputError> {
        let bytes = block.text.len() as u64;
        let quiet = if self.on_error == OnError::Stop { self.sheet.clone() } else { self.sheet.quiet() };
        let mut columns = self.layout.columns();
        let whole = quiet.read(block, &mut columns).and_then(|rows| Ok((rows, self.layout.arrange(columns, &quiet)?)));
        match whole {
            Ok((rows, data)) => {
                let (bad, shown) = (Vec::new(), Vec::new());
                Ok(BlockOfRows { data: (rows > 0).then_some(data), bad, shown, sheet: None, bytes })
            }
            Err(e) if self.on_error == OnError::Stop => match block.line {
                None => Err(e),
                // Once more, for the line: the text itself will not come again.
                Some(_) => {
                    let (sheet, mut columns) = (self.sheet.with(block), self.layout.columns());
                    sheet.read(block, &mut columns).and_then(|_| self.layout.arrange(columns, &sheet))?;
                    Err(e)
                }
            },
            Err(_) => self.one_by_one(block, &quiet),
        }
    }

    /// Each row by itself, to tell those that can be read from the others.
    fn one_by_one(&self, block: &Block, quiet: &Sheet) -> Result<BlockOfRows, InputError> {
        let (mut columns, mut count, mut good) = (self.layout.columns(), 0, 0);
        let (mut bad, mut shown) = (Vec::new(), Vec::new());
        quiet.each_row(block, |row| {
            let mut one = self.layout.columns();
            let read = quiet.push(row, block.at, &mut one);
            if read.is_err() || one.iter().any(Column::is_mistaken) {
                bad.push(count);
                if shown.len() < SHOWN {
                    shown.push((row.clone(), block.at));
                }
            } else {
                columns.iter_mut().zip(one).for_each(|(column, one)| column.append(one));
                good += 1;
            }
            count += 1;
            Ok(())
        })?;
        let data = if good > 0 { Some(self.layout.arrange(columns, quiet)?) } else { None };
        let sheet = (!bad.is_empty()).then(|| self.sheet.with(block));
        Ok(BlockOfRows { data, bad, shown, sheet, bytes: block.text.len() as u64 })
    }

    /// What is wrong with the first rows of the block that could not be read, with their lines. The file is read once more for
    /// each.
    pub(crate) fn complaints(&self, rows: &BlockOfRows) -> Vec<InputError> {
        let complain = |(row, from): &(ByteRecord, u64)| {
            let (mut columns, sheet) = (self.layout.columns(), rows.sheet.as_ref().unwrap_or(&self.sheet));
            let read = sheet.push(row, *from, &mut columns);
            read.and_then(|()| self.layout.arrange(columns, sheet)).err()
        };
        rows.shown.iter().filter_map(complain).collect()
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
    let names = table.sheet.names();
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
            InputError::new(format!("{}, header", table.sheet.place()), expected, found, hint)
        })
    };
    known.iter().map(place).collect()
}

fn by_order(table: &Table, columns: &[String], target: Option<&str>) -> Result<Vec<Option<usize>>, InputError> {
    let width = columns.len();
    let found = table.sheet.names().len();
    if found == width || (found == width + 1 && target.is_some()) {
        return Ok((0..width).map(Some).collect());
    }
    let or = target.map_or(String::new(), |target| format!(", or {} with {}", width + 1, excerpt(target)));
    Err(InputError::new(
        table.sheet.place(),
        format!("{width} columns, as in training{or}"),
        found.to_string(),
        "give the columns of training in their order, or add a header that names them",
    ))
}
