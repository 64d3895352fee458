//! `chainrule list`: every word is shown, and every word that is shown is understood.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod program;

use program::chainrule;
use serde_json::Value;
use tempfile::TempDir;

fn stdout(arguments: &[&str]) -> String {
    let folder = TempDir::new().unwrap();
    String::from_utf8(chainrule(&folder, arguments).assert().success().get_output().stdout.clone()).unwrap()
}

#[test]
fn a_word_stands_in_one_line_with_its_parameters_and_formula() {
    let page = stdout(&["list", "layers"]);
    let line = |start: &str| page.lines().find(|line| line.starts_with(start)).unwrap_or_default().to_owned();
    assert!(
        line("leaky_relu[:S]").contains("S = 0.01") && line("leaky_relu[:S]").ends_with("y = x where x > 0, else S·x")
    );
    assert!(line("conv2d:N@K").contains("stride=1, padding=0, dilation=1, groups=1"), "{page}");
    assert_eq!(page.lines().count(), chainrule::spec::words().count() + 1);
}

#[test]
fn json_has_every_vocabulary() {
    let lists: Value = serde_json::from_str(&stdout(&["list", "--json"])).unwrap();
    let names: Vec<&str> =
        lists["layers"].as_array().unwrap().iter().map(|word| word["name"].as_str().unwrap()).collect();
    assert_eq!(names, chainrule::spec::words().map(|word| word.name).collect::<Vec<_>>());
}

#[test]
fn losses_are_listed() {
    let page = stdout(&["list", "losses"]);
    assert!(page.lines().any(|line| line.starts_with("huber[:D]") && line.contains("D = 1")), "{page}");
    assert_eq!(page.lines().count(), chainrule::loss::words().count() + 1);
}

/// Each name is one that `train` takes, and no two lists are the same.
#[test]
fn optimizers_schedules_initials_and_metrics_are_listed() {
    let lists: Value = serde_json::from_str(&stdout(&["list", "--json"])).unwrap();
    let names = |of: &str| -> Vec<String> {
        lists[of].as_array().unwrap().iter().map(|word| word["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("optimizers").len(), chainrule::engine::OPTIMIZERS.len());
    assert_eq!(names("metrics").len(), chainrule::metrics::METRICS.len());
    for (flag, of) in [("--optimizer", "optimizers"), ("--schedule", "schedules"), ("--initial", "initials")] {
        for name in names(of) {
            let folder = TempDir::new().unwrap();
            chainrule(&folder, &["train", "--epochs", "1", "--rate", "0.001", flag, &name]).assert().success();
        }
    }
    let page = stdout(&["list", "optimizers"]);
    let adam = page.lines().find(|line| line.starts_with("adam[,beta1]")).unwrap_or_default();
    assert!(adam.contains("beta1=0.9, beta2=0.999, epsilon=0.00000001, l2=0, decay=0 "), "{adam}");
    assert!(stdout(&["list", "schedules"]).contains("step[:every][,factor]"));
}

#[test]
fn an_unknown_vocabulary_is_refused() {
    let folder = TempDir::new().unwrap();
    chainrule(&folder, &["list", "layer"]).assert().code(2);
}
