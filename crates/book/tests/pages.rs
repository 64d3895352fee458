//! The two languages are one book: the same pages, code and pictures; and what a page names exists.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use chainrule_book::{Block, LANGUAGES, blocks, folder, prose};

/// What may stand behind a fence: `rust` and `console` are run, a block with `file=` is what they read, and `text` is a formula.
const FENCES: [&str; 3] = ["rust", "console", "text"];

fn read(language: &str, page: &str) -> String {
    let path = folder().join(language).join(page);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of the files in `folder` that end so.
fn names(folder: &Path, end: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    entries.filter(|name| name.ends_with(end)).collect()
}

fn pages() -> BTreeSet<String> {
    names(&folder().join("en"), ".md")
}

/// What stands in brackets behind the brackets of each link, and whether it is a picture.
fn links(page: &str) -> Vec<(bool, &str)> {
    let mut links = Vec::new();
    for (at, _) in page.match_indices("](") {
        let target = page[at + 2..].split(')').next().unwrap_or_default();
        let picture = page[..at].rfind('[').is_some_and(|open| page[..open].ends_with('!'));
        links.push((picture, target));
    }
    links
}

#[test]
fn both_languages_have_the_same_pages_and_contents() {
    for language in LANGUAGES {
        assert_eq!(names(&folder().join(language), ".md"), pages(), "{language}");
        let summary = read(language, "SUMMARY.md");
        let listed: Vec<&str> = links(&summary).into_iter().map(|(_, target)| target).collect();
        let once: BTreeSet<String> = listed.iter().map(|&page| page.to_owned()).collect();
        assert_eq!(once.len(), listed.len(), "{language}: a page is listed once");
        let mut all = pages();
        all.remove("SUMMARY.md");
        assert_eq!(once, all, "{language}");
    }
    let order = |language| links(&read(language, "SUMMARY.md")).into_iter().map(|l| l.1.to_owned()).collect::<Vec<_>>();
    assert_eq!(order("en"), order("ko"));
}

#[test]
fn both_languages_have_the_same_code() {
    for page in pages() {
        let (english, korean) = (read("en", &page), read("ko", &page));
        let strip =
            |page| blocks(page).into_iter().map(|Block { info, text, .. }| (info.to_owned(), text)).collect::<Vec<_>>();
        let (english, korean) = (strip(&english), strip(&korean));
        for (number, (en, ko)) in english.iter().zip(&korean).enumerate() {
            assert_eq!(en, ko, "{page}: block {} differs", number + 1);
        }
        assert_eq!(english.len(), korean.len(), "{page}: as many blocks");
    }
}

#[test]
fn all_code_is_run() {
    let crate_root = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    for page in pages() {
        let text = read("en", &page);
        for block in blocks(&text) {
            let known = FENCES.contains(&block.info) || block.file().is_some();
            assert!(known, "{page}, line {}: '{}' is run by nothing", block.line, block.info);
        }
        let is_a_doctest = crate_root.contains(&format!("\"{page}\""));
        assert!(is_a_doctest || page == "SUMMARY.md", "{page} is missing in crates/book/src/lib.rs");
    }
}

#[test]
fn what_a_page_names_exists() {
    let pictures = folder().join("en/pictures");
    for language in LANGUAGES {
        let mut shown = BTreeSet::new();
        for page in pages() {
            let text = read(language, &page);
            for (picture, target) in links(&prose(&text)) {
                if target.starts_with("https://") {
                    continue;
                }
                let file = folder().join(language).join(target);
                assert!(file.exists(), "{language}/{page}: {target} is missing");
                if picture {
                    shown.insert(file.file_name().unwrap().to_str().unwrap().to_owned());
                }
            }
            for word in prose(&text).split('`').filter(|word| word.starts_with("crates/") && !word.contains(' ')) {
                assert!(folder().join("..").join(word).exists(), "{language}/{page}: {word} is missing");
            }
        }
        assert_eq!(shown, names(&pictures, ""), "{language}: every picture is shown");
    }
}
