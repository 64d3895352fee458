//! Weights of a run, and weights to begin with: a file that is not what it says is refused, before room is made on its word.
#![no_main]

use std::fs;

use chainrule::{InitFrom, Run, Settings, digits, train};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let run = chainrule_fuzz::run();
    fs::write(run.join("model.safetensors"), bytes).expect("room for an input");
    let _ = Run::open(&run);
    if let Ok(from) = InitFrom::open(&run.join("model.safetensors")) {
        let settings = Settings { init_from: Some(from), epochs: 1, ..chainrule_fuzz::settings() };
        let _ = train(digits(), &settings, |_| {});
    }
});
