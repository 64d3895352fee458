//! Resumption: a training that is stopped again and again ends with the bits of one that is not.

#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::sync::atomic::{AtomicBool, Ordering};

use chainrule::choice::parse;
use chainrule::random::{Purpose, stream};
use chainrule::{
    Checkpoint, Every, Fractions, Keeper, Progress, Settings, Source, TrainError, Trained, digits, train, train_kept,
};

/// Bits of the network, of each epoch but for its time, and of the scores.
fn bits(trained: &Trained) -> (Vec<u32>, Vec<String>, String) {
    let values = trained.predictor.tensors().iter().flat_map(|tensor| &tensor.values).map(|value| value.to_bits());
    let epoch =
        |e: &chainrule::trainer::Epoch| format!("{} {:?} {:?} {:?}", e.epoch, e.train_loss, e.validation, e.rate);
    let scores = format!("{} {:?} {:?} {:?}", trained.best_epoch, trained.train, trained.validation, trained.test);
    (values.collect(), trained.history.iter().map(epoch).collect(), scores)
}

/// Stops after a few steps each time, until it is done; with another number of threads each time.
fn in_pieces(settings: &Settings, seed: u64) -> (Trained, usize) {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut draws = stream(seed, Purpose::Sample, 0);
    let stop = AtomicBool::new(false);
    for piece in 0.. {
        let every = [Every::Steps(7), Every::Epoch, Every::default()][piece % 3];
        stop.store(false, Ordering::Relaxed);
        let (mut keeper, from) = match piece {
            0 => (Keeper::begin(&run, false, &Source::default(), every, &stop).unwrap(), None),
            _ => {
                let (keeper, checkpoint) = Keeper::resume(&run, every, &stop).unwrap();
                assert_eq!(checkpoint, Checkpoint::read(&run).unwrap());
                (keeper, Some(checkpoint))
            }
        };
        let settings = match &from {
            Some(from) => from.header.settings().unwrap(),
            None => settings.clone(),
        };
        let settings = Settings { threads: Some(1 + piece % 3), ..settings };
        let mut steps = 1 + draws.below(120);
        let trained = train_kept(digits(), &settings, &mut keeper, from, |progress| {
            if let Progress::Step { .. } = progress {
                steps = steps.saturating_sub(1);
                stop.store(steps == 0, Ordering::Relaxed);
            }
        });
        match trained {
            Ok(trained) => return (trained, piece),
            Err(TrainError::Stopped { .. }) => {}
            Err(e) => panic!("{e}"),
        }
    }
    unreachable!("each piece does a step")
}

#[test]
fn pieces_have_the_bits_of_the_whole() {
    let seed = u64::from(std::process::id());
    for (model, optimizer, schedule, patience) in [
        ("affine:16 relu affine:10", "sgd", "constant", None),
        ("affine:16 relu affine:10", "adam", "one_cycle", None),
        ("affine:16 batch_norm relu dropout:0.3 affine:10", "adamw,clip_norm=1", "plateau:patience=1", Some(4)),
        ("affine:16 dropout:0.5 tanh affine:10", "momentum", "cosine", None),
    ] {
        let settings = Settings {
            model: Some(model.parse().unwrap()),
            optimizer: parse(optimizer).unwrap(),
            schedule: parse(schedule).unwrap(),
            patience,
            epochs: 9,
            ..Settings::default()
        };
        let whole = train(digits(), &settings, |_| {}).unwrap();
        let (pieces, stops) = in_pieces(&settings, seed);
        assert!(stops > 1, "{model}, {optimizer}: {stops} stops");
        assert!(bits(&pieces) == bits(&whole), "{model}, {optimizer}, {schedule}, seed {seed}: other bits");
        // Only a training that is kept has its layers looked at, which changes no bit of it.
        let folder = tempfile::tempdir().unwrap();
        let never = AtomicBool::new(false);
        let mut keeper =
            Keeper::begin(&folder.path().join("run"), false, &Source::default(), Every::Epoch, &never).unwrap();
        let kept = train_kept(digits(), &settings, &mut keeper, None, |_| {}).unwrap();
        assert!(bits(&kept) == bits(&whole) && whole.layers.is_empty());
        assert_eq!(kept.layers.len(), 1 + kept.history.len());
        assert_eq!(pieces.layers, kept.layers, "{model}, {optimizer}, {schedule}, seed {seed}");
    }
}

#[test]
fn what_differs_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let stop = AtomicBool::new(true);
    let settings = Settings { model: Some("affine:10".parse().unwrap()), epochs: 2, ..Settings::default() };
    let mut keeper = Keeper::begin(&run, false, &Source::default(), Every::Epoch, &stop).unwrap();
    let Err(stopped) = train_kept(digits(), &settings, &mut keeper, None, |_| {}) else { panic!("it is to stop") };
    assert_eq!(stopped, TrainError::Stopped { epoch: 1, step: 1 });
    drop(keeper);
    stop.store(false, Ordering::Relaxed);
    let found = |data: chainrule::Dataset, settings: &Settings| {
        let (mut keeper, from) = Keeper::resume(&run, Every::Epoch, &stop).unwrap();
        match train_kept(data, settings, &mut keeper, Some(from), |_| {}) {
            Err(TrainError::Input(e)) => e.place,
            other => panic!("{other:?}"),
        }
    };
    let rows: Vec<u32> = (0..900).collect();
    assert_eq!(found(digits().select(&rows), &settings), "checkpoint, data");
    let wider = Settings { model: Some("affine:9 affine:10".parse().unwrap()), ..settings.clone() };
    assert_eq!(found(digits(), &wider), "checkpoint, model");
    assert_eq!(found(digits(), &Settings { seed: 2, ..settings.clone() }), "checkpoint, training");
    let other = Settings { fractions: Fractions { validation: 0.2, test: 0.2 }, ..settings.clone() };
    assert_eq!(found(digits(), &other), "checkpoint, training");
    let (mut keeper, from) = Keeper::resume(&run, Every::Epoch, &stop).unwrap();
    assert!(train_kept(digits(), &settings, &mut keeper, Some(from), |_| {}).is_ok());
}
