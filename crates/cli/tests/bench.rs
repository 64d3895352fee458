//! `bench` and `plan --profile`: what they measure adds up, and what they refuse. No time is judged: machines differ.

#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod program;

use program::chainrule;
use serde_json::Value;
use tempfile::TempDir;

const TINY: [&str; 4] = ["--model", "affine:5 relu affine:3", "--input", "4"];

fn printed(folder: &TempDir, arguments: &[&str]) -> String {
    let output = chainrule(folder, arguments).assert().success().get_output().stdout.clone();
    String::from_utf8(output).unwrap()
}

fn benched(folder: &TempDir, arguments: &[&str]) -> Value {
    let arguments = [&["bench", "--seconds", "0.05", "--json"], arguments].concat();
    serde_json::from_str(&printed(folder, &arguments)).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().filter(|number| number.is_finite() && *number >= 0.0).unwrap()
}

#[test]
fn a_bench_adds_up() {
    let folder = TempDir::new().unwrap();
    let report = benched(&folder, &[&TINY[..], &["--batch", "7", "--optimizer", "adam", "--threads", "2"]].concat());
    assert_eq!((&report["batch"], &report["optimizer"]), (&7.into(), &"adam".into()), "{report}");
    let (machine, step) = (&report["machine"], &report["step"]);
    assert_eq!((&machine["threads"], &step["parameters"]), (&2.into(), &43.into()), "{report}");
    assert_eq!(step["optimizer_bytes"], 24 * 43);
    assert!(number(&machine["meeting_us"]) > 0.0, "{report}");

    let (measured, limit) = (&report["measured"], &report["limit"]);
    let [p10, median, p90] = ["p10_us", "median_us", "p90_us"].map(|key| number(&measured[key]));
    assert!(0.0 < p10 && p10 <= median && median <= p90, "{report}");
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * b;
    assert!(near(number(&measured["examples_per_second"]), 7e6 / median), "{report}");
    assert!(near(number(&limit["flops_us"]), number(&step["flops"]) / number(&machine["peak_flops"]) * 1e6));
    assert!(near(number(&limit["bytes_us"]), number(&step["optimizer_bytes"]) / number(&machine["bandwidth"]) * 1e6));
    assert!(near(number(&limit["us"]), number(&limit["flops_us"]) + number(&limit["bytes_us"])), "{report}");
    assert!(near(number(&report["fraction"]), number(&limit["us"]) / median), "{report}");
    let share: f64 = report["calls"].as_array().unwrap().iter().map(|call| number(&call["share"])).sum();
    assert!(near(share, 1.0), "{report}");
}

#[test]
fn without_a_network_it_is_the_books() {
    let folder = TempDir::new().unwrap();
    let page = printed(&folder, &["bench", "--seconds", "0.05"]);
    assert!(page.starts_with("affine:50 relu affine:10, 784 numbers a row, batch 100, sgd\n"), "{page}");
    for part in ["\nmachine ", " GFLOP/s, ", "39760 parameters", "\nlimit ", "\nreached ", "0.weight[784, 50] = sgd by"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[test]
fn a_run_brings_its_batch_and_its_optimizer() {
    let folder = TempDir::new().unwrap();
    let train = ["train", "--epochs", "1", "--batch", "50", "--optimizer", "momentum", "--out", "run"];
    chainrule(&folder, &train).assert().success();
    let report = benched(&folder, &["run"]);
    assert_eq!((&report["batch"], &report["optimizer"]), (&50.into(), &"momentum".into()), "{report}");
    let profile = printed(&folder, &["plan", "run", "--profile"]);
    assert!(profile.ends_with(" µs in all, on one thread, with 50 rows\n"), "{profile}");
}

#[test]
fn a_profile_times_every_call_of_every_goal() {
    let folder = TempDir::new().unwrap();
    for goal in ["predict", "loss", "gradients", "update"] {
        for model in ["affine:5 tanh affine:3", "affine:5 tanh affine:1"] {
            let plan = ["plan", "--model", model, "--input", "4", "--goal", goal];
            let page = printed(&folder, &[&plan[..], &["--profile", "--batch", "3"]].concat());
            let calls = |page: &str| page.lines().filter(|line| line.contains(" = ")).count();
            let timed = page.lines().filter(|line| line.contains(" µs ") && line.contains('%')).count();
            assert_eq!((timed, calls(&page)), (calls(&page), calls(&printed(&folder, &plan))), "{page}");
        }
    }
    let plan = [&["plan"], &TINY[..], &["--json"]].concat();
    let untimed: Value = serde_json::from_str(&printed(&folder, &plan)).unwrap();
    assert!(untimed["calls"][0].get("microseconds").is_none() && untimed.get("batch").is_none(), "{untimed}");
    let timed: Value = serde_json::from_str(&printed(&folder, &[&plan[..], &["--profile"]].concat())).unwrap();
    assert!(number(&timed["calls"][0]["microseconds"]) >= 0.0 && timed["batch"] == 100, "{timed}");
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let folder = TempDir::new().unwrap();
    for (arguments, message) in [
        (&["bench", "--seconds", "0"][..], "error: --seconds: expected a number of seconds above 0"),
        (&["bench", "--seconds", "nan"], "found 'nan'"),
        (&["bench", "--seconds", "1e9"], "at most 3600"),
        (&["bench", "--batch", "0"], "error: --batch: expected a whole number from 1"),
        (&["bench", "--batch", "18446744073709551615"], "error: --batch: expected at most"),
        (&["bench", "--threads", "0"], "--threads"),
        (&["bench", "--optimizer", "adma"], "did you mean 'adam'?"),
        (&["bench", "--model", "affine:50 rleu", "--input", "4"], "'rleu'"),
        (&["bench", "--model", "affine:3"], "--input"),
        (&["bench", "--input", "4"], "--model"),
        (&["bench", "no-such-run"], "no-such-run"),
        (&["plan", "--model", "affine:3", "--input", "4", "--batch", "3"], "--profile"),
    ] {
        let output = chainrule(&folder, arguments).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(message), "{arguments:?}: {error}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}
