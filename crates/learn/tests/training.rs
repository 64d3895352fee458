//! What a training promises: exactness, and a test set that nothing but the last score reads.

#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use chainrule::choice::parse;
use chainrule::engine::{Cpu, Reference};
use chainrule::range_test::range_test;
use chainrule::schedule::{Course, Schedule};
use chainrule::{
    Cells, Data, Dataset, Fractions, Progress, Settings, Split, Target, TrainError, Trained, digits, train, train_on,
};

fn settings(model: &str, epochs: usize) -> Settings {
    Settings { model: Some(model.parse().unwrap()), epochs, ..Settings::default() }
}

fn tensors(trained: &Trained) -> Vec<Vec<u32>> {
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect();
    trained.predictor.tensors().iter().map(|tensor| bits(&tensor.values)).collect()
}

/// y = a − 2b, with columns far from 0.
fn line(rows: usize) -> Dataset {
    let cells: Vec<f32> = (0..rows).flat_map(|i| [100.0 + (i % 13) as f32, (i % 7) as f32]).collect();
    let values = cells.chunks(2).map(|row| row[0] - 2.0 * row[1]).collect();
    Dataset {
        cells: Cells::F32(cells),
        shape: vec![2],
        image: None,
        columns: vec!["a".into(), "b".into()],
        target: Target::Numbers { values, name: "y".into() },
        weights: None,
        source: "line".into(),
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let with = |threads| {
        let settings = Settings { threads: Some(threads), ..settings("affine:20 tanh affine:10", 3) };
        train(digits(), &settings, |_| {}).unwrap()
    };
    let one = with(1);
    for threads in [2, 3, 5] {
        let more = with(threads);
        assert_eq!(tensors(&one), tensors(&more));
        assert_eq!((one.train, one.test), (more.train, more.test));
    }
}

#[test]
fn both_backends_learn_the_same() {
    let settings = settings("affine:8 relu affine:1", 5);
    let fast = train_on(&Cpu::new(1), line(200), &settings, |_| {}).unwrap();
    let exact = train_on(&Reference, line(200), &settings, |_| {}).unwrap();
    for (fast, exact) in fast.history.iter().zip(&exact.history) {
        assert!((fast.train_loss - exact.train_loss).abs() < 1e-4 * exact.train_loss.max(1.0));
    }
}

#[test]
fn the_test_set_shapes_nothing() {
    let with = |cell: f32| {
        let mut test = line(40);
        if let Cells::F32(cells) = &mut test.cells {
            cells.fill(cell);
        }
        let data = Data { train: line(200), test: Some(test) };
        train(data, &settings("affine:8 relu affine:1", 5), |_| {}).unwrap()
    };
    let (one, other) = (with(1.0), with(1e6));
    assert_eq!(tensors(&one), tensors(&other));
    assert_eq!((one.train, one.validation, one.best_epoch), (other.train, other.validation, other.best_epoch));
    assert_ne!(one.test, other.test);
}

#[test]
fn rows_that_were_split_off_shape_nothing() {
    let settings = settings("affine:8 relu affine:1", 5);
    let rows = Split::new(&line(200).target, 200, settings.fractions, settings.seed).unwrap();
    let with = |changed: &[u32], epochs| {
        let mut data = line(200);
        let (Cells::F32(cells), Target::Numbers { values, .. }) = (&mut data.cells, &mut data.target) else {
            panic!("a line is of numbers")
        };
        for &row in changed {
            cells[row as usize * 2] = 1e6;
            values[row as usize] = -1e6;
        }
        train(data, &Settings { epochs, ..settings.clone() }, |_| {}).unwrap()
    };
    let (one, other) = (with(&[], 5), with(&rows.test, 5));
    assert_eq!(one.predictor.encoding(), other.predictor.encoding());
    assert_eq!(tensors(&one), tensors(&other));
    assert_eq!((one.train, one.validation, one.best_epoch), (other.train, other.validation, other.best_epoch));
    assert_ne!(one.test, other.test);
    // The rows to choose by choose the epoch, and nothing else: of one epoch there is no choice.
    let (one, other) = (with(&[], 1), with(&rows.validation, 1));
    assert_eq!(one.predictor.encoding(), other.predictor.encoding());
    assert_eq!(tensors(&one), tensors(&other));
    assert_eq!((one.train, one.test), (other.train, other.test));
    assert_ne!(one.validation, other.validation);
}

#[test]
fn scoring_between_epochs_changes_no_bit() {
    let chosen =
        Settings { fractions: Fractions { validation: 0.3, test: 0.0 }, ..settings("affine:16 relu affine:10", 4) };
    let with = train(digits(), &chosen, |_| {}).unwrap();
    // The same rows in the same order, without any to choose by.
    let rows = Split::new(&digits().target, digits().rows(), chosen.fractions, chosen.seed).unwrap();
    let alone = Settings { fractions: Fractions { validation: 0.0, test: 0.0 }, epochs: with.best_epoch, ..chosen };
    let without = train(digits().select(&rows.train), &alone, |_| {}).unwrap();
    assert!(with.best_epoch > 1 && with.validation.is_some() && without.validation.is_none());
    assert_eq!(tensors(&with), tensors(&without));
    let losses = |trained: &Trained| trained.history.iter().map(|epoch| epoch.train_loss).collect::<Vec<_>>();
    assert_eq!(losses(&with)[..with.best_epoch], losses(&without));
}

#[test]
fn every_epoch_is_exact_and_told() {
    let (mut steps, mut rows, mut epochs) = (0, 0, Vec::new());
    let trained = train(line(203), &Settings { batch: 16, ..settings("affine:1", 4) }, |progress| match progress {
        Progress::Start(start) => {
            rows = start.parts.train;
            assert_eq!((start.steps, start.epochs, start.parameters), (rows.div_ceil(16), 4, 3));
        }
        Progress::Step { loss, .. } => {
            assert!(loss.is_finite());
            steps += 1;
        }
        Progress::Epoch(epoch) => epochs.push(*epoch),
        Progress::Layers(_) => panic!("nobody keeps it"),
        Progress::Notice(notice) => panic!("{notice}"),
        Progress::Stopped { .. } => panic!("nothing was to stop it"),
    });
    let trained = trained.unwrap();
    assert_eq!((steps, trained.parts.train), (4 * rows.div_ceil(16), rows));
    assert_eq!(trained.history, epochs);
    assert_eq!(trained.parts.train + trained.parts.validation + trained.parts.test, 203);
}

#[test]
fn the_best_epoch_is_kept() {
    // So fast a rate does not settle: a later epoch may be worse.
    let settings = Settings { rate: Some(0.05), ..settings("affine:32 relu affine:10", 12) };
    let trained = train(digits(), &settings, |_| {}).unwrap();
    let losses: Vec<f64> = trained.history.iter().map(|epoch| epoch.validation.unwrap().loss).collect();
    let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!(losses[trained.best_epoch - 1], least);
    assert_eq!(trained.validation.unwrap().loss, least);
    // Training as long as the best epoch gives the same network.
    let short = train(digits(), &Settings { epochs: trained.best_epoch, ..settings }, |_| {}).unwrap();
    assert_eq!(tensors(&trained), tensors(&short));
}

#[test]
fn a_network_that_breaks_is_looked_into() {
    let sgd = chainrule::engine::Rule::Sgd.into();
    let wild = Settings { optimizer: sgd, rate: Some(1e6), ..settings("affine:4 relu affine:1", 3) };
    let Err(TrainError::Diverged(diverged)) = train(line(200), &wild, |_| {}) else { panic!("it must diverge") };
    assert_eq!((diverged.epoch, diverged.of, diverged.rate), (1, "loss", 1e6));
    let first = diverged.first.expect("the node is found");
    assert!(!first.value.is_finite() && first.node.starts_with(['0', '1', '2']), "{first:?}");
    assert!(first.layer.is_some());
}

/// Three schedules that move, and a fourth that goes by the losses.
#[test]
fn a_schedule_is_followed_and_recorded() {
    for schedule in
        ["step:every=2,factor=0.5", "cosine:to=0.1", "one_cycle", "plateau:factor=0.5,patience=0,threshold=0.9"]
    {
        let settings = Settings {
            schedule: parse(schedule).unwrap(),
            warm_up: 0.5,
            batch: 20,
            threads: Some(1),
            ..settings("affine:4 relu affine:1", 6)
        };
        let trained = train(line(200), &settings, |_| {}).unwrap();
        let losses: Vec<f64> = trained.history.iter().map(|epoch| epoch.validation.unwrap().loss).collect();
        let steps = trained.parts.train.div_ceil(20);
        let course = Course { rate: 0.001, schedule: settings.schedule, warm_up: 0.5, steps, epochs: 6 };
        for (at, epoch) in trained.history.iter().enumerate() {
            assert_eq!(epoch.rate, course.at(((at + 1) * steps - 1) as u64, &losses[..at]), "{schedule}, {epoch:?}");
        }
        assert_ne!(trained.history[0].rate, trained.history[5].rate, "{schedule}");
        // The rate is not only told: the parameters are others than at a constant rate.
        let constant = Settings { schedule: Schedule::Constant, ..settings };
        assert_ne!(tensors(&trained), tensors(&train(line(200), &constant, |_| {}).unwrap()), "{schedule}");
    }
}

#[test]
fn the_rates_are_pytorchs() {
    let path = format!("{}/tests/oracle/schedules.json", env!("CARGO_MANIFEST_DIR"));
    let stored: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let numbers = |value: &serde_json::Value| -> Vec<f64> {
        value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
    };
    for case in stored["cases"].as_array().unwrap() {
        let schedule = case["schedule"].as_str().unwrap();
        let [rate, warm_up] = ["rate", "warm_up"].map(|key| case[key].as_f64().unwrap());
        let [steps, epochs] = ["steps", "epochs"].map(|key| case[key].as_u64().unwrap() as usize);
        let course = Course { rate, schedule: parse(schedule).unwrap(), warm_up, steps, epochs };
        let each = if case["each"] == "epoch" { steps } else { 1 };
        let losses = numbers(&case["losses"]);
        for (at, expected) in numbers(&case["rates"]).into_iter().enumerate() {
            let found = course.at((at * each) as u64, &losses[..at.min(losses.len())]);
            assert!((found - expected).abs() <= 1e-12, "{schedule}, {at}: {found}, PyTorch {expected}");
        }
    }
}

#[test]
fn the_suggested_rate_trains_and_is_the_same_on_any_threads() {
    for optimizer in ["sgd", "adam"] {
        let settings =
            |rate| Settings { optimizer: parse(optimizer).unwrap(), rate, ..settings("affine:30 relu affine:10", 3) };
        let found = range_test(&Cpu::new(1), digits(), &settings(None)).unwrap();
        assert_eq!(found, range_test(&Cpu::new(3), digits(), &settings(None)).unwrap());
        assert!(
            found.suggestion < found.lowest && found.lowest < found.broke.unwrap(),
            "{optimizer}: {}",
            found.reason
        );
        assert!(found.points.len() > 100 && found.points.windows(2).all(|pair| pair[0].rate < pair[1].rate));
        // Better than a hundredth of it, and than a hundred times it, which may even diverge.
        let loss =
            |rate| train(digits(), &settings(Some(rate)), |_| {}).map_or(f64::INFINITY, |trained| trained.train.loss);
        let [slow, suggested, wild] = [0.01, 1.0, 100.0].map(|factor| loss(factor * found.suggestion));
        assert!(suggested < slow && suggested < wild, "{optimizer}: {slow}, {suggested}, {wild}");
    }
}
