//! A folder of two classes with a PNG or JPEG in each: one is the input.
#![no_main]

use std::fs;

use chainrule::readers::{self, csv::CsvOptions};
use libfuzzer_sys::fuzz_target;

/// A gray PNG of one pixel.
const WHOLE: &[u8] = include_bytes!("../seeds/one.png");

fuzz_target!(|bytes: &[u8]| {
    let folder = chainrule_fuzz::folder().join("pictures");
    for (class, name, bytes) in [("a", "1.png", WHOLE), ("b", "2.png", bytes)] {
        fs::create_dir_all(folder.join(class)).expect("a folder");
        fs::write(folder.join(class).join(name), bytes).expect("room for an input");
    }
    let _ = readers::open(&folder, &CsvOptions::default(), None);
});
