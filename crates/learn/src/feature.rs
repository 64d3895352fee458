//! What a column of a table becomes in the network's input, fitted on the training rows.
//!
//! | column | numbers in the input |
//! | --- | --- |
//! | numbers | (x − mean) / scale; an empty cell counts as the median; if training had empty cells, 1 for an empty cell, else 0 |
//! | dates | seconds as numbers are, and then the sine and the cosine of 2π times the part of the year, of the week and of the day that has passed, each if the training rows reach over one; both 0 for an empty cell |
//! | categories | for each kept category 1 if the cell is it, else 0; the same for empty cells and for the others, if training had any |
//!
//! A category that training did not know is one of the others; where there were none, it is all 0.

use std::collections::HashMap;
use std::convert::Infallible;
use std::f64::consts::TAU;
use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::calendar;
use crate::categories;
use crate::columns::{EMPTY, Values};
use crate::input_error::{InputError, excerpt};
use crate::missing::median;
use crate::pipeline::in_order;
use crate::readers::csv::Kind;
use crate::settings::all_threads;
use crate::standardise::moments_of;

/// How a column is encoded.
///
/// ```
/// use chainrule::{Encoding, Source};
/// # let temporary = tempfile::tempdir()?;
/// # let path = temporary.path().join("t.csv");
/// std::fs::write(&path, "colour,size,y\nred,1,a\nblue,2,b\nred,3,a\n")?;
/// let data = Source { path: Some(path), target: Some("y".into()), ..Source::default() }.open(None)?.train;
/// let encoding = Encoding::fit(&data, &[0, 1, 2], false)?;
/// assert_eq!(encoding.input.names(), ["colour=red", "colour is another", "size"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Feature {
    /// A column of numbers.
    Number {
        /// The column.
        name: String,
        /// Of the training rows, empty cells as `empty`.
        mean: f64,
        /// Their standard deviation; 1 where they are equal.
        scale: f64,
        /// What an empty cell counts as: the median of the training rows.
        empty: f64,
        /// Whether a second number says that the cell is empty: training had such cells.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        indicator: bool,
    },
    /// A column of dates and times.
    Date {
        /// The column.
        name: String,
        /// Of the training rows' seconds since 1970, empty cells as `empty`.
        mean: f64,
        /// Their standard deviation; 1 where they are equal.
        scale: f64,
        /// What an empty cell counts as: the median of the training rows.
        empty: f64,
        /// Whether a second number says that the cell is empty.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        indicator: bool,
        /// What comes again.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        cycles: Vec<Cycle>,
    },
    /// A column of categories, one-hot.
    Category {
        /// The column.
        name: String,
        /// The categories with a number of their own.
        values: Vec<String>,
        /// Whether empty cells have one: training had such cells.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        missing: bool,
        /// Whether all other categories share one: training had such.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        other: bool,
    },
    /// A column that the network does not see.
    Ignored {
        /// The column.
        name: String,
    },
}

impl Feature {
    /// What the given rows of the column say.
    pub(crate) fn fit(name: &str, values: &Values, rows: &[u32]) -> Feature {
        let name = name.to_owned();
        match values {
            Values::Numbers(cells) => Feature::of_numbers(&name, rows.iter().map(|&row| cells[row as usize]).collect()),
            Values::Dates(cells) => {
                let cells: Vec<f64> = rows.iter().map(|&row| cells[row as usize]).collect();
                let mut reach = Reach::default();
                cells.iter().for_each(|&cell| reach.add(cell));
                Feature::of_numbers(&name, cells).with_cycles(&reach)
            }
            Values::Categories { codes, names } => {
                let categories::Kept { values, missing, other } = categories::kept(codes, names, rows);
                Feature::Category { name, values, missing, other }
            }
            Values::Ignored { .. } => Feature::Ignored { name },
        }
    }

    /// What the training rows of a column of numbers say.
    pub(crate) fn of_numbers(name: &str, mut column: Vec<f64>) -> Feature {
        let indicator = column.iter().any(|cell| cell.is_nan());
        let empty = median(&column).unwrap_or(0.0);
        column.iter_mut().filter(|cell| cell.is_nan()).for_each(|cell| *cell = empty);
        let (mean, scale) = moments_of(&column);
        Feature::Number { name: name.to_owned(), mean, scale, empty, indicator }
    }

    /// A column of numbers as one of dates that reach so far.
    pub(crate) fn with_cycles(self, reach: &Reach) -> Feature {
        match self {
            Feature::Number { name, mean, scale, empty, indicator } => {
                let cycles = Cycle::ALL.into_iter().filter(|&cycle| reach.is_over(cycle)).collect();
                Feature::Date { name, mean, scale, empty, indicator, cycles }
            }
            other => other,
        }
    }

    /// The column.
    pub fn name(&self) -> &str {
        match self {
            Feature::Number { name, .. }
            | Feature::Date { name, .. }
            | Feature::Category { name, .. }
            | Feature::Ignored { name } => name,
        }
    }

    /// Its type.
    pub fn kind(&self) -> Kind {
        match self {
            Feature::Number { .. } => Kind::Number,
            Feature::Date { .. } => Kind::Date,
            Feature::Category { .. } => Kind::Category,
            Feature::Ignored { .. } => Kind::Ignored,
        }
    }

    /// How many numbers of the input it is.
    pub fn width(&self) -> usize {
        match self {
            Feature::Number { indicator, .. } => 1 + usize::from(*indicator),
            Feature::Date { indicator, cycles, .. } => 1 + usize::from(*indicator) + 2 * cycles.len(),
            Feature::Category { values, missing, other, .. } => {
                values.len() + usize::from(*missing) + usize::from(*other)
            }
            Feature::Ignored { .. } => 0,
        }
    }

    /// What its numbers are called: `age`, `age is empty`, `day, sine of the year`, `country=Peru`, `country is empty`, `country is another`.
    pub fn names(&self) -> Vec<String> {
        match self {
            Feature::Number { name, indicator, .. } => {
                std::iter::once(name.clone()).chain(indicator.then(|| format!("{name} is empty"))).collect()
            }
            Feature::Date { name, indicator, cycles, .. } => {
                let both =
                    |cycle: &Cycle| [format!("{name}, sine of the {cycle}"), format!("{name}, cosine of the {cycle}")];
                let empty = indicator.then(|| format!("{name} is empty"));
                std::iter::once(name.clone()).chain(empty).chain(cycles.iter().flat_map(both)).collect()
            }
            Feature::Category { name, values, missing, other } => {
                let own = values.iter().map(|value| format!("{name}={value}"));
                let missing = missing.then(|| format!("{name} is empty"));
                own.chain(missing).chain(other.then(|| format!("{name} is another"))).collect()
            }
            Feature::Ignored { .. } => Vec::new(),
        }
    }

    /// The feature for this column of the table `source`.
    ///
    /// # Errors
    /// If the column is of another type.
    pub(crate) fn ready<'a>(&'a self, values: &'a Values, source: &str) -> Result<Ready<'a>, InputError> {
        let wrong = |expected: &str, found: String| {
            InputError::new(
                format!("{source}, column {}", excerpt(self.name())),
                format!("{expected}, as in training"),
                found,
                "give the table the columns that the network was trained on",
            )
        };
        Ok(match (self, values) {
            (&Feature::Number { mean, scale, empty, indicator, .. }, Values::Numbers(cells)) => {
                Ready::Number { cells, mean, scale, empty, indicator }
            }
            (Feature::Date { mean, scale, empty, indicator, cycles, .. }, Values::Dates(cells)) => {
                let (mean, scale, empty, indicator) = (*mean, *scale, *empty, *indicator);
                Ready::Date { cells, mean, scale, empty, indicator, cycles }
            }
            (Feature::Category { values, missing, other, .. }, Values::Categories { codes, names }) => {
                let known: HashMap<&str, usize> = values.iter().map(String::as_str).zip(0..).collect();
                let others = other.then(|| values.len() + usize::from(*missing));
                let places = names.iter().map(|name| known.get(name.as_str()).copied().or(others)).collect();
                let empty = if *missing { Some(values.len()) } else { others };
                Ready::Category { codes, places, empty }
            }
            (Feature::Ignored { .. }, _) => Ready::Nothing,
            (Feature::Number { .. }, Values::Categories { names, .. }) => {
                let word = names.iter().find(|name| name.parse::<f64>().is_err()).or(names.first());
                return Err(wrong("numbers", format!("words, such as {}", excerpt(word.map_or("", String::as_str)))));
            }
            (feature, values) => {
                let expected = match feature {
                    Feature::Number { .. } => "numbers",
                    Feature::Date { .. } => "dates",
                    Feature::Category { .. } | Feature::Ignored { .. } => "categories",
                };
                let found = match values {
                    Values::Numbers(_) => "numbers".to_owned(),
                    Values::Dates(_) => "dates".to_owned(),
                    Values::Categories { .. } => "words".to_owned(),
                    Values::Ignored { reason, .. } => format!("nothing to use: {reason}"),
                };
                return Err(wrong(expected, found));
            }
        })
    }
}

/// What dates come back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cycle {
    /// Seasons.
    Year,
    /// Days of the week, from Monday on.
    Week,
    /// Hours of the day.
    Day,
}

impl Cycle {
    const ALL: [Cycle; 3] = [Cycle::Year, Cycle::Week, Cycle::Day];

    /// How much of it has passed, from 0 to less than 1.
    fn part(self, seconds: f64) -> f64 {
        match self {
            Cycle::Year => calendar::of_year(seconds),
            Cycle::Week => calendar::of_week(seconds),
            Cycle::Day => calendar::of_day(seconds),
        }
    }
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cycle::Year => "year",
            Cycle::Week => "week",
            Cycle::Day => "day",
        })
    }
}

/// How far dates reach.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    ends: Option<[f64; 2]>,
    /// Whether one of them has a time.
    timed: bool,
}

impl Reach {
    /// One more, or an empty cell.
    pub(crate) fn add(&mut self, cell: f64) {
        if !cell.is_nan() {
            let [least, most] = self.ends.unwrap_or([cell; 2]);
            self.ends = Some([least.min(cell), most.max(cell)]);
            self.timed |= calendar::of_day(cell) != 0.0;
        }
    }

    /// Whether they reach over a whole one. The hours of dates without a time are all alike.
    fn is_over(&self, cycle: Cycle) -> bool {
        let reach = self.ends.map_or(0.0, |[least, most]| most - least);
        match cycle {
            Cycle::Year => reach >= calendar::YEAR,
            Cycle::Week => reach >= calendar::WEEK,
            Cycle::Day => self.timed && reach >= calendar::DAY,
        }
    }
}

/// A feature and its column, ready to be written row by row.
pub(crate) enum Ready<'a> {
    Number { cells: &'a [f64], mean: f64, scale: f64, empty: f64, indicator: bool },
    Date { cells: &'a [f64], mean: f64, scale: f64, empty: f64, indicator: bool, cycles: &'a [Cycle] },
    Category { codes: &'a [u32], places: Vec<Option<usize>>, empty: Option<usize> },
    Nothing,
}

impl Ready<'_> {
    /// Writes its numbers for the rows of `range` into rows of `stride` numbers, each from `offset` on. They hold 0.
    pub(crate) fn write(&self, range: Range<usize>, out: &mut [f32], stride: usize, offset: usize) {
        match self {
            &Ready::Number { cells, mean, scale, empty, indicator } => {
                for (row, &cell) in out.chunks_exact_mut(stride).zip(&cells[range]) {
                    let known = if cell.is_nan() { empty } else { cell };
                    row[offset] = ((known - mean) / scale) as f32;
                    if indicator && cell.is_nan() {
                        row[offset + 1] = 1.0;
                    }
                }
            }
            &Ready::Date { cells, mean, scale, empty, indicator, cycles } => {
                Ready::Number { cells, mean, scale, empty, indicator }.write(range.clone(), out, stride, offset);
                let first = offset + 1 + usize::from(indicator);
                for (row, &cell) in out.chunks_exact_mut(stride).zip(&cells[range]).filter(|(_, cell)| !cell.is_nan()) {
                    for (at, cycle) in cycles.iter().enumerate() {
                        let angle = TAU * cycle.part(cell);
                        row[first + 2 * at] = libm::sin(angle) as f32;
                        row[first + 2 * at + 1] = libm::cos(angle) as f32;
                    }
                }
            }
            Ready::Category { codes, places, empty } => {
                for (row, &code) in out.chunks_exact_mut(stride).zip(&codes[range]) {
                    let place = if code == EMPTY { *empty } else { places[code as usize] };
                    if let Some(place) = place {
                        row[offset + place] = 1.0;
                    }
                }
            }
            Ready::Nothing => {}
        }
    }
}

/// Rows whose features are written while they are in the cache.
const BLOCK: usize = 256;

/// Rows for which it is worth asking another thread.
const SHARE: usize = 1 << 14;

/// The input of all rows: `columns` one for each of `features`.
///
/// # Errors
/// If a column is of another type than its feature.
pub(crate) fn encode(features: &[Feature], columns: &[&Values], source: &str) -> Result<Vec<f32>, InputError> {
    let width: usize = features.iter().map(Feature::width).sum();
    let rows = columns.iter().map(|column| column.rows()).next().unwrap_or(0);
    let ready: Vec<Ready<'_>> = features
        .iter()
        .zip(columns)
        .map(|(feature, column)| feature.ready(column, source))
        .collect::<Result<_, _>>()?;
    let mut x = vec![0.0; rows * width];
    let write = |first: usize, out: &mut [f32]| {
        for (block, out) in out.chunks_mut((BLOCK * width).max(1)).enumerate() {
            let first = first + block * BLOCK;
            let range = first..(first + BLOCK).min(rows);
            let mut offset = 0;
            for (feature, ready) in features.iter().zip(&ready) {
                ready.write(range.clone(), out, width, offset);
                offset += feature.width();
            }
        }
    };
    if rows <= SHARE {
        write(0, &mut x);
        return Ok(x);
    }
    let mut shares = x.chunks_mut((SHARE * width).max(1)).enumerate();
    in_order(
        all_threads(),
        || Ok(shares.next()),
        || Ok(()),
        |(): &mut (), (share, out)| {
            write(share * SHARE, out);
            Ok::<(), InputError>(())
        },
        Ok,
    )?;
    Ok(x)
}

/// The features of a table's columns by the given rows, each column by one thread.
pub(crate) fn fit_all(names: &[String], columns: &[Values], rows: &[u32]) -> Vec<Feature> {
    let fit = |(name, values): (&String, &Values)| Feature::fit(name, values, rows);
    let mut columns = names.iter().zip(columns);
    if rows.len() <= SHARE {
        return columns.map(fit).collect();
    }
    let mut features = Vec::with_capacity(names.len());
    let Ok(()) = in_order(
        all_threads(),
        || Ok(columns.next()),
        || Ok(()),
        |(): &mut (), column| Ok(fit(column)),
        |feature| {
            features.push(feature);
            Ok::<(), Infallible>(())
        },
    );
    features
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(codes: &[u32], names: &[&str]) -> Values {
        Values::Categories { codes: codes.to_vec(), names: names.iter().map(|&name| name.into()).collect() }
    }

    #[test]
    fn numbers_are_standardised_and_gaps_are_the_median() {
        let column = Values::Numbers(vec![1.0, f64::NAN, 5.0, 3.0, 100.0]);
        let feature = Feature::fit("a", &column, &[0, 1, 2, 3]);
        // The training rows are 1, 3, 5, 3: mean 3, variance (4 + 0 + 4 + 0) / 4.
        let expected = Feature::Number { name: "a".into(), mean: 3.0, scale: 2f64.sqrt(), empty: 3.0, indicator: true };
        assert_eq!(feature, expected);
        assert_eq!(feature.names(), ["a", "a is empty"]);
        let x = encode(&[feature], &[&column], "t").unwrap();
        let root = 2f32.sqrt();
        assert_eq!(x[..6], [-root, 0.0, 0.0, 1.0, root, 0.0]);
        // Without gaps in training there is no indicator, and a gap is still the median.
        let feature = Feature::fit("a", &Values::Numbers(vec![1.0, 3.0]), &[0, 1]);
        assert_eq!(encode(&[feature], &[&Values::Numbers(vec![f64::NAN])], "t").unwrap(), [0.0]);
    }

    #[test]
    fn dates_are_a_trend_and_what_comes_again() {
        // Noon of the first day of 1970, a Thursday, and 400 days later; a gap.
        let noon = calendar::DAY / 2.0;
        let column = Values::Dates(vec![noon, noon + 400.0 * calendar::DAY, f64::NAN]);
        let feature = Feature::fit("d", &column, &[0, 1]);
        let names = ["sine", "cosine"].map(|of| move |cycle: &str| format!("d, {of} of the {cycle}"));
        let both = |cycle: &str| names.map(|name| name(cycle));
        let all: Vec<String> = [vec!["d".to_owned()], ["year", "week", "day"].map(both).concat()].concat();
        assert_eq!((feature.names(), feature.width()), (all, 7));
        let x = encode(std::slice::from_ref(&feature), &[&column], "t").unwrap();
        let angle = |part: f64| (TAU * part).sin_cos();
        let (year, week) = (angle(0.5 / 365.0), angle(3.5 / 7.0));
        for (x, expected) in x.iter().zip([-1.0, year.0, year.1, week.0, week.1, 0.0, -1.0]) {
            assert!((f64::from(*x) - expected).abs() < 1e-6, "{x} {expected}");
        }
        assert_eq!(x[14..], [0.0; 7], "the median, and no place in a cycle");
        // Days alone have no hours, and eight of them no year.
        let days = Values::Dates((0..9).map(|day| f64::from(day) * calendar::DAY).collect());
        let Feature::Date { cycles, .. } = Feature::fit("d", &days, &[0, 3, 8]) else { panic!("dates are dates") };
        assert_eq!(cycles, [Cycle::Week]);
        let error = encode(&[feature], &[&Values::Numbers(vec![1.0])], "t").unwrap_err();
        assert_eq!((&*error.expected, &*error.found), ("dates, as in training", "numbers"));
    }

    #[test]
    fn categories_are_one_hot_with_empty_and_others() {
        let column = words(&[0, 1, 0, 1, EMPTY, 2, 3], &["b", "a", "rare", "new"]);
        let feature = Feature::fit("c", &column, &[0, 1, 2, 3, 4, 5]);
        assert_eq!(feature.names(), ["c=a", "c=b", "c is empty", "c is another"]);
        let x = encode(std::slice::from_ref(&feature), &[&column], "t").unwrap();
        let at: Vec<_> = x.chunks(4).map(|row| row.iter().position(|&x| x == 1.0).unwrap()).collect();
        assert_eq!(at, [1, 0, 1, 0, 2, 3, 3]);
        assert_eq!(x.iter().sum::<f32>(), 7.0);
        // Where training had no others, an unknown category is no category.
        let feature = Feature::fit("c", &column, &[0, 1, 2, 3]);
        assert_eq!(encode(&[feature], &[&words(&[0, EMPTY], &["x"])], "t").unwrap(), [0.0; 4]);
    }

    #[test]
    fn a_column_of_another_type_is_named() {
        let number = Feature::fit("size", &Values::Numbers(vec![1.0, 2.0]), &[0, 1]);
        let error = encode(&[number], &[&words(&[0], &["big"])], "t.csv").unwrap_err();
        let text = "t.csv, column 'size': expected numbers, as in training, found words, such as 'big'";
        assert!(error.to_string().starts_with(text), "{error}");
    }

    #[test]
    fn every_row_is_written_once() {
        // By one thread, and by several with a last share that is not whole.
        for count in [1000, 2 * SHARE + 300] {
            let rows: Vec<u32> = (0..count as u32).collect();
            let column = Values::Numbers(rows.iter().map(|&row| row.into()).collect());
            let names = ["a".to_owned(), "b".to_owned()];
            let features = fit_all(&names, &[column.clone(), column.clone()], &rows);
            assert_eq!(features, ["a", "b"].map(|name| Feature::fit(name, &column, &rows)));
            let x = encode(&features, &[&column, &column], "t").unwrap();
            assert_eq!(x.len(), 2 * count);
            assert!(x.chunks(2).all(|row| row[0] == row[1]) && x.chunks(2).is_sorted_by(|a, b| a[0] < b[0]));
        }
    }
}
