//! Layers whose training and test builds differ, and the losses, from data to a run and back.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod program;

use program::chainrule;
use serde_json::Value;
use tempfile::TempDir;

fn json(folder: &TempDir, arguments: &[&str]) -> Value {
    let output = chainrule(folder, arguments).arg("--json").assert().success().get_output().stdout.clone();
    serde_json::from_slice(&output).unwrap()
}

#[test]
fn a_norm_and_a_dropout_train_to_the_same_bits_on_any_threads_and_are_tested_as_saved() {
    let folder = TempDir::new().unwrap();
    let model = "affine:32 batch_norm relu dropout:0.2 affine:10";
    let weights = |threads: &str| {
        let out = format!("run{threads}");
        // The last batch of an epoch is short.
        let train = ["train", "--model", model, "--epochs", "4", "--batch", "17", "--threads", threads, "--out", &out];
        let trained = json(&folder, &train);
        let tested = json(&folder, &["test", &out]);
        assert_eq!(trained["test"], tested["test"], "{trained} {tested}");
        std::fs::read(folder.path().join(out).join("model.safetensors")).unwrap()
    };
    let one = weights("1");
    assert!(one == weights("3"));
    for name in ["1.mean", "1.variance", "1.weight"] {
        assert!(one.windows(name.len()).any(|bytes| bytes == name.as_bytes()), "{name}");
    }
}

#[test]
fn a_binary_loss_gives_both_probabilities() {
    let folder = TempDir::new().unwrap();
    let rows: String = (0..60).map(|i| format!("{},{}\n", i % 20, if i % 20 < 10 { "no" } else { "yes" })).collect();
    std::fs::write(folder.path().join("two.csv"), format!("x,answer\n{rows}")).unwrap();
    let train =
        ["train", "two.csv", "--target", "answer", "--loss", "binary_cross_entropy", "--rate", "0.05", "--out", "run"];
    json(&folder, &train);
    let record = std::fs::read_to_string(folder.path().join("run/run.toml")).unwrap();
    assert!(record.contains("loss = \"binary_cross_entropy\"") && record.contains("affine:1\""), "{record}");
    let output = chainrule(&folder, &["predict", "run", "two.csv"]).assert().success().get_output().stdout.clone();
    let page = String::from_utf8(output).unwrap();
    let mut lines = page.lines();
    assert_eq!(lines.next(), Some("predicted,p(no),p(yes)"));
    let first: Vec<&str> = lines.next().unwrap().split(',').collect();
    let [no, yes] = [1, 2].map(|at| first[at].parse::<f64>().unwrap());
    assert!(first[0] == "no" && no > 0.9 && (no + yes - 1.0).abs() < 1e-6, "{first:?}");
}

#[test]
fn losses_of_numbers_are_kept_in_the_record() {
    let folder = TempDir::new().unwrap();
    let rows: String = (0..80).map(|i| format!("{i},{}\n", 3 * i + 1)).collect();
    std::fs::write(folder.path().join("line.csv"), format!("x,y\n{rows}")).unwrap();
    for loss in ["mean_absolute", "huber:0.5", "mean_squared"] {
        let train = [
            "train", "line.csv", "--target", "y", "--loss", loss, "--epochs", "60", "--rate", "0.01", "--out", "run",
            "--force",
        ];
        let trained = json(&folder, &train);
        let tested = json(&folder, &["test", "run"]);
        assert_eq!(trained["test"], tested["test"]);
        assert!(tested["test"]["r2"].as_f64().unwrap() > 0.98, "{loss}: {tested}");
    }
}
