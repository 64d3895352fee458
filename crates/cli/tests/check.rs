//! `chainrule check`: gradients of new networks and of trained ones, and what it refuses.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use assert_cmd::Command;
use serde_json::Value;

fn chainrule(arguments: &[&str]) -> Command {
    let mut command = assert_cmd::cargo::cargo_bin_cmd!("chainrule");
    command.args(arguments);
    command
}

fn checked(arguments: &[&str]) -> Value {
    let output = chainrule(arguments).arg("--json").assert().success().get_output().stdout.clone();
    serde_json::from_slice(&output).unwrap()
}

#[test]
fn the_books_network_is_right_with_each_activation() {
    for activation in
        ["relu", "sigmoid", "tanh", "leaky_relu:0.2", "elu", "elu:0.5", "gelu", "silu", "softplus", "softmax"]
    {
        let model = format!("affine:50 {activation} affine:10");
        let report = checked(&["check", "--model", &model, "--input", "784", "--sample", "25"]);
        assert_eq!(report["parameters"].as_array().unwrap().len(), 4, "{report}");
        for parameter in report["parameters"].as_array().unwrap() {
            assert!(parameter["largest_error"].as_f64().unwrap() <= 1e-6, "{parameter}");
            let compared = parameter["checked"].as_u64().unwrap() + parameter["kinks"].as_u64().unwrap();
            assert_eq!(compared, parameter["total"].as_u64().unwrap().min(25), "{parameter}");
        }
    }
}

#[test]
fn each_layer_and_loss_is_right() {
    let images = ["avg_pool:3,stride=2,padding=1", "global_avg_pool", "batch_norm", "layer_norm", "dropout:0.4"];
    for layer in images {
        let model = format!("conv2d:3@3 {layer} tanh affine:4");
        let report = checked(&["check", "--model", &model, "--input", "2x6x5", "--sample", "10"]);
        assert_eq!(report["passed"], true, "{report}");
    }
    for layer in ["batch_norm", "layer_norm", "dropout:0.4"] {
        let model = format!("affine:6 {layer} gelu affine:3");
        let report = checked(&["check", "--model", &model, "--input", "5", "--rows", "7"]);
        // A mean and a variance that follow the batches are no parameters of the loss.
        let norm = usize::from(layer != "dropout:0.4") * 2;
        assert_eq!(report["parameters"].as_array().unwrap().len(), 4 + norm, "{report}");
    }
    let losses = [
        ("softmax_cross_entropy:0.1", 3),
        ("binary_cross_entropy", 1),
        ("mean_squared", 1),
        ("mean_absolute", 1),
        ("huber:0.3", 1),
    ];
    for (loss, outputs) in losses {
        let model = format!("affine:6 tanh affine:{outputs}");
        let report = checked(&["check", "--model", &model, "--input", "5", "--loss", loss]);
        assert_eq!(report["passed"], true, "{report}");
    }
}

#[test]
fn branches_and_embeddings_are_right() {
    for (model, input) in [
        ("affine:6 residual( affine:5 tanh affine:6 ) silu affine:3", "4"),
        ("concat( affine:4 tanh | affine:3 | ) affine:3", "4"),
        (
            "conv2d:3@3,padding=1 residual( conv2d:3@3,padding=1 tanh ) concat( avg_pool:2 | conv2d:2@2,stride=2 ) affine:3",
            "1x4x4",
        ),
        ("embedding:7@3 flatten affine:5 tanh affine:3", "2"),
    ] {
        let report = checked(&["check", "--model", model, "--input", input]);
        assert_eq!(report["passed"], true, "{report}");
    }
}

#[test]
fn one_output_is_a_number() {
    let mut output = chainrule(&["check", "--model", "affine:5 tanh affine:1", "--input", "3", "--seed", "7"]);
    let page = String::from_utf8(output.output().unwrap().stdout).unwrap();
    let lines: Vec<&str> = page.lines().collect();
    assert_eq!(lines[0], "affine:5 tanh affine:1, 3 numbers a row, 5 random rows");
    assert!(lines[3].starts_with("0.weight   [3, 5]  15 of 15      0") && lines[3].ends_with("right"), "{page}");
    assert_eq!(lines.len(), 9, "{page}");
}

#[test]
fn a_trained_run_is_checked_as_it_is() {
    let folder = tempfile::TempDir::new().unwrap();
    let train = ["train", "--epochs", "1", "--model", "affine:8 relu affine:10", "--out", "run"];
    chainrule(&train).current_dir(folder.path()).assert().success();
    let report = chainrule(&["check", "run", "--json", "--sample", "50"]).current_dir(folder.path()).output().unwrap();
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!((&report["model"], &report["passed"]), (&"affine:8 relu affine:10".into(), &true.into()), "{report}");
    assert_eq!(report["parameters"][0]["shape"], serde_json::json!([64, 8]));
}

#[test]
fn what_cannot_be_checked_is_refused() {
    for (arguments, message) in [
        (&["--model", "affine:5 rleu affine:3", "--input", "4"][..], "rleu"),
        (&["--model", "affine:3", "--input", "4", "--sample", "0"], "--sample"),
        (&["--model", "affine:3", "--input", "100000000"], "expected at most 20000000 numbers"),
        (&["--model", "affine:3", "--input", "4", "--rows", "18446744073709551615"], "more than can be counted"),
        (&["no-such-run"], "no-such-run"),
        (&[], "--model"),
    ] {
        let output = chainrule(&["check"]).args(arguments).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(message), "{arguments:?}: {error}");
    }
}
