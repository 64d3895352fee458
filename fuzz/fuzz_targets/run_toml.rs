//! A record that was edited by hand: it is refused, or everything that reads a run goes on.
#![no_main]

use std::fs;

use chainrule::Run;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let folder = chainrule_fuzz::run();
    fs::write(folder.join("run.toml"), text).expect("room for an input");
    let Ok(run) = Run::open(&folder) else { return };
    let _ = run.report();
    let _ = run.record.command();
    // Data of its own choice are none of ours.
    if run.record.data.source.path.is_none() {
        let _ = run.test(1);
    }
});
