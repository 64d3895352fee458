//! Parquet tables, written by pyarrow (`tools/parquet_oracle.py`), are the tables that they are as CSV.
#![cfg(feature = "parquet")]
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::path::PathBuf;

use chainrule::readers::csv::{CsvOptions, read};
use chainrule::{Dataset, InputError, Settings, Source, train};

fn oracle(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/oracle", name].iter().collect()
}

fn table(name: &str) -> Result<Dataset, InputError> {
    read(&oracle(name), &CsvOptions { target: Some("y".into()), ..CsvOptions::default() })
}

#[test]
fn each_is_the_table_that_it_is_as_csv() {
    let csv = table("parquet.csv").unwrap();
    for name in ["parquet_snappy.parquet", "parquet_plain.parquet", "parquet_gzip.parquet"] {
        let found = table(name).unwrap();
        assert_eq!(found.columns, csv.columns, "{name}");
        assert_eq!(found.target, csv.target, "{name}");
        assert_eq!(found.hash(), csv.hash(), "{name}");
    }
}

#[test]
fn it_is_trained_on_with_and_without_a_cache_to_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.parquet");
    std::fs::copy(oracle("parquet_plain.parquet"), &path).unwrap();
    let settings = Settings { epochs: 2, threads: Some(1), ..Settings::default() };
    let source = |path| Source { path: Some(path), target: Some("y".into()), ..Source::default() };
    let trained = train(source(path.clone()).open(None).unwrap(), &settings, |_| {}).unwrap();
    let csv = train(source(oracle("parquet.csv")).open(None).unwrap(), &settings, |_| {}).unwrap();
    assert_eq!((&trained.history[1].train_loss, &trained.fingerprint), (&csv.history[1].train_loss, &csv.fingerprint));
    let stored = Source { memory: Some(1 << 30), ..source(path) }.stored(None).unwrap().unwrap();
    assert_eq!(stored.rows(), 60);
}

#[test]
fn what_is_broken_or_no_table_is_refused_by_name() {
    let error = table("parquet_nested.parquet").unwrap_err();
    assert!(error.place.ends_with("parquet_nested.parquet, column 'list'"), "{error}");
    let error = table("parquet_zstd.parquet").unwrap_err();
    assert!(error.place.ends_with("parquet_zstd.parquet, column 'x'") && error.found.starts_with("ZSTD"), "{error}");
    let whole = std::fs::read(oracle("parquet_snappy.parquet")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.parquet");
    let options = CsvOptions { target: Some("y".into()), ..CsvOptions::default() };
    for cut in [4, 8, whole.len() / 2, whole.len() - 9, whole.len() - 1] {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let error = read(&path, &options).unwrap_err();
        assert_eq!((&*error.place, &*error.expected), (&*path.display().to_string(), "a Parquet file"), "{error}");
    }
    // A byte of a page that is changed: it is refused with its row, or says something else that can be read.
    for at in (4..whole.len() - 400).step_by(13) {
        let mut changed = whole.clone();
        changed[at] ^= 0x55;
        std::fs::write(&path, changed).unwrap();
        let _ = read(&path, &options);
    }
}
