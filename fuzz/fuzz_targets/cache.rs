//! The cache beside a table: the input is what it says of itself, with a sum that fits, and then it is believed, made anew, or refused.
#![no_main]

use std::fs;
use std::path::PathBuf;

use chainrule::Stored;
use chainrule::readers::csv::CsvOptions;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const END: usize = 44;

fn table() -> (PathBuf, CsvOptions) {
    let path = chainrule_fuzz::folder().join("table.csv");
    if !path.exists() {
        let rows: String = (0..40).map(|i| format!("{},w{},{},{}\n", i * 7 % 11, i % 3, i % 2, i % 5)).collect();
        fs::write(&path, format!("a,word,y,group\n{rows}")).expect("room for a table");
    }
    let options = CsvOptions { target: Some("y".into()), groups: Some("group".into()), ..CsvOptions::default() };
    (path, options)
}

thread_local! {
    /// A cache as it was written: what comes before its meta, and the meta.
    static WHOLE: (Vec<u8>, Value) = {
        let (path, options) = table();
        Stored::open(&path, &options, 1 << 30).expect("a cache");
        let bytes = fs::read(path.with_extension("csv.chainrule-cache")).expect("a cache");
        let (rest, end) = bytes.split_at(bytes.len() - END);
        let at = u64::from_le_bytes(end[..8].try_into().expect("eight bytes")) as usize;
        (rest[..at].to_vec(), serde_json::from_slice(&rest[at..]).expect("JSON"))
    };
}

fuzz_target!(|text: &str| {
    let Ok(mut meta) = serde_json::from_str::<Value>(text) else { return };
    let (path, options) = table();
    let bytes = WHOLE.with(|(before, whole)| {
        if let Some(object) = meta.as_object_mut() {
            // Of this very table.
            object.insert("of".into(), whole["of"].clone());
        }
        let meta = meta.to_string();
        let mut bytes = [before, meta.as_bytes()].concat();
        bytes.extend((before.len() as u64).to_le_bytes());
        bytes.extend((meta.len() as u64).to_le_bytes());
        bytes.extend(crc32fast::hash(meta.as_bytes()).to_le_bytes());
        bytes.extend(b"chainrule table cache 2\n");
        bytes
    });
    fs::write(path.with_extension("csv.chainrule-cache"), bytes).expect("room for an input");
    if let Ok(stored) = Stored::open(&path, &options, 1 << 30) {
        let settings = chainrule::Settings { epochs: 1, threads: Some(1), ..chainrule::Settings::default() };
        let run = chainrule_fuzz::folder().join("of-cache");
        let never = std::sync::atomic::AtomicBool::new(true);
        let source = chainrule::Source { path: Some(path), ..Default::default() };
        let Ok(mut keeper) = chainrule::Keeper::begin(&run, true, &source, chainrule::Every::Epoch, &never) else {
            return;
        };
        let _ = chainrule::trainer::train_stored(stored, &settings, &mut keeper, None, |_| {});
    }
});
