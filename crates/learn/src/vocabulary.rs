//! The words that a user may write, each with what may follow it and its formula.
//!
//! A parser looks a word up in the same table that "did you mean" searches and `chainrule list` prints: what is
//! understood cannot be missing from the list.

use crate::closest::closest;

/// A word of a vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// As it is looked up: `leaky_relu`.
    pub name: &'static str,
    /// With its parameters, those that may be left out in brackets: `leaky_relu[:S]`.
    pub usage: &'static str,
    /// What the parameters are when they are left out: `S = 0.01`. Empty if none may be.
    pub usual: &'static str,
    /// What it computes.
    pub formula: &'static str,
}

/// What to say of a `name` that none of `words` has.
pub(crate) fn did_you_mean(name: &str, words: impl Iterator<Item = &'static Word>) -> Option<String> {
    let words: Vec<&Word> = words.collect();
    // The beginning of a word is too short to be near it.
    let begun = words.iter().find(|word| name.len() >= 3 && word.name.starts_with(name));
    let near = || {
        let near = closest(name, words.iter().map(|word| word.name))?;
        words.iter().find(|word| word.name == near)
    };
    begun.or_else(near).map(|word| format!("did you mean '{}'?", word.usage))
}

/// All of them, as an error lists them.
pub(crate) fn usages(words: impl Iterator<Item = &'static Word>) -> String {
    words.map(|word| word.usage).collect::<Vec<_>>().join(", ")
}
