//! Tables of numbers, categories and gaps, from `data` to `predict`.

#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod program;

use std::fs;

use program::chainrule;
use serde_json::Value;
use tempfile::TempDir;

/// Prices by city and size, with gaps, a key, a copy of the target and weights.
fn homes() -> TempDir {
    let folder = TempDir::new().unwrap();
    let row = |i: u32| {
        let (size, city) = (f64::from(i * 37 % 101), ["Seoul", "Busan", "Jeju"][i as usize * 7 % 3]);
        let price = (if city == "Seoul" { 1000.0 } else { 500.0 }) * (1.0 + size / 10.0);
        let gap = if i.is_multiple_of(19) { String::new() } else { size.to_string() };
        format!("{};key{i};{city};{gap};{};{};{price}\n", i + 1, price / 1000.0, i % 4)
    };
    let rows: String = (0..400).map(row).collect();
    fs::write(folder.path().join("homes.csv"), format!("id;key;city;size;copy;w;price\n{rows}")).unwrap();
    folder
}

/// Standard output and standard error.
fn run(folder: &TempDir, arguments: &[&str]) -> (String, String) {
    let output = chainrule(folder, arguments).assert().success().get_output().clone();
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn data_are_shown_as_they_were_understood() {
    let folder = homes();
    let (page, _) = run(&folder, &["data", "homes.csv", "--target", "price"]);
    assert!(page.starts_with("homes.csv: 400 rows, 6 columns and the target\n"), "{page}");
    let line = |name: &str| page.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(line("city").contains("category         3      0  Seoul, Busan, Jeju"), "{page}");
    assert!(line("size").contains("number         101     22  0 to 100"), "{page}");
    assert!(line("key").contains("ignored"), "{page}");
    assert!(line("target").starts_with("target 'price': numbers from 500 to 11000"), "{page}");
    assert!(page.contains("warning: column 'id' has another whole number in each of 400 rows"), "{page}");
    assert!(page.contains("warning: column 'copy' alone explains 100.0% of the target's variance"), "{page}");
    assert!(page.contains("warning: column 'key' is passed over: each of its 400 words is another"), "{page}");

    let (json, _) = run(&folder, &["data", "homes.csv", "--target", "city", "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    let classes = json["target"]["counts"].as_array().unwrap();
    assert_eq!((json["rows"].as_u64(), &classes[0][0], classes.len()), (Some(400), &"Seoul".into(), 3));
    // A column need not be named to look at a table.
    assert!(run(&folder, &["data", "homes.csv"]).0.starts_with("homes.csv: 400 rows, 7 columns\n"));
}

#[test]
fn a_table_is_learned_and_raw_files_are_predicted() {
    let folder = homes();
    let train = ["train", "homes.csv", "--target", "price", "--ignore", "id,copy", "--weights", "w", "--log-target"];
    let (summary, told) = run(&folder, &[&train[..], &["--out", "run", "--json"]].concat());
    assert!(told.contains("warning: column 'key' is passed over") && !told.contains("'id'"), "{told}");
    let summary: Value = serde_json::from_str(&summary).unwrap();
    assert!(summary["validation"]["r2"].as_f64().unwrap() > 0.8, "{summary}");
    let (again, _) = run(&folder, &["test", "run", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&again).unwrap()["test"], summary["test"]);
    let record = fs::read_to_string(folder.path().join("run/run.toml")).unwrap();
    for line in ["log_target = true", "weights = \"w\"", "ignore = [\"id\", \"copy\"]", "indicator = true"] {
        assert!(record.contains(line), "{line}\n{record}");
    }
    // Only what the network sees must be there; an unknown city and a gap are answered too.
    let predict = |text: &str| {
        fs::write(folder.path().join("new.csv"), text).unwrap();
        run(&folder, &["predict", "run", "new.csv"]).0
    };
    let answers = predict("size,city\n50,Seoul\n50,Busan\n,Mars\n");
    let prices: Vec<f64> = answers.lines().skip(1).map(|line| line.parse().unwrap()).collect();
    assert!(prices.len() == 3 && prices[0] > 1.5 * prices[1] && prices.iter().all(|&price| price > 0.0), "{answers}");
    assert_eq!(
        predict("city\tid\tsize\nSeoul\t7\t50.0\nBusan\tx\t50\n?\t1\tNA\n").lines().nth(1),
        answers.lines().nth(1)
    );

    for (text, message) in [
        ("size,town\n1,Seoul\n", "new.csv, header: expected a column 'city', as in training"),
        (
            "size,city\n1,Seoul\nbig,Jeju\n",
            "new.csv, line 3, column 'size': expected a number, as in training, found 'big'",
        ),
    ] {
        fs::write(folder.path().join("new.csv"), text).unwrap();
        let output = chainrule(&folder, &["predict", "run", "new.csv"]).assert().code(2).get_output().clone();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.starts_with(&format!("error: {message}")), "{error}");
    }
}

#[test]
fn rows_on_both_sides_of_the_split_are_counted() {
    let folder = TempDir::new().unwrap();
    let rows: String = (0..3000).map(|i| format!("{},{}\n", i % 5, i % 5 / 3)).collect();
    fs::write(folder.path().join("few.csv"), format!("a,b\n{rows}")).unwrap();
    let (_, told) = run(&folder, &["train", "few.csv", "--target", "b", "--epochs", "1"]);
    assert!(told.starts_with("warning: 600 of the 600 test rows stand in the training set too"), "{told}");
    assert!(
        told.contains(
            "warning: column 'a' alone tells the class of 99.8% of the rows, and without it 60.0% could be guessed"
        ),
        "{told}"
    );
}

#[test]
fn requests_that_cannot_be_met() {
    let folder = homes();
    for (flags, message) in [
        (&["--weights", "city"][..], "homes.csv, line 2, column 'city': expected a weight"),
        (&["--weights", "ww"], "homes.csv, weights: expected one of"),
        (&["--ignore", "price"], "homes.csv, ignore: expected a column other than the target"),
        (&["--category", "sise"], "homes.csv, category: expected one of"),
        (&["--delimiter", "xx"], "--delimiter: expected one character other than a quote, or tab, found 'xx'"),
        (&["--ignore", "id,key,city,size,copy,w"], "homes.csv: expected a column to learn from"),
    ] {
        let arguments = [&["train", "homes.csv", "--target", "price"], flags].concat();
        let output = chainrule(&folder, &arguments).assert().code(2).get_output().clone();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.starts_with(&format!("error: {message}")), "{error}");
    }
}
