//! A table on disk trains to the bits of the same table in memory.

#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use chainrule::{
    Checkpoint, Every, InputError, Keeper, Progress, Settings, Source, TrainError, Trained, train_kept, train_stored,
};
use tempfile::TempDir;

const ROWS: u32 = 60_000;
const MEMORY: u64 = 18_500_000;

static NEVER: AtomicBool = AtomicBool::new(false);

/// Numbers with gaps, numbers that end in words, categories of which some are rare, a counter, a column of names, weights, and a target of `kind`.
fn table(folder: &Path, kind: &str) -> PathBuf {
    let mut text = "a,b,late,word,id,name,w,y\n".to_owned();
    for row in 0..ROWS {
        let a = f64::from(row.wrapping_mul(2_654_435_761) >> 8) / 1e5 - 80.0;
        let gap = if row % 11 == 5 { "NA".to_owned() } else { format!("{}", row * 7919 % 1000) };
        let late = if row < ROWS / 2 { format!("{}", row % 9) } else { format!("late {}", row % 7) };
        let word = if row % 5000 == 3 { format!("rare {row}") } else { format!("w{}", row % 13) };
        let y = a * 0.3 + f64::from(row % 13);
        let y = if kind == "classes" { if y > 5.0 { "high".into() } else { "low".to_owned() } } else { format!("{y}") };
        text += &format!("{a},{gap},{late},{word},{row},\"name, {row}\",{},{y}\n", row % 3 + 1);
    }
    let path = folder.join("table.csv");
    fs::write(&path, text).unwrap();
    path
}

fn source(path: &Path, memory: Option<u64>) -> Source {
    let weights = Some("w".to_owned());
    Source { path: Some(path.to_owned()), target: Some("y".into()), weights, memory, ..Source::default() }
}

fn settings(threads: usize) -> Settings {
    let model = Some("affine:8 relu affine:2".parse().unwrap());
    Settings { model, epochs: 2, batch: 100, threads: Some(threads), ..Settings::default() }
}

/// Trains; `stop` after so many steps.
fn train(source: &Source, settings: &Settings, run: &Path, stop: usize) -> Result<Trained, TrainError> {
    let flag = AtomicBool::new(false);
    let every = Every::Time(Duration::from_secs(3600));
    let (mut keeper, from) = match Checkpoint::read(run) {
        Ok(_) => Keeper::resume(run, every, &flag).map(|(keeper, checkpoint)| (keeper, Some(checkpoint)))?,
        Err(_) => (Keeper::begin(run, true, source, every, &flag)?, None),
    };
    let mut steps = 0;
    let watch = |progress: Progress<'_>| {
        steps += usize::from(matches!(progress, Progress::Step { .. }));
        flag.store(steps == stop, Ordering::Relaxed);
    };
    match source.stored(None)? {
        Some(stored) => train_stored(stored, settings, &mut keeper, from, watch),
        None => train_kept(source.open(None)?, settings, &mut keeper, from, watch),
    }
}

/// All but the time it took.
fn said(trained: &Trained) -> String {
    let history: Vec<String> = trained
        .history
        .iter()
        .map(|epoch| format!("{:?} {:?} {:?}", epoch.train_loss, epoch.validation, epoch.rate))
        .collect();
    let predictor = &trained.predictor;
    let scores = (trained.train, trained.validation, trained.test, trained.best_epoch, &trained.fingerprint);
    assert!(!trained.layers.is_empty());
    format!("{:?} {:?} {history:?} {scores:?} {:?}", predictor.tensors(), predictor.encoding(), trained.layers)
}

#[test]
fn the_bits_are_those_of_memory_at_any_number_of_threads() {
    for kind in ["classes", "numbers"] {
        let folder = TempDir::new().unwrap();
        let path = table(folder.path(), kind);
        let model = |threads| Settings {
            model: if kind == "classes" {
                settings(threads).model
            } else {
                Some("affine:8 relu affine:1".parse().unwrap())
            },
            ..settings(threads)
        };
        let (mut warned, mut all) = (Vec::new(), Vec::new());
        for (number, (threads, memory)) in [(1, None), (1, Some(MEMORY)), (2, Some(MEMORY))].into_iter().enumerate() {
            let run = folder.path().join(format!("run-{number}"));
            let source = source(&path, memory);
            let mut keeper = Keeper::begin(&run, true, &source, Every::Epoch, &NEVER).unwrap();
            let watch = |progress: Progress<'_>| {
                if let Progress::Start(start) = progress {
                    warned.push(start.warnings.clone());
                }
            };
            all.push(said(&match source.stored(None).unwrap() {
                Some(stored) => train_stored(stored, &model(threads), &mut keeper, None, watch).unwrap(),
                None => train_kept(source.open(None).unwrap(), &model(threads), &mut keeper, None, watch).unwrap(),
            }));
        }
        assert_eq!(all[0], all[1]);
        assert_eq!(all[0], all[2]);
        assert!(warned[0].len() >= 2, "{warned:?}");
        assert_eq!((&warned[0], &warned[0]), (&warned[1], &warned[2]));
    }
}

#[test]
fn an_interrupted_training_goes_on_to_the_same_bits() {
    let folder = TempDir::new().unwrap();
    let source = source(&table(folder.path(), "classes"), Some(MEMORY));
    let whole = train(&source, &settings(2), &folder.path().join("whole"), usize::MAX).unwrap();
    let run = folder.path().join("cut");
    for stop in [130, 250] {
        let cut = train(&source, &settings(2), &run, stop).unwrap_err();
        assert!(matches!(cut, TrainError::Stopped { .. }), "{cut}");
    }
    let resumed = train(&source, &settings(1), &run, usize::MAX).unwrap();
    assert_eq!(said(&resumed), said(&whole));
}

fn fingerprint(source: &Source) -> Result<String, InputError> {
    Ok(source.stored(None)?.unwrap().fingerprint())
}

#[test]
fn a_cache_is_of_one_file_and_whole() {
    let folder = TempDir::new().unwrap();
    let path = table(folder.path(), "classes");
    let source = source(&path, Some(MEMORY));
    let (cache, first) = (folder.path().join("table.csv.chainrule-cache"), fingerprint(&source).unwrap());
    let written = fs::metadata(&cache).unwrap().modified().unwrap();
    assert_eq!(fingerprint(&source).unwrap(), first);
    assert_eq!(fs::metadata(&cache).unwrap().modified().unwrap(), written, "it was used");

    // Without its end it is made anew; with other cells it is refused when they are read.
    let bytes = fs::read(&cache).unwrap();
    let outdated = |source: &Source| source.stored(None).unwrap().unwrap().outdated();
    assert_eq!(outdated(&source), None);
    let why = |why: &str| Some(format!("{}: its cache was made anew, as {why}", path.display()));
    for broken in [&bytes[..bytes.len() - 1], &bytes[..30], b""] {
        fs::write(&cache, broken).unwrap();
        assert_eq!(outdated(&source), why("it was not whole, or of another version"));
        assert_eq!(fingerprint(&source).unwrap(), first);
        assert!(fs::read(&cache).unwrap() == bytes);
    }
    let mut broken = bytes.clone();
    broken[1000] ^= 1;
    fs::write(&cache, broken).unwrap();
    let error = train(&source, &settings(2), &folder.path().join("run"), usize::MAX).unwrap_err().to_string();
    assert!(error.contains("expected a cache as it was written, found bytes that were changed"), "{error}");

    // Another table, or the same one read otherwise, has another.
    fs::write(&cache, &bytes).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("w1,", "w2,", 1)).unwrap();
    assert_eq!(outdated(&source), why("the table has changed"));
    let changed = fingerprint(&source).unwrap();
    assert_ne!(changed, first);
    let ignoring = Source { ignore: vec!["id".into()], ..source };
    assert_eq!(outdated(&ignoring), why("the table was read with other options"));
    assert_ne!(fingerprint(&ignoring).unwrap(), changed);
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn too_little_memory_is_told() {
    let folder = TempDir::new().unwrap();
    let error = fingerprint(&source(&table(folder.path(), "classes"), Some(2_000_000))).unwrap_err();
    assert_eq!(error.expected, "at least 19 MB, for the order of 60000 rows");
}

#[test]
fn a_cache_that_lies_is_made_anew_and_what_others_left_is_removed() {
    let folder = TempDir::new().unwrap();
    let source = source(&table(folder.path(), "classes"), Some(MEMORY));
    let (cache, first) = (folder.path().join("table.csv.chainrule-cache"), fingerprint(&source).unwrap());
    let bytes = fs::read(&cache).unwrap();
    // The meta's place, length and sum, and the magic of 24 bytes.
    let (rest, end) = bytes.split_at(bytes.len() - 44);
    let at = u64::from_le_bytes(end[..8].try_into().unwrap());
    let mut meta: serde_json::Value = serde_json::from_slice(&rest[at as usize..]).unwrap();
    meta["group"] = 0.into();
    let lie = serde_json::to_vec(&meta).unwrap();
    let sum = crc32fast::hash(&lie).to_le_bytes();
    let end = [&at.to_le_bytes()[..], &(lie.len() as u64).to_le_bytes(), &sum, &end[20..]].concat();
    fs::write(&cache, [&rest[..at as usize], &lie, &end].concat()).unwrap();

    let beside = |name: &str| folder.path().join(format!("table.csv.chainrule-cache.new-{name}"));
    let old = |name: &str| {
        let file = fs::File::create(beside(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
        file
    };
    drop((old("1234567"), old("mine")));
    let under_way = old("1234568");
    under_way.lock().unwrap();
    fs::write(beside("1234569"), "").unwrap();
    assert_eq!(fingerprint(&source).unwrap(), first);
    assert!(fs::read(&cache).unwrap() == bytes);
    assert_eq!(["1234567", "mine", "1234568", "1234569"].map(|name| beside(name).exists()), [false, true, true, true]);
}
