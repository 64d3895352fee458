//! How a network is chosen: the epoch to stop after, folds, trials.

#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use chainrule::cross_validation::cross_validate;
use chainrule::engine::Cpu;
use chainrule::folds::folds;
use chainrule::tune::{Event, Line, Space, Tuned, Tuning, tune};
use chainrule::{
    Cells, Data, Dataset, Fractions, Progress, Settings, Source, Split, Target, TrainError, Trained, digits, train,
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
        keys: chainrule::Keys::default(),
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
    let data = Data { test: Some(pool.select(&dealt[2])), ..Data::from(pool.select(&others)) };
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

const SPACE: &str = r#"
    rate = { log = [1e-4, 1e-1] }
    batch = [32, 64]
    model = ["affine:8 relu affine:10", "affine:12 tanh affine:10"]
    schedule = "cosine"
"#;

/// Nine trials: 9 for an epoch, 3 for three, 1 for nine.
fn tuning(threads: usize) -> Tuning {
    let settings = Settings { epochs: 9, seed: 3, threads: Some(threads), ..Settings::default() };
    Tuning { space: Space::parse(SPACE, "space.toml").unwrap(), settings, trials: 9, min_epochs: 1, eta: 3 }
}

/// What came out, and the trainings that were done for it; the best's is counted by its epochs.
fn tuned(source: &Source, threads: usize, out: &Path) -> (Tuned, Vec<(usize, usize)>, usize) {
    let (mut done, mut epochs) = (Vec::new(), 0);
    let tuned = tune(&Cpu::new(threads), source, &tuning(threads), out, |event| match event {
        Event::Done(line) => done.push((line.rung, line.trial)),
        Event::Best(Progress::Epoch(_)) => epochs += 1,
        _ => {}
    });
    (tuned.unwrap(), done, epochs)
}

fn lines(out: &Path) -> Vec<Line> {
    let text = fs::read_to_string(out.join("trials.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// All but the time it took.
fn timeless(lines: &[Line]) -> Vec<Line> {
    lines.iter().map(|line| Line { seconds: 0.0, ..line.clone() }).collect()
}

#[test]
fn the_lowest_losses_go_on_and_the_best_is_what_train_gives() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("tuned");
    let (found, done, epochs) = tuned(&Source::default(), 1, &out);
    assert_eq!(done.iter().map(|&(rung, _)| rung).collect::<Vec<_>>(), [[1; 9].to_vec(), vec![2; 3], vec![3]].concat());
    let losses = |rung| -> BTreeMap<usize, f64> {
        lines(&out).iter().filter(|line| line.rung == rung).map(|line| (line.trial, line.loss().unwrap())).collect()
    };
    for rung in [1, 2] {
        let next = losses(rung + 1);
        let (on, off): (Vec<_>, Vec<_>) = losses(rung).into_iter().partition(|(trial, _)| next.contains_key(trial));
        assert!(on.iter().all(|(_, lower)| off.iter().all(|(_, higher)| lower <= higher)), "{on:?} {off:?}");
    }
    assert!(found.ranking.windows(2).all(|pair| pair[0].loss() <= pair[1].loss()));
    assert_eq!((found.ranking.len(), found.rungs.len(), found.done_before), (9, 3, 0));

    let (best, tuning) = (&found.ranking[0], tuning(1));
    let of_all = Settings { epochs: best.epochs, ..tuning.settings.clone() };
    let settings = tuning.space.settings(&of_all, &best.settings).unwrap();
    let trained = train(digits(), &settings, |_| {}).unwrap();
    let run = found.best.unwrap();
    assert_eq!((best.validation, best.best_epoch), (trained.validation, Some(trained.best_epoch)));
    assert_eq!((epochs, &run.predictor), (best.epochs, &trained.predictor));
    assert_eq!(run.test(1).unwrap(), trained.test.unwrap());
}

#[test]
fn a_tuning_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    let (whole, all, _) = tuned(&Source::default(), 1, &one);
    // Nothing is trained again.
    let (again, done, epochs) = tuned(&Source::default(), 1, &one);
    assert_eq!((done.len(), epochs, again.done_before), (0, 0, 13));
    assert_eq!((&again.ranking, again.best.unwrap().record), (&whole.ranking, whole.best.unwrap().record));

    // As if the program had ended while it wrote its eleventh line.
    fs::create_dir(&two).unwrap();
    fs::copy(one.join("tune.toml"), two.join("tune.toml")).unwrap();
    let text = fs::read_to_string(one.join("trials.jsonl")).unwrap();
    let (ten, rest) = text.split_at(text.match_indices('\n').nth(9).unwrap().0 + 1);
    fs::write(two.join("trials.jsonl"), format!("{ten}{}", &rest[..40])).unwrap();
    let (rest, done, _) = tuned(&Source::default(), 3, &two);
    assert_eq!((rest.done_before, &done[..]), (10, &all[10..]));
    assert_eq!(timeless(&rest.ranking), timeless(&whole.ranking));
    assert_eq!(timeless(&lines(&two)), timeless(&lines(&one)), "no line is lost, and none is there twice");
}

#[test]
fn no_trial_reads_a_test_row() {
    let folder = tempfile::tempdir().unwrap();
    let rows = Split::new(&digits().target, 1797, Settings::default().fractions, 3).unwrap();
    let Target::Classes { labels, .. } = digits().target else { panic!("digits are classes") };
    let Cells::U8 { cells, .. } = digits().cells else { panic!("digits are pictures") };
    let with = |name: &str, cell: Option<u8>| {
        let row = |(row, label): (u32, &u32)| {
            let pixels = cells[row as usize * 64..][..64].iter();
            let pixels = pixels.map(|&pixel| cell.filter(|_| rows.test.contains(&row)).unwrap_or(pixel).to_string());
            format!("{},{label}\n", pixels.collect::<Vec<_>>().join(","))
        };
        let text: String = (0..).zip(&labels).map(row).collect();
        let path = folder.path().join(format!("{name}.csv"));
        fs::write(&path, text).unwrap();
        let source = Source { path: Some(path), target: Some("64".into()), header: Some(false), ..Source::default() };
        tuned(&source, 1, &folder.path().join(name)).0
    };
    let (one, other) = (with("one", None), with("other", Some(99)));
    assert_eq!(timeless(&one.ranking), timeless(&other.ranking));
    let (one, other) = (one.best.unwrap(), other.best.unwrap());
    assert_eq!(one.predictor.tensors(), other.predictor.tensors());
    assert_ne!(one.record.results.test, other.record.results.test);
}
