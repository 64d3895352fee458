//! `report.html`: a page that fetches nothing, that a browser draws without complaint, and whose command makes its run again.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

#[path = "program/browser.rs"]
mod browser;
mod program;

use std::fs;
use std::path::Path;

use program::chainrule;
use serde_json::Value;
use tempfile::TempDir;

/// Bytes of a page, at most.
const LARGEST: usize = 3_000_000;

/// Two numbers in a table with gaps and a class or a number to learn, which a network overfits soon.
fn table(classes: bool) -> String {
    let row = |i: u64| {
        let noise = (i.wrapping_mul(6_364_136_223_846_793_005) >> 40) % 100;
        let target =
            if classes { ["</script><b>&", "a \"b\""][usize::from(noise > 50)].to_owned() } else { noise.to_string() };
        let gap = if i.is_multiple_of(9) { String::new() } else { (i % 17).to_string() };
        format!("{gap},{},{}\n", i * 7 % 23, format_args!("\"{}\"", target.replace('"', "\"\"")))
    };
    "a,b,y\n".to_owned() + &(0..400).map(row).collect::<String>()
}

fn run(folder: &TempDir, name: &str, arguments: &[&str]) {
    chainrule(folder, arguments).args(["--out", name]).assert().success();
}

fn runs() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("classes.csv"), table(true)).unwrap();
    fs::write(folder.path().join("numbers.csv"), table(false)).unwrap();
    run(&folder, "digits", &["train", "--epochs", "5"]);
    let model = "affine:64 tanh affine:64 tanh affine:2";
    run(
        &folder,
        "classes",
        &["train", "classes.csv", "--target", "y", "--model", model, "--epochs", "60", "--rate", "0.02"],
    );
    run(&folder, "numbers", &["train", "numbers.csv", "--target", "y", "--epochs", "12", "--test", "0"]);
    folder
}

fn page(folder: &TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join(name).join("report.html")).unwrap()
}

#[test]
fn a_page_fetches_nothing_and_is_drawn_without_complaint() {
    let folder = runs();
    for (name, images, curves, matrix) in
        [("digits", true, 2, true), ("classes", false, 2, true), ("numbers", false, 3, false)]
    {
        let text = page(&folder, name);
        assert!(text.len() < LARGEST, "{name}: {} bytes", text.len());
        for outside in ["src=", "href=", "<link", "@import", "url(", "fetch(", "XMLHttpRequest"] {
            assert!(!text.contains(outside), "{name} has {outside}");
        }
        assert_eq!(text.matches("</script>").count(), 3, "{name}: what is in the data ends no script");
        for (width, dark) in [(400, false), (1600, true)] {
            let Some(opened) = browser::open(&folder.path().join(name).join("report.html"), width, dark) else {
                return;
            };
            assert!(opened.console.is_empty(), "{name}: {:?}", opened.console);
            assert!(opened.dom.contains("data-ready=\"yes\""), "{name}");
            assert!(opened.dom.matches("class=\"uplot").count() >= curves, "{name}: curves");
            assert_eq!(opened.dom.contains("class=\"matrix"), matrix, "{name}");
            assert_eq!(opened.dom.contains("an image of 8 by 8"), images, "{name}");
            let paper = opened.colors[0];
            assert_eq!(paper.iter().all(|&part| part < 64), dark, "{name}: paper {paper:?}");
            // Lines of training and of validation, and many shades of histograms.
            let [first, second] =
                if dark { [[0x6c, 0xb2, 0xff], [0xff, 0x9f, 0x4a]] } else { [[0x1f, 0x6f, 0xd0], [0xd1, 0x65, 0x0a]] };
            assert!(opened.colors.contains(&first) && opened.colors.contains(&second), "{name}: {:?}", opened.colors);
            assert!(opened.colors.len() > 30, "{name}: only {} colors", opened.colors.len());
        }
    }
}

#[test]
fn what_is_shown_is_what_was_scored() {
    let folder = runs();
    let held_out = |name: &str| -> Value {
        serde_json::from_str(&fs::read_to_string(folder.path().join(name).join("held_out.json")).unwrap()).unwrap()
    };
    let scores = |name: &str| -> toml::Table {
        fs::read_to_string(folder.path().join(name).join("run.toml")).unwrap().parse().unwrap()
    };
    let digits = held_out("digits");
    let confusion = digits["classes"]["confusion"].as_array().unwrap();
    let count = |of: &dyn Fn(usize, usize) -> bool| -> u64 {
        let row = |row: usize| {
            confusion[row].as_array().unwrap().iter().enumerate().filter(move |&(column, _)| of(row, column))
        };
        (0..10).flat_map(row).map(|(_, count)| count.as_u64().unwrap()).sum()
    };
    let accuracy = scores("digits")["results"]["test"]["accuracy"].as_float().unwrap();
    assert_eq!(count(&|_, _| true), 359);
    assert!((count(&|row, column| row == column) as f64 / 359.0 - accuracy).abs() < 1e-9, "{accuracy}");
    // The first of the worst is what trace says of that row.
    let worst = &digits["worst"][0];
    let trace = ["trace", "digits", "--row", &worst["number"].to_string(), "--json"];
    let trace: Value =
        serde_json::from_slice(&chainrule(&folder, &trace).assert().success().get_output().stdout).unwrap();
    let (traced, shown) = (trace["loss"].as_f64().unwrap(), worst["loss"].as_f64().unwrap());
    assert!((traced - shown).abs() < 1e-4 * shown, "{traced} and {shown}");
    // Without a test set the rows are those that chose the epoch.
    assert_eq!(held_out("numbers")["part"], "validation");
}

/// The words of a command line as a shell takes them.
fn words(command: &str) -> Vec<String> {
    let script = format!("for word in {command}; do printf '%s\\n' \"$word\"; done");
    let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[cfg(unix)]
#[test]
fn the_command_on_the_page_makes_the_run_again() {
    let folder = runs();
    for name in ["digits", "classes", "numbers"] {
        let text = page(&folder, name);
        let json = text.split_once("id=\"run\">").unwrap().1.split_once("</script>").unwrap().0;
        let numbers: Value = serde_json::from_str(json).unwrap();
        let words = words(numbers["command"].as_str().unwrap());
        let (first, arguments) = words.split_first().unwrap();
        assert_eq!(first, "chainrule");
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        run(&folder, "again", &[&arguments[..], &["--force"]].concat());
        for file in ["model.safetensors", "layers.jsonl", "held_out.json", "report.html"] {
            let bytes = |run: &str| fs::read(folder.path().join(run).join(file)).unwrap();
            assert!(bytes("again") == bytes(name), "{name}: {file} differs after {arguments:?}");
        }
    }
}

#[test]
fn a_page_is_written_anew_and_what_is_broken_is_said() {
    let folder = TempDir::new().unwrap();
    run(&folder, "run", &["train", "--epochs", "2"]);
    let written = page(&folder, "run");
    chainrule(&folder, &["report", "run", "--out", "page.html"]).assert().success();
    assert!(fs::read_to_string(folder.path().join("page.html")).unwrap() == written, "the same page");
    let refused = |arguments: &[&str]| {
        String::from_utf8(chainrule(&folder, arguments).assert().code(2).get_output().stderr.clone()).unwrap()
    };
    assert!(refused(&["report", "nothing"]).contains("nothing"));
    assert!(refused(&["report", "run", "--out", "no/such/page.html"]).contains("no/such/page.html"));
    for file in ["held_out.json", "layers.jsonl", "metrics.jsonl"] {
        let path = folder.path().join("run").join(file);
        let whole = fs::read(&path).unwrap();
        for broken in [&whole[..whole.len() / 2], b"{\"rows\": -1}\n", b""] {
            // A training that was not kept has no layers.
            if (file, broken) == ("layers.jsonl", b"") {
                continue;
            }
            fs::write(&path, broken).unwrap();
            assert!(refused(&["report", "run"]).contains(file), "{file}");
        }
        fs::remove_file(&path).unwrap();
        assert!(refused(&["report", "run"]).contains(file), "{file}");
        fs::write(&path, whole).unwrap();
    }
    assert!(page(&folder, "run") == written, "a report that cannot be made leaves the one that is there");
    assert!(Path::new(&folder.path().join("run/report.html")).exists());
}
