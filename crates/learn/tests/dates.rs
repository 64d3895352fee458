//! Dates of a table against pandas' calendar and scikit-learn's imputer and scaler, as `tools/dates_oracle.py` has stored
//! them, in memory and on disk.

#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::fs;
use std::sync::atomic::AtomicBool;

use chainrule::{Cells, Encoding, Every, Keeper, Settings, Source, Values, train_kept, train_stored};
use serde_json::Value;
use tempfile::TempDir;

fn stored() -> Value {
    let path = format!("{}/tests/oracle/dates.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn list<T>(value: &Value, of: impl Fn(&Value) -> T) -> Vec<T> {
    value.as_array().unwrap().iter().map(of).collect()
}

/// The cells as a table, with a target.
fn table(folder: &TempDir, cells: &[String]) -> Source {
    let path = folder.path().join("dates.csv");
    let rows = cells.iter().enumerate().map(|(at, cell)| format!("\"{cell}\",{}\n", at % 7));
    fs::write(&path, format!("when,y\n{}", rows.collect::<String>())).unwrap();
    Source { path: Some(path), target: Some("y".into()), ..Source::default() }
}

#[test]
fn encoded_dates_equal_those_of_pandas() {
    let (stored, folder) = (stored(), TempDir::new().unwrap());
    let cells = list(&stored["cells"], |cell| cell.as_str().unwrap().to_owned());
    let data = table(&folder, &cells).open(None).unwrap().train;
    let Cells::Table(columns) = &data.cells else { panic!("a table has columns") };
    let Values::Dates(seconds) = &columns[0] else { panic!("dates are dates: {}", columns[0].kind()) };
    let theirs = list(&stored["seconds"], |x| x.as_f64().unwrap_or(f64::NAN));
    for ((ours, theirs), cell) in seconds.iter().zip(&theirs).zip(&cells) {
        assert!((ours - theirs).abs() < 1e-6 || (ours.is_nan() && theirs.is_nan()), "{cell}: {ours}, {theirs}");
    }
    let fitted: Vec<u32> = (0..stored["fitted"].as_u64().unwrap() as u32).collect();
    let encoding = Encoding::fit(&data, &fitted, false).unwrap();
    assert_eq!(encoding.input.names(), list(&stored["names"], |name| name.as_str().unwrap().to_owned()));
    let values = list(&stored["values"], |x| x.as_f64().unwrap());
    let ours = encoding.input_of(data).unwrap();
    assert_eq!(ours.len(), values.len());
    for (at, (ours, theirs)) in ours.iter().zip(values).enumerate() {
        let (row, cell) = (at / 8, &cells[at / 8]);
        assert!((f64::from(*ours) - theirs).abs() <= 1e-6, "row {row}, {cell}, number {}: {ours}, {theirs}", at % 8);
    }
}

#[test]
fn a_table_on_disk_has_the_same_dates() {
    let folder = TempDir::new().unwrap();
    let cell = |at: usize| match at % 13 {
        0 => String::new(),
        _ => format!("{}-{:02}-{:02}T{:02}:00", 1990 + at % 40, at % 12 + 1, at % 28 + 1, at % 24),
    };
    let source = table(&folder, &(0..20_000).map(cell).collect::<Vec<_>>());
    let never = AtomicBool::new(false);
    let settings =
        Settings { model: Some("affine:4 relu affine:7".parse().unwrap()), epochs: 1, ..Settings::default() };
    let run = folder.path().join("run");
    let mut keeper = Keeper::begin(&run, true, &source, Every::Epoch, &never).unwrap();
    let resident = train_kept(source.open(None).unwrap(), &settings, &mut keeper, None, |_| {}).unwrap();
    let stored = Source { memory: Some(20_000_000), ..source }.stored(None).unwrap().unwrap();
    let stored = train_stored(stored, &settings, &mut keeper, None, |_| {}).unwrap();
    assert_eq!(stored.predictor, resident.predictor);
    assert_eq!((stored.test, stored.fingerprint), (resident.test, resident.fingerprint));
}
