//! `chainrule diff`: values, derivatives both ways, the graph, the descent, and what it refuses.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use assert_cmd::Command;
use serde_json::Value;

fn diff(arguments: &[&str]) -> Command {
    let mut command = assert_cmd::cargo::cargo_bin_cmd!("chainrule");
    command.arg("diff").args(arguments);
    command
}

fn page(arguments: &[&str]) -> String {
    String::from_utf8(diff(arguments).assert().success().get_output().stdout.clone()).unwrap()
}

fn json(arguments: &[&str]) -> Value {
    let output = diff(arguments).arg("--json").output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What stderr says, with the status.
fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let output = diff(arguments).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn the_books_apples() {
    insta::assert_snapshot!(page(&["apple * count * tax", "--at", "apple=100,count=2,tax=1.1", "--h", "0.5"]), @"
    f = apple * count * tax
    f = 220 at apple = 100, count = 2, tax = 1.1

    derivative  by the chain rule  by definition  difference
    ∂f/∂apple                 2.2            2.2     1.7e-14
    ∂f/∂count                 110            110     1.4e-14
    ∂f/∂tax                   200            200           0

    graph: values go forward (→), derivatives of f come back (←)
    apple                   → 100  ← 2.2
    count                   → 2    ← 110
    v1     = apple * count  → 200  ← 1.1
    tax                     → 1.1  ← 200
    v2     = v1 * tax       → 220  ← 1
    ");
}

#[test]
fn apples_and_oranges_without_the_noise_of_the_last_bit() {
    let arguments = ["(사과*2 + 귤*3) * 소비세", "--at", "사과=100,귤=150,소비세=1.1"];
    let text = page(&arguments);
    assert!(text.contains("f = 715 at"), "{text}");
    assert!(text.contains("\nv2      = 귤 * 3       → 450  ← 1.1\n"), "{text}");
    let report = json(&arguments);
    assert!((report["value"].as_f64().unwrap() - 715.0).abs() < 1e-9);
    for (name, slope) in [("사과", 2.2), ("귤", 3.3), ("소비세", 650.0)] {
        assert!((report["gradient"][name].as_f64().unwrap() - slope).abs() < 1e-12, "{report}");
    }
}

#[test]
fn both_ways_agree_on_the_books_function() {
    for (x, slopes) in [([3.0, 4.0], [6.0, 8.0]), ([0.0, 2.0], [0.0, 4.0]), ([3.0, 0.0], [6.0, 0.0])] {
        let report = json(&["x0^2 + x1^2", "--at", &format!("x0={},x1={}", x[0], x[1])]);
        for (name, slope) in ["x0", "x1"].into_iter().zip(slopes) {
            assert!((report["gradient"][name].as_f64().unwrap() - slope).abs() < 1e-12, "{report}");
            assert!((report["numerical"][name].as_f64().unwrap() - slope).abs() < 1e-7, "{report}");
        }
    }
}

#[test]
fn every_node_has_its_value_and_its_derivative() {
    let report = json(&["sin(x)^2 + sin(x)", "--at", "x=0.5"]);
    let nodes: Vec<String> = report["graph"].as_array().unwrap().iter().map(|node| node["node"].to_string()).collect();
    assert_eq!(nodes, ["\"x\"", "\"v1\"", "\"v2\"", "\"v3\""], "sin(x) is one node");
    let sine = &report["graph"][1];
    assert_eq!((&sine["operation"], &sine["operands"][0]), (&"sin".into(), &"x".into()));
    // Used twice, so its derivatives are summed: 2 sin x + 1.
    assert!((sine["derivative"].as_f64().unwrap() - (2.0 * 0.5f64.sin() + 1.0)).abs() < 1e-12);
}

#[test]
fn descent_ends_at_the_lowest_point() {
    let arguments = ["x0^2 + x1^2", "--at", "x0=-3,x1=4", "--descend", "--rate", "0.1", "--steps", "100"];
    let descent = &json(&arguments)["descent"];
    for name in ["x0", "x1"] {
        assert!(descent["end"]["at"][name].as_f64().unwrap().abs() < 1e-8, "{descent}");
    }
    assert_eq!(descent["path"].as_array().unwrap().len(), 11);
    assert!(page(&arguments).contains("\nended after 100 steps at x0 = -6.111107929e-10, x1 = 8.148143905e-10: f = "));
}

#[test]
fn a_descent_that_diverges_says_so() {
    let arguments = ["x^2", "--at", "x=1", "--descend", "--rate", "10", "--steps", "1000"];
    let why = "error: descent diverged: after 121 steps the value is inf; try a rate below 10\n";
    assert_eq!(refused(&arguments), (Some(1), why.to_owned()));
}

#[test]
fn what_is_not_finite_is_named() {
    let why = "error: not finite: the value of v1 = ln(x) is NaN\n";
    assert_eq!(refused(&["y * ln(x)", "--at", "x=-1,y=2"]), (Some(1), why.to_owned()));
    let why = "error: not finite: the derivative by x is inf\n";
    assert_eq!(refused(&["sqrt(x)", "--at", "x=0"]), (Some(1), why.to_owned()));
    let report = json(&["ln(x)", "--at", "x=-1"]);
    assert!(report["value"].is_null() && report["not_finite"].is_string(), "{report}");
}

#[test]
fn a_kink_is_explained() {
    assert!(page(&["relu(x)", "--at", "x=0"]).contains("They differ where f bends sharply"));
    assert!(!page(&["relu(x)", "--at", "x=1"]).contains("They differ"));
}

#[test]
fn a_number_is_a_function_too() {
    assert!(page(&["2 * 3"]).starts_with("f = 2 * 3\nf = 6\n\ngraph"));
    assert!(page(&["f + 1", "--at", "f=3"]).starts_with("g = f + 1\ng = 4 at f = 3\n"));
    assert!(page(&["-x^2", "--at", "x=-3"]).starts_with("f = -x^2\nf = -9 at x = -3\n"));
}

#[test]
fn mistakes_are_shown_where_they_are() {
    let lines = "error: expression, column 6: expected a number, a variable, a function or '(', found '$'\n  사과 * $\n         ^\n";
    assert_eq!(refused(&["사과 * $"]), (Some(2), lines.to_owned()));
    for (arguments, message) in [
        (&["sni(x)"][..], "found 'sni'\n  sni(x)\n  ^\n  hint: did you mean sin?"),
        (&["x*y", "--at", "x=1"], "--at: expected a number for 'y', found none"),
        (&["x", "--at", "x=1,z=2"], "--at: expected variables of the expression ('x'), found 'z'"),
        (&["x", "--at", "x=one"], "--at: expected a finite number for 'x', found 'one'"),
        (&["x", "--at", "x=1,x=2"], "--at: expected each variable once, found 'x' twice"),
        (&["x", "--at", "x=1", "--h", "0"], "--h: expected a finite number above 0, found '0'"),
        (&["x", "--at", "x=1", "--descend", "--rate", "-1"], "--rate: expected a finite number above 0, found '-1'"),
        (&["2", "--descend"], "--descend: expected an expression of variables, found no variable"),
        (&["x", "--at", "x=1", "--rate", "1"], "--descend"),
    ] {
        let (code, error) = refused(arguments);
        assert_eq!(code, Some(2), "{arguments:?}");
        assert!(error.contains(message), "{arguments:?}: {error}");
    }
}
