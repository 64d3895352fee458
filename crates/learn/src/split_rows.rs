//! The rows that a run chose and judged by, as it writes them down, so that another training can hold the same ones out.
//!
//! ```text
//! hash,part
//! 05f1c2a9b4e06d37,validation
//! ```
//!
//! A row is known by the hash of its cells and its target (`row_hash.rs`), as the run read them, wherever it stands in a table. Of rows that are alike as
//! many are held out as are listed: the first of them to judge by, the next to choose by.

use std::fs;
use std::path::Path;

use crate::columns::Values;
use crate::dataset::{Cells, Dataset, Target};
use crate::encoding::TargetEncoding;
use crate::input_error::{InputError, excerpt};
use crate::keys::Part;
use crate::pipeline::in_order;
use crate::readers::csv::{Features, Kind, Known, OnError, numbered};
use crate::record::Record;
use crate::row_hash::row_hashes;
use crate::settings::all_threads;

/// Its name in a run's folder.
pub(crate) const SPLIT_ROWS: &str = "split.csv";

/// The hashes of rows that were held out of the training's own table.
///
/// ```
/// # use chainrule::{Settings, Source, digits, run_folder, train};
/// # let temporary = tempfile::tempdir()?;
/// # let folder = temporary.path().join("run");
/// # let settings = Settings { model: Some("affine:10".parse()?), epochs: 2, ..Settings::default() };
/// # let trained = train(digits(), &settings, |_progress| {})?;
/// # run_folder::save(&folder, &trained, &Source::default(), false)?;
/// let run = chainrule::Run::open(&folder)?;
/// let held_out = chainrule::SplitRows::read(&run.folder)?;
/// assert_eq!(held_out.test.len(), 359);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SplitRows {
    /// Of those to choose by.
    pub validation: Vec<u64>,
    /// Of those to judge by.
    pub test: Vec<u64>,
}

/// A table's rows in the parts of another run.
pub(crate) struct Recognised {
    pub(crate) parts: Vec<Part>,
    /// How many listed rows the table lacks.
    pub(crate) lost: usize,
}

impl SplitRows {
    /// The text of the file.
    pub(crate) fn to_csv(&self) -> String {
        let mut text = String::from("hash,part\n");
        for (hashes, part) in [(&self.validation, Part::Validation), (&self.test, Part::Test)] {
            for hash in hashes {
                text += &format!("{hash:016x},{}\n", part.name());
            }
        }
        text
    }

    /// Reads it from the run in `folder`.
    ///
    /// # Errors
    /// If there is none, or a line is not one of it.
    pub fn read(folder: &Path) -> Result<SplitRows, InputError> {
        let path = folder.join(SPLIT_ROWS);
        let text = fs::read_to_string(&path).map_err(|e| InputError::io(&path, &e))?;
        let mut held_out = SplitRows::default();
        for (number, line) in (1..).zip(text.lines()) {
            let row = line.split_once(',').and_then(|(hash, part)| {
                let hash =
                    Some(hash).filter(|hash| hash.len() == 16).and_then(|hash| u64::from_str_radix(hash, 16).ok());
                Some((hash?, Part::named(part)?))
            });
            match row {
                Some((hash, Part::Validation)) => held_out.validation.push(hash),
                Some((hash, Part::Test)) => held_out.test.push(hash),
                _ if number == 1 && line == "hash,part" => {}
                _ => {
                    let place = format!("{}, line {number}", path.display());
                    let expected = "16 hexadecimal digits, a comma, and validation or test";
                    let hint = "copy the run again from where it was made, or train anew";
                    return Err(InputError::new(place, expected, excerpt(line), hint));
                }
            }
        }
        Ok(held_out)
    }

    /// Finds the rows of the run in `folder` again among these `hashes`, those of all rows of `place`.
    ///
    /// # Errors
    /// If none is there.
    fn among(
        &self,
        place: &str,
        folder: &Path,
        hashes: impl FnOnce(&mut dyn FnMut(u64)) -> Result<(), InputError>,
    ) -> Result<Recognised, InputError> {
        let mut left = Left::of(self);
        let mut parts = Vec::new();
        hashes(&mut |hash| parts.push(left.take(hash)))?;
        let (listed, lost) = (self.validation.len() + self.test.len(), left.count());
        if lost == listed {
            let expected = format!("rows that {} held out, which has {listed} of them", folder.display());
            let hint =
                "give the data that it was trained on, or others with the same rows: a row is known by all its cells";
            return Err(InputError::new(place, expected, "none", hint));
        }
        Ok(Recognised { parts, lost })
    }

    /// Finds the rows of the run in `folder` again in the table at `path`, whatever its size.
    ///
    /// # Errors
    /// If it has not the run's columns, or none of its rows.
    pub(crate) fn in_table(
        &self,
        folder: &Path,
        record: &Record,
        path: &Path,
        delimiter: Option<u8>,
    ) -> Result<Recognised, InputError> {
        let target = target(record);
        let mut known = record.input.known();
        known.push(target.clone());
        let names: Vec<String> = known.iter().map(|known| known.name.clone()).collect();
        if numbered(&names[..names.len() - 1]) {
            // Without a header they are found by their places.
            known.sort_by_key(|known| known.name.parse::<usize>().unwrap_or(usize::MAX));
        }
        let (reader, blocks) = Features::open(path, &known, None, delimiter)?.split(OnError::Stop);
        self.among(&path.display().to_string(), folder, |to| {
            in_order(
                all_threads(),
                blocks,
                || Ok(()),
                |(): &mut (), block| {
                    let data = reader.read(&block)?.data;
                    Ok(data.map_or(Vec::new(), |data| row_hashes(&with_target(data, &target))))
                },
                |hashes: Vec<u64>| {
                    hashes.into_iter().for_each(&mut *to);
                    Ok(())
                },
            )
        })
    }

    /// Finds the rows of the run in `folder` again in data in memory, which were read as it read them.
    ///
    /// # Errors
    /// If none is there.
    pub(crate) fn in_data(&self, folder: &Path, data: &Dataset) -> Result<Recognised, InputError> {
        self.among(&data.source, folder, |to| {
            row_hashes(data).into_iter().for_each(to);
            Ok(())
        })
    }
}

/// The target's column, as it was.
fn target(record: &Record) -> Known {
    let name = record.data.source.target.clone().unwrap_or_default();
    let kind = match record.target {
        TargetEncoding::Classes(_) => Kind::Category,
        TargetEncoding::Number { .. } => Kind::Number,
    };
    Known { name, kind }
}

/// The rows with the target apart from the columns, as training had them.
fn with_target(mut data: Dataset, target: &Known) -> Dataset {
    let at = data.columns.iter().position(|name| *name == target.name);
    if let (Some(at), Cells::Table(columns)) = (at, &mut data.cells) {
        let name = data.columns.remove(at);
        data.target = match columns.remove(at) {
            Values::Categories { codes, names } => Target::Classes { labels: codes, names },
            Values::Numbers(cells) => {
                Target::Numbers { values: cells.into_iter().map(|cell| cell as f32).collect(), name }
            }
            // It was asked to be one of the two.
            Values::Dates(_) | Values::Ignored { .. } => Target::None,
        };
    }
    data
}

/// Rows that are still to be found, by their hashes.
struct Left(Vec<(u64, [u32; 2])>);

impl Left {
    fn of(held_out: &SplitRows) -> Left {
        let each = |hashes: &[u64], count: [u32; 2]| hashes.iter().map(|&hash| (hash, count)).collect::<Vec<_>>();
        let mut rows = each(&held_out.test, [1, 0]);
        rows.extend(each(&held_out.validation, [0, 1]));
        rows.sort_unstable();
        rows.dedup_by(|next, first| {
            let same = next.0 == first.0;
            if same {
                first.1 = [first.1[0] + next.1[0], first.1[1] + next.1[1]];
            }
            same
        });
        Left(rows)
    }

    /// The part of the next row with this hash.
    fn take(&mut self, hash: u64) -> Part {
        let Ok(at) = self.0.binary_search_by_key(&hash, |&(hash, _)| hash) else { return Part::Train };
        let [test, validation] = &mut self.0[at].1;
        if *test > 0 {
            *test -= 1;
            return Part::Test;
        }
        if *validation > 0 {
            *validation -= 1;
            return Part::Validation;
        }
        Part::Train
    }

    /// How many there are.
    fn count(&self) -> usize {
        self.0.iter().map(|(_, [test, validation])| *test as usize + *validation as usize).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_as_often_as_they_are_listed() {
        let held_out = SplitRows { validation: vec![7, 5], test: vec![5, 9, 5] };
        let found = |hashes: &[u64]| {
            held_out.among("t", "run".as_ref(), |to| {
                hashes.iter().copied().for_each(to);
                Ok(())
            })
        };
        let Recognised { parts, lost } = found(&[5, 1, 5, 5, 5, 9, 7]).unwrap();
        let names: Vec<&str> = parts.into_iter().map(Part::name).collect();
        assert_eq!(names, ["test", "train", "test", "validation", "train", "test", "validation"]);
        assert_eq!((lost, found(&[9]).unwrap().lost), (0, 4));
        assert_eq!(found(&[1, 2]).err().unwrap().expected, "rows that run held out, which has 5 of them");
    }

    #[test]
    fn the_file_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let held_out = SplitRows { validation: vec![0, u64::MAX], test: vec![1] };
        let write = |text: &str| fs::write(folder.path().join(SPLIT_ROWS), text).unwrap();
        write(&held_out.to_csv());
        assert_eq!(SplitRows::read(folder.path()).unwrap(), held_out);
        for (text, line) in
            [("hash,part\n12,test\n", 2), ("hash,part\n0000000000000001,train\n", 2), ("hash;part\n", 1)]
        {
            write(text);
            let error = SplitRows::read(folder.path()).unwrap_err();
            assert!(error.place.ends_with(&format!("split.csv, line {line}")), "{error}");
        }
    }
}
