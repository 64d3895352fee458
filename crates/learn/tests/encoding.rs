//! A table's encoding against scikit-learn's StandardScaler, SimpleImputer and OneHotEncoder, as
//! `tools/encoding_oracle.py` has stored them.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected has failed")]
#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

use chainrule::{Encoding, Source};
use serde_json::Value;

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

#[test]
fn encoded_numbers_equal_scikit_learns() {
    let here = env!("CARGO_MANIFEST_DIR");
    let stored = std::fs::read_to_string(format!("{here}/tests/oracle/encoding.json")).unwrap();
    let stored: Value = serde_json::from_str(&stored).unwrap();
    for table in stored["tables"].as_array().unwrap() {
        let file = table["file"].as_str().unwrap();
        let path = format!("{here}/../../../shared/data/{file}");
        if !std::path::Path::new(&path).exists() {
            println!("skipped: there is no {file}");
            continue;
        }
        let target = table["target"].as_str().map(str::to_owned);
        let data = Source { path: Some(path.into()), target, ..Source::default() }.open(None).unwrap().train;
        let fitted: Vec<u32> = (0..data.rows() as u32).filter(|row| row % 5 != 0).collect();
        let encoding = Encoding::fit(&data, &fitted, false).unwrap();
        let names = encoding.input.names();
        let mut theirs = texts(&table["names"]);
        let rows: Vec<u32> = table["rows"].as_array().unwrap().iter().map(|row| row.as_u64().unwrap() as u32).collect();
        let values: Vec<f64> = table["values"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
        let ours = encoding.input_of(data.select(&rows)).unwrap();
        assert_eq!((ours.len(), names.len()), (values.len(), theirs.len()));
        for (row, expected) in values.chunks(theirs.len()).enumerate() {
            for (name, expected) in theirs.iter().zip(expected) {
                let at = names.iter().position(|ours| ours == name).unwrap_or_else(|| panic!("{file}: no {name}"));
                let found = f64::from(ours[row * names.len() + at]);
                assert!((found - expected).abs() <= 1e-6, "{file}, row {}, {name}: {found}, {expected}", rows[row]);
            }
        }
        theirs.sort_unstable();
        theirs.dedup();
        assert_eq!(theirs.len(), names.len());
    }
}
