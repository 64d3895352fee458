//! `trace --html` and `diff --html`: pages that fetch nothing, and that a browser draws without complaint. The parts that need a browser
//! are skipped, with a word, where there is no chromium.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

mod program;

use std::fs;
use std::path::Path;
use std::process::Command;

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

/// What chromium makes of a page in a window of this width: its DOM or what else is asked, and what it logs.
fn chromium(page: &Path, width: usize, options: &[&str]) -> Option<(String, String)> {
    let profile = tempfile::tempdir().unwrap();
    let run = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--hide-scrollbars"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("--window-size={width},1000"))
        .args(options)
        .arg(format!("file://{}", page.display()))
        .output();
    match run {
        Ok(output) => {
            Some((String::from_utf8_lossy(&output.stdout).into(), String::from_utf8_lossy(&output.stderr).into()))
        }
        Err(e) => {
            eprintln!("skipped: no chromium to look at pages with ({e})");
            None
        }
    }
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
        for (width, scheme) in [(400, "1"), (1600, "0")] {
            let color = format!("--blink-settings=preferredColorScheme={scheme}");
            let page = folder.path().join(name);
            let Some((dom, log)) = chromium(&page, width, &[&color, "--dump-dom"]) else { return };
            assert!(!log.contains(":CONSOLE"), "{name}: {log}");
            // The script has run: it has chosen the first box, whose text alone is shown, and marked its way to the end.
            assert!(dom.contains("<html lang=\"en\" class=\"script\">"), "{name}: {dom}");
            assert_eq!(dom.matches("class=\"detail on\"").count(), 1, "{name}");
            assert_eq!(dom.matches("class=\"node").count(), nodes, "{name}");
            assert!(dom.matches("class=\"edge way\"").count() >= 2, "{name}");
            let shot = folder.path().join("shot.png");
            chromium(&page, width, &[&color, &format!("--screenshot={}", shot.display())]).unwrap();
            let colors = colors(&shot);
            let (paper, dark) = (colors[0], scheme == "0");
            assert_eq!(paper.iter().all(|&part| part < 64), dark, "{name}: paper {paper:?}");
            assert!(colors.len() > 8, "{name}: only {colors:?}");
        }
    }
}

/// The colors of a picture that many pixels have, the most frequent first.
fn colors(path: &Path) -> Vec<[u8; 3]> {
    let mut reader = png::Decoder::new(std::io::BufReader::new(fs::File::open(path).unwrap())).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    let mut counts = std::collections::HashMap::new();
    for pixel in bytes[..info.buffer_size()].chunks(info.color_type.samples()) {
        *counts.entry([pixel[0], pixel[1], pixel[2]]).or_insert(0) += 1;
    }
    let mut colors: Vec<([u8; 3], usize)> = counts.into_iter().filter(|&(_, count)| count > 20).collect();
    colors.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    colors.into_iter().map(|(color, _)| color).collect()
}
