//! `train`, `test` and `plan` as a person meets them.

#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod program;

use std::fs;
use std::path::Path;

use program::chainrule;
use serde_json::Value;
use tempfile::TempDir;

fn json(folder: &TempDir, arguments: &[&str]) -> Value {
    let output = chainrule(folder, arguments).assert().success().get_output().stdout.clone();
    serde_json::from_slice(&output).unwrap()
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Rows of y = 3a − b with its column names.
fn line(rows: i32) -> String {
    let row = |i: i32| {
        let (a, b) = (f64::from(i % 20) / 10.0, f64::from(i % 7));
        format!("{a},{b},{}\n", 3.0 * a - b + 0.25)
    };
    std::iter::once("a,b,y\n".to_owned()).chain((0..rows).map(row)).collect()
}

#[test]
fn alone_it_shows_help() {
    let folder = TempDir::new().unwrap();
    let help = chainrule(&folder, &[]).assert().success().get_output().stdout.clone();
    assert!(String::from_utf8(help).unwrap().contains("Usage: chainrule [COMMAND]"));
    for command in ["train", "test", "predict", "plan"] {
        let help = chainrule(&folder, &[command, "--help"]).assert().success().get_output().stdout.clone();
        assert!(
            String::from_utf8(help).unwrap().contains(&format!("\n  chainrule {command}")),
            "an example of {command}"
        );
    }
}

#[test]
fn the_default_training_reaches_97_in_100() {
    let folder = TempDir::new().unwrap();
    let mut accuracies: Vec<f64> = (1..=5)
        .map(|seed| {
            let result = json(&folder, &["train", "--json", "--seed", &seed.to_string()]);
            assert_eq!(result["run"], format!("runs/digits-{seed}"));
            assert!(result["seconds"].as_f64().unwrap() < 10.0);
            result["test"]["accuracy"].as_f64().unwrap()
        })
        .collect();
    accuracies.sort_by(f64::total_cmp);
    assert!(accuracies[2] >= 0.97, "{accuracies:?}");
}

#[test]
fn a_run_is_a_folder_and_its_test_says_the_same_again() {
    let folder = TempDir::new().unwrap();
    let trained = json(&folder, &["train", "--epochs", "3", "--out", "run", "--json"]);
    let texts = ["findings.json", "held_out.json", "layers.jsonl", "metrics.jsonl"];
    let run =
        [&texts[..3], &["losses.npy", "metrics.jsonl"], &["model.safetensors", "report.html", "run.toml", "split.csv"]]
            .concat();
    assert_eq!(files(&folder.path().join("run")), run);
    assert_eq!(files(folder.path()), ["run"]);
    let keys: Vec<&str> = trained.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["best_epoch", "epochs", "run", "seconds", "test", "train", "validation"]);
    assert_eq!(json(&folder, &["test", "run", "--json"]), trained);

    let measured = json(&folder, &["test", "run", "--metrics", "--json"]);
    let (metrics, rows) = (&measured["metrics"], measured["metrics"]["confusion"].as_array().unwrap());
    assert_eq!(metrics["accuracy"], trained["test"]["accuracy"]);
    let right: u64 = (0..rows.len()).map(|class| rows[class][class].as_u64().unwrap()).sum();
    let all: u64 = rows.iter().flat_map(|row| row.as_array().unwrap()).map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(right as f64 / all as f64, trained["test"]["accuracy"].as_f64().unwrap());

    let metrics = fs::read_to_string(folder.path().join("run/metrics.jsonl")).unwrap();
    let lines: Vec<Value> = metrics.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[2]["epoch"]), (3, &3.into()));
    assert!(lines[0]["train_loss"].as_f64() > lines[2]["train_loss"].as_f64());
}

#[test]
fn what_was_asked_of_the_optimizer_is_recorded_and_an_old_record_is_read() {
    let folder = TempDir::new().unwrap();
    let asked = ["--optimizer", "adamw,beta1=0.8", "--weight-decay", "0.1", "--clip-norm", "0.5", "--clip-value", "2"];
    chainrule(&folder, &[&["train", "--epochs", "1", "--out", "run"][..], &asked].concat()).assert().success();
    let path = folder.path().join("run/run.toml");
    let record = fs::read_to_string(&path).unwrap();
    let line = "optimizer = \"adamw,beta1=0.8,decay=0.1,clip_norm=0.5,clip_value=2\"";
    assert!(record.contains(line), "{record}");
    let plan = || chainrule(&folder, &["plan", "run"]).assert().success().get_output().stdout.clone();
    assert!(String::from_utf8(plan()).unwrap().starts_with("plan: one training step with adamw"));
    // As it was before optimizers had settings.
    fs::write(&path, record.replace(line, "optimizer = \"momentum\"")).unwrap();
    assert!(String::from_utf8(plan()).unwrap().starts_with("plan: one training step with momentum"));
    fs::write(&path, record.replace(line, "optimizer = \"adamv\"")).unwrap();
    let output = chainrule(&folder, &["plan", "run"]).assert().code(2).get_output().clone();
    assert!(String::from_utf8(output.stderr).unwrap().contains("run.toml, optimizer: expected one of sgd"));
    // The record of a plain one is what it always was.
    chainrule(&folder, &["train", "--epochs", "1", "--out", "plain"]).assert().success();
    assert!(fs::read_to_string(folder.path().join("plain/run.toml")).unwrap().contains("optimizer = \"adam\"\n"));
}

#[test]
fn a_schedule_is_recorded_and_each_epoch_says_its_rate() {
    let folder = TempDir::new().unwrap();
    let asked = ["--schedule", "step:every=1,factor=0.5", "--warm-up", "0.5", "--rate", "0.01"];
    chainrule(&folder, &[&["train", "--epochs", "3", "--out", "run"][..], &asked].concat()).assert().success();
    let record = fs::read_to_string(folder.path().join("run/run.toml")).unwrap();
    assert!(record.contains("schedule = \"step:every=1,factor=0.5\"\nwarm_up = 0.5\n"), "{record}");
    let metrics = fs::read_to_string(folder.path().join("run/metrics.jsonl")).unwrap();
    let rate = |line: &str| serde_json::from_str::<Value>(line).unwrap()["rate"].as_f64().unwrap();
    let rates: Vec<f64> = metrics.lines().map(rate).collect();
    assert_eq!(rates, [0.01, 0.005, 0.0025]);
    assert_eq!(json(&folder, &["test", "run", "--json"])["epochs"], 3);
}

#[test]
fn a_rate_is_found_and_nothing_is_left() {
    let folder = TempDir::new().unwrap();
    let output = chainrule(&folder, &["train", "--find-rate"]).assert().success().get_output().stdout.clone();
    let page = String::from_utf8(output).unwrap();
    assert!(page.starts_with("range test of adam, batch 32: "), "{page}");
    assert_eq!(page.lines().filter(|line| line.contains("##")).count(), 24, "{page}");
    assert!(page.contains("  <- suggested\n") && page.contains("  <- lowest\n"), "{page}");
    let found = json(&folder, &["train", "--find-rate", "--json"]);
    let rate = found["suggestion"].as_f64().unwrap();
    assert!(page.contains(&format!("\nsuggestion  --rate {rate}\nbecause     ")), "{page}");
    assert!(found["points"].as_array().unwrap().len() > 100);
    assert!((1e-4..0.1).contains(&rate), "{rate}");
    assert!(files(folder.path()).is_empty());
    chainrule(&folder, &["train", "--find-rate", "--out", "run"]).assert().code(2);
}

#[test]
fn weights_begin_as_they_were_asked_to() {
    let folder = TempDir::new().unwrap();
    let accuracy = |initial: &str| {
        let asked = ["train", "--epochs", "2", "--json", "--out", initial, "--initial", initial];
        json(&folder, &asked)["train"]["accuracy"].as_f64().unwrap()
    };
    // Hidden units that begin alike stay alike, and of zeros no gradient comes through.
    assert!(accuracy("zeros") < 0.2);
    assert!(accuracy("orthogonal") > 0.8);
    let record = fs::read_to_string(folder.path().join("orthogonal/run.toml")).unwrap();
    assert!(record.contains("initial = \"orthogonal\""), "{record}");
}

#[test]
fn threads_change_no_bit() {
    let folder = TempDir::new().unwrap();
    for threads in ["1", "2", "3"] {
        let arguments = ["train", "--epochs", "3", "--threads", threads, "--out", threads];
        chainrule(&folder, &arguments).assert().success();
    }
    let weights = |run: &str| fs::read(folder.path().join(run).join("model.safetensors")).unwrap();
    assert_eq!(weights("1"), weights("2"));
    assert_eq!(weights("1"), weights("3"));
}

#[test]
fn numbers_are_judged_in_their_own_unit() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("line.csv"), line(400)).unwrap();
    let result = json(&folder, &["train", "line.csv", "--target", "y", "--epochs", "100", "--json"]);
    assert_eq!(result["run"], "runs/line-1");
    assert!(result["test"]["rmse"].as_f64().unwrap() < 0.5);
    assert!(result["test"]["r2"].as_f64().unwrap() > 0.95);
    assert!(result["test"].get("accuracy").is_none());
    assert_eq!(json(&folder, &["test", "runs/line-1", "--json"])["test"], result["test"]);
    // Columns are found by name, or without names in their order.
    let turned: String =
        line(400).lines().map(|row| row.split(',').rev().collect::<Vec<_>>().join(",") + "\n").collect();
    fs::write(folder.path().join("turned.csv"), turned).unwrap();
    fs::write(folder.path().join("bare.csv"), line(400).split_once('\n').unwrap().1).unwrap();
    let all = json(&folder, &["test", "runs/line-1", "line.csv", "--json"]);
    assert_eq!(json(&folder, &["test", "runs/line-1", "turned.csv", "--json"])["test"], all["test"]);
    assert_eq!(json(&folder, &["test", "runs/line-1", "bare.csv", "--target", "2", "--json"])["test"], all["test"]);
    assert_ne!(all["test"], result["test"], "all rows, not only those held out");
}

#[test]
fn a_loss_that_is_not_finite_is_told_with_its_place() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("line.csv"), line(400)).unwrap();
    let network = ["--model", "affine:128 relu affine:1", "--batch", "32", "--optimizer", "sgd", "--rate", "1e6"];
    let arguments = [&["train", "line.csv", "--target", "y", "--out", "run"], &network[..]].concat();
    let output = chainrule(&folder, &arguments).assert().code(1).get_output().clone();
    let error = String::from_utf8(output.stderr).unwrap();
    let error = &error[error.find("error:").unwrap()..];
    assert!(error.starts_with("error: epoch 1, step "), "{error}");
    assert!(error.contains("rate 1e6: expected a finite loss, found "), "{error}");
    assert!(
        error.contains("first value that was not finite: ") && error.contains(" in 2.affine (layer affine:1)"),
        "{error}"
    );
    assert!(error.contains(", of row ") && error.contains("\n  rows of the batch: "), "{error}");
    assert!(error.contains("hint: try a smaller rate; the usual one of sgd is 0.1, or --clip-norm 1\n"), "{error}");
    assert!(output.stdout.is_empty());
    // The step is there to be looked at, and to be met again.
    assert_eq!(files(&folder.path().join("run")), ["checkpoint"]);
    let step: usize = error[error.find("--step ").unwrap() + 7..].split(' ').next().unwrap().parse().unwrap();
    assert!(error.ends_with(&format!("is kept: chainrule trace run --step {step} shows it\n")), "{error}");
    let trace = ["trace", "run", "--step", &step.to_string()];
    let page = chainrule(&folder, &trace).assert().success().get_output().stdout.clone();
    let page = String::from_utf8(page).unwrap();
    assert!(page.contains("2.affine") && (page.contains("inf") || page.contains("NaN")), "{page}");
    for how in [&["--svg", "step.svg"][..], &["--html", "step.html"], &["--json"]] {
        chainrule(&folder, &[&trace[..], how].concat()).assert().success();
    }
    let again = chainrule(&folder, &["train", "--resume", "run"]).assert().code(1).get_output().clone();
    let again = String::from_utf8(again.stderr).unwrap();
    assert_eq!(&again[again.find("error:").unwrap()..], error);
}

#[test]
fn into_a_pipe_go_plain_lines_and_with_quiet_none() {
    let folder = TempDir::new().unwrap();
    let train = ["train", "--epochs", "3", "--out", "run", "--force"];
    let output = chainrule(&folder, &train).assert().success().get_output().clone();
    for text in [&output.stdout, &output.stderr] {
        assert!(!text.is_empty() && text.iter().all(|&byte| byte == b'\n' || byte >= b' '), "{output:?}");
    }
    let output = chainrule(&folder, &train).arg("--quiet").assert().success().get_output().clone();
    assert_eq!((&*output.stdout, &*output.stderr), (&b""[..], &b""[..]));
}

#[test]
fn a_plan_is_a_listing() {
    let folder = TempDir::new().unwrap();
    let arguments = ["plan", "--model", "affine:5 relu affine:3", "--input", "4", "--goal", "predict"];
    let listing = chainrule(&folder, &arguments).assert().success().get_output().stdout.clone();
    let listing = String::from_utf8(listing).unwrap();
    assert!(listing.starts_with("plan: predict\nnumbers: 43 parameters"), "{listing}");
    chainrule(&folder, &["train", "--epochs", "1", "--out", "run"]).assert().success();
    let listing = chainrule(&folder, &["plan", "run"]).assert().success().get_output().stdout.clone();
    assert!(String::from_utf8(listing).unwrap().starts_with("plan: one training step with adam"));
}

#[test]
fn patience_stops_and_is_said_and_recorded() {
    let folder = TempDir::new().unwrap();
    let asked = ["train", "--epochs", "200", "--patience", "2", "--rate", "0.02", "--out", "run"];
    let output = chainrule(&folder, &asked).assert().success().get_output().clone();
    let (page, told) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    let result = json(&folder, &["test", "run", "--json"]);
    let [best, stopped] = ["best_epoch", "stopped"].map(|key| result[key].as_u64().unwrap());
    assert_eq!((best + 2, &result["epochs"]), (stopped, &200.into()));
    assert!(page.contains(&format!("\nepochs      {stopped} of 200 in ")), "{page}");
    assert!(page.contains(&format!("; the best was {best}, and patience ended it\n")), "{page}");
    assert!(told.contains(&format!("\nstopped after epoch {stopped}: none was better than epoch {best}\n")), "{told}");
    let record = fs::read_to_string(folder.path().join("run/run.toml")).unwrap();
    assert!(record.contains("epochs = 200\npatience = 2\n"), "{record}");
    let metrics = fs::read_to_string(folder.path().join("run/metrics.jsonl")).unwrap();
    assert_eq!(metrics.lines().count() as u64, stopped);
}

#[test]
fn folds_are_a_table_and_with_out_a_folder() {
    let folder = TempDir::new().unwrap();
    let rows: String =
        (0..40).map(|i| format!("{i},{},{}\n", i % 7, if i % 2 == 0 { "even" } else { "odd" })).collect();
    fs::write(folder.path().join("rows.csv"), format!("a,b,class\n{rows}100,1,rare\n101,2,rare\n")).unwrap();
    let asked = ["train", "rows.csv", "--target", "class", "--folds", "4", "--epochs", "2", "--test", "0"];
    let output = chainrule(&folder, &asked).assert().success().get_output().clone();
    let (page, told) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(told.contains("warning: class 'rare' has 2 rows, fewer than folds"), "{told}");
    assert!(told.starts_with("fold 1/4: loss ") && told.contains("\nfold 4/4: loss "), "{told}");
    assert!(page.contains("\nrows        42 in 4 folds; 0 test rows left alone\n"), "{page}");
    let first: Vec<&str> = page.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(first, ["model", "rows", "fold", "1", "2", "3", "4", "mean", "deviation"], "{page}");
    assert_eq!(files(folder.path()), ["rows.csv"]);

    let asked = [&asked[..], &["--out", "cv", "--json"]].concat();
    let result = json(&folder, &asked);
    assert_eq!(files(&folder.path().join("cv")), ["cross_validation.toml", "folds.jsonl"]);
    let lines = fs::read_to_string(folder.path().join("cv/folds.jsonl")).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(Value::from(lines.clone()), result["folds"]);
    let losses: Vec<f64> = lines.iter().map(|line| line["scores"]["loss"].as_f64().unwrap()).collect();
    assert!((losses.iter().sum::<f64>() / 4.0 - result["mean"]["loss"].as_f64().unwrap()).abs() < 1e-12);
    assert_eq!(lines.iter().map(|line| line["parts"]["test"].as_u64().unwrap()).sum::<u64>(), 42);
    let record = fs::read_to_string(folder.path().join("cv/cross_validation.toml")).unwrap();
    assert!(record.contains("folds = 4\n") && record.contains("path = \"rows.csv\""), "{record}");
    // It is kept, unless it may be replaced.
    chainrule(&folder, &asked).assert().code(2);
    chainrule(&folder, &[&asked[..], &["--force"]].concat()).assert().success();
    chainrule(&folder, &["train", "--epochs", "1", "--out", "cv", "--force"]).assert().code(2);
}

/// What the events say is tested where they are written, and by `tools/tensorboard_check.py`.
#[test]
fn events_for_tensorboard_have_a_folder_a_run_and_are_replaced_with_it() {
    let folder = TempDir::new().unwrap();
    let train = ["train", "--epochs", "1", "--model", "affine:10", "--tensorboard", "logs"];
    chainrule(&folder, &train).assert().success();
    chainrule(&folder, &train).assert().success();
    assert_eq!(files(&folder.path().join("logs")), ["digits-1", "digits-2"]);
    let logs = folder.path().join("logs/digits-1");
    let before = files(&logs);
    assert!(before.len() == 1 && before[0].starts_with("events.out.tfevents."), "{before:?}");

    // Without its run.
    fs::remove_dir_all(folder.path().join("runs/digits-1")).unwrap();
    let refused = chainrule(&folder, &train).assert().code(2).get_output().stderr.clone();
    let refused = String::from_utf8(refused).unwrap();
    assert!(refused.starts_with("error: logs/digits-1: expected a folder without events"), "{refused}");
    assert_eq!((files(&logs), files(&folder.path().join("runs"))), (before, vec!["digits-2".to_owned()]));
    chainrule(&folder, &train).args(["--out", "runs/digits-1", "--force"]).assert().success();
    assert_eq!(files(&logs).len(), 1);
    chainrule(&folder, &["train", "--find-rate", "--tensorboard", "logs"]).assert().code(2);
}

#[test]
fn weights_to_begin_with_are_said_and_recorded() {
    let folder = TempDir::new().unwrap();
    let first = ["train", "--model", "affine:16 relu affine:10", "--epochs", "1", "--out", "first"];
    chainrule(&folder, &first).assert().success();
    // Digits in two classes: the last layer is another one.
    let row =
        |i: u32| format!("{}{}\n", "1,".repeat(63), format_args!("{},{}", i % 16, ["even", "odd"][i as usize % 2]));
    fs::write(folder.path().join("parity.csv"), (0..60).map(row).collect::<String>()).unwrap();
    let file = "first/model.safetensors";
    let second = ["train", "parity.csv", "--no-header", "--target", "64", "--model", "affine:16 relu affine:2"];
    let asked = [&second[..], &["--epochs", "1", "--out", "second", "--init-from", file]].concat();
    let told = chainrule(&folder, &asked).assert().success().get_output().stderr.clone();
    let told = String::from_utf8(told).unwrap();
    let said = "weights from first/model.safetensors: 0.weight, 0.bias\n  \
                left as drawn: 2.weight (2 outputs, not 10), 2.bias (2 outputs, not 10)\n";
    assert!(told.contains(said), "{told}");
    let record = fs::read_to_string(folder.path().join("second/run.toml")).unwrap();
    assert!(record.contains("[training.init_from]\npath = \"first/model.safetensors\"\nhash = \""), "{record}");

    let refused = |arguments: &[&str], wanted: &str| {
        let error = chainrule(&folder, arguments).assert().code(2).get_output().stderr.clone();
        let error = String::from_utf8(error).unwrap();
        assert!(error.contains(wanted), "{error}");
    };
    refused(&["train", "--init-from", "none"], "error: --init-from, none: expected");
    refused(
        &["train", "--init-from", "parity.csv"],
        "--init-from, parity.csv: expected a safetensors file, found a broken",
    );
    let narrow = ["train", "--model", "affine:8 relu affine:10", "--init-from", file];
    let wanted =
        "model.safetensors, tensor '0.weight': expected shape [64, 8] as the network has it, found shape [64, 16]";
    refused(&narrow, wanted);
    let mut bytes = fs::read(folder.path().join(file)).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(folder.path().join(file), bytes).unwrap();
    let changed = "model.safetensors: expected a file as it was written, found one that was changed";
    refused(&["train", "--init-from", file], changed);
    refused(&["test", "first"], changed);
}
