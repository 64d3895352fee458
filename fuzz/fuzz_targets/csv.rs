//! A table, plain and as the inside of a gzip file; the last byte says how it is read. In blocks of whatever threads there are it says the same.
#![no_main]

use std::io::Write;

use chainrule::readers::csv::{self, CsvOptions};
use flate2::{Compression, write::GzEncoder};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (&how, bytes) = bytes.split_last().unwrap_or((&0, &[]));
    let options = CsvOptions {
        target: Some(if how & 1 == 0 { "y".to_owned() } else { "0".to_owned() }),
        header: [None, Some(true), Some(false)][usize::from(how / 2 % 3)],
        delimiter: (how & 0x40 != 0).then_some(b';'),
        ..CsvOptions::default()
    };
    if bytes.starts_with(&[0x1f, 0x8b]) {
        // A broken packing, whatever the name says.
        let _ = csv::read(&chainrule_fuzz::file("table.csv.gz", bytes), &options);
        return;
    }
    let plain = csv::read(&chainrule_fuzz::file("table.csv", bytes), &options);
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).expect("memory");
    let packed = packed.finish().expect("memory");
    let packed = csv::read(&chainrule_fuzz::file("packed.csv.gz", &packed), &options);
    match (plain, packed) {
        (Ok(plain), Ok(packed)) => assert_eq!(plain.hash(), packed.hash()),
        (Err(plain), Err(packed)) => assert_eq!((plain.expected, plain.found), (packed.expected, packed.found)),
        (plain, packed) => panic!("{plain:?}\n{packed:?}"),
    }
});
