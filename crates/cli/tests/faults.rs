//! Faults of the disk: wherever a write fails, the command says which place and why, exits 2, and what was there before still is; an edited
//! record is refused or read, and takes nothing down.
//!
//! A limit on the size of files stands for a full disk: each write that would go beyond it fails.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod program;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use program::chainrule;
use tempfile::TempDir;

const TRAIN: [&str; 6] = ["train", "--model", "affine:8 relu affine:10", "--epochs", "2", "--quiet"];

/// A command where no file may have more than `blocks` of 512 bytes.
fn limited(folder: &TempDir, blocks: usize, arguments: &[&str]) -> Output {
    let mut shell = Command::new("sh");
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    shell.arg("-c").arg(script).arg(assert_cmd::cargo::cargo_bin!("chainrule"));
    shell.current_dir(folder.path()).args(arguments).output().unwrap()
}

/// Fails if the command did not say that `place` cannot be written, and why.
fn assert_says_why(output: &Output, place: &str, case: &str) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{case}: {error}");
    assert!(error.contains(&format!("error: {place}")) && error.contains("File too large"), "{case}: {error}");
}

/// The files of a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap_or_default()))
        .collect()
}

fn names(folder: &Path) -> Vec<String> {
    files(folder).into_keys().collect()
}

/// Few blocks one by one, as most files are small; then in strides up to a limit that is none.
fn limits() -> impl Iterator<Item = usize> {
    (0..20).chain((20..1000).step_by(35))
}

#[test]
fn a_training_that_cannot_write_leaves_nothing_or_a_checkpoint_that_goes_on() {
    let folder = TempDir::new().unwrap();
    chainrule(&folder, &TRAIN).args(["--out", "whole"]).assert().success();
    let model = |run: &str| fs::read(folder.path().join(run).join("model.safetensors")).unwrap();
    let (run, whole) = (folder.path().join("run"), model("whole"));
    let (mut nothing, mut begun, mut done) = (0, 0, 0);
    for blocks in limits() {
        for every in ["1", "epoch", "60s"] {
            let case = format!("{blocks} blocks, every {every}");
            let output =
                limited(&folder, blocks, &[&TRAIN[..], &["--checkpoint-every", every, "--out", "run"]].concat());
            if output.status.success() {
                assert_eq!(model("run"), whole, "{case}");
                done += 1;
            } else if run.exists() {
                assert_says_why(&output, "run", &case);
                assert_eq!(names(&run), ["checkpoint"], "{case}");
                assert!(String::from_utf8_lossy(&output.stderr).contains("chainrule train --resume run"), "{case}");
                chainrule(&folder, &["train", "--resume", "run", "--quiet"]).assert().success();
                assert_eq!(model("run"), whole, "{case}");
                begun += 1;
            } else {
                assert_says_why(&output, "run", &case);
                nothing += 1;
            }
            let _ = fs::remove_dir_all(&run);
            assert_eq!(names(folder.path()), ["whole"], "{case}");
        }
    }
    assert!(nothing > 0 && begun > 0 && done > 0, "{nothing} {begun} {done}");
}

#[test]
fn what_was_there_stays_when_what_is_to_replace_it_cannot_be_written() {
    let folder = TempDir::new().unwrap();
    let row = |i: usize| format!("{},{},{}\n", i % 17, i * 7 % 23, i % 5);
    fs::write(folder.path().join("table.csv"), "a,b,y\n".to_owned() + &(0..600).map(row).collect::<String>()).unwrap();
    let train = ["train", "table.csv", "--target", "y", "--epochs", "1", "--quiet", "--out", "run"];
    chainrule(&folder, &train).assert().success();
    for name in ["answers.csv", "page.html"] {
        fs::write(folder.path().join(name), "old").unwrap();
    }
    let (run, before) = (files(&folder.path().join("run")), files(folder.path()));
    let commands: [(&[&str], &str); 6] = [
        (&["train", "--epochs", "1", "--quiet", "--force", "--out", "run"], "run"),
        (&["train", "table.csv", "--target", "y", "--memory", "100MB", "--out", "other"], "table.csv.chainrule-cache"),
        (&["report", "run"], "run/report.html"),
        (&["report", "run", "--out", "page.html"], "page.html"),
        (&["predict", "run", "table.csv", "--out", "answers.csv"], "answers.csv"),
        (&["diff", "x*y", "--at", "x=1,y=2", "--html", "page.html"], "page.html"),
    ];
    for (command, place) in commands {
        for blocks in 0..4 {
            assert_says_why(&limited(&folder, blocks, command), place, &format!("{command:?}, {blocks} blocks"));
            assert_eq!(files(&folder.path().join("run")), run, "{command:?}, {blocks} blocks");
            assert_eq!(files(folder.path()), before, "{command:?}, {blocks} blocks");
        }
    }
}

#[test]
fn an_edited_record_is_refused_or_read_and_takes_nothing_down() {
    let folder = TempDir::new().unwrap();
    chainrule(&folder, &TRAIN).args(["--out", "run"]).assert().success();
    let path = folder.path().join("run/run.toml");
    let record = fs::read_to_string(&path).unwrap();
    let mut tried = 0;
    for (at, line) in record.lines().enumerate() {
        let Some((key, _)) = line.split_once(" = ") else { continue };
        for value in ["0", "-1", "99999999999999", "9223372036854775807", "1e300", "nan", "\"\"", "[]", "[99999999999]"]
        {
            let edited = |(other, line)| if other == at { format!("{key} = {value}\n") } else { format!("{line}\n") };
            fs::write(&path, record.lines().enumerate().map(edited).collect::<String>()).unwrap();
            for command in [&["test", "run"][..], &["doctor", "run"], &["report", "run", "--out", "page.html"]] {
                let output = chainrule(&folder, command).output().unwrap();
                let error = String::from_utf8_lossy(&output.stderr);
                assert!(matches!(output.status.code(), Some(0..=2)), "{key} = {value}, {command:?}: {error}");
                tried += 1;
            }
        }
    }
    assert!(tried > 300, "{tried}");
}
