//! Every command of the book prints what the book says.
//!
//! A page's `console` blocks run in their order in one folder, with the page's files (`csv,file=flowers.csv`) in it. Below `$ chainrule …`
//! stands what it prints: stdout, and stderr too where it fails. `[..]` in a line is anything, such as a time; a line `...` is any
//! number of lines. A picture that a command draws is the one that the page shows, byte for byte. The English pages are run; `crates/book` sees to it that the Korean ones have the same blocks.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod program;

use std::fs;
use std::path::Path;

use chainrule::{Cells, Target, digits};
use chainrule_book::{blocks, folder};
use program::chainrule;
use tempfile::TempDir;

/// A command's words, as a shell would take them apart: quotes keep spaces.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for letter in command.chars() {
        match (letter, quote) {
            ('\'' | '"', None) => quote = Some(letter),
            (letter, Some(open)) if letter == open => quote = None,
            (' ', None) => words.push(String::new()),
            (letter, _) => words.last_mut().unwrap().push(letter),
        }
    }
    words
}

/// Whether a line is as expected, where `[..]` is anything.
fn line_fits(expected: &str, found: &str) -> bool {
    let Some((before, after)) = expected.split_once("[..]") else {
        return expected == found;
    };
    let Some(rest) = found.strip_prefix(before) else {
        return false;
    };
    rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| line_fits(after, &rest[at..]))
}

/// Whether lines are as expected, where `...` is any number of them.
fn fits(expected: &[&str], found: &[&str]) -> bool {
    match expected.split_first() {
        None => found.is_empty(),
        Some((&"...", rest)) => (0..=found.len()).any(|at| fits(rest, &found[at..])),
        Some((first, rest)) => {
            found.split_first().is_some_and(|(line, more)| line_fits(first, line) && fits(rest, more))
        }
    }
}

/// The names of a folder's files that end so.
fn names(folder: &Path, end: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.filter(|name| name.ends_with(end)).collect();
    names.sort();
    names
}

/// The folder that the guide for images begins with: the first 600 embedded digits as files, a folder a class.
fn save_photos(folder: &Path) {
    let digits = digits();
    let (Cells::U8 { cells, .. }, Target::Classes { labels, .. }) = (&digits.cells, &digits.target) else {
        panic!("digits are bytes with classes");
    };
    for (row, (cells, label)) in cells.chunks(digits.width()).zip(labels).take(600).enumerate() {
        let class = folder.join(label.to_string());
        fs::create_dir_all(&class).unwrap();
        let file = fs::File::create(class.join(format!("{row:04}.png"))).unwrap();
        let mut png = png::Encoder::new(file, 8, 8);
        png.set_color(png::ColorType::Grayscale);
        let bytes: Vec<u8> = cells.iter().map(|cell| cell.saturating_mul(16)).collect();
        png.write_header().unwrap().write_image_data(&bytes).unwrap();
    }
}

/// Runs a page from top to bottom; how many commands it has.
fn run(name: &str) -> usize {
    let page = fs::read_to_string(folder().join("en").join(name)).unwrap();
    let temp = tempfile::tempdir().unwrap();
    if name == "images.md" {
        save_photos(&temp.path().join("photos"));
    }
    let mut commands = 0;
    for block in blocks(&page) {
        if let Some(file) = block.file() {
            fs::write(temp.path().join(file), &block.text).unwrap();
        }
        if block.language() == "console" {
            commands += run_block(name, block.line, &block.text, &temp);
        }
    }
    for picture in names(temp.path(), ".svg") {
        let ours = fs::read(folder().join("en/pictures").join(&picture)).unwrap();
        assert!(fs::read(temp.path().join(&picture)).unwrap() == ours, "{name}: {picture} is not what the book shows");
    }
    commands
}

fn run_block(page: &str, line: usize, text: &str, folder: &TempDir) -> usize {
    let (before, text) = text.split_once("$ ").unwrap_or_else(|| panic!("{page}, line {line}: no command"));
    assert!(before.is_empty(), "{page}, line {line}: a block begins with a command");
    let mut commands = 0;
    for part in text.split("\n$ ") {
        let (command, expected) = part.split_once('\n').unwrap_or((part, ""));
        let words = words(command);
        assert_eq!(words[0], "chainrule", "{page}, line {line}: only chainrule is run");
        let arguments: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        let output = chainrule(folder, &arguments).output().unwrap();
        let mut found = String::from_utf8(output.stdout).unwrap();
        if !output.status.success() {
            found += &String::from_utf8(output.stderr).unwrap();
        }
        let lines = |text: &'_ str| text.trim_end().lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
        let (expected, found) = (lines(expected), lines(&found));
        let fit = fits(
            &expected.iter().map(String::as_str).collect::<Vec<_>>(),
            &found.iter().map(String::as_str).collect::<Vec<_>>(),
        );
        let (expected, found) = (expected.join("\n"), found.join("\n"));
        assert!(fit, "{page}, line {line}: $ {command}\nthe book says\n{expected}\nand it prints\n{found}\n");
        commands += 1;
    }
    commands
}

#[test]
fn every_command_prints_what_the_book_says() {
    let commands: usize = names(&folder().join("en"), ".md").iter().map(|page| run(page)).sum();
    assert!(commands > 20, "only {commands} commands were found");
}

#[test]
fn wildcards_stand_for_what_differs_and_nothing_else() {
    assert!(fits(&["a [..] ms", "...", "z"], &["a 12 ms", "b", "c", "z"]));
    assert!(fits(&["..."], &[]));
    assert!(!fits(&["a [..] ms"], &["a 12 s"]));
    assert!(!fits(&["a"], &["a", "b"]));
    assert_eq!(words("chainrule diff 'x * y' --at x=1"), ["chainrule", "diff", "x * y", "--at", "x=1"]);
}
