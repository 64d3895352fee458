//! What is wrong with a request is told by where, expected, found and a hint, with status 2,
//! and nothing is written.

#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod program;

use std::fs;
use std::path::Path;

use program::chainrule;
use tempfile::TempDir;

const IMAGES: u8 = 3;
const LABELS: u8 = 1;

/// All names under a folder with their sizes.
fn inventory(folder: &Path) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        found.push((path.display().to_string(), path.metadata().unwrap().len()));
        if path.is_dir() {
            found.extend(inventory(&path));
        }
    }
    found.sort();
    found
}

/// Expects status 2 and, in the message, each of `parts`.
fn refuse(folder: &TempDir, arguments: &[&str], parts: [&str; 4]) {
    let before = inventory(folder.path());
    let output = chainrule(folder, arguments).assert().code(2).get_output().clone();
    let error = String::from_utf8(output.stderr).unwrap();
    let [place, expected, found, hint] = parts;
    let error = error.trim_end();
    let wanted =
        [format!("error: {place}: expected {expected}"), format!(", found {found}"), format!("\n  hint: {hint}")];
    assert!(error.starts_with(&wanted[0]), "{arguments:?}\n{error}\nwants {}", wanted[0]);
    assert!(error.contains(&wanted[1]) && error.contains(&wanted[2]), "{arguments:?}\n{error}\nwants {wanted:?}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    assert_eq!(inventory(folder.path()), before, "{arguments:?}");
}

fn with(files: &[(&str, &[u8])]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

/// An IDX file: a header of `sizes`, and `bytes` after it.
fn idx(axes: u8, sizes: &[u32], bytes: usize) -> Vec<u8> {
    let mut file = vec![0, 0, 8, axes];
    sizes.iter().for_each(|size| file.extend(size.to_be_bytes()));
    file.resize(file.len() + bytes, 0);
    file
}

#[test]
fn files_that_are_no_data() {
    let folder = with(&[
        ("empty.csv", b""),
        ("ragged.csv", b"a,b,c\n1,2,x\n3,4\n"),
        ("inf.csv", b"a,b,c\n1,2,x\n3,inf,y\n"),
        ("quote.csv", b"a,b,c\n1,2,x\n3,\"4,y\n5,6,x\n"),
        ("nul.csv", b"a,b,c\n1,2,x\n3,4,y\n5,\0,x\n"),
        ("latin.csv", b"a,b,c\n1,2,x\n3,4,\xe9\n"),
        ("twice.csv", b"a,b,a,c\n1,2,3,x\n3,4,4,y\n"),
        ("same.csv", b"a,b,c\n1,2,x\n3,4,x\n"),
        ("cut.csv.gz", &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b]),
        ("table.csv", b"age,income,class\n1,2,x\n3,4,y\n"),
    ]);
    let table = |file: &str, parts: [&str; 4]| refuse(&folder, &["train", file, "--target", "c"], parts);
    table("nope.csv", ["nope.csv", "a file or folder", "nothing of that name", "check the spelling"]);
    table("empty.csv", ["empty.csv", "a table", "an empty file", "give a CSV file"]);
    table("ragged.csv", ["ragged.csv, line 3", "3 cells", "2", "look for a missing comma"]);
    table("inf.csv", ["inf.csv, line 3, column 'b'", "a finite number", "'inf'", "correct the cell"]);
    let end = "the end of the file within it";
    table("quote.csv", ["quote.csv, line 3", "a quote that is closed", end, "close the quote"]);
    table("nul.csv", ["nul.csv, line 4, column 'b'", "text", "a NUL byte", "the file may be binary"]);
    let found = "byte 0xe9 at byte 16 of the text";
    table("latin.csv", ["latin.csv, line 3, column 'c'", "UTF-8 text", found, "save the file as UTF-8"]);
    table("twice.csv", ["twice.csv, header", "each column name once", "'a' in columns 0 and 2", "rename"]);
    table("same.csv", ["same.csv, target", "at least two classes", "'x'", "choose another target"]);
    table("cut.csv.gz", ["cut.csv.gz", "a whole gzip file", "its end is missing", "download or copy"]);
    let parts = ["table.csv, target", "one of 'age', 'income', 'class'", "'incmoe'", "did you mean 'income'?"];
    refuse(&folder, &["train", "table.csv", "--target", "incmoe"], parts);
}

#[test]
fn images_that_are_no_images() {
    let images = idx(IMAGES, &[4, 2, 2], 16);
    let labels = idx(LABELS, &[4], 4);
    let names = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"];
    let folder = with(&[
        ("cut/train-images-idx3-ubyte", &images[..20]),
        ("cut/train-labels-idx1-ubyte", &labels),
        ("swapped/train-images-idx3-ubyte", &labels),
        ("swapped/train-labels-idx1-ubyte", &labels),
        ("differ/train-images-idx3-ubyte", &images),
        ("differ/train-labels-idx1-ubyte", &idx(LABELS, &[3], 3)),
    ]);
    let at = |set: &str, file: usize| format!("{set}/{}", names[file]);
    refuse(&folder, &["train", "cut"], [&at("cut", 0), "16 bytes", "4", "download or copy"]);
    refuse(&folder, &["train", "swapped"], [&at("swapped", 0), "images", "labels", "the file with images"]);
    refuse(&folder, &["train", "differ"], [&at("differ", 1), "4 labels", "3", "take images and labels"]);
}

#[test]
fn folders_of_images_that_are_none() {
    let folder = with(&[
        ("text/a/1.png", b"hello"),
        ("text/b/1.png", b"hello"),
        ("cut/a/1.png", b"\x89PNG\r\n\x1a\n\0\0"),
        ("cut/b/1.png", b"\x89PNG\r\n\x1a\n\0\0"),
        ("stray/a/1.png", b"hello"),
        ("stray/2.png", b"hello"),
    ]);
    fs::create_dir_all(folder.path().join("empty/a")).unwrap();
    fs::create_dir_all(folder.path().join("empty/b")).unwrap();
    let images = |name: &str, parts: [&str; 4]| refuse(&folder, &["train", name], parts);
    images("text", ["text/a/1.png", "a PNG or JPEG image", "text", "save it as PNG or JPEG"]);
    images("cut", ["cut/a/1.png", "a whole PNG or JPEG image", "a PNG whose end is missing", "copy the file again"]);
    images("stray", ["stray/2.png", "images in the folders of their classes", "one beside them", "put it into"]);
    images("empty", ["empty/a", "images of this class", "none", "put images into it, or remove the folder"]);
    let sizes = "height x width, or with the channels before them";
    refuse(&folder, &["train", "text", "--size", "0x8"], ["--size", sizes, "'0x8'", "for example 64x64"]);
}

#[test]
fn models_that_are_no_models() {
    let folder = TempDir::new().unwrap();
    let model = |spec: &str, parts: [&str; 4]| refuse(&folder, &["train", "--model", spec], parts);
    let list = "one of affine:N, conv2d:N@K, max_pool:K, ";
    let place = "--model, model 'affine:50 rleu affine:10', word 2";
    model("affine:50 rleu affine:10", [place, list, "'rleu'", "did you mean 'relu'?"]);
    for word in ["affine", "affine:0", "affine:x"] {
        let place = format!("--model, model '{word}', word 1");
        model(word, [&place, "affine:N with N from 1", &format!("'{word}'"), "N is how many outputs"]);
    }
    let place = "--model, model 'affine:9 dropout:1.5 affine:10', word 2";
    let expected = "dropout:P with P from 0 to less than 1";
    model("affine:9 dropout:1.5 affine:10", [place, expected, "'dropout:1.5'", "P is the share that is dropped"]);
    let place = "--model, model 'affine:10 softmax', word 2, softmax";
    model("affine:10 softmax", [place, "affine:N as the last word", "softmax", "leave it out: the loss takes"]);
    // Before any data are loaded: there are none.
    let arguments = ["train", "none.csv", "--target", "t", "--input", "1x3x3", "--model", "relu avg_pool:4 affine:2"];
    let place = "model 'relu avg_pool:4 affine:2', word 2, avg_pool:4";
    refuse(&folder, &arguments, [place, "at least 4 x 4", "an image of 1x3x3", "make the windows smaller"]);
    let place = "model 'affine:50 relu affine:5', word 3";
    let expected = "affine:10, one output for each of the 10 classes";
    model("affine:50 relu affine:5", [place, expected, "affine:5", "change the last word to affine:10"]);
}

#[test]
fn numbers_that_cannot_be() {
    let folder = TempDir::new().unwrap();
    refuse(&folder, &["train", "--batch", "0"], ["--batch", "a whole number from 1", "'0'", "for example"]);
    refuse(&folder, &["train", "--epochs", "-5"], ["--epochs", "a whole number from 1", "'-5'", "for example"]);
    for rate in ["fast", "0", "-1", "inf", "nan", "1e999"] {
        let found = format!("'{rate}'");
        refuse(&folder, &["train", "--rate", rate], ["--rate", "a finite number above 0", &found, "a usual rate is"]);
    }
    let parts = ["--threads", "a whole number from 1 to 1024", "'100000'", "leave it out"];
    refuse(&folder, &["train", "--threads", "100000"], parts);
    let parts = ["--loss", "one of softmax_cross_entropy", "'hubber'", "did you mean 'huber[:D]'?"];
    refuse(&folder, &["train", "--loss", "hubber"], parts);
    let parts = ["loss", "a loss of several classes", "huber", "choose softmax_cross_entropy"];
    refuse(&folder, &["train", "--loss", "huber"], parts);
    let parts = [
        "--optimizer",
        "one of sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw, lion",
        "'adma'",
        "did you mean 'adam'?",
    ];
    refuse(&folder, &["train", "--optimizer", "adma"], parts);
    let parts = ["--optimizer", "after adam beta1, beta2, ", "'adam,beta=1'", "did you mean 'beta1'?"];
    refuse(&folder, &["train", "--optimizer", "adam,beta=1"], parts);
    let parts =
        ["--optimizer", "momentum=number, a number from 0 to less than 1", "'momentum,momentum=1.5'", "for example"];
    refuse(&folder, &["train", "--optimizer", "momentum,momentum=1.5"], parts);
    let parts = ["--weight-decay", "a finite number from 0", "'-1'", "for example 0.0001"];
    refuse(&folder, &["train", "--weight-decay", "-1"], parts);
    let parts = [
        "--schedule",
        "one of constant, step, exponential, cosine, one_cycle, plateau",
        "'cosin'",
        "did you mean 'cosine'?",
    ];
    refuse(&folder, &["train", "--schedule", "cosin"], parts);
    let parts = ["--schedule", "every=number, a finite number above 0", "'step:every=0'", "for example every=10"];
    refuse(&folder, &["train", "--schedule", "step:every=0"], parts);
    let parts = ["warm-up", "a number of epochs from 0 to less than 3, which are all", "3", "for example 1"];
    refuse(&folder, &["train", "--epochs", "3", "--warm-up", "3"], parts);
    let parts = [
        "--initial",
        "std=number, a finite number above 0",
        "'normal:-1'",
        "for example std=0.01; it is the standard deviation",
    ];
    refuse(&folder, &["train", "--initial", "normal:-1"], parts);
    for clip in ["--clip-norm", "--clip-value"] {
        refuse(&folder, &["train", clip, "0"], [clip, "a finite number above 0", "'0'", "for example 1"]);
    }
    refuse(&folder, &["train", "--patience", "0"], ["--patience", "a whole number from 1", "'0'", "for example"]);
    let parts = ["patience", "validation rows to stop by", "none", "set rows aside to choose by"];
    refuse(&folder, &["train", "--patience", "3", "--validation", "0"], parts);
    refuse(&folder, &["train", "--folds", "1"], ["--folds", "a whole number from 2", "'1'", "5 or 10 are usual"]);
    let parts = ["folds", "2 to 1438, the number of rows", "1439", "5 or 10 are usual"];
    refuse(&folder, &["train", "--folds", "1439", "--out", "cv"], parts);
    refuse(&folder, &["train", "--test", "1"], ["--test", "a number from 0 to less than 1", "'1'", "0.1 sets"]);
}

#[test]
fn tunings_that_cannot_be() {
    let folder = with(&[
        ("space.toml", b"rate = { log = [0.001, 0.1] }\n"),
        ("typo.toml", b"# a comment\nraet = [0.1]\n"),
        ("broken.toml", b"batch = 32\nrate = [0.1\n"),
        ("classes.toml", b"model = [\"affine:10\", \"affine:9\"]\n"),
        ("warm.toml", b"warm_up = 2\n"),
    ]);
    let tune = |space: &str, more: &[&str], parts: [&str; 4]| {
        refuse(&folder, &[&["tune", "--space", space][..], more].concat(), parts);
    };
    tune("none.toml", &[], ["none.toml", "a file or folder", "nothing of that name", "check the spelling"]);
    tune("typo.toml", &[], ["typo.toml, 'raet'", "one of model, loss, ", "no such key", "did you mean 'rate'?"]);
    tune("broken.toml", &[], ["broken.toml, line 2", "TOML", "unclosed array", "for example rate = "]);
    let place = "warm.toml, trial 1, rung 1, warm-up";
    tune("warm.toml", &[], [place, "a number of epochs from 0 to less than 1", "2", "for example 1"]);
    tune("space.toml", &["--eta", "1"], ["--eta", "a whole number from 2", "'1'", "3 is usual"]);
    tune("space.toml", &["--trials", "0"], ["--trials", "a whole number from 1", "'0'", "for example"]);
    let parts = ["min-epochs", "1 to 27, the epochs of the last rung", "28", "the first rung"];
    tune("space.toml", &["--min-epochs", "28"], parts);
    let parts = ["validation", "rows to compare trials by", "none", "set rows aside"];
    tune("space.toml", &["--validation", "0"], parts);
    // Before any trial is trained.
    let place = "classes.toml, trial 2, rung 1, model 'affine:9', word 1";
    tune("classes.toml", &[], [place, "affine:10", "affine:9", "change the last word"]);

    let small = ["--trials", "2", "--epochs", "2", "--eta", "2", "--out", "tuned"];
    chainrule(&folder, &[&["tune", "--space", "space.toml"][..], &small].concat()).assert().success();
    let other = "choose another --out, or ask for what this one was begun with";
    let parts = ["tuned/tune.toml, seed", "2, as is asked for", "1", other];
    tune("space.toml", &[&small[..], &["--seed", "2"]].concat(), parts);
    fs::write(folder.path().join("space.toml"), "rate = { log = [0.002, 0.1] }\nbatch = 16\n").unwrap();
    tune("space.toml", &small, ["tuned/tune.toml, space.batch", "16, as is asked for", "nothing", other]);
    fs::write(folder.path().join("space.toml"), "rate = { log = [0.002, 0.1] }\n").unwrap();
    let parts =
        ["tuned/tune.toml, space.rate", "{ log = [0.002, 0.1] }, as is asked for", "{ log = [0.001, 0.1] }", other];
    tune("space.toml", &small, parts);
    fs::write(folder.path().join("space.toml"), "rate = { log = [0.001, 0.1] }\n").unwrap();
    fs::write(folder.path().join("rows.csv"), "a,b\n1,x\n2,y\n3,x\n4,y\n5,x\n6,y\n7,x\n8,y\n9,x\n").unwrap();
    let data = [&["rows.csv", "--target", "b"][..], &small].concat();
    tune("space.toml", &data, ["tuned/tune.toml, data.fingerprint", "\"", "\"8f0934c8a076049e\"", other]);
    fs::write(folder.path().join("tuned/trials.jsonl"), "{}\n").unwrap();
    tune(
        "space.toml",
        &small,
        ["tuned/trials.jsonl, line 1", "a training of this tuning", "missing field", "remove the line"],
    );
    // A folder of something else is left alone.
    chainrule(&folder, &["train", "--epochs", "1", "--out", "run"]).assert().success();
    let parts = ["run", "a new folder, or one of a tuning", "a folder with 'findings.json'", "choose another --out"];
    tune("space.toml", &["--out", "run"], parts);
}

#[test]
fn a_run_is_kept_unless_forced() {
    let folder = TempDir::new().unwrap();
    let train = ["train", "--epochs", "1", "--out", "run"];
    chainrule(&folder, &train).assert().success();
    refuse(&folder, &train, ["run", "a folder without a run", "a run, which is kept", "choose another --out"]);
    let forced = ["train", "--epochs", "2", "--out", "run", "--force"];
    chainrule(&folder, &forced).assert().success();
    let record = fs::read_to_string(folder.path().join("run/run.toml")).unwrap();
    assert!(record.contains("epochs = 2"));
    fs::write(folder.path().join("run/notes.txt"), "mine").unwrap();
    refuse(&folder, &forced, ["run", "a new folder, or a run and nothing else", "a folder with 'notes.txt'", "choose"]);
}

#[test]
fn runs_that_are_no_runs() {
    let folder = with(&[("data/table.csv", b"a,b\n1,2\n")]);
    refuse(&folder, &["test", "nope"], ["nope", "a file or folder", "nothing of that name", "check the spelling"]);
    refuse(
        &folder,
        &["test", "data"],
        ["data", "a run, with a file run.toml", "a folder without one", "give the folder"],
    );
    chainrule(&folder, &["train", "--epochs", "1", "--out", "run"]).assert().success();
    let parts = ["data/table.csv", "64 columns", "2", "give the columns of training"];
    refuse(&folder, &["predict", "run", "data/table.csv"], parts);
}

#[test]
fn data_that_changed_are_noticed() {
    let row = |i: i32| format!("{},{},{}\n", i % 10, i % 7, i % 2);
    let table: String = std::iter::once("a,b,c\n".to_owned()).chain((0..100).map(row)).collect();
    let folder = with(&[("table.csv", table.as_bytes())]);
    chainrule(&folder, &["train", "table.csv", "--target", "c", "--epochs", "1", "--out", "run"]).assert().success();
    chainrule(&folder, &["test", "run"]).assert().success();
    fs::write(folder.path().join("table.csv"), table.replacen("0,0,0", "0,1,0", 1)).unwrap();
    refuse(&folder, &["test", "run"], ["table.csv", "the data of run, fingerprint", "other data", "put the data back"]);
}

#[test]
fn places_that_cannot_be_written_are_told_before_the_training() {
    let folder = with(&[("file.csv", b"a,b\n1,x\n2,y\n"), ("empty/keep", b"")]);
    fs::remove_file(folder.path().join("empty/keep")).unwrap();
    let told = |arguments: &[&str], directory: &str, message: &str| {
        let mut command = chainrule(&folder, arguments);
        let output = command.current_dir(folder.path().join(directory)).assert().code(2).get_output().clone();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.starts_with("error: ") && error.contains(message), "{arguments:?}: {error}");
    };
    told(&["train", "--out", "file.csv/run"], ".", "a folder that can be written");
    told(&["train", "--out", "."], "empty", "found the current folder");
    assert_eq!(inventory(folder.path()).len(), 2);
}

#[cfg(unix)]
#[test]
fn a_device_is_written_and_never_replaced() {
    use std::os::unix::fs::symlink;

    let folder = with(&[("table.csv", b"a,b\n1,x\n2,y\n"), ("there.csv", b"")]);
    let train = ["train", "table.csv", "--target", "b", "--epochs", "1", "--out", "run"];
    chainrule(&folder, &train).assert().success();
    let path = |name: &str| folder.path().join(name);
    symlink("/dev/stdout", path("device")).unwrap();
    symlink("there.csv", path("link.csv")).unwrap();
    let predicted = chainrule(&folder, &["predict", "run", "table.csv", "-o", "device"]).assert().success();
    assert!(predicted.get_output().stdout.starts_with(b"predicted,p(x),p(y)\n"));
    chainrule(&folder, &["predict", "run", "table.csv", "-o", "link.csv"]).assert().success();
    assert!(path("device").is_symlink() && path("link.csv").is_symlink());
    assert!(fs::read_to_string(path("there.csv")).unwrap().starts_with("predicted,"));
    let parts = ["table.csv", "a file other than DATA", "DATA", "choose another --out"];
    refuse(&folder, &["predict", "run", "table.csv", "-o", "table.csv"], parts);
}
