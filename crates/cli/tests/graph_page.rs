//! `trace --html` and `diff --html`: pages that fetch nothing, and that a browser draws without complaint. The parts that need a browser
//! are skipped, with a word, where there is no chromium.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

#[path = "program/browser.rs"]
mod browser;
mod program;

use std::fs;

use program::chainrule;
use tempfile::TempDir;

const LARGEST: usize = 2_000_000;

/// A page of the network and one of the apples.
fn pages() -> (TempDir, [(&'static str, usize); 2]) {
    let folder = tempfile::tempdir().unwrap();
    let model = "affine:8 residual( affine:8 tanh ) relu affine:10";
    let train = ["train", "--epochs", "1", "--model", model, "--out", "run", "--threads", "1"];
    chainrule(&folder, &train).assert().success();
    chainrule(&folder, &["trace", "run", "--row", "2", "--html", "trace.html"]).assert().success();
    let apples = ["diff", "apple * count * tax", "--at", "apple=100,count=2,tax=1.1", "--html", "apples.html"];
    chainrule(&folder, &apples).assert().success();
    (folder, [("trace.html", 18), ("apples.html", 5)])
}

#[test]
fn nothing_leaves_the_file_and_all_is_in_it() {
    let (folder, pages) = pages();
    for (name, nodes) in pages {
        let page = fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(page.len() < LARGEST, "{name}: {}", page.len());
        for outside in ["http:", "https:", "//", "src=", "@import", "url("] {
            // Comments of the script begin with two strokes.
            let found =
                page.lines().filter(|line| !line.trim_start().starts_with("// ")).any(|line| line.contains(outside));
            assert!(!found, "{name} has {outside}");
        }
        assert_eq!(page.matches("class=\"node\"").count(), nodes, "{name}");
        assert_eq!(page.matches("<section class=\"detail\"").count(), nodes, "{name}");
    }
    let apples = fs::read_to_string(folder.path().join("apples.html")).unwrap();
    for text in ["da = dy·b", "1 · 1.1 · 2 = 2.2", "1 · 1.1 · 100 = 110", "1 · 200 = 200"] {
        assert!(apples.contains(text), "{text} in\n{apples}");
    }
    let trace = fs::read_to_string(folder.path().join("trace.html")).unwrap();
    for text in ["dW = xᵀ·dy", "Way 2 of 2", "Together: ", "each number by itself"] {
        assert!(trace.contains(text), "{text}");
    }
}

#[test]
fn a_browser_draws_it_without_complaint() {
    let (folder, pages) = pages();
    for (name, nodes) in pages {
        for (width, dark) in [(400, false), (1600, true)] {
            let Some(opened) = browser::open(&folder.path().join(name), width, dark) else { return };
            let dom = opened.dom;
            assert!(opened.console.is_empty(), "{name}: {:?}", opened.console);
            // The script has run: it has chosen the first box, whose text alone is shown, and marked its way to the end.
            assert!(dom.contains("<html lang=\"en\" class=\"script\">"), "{name}: {dom}");
            assert_eq!(dom.matches("class=\"detail on\"").count(), 1, "{name}");
            assert_eq!(dom.matches("class=\"node").count(), nodes, "{name}");
            assert!(dom.matches("class=\"edge way\"").count() >= 2, "{name}");
            let paper = opened.colors[0];
            assert_eq!(paper.iter().all(|&part| part < 64), dark, "{name}: paper {paper:?}");
            assert!(opened.colors.len() > 8, "{name}: only {:?}", opened.colors);
        }
    }
}
