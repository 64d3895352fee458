//! Ctrl-C and SIGTERM: the first asks the training to save and end, the second ends the program at once.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::live::screen::leave;
use crate::outcome::tell;

/// The exit status of a program that Ctrl-C ended, as shells have it: 128 and the signal's number.
const BY_CTRL_C: i32 = 130;

static STOP: AtomicBool = AtomicBool::new(false);

/// What is set by the first signal. Where no handler can be set, a signal ends the program as before.
pub(crate) fn stop() -> &'static AtomicBool {
    #[expect(clippy::exit, reason = "asked for twice, it is to end at once")]
    let handler = || {
        if STOP.swap(true, Ordering::Relaxed) {
            leave();
            std::process::exit(BY_CTRL_C);
        }
        tell("stopping after this step; once more stops at once");
    };
    let _ = ctrlc::set_handler(handler);
    &STOP
}
