//! `compare`: what differs, what came out, and where runs part.

#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod program;

use std::fs;

use program::chainrule;
use serde_json::Value;
use tempfile::TempDir;

const TRAIN: [&str; 5] = ["train", "--model", "affine:10", "--epochs", "4"];

/// Runs of the digits: `a`, the same again, with another seed, and with a rate that falls after the second epoch.
fn runs() -> TempDir {
    let folder = TempDir::new().unwrap();
    let falls = ["--schedule", "step:every=2,factor=0.5"];
    for (name, more) in [("a", &[][..]), ("again", &["--threads", "1"]), ("seed", &["--seed", "2"]), ("falls", &falls)]
    {
        chainrule(&folder, &TRAIN).args(["--out", name]).args(more).assert().success();
    }
    folder
}

/// The numbers of a run's `losses.npy`, whose header is 128 bytes.
fn losses(folder: &TempDir, run: &str) -> Vec<f32> {
    let bytes = fs::read(folder.path().join(run).join("losses.npy")).unwrap();
    bytes[128..].chunks(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
}

fn page(folder: &TempDir, arguments: &[&str]) -> String {
    let output = chainrule(folder, &[&["compare"], arguments].concat()).assert().success().get_output().stdout.clone();
    String::from_utf8(output).unwrap()
}

#[test]
fn runs_part_where_something_made_a_difference() {
    let folder = runs();
    let said = page(&folder, &["a", "again", "seed", "falls"]);
    let ends = [
        "\nA and B are the same to the bit in all 4 epochs\n",
        "\nA and C part before the first step: their first parameters differ\n",
        "\nA and D part in step 82 (step 2 of epoch 3), after 81 that are the same to the bit: its batch's loss is ",
    ];
    assert!(ends.iter().all(|end| said.contains(end)), "{said}");
    let lines: Vec<&str> = said.lines().collect();
    let words = |line: usize| lines[line].split_whitespace().collect::<Vec<_>>();
    assert_eq!(words(0), ["run", "schedule", "seed"]);
    assert_eq!([words(1), words(3)], [["A", "a", "-", "1"], ["C", "seed", "-", "2"]]);
    assert_eq!(words(4), ["D", "falls", "step:every=2,factor=0.5", "1"]);
    assert!(said.contains("\nvalidation loss\n") && said.contains("\ntraining loss\n"), "{said}");

    let json: Value = serde_json::from_str(&page(&folder, &["a", "falls", "--json"])).unwrap();
    assert_eq!(json["differ"], serde_json::json!(["schedule"]));
    let part = &json["parting"][0];
    assert_eq!((&part["part"], &part["within"]), (&"step".into(), &serde_json::json!([2, 3])));
    assert_eq!(part["losses"][0], losses(&folder, "a")[81]);
    let record: toml::Table = fs::read_to_string(folder.path().join("falls/run.toml")).unwrap().parse().unwrap();
    assert_eq!(json["runs"][1]["results"]["test"]["loss"].as_f64(), record["results"]["test"]["loss"].as_float());
    let metrics = fs::read_to_string(folder.path().join("falls/metrics.jsonl")).unwrap();
    let third: Value = serde_json::from_str(metrics.lines().nth(2).unwrap()).unwrap();
    assert_eq!(json["runs"][1]["history"][2], third);
}

#[test]
fn runs_of_other_data_are_said_to_be_so() {
    let folder = runs();
    let rows: String = (0..60).map(|i| format!("{},{},{}\n", i % 7, i % 5, ["u", "v"][i % 2])).collect();
    fs::write(folder.path().join("t.csv"), format!("a,b,y\n{rows}")).unwrap();
    let train = ["train", "t.csv", "--target", "y", "--epochs", "4", "--out", "table"];
    chainrule(&folder, &train).assert().success();
    let said = page(&folder, &["a", "table"]);
    assert!(
        said.ends_with("not all were trained on the same data: their losses and scores are of different rows\n"),
        "{said}"
    );
    // Records from before there were layers, and from before there were losses of steps.
    fs::remove_file(folder.path().join("seed/layers.jsonl")).unwrap();
    assert!(page(&folder, &["a", "seed"]).contains("A and B part in step 1 of epoch 1: its batch's loss is "));
    fs::remove_file(folder.path().join("seed/losses.npy")).unwrap();
    assert!(page(&folder, &["a", "seed"]).contains("A and B part in epoch 1: training loss "));
    fs::write(folder.path().join("seed/losses.npy"), b"\x93NUMPY").unwrap();
    let told = chainrule(&folder, &["compare", "a", "seed"]).assert().code(2).get_output().stderr.clone();
    assert!(String::from_utf8(told).unwrap().starts_with("error: seed/losses.npy: expected a numpy array"));
}

#[test]
fn curves_are_drawn_and_bad_input_is_told() {
    let folder = runs();
    page(&folder, &["a", "seed", "--svg", "curves.svg"]);
    let picture = fs::read_to_string(folder.path().join("curves.svg")).unwrap();
    assert_eq!(picture.matches("class=\"curve\"").count(), 4);
    for (arguments, told) in [
        (&["a"][..], "2 values required"),
        (&["a", "nothing"], "error: nothing: expected a file or folder"),
        (&["a", "seed", "--svg", "no/curves.svg"], "error: no/curves.svg: expected a file that can be written"),
    ] {
        let output =
            chainrule(&folder, &[&["compare"], arguments].concat()).assert().code(2).get_output().stderr.clone();
        let output = String::from_utf8(output).unwrap();
        assert!(output.contains(told), "{output}");
    }
}
