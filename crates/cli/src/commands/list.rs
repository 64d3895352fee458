//! `chainrule list`: the words that may be asked for, each with its parameters, their usual values and its formula.

use std::io::{Write, stdout};

use chainrule::vocabulary::Word;
use chainrule::{loss, spec};
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::table::table;

/// List the words that may be asked for
///
/// Prints each word with its parameters (those in brackets may be left out), their usual values and its formula.
#[derive(Args)]
#[command(after_help = "\
Examples:
  chainrule list layers
  chainrule list --json")]
pub(crate) struct ListArgs {
    /// Which of them [default: all]
    #[arg(value_enum)]
    of: Option<Vocabulary>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Vocabulary {
    /// The words of a SPEC
    Layers,
    /// The words of --loss
    Losses,
}

impl Vocabulary {
    fn name(self) -> &'static str {
        match self {
            Vocabulary::Layers => "layers",
            Vocabulary::Losses => "losses",
        }
    }

    fn words(self) -> Vec<&'static Word> {
        match self {
            Vocabulary::Layers => spec::words().collect(),
            Vocabulary::Losses => loss::words().collect(),
        }
    }
}

/// Prints the lists.
pub(crate) fn run(args: &ListArgs) -> anyhow::Result<()> {
    let wanted = Vocabulary::value_variants().iter().filter(|of| args.of.is_none_or(|one| one == **of));
    let page = if args.json {
        let lists = wanted.map(|of| (of.name(), of.words().into_iter().map(Entry::of).collect()));
        serde_json::to_string(&lists.collect::<std::collections::BTreeMap<_, Vec<_>>>())? + "\n"
    } else {
        wanted.map(|of| page(of.name(), &of.words())).collect::<Vec<_>>().join("\n")
    };
    stdout().lock().write_all(page.as_bytes())?;
    Ok(())
}

/// A word in JSON.
#[derive(Serialize)]
struct Entry {
    name: &'static str,
    usage: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    usual: &'static str,
    formula: &'static str,
}

impl Entry {
    fn of(word: &Word) -> Entry {
        let Word { name, usage, usual, formula } = *word;
        Entry { name, usage, usual, formula }
    }
}

fn page(name: &str, words: &[&Word]) -> String {
    let header = [name, "usually", "formula"].map(str::to_owned).to_vec();
    let lines = words.iter().map(|word| {
        let usual = if word.usual.is_empty() { "-" } else { word.usual };
        [word.usage, usual, word.formula].map(str::to_owned).to_vec()
    });
    table(std::iter::once(header).chain(lines), |_| false)
}
