//! A space of settings, as TOML, and a trial's draw from it.
//!
//! | of a key | is |
//! | --- | --- |
//! | `{ log = [1e-4, 1e-1] }` | a number, its logarithm uniform |
//! | `{ uniform = [0, 0.1] }` | a number, uniform |
//! | `[32, 64, 128]` | one of these, each as likely |
//! | `"adam"`, `0.9` | this |
//!
//! A trial is a function of the seed, its number and the space: each key takes the draw of its own place. Numbers have four
//! digits, so that a table shows all of a trial that it takes to train it again.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::key::{KEYS, Key, Set};
use crate::closest::closest;
use crate::input_error::{InputError, excerpt, line_of};
use crate::random::{Purpose, stream};
use crate::settings::Settings;

/// Options of a training that are not in a space, but of all trials.
const OF_ALL: [&str; 6] = ["epochs", "seed", "threads", "validation", "test", "target"];

/// What trials are drawn from.
#[derive(Clone, Debug)]
pub struct Space {
    /// As it was written.
    pub(crate) table: toml::Table,
    place: String,
    /// In the order of [`KEYS`].
    domains: Vec<(usize, Domain)>,
}

/// What a key may be.
#[derive(Clone, Debug, PartialEq)]
enum Domain {
    OneOf(Vec<Value>),
    Log([f64; 2]),
    Uniform([f64; 2]),
}

/// What a key is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A whole number.
    Whole(usize),
    /// Another number.
    Number(f64),
    /// Words.
    Words(String),
}

/// A trial's settings by key.
pub type Draw = BTreeMap<String, Value>;

impl Space {
    /// Reads the space at `path`.
    ///
    /// # Errors
    /// If it is not there or not TOML, a key is unknown, or what is said of it is not of its kind, out of its range or empty.
    pub fn read(path: &Path) -> Result<Space, InputError> {
        let bytes = std::fs::read(path).map_err(|e| InputError::io(path, &e))?;
        let place = path.display().to_string();
        match std::str::from_utf8(&bytes) {
            Ok(text) => Space::parse(text, &place),
            Err(e) => {
                let place = format!("{place}, line {}", line_of(&bytes, e.valid_up_to()));
                Err(InputError::new(place, "TOML", "bytes that are not UTF-8", "save the file as UTF-8"))
            }
        }
    }

    /// Reads the text of a space; `place` is where it is, for errors.
    ///
    /// ```
    /// use chainrule::tune::{Space, Value};
    /// let space = Space::parse("rate = { log = [1e-4, 1e-1] }\nbatch = [32, 64]\n", "space.toml")?;
    /// let trial = space.draw(1, 1);
    /// assert!(matches!(trial["rate"], Value::Number(rate) if (1e-4..=1e-1).contains(&rate)));
    /// assert_eq!(space.draw(1, 1), trial);
    /// # Ok::<(), chainrule::InputError>(())
    /// ```
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(text: &str, place: &str) -> Result<Space, InputError> {
        let table: toml::Table = text.parse().map_err(|e: toml::de::Error| {
            let line =
                e.span().map_or(String::new(), |span| format!(", line {}", line_of(text.as_bytes(), span.start)));
            let hint = "for example rate = { log = [1e-4, 1e-1] }, or batch = [32, 64]";
            InputError::new(format!("{place}{line}"), "TOML", e.message().replace('\n', ", "), hint)
        })?;
        let mut domains = Vec::new();
        for (name, value) in &table {
            let at = KEYS.iter().position(|key| key.name == name).ok_or_else(|| unknown(place, name))?;
            domains.push((at, domain(&KEYS[at], value, &format!("{place}, {name}"))?));
        }
        if domains.is_empty() {
            let hint = "for example rate = { log = [1e-4, 1e-1] }";
            return Err(InputError::new(place, "a key to try values of", "none", hint));
        }
        domains.sort_by_key(|&(at, _)| at);
        Ok(Space { table, place: place.to_owned(), domains })
    }

    /// What the trial of this number is.
    pub fn draw(&self, seed: u64, trial: usize) -> Draw {
        let mut stream = stream(seed, Purpose::Trial, trial as u64);
        let draws: Vec<f64> = KEYS.iter().map(|_| stream.unit()).collect();
        let value = |&(at, ref domain): &(usize, Domain)| {
            let key = &KEYS[at];
            (key.name.to_owned(), domain.at(draws[at], matches!(key.set, Set::Whole(_))))
        };
        self.domains.iter().map(value).collect()
    }

    /// The settings of a trial: those of all trials, with what it drew.
    ///
    /// ```
    /// use chainrule::{Settings, tune::Space};
    /// let space = Space::parse("batch = [64]", "space.toml")?;
    /// assert_eq!(space.settings(&Settings::default(), &space.draw(1, 1))?.batch, 64);
    /// # Ok::<(), chainrule::InputError>(())
    /// ```
    ///
    /// # Errors
    /// If there is a value that the space cannot give, which a draw never has.
    pub fn settings(&self, of_all: &Settings, draw: &Draw) -> Result<Settings, InputError> {
        let mut settings = of_all.clone();
        for key in &KEYS {
            if let Some(value) = draw.get(key.name) {
                key.apply(&mut settings, value, &format!("{}, {}", self.place, key.name))?;
            }
        }
        Ok(settings)
    }

    /// The keys in which trials differ.
    ///
    /// ```
    /// use chainrule::tune::Space;
    /// let space = Space::parse("batch = [64]\nrate = [0.1, 0.2]", "space.toml")?;
    /// assert_eq!(space.varied(), ["rate"]);
    /// # Ok::<(), chainrule::InputError>(())
    /// ```
    pub fn varied(&self) -> Vec<&'static str> {
        let varied =
            self.domains.iter().filter(|(_, domain)| !matches!(domain, Domain::OneOf(values) if values.len() == 1));
        varied.map(|&(at, _)| KEYS[at].name).collect()
    }

    /// Where it was read.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }
}

impl Domain {
    /// The value at `u` in [0, 1). A whole number has an equal part of the range, or of its logarithm's, as that below it.
    fn at(&self, u: f64, whole: bool) -> Value {
        let (low, high, number) = match self {
            Domain::OneOf(values) => return values[((u * values.len() as f64) as usize).min(values.len() - 1)].clone(),
            Domain::Log([low, high]) => {
                let end = if whole { high + 1.0 } else { *high };
                (*low, *high, low * (end / low).powf(u))
            }
            Domain::Uniform([low, high]) => {
                let end = if whole { high + 1.0 } else { *high };
                (*low, *high, low + u * (end - low))
            }
        };
        if whole {
            return Value::Whole(number.floor().clamp(low, high) as usize);
        }
        // Rounding may lead out of the range.
        Value::Number(format!("{number:.3e}").parse().unwrap_or(number).clamp(low, high))
    }
}

impl Key {
    /// Sets the option, if the value is of its kind and in its range.
    fn apply(&self, settings: &mut Settings, value: &Value, place: &str) -> Result<(), InputError> {
        match (&self.set, value) {
            (Set::Words(set), Value::Words(text)) => set(settings, text).map_err(|e| {
                let place = if e.place.is_empty() { place.to_owned() } else { format!("{place}, {}", e.place) };
                InputError { place, ..e }
            })?,
            (Set::Whole(set), &Value::Whole(number @ 1..)) => set(settings, number),
            (Set::Number(range, set), &Value::Number(number)) if range.contains(number) => set(settings, number),
            (Set::Number(range, set), &Value::Whole(number)) if range.contains(number as f64) => {
                set(settings, number as f64);
            }
            _ => return Err(self.wrong(place, value.to_string())),
        }
        Ok(())
    }

    fn wrong(&self, place: &str, found: String) -> InputError {
        let (expected, example) = match &self.set {
            Set::Words(_) => ("text".to_owned(), "[\"…\", \"…\"]"),
            Set::Whole(_) => ("a whole number from 1".to_owned(), "[16, 32], or { log = [8, 128] }"),
            Set::Number(range, _) => (range.to_string(), "[0.01, 0.1], or { log = [0.001, 0.1] }"),
        };
        InputError::new(place, expected, found, format!("for example {} = {example}", self.name))
    }
}

/// What the space says of a key.
fn domain(key: &Key, said: &toml::Value, place: &str) -> Result<Domain, InputError> {
    let checked = |value: &toml::Value, place: &str| {
        let found = || excerpt(&value.to_string());
        let value = match value {
            toml::Value::Integer(number) => {
                usize::try_from(*number).map_or(Value::Number(*number as f64), Value::Whole)
            }
            toml::Value::Float(number) => Value::Number(*number),
            toml::Value::String(text) => Value::Words(text.clone()),
            _ => return Err(key.wrong(place, found())),
        };
        key.apply(&mut Settings::default(), &value, place).map(|()| value)
    };
    match said {
        toml::Value::Array(values) if values.is_empty() => Err(key.wrong(place, "an empty list".to_owned())),
        toml::Value::Array(values) => {
            // Trials are compared by their loss, which must be the same one.
            if key.name == "loss" && values.len() > 1 {
                let hint = "name one, or leave it out: trials are compared by it";
                return Err(InputError::new(place, "one loss for all trials", values.len().to_string(), hint));
            }
            let items = (1..).zip(values).map(|(item, value)| checked(value, &format!("{place}, item {item}")));
            Ok(Domain::OneOf(items.collect::<Result<_, _>>()?))
        }
        toml::Value::Table(range) => {
            let found = || excerpt(&said.to_string());
            if matches!(key.set, Set::Words(_)) {
                return Err(key.wrong(place, found()));
            }
            let example = format!("for example {} = {{ log = [1, 100] }}", key.name);
            let of = |ends: &toml::Value| {
                let ends = ends.as_array().filter(|ends| ends.len() == 2)?;
                let number = |value: &toml::Value| value.as_float().or(value.as_integer().map(|number| number as f64));
                Some([number(&ends[0])?, number(&ends[1])?])
            };
            let ends = match range.iter().next().filter(|_| range.len() == 1) {
                Some((name, ends)) if name == "log" || name == "uniform" => of(ends).map(|ends| (name.as_str(), ends)),
                _ => None,
            };
            let Some((name, [low, high])) = ends else {
                let expected = "{ log = [low, high] } or { uniform = [low, high] }";
                return Err(InputError::new(place, expected, found(), example));
            };
            for end in range[name].as_array().into_iter().flatten() {
                checked(end, place)?;
            }
            if low >= high || (name == "log" && low <= 0.0) {
                let above = if name == "log" { ", from above 0" } else { "" };
                let expected = format!("a low end below the high one{above}");
                return Err(InputError::new(place, expected, format!("{low} to {high}"), example));
            }
            Ok(if name == "log" { Domain::Log([low, high]) } else { Domain::Uniform([low, high]) })
        }
        one => Ok(Domain::OneOf(vec![checked(one, place)?])),
    }
}

fn unknown(place: &str, name: &str) -> InputError {
    let names: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
    let hint = if OF_ALL.contains(&name) {
        format!("leave it out, and give --{name} to all trials")
    } else {
        let near = closest(name, names.iter().copied());
        near.map_or_else(
            || "for example rate = { log = [1e-4, 1e-1] }".to_owned(),
            |near| format!("did you mean '{near}'?"),
        )
    };
    InputError::new(format!("{place}, {}", excerpt(name)), format!("one of {}", names.join(", ")), "no such key", hint)
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Whole(number) => write!(f, "{number}"),
            Value::Number(number) if *number != 0.0 && number.abs() < 1e-3 => write!(f, "{number:e}"),
            Value::Number(number) => write!(f, "{number}"),
            Value::Words(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests;
