//! `tune` as a person meets it: a table, a run of the best, and nothing trained twice.

#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod program;

use std::fs;

use program::chainrule;
use serde_json::Value;
use tempfile::TempDir;

const SPACE: &str = "rate = { log = [1e-4, 1e-1] }\nbatch = [32, 64]\noptimizer = [\"adam\", \"momentum\"]\n";

fn with(space: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("space.toml"), space).unwrap();
    folder
}

#[test]
fn a_tuning_is_a_table_and_a_run_and_goes_on() {
    let folder = with(SPACE);
    let asked = ["tune", "--space", "space.toml", "--trials", "9", "--epochs", "9"];
    let output = chainrule(&folder, &asked).assert().success().get_output().clone();
    let (page, told) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(
        told.starts_with("tuning: 9 trials for 1 epoch, 3 for 3, 1 for 9\nrung 1, trial 1 for 1 epoch: "),
        "{told}"
    );
    assert_eq!(told.lines().filter(|line| line.starts_with("rung ")).count(), 13, "{told}");
    assert!(told.ends_with("next: chainrule test runs/digits-tuned/best\n"), "{told}");
    assert!(page.starts_with("tuning      runs/digits-tuned\nrungs       9 trials for 1 epoch"), "{page}");
    let mut table = page.lines().skip_while(|line| !line.starts_with("trial "));
    let head: Vec<&str> = table.next().unwrap().split_whitespace().collect();
    assert_eq!(head, ["trial", "epochs", "loss", "accuracy", "optimizer", "rate", "batch"]);
    let losses: Vec<f64> =
        table.map_while(|line| line.split_whitespace().nth(2)).map(|loss| loss.parse().unwrap()).collect();
    assert!(losses.len() == 9 && losses.is_sorted(), "{page}");

    // The same again: the same answer, of which nothing was trained.
    let again = chainrule(&folder, &[&asked[..], &["--json"]].concat()).assert().success().get_output().clone();
    let told = String::from_utf8(again.stderr).unwrap();
    assert!(
        told.starts_with("tuning: 9 trials for 1 epoch, 3 for 3, 1 for 9; 13 trainings done before\nnext: "),
        "{told}"
    );
    let report: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(report["done_before"], 13);
    for (trial, loss) in report["trials"].as_array().unwrap().iter().zip(losses) {
        assert_eq!(format!("{:.4}", trial["validation"]["loss"].as_f64().unwrap()), format!("{loss:.4}"));
    }
    assert_eq!(report["best"]["validation"], report["trials"][0]["validation"]);
    let test =
        chainrule(&folder, &["test", "runs/digits-tuned/best", "--json"]).assert().success().get_output().clone();
    assert_eq!(serde_json::from_slice::<Value>(&test.stdout).unwrap(), report["best"]);
}

#[test]
fn a_trial_that_diverges_is_the_last_and_all_of_them_are_a_no() {
    let folder = with("rate = [0.01, 1e30]\noptimizer = \"sgd\"\n");
    let asked = ["tune", "--space", "space.toml", "--trials", "8", "--epochs", "2", "--eta", "2", "--json"];
    let output = chainrule(&folder, &[&asked[..], &["--out", "some"]].concat()).assert().success().get_output().clone();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let trials = report["trials"].as_array().unwrap();
    let diverged: Vec<bool> = trials.iter().map(|trial| trial["diverged"].is_string()).collect();
    assert!(diverged.is_sorted() && diverged.contains(&true) && !diverged[0], "{diverged:?}");
    assert!(trials.iter().zip(&diverged).all(|(trial, &diverged)| (trial["settings"]["rate"] == 1e30) == diverged));

    fs::write(folder.path().join("space.toml"), "rate = 1e30\noptimizer = \"sgd\"\n").unwrap();
    let output = chainrule(&folder, &[&asked[..], &["--out", "none"]].concat()).assert().code(1).get_output().clone();
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .ends_with("error: every trial diverged: lower the rates of the space\n")
    );
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap()["best"], Value::Null);
}
