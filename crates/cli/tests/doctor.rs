//! `chainrule doctor`: what it prints, its exit status, and commands that can be typed.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod program;

use program::chainrule;
use serde_json::Value;

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_healthy_run_is_exit_status_0() {
    let folder = tempfile::tempdir().unwrap();
    chainrule(&folder, &["train", "--epochs", "20", "--out", "run", "--threads", "1"]).assert().success();
    let found = chainrule(&folder, &["doctor", "run"]).assert().success();
    assert_eq!(text(&found.get_output().stdout), "run: healthy\n");
    let found = chainrule(&folder, &["doctor", "run", "--json"]).assert().success();
    assert_eq!(text(&found.get_output().stdout), "{\"run\":\"run\",\"healthy\":true,\"findings\":[]}\n");
}

#[test]
fn an_ill_run_is_exit_status_1_with_what_to_try() {
    let folder = tempfile::tempdir().unwrap();
    let train = ["train", "--rate", "0.5", "--epochs", "12", "--out", "run", "--threads", "1"];
    let trained = chainrule(&folder, &train).assert().success();
    let said = text(&trained.get_output().stderr);
    assert!(
        said.contains("doctor: rate too high, since epoch 1, and 2 more; chainrule doctor run says what to try\n"),
        "{said}"
    );
    let found = chainrule(&folder, &["doctor", "run"]).assert().code(1);
    let page = text(&found.get_output().stdout);
    assert!(page.starts_with("rate too high, since epoch 1\n  the first epoch's training loss was "), "{page}");
    let says = text(&found.get_output().stderr);
    assert_eq!(says, "error: run is not healthy: rate too high\n");

    let found = chainrule(&folder, &["doctor", "run", "--json"]).assert().code(1);
    let report: Value = serde_json::from_slice(&found.get_output().stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    assert_eq!((&findings[0]["illness"], &findings[0]["since"]), (&"rate_too_high".into(), &1.into()));
    // What is to be tried is a command that the program takes.
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_chainrule")).parent().unwrap();
    for command in findings.iter().flat_map(|finding| finding["advice"].as_array().unwrap()) {
        let command = format!("{} --threads 1", command.as_str().unwrap());
        let mut shell = std::process::Command::new("/bin/sh");
        shell.env("PATH", bin).current_dir(folder.path()).args(["-c", &command]);
        if cfg!(unix) {
            let output = shell.output().unwrap();
            assert!(output.status.success(), "{command}: {}", text(&output.stderr));
        }
    }
}

#[test]
fn a_loss_that_stands_still_is_said_once_while_training_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let train = ["train", "--optimizer", "sgd", "--rate", "1e-9", "--epochs", "12", "--out", "run", "--threads", "1"];
    let said = text(&chainrule(&folder, &train).assert().success().get_output().stderr);
    assert_eq!(said.matches("warning: the training loss has stood at ").count(), 1, "{said}");
    assert!(said.contains("for 8 epochs up to epoch 8\n  hint: --find-rate"), "{said}");
}

#[test]
fn what_is_no_run_is_refused_and_data_that_are_gone_are_not_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    chainrule(&folder, &["doctor", "nothing"]).assert().code(2);
    let rows: String =
        (0..200).map(|row| format!("{},{}\n", row % 20, if row % 20 < 10 { "a" } else { "b" })).collect();
    std::fs::write(folder.path().join("t.csv"), format!("x,y\n{rows}")).unwrap();
    chainrule(&folder, &["train", "t.csv", "--target", "y", "--epochs", "30", "--out", "run"]).assert().success();
    std::fs::remove_file(folder.path().join("t.csv")).unwrap();
    let found = chainrule(&folder, &["doctor", "run"]).assert().success();
    assert_eq!(text(&found.get_output().stdout), "run: healthy\n");
    std::fs::write(folder.path().join("run/findings.json"), "{").unwrap();
    chainrule(&folder, &["doctor", "run"]).assert().code(2);
}
