//! The terminal's second screen, which leaves what was on the first as it was.
//!
//! A frame is written in one piece over the one before, so that nothing flickers; lines that are told meanwhile wait until the
//! first screen is back.

use std::io::{Write, stderr};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The second screen, without a cursor and without lines that go on below.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE: &str = "\x1b[?7h\x1b[?25h\x1b[?1049l";

/// What is shown at once or not at all, where terminals know it.
const BEGIN: &str = "\x1b[?2026h";
const END: &str = "\x1b[?2026l";

/// Lines that wait, while the second screen is shown.
static WAITING: Mutex<Option<Vec<String>>> = Mutex::new(None);

fn waiting() -> MutexGuard<'static, Option<Vec<String>>> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Shows the second screen, if it is not.
pub(super) fn enter() {
    let mut waiting = waiting();
    if waiting.is_none() {
        *waiting = Some(Vec::new());
        // A closed stderr has no one who looks.
        let _ = stderr().write_all(ENTER.as_bytes());
    }
}

/// Shows the first screen again, and then what was told meanwhile; whether the second was shown.
pub(crate) fn leave() -> bool {
    let Some(lines) = waiting().take() else { return false };
    let lines: String = lines.into_iter().map(|line| line + "\n").collect();
    let _ = stderr().write_all(format!("{LEAVE}{lines}").as_bytes());
    true
}

/// Keeps a line until the first screen is back; false if it is.
pub(crate) fn hold(line: &str) -> bool {
    waiting().as_mut().map(|lines| lines.push(line.to_owned())).is_some()
}

/// The last of the lines that wait.
pub(super) fn last_told(count: usize) -> Vec<String> {
    let waiting = waiting();
    let lines = waiting.as_deref().unwrap_or_default();
    lines[lines.len().saturating_sub(count)..].to_vec()
}

/// Lines from the top on; `anew` clears what was there, as a terminal of another size has broken it.
pub(super) fn show(lines: impl Iterator<Item = String>, anew: bool) {
    let mut frame = format!("{BEGIN}{}", if anew { "\x1b[2J" } else { "" });
    for (at, line) in lines.enumerate() {
        frame += &format!("\x1b[{};1H\x1b[2K{line}", at + 1);
    }
    frame += END;
    let _ = stderr().write_all(frame.as_bytes());
}
