//! numpy's arrays are the examples that a table of the same numbers is. The files are numpy's own, by `tools/arrays_oracle.py`.

#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::fs;
use std::path::{Path, PathBuf};

use chainrule::readers::{Data, arrays};
use chainrule::{Cells, Dataset, InputError, Source, Target, Values};
use serde_json::Value;
use tempfile::TempDir;

fn oracle(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle").join(name)
}

fn numbers(file: &str, array: &str) -> Vec<f64> {
    let stored: Value = serde_json::from_str(&fs::read_to_string(oracle(file)).unwrap()).unwrap();
    stored["arrays"][array]["cells"].as_array().unwrap().iter().map(|cell| cell.as_f64().unwrap()).collect()
}

fn open(path: &Path, target: Option<&str>) -> Result<Data, InputError> {
    Source { path: Some(path.to_owned()), target: target.map(str::to_owned), ..Source::default() }.open(None)
}

/// A `.npy` of f8 in the order of C.
fn npy(path: &Path, shape: &str, cells: &[f64]) {
    let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}");
    let cells: Vec<u8> = cells.iter().flat_map(|cell| cell.to_le_bytes()).collect();
    let bytes = [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), &cells].concat();
    fs::write(path, bytes).unwrap();
}

#[test]
fn arrays_are_the_rows_of_a_table_of_their_numbers() {
    let folder = TempDir::new().unwrap();
    let (x, y) = (numbers("irises.json", "x"), numbers("irises.json", "y"));
    let rows: Vec<Vec<f64>> = x.chunks(4).zip(&y).map(|(x, &y)| [x, &[y]].concat()).collect();
    let line = |row: &Vec<f64>| row.iter().map(f64::to_string).collect::<Vec<_>>().join(",") + "\n";
    let (table, one) = (folder.path().join("irises.csv"), folder.path().join("irises.npy"));
    fs::write(&table, rows.iter().map(line).collect::<String>()).unwrap();
    npy(&one, "(150, 5)", &rows.concat());
    let csv = open(&table, Some("4")).unwrap().train;
    let same = |data: Dataset| assert_eq!(Dataset { source: csv.source.clone(), ..data }, csv);
    same(open(&oracle("irises.npz"), Some("y")).unwrap().train);
    same(open(&oracle("irises.npz"), None).unwrap().train);
    same(open(&one, Some("4")).unwrap().train);

    // To predict for them: with the target or without.
    let columns = |data: Dataset| match data.cells {
        Cells::Table(columns) => columns,
        other => panic!("{other:?}"),
    };
    let (known, without) = (open(&one, Some("4")).unwrap().train, folder.path().join("x.npy"));
    npy(&without, "(150, 4)", &x);
    let known: Vec<_> = known
        .columns
        .iter()
        .map(|name| chainrule::readers::csv::Known { name: name.clone(), kind: chainrule::readers::csv::Kind::Number })
        .collect();
    for path in [&one, &without, &oracle("irises.npz")] {
        let rows = arrays::examples(path, &known, Some(if path.ends_with("irises.npz") { "y" } else { "4" })).unwrap();
        assert_eq!(rows.target, Target::None);
        assert_eq!(columns(rows), columns(csv.clone()));
    }
}

#[test]
fn arrays_of_three_axes_are_images_and_their_sets_are_kept_apart() {
    let Data { train, test, .. } = open(&oracle("pixels.npz"), Some("y")).unwrap();
    let test = test.unwrap();
    assert_eq!((train.image, train.rows(), test.rows()), (Some([1, 4, 5]), 9, 4));
    for (data, part) in [(train, "train"), (test, "test")] {
        let Cells::U8 { cells, scale } = data.cells else { panic!("bytes stay bytes") };
        assert_eq!(scale, 1.0 / 255.0);
        assert_eq!(cells.into_iter().map(f64::from).collect::<Vec<_>>(), numbers("pixels.json", &format!("x_{part}")));
        let Target::Classes { labels, names } = data.target else { panic!("few whole numbers are classes") };
        assert_eq!(names, ["0", "1", "2"]);
        assert_eq!(labels.into_iter().map(f64::from).collect::<Vec<_>>(), numbers("pixels.json", &format!("y_{part}")));
    }
    // Channels are the second axis or the last.
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("x.npy");
    let cells: Vec<f64> = (0..12).map(f64::from).collect();
    for (shape, image, expected) in [
        ("(1, 3, 2, 2)", [3, 2, 2], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        ("(1, 2, 2, 3)", [3, 2, 2], [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]),
    ] {
        npy(&path, shape, &cells);
        let data = arrays::examples(&path, &[], None).unwrap();
        assert_eq!(data.image, Some(image));
        assert_eq!(data.cells, Cells::F32(expected.map(|cell| cell as f32).to_vec()));
    }
}

#[test]
fn what_cannot_be_learned_is_placed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.npy");
    let told = |shape: &str, cells: &[f64], target: Option<&str>| {
        npy(&path, shape, cells);
        open(&path, target).unwrap_err().to_string()
    };
    let nan = f64::NAN;
    assert!(
        told("(2, 2)", &[1.0, 2.0, 3.0, nan], Some("1"))
            .contains("row 1, cell 1 of it, counted from 0: expected a finite")
    );
    assert!(told("(2, 2)", &[1.0, 2.0, f64::INFINITY, 1.0], Some("1")).contains("row 1, cell 0"));
    assert!(
        told("(2, 2)", &[1.0; 4], Some("7")).contains("expected a column '7', as the target, found one array of 2 × 2")
    );
    assert!(told("(2, 2)", &[1.0; 4], None).contains("expected a target"));
    assert!(told("(1, 2, 2)", &[1.0; 4], Some("1")).contains("expected a target"));
    let error = open(&oracle("irises.npz"), Some("z")).unwrap_err().to_string();
    assert!(error.contains("expected an array 'z', as the target, found arrays 'x', 'y'"), "{error}");
    let error = open(&oracle("irises.npz"), Some("x")).unwrap_err().to_string();
    assert!(
        error.contains("array 'x': expected a class or a number for each of the 150 examples, found 150 × 4"),
        "{error}"
    );
    // A gap in a table is an empty cell.
    npy(&path, "(2, 2)", &[nan, 2.0, 3.0, 4.0]);
    let Cells::Table(columns) = open(&path, Some("1")).unwrap().train.cells else { panic!("a table has columns") };
    assert!(matches!(&columns[0], Values::Numbers(cells) if cells[0].is_nan() && cells[1] == 3.0));
}
