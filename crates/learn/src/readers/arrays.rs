//! numpy's arrays as examples: rows along the first axis, and what each is an example of in another array.
//!
//! | axes | example |
//! | --- | --- |
//! | rows, columns | a row of a table of numbers, its columns called 0, 1, …; NaN is an empty cell |
//! | rows | the same with one column |
//! | rows, height, width | a gray image |
//! | rows, channels, height, width | an image; 1 or 3 on the last axis and not on the second are its channels |
//!
//! Bytes of images are pixels, 255 the brightest. Of an `.npz` the target is the array that `--target` names, `y` if it names none, and
//! the examples are the one array that is left, or `x` of several; `x_train`, `y_train`, `x_test` and `y_test`, as Keras has its data, are a training and a
//! test set. Of an `.npy` the target is a column, by its number.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use super::csv::{self, CsvOptions, Kind, Known};
use super::npy::Array;
use super::{Data, npz};
use crate::columns::{Reason, Values};
use crate::dataset::{Cells, Dataset, Target};
use crate::input_error::{InputError, excerpt, listing};
use crate::keys::Keys;

const TARGET: &str = "y";

/// Whether the file's name says that it holds such arrays.
pub(crate) fn is_array(path: &Path) -> bool {
    ending(path, "npy") || ending(path, "npz")
}

fn ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(ending))
}

/// Reads the examples at `path`; a target is asked for only if it `must` be there.
///
/// # Errors
/// If the file is broken, or its arrays are not examples and a target.
pub(crate) fn read(path: &Path, options: &CsvOptions, must: bool) -> Result<Data, InputError> {
    if let Some(column) = options.category.first().or(options.weights.as_ref()) {
        let (expected, hint) =
            ("a CSV table, to take a column for names or weights", "leave --category and --weights out");
        return Err(InputError::new(
            path.display().to_string(),
            expected,
            format!("arrays, and {}", excerpt(column)),
            hint,
        ));
    }
    if ending(path, "npz") { archive(path, options, must) } else { alone(path, options, must) }
}

/// Reads examples to predict for, without their target if that is there; of a training and a test set the test set.
///
/// # Errors
/// As [`csv::read`] and if the arrays are no examples.
pub fn examples(path: &Path, known: &[Known], target: Option<&str>) -> Result<Dataset, InputError> {
    let options = CsvOptions { target: target.map(str::to_owned), known: known.to_vec(), ..CsvOptions::default() };
    let Data { train, test, .. } = read(path, &options, false)?;
    Ok(Dataset { target: Target::None, ..test.unwrap_or(train) })
}

/// An `.npy`: rows of columns, one of which may be the target.
fn alone(path: &Path, options: &CsvOptions, must: bool) -> Result<Data, InputError> {
    let place = path.display().to_string();
    let file = File::open(path).map_err(|e| InputError::io(path, &e))?;
    let array = Array::read(place.clone(), &mut BufReader::new(file), |e| InputError::io(path, e))?;
    let is_table = array.shape.len() <= 2;
    let width = array.width();
    let column =
        options.target.as_ref().and_then(|name| name.parse().ok()).filter(|&at: &usize| is_table && at < width);
    // A table of examples alone has one column less than that of the training.
    let column = column.filter(|_| must || options.known.is_empty() || width > options.known.len());
    if must && column.is_none() {
        let expected = match &options.target {
            Some(name) if is_table => format!("a column {}, as the target", excerpt(name)),
            _ => "a target".to_owned(),
        };
        let found = format!("one array of {}", axes(&array));
        let hint = "of a table give --target N, a column's number from 0; or keep both in one file: numpy.savez('data.npz', x=x, y=y)";
        return Err(InputError::new(place, expected, found, hint));
    }
    let target = match column {
        Some(column) => target(&array, column, &column.to_string(), options)?,
        None => Target::None,
    };
    Ok(dataset(&array, column, target, place, options)?.into())
}

/// An `.npz`: examples and their target, or both of a training and of a test set.
fn archive(path: &Path, options: &CsvOptions, must: bool) -> Result<Data, InputError> {
    let arrays = npz::read(path)?;
    let name = options.target.as_deref().unwrap_or(TARGET);
    let is_there = |name: &str| arrays.iter().any(|(other, _)| other == name);
    let train = format!("{name}_train");
    if !is_there(name) && is_there(&train) {
        let set = |part: &str| pair(path, &arrays, &format!("{name}_{part}"), Some(part), options, true);
        let test = if is_there(&format!("{name}_test")) { Some(set("test")?) } else { None };
        return Ok(Data { test, ..Data::from(set("train")?) });
    }
    Ok(pair(path, &arrays, name, None, options, must)?.into())
}

/// The examples of a part of the arrays, and their target.
fn pair(
    path: &Path,
    arrays: &[(String, Array)],
    name: &str,
    part: Option<&str>,
    options: &CsvOptions,
    must: bool,
) -> Result<Dataset, InputError> {
    let place = path.display().to_string();
    let names = || listing(&arrays.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>());
    let y = arrays.iter().find(|(other, _)| other == name).map(|(_, array)| array);
    if must && y.is_none() {
        let hint = "--target NAME says which array is learned: numpy.savez('data.npz', x=x, y=y)";
        let expected = format!("an array {}, as the target", excerpt(name));
        return Err(InputError::new(place, expected, format!("arrays {}", names()), hint));
    }
    let of_part = |other: &str| part.is_none_or(|part| other.ends_with(&format!("_{part}")));
    let others: Vec<_> = arrays.iter().filter(|(other, _)| other != name && of_part(other)).collect();
    let called = part.map_or("x".to_owned(), |part| format!("x_{part}"));
    let x = match &others[..] {
        [one] => Some(*one),
        several => several.iter().copied().find(|(other, _)| other.eq_ignore_ascii_case(&called)),
    };
    let Some((_, x)) = x else {
        let expected = format!("one array of examples, or of several one called {called}");
        let hint = "numpy.savez('data.npz', x=x, y=y)";
        return Err(InputError::new(place, expected, format!("arrays {}", names()), hint));
    };
    let target = match y {
        Some(y) if y.width() != 1 || y.rows() != x.rows() => {
            let expected = format!("a class or a number for each of the {} examples", x.rows());
            let hint = "of classes one-hot, numpy.argmax(y, axis=1) is what is asked for";
            return Err(InputError::new(y.place.clone(), expected, axes(y), hint));
        }
        Some(y) => target(y, 0, name, options)?,
        None => Target::None,
    };
    dataset(x, None, target, place, options)
}

/// The examples of an array, without its column of the target.
fn dataset(
    array: &Array,
    without: Option<usize>,
    target: Target,
    source: String,
    options: &CsvOptions,
) -> Result<Dataset, InputError> {
    let data = |cells, shape, image, columns| Dataset {
        cells,
        shape,
        image,
        columns,
        target,
        weights: None,
        keys: Keys::default(),
        source,
    };
    let width = if array.shape.len() <= 2 { array.width() } else { 0 };
    let columns: Vec<usize> = (0..width).filter(|&column| Some(column) != without).collect();
    if let Some(name) = options.ignore.iter().find(|name| !columns.iter().any(|at| at.to_string() == **name)) {
        let columns = listing(&columns.iter().map(usize::to_string).collect::<Vec<_>>());
        let expected =
            if width > 0 { format!("one of the columns {columns}") } else { "a table, to pass a column over".into() };
        return Err(InputError::new(
            array.place.clone(),
            expected,
            format!("--ignore {name}"),
            "an array's columns have numbers",
        ));
    }
    match array.shape[..] {
        [_] | [_, _] => {
            let values = columns.iter().map(|&column| values(array, column, options)).collect::<Result<Vec<_>, _>>()?;
            let names = columns.iter().map(usize::to_string).collect();
            Ok(data(Cells::Table(values), vec![columns.len()], None, names))
        }
        [_, height, width] => Ok(data(
            pixels(array, [1, height, width], false)?,
            vec![array.width()],
            Some([1, height, width]),
            Vec::new(),
        )),
        [_, a, b, c] => {
            let is_channels = |axis: usize| axis == 1 || axis == 3;
            let last = is_channels(c) && !is_channels(a);
            let image = if last { [c, a, b] } else { [a, b, c] };
            Ok(data(pixels(array, image, last)?, vec![array.width()], Some(image), Vec::new()))
        }
        _ => {
            let expected =
                "rows, rows of columns, or images of (rows, height, width) or (rows, channels, height, width)";
            Err(InputError::new(array.place.clone(), expected, axes(array), "reshape the array"))
        }
    }
}

/// A column as a table has it.
fn values(array: &Array, column: usize, options: &CsvOptions) -> Result<Values, InputError> {
    let (rows, name) = (array.rows(), column.to_string());
    let known = options.known.iter().find(|known| known.name == name).map(|known| known.kind);
    if known == Some(Kind::Ignored) || options.ignore.contains(&name) {
        return Ok(Values::Ignored { rows, reason: Reason::Asked });
    }
    let cells: Vec<f64> = (0..rows).map(|row| array.cell(row, column)).collect();
    if let Some(row) = cells.iter().position(|cell| !cell.is_nan() && cell.abs() > f64::from(f32::MAX)) {
        return Err(not_finite(array, row, column, cells[row], "or NaN if it is not known"));
    }
    if known.is_none() && cells.iter().all(|cell| cell.is_nan()) {
        return Ok(Values::Ignored { rows, reason: Reason::Empty });
    }
    Ok(Values::Numbers(cells))
}

/// The cells of images, channel by channel.
fn pixels(array: &Array, [channels, height, width]: [usize; 3], channels_last: bool) -> Result<Cells, InputError> {
    let area = height * width;
    let place = |at: usize| if channels_last { at % area * channels + at / area } else { at };
    let cells = (0..array.rows()).flat_map(|row| (0..array.width()).map(move |at| (row, place(at))));
    if array.is_bytes() {
        let cells = cells.map(|(row, at)| array.cell(row, at) as u8).collect();
        return Ok(Cells::U8 { cells, scale: 1.0 / 255.0 });
    }
    let number = |(row, at)| {
        let cell = array.cell(row, at);
        // NaN is not less than anything.
        if cell.abs() <= f64::from(f32::MAX) {
            Ok(cell as f32)
        } else {
            Err(not_finite(array, row, at, cell, "an image has no empty cells"))
        }
    };
    Ok(Cells::F32(cells.map(number).collect::<Result<_, _>>()?))
}

fn target(array: &Array, column: usize, name: &str, options: &CsvOptions) -> Result<Target, InputError> {
    let cells: Vec<f64> = (0..array.rows()).map(|row| array.cell(row, column)).collect();
    if let Some(row) = cells.iter().position(|cell| cell.is_nan() || cell.abs() > f64::from(f32::MAX)) {
        return Err(not_finite(array, row, column, cells[row], "or leave the row out"));
    }
    let kind = options.kind.or(array.is_bool().then_some(csv::TargetKind::Classes));
    Ok(csv::target_of_numbers(&cells, name, kind))
}

fn not_finite(array: &Array, row: usize, at: usize, cell: f64, or: &str) -> InputError {
    let place = format!("{}, row {row}, cell {at} of it, counted from 0", array.place);
    InputError::new(
        place,
        "a finite number up to 3.4e38 in size",
        cell.to_string(),
        format!("correct the number, {or}"),
    )
}

fn axes(array: &Array) -> String {
    array.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ")
}
