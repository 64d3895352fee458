//! Weights to begin with: PyTorch's answers from PyTorch's file, ours from ours, and to the bit through a checkpoint.

#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use chainrule::{
    Every, Fractions, InitFrom, Keeper, Model, Predictor, Progress, Settings, Source, TrainError, digits, run_folder,
    train, train_kept,
};
use serde_json::Value;

fn oracle(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle").join(name)
}

/// All digits as one batch, with a step that changes no weight.
fn one_look(model: &str, init_from: InitFrom) -> Settings {
    Settings {
        model: Some(model.parse().unwrap()),
        optimizer: chainrule::choice::parse("sgd").unwrap(),
        rate: Some(1e-30),
        batch: 1797,
        epochs: 1,
        init_from: Some(init_from),
        fractions: Fractions { validation: 0.0, test: 0.0 },
        ..Settings::default()
    }
}

fn probabilities(predictor: &Predictor, rows: u32) -> Vec<f64> {
    let mut csv = Vec::new();
    let mut predictions = predictor.predict_into(&mut csv, 1).unwrap();
    predictions.add(digits().select(&(0..rows).collect::<Vec<_>>())).unwrap();
    predictions.finish().unwrap();
    let numbers = |line: &str| line.split(',').skip(1).map(|cell| cell.parse().unwrap()).collect::<Vec<f64>>();
    String::from_utf8(csv).unwrap().lines().skip(1).flat_map(numbers).collect()
}

#[test]
fn a_file_of_pytorch_answers_as_pytorch() {
    let stored: Value = serde_json::from_str(&std::fs::read_to_string(oracle("sequential.json")).unwrap()).unwrap();
    let file = InitFrom::open(&oracle("sequential.safetensors")).unwrap();
    let (mut first, mut report) = (None, None);
    let settings = one_look(stored["model"].as_str().unwrap(), file);
    let trained = train(digits(), &settings, |progress| match progress {
        Progress::Start(start) => report = start.taken.clone(),
        Progress::Step { loss, .. } => first = Some(loss),
        _ => {}
    })
    .unwrap();
    let report = report.unwrap();
    assert_eq!((report.taken.len(), report.drawn.len(), report.unused.len()), (12, 0, 0), "{report}");

    let expected = stored["train_loss"].as_f64().unwrap();
    assert!((first.unwrap() - expected).abs() < 1e-5, "{first:?}, PyTorch {expected}");
    let rows = stored["probabilities"].as_array().unwrap();
    let expected: Vec<f64> = rows.iter().flat_map(|row| row.as_array().unwrap()).map(|p| p.as_f64().unwrap()).collect();
    let found = probabilities(&trained.predictor, rows.len() as u32);
    assert_eq!(found.len(), expected.len());
    for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert!((found - expected).abs() < 1e-5, "{at}: {found}, PyTorch {expected}");
    }
}

#[test]
fn a_run_begins_where_another_ended_and_goes_on_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let model: Model = "affine:20 batch_norm relu affine:10".parse().unwrap();
    let settings = Settings { model: Some(model), epochs: 3, ..Settings::default() };
    let before = train(digits(), &settings, |_| {}).unwrap();
    let run = folder.path().join("before");
    run_folder::save(&run, &before, &Source::default(), false).unwrap();
    let file = InitFrom::open(&run.join("model.safetensors")).unwrap();

    let settings = Settings { seed: 2, init_from: Some(file.clone()), ..settings };
    let mut losses = Vec::new();
    let whole = train(digits(), &settings, |progress| {
        if let Progress::Epoch(epoch) = progress {
            losses.push(epoch.train_loss);
        }
    })
    .unwrap();
    assert!(losses[0] < before.history[2].train_loss, "{losses:?} after {:?}", before.history);

    // Stopped after each of its first steps, and gone on from although the file is no longer there.
    let stop = AtomicBool::new(true);
    let run = folder.path().join("pieces");
    let mut keeper = Keeper::begin(&run, false, &Source::default(), Every::Steps(1), &stop).unwrap();
    let stopped = train_kept(digits(), &settings, &mut keeper, None, |_| {});
    assert!(matches!(stopped, Err(TrainError::Stopped { .. })));
    drop(keeper);
    std::fs::remove_dir_all(folder.path().join("before")).unwrap();
    let (mut keeper, from) = Keeper::resume(&run, Every::Steps(1), &stop).unwrap();
    let settings = from.header.settings().unwrap();
    assert_eq!(settings.init_from, Some(file));
    stop.store(false, std::sync::atomic::Ordering::Relaxed);
    let pieces = train_kept(digits(), &settings, &mut keeper, Some(from), |_| {}).unwrap();
    assert_eq!(pieces.predictor.tensors(), whole.predictor.tensors());

    // Nothing to begin with any more.
    assert!(train(digits(), &settings, |_| {}).is_err());
}

#[test]
fn a_file_that_changed_since_it_was_asked_for_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    std::fs::copy(oracle("sequential.safetensors"), &path).unwrap();
    let file = InitFrom::open(&path).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let Err(TrainError::Input(e)) = train(digits(), &one_look("affine:36 tanh affine:10", file.clone()), |_| {}) else {
        panic!("it is another file")
    };
    assert_eq!(e.expected, format!("the file with hash {}", file.hash));
}
