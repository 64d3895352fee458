//! numpy's arrays as data, from the command line.

#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod program;

use std::fs;
use std::path::Path;

use program::chainrule;
use tempfile::TempDir;

fn run(folder: &TempDir, arguments: &[&str]) -> (String, String, Option<i32>) {
    let output = chainrule(folder, arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code())
}

/// A folder with numpy's files.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let oracle = Path::new(env!("CARGO_MANIFEST_DIR")).join("../learn/tests/oracle");
    for name in ["irises.npz", "pixels.npz"] {
        fs::copy(oracle.join(name), folder.path().join(name)).unwrap();
    }
    folder
}

#[test]
fn irises_are_learned_tested_and_predicted() {
    let folder = folder();
    let train = ["train", "irises.npz", "--target", "y", "--epochs", "60", "--out", "run"];
    let (_, stderr, code) = run(&folder, &train);
    assert_eq!(code, Some(0), "{stderr}");
    let (scores, stderr, code) = run(&folder, &["test", "run", "--json"]);
    let scores: serde_json::Value = serde_json::from_str(&scores).unwrap_or_else(|_| panic!("{code:?} {stderr}"));
    assert!(scores["test"]["accuracy"].as_f64().unwrap() > 0.85, "{scores}");
    let (answers, stderr, code) = run(&folder, &["predict", "run", "irises.npz"]);
    assert_eq!((answers.lines().next(), answers.lines().count()), (Some("predicted,p(0),p(1),p(2)"), 151), "{stderr}");
    assert_eq!(code, Some(0));
    let page = run(&folder, &["data", "irises.npz"]).0;
    assert!(page.starts_with("irises.npz: 150 rows, 4 columns"), "{page}");
    // The same rows as a table, by their order.
    let rows = "5.1,3.5,1.4,0.2\n4.9,3.0,1.4,0.2\n";
    fs::write(folder.path().join("new.csv"), rows).unwrap();
    let few = run(&folder, &["predict", "run", "new.csv"]).0;
    assert_eq!(few.lines().collect::<Vec<_>>(), answers.lines().take(3).collect::<Vec<_>>());
}

#[test]
fn images_keep_their_test_set_and_errors_their_place() {
    let folder = folder();
    let train = [
        "train",
        "pixels.npz",
        "--target",
        "y",
        "--epochs",
        "1",
        "--validation",
        "0",
        "--model",
        "conv2d:2@3 affine:3",
        "--out",
        "run",
    ];
    let (_, stderr, code) = run(&folder, &train);
    assert_eq!(code, Some(0), "{stderr}");
    let (answers, stderr, _) = run(&folder, &["predict", "run", "pixels.npz"]);
    assert_eq!(answers.lines().count(), 5, "{stderr}");
    for (arguments, told) in [
        (
            &["train", "irises.npz", "--target", "z"][..],
            "irises.npz: expected an array 'z', as the target, found arrays 'x', 'y'",
        ),
        (&["train", "irises.npz", "--target", "y", "--memory", "1GB"], "expected a CSV table as data"),
        (
            &["train", "irises.npz", "--target", "y", "--category", "0"],
            "expected a CSV table, to take a column for names",
        ),
        (
            &["train", "irises.npz", "--target", "y", "--groups", "0"],
            "expected a CSV table, to split by one of its columns",
        ),
        (&["train", "irises.npz", "--target", "y", "--ignore", "9"], "expected one of the columns '0', '1', '2', '3'"),
    ] {
        let (_, stderr, code) = run(&folder, arguments);
        assert!(stderr.contains(told) && code == Some(2), "{told}: {stderr}");
    }
}
