//! Splits by keys: the same in memory and on disk, in the fingerprint, and read again from a run.

#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use chainrule::cross_validation::cross_validate;
use chainrule::engine::Cpu;
use chainrule::fingerprint::fingerprint;
use chainrule::run_folder::save;
use chainrule::{
    Every, Fractions, Keeper, Progress, Run, Settings, Source, SplitRows, TrainError, Trained, Warning, train_kept,
    train_stored,
};
use tempfile::TempDir;

static NEVER: AtomicBool = AtomicBool::new(false);
const ROWS: usize = 3000;

/// The row's number among its features, so that rows are known again; some rows are alike.
fn row(at: usize) -> String {
    let at = if at % 100 == 7 { at / 200 * 200 + 7 } else { at };
    let (patient, day) = (at * 7919 % 211, at * 31 % ROWS / 3);
    let date = format!("20{:02}-{:02}-{:02}", day / 336, day / 28 % 12 + 1, day % 28 + 1);
    let part = ["Train", "train", "TEST", "validation"][at % 4];
    format!("{at},w{},p{patient},{date},{day},{part},{}\n", at % 5, if at * 7919 % 1000 > 400 { "yes" } else { "no" })
}

fn table(folder: &Path, name: &str, rows: impl Iterator<Item = usize>) -> PathBuf {
    let path = folder.join(name);
    fs::write(
        &path,
        std::iter::once("a,word,patient,date,day,part,y\n".to_owned()).chain(rows.map(row)).collect::<String>(),
    )
    .unwrap();
    path
}

fn source(path: &Path) -> Source {
    let ignore = ["patient", "date", "day", "part"].map(str::to_owned).to_vec();
    Source { path: Some(path.to_owned()), target: Some("y".into()), ignore, ..Source::default() }
}

fn settings() -> Settings {
    let model = Some("affine:4 relu affine:2".parse().unwrap());
    Settings { model, epochs: 1, batch: 100, threads: Some(2), ..Settings::default() }
}

fn train(source: &Source, settings: &Settings, run: &Path) -> Result<(Trained, Vec<Warning>), TrainError> {
    let mut keeper = Keeper::begin(run, true, source, Every::Epoch, &NEVER)?;
    let mut warnings = Vec::new();
    let watch = |progress: Progress<'_>| {
        if let Progress::Start(start) = progress {
            warnings = start.warnings.clone();
        }
    };
    let trained = match source.stored(None)? {
        Some(stored) => train_stored(stored, settings, &mut keeper, None, watch),
        None => train_kept(source.open(None)?, settings, &mut keeper, None, watch),
    }?;
    save(run, &trained, source, true)?;
    Ok((trained, warnings))
}

/// What is the same wherever the table is.
fn said(trained: &Trained) -> String {
    let scores = (trained.train, trained.validation, trained.test, trained.parts);
    format!("{scores:?} {} {:?} {:?}", trained.fingerprint, trained.predictor.tensors(), trained.split_rows)
}

#[test]
fn each_split_is_the_same_on_disk_and_is_tested_again() {
    let folder = TempDir::new().unwrap();
    let path = table(folder.path(), "visits.csv", 0..ROWS);
    let others = table(folder.path(), "later.csv", ROWS..ROWS + 200);
    let plain = source(&path);
    let column = |name: &str| Some(name.to_owned());
    let mut fingerprints = HashSet::new();
    for (name, source) in [
        ("random", plain.clone()),
        ("groups", Source { groups: column("patient"), ..plain.clone() }),
        ("dates", Source { time: column("date"), ..plain.clone() }),
        ("days", Source { time: column("day"), ..plain.clone() }),
        ("part", Source { split: column("part"), ..plain.clone() }),
        ("both", Source { split: column("part"), groups: column("patient"), ..plain.clone() }),
        ("files", Source { validation_file: Some(others.clone()), test_file: Some(others), ..plain }),
    ] {
        let run = folder.path().join(name);
        let (trained, warned) = train(&source, &settings(), &run).unwrap();
        let stored = Source { memory: Some(20_000_000), ..source.clone() };
        let (again, warned_again) = train(&stored, &settings(), &folder.path().join("stored")).unwrap();
        assert_eq!((said(&again), warned_again), (said(&trained), warned), "{name}");
        // By what the run says of itself, the same rows judge again.
        for run in [&run, &folder.path().join("stored")] {
            assert_eq!(Some(Run::open(run).unwrap().measure(1).unwrap().0), trained.test, "{name}");
            assert_eq!(SplitRows::read(run).unwrap(), trained.split_rows, "{name}");
        }
        assert!(fingerprints.insert(trained.fingerprint), "{name}");
    }
}

#[test]
fn groups_and_times_are_on_their_sides() {
    let folder = TempDir::new().unwrap();
    let path = table(folder.path(), "visits.csv", 0..ROWS);
    let groups = Source { groups: Some("patient".into()), ..source(&path) };
    let run = folder.path().join("run");
    let (trained, _) = train(&groups, &settings(), &run).unwrap();
    let parts = trained.parts;
    assert!(parts.test.abs_diff(600) <= 15 && parts.validation.abs_diff(300) <= 15, "{parts:?}");
    let (data, rows) = Run::open(&run).unwrap().held_out().unwrap();
    let groups = data.keys.groups.unwrap();
    let held: HashSet<u64> = rows.iter().map(|&row| groups[row as usize]).collect();
    assert_eq!(groups.iter().filter(|group| held.contains(group)).count(), rows.len());

    let times = Source { time: Some("date".into()), ..source(&path) };
    train(&times, &settings(), &run).unwrap();
    let (data, rows) = Run::open(&run).unwrap().held_out().unwrap();
    let times = data.keys.times.unwrap();
    let first = rows.iter().map(|&row| times[row as usize]).fold(f64::INFINITY, f64::min);
    assert_eq!(times.iter().filter(|&&time| time >= first).count(), rows.len());
}

#[test]
fn the_rows_of_a_run_are_held_out_again() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    let first = Source { groups: Some("patient".into()), ..source(&table(folder.path(), "one.csv", 0..ROWS)) };
    let (one, _) = train(&first, &settings(), &at("one")).unwrap();
    let again = Settings { fractions: Fractions { validation: 0.0, test: 0.0 }, seed: 9, ..settings() };
    let sorted = |held: &SplitRows| {
        let mut held = held.clone();
        held.validation.sort_unstable();
        held.test.sort_unstable();
        held
    };
    // In another order, among others, and with other columns to learn from.
    let wider = table(folder.path(), "two.csv", (0..ROWS + 500).rev());
    for memory in [None, Some(20_000_000)] {
        let second = Source { split_run: Some(at("one")), memory, ..source(&wider) };
        let (two, warned) = train(&second, &again, &at("two")).unwrap();
        assert_eq!(sorted(&two.split_rows), sorted(&one.split_rows));
        assert!(!warned.iter().any(|warning| matches!(warning, Warning::Lost { .. })));
        let other = Source { ignore: vec!["patient".into(), "a".into()], ..second };
        let (three, _) = train(&other, &again, &at("three")).unwrap();
        assert_eq!((three.parts, three.parts.test), (two.parts, one.parts.test));
        assert_eq!(Some(Run::open(&at("three")).unwrap().measure(1).unwrap().0), three.test);
    }
    // Its own file says which rows they are, when the first run is gone.
    let test = Run::open(&at("two")).unwrap().measure(1).unwrap().0;
    fs::remove_dir_all(at("one")).unwrap();
    assert_eq!(Run::open(&at("two")).unwrap().measure(1).unwrap().0, test);

    // Half of them are gone: that is told.
    let half = Source { split_run: Some(at("two")), ..source(&table(folder.path(), "half.csv", 0..ROWS / 2)) };
    let (four, warned) = train(&half, &again, &at("four")).unwrap();
    let held = |trained: &Trained| trained.split_rows.validation.len() + trained.split_rows.test.len();
    assert_eq!(warned[0], Warning::Lost { rows: held(&one) - held(&four) });
    let none = Source { split_run: Some(at("two")), ..source(&table(folder.path(), "none.csv", ROWS * 2..ROWS * 3)) };
    let error = train(&none, &again, &at("five")).unwrap_err().to_string();
    assert!(error.contains("expected rows that") && error.contains("found none"), "{error}");
}

#[test]
fn a_group_on_both_sides_is_told() {
    let folder = TempDir::new().unwrap();
    let path = table(folder.path(), "visits.csv", 0..ROWS);
    let both = Source { split: Some("part".into()), groups: Some("patient".into()), ..source(&path) };
    let (trained, warned) = train(&both, &settings(), &folder.path().join("run")).unwrap();
    let told =
        |warned: &[Warning]| warned.iter().find(|warning| matches!(warning, Warning::GroupOnBothSides { .. })).cloned();
    assert_eq!(told(&warned), Some(Warning::GroupOnBothSides { groups: 211, of: 211, rows: trained.parts.test }));
    // A file of other rows, of which some are of known groups.
    let file = Some(table(folder.path(), "more.csv", ROWS..ROWS + 10));
    let beside = Source { groups: Some("patient".into()), test_file: file, ..source(&path) };
    let (_, warned) = train(&beside, &settings(), &folder.path().join("run")).unwrap();
    assert!(matches!(told(&warned), Some(Warning::GroupOnBothSides { of: 10, .. })), "{warned:?}");
}

#[test]
fn a_training_goes_on_only_with_the_same_split() {
    let folder = TempDir::new().unwrap();
    let path = table(folder.path(), "visits.csv", 0..ROWS);
    let parts = Source { split: Some("part".into()), ..source(&path) };
    let stop = AtomicBool::new(true);
    let run = folder.path().join("run");
    let mut keeper = Keeper::begin(&run, true, &parts, Every::Epoch, &stop).unwrap();
    let stopped = train_kept(parts.open(None).unwrap(), &settings(), &mut keeper, None, |_| {}).unwrap_err();
    assert!(matches!(stopped, TrainError::Stopped { .. }));
    drop(keeper);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen(",TEST,", ",train,", 1)).unwrap();
    let (mut keeper, from) = Keeper::resume(&run, Every::Epoch, &NEVER).unwrap();
    let data = keeper.source().open(None).unwrap();
    assert_ne!(fingerprint(&data), from.header.fingerprint);
    let error = train_kept(data, &settings(), &mut keeper, Some(from.clone()), |_| {}).unwrap_err().to_string();
    assert!(error.starts_with("checkpoint, data: expected those it was begun with"), "{error}");
    fs::write(&path, text).unwrap();
    let resumed =
        train_kept(keeper.source().open(None).unwrap(), &settings(), &mut keeper, Some(from), |_| {}).unwrap();
    let (whole, _) = train(&parts, &settings(), &folder.path().join("whole")).unwrap();
    assert_eq!(said(&resumed), said(&whole));
}

#[test]
fn folds_keep_groups_together_and_go_with_time() {
    let folder = TempDir::new().unwrap();
    let path = table(folder.path(), "visits.csv", 0..ROWS);
    let folds = |source: Source| {
        let data = source.open(None).unwrap();
        cross_validate(&Cpu::new(2), data, &settings(), 4, |_| {}).unwrap()
    };
    let grouped = folds(Source { groups: Some("patient".into()), ..source(&path) });
    let rows: usize = grouped.folds.iter().map(|fold| fold.parts.test).sum();
    assert_eq!((rows, rows + grouped.test), (grouped.rows, ROWS));
    let sizes = grouped.folds.iter().map(|fold| fold.parts.test);
    assert!(sizes.clone().max().unwrap() - sizes.min().unwrap() <= 16, "{:?}", grouped.folds);

    let timed = folds(Source { time: Some("day".into()), ..source(&path) });
    let parts: Vec<_> = timed.folds.iter().map(|fold| fold.parts).collect();
    // Each fold is trained on all that is earlier.
    let begin = parts[0].train + parts[0].validation;
    for (at, part) in parts.iter().enumerate() {
        let before: usize = parts[..at].iter().map(|part| part.test).sum();
        assert_eq!(part.train + part.validation, begin + before, "{parts:?}");
    }
    assert_eq!(begin + parts.iter().map(|part| part.test).sum::<usize>(), timed.rows);
}
