//! `predict`: answers in a table.

#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod program;

use std::fs;

use program::chainrule;
use tempfile::TempDir;

/// Two classes that a line tells apart, their run in `run`.
fn trained() -> TempDir {
    let folder = TempDir::new().unwrap();
    let row = |i: i32| format!("{},{},{}\n", i % 10, i % 7, if i % 10 > 4 { "high" } else { "low" });
    let table: String = std::iter::once("a,b,class\n".to_owned()).chain((0..200).map(row)).collect();
    fs::write(folder.path().join("table.csv"), table).unwrap();
    let arguments = ["train", "table.csv", "--target", "class", "--epochs", "60", "--out", "run"];
    chainrule(&folder, &arguments).assert().success();
    folder
}

fn predict(folder: &TempDir, table: &str) -> String {
    fs::write(folder.path().join("new.csv"), table).unwrap();
    let output = chainrule(folder, &["predict", "run", "new.csv"]).assert().success().get_output().stdout.clone();
    String::from_utf8(output).unwrap()
}

#[test]
fn each_row_gets_its_class_and_the_probability_of_each() {
    let folder = trained();
    let answers = predict(&folder, "a,b\n9,3\n0,3\n");
    let lines: Vec<&str> = answers.lines().collect();
    assert_eq!(lines[0], "predicted,p(high),p(low)");
    assert!(lines[1].starts_with("high,") && lines[2].starts_with("low,") && lines.len() == 3, "{answers}");
    for line in &lines[1..] {
        let sum: f64 = line.split(',').skip(1).map(|p| p.parse::<f64>().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-5, "{line}");
    }
}

#[test]
fn columns_are_found_by_name_and_the_target_is_passed_over() {
    let folder = trained();
    assert_eq!(predict(&folder, "class,b,a\nlow,3,9\n,3,0\n"), predict(&folder, "a,b\n9,3\n0,3\n"));
}

#[test]
fn a_bad_row_leaves_no_half_of_a_file() {
    let folder = trained();
    fs::write(folder.path().join("new.csv"), "a,b\n9,3\n0,x\n").unwrap();
    let arguments = ["predict", "run", "new.csv", "-o", "answers.csv"];
    let stderr = chainrule(&folder, &arguments).assert().code(2).get_output().stderr.clone();
    assert!(String::from_utf8(stderr).unwrap().starts_with("error: new.csv, line 3, column 'b': expected a number"));
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "{names:?}");

    fs::write(folder.path().join("new.csv"), "a,b\n9,3\n0,3\n").unwrap();
    chainrule(&folder, &arguments).assert().success().stdout("");
    assert_eq!(fs::read_to_string(folder.path().join("answers.csv")).unwrap(), predict(&folder, "a,b\n9,3\n0,3\n"));
}

#[test]
fn rows_that_cannot_be_read_are_skipped_or_stay_empty() {
    let folder = trained();
    let whole = predict(&folder, "a,b\n9,3\n0,3\n4,4\n");
    let lines: Vec<&str> = whole.lines().collect();
    fs::write(folder.path().join("bad.csv"), "a,b\nx,3\n9,3\n1\n1,2,3\n0,3\n4,4\n5,\"y\nz\"\n").unwrap();
    let ask = |what: &str| {
        let assert = chainrule(&folder, &["predict", "run", "bad.csv", "--on-error", what]).assert();
        let output = assert.get_output().clone();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (status, answers, told) = ask("skip");
    assert_eq!((status, answers.as_str()), (Some(0), whole.as_str()), "{told}");
    assert!(told.contains("4 rows could not be read: they are left out"), "{told}");
    assert!(
        told.contains("warning: bad.csv, line 2, column 'a': expected a number, as in training, found 'x'"),
        "{told}"
    );
    assert!(told.contains("warning: bad.csv, line 4: expected 2 cells"), "{told}");

    let (status, answers, told) = ask("null");
    let nothing = ",,";
    let expected = [lines[0], nothing, lines[1], nothing, nothing, lines[2], lines[3], nothing];
    assert_eq!((status, answers.lines().collect::<Vec<_>>()), (Some(0), expected.to_vec()), "{told}");
    let (status, answers, told) = ask("stop");
    assert_eq!((status, answers.as_str()), (Some(2), ""));
    assert!(told.starts_with("error: bad.csv, line "), "{told}");
    assert!(ask("ignore").2.contains("expected stop, skip or null"));

    // Nothing but bad rows.
    fs::write(folder.path().join("bad.csv"), "a,b\nx,3\ny,3\n").unwrap();
    assert_eq!(ask("null").1, format!("{}\n,,\n,,\n", lines[0]));
    assert_eq!(ask("skip").1, format!("{}\n", lines[0]));
}

#[test]
fn the_bytes_do_not_depend_on_the_threads() {
    let folder = trained();
    let rows = (0..400_000).map(|i| format!("{}.25,{}\n", i * 7 % 11, i * 3 % 8));
    fs::write(folder.path().join("new.csv"), std::iter::once("a,b\n".to_owned()).chain(rows).collect::<String>())
        .unwrap();
    let answers = ["1", "2", "5"].map(|threads| {
        let arguments = ["predict", "run", "new.csv", "--threads", threads, "-o", "answers.csv"];
        chainrule(&folder, &arguments).assert().success();
        fs::read(folder.path().join("answers.csv")).unwrap()
    });
    assert_eq!(answers[0].iter().filter(|&&byte| byte == b'\n').count(), 400_001);
    assert!(answers[0] == answers[1] && answers[0] == answers[2]);
}

#[test]
fn a_broken_run_is_told_and_nothing_panics() {
    let folder = trained();
    let run = folder.path().join("run");
    let whole: Vec<(std::path::PathBuf, Vec<u8>)> =
        ["run.toml", "model.safetensors"].map(|name| (run.join(name), fs::read(run.join(name)).unwrap())).into();
    for (path, bytes) in &whole {
        for (cut, step) in [(bytes.len() / 2, 0), (3, 0), (0, 0), (bytes.len(), 7)] {
            let mut broken = bytes[..cut].to_vec();
            // A letter here and there becomes another.
            broken.iter_mut().skip(5).step_by(23).filter(|_| step > 0).for_each(|byte| *byte = byte.wrapping_add(step));
            fs::write(path, broken).unwrap();
            let assert = chainrule(&folder, &["predict", "run", "table.csv"]).assert().code(2);
            let stderr = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
            assert!(stderr.starts_with("error: run/") && stderr.contains("expected"), "{stderr}");
        }
        fs::write(path, bytes).unwrap();
    }
    let toml = String::from_utf8(whole[0].1.clone()).unwrap();
    for (from, to) in [
        ("affine:128", "affine:16777216"),
        ("affine:2", "affine:3"),
        ("width = 2", "width = 99999999999"),
        ("\"high\", \"low\"", "\"high\""),
        ("relu", "rleu"),
        ("seed = 1", "seed = -1"),
    ] {
        assert!(toml.contains(from), "{from}");
        fs::write(&whole[0].0, toml.replace(from, to)).unwrap();
        chainrule(&folder, &["predict", "run", "table.csv"]).assert().code(2).stdout("");
    }
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let folder = trained();
    let table: String =
        std::iter::once("a,b\n".to_owned()).chain((0..100_000).map(|i| format!("{},1\n", i % 10))).collect();
    fs::write(folder.path().join("new.csv"), table).unwrap();
    let program = assert_cmd::cargo::cargo_bin!("chainrule");
    let mut child = std::process::Command::new(program)
        .current_dir(folder.path())
        .args(["predict", "run", "new.csv"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}
