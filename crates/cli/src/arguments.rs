//! Arguments as typed, into values as meant. The errors lack their place, which `outcome`
//! knows: the argument's name.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chainrule::choice;
use chainrule::engine::{Cpu, Optimizer, Range, Shape};
use chainrule::readers::csv::OnError;
use chainrule::readers::pictures::Frame;
use chainrule::settings::{MOST_THREADS, usual_rates};
use chainrule::{Every, InitFrom, Initial, InputError, Loss, Model, Schedule, input_shape};

/// A whole number from 1.
pub(crate) fn count(text: &str) -> Result<usize, InputError> {
    let number = text.parse().ok().filter(|&number| number > 0);
    number.ok_or_else(|| wrong("a whole number from 1", text, "for example 32"))
}

/// A file of weights to begin with.
pub(crate) fn init_from(path: &str) -> Result<InitFrom, InputError> {
    InitFrom::open(Path::new(path))
}

/// A number of threads.
pub(crate) fn threads(text: &str) -> Result<usize, InputError> {
    let number = text.parse().ok().filter(|number| (1..=MOST_THREADS).contains(number));
    let expected = format!("a whole number from 1 to {MOST_THREADS}");
    number.ok_or_else(|| wrong(&expected, text, "leave it out to use all that the machine has"))
}

/// The name of an instruction set of this machine.
pub(crate) fn instructions(text: &str) -> Result<String, InputError> {
    let sets = Cpu::instruction_sets();
    let expected = format!("one that this machine has: {}", sets.join(", "));
    let known = sets.contains(&text).then(|| text.to_owned());
    known.ok_or_else(|| wrong(&expected, text, "leave it out to use the first of them"))
}

/// What becomes of a row that cannot be read.
pub(crate) fn on_error(text: &str) -> Result<OnError, InputError> {
    match text {
        "stop" => Ok(OnError::Stop),
        "skip" => Ok(OnError::Skip),
        "null" => Ok(OnError::Null),
        _ => Err(wrong("stop, skip or null", text, "for example skip")),
    }
}

/// An amount of memory: bytes, or KB, MB, GB of a thousand.
pub(crate) fn bytes(text: &str) -> Result<u64, InputError> {
    let units = [("KB", 1e3), ("MB", 1e6), ("GB", 1e9), ("B", 1.0), ("", 1.0)];
    let upper = text.to_ascii_uppercase();
    let split = units.iter().find_map(|&(unit, worth)| Some((upper.strip_suffix(unit)?.trim().to_owned(), worth)));
    let number = split.and_then(|(number, worth)| Some(number.parse::<f64>().ok()? * worth));
    let number = number.filter(|bytes| (1e6..1e15).contains(bytes)).map(|bytes| bytes as u64);
    number.ok_or_else(|| wrong("an amount of memory from 1MB", text, "for example 500MB or 2GB"))
}

/// A number of folds.
pub(crate) fn folds(text: &str) -> Result<usize, InputError> {
    let number = text.parse().ok().filter(|&number| number >= 2);
    number.ok_or_else(|| wrong("a whole number from 2", text, "5 or 10 are usual"))
}

/// By what rungs differ.
pub(crate) fn eta(text: &str) -> Result<usize, InputError> {
    let number = text.parse().ok().filter(|&number| number >= 2);
    number.ok_or_else(|| wrong("a whole number from 2", text, "3 is usual"))
}

/// A learning rate.
pub(crate) fn rate(text: &str) -> Result<f64, InputError> {
    let number = text.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    number.ok_or_else(|| wrong("a finite number above 0", text, &usual_rates()))
}

/// How long: at most an hour.
pub(crate) fn seconds(text: &str) -> Result<Duration, InputError> {
    let number = text.parse().ok().filter(|&seconds: &f64| seconds > 0.0 && seconds <= 3600.0);
    let long = number.map(Duration::from_secs_f64);
    long.ok_or_else(|| wrong("a number of seconds above 0, at most 3600", text, "for example 3"))
}

/// A share of the rows, or a file of others.
#[derive(Clone, Debug)]
pub(crate) enum ShareOrFile {
    Share(f64),
    File(PathBuf),
}

/// A share of the rows, or a file that is there.
pub(crate) fn share_or_file(text: &str) -> Result<ShareOrFile, InputError> {
    let hint = "0.1 sets a tenth of the rows aside";
    match text.parse::<f64>() {
        Ok(share) if (0.0..1.0).contains(&share) => Ok(ShareOrFile::Share(share)),
        Ok(_) => Err(wrong("a number from 0 to less than 1", text, hint)),
        Err(_) if Path::new(text).exists() => Ok(ShareOrFile::File(PathBuf::from(text))),
        Err(_) => Err(wrong("a number from 0 to less than 1, or a file that is there", text, hint)),
    }
}

/// A seed.
pub(crate) fn seed(text: &str) -> Result<u64, InputError> {
    let number = text.parse().ok().filter(|&seed: &u64| i64::try_from(seed).is_ok());
    number.ok_or_else(|| wrong(&format!("a whole number from 0 to {}", i64::MAX), text, "for example 1"))
}

/// An optimizer and its settings.
pub(crate) fn optimizer(text: &str) -> Result<Optimizer, InputError> {
    choice::parse(text)
}

/// How weights are drawn.
pub(crate) fn initial(text: &str) -> Result<Initial, InputError> {
    choice::parse(text)
}

/// A schedule and its settings.
pub(crate) fn schedule(text: &str) -> Result<Schedule, InputError> {
    choice::parse(text)
}

/// Epochs of warm-up.
pub(crate) fn warm_up(text: &str) -> Result<f64, InputError> {
    within(Range::NotNegative, text, "for example 1, or 0.5 for half an epoch")
}

/// The λ of a weight decay.
pub(crate) fn weight_decay(text: &str) -> Result<f64, InputError> {
    within(Range::NotNegative, text, "for example 0.0001, or 0 for none")
}

/// The largest that a gradient may be.
pub(crate) fn clip(text: &str) -> Result<f64, InputError> {
    within(Range::Positive, text, "for example 1; leave it out to clip nothing")
}

fn within(range: Range, text: &str, hint: &str) -> Result<f64, InputError> {
    let number = text.parse().ok().filter(|&number| range.contains(number));
    number.ok_or_else(|| wrong(&range.to_string(), text, hint))
}

/// How often a checkpoint is written.
pub(crate) fn every(text: &str) -> Result<Every, InputError> {
    text.parse()
}

/// A loss.
pub(crate) fn loss(text: &str) -> Result<Loss, InputError> {
    text.parse().map_err(|e| InputError { place: String::new(), ..e })
}

/// A network's SPEC.
pub(crate) fn model(text: &str) -> Result<Model, InputError> {
    text.parse()
}

/// What a row is: so many numbers, or an image.
pub(crate) fn input(text: &str) -> Result<Shape, InputError> {
    input_shape::parse(text).map_err(|e| InputError { place: String::new(), ..e })
}

/// What images are brought to.
pub(crate) fn size(text: &str) -> Result<Frame, InputError> {
    text.parse()
}

/// What stands between cells: a character, or `tab`.
pub(crate) fn delimiter(text: &str) -> Result<char, InputError> {
    let text = if matches!(text, "tab" | "\\t") { "\t" } else { text };
    let character = text.parse().ok().filter(|c: &char| c.is_ascii() && !matches!(c, '"' | '\n' | '\r' | '\0'));
    character.ok_or_else(|| wrong("one character other than a quote, or tab", text, "for example , or ; or tab"))
}

fn wrong(expected: &str, found: &str, hint: &str) -> InputError {
    InputError::new("", expected, format!("'{found}'"), hint)
}
