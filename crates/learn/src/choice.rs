//! What is chosen by its name and set by numbers: `adam,beta1=0.8`, `step:every=10,factor=0.5`, `normal:0.01`.
//!
//! A name, then after a colon or a comma its settings, each as name=number, in any order and with commas between; a number
//! alone is the first setting's. What is not said has its usual number, and is not written either.

use std::fmt::Write as _;

use chainrule_engine::{Optimizer, Setting};

use crate::closest::closest;
use crate::input_error::{InputError, excerpt};

/// A choice from a table. What parses, suggests and lists reads the table through this.
pub trait Choice: Copy + PartialEq + 'static {
    /// Between the name and the settings, as it is written.
    const MARK: char;

    /// Each line of the table, with its usual numbers.
    fn usual() -> Vec<Self>;

    /// Its name, as users write it.
    fn name(&self) -> &'static str;

    /// What it does, in one line.
    fn formula(&self) -> &'static str;

    /// What can be set.
    fn settings(&self) -> Vec<Setting>;

    /// The number of the setting of that name; `None` if it has none.
    fn number(&mut self, name: &str) -> Option<&mut f64>;
}

/// The choice that `text` says.
///
/// ```
/// use chainrule::choice::{parse, written};
/// use chainrule::engine::Optimizer;
/// let adam: Optimizer = parse("adam,epsilon=1e-8,beta1=0.8")?;
/// assert_eq!(written(adam), "adam,beta1=0.8");
/// assert_eq!(parse::<Optimizer>("adma").unwrap_err().hint, "did you mean 'adam'?");
/// # Ok::<(), chainrule::InputError>(())
/// ```
///
/// # Errors
/// If the name or a setting is unknown, a number is none or out of its range, or a setting is there twice. The place is
/// empty: the caller knows it.
pub fn parse<C: Choice>(text: &str) -> Result<C, InputError> {
    let wrong = |expected: String, hint: String| InputError::new("", expected, excerpt(text), hint);
    let (name, rest) = match text.split_once([':', ',']) {
        Some((name, rest)) => (name, Some(rest)),
        None => (text, None),
    };
    let usual = C::usual();
    let names = || usual.iter().map(C::name);
    let Some(mut choice) = usual.iter().copied().find(|choice| choice.name() == name) else {
        let listed = names().collect::<Vec<_>>().join(", ");
        let example = usual.last().map_or("", C::name);
        return Err(wrong(format!("one of {listed}"), suggestion(name, names(), || format!("for example {example}"))));
    };
    let (chosen, settings) = (choice, choice.settings());
    let mut seen: Vec<&str> = Vec::new();
    for (at, part) in rest.into_iter().flat_map(|rest| rest.split(',')).enumerate() {
        let (key, number) = match (part.split_once('='), settings.first()) {
            (Some(pair), _) => pair,
            (None, Some(first)) if at == 0 && part.parse::<f64>().is_ok() => (first.name, part),
            (None, _) => (part, ""),
        };
        let Some(setting) = settings.iter().find(|setting| setting.name == key) else {
            let names = settings.iter().map(|setting| setting.name);
            let expected = match settings.len() {
                0 => format!("{name} alone"),
                _ => format!("after {name} {}, each with =number", names.clone().collect::<Vec<_>>().join(", ")),
            };
            return Err(wrong(expected, suggestion(key, names, || format!("leave it out: {name}"))));
        };
        if seen.contains(&key) {
            return Err(wrong(format!("{key} once"), "leave one of them out".to_owned()));
        }
        seen.push(setting.name);
        let number = number.parse().ok().filter(|&number| setting.range.contains(number));
        match (number, choice.number(key)) {
            (Some(number), Some(place)) => *place = number,
            _ => {
                let example = usual_number(chosen, setting);
                let hint = format!("for example {key}={example}; it is {}", setting.says);
                return Err(wrong(format!("{key}=number, {}", setting.range), hint));
            }
        }
    }
    Ok(choice)
}

/// The text that [`parse`] reads: its name, and what is not usual.
pub fn written<C: Choice>(mut choice: C) -> String {
    let mut text = choice.name().to_owned();
    let usual = C::usual().into_iter().find(|usual| usual.name() == choice.name());
    let mut mark = C::MARK;
    for setting in choice.settings() {
        let before = usual.and_then(|mut usual| usual.number(setting.name).copied());
        if let Some(&mut number) = choice.number(setting.name).filter(|number| Some(**number) != before) {
            // Writing to a string cannot fail.
            let _ = write!(text, "{mark}{}={number}", setting.name);
            mark = ',';
        }
    }
    text
}

/// Whether every setting is in its range.
///
/// # Errors
/// If one is not.
pub(crate) fn check<C: Choice>(place: &str, mut choice: C) -> Result<(), InputError> {
    let usual = C::usual().into_iter().find(|usual| usual.name() == choice.name());
    for setting in choice.settings() {
        let before = usual.and_then(|mut usual| usual.number(setting.name).copied());
        let number = choice.number(setting.name).copied();
        if let Some(number) = number.filter(|&n| !setting.range.contains(n) && Some(n) != before) {
            let (expected, found) = (format!("{}, {}", setting.name, setting.range), number.to_string());
            return Err(InputError::new(place, expected, found, format!("it is {}", setting.says)));
        }
    }
    Ok(())
}

/// The usual number, or 1 where usually there is none.
fn usual_number<C: Choice>(mut choice: C, setting: &Setting) -> f64 {
    choice.number(setting.name).copied().filter(|&number| setting.range.contains(number)).unwrap_or(1.0)
}

/// Did you mean the candidate that begins so, or is near?
fn suggestion<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str> + Clone,
    otherwise: impl FnOnce() -> String,
) -> String {
    // The beginning of a name is too short to be near it.
    let begun = candidates.clone().find(|candidate| !word.is_empty() && candidate.starts_with(word));
    match begun.or_else(|| closest(word, candidates)) {
        Some(near) => format!("did you mean '{near}'?"),
        None => otherwise(),
    }
}

impl Choice for Optimizer {
    const MARK: char = ',';

    fn usual() -> Vec<Self> {
        chainrule_engine::OPTIMIZERS.iter().map(|entry| entry.usual).collect()
    }
    fn name(&self) -> &'static str {
        Optimizer::name(*self)
    }
    fn formula(&self) -> &'static str {
        self.entry().formula
    }
    fn settings(&self) -> Vec<Setting> {
        Optimizer::settings(*self).collect()
    }
    fn number(&mut self, name: &str) -> Option<&mut f64> {
        Optimizer::number(self, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> (String, String, String) {
        let e = parse::<Optimizer>(text).unwrap_err();
        (e.expected, e.found, e.hint)
    }

    #[test]
    fn what_is_written_is_read_and_what_is_usual_is_left_out() {
        let again = |text: &str| written(parse::<Optimizer>(text).unwrap());
        for text in
            ["sgd", "adam,beta1=0.8", "adamw,decay=0.3,clip_norm=1", "lion,l2=0.001", "rmsprop,epsilon=0.000001"]
        {
            assert_eq!(again(text), text);
        }
        assert_eq!(again("momentum:0.95"), "momentum,momentum=0.95");
        assert_eq!(again("adam,epsilon=1e-8,beta2=0.999"), "adam");
        assert_eq!(again("adam,decay=0.01"), "adamw");
        assert_eq!(again("adamw,decay=0"), "adam");
    }

    #[test]
    fn what_is_wrong_is_said_with_the_nearest_word_and_the_range() {
        let names = "one of sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw, lion";
        assert_eq!(error("adma"), (names.into(), "'adma'".into(), "did you mean 'adam'?".into()));
        assert_eq!(error("rms").2, "did you mean 'rmsprop'?");
        assert_eq!(error("").2, "for example lion");
        let (expected, found, hint) = error("adam,bta1=0.8");
        assert_eq!(expected, "after adam beta1, beta2, epsilon, l2, decay, clip_norm, clip_value, each with =number");
        assert_eq!((&*found, &*hint), ("'adam,bta1=0.8'", "did you mean 'beta1'?"));
        assert_eq!(error("sgd,momentum=0.9").2, "leave it out: sgd");
        let (expected, _, hint) = error("adam,beta1=1");
        assert_eq!(expected, "beta1=number, a number from 0 to less than 1");
        assert_eq!(hint, "for example beta1=0.9; it is β₁, the share of the mean gradient that stays");
        assert_eq!(error("sgd,clip_norm=0").0, "clip_norm=number, a finite number above 0");
        for text in ["sgd,l2=x", "sgd,l2=", "sgd,l2", "sgd,l2=nan", "sgd,l2=-1", "sgd,l2=inf"] {
            assert_eq!(error(text).0, "l2=number, a finite number from 0", "{text}");
        }
        assert_eq!(error("sgd,l2=1,l2=1").0, "l2 once");
        assert_eq!(error("sgd,").1, "'sgd,'");
    }
}
