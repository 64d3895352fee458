//! `chainrule trace` and `chainrule diff --svg`: what they show, draw and refuse.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod program;

use std::fs;

use program::chainrule;
use serde_json::Value;
use tempfile::TempDir;

fn trained() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["train", "--epochs", "1", "--model", "affine:8 relu affine:10", "--out", "run", "--threads", "1"];
    chainrule(&folder, &arguments).assert().success();
    folder
}

fn stdout(folder: &TempDir, arguments: &[&str]) -> String {
    String::from_utf8(chainrule(folder, arguments).assert().success().get_output().stdout.clone()).unwrap()
}

fn refused(folder: &TempDir, arguments: &[&str]) -> String {
    String::from_utf8(chainrule(folder, arguments).assert().code(2).get_output().stderr.clone()).unwrap()
}

#[test]
fn a_held_out_row_is_shown_drawn_and_told_as_json() {
    let folder = trained();
    let page = stdout(&folder, &["trace", "run", "--row", "2", "--svg", "trace.svg"]);
    for text in ["affine:8 relu affine:10, row 2: loss ", "= affine(1.relu, 2.weight, 2.bias)", "0.weight", "[64, 8]"] {
        assert!(page.contains(text), "{text} in\n{page}");
    }
    let picture = fs::read_to_string(folder.path().join("trace.svg")).unwrap();
    // A map of x, 64 cells forward and 64 back, among others.
    assert!(picture.starts_with("<svg ") && picture.matches("<rect ").count() > 128, "{picture}");

    let json: Value = serde_json::from_str(&stdout(&folder, &["trace", "run", "--row", "2", "--json"])).unwrap();
    let node = |name: &str| json["nodes"].as_array().unwrap().iter().find(|node| node["name"] == name).unwrap().clone();
    let numbers = |value: &Value| value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect::<Vec<_>>();
    // The probability of the label says the loss, and the derivative by the outputs is p − onehot(t).
    let (p, t) = (numbers(&node("softmax")["value"]), numbers(&node("t")["value"])[0] as usize);
    assert!((json["loss"].as_f64().unwrap() + p[t].ln()).abs() < 1e-9, "{json}");
    for (class, (found, p)) in numbers(&node("2.affine")["gradient"]).iter().zip(&p).enumerate() {
        assert!((found - (p - f64::from(u8::from(class == t)))).abs() < 1e-9, "class {class}");
    }
    let layer = stdout(&folder, &["trace", "run", "--layer", "2"]);
    assert!(layer.contains("2.weight [8, 10]") && layer.contains("→ [7, 8]"), "{layer}");
}

#[test]
fn what_is_not_there_is_refused() {
    let folder = trained();
    let held_out = "expected 1 to 359, as there are 359 held-out rows, found 360";
    assert!(refused(&folder, &["trace", "run", "--row", "360"]).contains(held_out));
    assert!(refused(&folder, &["trace", "run", "--layer", "3"]).contains("--layer: expected 0 to 2, found 3"));
    assert!(refused(&folder, &["trace", "nothing"]).contains("nothing"));
    assert!(
        refused(&folder, &["trace", "run", "--svg", "no/such/folder.svg"]).contains("no/such/folder.svg: expected")
    );
}

#[test]
fn the_books_apples_are_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let at = "apple=100,count=2,tax=1.1";
    stdout(&folder, &["diff", "apple * count * tax", "--at", at, "--svg", "apples.svg"]);
    let picture = fs::read_to_string(folder.path().join("apples.svg")).unwrap();
    for text in ["v1 * tax", "→ 220", "← 2.2", "← 110", "← 200"] {
        assert!(picture.contains(text), "{text} in\n{picture}");
    }
    assert_eq!(picture.matches("<path ").count(), 4, "{picture}");
}

/// Images of other sizes are brought to that of the training, as `test` and `predict` do.
#[test]
fn images_are_brought_to_what_the_network_takes() {
    let folder = tempfile::tempdir().unwrap();
    for (class, shade) in [("dark", 20), ("light", 220)] {
        fs::create_dir_all(folder.path().join("photos").join(class)).unwrap();
        for number in 0..10 {
            let side = 4 + number % 2;
            let path = folder.path().join(format!("photos/{class}/{number}.png"));
            let mut png = png::Encoder::new(fs::File::create(path).unwrap(), side, side);
            png.set_color(png::ColorType::Grayscale);
            png.write_header().unwrap().write_image_data(&vec![shade; (side * side) as usize]).unwrap();
        }
    }
    let train = ["train", "photos", "--size", "4x4", "--epochs", "1", "--model", "affine:2", "--out", "run"];
    chainrule(&folder, &train).assert().success();
    let json: Value =
        serde_json::from_str(&stdout(&folder, &["trace", "run", "photos", "--row", "2", "--json"])).unwrap();
    let x = &json["nodes"][0];
    assert_eq!((&x["name"], &x["shape"]), (&"x".into(), &serde_json::json!([1, 4, 4])));
    let expected = 20.0 / 255.0;
    assert!(x["value"].as_array().unwrap().iter().all(|x| (x.as_f64().unwrap() - expected).abs() < 1e-6), "{x}");
    assert!(refused(&folder, &["trace", "run", "photos", "--target", "class"]).contains("leave the target out"));
}

/// Numbers of the step itself are tested where it is replayed.
#[test]
fn a_step_of_the_training_is_shown_with_its_batch_and_what_it_changed() {
    let folder = TempDir::new().unwrap();
    let train = [
        "train",
        "--model",
        "affine:8 relu affine:10",
        "--optimizer",
        "sgd",
        "--rate",
        "0.5",
        "--epochs",
        "2",
        "--out",
        "run",
    ];
    chainrule(&folder, &train).assert().success();
    let output = |arguments: &[&str]| stdout(&folder, &[&["trace", "run"], arguments].concat());
    // 1258 rows in batches of 32: the last of the 40 has 10.
    let page = output(&["--step", "40"]);
    assert!(
        page.starts_with("affine:8 relu affine:10, step 40 (step 40 of 40 in epoch 1): 10 rows, rate 0.5, loss "),
        "{page}"
    );
    assert!(page.contains("\n39 steps before it done again in ") && page.contains("\n1.relu "), "{page}");
    assert!(page.contains("\nroot mean squares\nparameter "), "{page}");
    let layer = output(&["--step", "40", "--layer", "0"]);
    assert!(layer.contains("\n0.weight ") && !layer.contains("2.weight") && !layer.contains("1.relu"), "{layer}");

    let json: Value =
        serde_json::from_str(&output(&["--step", "40", "--json", "--html", "step.html", "--svg", "step.svg"])).unwrap();
    assert_eq!(
        (json["rows"].as_u64(), json["replayed"].as_u64(), json["epoch"].as_u64()),
        (Some(10), Some(39), Some(1))
    );
    let nodes = json["nodes"].as_array().unwrap();
    let node = |name: &str| nodes.iter().find(|node| node["name"] == name).unwrap();
    assert_eq!(node("x")["shape"], serde_json::json!([10, 1, 8, 8]));
    let bias = node("2.bias");
    let numbers = |of: &str| -> Vec<f64> {
        bias[of]["numbers"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
    };
    for ((before, gradient), after) in numbers("value").iter().zip(numbers("gradient")).zip(numbers("after")) {
        assert!((before - 0.5 * gradient - after).abs() < 1e-6, "{before} {gradient} {after}");
    }
    let html = fs::read_to_string(folder.path().join("step.html")).unwrap();
    assert_eq!(html.matches("<h3>After the step</h3>").count(), 4);
    assert!(fs::read_to_string(folder.path().join("step.svg")).unwrap().contains("step 40: loss "));

    for (arguments, told) in [
        (&["--step", "81"][..], "error: run: expected a step from 1 to 80, 40 in each epoch, found 81"),
        (&["--step", "0"], "error: "),
        (&["--step", "1", "--row", "1"], "cannot be used with"),
        (&["--step", "1", "--layer", "3"], "error: --layer: expected 0 to 2"),
    ] {
        let refused = refused(&folder, &[&["trace", "run"], arguments].concat());
        assert!(refused.contains(told), "{refused}");
    }
}
