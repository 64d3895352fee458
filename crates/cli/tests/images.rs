//! Networks of conv2d, max_pool and flatten, from the SPEC to the answers.

#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod program;

use std::fs;

use program::chainrule;
use serde_json::{Value, json};
use tempfile::TempDir;

const SMALL: &str = "conv2d:8@3,padding=1 relu max_pool:2 affine:10";

fn json(folder: &TempDir, arguments: &[&str]) -> Value {
    let output = chainrule(folder, arguments).assert().success().get_output().stdout.clone();
    serde_json::from_slice(&output).unwrap()
}

/// The message of a request that is refused with status 2, and leaves nothing.
fn refused(folder: &TempDir, arguments: &[&str]) -> String {
    let output = chainrule(folder, arguments).assert().code(2).get_output().clone();
    assert!(output.stdout.is_empty(), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_small_network_of_images_reads_digits() {
    let folder = TempDir::new().unwrap();
    let spec = "conv2d:16@3,padding=1 relu max_pool:2 conv2d:32@3,padding=1 relu max_pool:2 affine:10";
    let train = |seed: &str, out: &str| {
        json(&folder, &["train", "--model", spec, "--epochs", "30", "--seed", seed, "--out", out, "--json"])
    };
    let trained = train("1", "run");
    let accuracy = |trained: &Value| trained["test"]["accuracy"].as_f64().unwrap();
    let mut all = [accuracy(&trained), accuracy(&train("2", "second")), accuracy(&train("3", "third"))];
    all.sort_by(f64::total_cmp);
    assert!(all[1] >= 0.975, "{all:?}");
    assert!(trained["seconds"].as_f64().unwrap() < 30.0, "{trained}");
    assert_eq!(json(&folder, &["test", "run", "--json"]), trained);
    let record = fs::read_to_string(folder.path().join("run/run.toml")).unwrap();
    assert!(record.contains(&format!("model = \"{spec}\"")) && record.contains("image = [1, 8, 8]"), "{record}");
}

#[test]
fn a_run_is_predicted_checked_planned_and_timed() {
    let folder = TempDir::new().unwrap();
    chainrule(&folder, &["train", "--model", SMALL, "--epochs", "1", "--out", "run"]).assert().success();
    let row = ["0"; 64].join(",");
    fs::write(folder.path().join("rows.csv"), format!("{row}\n{row}\n")).unwrap();
    let answers = chainrule(&folder, &["predict", "run", "rows.csv"]).assert().success().get_output().stdout.clone();
    assert_eq!(String::from_utf8(answers).unwrap().lines().count(), 3);

    let checked = json(&folder, &["check", "run", "--json", "--sample", "40"]);
    assert_eq!((&checked["passed"], &checked["image"]), (&json!(true), &json!([1, 8, 8])), "{checked}");
    let shapes: Vec<&Value> = checked["parameters"].as_array().unwrap().iter().map(|p| &p["shape"]).collect();
    assert_eq!(shapes, [&json!([8, 1, 3, 3]), &json!([8]), &json!([128, 10]), &json!([10])]);

    let listing = chainrule(&folder, &["plan", "run"]).assert().success().get_output().stdout.clone();
    let listing = String::from_utf8(listing).unwrap();
    assert!(listing.contains(" ⋆ 0.weight + 0.bias") && listing.contains("max of windows of"), "{listing}");
    let timed = json(&folder, &["bench", "run", "--seconds", "0.05", "--json"]);
    assert_eq!(timed["model"], SMALL);
}

#[test]
fn the_gradients_of_all_that_can_be_said_are_right() {
    let folder = TempDir::new().unwrap();
    let spec = "conv2d:4@3x2,stride=2,padding=2,dilation=2 tanh max_pool:3,stride=1,padding=1 \
                conv2d:6@2,groups=2 relu max_pool:2 flatten affine:5 sigmoid affine:3";
    let report = json(&folder, &["check", "--model", spec, "--input", "2x9x10", "--json"]);
    assert_eq!(report["passed"], true, "{report}");
    assert_eq!(report["parameters"][0]["shape"], json!([4, 2, 3, 2]));
    assert_eq!(report["parameters"][2]["shape"], json!([6, 2, 2, 2]));
}

#[test]
fn rows_of_a_table_are_images_if_that_is_said() {
    let folder = TempDir::new().unwrap();
    let names: Vec<String> = (0..16).map(|i| format!("p{i}")).collect();
    let row = |i: usize| {
        let bright = i % 2;
        let pixels: Vec<String> = (0..16).map(|p| usize::from(p / 8 == bright).to_string()).collect();
        format!("{},{}\n", pixels.join(","), if bright == 0 { "top" } else { "bottom" })
    };
    let table: String = std::iter::once(format!("{},where\n", names.join(","))).chain((0..200).map(row)).collect();
    fs::write(folder.path().join("table.csv"), table).unwrap();
    let model = ["train", "table.csv", "--target", "where", "--model", "conv2d:2@3 relu affine:2", "--epochs", "30"];
    let error = refused(&folder, &model);
    assert!(error.contains("word 1, conv2d:2@3: expected an image to go over, found a row of 16"), "{error}");
    assert!(error.contains("for example --input 1x4x4"), "{error}");
    let error = refused(&folder, &[&model[..], &["--input", "1x4x5"]].concat());
    assert!(
        error.contains("table.csv: expected rows of 20 cells, as asked for by --input 1x4x5, found rows of 16"),
        "{error}"
    );

    let trained = json(&folder, &[&model[..], &["--input", "4x4", "--out", "run", "--json"]].concat());
    assert_eq!(trained["test"]["accuracy"], 1.0);
    assert_eq!(json(&folder, &["test", "run", "--json"]), trained);
    let record = fs::read_to_string(folder.path().join("run/run.toml")).unwrap();
    fs::write(folder.path().join("run/run.toml"), record.replace("image = [1, 4, 4]", "image = [1, 4, 5]")).unwrap();
    assert!(refused(&folder, &["test", "run"]).contains("expected rows of 16 numbers"));
}

#[test]
fn what_cannot_be_is_refused_before_data_are_read() {
    let folder = TempDir::new().unwrap();
    for (spec, place, expected) in [
        ("relu max_pool:9 affine:10", "word 2, max_pool:9", "at least 9 x 9"),
        ("conv2d:4@3,dilation=4 affine:10", "word 1, conv2d:4@3,dilation=4", "at least 9 x 9"),
        ("conv2d:4@3,groups=2 affine:10", "word 1, conv2d:4@3,groups=2", "a number of channels that 2 groups"),
        ("affine:9 conv2d:4@3 affine:10", "word 2, conv2d:4@3", "an image to go over"),
    ] {
        for arguments in [&["train", "no-such-folder"][..], &["train"], &["plan"], &["check"], &["bench"]] {
            let train = arguments[0] == "train";
            let input: &[&str] = if train && arguments.len() == 1 { &[] } else { &["--input", "1x8x8"] };
            let error = refused(&folder, &[arguments, &["--model", spec], input].concat());
            assert!(error.contains(place) && error.contains(&format!("expected {expected}")), "{arguments:?}: {error}");
            assert!(error.contains("\n  hint: "), "{error}");
        }
    }
    let error = refused(&folder, &["train", "--model", "conv2d:8@3,pading=1 affine:10"]);
    assert!(error.starts_with("error: --model, model 'conv2d:8@3,pading=1 affine:10', word 1: "), "{error}");
    assert!(error.ends_with("hint: did you mean 'padding'?\n"), "{error}");
    let error = refused(&folder, &["plan", "--model", "affine:10", "--input", "1x2x3x4"]);
    assert!(error.starts_with("error: --input: expected how many numbers a row has"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
