//! What the targets share: readers take paths, so inputs become files, in memory where the system has such a folder.

use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use chainrule::{Every, Keeper, Run, Settings, Source, digits, run_folder, train_kept};
use tempfile::TempDir;

thread_local! {
    static FOLDER: OnceCell<TempDir> = const { OnceCell::new() };
}

/// A folder of this process.
pub fn folder() -> PathBuf {
    FOLDER.with(|folder| {
        let made = || {
            let memory = Path::new("/dev/shm");
            if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.expect("a folder to work in")
        };
        folder.get_or_init(made).path().to_owned()
    })
}

/// The bytes as a file of this name.
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder().join(name);
    fs::write(&path, bytes).expect("room for an input");
    path
}

/// A small run of the digits, trained once.
pub fn run() -> PathBuf {
    let path = folder().join("run");
    if !path.exists() {
        let never = AtomicBool::new(false);
        let settings = settings();
        let mut keeper =
            Keeper::begin(&path, false, &Source::default(), Every::Epoch, &never).expect("a folder to train in");
        let trained = train_kept(digits(), &settings, &mut keeper, None, |_| {}).expect("a training");
        drop(keeper);
        run_folder::save(&path, &trained, &Source::default(), true).expect("a run");
        Run::open(&path).expect("the run that was written");
    }
    path
}

/// Of the smallest training of the digits.
pub fn settings() -> Settings {
    let model = "affine:2 relu affine:10".parse().expect("a network");
    Settings { model: Some(model), epochs: 2, batch: 600, threads: Some(1), ..Settings::default() }
}
