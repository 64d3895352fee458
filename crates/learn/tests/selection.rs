//! How a network is chosen: the epoch to stop after, folds, trials.

#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use chainrule::cross_validation::cross_validate;
use chainrule::engine::Cpu;
use chainrule::folds::folds;
use chainrule::{
    Cells, Data, Dataset, Fractions, Progress, Settings, Split, Target, TrainError, Trained, digits, train,
};

fn settings(model: &str, epochs: usize) -> Settings {
    Settings { model: Some(model.parse().unwrap()), epochs, threads: Some(1), ..Settings::default() }
}

fn losses(trained: &Trained) -> Vec<f64> {
    trained.history.iter().map(|epoch| epoch.validation.unwrap().loss).collect()
}

/// y = a − 2b and noise that no network can learn.
fn noisy(rows: usize) -> Dataset {
    let cells: Vec<f32> = (0..rows).flat_map(|i| [(i % 13) as f32, (i % 7) as f32]).collect();
    let noise = |i: usize| ((i * 7919) % 31) as f32;
    let values = cells.chunks(2).enumerate().map(|(i, row)| row[0] - 2.0 * row[1] + noise(i)).collect();
    Dataset {
        cells: Cells::F32(cells),
        shape: vec![2],
        image: None,
        columns: vec!["a".into(), "b".into()],
        target: Target::Numbers { values, name: "y".into() },
        weights: None,
        source: "noisy".into(),
    }
}

#[test]
fn patience_ends_a_training_and_changes_nothing_before() {
    let all = Settings { rate: Some(0.05), ..settings("affine:32 relu affine:1", 40) };
    let patient = Settings { patience: Some(3), ..all.clone() };
    let mut told = None;
    let stopped = train(noisy(120), &patient, |progress| {
        if let Progress::Stopped { epoch, best_epoch } = progress {
            told = Some((epoch, best_epoch));
        }
    });
    let (stopped, whole) = (stopped.unwrap(), train(noisy(120), &all, |_| {}).unwrap());
    let (best, last) = (stopped.best_epoch, stopped.history.len());
    assert_eq!((stopped.stopped(), last, told), (Some(best + 3), best + 3, Some((last, best))));
    assert_eq!((whole.stopped(), whole.history.len()), (None, 40));
    assert_eq!(losses(&stopped), losses(&whole)[..last]);
    // What is kept is what a training of so many epochs gives.
    let short = train(noisy(120), &Settings { epochs: best, ..all }, |_| {}).unwrap();
    assert_eq!(stopped.predictor, short.predictor);
    assert_eq!((stopped.validation, stopped.test), (short.validation, short.test));
}

#[test]
fn patience_needs_rows_to_go_by() {
    let fractions = Fractions { validation: 0.0, test: 0.2 };
    let settings = Settings { patience: Some(3), fractions, ..settings("affine:1", 5) };
    let Err(TrainError::Input(e)) = train(noisy(50), &settings, |_| {}) else { panic!("there are none") };
    assert_eq!((&*e.place, &*e.expected, &*e.found), ("patience", "validation rows to stop by", "none"));
}

#[test]
fn a_fold_is_a_training_without_it_and_its_test() {
    let settings = Settings { rate: Some(0.01), ..settings("affine:32 relu affine:10", 3) };
    let rows = Split::new(&digits().target, 1797, settings.fractions, settings.seed).unwrap();
    let mut pool = [rows.train, rows.validation].concat();
    pool.sort_unstable();
    let pool = digits().select(&pool);
    let dealt = folds(&pool.target, pool.rows(), 4, settings.seed).unwrap();
    let mut others = [&dealt[0][..], &dealt[1], &dealt[3]].concat();
    others.sort_unstable();

    let found = cross_validate(&Cpu::new(1), digits(), &settings, 4, |_| {}).unwrap();
    let data = Data { train: pool.select(&others), test: Some(pool.select(&dealt[2])) };
    let third = train(data, &settings, |_| {}).unwrap();
    assert_eq!(Some(found.folds[2].scores), third.test);
    assert_eq!((found.folds[2].validation, found.folds[2].parts), (third.validation, third.parts));
    assert_eq!((found.rows, found.test), (pool.rows(), rows.test.len()));
    assert_eq!(found.folds.iter().map(|fold| fold.parts.test).sum::<usize>(), pool.rows());
    assert!(found.mean.accuracy.unwrap() > 0.7, "{:?}", found.mean);
}

#[test]
fn folds_see_no_test_row_and_no_thread() {
    let settings = settings("affine:8 relu affine:1", 3);
    let run = |data: Dataset, threads| {
        let settings = Settings { threads: Some(threads), ..settings.clone() };
        cross_validate(&Cpu::new(threads), data, &settings, 3, |_| {}).unwrap().folds
    };
    let rows = Split::new(&noisy(90).target, 90, settings.fractions, settings.seed).unwrap();
    let mut changed = noisy(90);
    let (Cells::F32(cells), Target::Numbers { values, .. }) = (&mut changed.cells, &mut changed.target) else {
        panic!("they are numbers")
    };
    for &row in &rows.test {
        cells[row as usize * 2] = 1e6;
        values[row as usize] = -1e6;
    }
    let scores =
        |data, threads| run(data, threads).into_iter().map(|fold| (fold.train, fold.scores)).collect::<Vec<_>>();
    let one = scores(noisy(90), 1);
    assert_eq!(one, scores(changed, 1));
    assert_eq!(one, scores(noisy(90), 3));
}

#[test]
fn as_many_folds_as_rows_are_judged_row_by_row() {
    let settings = Settings { fractions: Fractions { validation: 0.0, test: 0.0 }, ..settings("affine:1", 1) };
    let found = cross_validate(&Cpu::new(1), noisy(12), &settings, 12, |_| {}).unwrap();
    assert!(found.folds.iter().all(|fold| fold.parts.test == 1 && fold.validation.is_none()));
    assert!(found.mean.rmse.is_some() && found.mean.r2.is_none(), "one row has no variance to explain");
    let Err(TrainError::Input(e)) = cross_validate(&Cpu::new(1), noisy(12), &settings, 13, |_| {}) else {
        panic!("there are not so many rows")
    };
    assert_eq!((&*e.place, &*e.found), ("folds", "13"));
}
