//! The recipes, and `--config`, by which they are asked for.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod program;

use std::path::Path;

use program::chainrule;
use serde_json::Value;
use tempfile::TempDir;

/// The models of the recipes by their files' names.
fn recipes() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let toml = files.filter(|path| path.extension().is_some_and(|end| end == "toml"));
    let recipe = |path: std::path::PathBuf| {
        let table: toml::Table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
        (path.file_stem().unwrap().to_str().unwrap().to_owned(), table["model"].as_str().unwrap().to_owned())
    };
    toml.map(recipe).collect()
}

#[test]
fn the_gradients_of_every_recipe_are_right() {
    let recipes = recipes();
    assert!(recipes.len() >= 3, "{recipes:?}");
    for (name, model) in recipes {
        let folder = TempDir::new().unwrap();
        // A smaller image than MNIST's goes through the same layers.
        let small = ["check", "--model", &model, "--input", "1x12x12", "--rows", "2", "--sample", "2", "--json"];
        let output = chainrule(&folder, &small).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["passed"], true, "{name}: {report}");
    }
}

fn trained(folder: &TempDir, arguments: &[&str]) -> toml::Table {
    chainrule(folder, arguments).assert().success();
    std::fs::read_to_string(folder.path().join("run/run.toml")).unwrap().parse().unwrap()
}

#[test]
fn a_file_says_what_flags_say_and_flags_come_before_it() {
    let folder = TempDir::new().unwrap();
    let file = "model = \"affine:8 tanh affine:10\"\noptimizer = \"momentum\"\nrate = 0.05\nepochs = 3\nbatch = 50\nwarm_up = 1\n";
    std::fs::write(folder.path().join("recipe.toml"), file).unwrap();
    let by_file = trained(&folder, &["train", "--config", "recipe.toml", "--out", "run"]);
    let flags = ["train", "--model", "affine:8 tanh affine:10", "--optimizer", "momentum", "--rate", "0.05"];
    let more = ["--epochs", "3", "--batch", "50", "--warm-up", "1", "--out", "run", "--force"];
    let by_flags = trained(&folder, &[&flags[..], &more].concat());
    assert_eq!(by_file["training"], by_flags["training"]);
    assert_eq!(by_file["results"]["test"], by_flags["results"]["test"]);
    for arguments in [
        ["train", "--epochs", "2", "--config=recipe.toml", "--out", "run", "--force"],
        ["train", "--config=recipe.toml", "--out", "run", "--force", "--epochs", "2"],
    ] {
        let both = trained(&folder, &arguments);
        assert_eq!(
            (both["training"]["epochs"].as_integer(), both["training"]["rate"].as_float()),
            (Some(2), Some(0.05))
        );
    }
}

#[test]
fn what_a_file_gets_wrong_is_said_with_its_key() {
    let folder = TempDir::new().unwrap();
    let refused = |text: &str| {
        std::fs::write(folder.path().join("recipe.toml"), text).unwrap();
        let output = chainrule(&folder, &["train", "--config", "recipe.toml"]).assert().code(2).get_output().clone();
        String::from_utf8(output.stderr).unwrap()
    };
    for (text, wanted) in [
        ("rat = 0.1\n", "error: recipe.toml, rat: expected one of "),
        ("rat = 0.1\n", "did you mean 'rate'?"),
        ("rate = -1\n", "error: recipe.toml, rate: expected a finite number above 0, found '-1'"),
        ("rate = \"fast\"\n", "error: recipe.toml, rate: expected a finite number above 0, found 'fast'"),
        (
            "model = \"affine:8 rleu affine:10\"\n",
            "error: recipe.toml, model, model 'affine:8 rleu affine:10', word 2: expected one of ",
        ),
        ("log_target = 1\n", "error: recipe.toml, log_target: expected true or false, found '1'"),
        ("epochs = true\n", "error: recipe.toml, epochs: expected text, a number or a list of texts, found 'true'"),
        ("out = \"elsewhere\"\n", "error: recipe.toml, out: expected one of "),
        ("epochs = 3\nrate =\n", "error: recipe.toml, line 2: expected TOML"),
    ] {
        let error = refused(text);
        assert!(error.contains(wanted), "{text}{error}wants {wanted}");
    }
    let error = chainrule(&folder, &["train", "--config", "none.toml"]).assert().code(2).get_output().stderr.clone();
    assert!(String::from_utf8(error).unwrap().starts_with("error: none.toml: "));
    assert!(!folder.path().join("runs").exists());
}
