//! `--groups`, `--time`, `--split`, `--validation FILE` and `--test FILE`.

#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod program;

use std::fs;

use program::chainrule;
use serde_json::Value;
use tempfile::TempDir;

/// Visits of 50 patients, one a day.
fn visits() -> TempDir {
    let folder = TempDir::new().unwrap();
    let row = |i: u32| {
        let (patient, sick) = (i * 7 % 50, i * 7919 % 100 > 40);
        let date = format!("{}-{:02}-{:02}", 2020 + i / 336, i / 28 % 12 + 1, i % 28 + 1);
        let part = ["train", "Train", "TEST", "train", "validation"][i as usize % 5];
        format!("{},p{patient},{date},{part},{}\n", i * 7919 % 100, if sick { "sick" } else { "well" })
    };
    let rows = |range: std::ops::Range<u32>| range.map(row).collect::<String>();
    let head = "pulse,patient,date,part,state\n";
    fs::write(folder.path().join("visits.csv"), format!("{head}{}", rows(0..600))).unwrap();
    fs::write(folder.path().join("late.csv"), format!("{head}{}", rows(600..700))).unwrap();
    folder
}

fn train(folder: &TempDir, flags: &[&str]) -> (Value, String) {
    let all = [&["train", "visits.csv", "--target", "state", "--epochs", "2", "--json", "--force"], flags].concat();
    let output = chainrule(folder, &all).assert().success().get_output().clone();
    (serde_json::from_slice(&output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// How many rows train, choose and judge, by the run's record.
fn parts(folder: &TempDir, run: &str) -> [i64; 3] {
    let record: toml::Table = fs::read_to_string(folder.path().join(run).join("run.toml")).unwrap().parse().unwrap();
    ["train", "validation", "test"].map(|part| record["data"][part].as_integer().unwrap())
}

fn refuse(folder: &TempDir, flags: &[&str], message: &str) {
    let all = [&["train", "visits.csv", "--target", "state"], flags].concat();
    let output = chainrule(folder, &all).assert().code(2).get_output().clone();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.starts_with(&format!("error: {message}")), "{error}");
}

#[test]
fn rows_are_held_out_as_asked() {
    let folder = visits();
    for (flags, expected) in [
        (&["--groups", "patient"][..], [420, 60, 120]),
        (&["--time", "date"], [420, 60, 120]),
        (&["--split", "part"], [360, 120, 120]),
        (&["--test", "late.csv"], [540, 60, 100]),
        (&["--validation", "late.csv", "--test", "late.csv", "--groups", "patient"], [600, 100, 100]),
    ] {
        let (summary, told) = train(&folder, &[flags, &["--out", "run"]].concat());
        assert_eq!(parts(&folder, "run"), expected, "{flags:?} {told}");
        assert_eq!(
            told.contains("50 of the 50 groups of the test rows have rows in the training set too"),
            flags.len() > 4,
            "{told}"
        );
        let again = chainrule(&folder, &["test", "run", "--json"]).assert().success().get_output().stdout.clone();
        assert_eq!(serde_json::from_slice::<Value>(&again).unwrap()["test"], summary["test"], "{flags:?}");
        chainrule(&folder, &["trace", "run"]).assert().success();
    }
    // What a split goes by need not be there to predict, nor to be judged.
    train(&folder, &["--groups", "patient", "--ignore", "date,part", "--out", "run"]);
    fs::write(folder.path().join("new.csv"), "pulse,state\n70,well\n20,well\n").unwrap();
    chainrule(&folder, &["predict", "run", "new.csv"]).assert().success();
    chainrule(&folder, &["test", "run", "new.csv"]).assert().success();
}

#[test]
fn a_runs_split_is_read_again() {
    let folder = visits();
    train(&folder, &["--groups", "patient", "--out", "one"]);
    let lines = fs::read_to_string(folder.path().join("one/split.csv")).unwrap();
    assert_eq!((lines.lines().next(), lines.lines().count()), (Some("hash,part"), 181));
    train(&folder, &["--split", "one", "--ignore", "date", "--seed", "5", "--out", "two"]);
    assert_eq!(parts(&folder, "two"), parts(&folder, "one"));
    assert!(fs::read_to_string(folder.path().join("two/run.toml")).unwrap().contains("split_run = \"one\""));
    refuse(&folder, &["--split", "one", "--test", "0.3"], "--test: expected no share beside --split RUN");
    refuse(&folder, &["--split", "one", "--test", "late.csv"], "visits.csv: expected test rows from one place");
    refuse(&folder, &["--split", "no/run"], "no/run/run.toml: expected a file or folder");
}

#[test]
fn folds_and_trials_keep_to_the_split() {
    let folder = visits();
    let folds = ["train", "visits.csv", "--target", "state", "--epochs", "1", "--folds", "4", "--json"];
    for flags in [["--groups", "patient"], ["--time", "date"], ["--split", "part"]] {
        let output = chainrule(&folder, &[&folds[..], &flags].concat()).assert().success().get_output().stdout.clone();
        let report: Value = serde_json::from_slice(&output).unwrap();
        assert_eq!((&report["rows"], &report["test_rows"]), (&480.into(), &120.into()), "{flags:?}");
    }
    fs::write(folder.path().join("space.toml"), "rate = [0.001, 0.01]\n").unwrap();
    let tune = [
        "tune",
        "visits.csv",
        "--target",
        "state",
        "--space",
        "space.toml",
        "--trials",
        "2",
        "--epochs",
        "1",
        "--out",
        "t",
    ];
    chainrule(&folder, &[&tune[..], &["--groups", "patient"]].concat()).assert().success();
    assert_eq!(parts(&folder, "t/best"), [420, 60, 120]);
    assert!(fs::read_to_string(folder.path().join("t/tune.toml")).unwrap().contains("groups = \"patient\""));
}

#[test]
fn splits_that_cannot_be() {
    let folder = visits();
    let text = fs::read_to_string(folder.path().join("visits.csv")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let with = |name: &str, from: &str, to: &str| {
        let line = lines[5].replace(from, to);
        fs::write(folder.path().join(name), text.replacen(lines[5], &line, 1)).unwrap();
    };
    let read = |name: &str, flags: &[&str], message: &str| {
        fs::rename(folder.path().join(name), folder.path().join("visits.csv")).unwrap();
        refuse(&folder, flags, message);
        fs::write(folder.path().join("visits.csv"), &text).unwrap();
    };
    refuse(&folder, &["--groups", "patients"], "visits.csv, groups: expected one of");
    refuse(
        &folder,
        &["--groups", "state"],
        "visits.csv, groups: expected a column other than the target, found 'state'\n  hint: take it out of --groups",
    );
    refuse(
        &folder,
        &["--groups", "part", "--split", "part"],
        "visits.csv: expected a column for each of groups, time, split and weights",
    );
    refuse(
        &folder,
        &["--test", "nowhere.csv"],
        "--test: expected a number from 0 to less than 1, or a file that is there",
    );
    refuse(
        &folder,
        &["--time", "date", "--groups", "patient"],
        "the argument '--time <COLUMN>' cannot be used with '--groups <COLUMN>'",
    );
    refuse(
        &folder,
        &["--time", "part"],
        "visits.csv, line 2, column 'part': expected a number or a date such as 2024-01-31, found 'train'",
    );
    with("bad.csv", "validation", "valid");
    read(
        "bad.csv",
        &["--split", "part"],
        "visits.csv, line 6, column 'part': expected train, validation or test, found 'valid'",
    );
    with("bad.csv", "2020-", "202O-");
    read(
        "bad.csv",
        &["--time", "date"],
        "visits.csv, line 6, column 'date': expected a number or a date such as 2024-01-31, found '202O-01-05'",
    );
    with("bad.csv", "p28", "");
    read(
        "bad.csv",
        &["--groups", "patient"],
        "visits.csv, line 6, column 'patient': expected the name of a group, found an empty cell",
    );
    let all = ["train", "--groups", "patient"];
    chainrule(&folder, &all).assert().code(2);
}
