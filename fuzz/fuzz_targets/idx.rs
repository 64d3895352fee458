//! MNIST's format: the first half are pictures and the second half labels.
#![no_main]

use std::fs;

use chainrule::readers::idx;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let folder = chainrule_fuzz::folder().join("mnist");
    let _ = fs::create_dir(&folder);
    let (cut, bytes) = bytes.split_first().map_or((0, bytes), |(&cut, rest)| (usize::from(cut), rest));
    let (pictures, labels) = bytes.split_at(cut.min(bytes.len()));
    fs::write(folder.join("train-images-idx3-ubyte"), pictures).expect("room for an input");
    fs::write(folder.join("train-labels-idx1-ubyte"), labels).expect("room for an input");
    let _ = idx::folder(&folder);
});
