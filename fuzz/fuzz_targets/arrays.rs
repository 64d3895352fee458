//! numpy's arrays: an `.npy` file, or an `.npz` archive of them.
#![no_main]

use chainrule::readers::{self, csv::CsvOptions};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for (name, target) in [("data.npy", "0"), ("data.npz", "y")] {
        let options = CsvOptions { target: Some(target.to_owned()), ..CsvOptions::default() };
        let _ = readers::open(&chainrule_fuzz::file(name, bytes), &options, None);
    }
});
