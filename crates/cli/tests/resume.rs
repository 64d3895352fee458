//! Faults: a training that is killed at random moments goes on and ends with the same bytes; Ctrl-C saves; locks hold.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod program;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use program::chainrule;
use tempfile::TempDir;

/// Kills of a test run; `CHAINRULE_KILLS` asks for more, for a soak.
fn kills() -> u64 {
    std::env::var("CHAINRULE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(12)
}

fn start(folder: &Path, arguments: &[&str]) -> Child {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("chainrule"));
    command.current_dir(folder).args(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// metrics.jsonl without its times.
fn metrics(run: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let line = |line: &str| {
        let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
        line.as_object_mut().unwrap().remove("seconds");
        line
    };
    text.lines().map(line).collect()
}

fn results(run: &Path) -> toml::Table {
    let record: toml::Table = std::fs::read_to_string(run.join("run.toml")).unwrap().parse().unwrap();
    let mut results = record["results"].as_table().unwrap().clone();
    results.remove("seconds");
    results.remove("threads");
    results
}

/// Kills a training at random moments, which goes on each time with another number of threads, and holds it against the one that nobody
/// disturbs. It takes `epochs` for each kill.
fn expect_same_bytes(folder: &TempDir, epochs: u64, training: &[&str]) {
    let epochs = (kills() * epochs).to_string();
    let training = [training, &["--epochs", &epochs]].concat();
    chainrule(folder, &training).args(["--out", "whole"]).assert().success();
    let whole = folder.path().join("whole");

    // From a small generator, so that a failure can be had again.
    let seed = u64::from(std::process::id());
    let mut draw = seed;
    let (mut killed, run) = (0, folder.path().join("run"));
    let mut began = false;
    for piece in 0.. {
        let threads = if piece % 2 == 0 { "1" } else { "2" };
        let resume = ["train", "--resume", "run", "--checkpoint-every", "20", "--threads", threads];
        let begin = [&training[..], &["--out", "run", "--checkpoint-every", "20", "--threads", threads]].concat();
        let mut child = start(folder.path(), if began { &resume } else { &begin });
        draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let wait = Duration::from_micros(10_000 + (draw >> 33) % 60_000);
        if killed < kills() {
            std::thread::sleep(wait);
        }
        if killed == kills() || child.try_wait().unwrap().is_some() {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        killed += 1;
        if run.join("run.toml").exists() {
            // Killed when all was written. What is left of its lock is nobody's.
            let _ = std::fs::remove_file(run.join("lock"));
            break;
        }
        // Before its first checkpoint nothing is kept but such a lock.
        began = run.join("checkpoint").exists();
    }
    assert!(killed >= kills() / 2, "it was killed {killed} times, seed {seed}");
    let bytes = |run: &Path| std::fs::read(run.join("model.safetensors")).unwrap();
    assert!(bytes(&run) == bytes(&whole), "other bytes after {killed} kills, seed {seed}");
    assert_eq!(metrics(&run), metrics(&whole));
    let losses = |run: &Path| std::fs::read(run.join("losses.npy")).unwrap();
    assert!(losses(&run) == losses(&whole), "other losses after {killed} kills, seed {seed}");
    for file in ["layers.jsonl", "held_out.json", "findings.json", "report.html"] {
        let text = |run: &Path| std::fs::read_to_string(run.join(file)).unwrap();
        assert!(text(&run) == text(&whole), "{file} differs after {killed} kills, seed {seed}");
    }
    assert_eq!(results(&run), results(&whole));
    assert!(!run.join("checkpoint").exists() && !run.join("lock").exists());
}

#[test]
fn adam_with_all_that_changes_as_it_goes_ends_with_the_same_bytes_after_kills() {
    let folder = TempDir::new().unwrap();
    let patience = (kills() * 15).to_string();
    let model = "affine:64 batch_norm relu dropout:0.2 affine:10";
    let training = ["train", "--model", model, "--optimizer", "adam", "--schedule", "cosine", "--seed", "3"];
    expect_same_bytes(&folder, 15, &[&training[..], &["--patience", &patience]].concat());
}

#[test]
fn sgd_ends_with_the_same_bytes_after_kills() {
    let folder = TempDir::new().unwrap();
    let training = ["train", "--model", "affine:64 sigmoid affine:10", "--optimizer", "sgd", "--schedule", "plateau"];
    expect_same_bytes(&folder, 15, &training);
}

#[test]
fn a_table_on_disk_gives_the_same_bytes_after_kills() {
    let folder = TempDir::new().unwrap();
    let row = |i: u32| {
        let x = i * 7919 % 1009;
        format!("{x},{},w{},{}\n", i % 11, i % 5, if (x + i % 11) % 13 > 5 { "yes" } else { "no" })
    };
    let table: String = std::iter::once("a,b,word,y\n".to_owned()).chain((0..4000).map(row)).collect();
    std::fs::write(folder.path().join("table.csv"), table).unwrap();
    let training = ["train", "table.csv", "--target", "y", "--model", "affine:32 relu affine:2", "--memory", "30MB"];
    expect_same_bytes(&folder, 15, &training);
    let left = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut left: Vec<String> = left.map(|name| name.into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, ["run", "table.csv", "table.csv.chainrule-cache", "whole"]);
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

fn wait_for(path: &Path) {
    let begin = Instant::now();
    while !path.exists() {
        assert!(begin.elapsed() < Duration::from_secs(20), "{} never came", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

const LONG: [&str; 7] = ["train", "--epochs", "1000000", "--out", "run", "--checkpoint-every", "50"];

#[test]
fn ctrl_c_saves_and_says_how_to_go_on() {
    for name in ["-INT", "-TERM"] {
        let folder = TempDir::new().unwrap();
        let child = start(folder.path(), &LONG);
        wait_for(&folder.path().join("run/checkpoint"));
        signal(&child, name);
        let begin = Instant::now();
        let output = child.wait_with_output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains("go on with: chainrule train --resume run"), "{error}");
        assert!(folder.path().join("run/checkpoint").exists());
        let page = std::fs::read_to_string(folder.path().join("run/report.html")).unwrap();
        assert!(page.contains(r#""stopped":{"epoch":"#), "the page says that more is to come");
        let error = chainrule(&folder, &["test", "run"]).assert().code(2).get_output().stderr.clone();
        let error = String::from_utf8(error).unwrap();
        assert!(error.contains("a training that has not ended") && error.contains("--resume run"), "{error}");
        // What was interrupted is not written over by chance.
        let error = chainrule(&folder, &["train", "--epochs", "1", "--out", "run"])
            .assert()
            .code(2)
            .get_output()
            .stderr
            .clone();
        let error = String::from_utf8(error).unwrap();
        assert!(error.contains("a run that was interrupted") && error.contains("--resume run"), "{error}");
        chainrule(&folder, &["train", "--epochs", "1", "--out", "run", "--force"]).assert().success();
    }
}

#[test]
fn two_trainings_do_not_share_a_folder() {
    let folder = TempDir::new().unwrap();
    let mut child = start(folder.path(), &LONG);
    wait_for(&folder.path().join("run/checkpoint"));
    for arguments in [&["train", "--resume", "run"][..], &["train", "--epochs", "1", "--out", "run", "--force"]] {
        let error = chainrule(&folder, arguments).assert().code(2).get_output().stderr.clone();
        let error = String::from_utf8(error).unwrap();
        assert!(error.contains("run: expected nobody else to train there, found another process that does"), "{error}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // The lock died with it.
    let child = start(folder.path(), &["train", "--resume", "run"]);
    std::thread::sleep(Duration::from_millis(200));
    signal(&child, "-INT");
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(1));
}

#[test]
fn what_cannot_be_resumed_is_refused() {
    let folder = TempDir::new().unwrap();
    let refused = |arguments: &[&str], wanted: &str| {
        let error = chainrule(&folder, arguments).assert().code(2).get_output().stderr.clone();
        let error = String::from_utf8(error).unwrap();
        assert!(error.contains(wanted), "{arguments:?}: {error}");
    };
    refused(&["train", "--resume", "none"], "error: none: expected a run with a checkpoint, found none");
    chainrule(&folder, &["train", "--epochs", "1", "--out", "done"]).assert().success();
    refused(&["train", "--resume", "done"], "only a training that was interrupted has one");
    refused(&["train", "--resume", "done", "--epochs", "5"], "cannot be used with");
    refused(
        &["train", "--checkpoint-every", "5m"],
        "--checkpoint-every: expected a number of steps, of seconds such as 30s",
    );
    std::fs::create_dir(folder.path().join("broken")).unwrap();
    std::fs::write(folder.path().join("broken/checkpoint"), "nothing").unwrap();
    refused(&["train", "--resume", "broken"], "found another kind of file");
}
