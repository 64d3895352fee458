//! `chainrule data`: what was understood of a table, before anything is learned from it.

use std::io::{Write, stdout};
use std::path::PathBuf;

use chainrule::profile::{CellsProfile, ColumnProfile, Profile, TargetProfile};
use clap::Args;

use super::table_args::TableArgs;
use crate::table::table;

/// Letters of a bar, from nothing to the most.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Classes that are listed.
const CLASSES: usize = 30;
/// Letters of the longest bar of a class.
const BAR: usize = 40;
/// Letters of a name or a range on the page.
const WIDEST: usize = 40;

/// Show what a table holds
///
/// Each column's type, empty cells, distinct values, range and distribution; the target's classes and their balance;
/// and what should be known before a score is believed.
#[derive(Args)]
#[command(after_help = "\
Examples:
  chainrule data adult.csv.gz
  chainrule data adult.csv.gz --target income
  chainrule data readings.tsv --no-header --json
  unzip -p adult.zip | chainrule data - --target income")]
pub(crate) struct DataArgs {
    /// A CSV table, - on standard input, a folder with a folder of PNG or JPEG images for each class, a folder of MNIST's IDX files,
    /// or numpy's arrays, .npz or .npy
    data: PathBuf,
    #[command(flatten)]
    table: TableArgs,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Reads, and prints what was understood.
pub(crate) fn run(args: &DataArgs) -> anyhow::Result<()> {
    let source = args.table.source(Some(args.data.clone()));
    let profile = Profile::new(&source.look()?, source.target.as_deref());
    let page = if args.json { serde_json::to_string(&profile)? + "\n" } else { page(&profile) };
    stdout().lock().write_all(page.as_bytes())?;
    Ok(())
}

fn page(profile: &Profile) -> String {
    let mut page = format!("{}: {} rows", profile.source, profile.rows);
    match (profile.image, profile.columns.len()) {
        (Some([channels, height, width]), _) => page += &format!(" of images of {channels}x{height}x{width}"),
        (None, columns) => {
            page += &format!(", {columns} columns{}", if profile.target.is_some() { " and the target" } else { "" });
        }
    }
    if profile.duplicate_rows > 0 {
        page += &format!("; {} rows equal one before them", profile.duplicate_rows);
    }
    page += "\n";
    if !profile.columns.is_empty() {
        let head = ["column", "type", "distinct", "empty", "range", "distribution"].map(str::to_owned).to_vec();
        let rows = std::iter::once(head).chain(profile.columns.iter().map(row));
        page += &format!("\n{}", table(rows, |column| column == 2 || column == 3));
    }
    if let Some(target) = &profile.target {
        page += &format!("\n{}", target_page(target));
    }
    let mut notes: Vec<String> = profile.warnings.iter().map(|warning| format!("warning: {warning}")).collect();
    if !profile.constant.is_empty() {
        notes.push(format!("note: one value alone, and so nothing to learn from: {}", profile.constant.join(", ")));
    }
    notes.extend(
        profile.duplicate_columns.iter().map(|[name, first]| format!("note: '{name}' equals '{first}' in every row")),
    );
    if !notes.is_empty() {
        page += &format!("\n{}\n", notes.join("\n"));
    }
    page
}

/// A column's line.
fn row(column: &ColumnProfile) -> Vec<String> {
    let name = short(&column.name);
    match &column.cells {
        CellsProfile::Number { empty, distinct, min, max, histogram, .. } => vec![
            name,
            "number".to_owned(),
            distinct.to_string(),
            empty.to_string(),
            format!("{} to {}", number(*min), number(*max)),
            bars(histogram),
        ],
        CellsProfile::Date { empty, distinct, min, max, histogram } => vec![
            name,
            "date".to_owned(),
            distinct.to_string(),
            empty.to_string(),
            format!("{min} to {max}"),
            bars(histogram),
        ],
        CellsProfile::Category { empty, distinct, counts } => {
            let (names, counts): (Vec<_>, Vec<_>) = counts.iter().map(|(name, count)| (name.as_str(), *count)).unzip();
            let range = short(&names.join(", "));
            vec![name, "category".to_owned(), distinct.to_string(), empty.to_string(), range, bars(&counts)]
        }
        CellsProfile::Ignored { reason } => {
            let none = String::new;
            vec![name, "ignored".to_owned(), none(), none(), reason.clone(), none()]
        }
    }
}

fn target_page(target: &TargetProfile) -> String {
    let name = target.name.as_ref().map_or(String::new(), |name| format!(" '{name}'"));
    match &target.cells {
        CellsProfile::Number { distinct, min, max, mean, median, histogram, .. } => format!(
            "target{name}: numbers from {} to {}, {distinct} different, mean {}, median {}\n  {}\n",
            number(*min),
            number(*max),
            number(*mean),
            number(*median),
            bars(histogram)
        ),
        CellsProfile::Category { distinct, counts, .. } => {
            let rows: usize = counts.iter().map(|(_, count)| count).sum();
            let most = counts.first().map_or(1, |(_, count)| *count);
            let line = |(class, count): &(String, usize)| {
                let share = format!("{:.1}%", 100.0 * *count as f64 / rows as f64);
                // Even the rarest class is seen.
                let bar = "█".repeat((BAR * count).div_ceil(most));
                vec![format!("  {}", short(class)), count.to_string(), share, bar]
            };
            let lines = table(counts.iter().take(CLASSES).map(line), |column| column == 1 || column == 2);
            let more =
                if *distinct > CLASSES { format!("  and {} rarer ones\n", distinct - CLASSES) } else { String::new() };
            format!("target{name}: {distinct} classes\n{lines}{more}")
        }
        CellsProfile::Date { min, max, .. } => format!("target{name}: dates from {min} to {max}\n"),
        CellsProfile::Ignored { reason } => format!("target{name}: {reason}\n"),
    }
}

/// A bar for each count; the smallest shows all that is not nothing.
fn bars(counts: &[usize]) -> String {
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    counts.iter().map(|&count| BLOCKS[(8 * count).div_ceil(most)]).collect()
}

/// Six digits: enough to tell a range.
fn number(x: f64) -> String {
    let rounded: f64 = format!("{x:.5e}").parse().unwrap_or(x);
    let size = rounded.abs();
    if size == 0.0 || (1e-4..1e10).contains(&size) { rounded.to_string() } else { format!("{rounded:e}") }
}

/// As much of the text as the page is wide, on one line.
fn short(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match text.char_indices().nth(WIDEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_bar_is_full_and_the_lowest_is_seen() {
        assert_eq!(bars(&[0, 1, 400, 800]), " ▁▄█");
        assert_eq!(bars(&[0, 0]), "  ");
        assert_eq!(short("a\nb"), "a b");
        assert_eq!(short(&"é".repeat(50)).chars().count(), WIDEST + 1);
        assert_eq!([number(1.0 / 3.0), number(499_998.0), number(1e12)], ["0.333333", "499998", "1e12"]);
    }
}
