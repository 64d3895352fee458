//! `train --memory`: a table on disk gives the run of the table in memory.

#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod program;

use std::fs;

use program::chainrule;
use tempfile::TempDir;

#[test]
fn the_run_is_that_of_the_table_in_memory() {
    let folder = TempDir::new().unwrap();
    let row = |i: u32| {
        format!(
            "{},w{},{}\n",
            f64::from(i * 7919 % 1000) / 10.0,
            i % 5,
            if i * 7919 % 1000 > 400 { "yes" } else { "no" }
        )
    };
    let table: String = std::iter::once("a,word,y\n".to_owned()).chain((0..5000).map(row)).collect();
    fs::write(folder.path().join("table.csv"), table).unwrap();
    let train = ["train", "table.csv", "--target", "y", "--epochs", "2", "--out"];
    chainrule(&folder, &[&train[..], &["one"]].concat()).assert().success();
    for (out, threads) in [("two", "1"), ("three", "2")] {
        chainrule(&folder, &[&train[..], &[out, "--memory", "20MB", "--threads", threads]].concat()).assert().success();
    }
    let read = |run: &str, name: &str| fs::read(folder.path().join(run).join(name)).unwrap();
    assert_eq!(read("one", "model.safetensors"), read("two", "model.safetensors"));
    assert_eq!(read("one", "model.safetensors"), read("three", "model.safetensors"));
    let tested = |run: &str| {
        let output = chainrule(&folder, &["test", run, "--metrics"]).assert().success().get_output().stdout.clone();
        // All but where it is and how long it took.
        let told = String::from_utf8(output).unwrap();
        told.lines().filter(|line| !line.starts_with("run ") && !line.starts_with("epochs ")).collect::<String>()
    };
    assert_eq!(tested("one"), tested("two"));

    for (arguments, told) in [
        (&["--memory", "lots"][..], "expected an amount of memory from 1MB"),
        (&["--memory", "2MB"], "at least 17 MB, for the order of 5000 rows"),
        (&["--memory", "20MB", "--folds", "3"], "cannot be used with"),
    ] {
        let assert = chainrule(&folder, &[&train[..], &["four"], arguments].concat()).assert().code(2);
        let stderr = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
        assert!(stderr.contains(told), "{stderr}");
    }
}

#[test]
fn a_network_that_cannot_fit_is_refused_before_the_first_step() {
    let folder = TempDir::new().unwrap();
    let rows: String = (0..200).map(|i| format!("{i},{}\n", i % 7)).collect();
    fs::write(folder.path().join("table.csv"), format!("x,y\n{rows}")).unwrap();
    let train = |more: &[&str]| {
        let arguments = [&["train", "table.csv", "--target", "y", "--epochs", "1", "--out", "run"], more].concat();
        let output = chainrule(&folder, &arguments).assert().code(2).get_output().clone();
        assert!(!folder.path().join("run").exists());
        String::from_utf8(output.stderr).unwrap()
    };
    let error = train(&["--memory", "30MB", "--model", "affine:1000 relu affine:1000 relu affine:7"]);
    assert!(
        error.starts_with("error: memory: expected at least 1")
            && error.contains(" of it for the network, found 30 MB\n"),
        "{error}"
    );
    assert!(error.ends_with("hint: give --memory more, or make the model or the batch smaller\n"), "{error}");
    let error = train(&["--model", "affine:1000000 affine:1000000 affine:7"]);
    assert!(error.starts_with("error: memory: expected room for "), "{error}");
}
