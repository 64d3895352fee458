//! A checkpoint whose sum fits: it is refused, or gone on from for a step.
#![no_main]

use std::fs;
use std::sync::atomic::AtomicBool;

use chainrule::{Every, Keeper, Settings, digits, train_kept};
use libfuzzer_sys::fuzz_target;

const MAGIC: &[u8] = b"chainrule checkpoint 3\n";

fuzz_target!(|body: &[u8]| {
    let folder = chainrule_fuzz::folder().join("interrupted");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).expect("a folder");
    let mut bytes = [MAGIC, body].concat();
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    fs::write(folder.join("checkpoint"), bytes).expect("room for an input");
    let stop = AtomicBool::new(true);
    let Ok((mut keeper, checkpoint)) = Keeper::resume(&folder, Every::Epoch, &stop) else { return };
    let Ok(settings) = checkpoint.header.settings() else { return };
    let settings = Settings { threads: Some(1), ..settings };
    let _ = train_kept(digits(), &settings, &mut keeper, Some(checkpoint), |_| {});
});
