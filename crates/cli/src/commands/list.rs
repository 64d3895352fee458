//! `chainrule list`: the words that may be asked for, each with its parameters, their usual values and its formula.

use std::io::{Write, stdout};

use chainrule::choice::Choice;
use chainrule::engine::Optimizer;
use chainrule::metrics::METRICS;
use chainrule::vocabulary::Word;
use chainrule::{Initial, Schedule, loss, spec};
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
  chainrule list optimizers
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
    /// The words of --optimizer
    Optimizers,
    /// The words of --schedule
    Schedules,
    /// The words of --initial
    Initials,
    /// What `test --metrics` prints
    Metrics,
}

impl Vocabulary {
    fn name(self) -> &'static str {
        match self {
            Vocabulary::Layers => "layers",
            Vocabulary::Losses => "losses",
            Vocabulary::Optimizers => "optimizers",
            Vocabulary::Schedules => "schedules",
            Vocabulary::Initials => "initials",
            Vocabulary::Metrics => "metrics",
        }
    }

    fn entries(self) -> Vec<Entry> {
        match self {
            Vocabulary::Layers => spec::words().map(Entry::of_word).collect(),
            Vocabulary::Losses => loss::words().map(Entry::of_word).collect(),
            Vocabulary::Optimizers => choices::<Optimizer>(),
            Vocabulary::Schedules => choices::<Schedule>(),
            Vocabulary::Initials => choices::<Initial>(),
            Vocabulary::Metrics => {
                let usual = |higher| if higher { "more is better" } else { "less is better" };
                let entry = |name: &str, higher, formula| Entry {
                    name: name.to_owned(),
                    usage: name.to_owned(),
                    usual: usual(higher).to_owned(),
                    formula,
                };
                METRICS.iter().map(|metric| entry(metric.name, metric.higher_is_better, metric.formula)).collect()
            }
        }
    }
}

/// Prints the lists.
pub(crate) fn run(args: &ListArgs) -> anyhow::Result<()> {
    let wanted = Vocabulary::value_variants().iter().filter(|of| args.of.is_none_or(|one| one == **of));
    let page = if args.json {
        let lists = wanted.map(|of| (of.name(), of.entries()));
        serde_json::to_string(&lists.collect::<std::collections::BTreeMap<_, Vec<_>>>())? + "\n"
    } else {
        wanted.map(|of| page(of.name(), &of.entries())).collect::<Vec<_>>().join("\n")
    };
    stdout().lock().write_all(page.as_bytes())?;
    Ok(())
}

/// A word as it is printed.
#[derive(Serialize)]
struct Entry {
    name: String,
    usage: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    usual: String,
    formula: &'static str,
}

impl Entry {
    fn of_word(word: &Word) -> Entry {
        let Word { name, usage, usual, formula } = *word;
        Entry { name: name.to_owned(), usage: usage.to_owned(), usual: usual.to_owned(), formula }
    }

    /// A setting that has no usual number is one that is not there unless it is asked for.
    fn of_choice<C: Choice>(mut choice: C) -> Entry {
        let settings = choice.settings();
        let mut usual = |name| choice.number(name).copied().filter(|number| number.is_finite());
        let numbers = settings.iter().filter_map(|setting| Some(format!("{}={}", setting.name, usual(setting.name)?)));
        let numbers = numbers.collect::<Vec<_>>().join(", ");
        let names: String = settings.iter().map(|setting| format!("[,{}]", setting.name)).collect();
        let usage = format!("{}{}", choice.name(), names.replacen("[,", &format!("[{}", C::MARK), 1));
        Entry { name: choice.name().to_owned(), usage, usual: numbers, formula: choice.formula() }
    }
}

fn choices<C: Choice>() -> Vec<Entry> {
    C::usual().into_iter().map(Entry::of_choice).collect()
}

fn page(name: &str, entries: &[Entry]) -> String {
    let header = [name, "usually", "formula"].map(str::to_owned).to_vec();
    let lines = entries.iter().map(|entry| {
        let usual = if entry.usual.is_empty() { "-" } else { &entry.usual };
        [&entry.usage, usual, entry.formula].map(str::to_owned).to_vec()
    });
    table(std::iter::once(header).chain(lines), |_| false)
}
