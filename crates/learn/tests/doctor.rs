//! The doctor names what runs were made to suffer from, and since when, and finds nothing wrong with good ones.
//!
//! `CHAINRULE_SEEDS=10 cargo test -p chainrule --test doctor` tries as many seeds of data and weights.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test that fails should say where and why")]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use chainrule::random::{Purpose, stream};
use chainrule::{Every, Finding, Fractions, Illness, InitFrom, Keeper, Run, Settings, Source, run_folder, train_kept};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

fn seeds() -> std::ops::RangeInclusive<u64> {
    1..=std::env::var("CHAINRULE_SEEDS").map_or(1, |text| text.parse().unwrap())
}

/// A run of a training on a table, or on the digits.
fn run(folder: &Path, table: Option<&str>, settings: &Settings) -> Run {
    let mut source = Source::default();
    if let Some(table) = table {
        let path = folder.join("table.csv");
        std::fs::write(&path, table).unwrap();
        source = Source { path: Some(path), target: Some("y".to_owned()), ..source };
    }
    let never = AtomicBool::new(false);
    let out = folder.join("run");
    let mut keeper = Keeper::begin(&out, false, &source, Every::Epoch, &never).unwrap();
    let trained = train_kept(source.open(None).unwrap(), settings, &mut keeper, None, |_| {}).unwrap();
    drop(keeper);
    run_folder::save(&out, &trained, &source, true).unwrap();
    Run::open(&out).unwrap()
}

fn settings(model: &str, optimizer: &str, rate: f64, epochs: usize, seed: u64) -> Settings {
    Settings {
        model: Some(model.parse().unwrap()),
        optimizer: chainrule::choice::parse(optimizer).unwrap(),
        rate: Some(rate),
        epochs,
        seed,
        threads: Some(1),
        ..Settings::default()
    }
}

fn examined(table: Option<&str>, settings: &Settings) -> Vec<Finding> {
    let folder = tempfile::tempdir().unwrap();
    let findings = run(folder.path(), table, settings).findings().unwrap();
    for finding in &findings {
        eprintln!("  seed {}: {} {}: {}", settings.seed, finding.illness, finding.when(), finding.says);
        let typed = finding.advice.iter().map(|advice| advice.typed("RUN"));
        assert!(!finding.advice.is_empty() && typed.into_iter().all(|line| line.starts_with("chainrule ")));
    }
    findings
}

/// The illness that comes first, and the epoch since which it shows.
#[track_caller]
fn expect(findings: &[Finding], illness: Illness, is_since: impl Fn(Option<usize>) -> bool) {
    let Some(first) = findings.first() else { panic!("it is {illness}, and was found healthy") };
    assert!(first.illness == illness && is_since(first.since), "{findings:#?}");
}

/// Rows `x0,…,y` of normal numbers, and what `label` makes of them and of a number from 0 to 1.
fn table(rows: usize, columns: usize, seed: u64, label: impl Fn(&[f64], f64) -> String) -> String {
    let mut draws = stream(seed, Purpose::Sample, 9);
    let mut text: String = (0..columns).fold(String::new(), |text, column| text + &format!("x{column},")) + "y\n";
    for _ in 0..rows {
        let x: Vec<f64> = (0..columns).map(|_| draws.normal()).collect();
        let chance = f64::from(draws.below(1_000_000)) / 1e6;
        x.iter().for_each(|x| write!(text, "{x:.5},").unwrap());
        writeln!(text, "{}", label(&x, chance)).unwrap();
    }
    text
}

fn named(is: bool) -> String {
    if is { "yes" } else { "no" }.to_owned()
}

#[test]
fn overfitting() {
    for seed in seeds() {
        // A quarter of the labels are chance, and thirty columns of noise to remember them by.
        let table = table(500, 30, seed, |x, chance| named(if chance < 0.25 { chance < 0.125 } else { x[0] > 0.0 }));
        let fractions = Fractions { validation: 0.3, test: 0.1 };
        let settings = Settings { fractions, ..settings("affine:128 relu affine:2", "adam", 0.003, 40, seed) };
        let findings = examined(Some(&table), &settings);
        expect(&findings, Illness::Overfitting, |since| since.is_some_and(|epoch| (2..20).contains(&epoch)));
    }
}

#[test]
fn underfitting() {
    for seed in seeds() {
        // No line has both corners of one class on one side.
        let table = table(600, 2, seed, |x, _| named(x[0] * x[1] > 0.0));
        let findings = examined(Some(&table), &settings("affine:2", "adam", 0.03, 20, seed));
        expect(&findings, Illness::Underfitting, |since| since.is_some_and(|epoch| epoch <= 8));
    }
}

#[test]
fn a_rate_that_is_too_high() {
    for seed in seeds() {
        for (optimizer, rate) in [("adam", 0.5), ("sgd", 3.0)] {
            let findings = examined(None, &settings("affine:50 relu affine:10", optimizer, rate, 15, seed));
            expect(&findings, Illness::RateTooHigh, |since| since.is_some_and(|epoch| epoch <= 3));
        }
    }
}

#[test]
fn a_rate_that_is_too_low() {
    for seed in seeds() {
        let findings = examined(None, &settings("affine:50 relu affine:10", "sgd", 0.001, 15, seed));
        expect(&findings, Illness::RateTooLow, |since| since == Some(1));
        let findings = examined(None, &settings("affine:50 relu affine:10", "sgd", 1e-9, 6, seed));
        expect(&findings, Illness::RateTooLow, |since| since == Some(1));
        assert!(findings[0].says.contains("stands still"), "{findings:?}");
    }
}

/// A file of these biases.
fn biases(path: &Path, name: &str, values: &[f32]) -> InitFrom {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let view = TensorView::new(Dtype::F32, vec![values.len()], &bytes).unwrap();
    safetensors::serialize_to_file(HashMap::from([(name, view)]), None, path).unwrap();
    InitFrom::open(path).unwrap()
}

#[test]
fn dead_relus() {
    for seed in seeds() {
        let folder = tempfile::tempdir().unwrap();
        let biases: Vec<f32> = (0..50).map(|unit| if unit < 40 { -50.0 } else { 0.0 }).collect();
        let file = self::biases(&folder.path().join("b.safetensors"), "0.bias", &biases);
        let settings =
            Settings { init_from: Some(file), ..settings("affine:50 relu affine:10", "adam", 0.001, 15, seed) };
        let findings = examined(None, &settings);
        expect(&findings, Illness::DeadRelus, |since| since == Some(0));
        // Those 40, and what few others may be.
        let says = &findings[0].says;
        assert!(
            says.starts_with(['8', '9']) && says.contains("% of the units of the relu that is word 2 are 0"),
            "{says}"
        );
    }
}

#[test]
fn saturation() {
    for seed in seeds() {
        let settings = settings("affine:50 tanh affine:10", "adam", 0.001, 15, seed);
        let settings = Settings { initial: Some(chainrule::choice::parse("normal:5").unwrap()), ..settings };
        expect(&examined(None, &settings), Illness::Saturation, |since| since == Some(0));
    }
}

#[test]
fn vanishing_gradients() {
    for seed in seeds() {
        let model = "affine:32 sigmoid ".repeat(7) + "affine:10";
        let findings = examined(None, &settings(&model, "sgd", 0.1, 8, seed));
        expect(&findings, Illness::VanishingGradients, |since| since == Some(0));
    }
}

#[test]
fn exploding_gradients() {
    for seed in seeds() {
        let model = "affine:64 relu ".repeat(5) + "affine:10";
        let settings = settings(&model, "adam", 0.001, 8, seed);
        let settings = Settings { initial: Some(chainrule::choice::parse("normal:1").unwrap()), ..settings };
        expect(&examined(None, &settings), Illness::ExplodingGradients, |since| since == Some(0));
    }
}

#[test]
fn a_class_that_is_never_predicted() {
    for seed in seeds() {
        // a is told by x0; b and c are not told from one another, and there are fewer of c.
        let label = |x: &[f64], chance: f64| match x[0] > 0.0 {
            true => "a",
            false if chance < 0.7 => "b",
            false => "c",
        };
        let table = table(1000, 2, seed, |x, chance| label(x, chance).to_owned());
        let findings = examined(Some(&table), &settings("affine:3", "adam", 0.01, 20, seed));
        expect(&findings, Illness::NeverPredicted, |since| since.is_none());
        assert!(findings[0].says.contains("'c'"), "{findings:?}");
    }
}

#[test]
fn imbalance() {
    for seed in seeds() {
        // One in about thirty is rare, and half of those lie among the others.
        let table = table(2000, 2, seed, |x, chance| named(x[0] > 1.2 && chance < 0.35));
        let findings = examined(Some(&table), &settings("affine:16 relu affine:2", "adam", 0.005, 20, seed));
        expect(&findings, Illness::Imbalance, |since| since.is_none());
    }
}

#[test]
fn labels_that_look_wrong() {
    for seed in seeds() {
        let table = table(3000, 3, seed, |x, chance| named((x[0] + x[1] > 0.0) != (chance < 0.03)));
        let findings = examined(Some(&table), &settings("affine:16 relu affine:2", "adam", 0.005, 20, seed));
        expect(&findings, Illness::WrongLabels, |since| since.is_none());
    }
}

#[test]
fn a_validation_part_that_is_too_small() {
    for seed in seeds() {
        let table = table(400, 2, seed, |x, _| named(x[0] + x[1] > 0.0));
        let fractions = Fractions { validation: 0.01, test: 0.2 };
        let settings = Settings { fractions, ..settings("affine:16 relu affine:2", "adam", 0.01, 20, seed) };
        expect(&examined(Some(&table), &settings), Illness::SmallValidation, |since| since.is_none());
    }
}

#[test]
fn good_runs_are_healthy() {
    for seed in seeds() {
        let healthy = |table: Option<&str>, settings: &Settings| {
            let findings = examined(table, settings);
            assert!(findings.is_empty(), "seed {seed}: {findings:#?}");
        };
        healthy(None, &Settings { seed, threads: Some(1), ..Settings::default() });
        let recipe = "conv2d:8@3 batch_norm relu max_pool:2 affine:32 relu dropout:0.2 affine:10";
        healthy(None, &settings(recipe, "adam", 0.002, 12, seed));
        let folder = tempfile::tempdir().unwrap();
        let numbers = table(600, 3, seed, |x, chance| (2.0 * x[0] - x[1] + 0.3 * chance).to_string());
        let path = folder.path().join("t.csv");
        std::fs::write(&path, &numbers).unwrap();
        let data = Source { path: Some(path), target: Some("y".to_owned()), ..Source::default() }.open(None).unwrap();
        healthy(Some(&numbers), &Settings { seed, threads: Some(1), epochs: 60, ..Settings::usual(&data.train) });
    }
}
