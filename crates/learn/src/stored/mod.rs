//! A table larger than memory: read once into a cache of its columns beside it, and from then on from there.
//!
//! ```text
//! TABLE.chainrule-cache:  magic | chunks: the cells of one column for GROUP rows, f64 or u32 | meta, JSON | its place, length and CRC-32 | magic
//! ```
//!
//! All integers are little-endian. Each chunk's CRC-32 is in the meta and is compared at each reading, so that damage is an error and
//! never a number. The cache is of a file with this length, time of change, first and last 64 KiB, read with these options; when
//! one of them differs it is made anew. It is written under another name and renamed when it is whole. Columns lie apart, as the
//! encoding is fitted column by column, and in groups of rows, as batches are dealt from whole rows; beside them lie the rows'
//! hashes, which tell duplicates without a look at their cells. The target and the weights, four bytes a row, stay in memory.

mod cache;
mod consistency;
mod deal;
mod examples;
mod fit;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use crate::columns::{EMPTY, Reason, Values};
use crate::dataset::{Cells, Dataset, Fnv, Target};
use crate::fingerprint::joined;
use crate::input_error::InputError;
use crate::keys::Keys;
use crate::prepared::expect_one;
use crate::readers::csv::{self, CsvOptions, Key, Known, TargetKind};
use crate::row_hash;
use crate::split::{Fractions, Split};

use cache::damaged;
pub(crate) use cache::{Cache, Writer};
pub(crate) use deal::Dealer;
pub(crate) use examples::StoredExamples;

/// A table in its cache, its target in memory.
#[derive(Debug)]
pub struct Stored {
    pub(crate) cache: Cache,
    pub(crate) meta: Meta,
    pub(crate) target: Target,
    pub(crate) weights: Option<Vec<f32>>,
    /// What a split goes by.
    pub(crate) keys: Keys,
    /// The table that was given to choose by.
    pub(crate) validation: Option<Box<Stored>>,
    /// The table that was given to judge by.
    pub(crate) test: Option<Box<Stored>>,
    source: String,
    /// Why there was a cache that is not of it.
    outdated: Option<&'static str>,
    /// Bytes that it should do with.
    pub(crate) memory: u64,
}

/// What a cache says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Meta {
    pub(crate) of: Identity,
    pub(crate) rows: usize,
    /// Rows of a chunk; the last may have fewer.
    pub(crate) group: usize,
    pub(crate) columns: Vec<StoredColumn>,
    pub(crate) target: StoredTarget,
    pub(crate) weights: Option<Vec<Chunk>>,
    pub(crate) keys: Vec<(Key, Vec<Chunk>)>,
    /// Of the rows, as [`row_hash`](crate::row_hash) has them.
    pub(crate) hashes: Vec<Chunk>,
    pub(crate) fingerprint: String,
}

/// What a cache is of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Identity {
    version: String,
    length: u64,
    changed: u128,
    ends: u32,
    options: String,
}

impl Identity {
    /// Why a cache of `other` is none of this.
    fn differs(&self, other: &Identity) -> Option<&'static str> {
        let file = |of: &Identity| (of.length, of.changed, of.ends);
        if self.version != other.version {
            Some("it was of another version")
        } else if file(self) != file(other) {
            Some("the table has changed")
        } else if self.options != other.options {
            Some("the table was read with other options")
        } else {
            None
        }
    }
}

/// A column's cells on disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredColumn {
    pub(crate) name: String,
    pub(crate) cells: StoredCells,
    pub(crate) chunks: Vec<Chunk>,
}

/// What they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum StoredCells {
    Numbers,
    Dates,
    Categories(Vec<String>),
    Ignored(Reason),
}

/// The target's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum StoredTarget {
    Classes { names: Vec<String>, chunks: Vec<Chunk> },
    Numbers { name: String, chunks: Vec<Chunk> },
}

/// Where a chunk is, and its CRC-32.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Chunk {
    pub(crate) at: u64,
    pub(crate) bytes: usize,
    pub(crate) sum: u32,
}

/// Bytes in memory for each row: the target, its part of the split, its hash if it is held out, and where it is in the order of an epoch, twice
/// while that is found.
const INDEX: u64 = 28;
/// The same for each key, which stays until the rows are split, and is sorted once.
const KEY: u64 = 16;

impl Stored {
    /// Opens the table at `path`, from its cache if there is one of this file, or reads it into one. Training on it should do
    /// with `memory` bytes.
    ///
    /// ```
    /// use chainrule::{Stored, readers::csv::CsvOptions};
    /// # let temporary = tempfile::tempdir()?;
    /// # let path = temporary.path().join("t.csv");
    /// std::fs::write(&path, "x,y\n1,a\n2,b\n3,a\n")?;
    /// let options = CsvOptions { target: Some("y".into()), ..CsvOptions::default() };
    /// let table = Stored::open(&path, &options, 50_000_000)?;
    /// assert_eq!((table.rows(), table.outline().columns), (3, vec!["x".to_owned()]));
    /// // The second time its cache is there.
    /// assert_eq!(Stored::open(&path, &options, 50_000_000)?.outdated(), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Whatever the reader says; if the cache cannot be written; if the memory does not even hold the order of the rows.
    pub fn open(path: &Path, options: &CsvOptions, memory: u64) -> Result<Stored, InputError> {
        let of = identity(path, options)?;
        let place = beside(path);
        let source = path.display().to_string();
        let (known, outdated) = match Cache::open(&place) {
            Some((cache, meta)) => match of.differs(&meta.of) {
                None => (Some((cache, meta)), None),
                why => (None, why),
            },
            None => (None, place.exists().then_some("it was not whole, or of another version")),
        };
        let (cache, meta) = match known {
            Some(known) => known,
            None => {
                let mut writer = Writer::new(&place)?;
                let meta = csv::store(path, options, &mut writer, of)?;
                writer.finish(&meta)?
            }
        };
        let least = meta.rows as u64 * (INDEX + KEY * meta.keys.len() as u64) + (16 << 20);
        if least > memory {
            return Err(InputError::new(
                format!("{source}, --memory"),
                format!("at least {} MB, for the order of {} rows", least.div_ceil(1_000_000), meta.rows),
                format!("{} MB", memory / 1_000_000),
                "give more, or fewer rows",
            ));
        }
        let target = match &meta.target {
            StoredTarget::Classes { names, chunks } => {
                let labels = cache.all(chunks, u32::from_le_bytes)?;
                expect_below(names.len(), labels.iter().max(), cache.path())?;
                Target::Classes { labels, names: names.clone() }
            }
            StoredTarget::Numbers { name, chunks } => {
                Target::Numbers { values: cache.all(chunks, f32::from_le_bytes)?, name: name.clone() }
            }
        };
        let weights = meta.weights.as_ref().map(|chunks| cache.all(chunks, f32::from_le_bytes)).transpose()?;
        let mut keys = Keys::default();
        for (key, chunks) in &meta.keys {
            csv::put_keys(&mut keys, *key, cache.all(chunks, u64::from_le_bytes)?);
        }
        Ok(Stored { cache, meta, target, weights, keys, validation: None, test: None, source, outdated, memory })
    }

    /// Bytes of memory that a training takes for the rows: their order, and the two stretches at hand.
    pub(crate) fn working_set(&self) -> u64 {
        self.rows() as u64 * INDEX + self.memory / 8
    }

    /// That the table's cache was made anew, and why, if there was one.
    pub fn outdated(&self) -> Option<String> {
        let beside = [self.validation.as_deref(), self.test.as_deref()].into_iter().flatten();
        let said =
            |stored: &Stored| Some(format!("{}: its cache was made anew, as {}", stored.source, stored.outdated?));
        std::iter::once(self).chain(beside).find_map(said)
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.meta.rows
    }

    /// What the same table in memory has as its [fingerprint](crate::fingerprint::fingerprint).
    pub fn fingerprint(&self) -> String {
        let hash = |stored: &Stored| stored.meta.fingerprint.clone();
        joined(
            self.meta.fingerprint.clone(),
            self.test.as_deref().map(hash),
            self.validation.as_deref().map(hash),
            &self.keys,
        )
    }

    /// Which rows train, choose and judge.
    pub(crate) fn split(&self, fractions: Fractions, seed: u64) -> Result<Split, InputError> {
        let (validation, test) = (self.validation.is_some(), self.test.is_some());
        expect_one(&self.keys, validation, test, &self.source)?;
        Split::keyed(&self.target, &self.keys, self.rows(), fractions.beside(validation, test), seed)
    }

    /// The kind of its target, for reading other tables.
    pub(crate) fn kind(&self) -> TargetKind {
        match self.meta.target {
            StoredTarget::Classes { .. } => TargetKind::Classes,
            StoredTarget::Numbers { .. } => TargetKind::Numbers,
        }
    }

    /// Its columns and their types.
    pub(crate) fn known(&self) -> Vec<Known> {
        let kind = |cells: &StoredCells| match cells {
            StoredCells::Numbers => csv::Kind::Number,
            StoredCells::Dates => csv::Kind::Date,
            StoredCells::Categories(_) => csv::Kind::Category,
            StoredCells::Ignored(_) => csv::Kind::Ignored,
        };
        let known = |column: &StoredColumn| Known { name: column.name.clone(), kind: kind(&column.cells) };
        self.meta.columns.iter().map(known).collect()
    }

    /// The table without its cells: as many rows, the columns' names.
    pub fn outline(&self) -> Dataset {
        let none = |column: &StoredColumn| Values::Ignored {
            rows: self.meta.rows,
            reason: match column.cells {
                StoredCells::Ignored(reason) => reason,
                _ => Reason::Asked,
            },
        };
        self.dataset(self.meta.columns.iter().map(none).collect(), Target::None, None)
    }

    pub(crate) fn dataset(&self, cells: Vec<Values>, target: Target, weights: Option<Vec<f32>>) -> Dataset {
        Dataset {
            shape: vec![cells.len()],
            cells: Cells::Table(cells),
            image: None,
            columns: self.meta.columns.iter().map(|column| column.name.clone()).collect(),
            target,
            weights,
            keys: Keys::default(),
            source: self.source.clone(),
        }
    }

    pub(crate) fn groups(&self) -> usize {
        self.meta.rows.div_ceil(self.meta.group)
    }

    /// The rows of a group.
    pub(crate) fn rows_of(&self, group: usize) -> std::ops::Range<usize> {
        let begin = group * self.meta.group;
        begin..(begin + self.meta.group).min(self.meta.rows)
    }

    /// The cells of one column in a group.
    pub(crate) fn values(&self, column: &StoredColumn, group: usize) -> Result<Values, InputError> {
        let rows = self.rows_of(group).len();
        let chunk = || column.chunks.get(group).into_iter().copied().collect::<Vec<_>>();
        Ok(match &column.cells {
            StoredCells::Numbers => Values::Numbers(self.cache.all(&chunk(), f64::from_le_bytes)?),
            StoredCells::Dates => Values::Dates(self.cache.all(&chunk(), f64::from_le_bytes)?),
            StoredCells::Categories(names) => {
                let codes = self.cache.all(&chunk(), u32::from_le_bytes)?;
                expect_below(names.len(), codes.iter().filter(|&&code| code != EMPTY).max(), self.cache.path())?;
                Values::Categories { codes, names: names.clone() }
            }
            StoredCells::Ignored(reason) => Values::Ignored { rows, reason: *reason },
        })
    }

    /// The rows of a group.
    pub(crate) fn group(&self, group: usize) -> Result<Dataset, InputError> {
        let rows = self.rows_of(group);
        let cells = self.meta.columns.iter().map(|column| self.values(column, group)).collect::<Result<_, _>>()?;
        let target = match &self.target {
            Target::Classes { labels, names } => {
                Target::Classes { labels: labels[rows.clone()].to_vec(), names: names.clone() }
            }
            Target::Numbers { values, name } => {
                Target::Numbers { values: values[rows.clone()].to_vec(), name: name.clone() }
            }
            Target::None => Target::None,
        };
        let weights = self.weights.as_ref().map(|weights| weights[rows].to_vec());
        Ok(self.dataset(cells, target, weights))
    }
}

/// Whether the largest code has a name.
fn expect_below(names: usize, largest: Option<&u32>, cache: &Path) -> Result<(), InputError> {
    match largest {
        Some(&code) if code as usize >= names => {
            Err(damaged(cache, &format!("a cell of the category {code}, where {names} have names")))
        }
        _ => Ok(()),
    }
}

/// The [hash](Dataset::hash) of the same table in memory, and those of its rows.
pub(crate) fn hashes(
    cache: &mut Writer,
    columns: &[StoredColumn],
    rows: usize,
    target: &Target,
    weights: Option<&[f32]>,
) -> Result<(String, Vec<u64>), InputError> {
    let (mut fnv, mut hashes) = (Fnv::of_shape(&[columns.len()]), row_hash::begin(rows));
    for column in columns {
        let mut at = 0;
        match &column.cells {
            StoredCells::Numbers | StoredCells::Dates => {
                match column.cells {
                    StoredCells::Dates => fnv.begin_dates(),
                    _ => fnv.begin_numbers(),
                }
                for &chunk in &column.chunks {
                    let cells: Vec<f64> = cache.read(chunk, f64::from_le_bytes)?;
                    row_hash::add_numbers(&mut hashes[at..], &cells);
                    at += cells.len();
                    cells.into_iter().for_each(|cell| fnv.cell(cell.to_bits()));
                }
            }
            StoredCells::Categories(names) => {
                fnv.begin_categories();
                let words = row_hash::word_hashes(names);
                for &chunk in &column.chunks {
                    let codes: Vec<u32> = cache.read(chunk, u32::from_le_bytes)?;
                    row_hash::add_codes(&mut hashes[at..], &codes, &words);
                    at += codes.len();
                    codes.into_iter().for_each(|code| fnv.cell(u64::from(code)));
                }
                fnv.names(names);
            }
            StoredCells::Ignored(_) => fnv.ignored(rows),
        }
    }
    fnv.target(target);
    fnv.weights(weights);
    row_hash::add_target(&mut hashes, target);
    Ok((format!("{:016x}", fnv.value()), hashes))
}

/// Where the cache of a file is.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".chainrule-cache");
    path.with_file_name(name)
}

fn identity(path: &Path, options: &CsvOptions) -> Result<Identity, InputError> {
    const END: u64 = 64 << 10;
    let ask = || {
        let mut file = File::open(path)?;
        let meta = file.metadata()?;
        let changed = meta.modified()?.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        let (mut ends, length) = (Vec::new(), meta.len());
        file.by_ref().take(END).read_to_end(&mut ends)?;
        file.seek(SeekFrom::Start(length.saturating_sub(END)))?;
        file.take(END).read_to_end(&mut ends)?;
        Ok((length, changed, crc32fast::hash(&ends)))
    };
    let (length, changed, ends) = ask().map_err(|e| InputError::io(path, &e))?;
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Ok(Identity { version, length, changed, ends, options: format!("{options:?}") })
}
