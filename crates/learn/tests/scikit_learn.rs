//! Against numbers from scikit-learn that `tools/sklearn_oracle.py` has stored.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected has failed")]

use chainrule::measures::Measures;
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn narrow(value: &Value) -> Vec<f32> {
    numbers(value).into_iter().map(|x| x as f32).collect()
}

#[test]
fn metrics_equal_scikit_learns() {
    let path = format!("{}/tests/oracle/metrics.json", env!("CARGO_MANIFEST_DIR"));
    let stored: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut compared = 0;
    for case in stored["cases"].as_array().unwrap() {
        let measures = match case["classes"].as_u64() {
            Some(classes) => {
                let labels: Vec<u32> = numbers(&case["labels"]).into_iter().map(|label| label as u32).collect();
                Measures::of_classes(&numbers(&case["probabilities"]), &labels, classes as usize)
            }
            None => Measures::of_numbers(&narrow(&case["predicted"]), &narrow(&case["values"])),
        };
        let found = serde_json::to_value(&measures).unwrap();
        for (name, expected) in case["expected"].as_object().unwrap() {
            let (found, expected) = (found[name].as_f64().unwrap(), expected.as_f64().unwrap());
            assert!((found - expected).abs() <= 1e-9, "{name}: {found}, scikit-learn {expected}");
            compared += 1;
        }
        assert_eq!(found.get("confusion"), case.get("confusion"));
    }
    assert_eq!(compared, 5 * 11 + 1 + 2 + 2 * 5);
}
