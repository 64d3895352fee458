//! `-`: tables that other programs pipe in.

#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod program;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

use flate2::{Compression, write::GzEncoder};
use program::chainrule;
use tempfile::TempDir;

fn table(rows: i32) -> String {
    let row = |i: i32| format!("{},{},{}\n", i % 10, i % 7, if i % 10 > 4 { "high" } else { "low" });
    std::iter::once("a,b,class\n".to_owned()).chain((0..rows).map(row)).collect()
}

/// What a command prints that reads `input`, and how it ends.
fn piped(folder: &TempDir, arguments: &[&str], input: impl Into<Vec<u8>>) -> (String, String, Option<i32>) {
    let output = chainrule(folder, arguments).write_stdin(input).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code())
}

const TRAIN: [&str; 8] = ["--target", "class", "--epochs", "2", "--model", "affine:4 relu affine:2", "--seed", "3"];

#[test]
fn a_table_that_is_piped_in_trains_tests_and_predicts_as_its_file() {
    let folder = TempDir::new().unwrap();
    let text = table(300);
    fs::write(folder.path().join("table.csv"), &text).unwrap();
    let train = |data: &str, out: &str, input: &[u8]| {
        let arguments = [&["train", data, "--out", out], &TRAIN[..]].concat();
        let (_, stderr, code) = piped(&folder, &arguments, input);
        assert_eq!(code, Some(0), "{stderr}");
        fs::read(folder.path().join(out).join("model.safetensors")).unwrap()
    };
    let file = train("table.csv", "file", b"");
    assert_eq!(train("-", "pipe", text.as_bytes()), file);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    assert_eq!(train("-", "packed", &packed), file);

    for command in ["predict", "test"] {
        let (ours, stderr, code) = piped(&folder, &[command, "pipe", "-"], text.as_bytes());
        assert_eq!(code, Some(0), "{stderr}");
        assert_eq!(ours, piped(&folder, &[command, "pipe", "table.csv"], "").0);
    }
    let page = piped(&folder, &["data", "-", "--target", "class"], packed).0;
    assert!(page.starts_with("standard input: 300 rows"), "{page}");

    // The held-out rows are gone with the pipe.
    let (_, stderr, code) = piped(&folder, &["test", "pipe"], "");
    assert_eq!(code, Some(2));
    assert!(stderr.contains("one that was trained on standard input") && stderr.contains("give DATA"), "{stderr}");
}

#[test]
fn errors_of_a_pipe_name_their_lines() {
    let folder = TempDir::new().unwrap();
    let arguments = [&["train", "-", "--out", "run"], &TRAIN[..]].concat();
    assert_eq!(piped(&folder, &arguments, table(300)).2, Some(0));
    let place = "error: standard input, line 3, column 'b': expected a number";
    let bad = "a,b\n9,3\n0,x\n0,1\n";
    let (_, stderr, code) = piped(&folder, &["predict", "run", "-"], bad);
    assert!(stderr.starts_with(place) && code == Some(2), "{stderr}");
    // Beyond the first block, which is of a megabyte.
    let far = format!("a,b\n{}0,x\n0,1\n", "1,2\n".repeat(600_000));
    for what in ["skip", "null"] {
        let (answers, stderr, code) = piped(&folder, &["predict", "run", "-", "--on-error", what], far.as_str());
        assert!(stderr.contains("standard input, line 600002, column 'b'") && code == Some(0), "{stderr}");
        assert_eq!(answers.lines().count(), 600_002 + usize::from(what == "null"));
    }
    let arguments = [&["train", "-", "--out", "another"], &TRAIN[..]].concat();
    for (input, found) in [
        (table(300) + "1,2\n", "standard input, line 302"),
        (table(300) + "1,\"2,low\n", "standard input, line 302"),
        (String::new(), "standard input"),
    ] {
        let (_, stderr, code) = piped(&folder, &arguments, input);
        assert!(stderr.starts_with(&format!("error: {found}")) && code == Some(2), "{stderr}");
    }
    let (_, stderr, code) = piped(&folder, &[&arguments[..], &["--memory", "100MB"]].concat(), table(300));
    assert!(stderr.contains("standard input") && code == Some(2), "{stderr}");
}

/// Rows of several blocks.
const ROWS: usize = 2_000_000;

#[test]
fn answers_come_while_rows_do() {
    let folder = TempDir::new().unwrap();
    let arguments = [&["train", "-", "--out", "run"], &TRAIN[..]].concat();
    assert_eq!(piped(&folder, &arguments, table(300)).2, Some(0));
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("chainrule"))
        .current_dir(folder.path())
        .args(["predict", "run", "-", "--threads", "1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let (answered, first_answers) = mpsc::channel::<()>();
    let writer = thread::spawn(move || {
        input.write_all(b"a,b\n").unwrap();
        input.write_all("1,2\n".repeat(ROWS).as_bytes()).unwrap();
        // The pipe stays open until the first answers are there.
        first_answers.recv().unwrap();
    });
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(answers.next().unwrap().unwrap(), "predicted,p(high),p(low)");
    assert!(answers.next().unwrap().unwrap().contains(','));
    answered.send(()).unwrap();
    assert_eq!(answers.count(), ROWS - 1);
    writer.join().unwrap();
    assert!(child.wait().unwrap().success());
}
