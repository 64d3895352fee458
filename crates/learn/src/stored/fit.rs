//! What a table on disk says, to the bit what the same table in memory says: features of the training rows, and warnings.
//!
//! A column's training cells are taken into memory if two copies of them need at most two fifths of what is given, and else read as
//! often as they are needed. The median is then found by the digits of its 64 bits, sixteen at a time from the highest: each pass
//! counts the cells that begin as it does (a radix selection).

use super::{Stored, StoredCells, StoredColumn};
use crate::categories::{self, Kept};
use crate::columns::{EMPTY, Values};
use crate::dataset::Target;
use crate::feature::{Feature, Reach};
use crate::input_error::InputError;
use crate::leaks::{self, LEAST, SAMPLE, Warning, tell_tale};
use crate::missing::{DIGIT, number_of, ordered};
use crate::pipeline::in_order;
use crate::row_hash::Hashes;
use crate::split::Split;
use crate::split_rows::SplitRows;

/// Training rows that are asked whether a column tells their target.
struct Sample {
    /// Every so many.
    step: usize,
    /// Ascending.
    rows: Vec<u32>,
    /// Theirs.
    target: Target,
}

impl Sample {
    fn of(train: &[u32], target: &Target) -> Sample {
        let step = train.len().div_ceil(SAMPLE).max(1);
        let rows: Vec<u32> = train.iter().copied().step_by(step).collect();
        let target = target.select(&rows);
        Sample { step, rows, target }
    }
}

impl Stored {
    /// What each column becomes, fitted on these rows, in ascending order; and what [`leaks`](crate::leaks) says of the columns.
    pub(crate) fn fit(&self, train: &[u32], threads: usize) -> Result<(Vec<Feature>, Vec<Warning>), InputError> {
        // The cells, and once more those that the median is chosen from.
        let column = 2 * size_of::<f64>() as u64 * train.len() as u64;
        let fit = (self.memory * 2 / 5 / column.max(1)) as usize;
        let sample = Sample::of(train, &self.target);
        let (mut columns, mut features, mut found) = (self.meta.columns.iter(), Vec::new(), Vec::new());
        in_order(
            if fit > 0 { threads.min(fit) } else { threads },
            || Ok(columns.next()),
            || Ok(()),
            |(): &mut (), column| self.column(column, train, fit > 0, &sample),
            |(feature, told)| {
                features.push(feature);
                found.extend(told);
                Ok(())
            },
        )?;
        Ok((features, found))
    }

    fn column(
        &self,
        column: &StoredColumn,
        train: &[u32],
        fits: bool,
        sample: &Sample,
    ) -> Result<(Feature, Vec<Warning>), InputError> {
        let (name, mut found) = (&column.name, Vec::new());
        let (feature, sampled) = match &column.cells {
            StoredCells::Ignored(reason) => {
                if !reason.is_asked() {
                    found.push(Warning::Ignored { column: name.clone(), reason: reason.to_string() });
                }
                return Ok((Feature::Ignored { name: name.clone() }, found));
            }
            StoredCells::Numbers => {
                if self.is_identifier(column)? {
                    found.push(Warning::Identifier { column: name.clone(), rows: self.meta.rows });
                }
                let (feature, cells) = self.numeric(column, train, fits, sample, None)?;
                (feature, Values::Numbers(cells))
            }
            StoredCells::Dates => {
                let mut reach = Reach::default();
                let (trend, cells) = self.numeric(column, train, fits, sample, Some(&mut reach))?;
                (trend.with_cycles(&reach), Values::Dates(cells))
            }
            StoredCells::Categories(names) => {
                let (mut counts, mut empties) = (vec![0; names.len()], 0);
                let (mut codes, mut at) = (Vec::with_capacity(sample.rows.len()), 0usize);
                self.each_group(column, train, &mut |values, rows| {
                    let Values::Categories { codes: group, .. } = values else { return };
                    for &row in rows {
                        if at.is_multiple_of(sample.step) {
                            codes.push(group[row]);
                        }
                        at += 1;
                        match group[row] {
                            EMPTY => empties += 1,
                            code => counts[code as usize] += 1,
                        }
                    }
                })?;
                let Kept { values, missing, other } = categories::kept_of(&counts, empties, names);
                let feature = Feature::Category { name: name.clone(), values, missing, other };
                (feature, Values::Categories { codes, names: names.clone() })
            }
        };
        let places: Vec<u32> = (0..sample.rows.len() as u32).collect();
        found.extend(tell_tale(name, &sampled, &sample.target, &places));
        Ok((feature, found))
    }

    /// Of a column of numbers, and its cells in the sample; of dates also how far they reach.
    fn numeric(
        &self,
        column: &StoredColumn,
        train: &[u32],
        fits: bool,
        sample: &Sample,
        reach: Option<&mut Reach>,
    ) -> Result<(Feature, Vec<f64>), InputError> {
        if !fits {
            if let Some(reach) = reach {
                self.each_number(column, train, &mut |cell| reach.add(cell))?;
            }
            return Ok((self.number(column, train)?, self.numbers(column, &sample.rows)?));
        }
        let cells = self.numbers(column, train)?;
        if let Some(reach) = reach {
            cells.iter().for_each(|&cell| reach.add(cell));
        }
        let sampled = cells.iter().copied().step_by(sample.step).collect();
        Ok((Feature::of_numbers(&column.name, cells), sampled))
    }

    /// As [`Feature::of_numbers`], without the cells in memory.
    fn number(&self, column: &StoredColumn, train: &[u32]) -> Result<Feature, InputError> {
        let (mut known, mut all) = (0, 0);
        self.each_number(column, train, &mut |cell| {
            all += 1;
            known += usize::from(!cell.is_nan());
        })?;
        let empty = self.median(column, train, known)?.unwrap_or(0.0);
        let filled = |cell: f64| if cell.is_nan() { empty } else { cell };
        let (mut first, mut constant) = (None, true);
        // From what a sum begins with.
        let mut sum = std::iter::empty::<f64>().sum::<f64>();
        self.each_number(column, train, &mut |cell| {
            constant &= *first.get_or_insert(filled(cell)) == filled(cell);
            sum += filled(cell);
        })?;
        let (mean, scale) = match first {
            None => (0.0, 1.0),
            Some(first) if constant => (first, 1.0),
            Some(_) => {
                let (n, mut squares) = (f64::from(all), std::iter::empty::<f64>().sum::<f64>());
                let mean = sum / n;
                self.each_number(column, train, &mut |cell| squares += (filled(cell) - mean).powi(2))?;
                let scale = (squares / n).sqrt();
                (mean, if scale < f64::from(f32::MIN_POSITIVE) { 1.0 } else { scale })
            }
        };
        Ok(Feature::Number { name: column.name.clone(), mean, scale, empty, indicator: known < all as usize })
    }

    /// The median of the `known` training cells that are numbers.
    fn median(&self, column: &StoredColumn, train: &[u32], known: usize) -> Result<Option<f64>, InputError> {
        if known == 0 {
            return Ok(None);
        }
        let (middle, mut prefix, mut left) = (known / 2, 0u64, known / 2);
        for shift in (0..u64::BITS).step_by(DIGIT as usize).rev() {
            let mut counts = vec![0usize; 1 << DIGIT];
            self.each_number(column, train, &mut |cell| {
                let ordered = ordered(cell);
                if !cell.is_nan() && (shift + DIGIT == u64::BITS || ordered >> (shift + DIGIT) == prefix) {
                    counts[(ordered >> shift) as usize & ((1 << DIGIT) - 1)] += 1;
                }
            })?;
            let digit = counts.iter().position(|&count| {
                let here = left < count;
                left -= if here { 0 } else { count };
                here
            });
            prefix = prefix << DIGIT | digit.unwrap_or(0) as u64;
        }
        let at = number_of(prefix);
        if !known.is_multiple_of(2) {
            return Ok(Some(at));
        }
        // The one before it, which may be its equal.
        let (mut below, mut before) = (0, f64::NEG_INFINITY);
        self.each_number(column, train, &mut |cell| {
            if !cell.is_nan() && ordered(cell) < prefix {
                below += 1;
                before = before.max(cell);
            }
        })?;
        let before = if below < middle { at } else { before };
        Ok(Some(before + (at - before) / 2.0))
    }

    /// A column's cells in the ascending `rows`.
    fn numbers(&self, column: &StoredColumn, rows: &[u32]) -> Result<Vec<f64>, InputError> {
        let mut all = Vec::with_capacity(rows.len());
        self.each_group(column, rows, &mut |values, rows| {
            let (Values::Numbers(cells) | Values::Dates(cells)) = values else { return };
            all.extend(rows.iter().map(|&row| cells[row]));
        })?;
        Ok(all)
    }

    fn each_number(&self, column: &StoredColumn, rows: &[u32], to: &mut dyn FnMut(f64)) -> Result<(), InputError> {
        self.each_group(column, rows, &mut |values, rows| {
            let (Values::Numbers(cells) | Values::Dates(cells)) = values else { return };
            rows.iter().for_each(|&row| to(cells[row]));
        })
    }

    /// Hands on a column's groups and, counted within each, which of the ascending `rows` it has.
    fn each_group(
        &self,
        column: &StoredColumn,
        rows: &[u32],
        to: &mut dyn FnMut(&Values, &[usize]),
    ) -> Result<(), InputError> {
        let (mut rest, mut within) = (rows, Vec::new());
        for group in 0..self.groups() {
            let range = self.rows_of(group);
            let (here, others) = rest.split_at(rest.partition_point(|&row| (row as usize) < range.end));
            within.clear();
            within.extend(here.iter().map(|&row| row as usize - range.start));
            if !here.is_empty() {
                to(&self.values(column, group)?, &within);
            }
            rest = others;
        }
        Ok(())
    }

    /// What [`leaks`](crate::leaks) says of the split, and the rows that are held out.
    pub(crate) fn looked_at(&self, split: &Split) -> Result<(Vec<Warning>, SplitRows), InputError> {
        let train = &split.train;
        let mut held_out = SplitRows::default();
        self.each_hash(&split.validation, &mut |hash| held_out.validation.push(hash))?;
        self.each_hash(&split.test, &mut |hash| held_out.test.push(hash))?;
        let (mut others, all) =
            (Vec::new(), self.test.as_ref().map(|test| (0..test.rows() as u32).collect::<Vec<u32>>()));
        if let (Some(test), Some(all)) = (&self.test, &all) {
            test.each_hash(all, &mut |hash| others.push(hash))?;
        }
        let judges = if self.test.is_some() { &others } else { &held_out.test };
        let twice = self.duplicates(judges, train)?;
        let mut found: Vec<Warning> =
            (twice > 0).then_some(Warning::DuplicateRows { rows: twice, of: judges.len() }).into_iter().collect();
        let keys = self.test.as_ref().map_or(&self.keys, |test| &test.keys);
        found.extend(leaks::of_keys((&self.keys, train), (keys, all.as_ref().unwrap_or(&split.test))));
        Ok((found, held_out))
    }

    /// As [`leaks::duplicates`](crate::leaks::duplicates) of rows to judge by among the training rows, with the hashes of the former alone in memory.
    fn duplicates(&self, hashes: &[u64], train: &[u32]) -> Result<usize, InputError> {
        if hashes.is_empty() {
            return Ok(0);
        }
        let wanted: Hashes = hashes.iter().copied().collect();
        let mut known = Hashes::default();
        self.each_hash(train, &mut |hash| {
            if wanted.contains(&hash) {
                known.insert(hash);
            }
        })?;
        Ok(hashes.iter().filter(|hash| known.contains(hash)).count())
    }

    /// Hands on the hashes of the ascending `rows`.
    fn each_hash(&self, rows: &[u32], to: &mut dyn FnMut(u64)) -> Result<(), InputError> {
        let mut rest = rows;
        for (group, &chunk) in self.meta.hashes.iter().enumerate() {
            let range = self.rows_of(group);
            let (here, others) = rest.split_at(rest.partition_point(|&row| (row as usize) < range.end));
            rest = others;
            if here.is_empty() {
                continue;
            }
            let hashes: Vec<u64> = self.cache.all(&[chunk], u64::from_le_bytes)?;
            here.iter().for_each(|&row| to(hashes[row as usize - range.start]));
        }
        Ok(())
    }

    /// As in [`leaks`](crate::leaks): whole numbers, none twice, in order or hardly more than the rows. The numbers that have come are bits.
    fn is_identifier(&self, column: &StoredColumn) -> Result<bool, InputError> {
        let rows = self.meta.rows;
        if rows < LEAST {
            return Ok(false);
        }
        let (mut whole, mut rising, mut sorted, mut last) = (true, true, true, f64::NEG_INFINITY);
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for group in 0..self.groups() {
            let Values::Numbers(cells) = self.values(column, group)? else { return Ok(false) };
            for cell in cells {
                whole &= cell.fract() == 0.0;
                rising &= cell > last;
                sorted &= cell >= last;
                (last, least, most) = (cell, least.min(cell), most.max(cell));
            }
            if !whole {
                return Ok(false);
            }
        }
        let reach = most - least;
        if sorted || reach >= 2.0 * rows as f64 {
            return Ok(sorted && rising);
        }
        let mut seen = vec![0u64; reach as usize / 64 + 1];
        for group in 0..self.groups() {
            let Values::Numbers(cells) = self.values(column, group)? else { return Ok(false) };
            for cell in cells {
                let at = (cell - least) as usize;
                if seen[at / 64] >> (at % 64) & 1 == 1 {
                    return Ok(false);
                }
                seen[at / 64] |= 1 << (at % 64);
            }
        }
        Ok(true)
    }
}
