//! A plan's listing, held as it is read.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected has failed")]

mod network;

use chainrule_engine::{Graph, Rule};

#[test]
fn one_training_step_of_the_books_network() {
    let plan = network::classifier(784, &["affine:50", "relu", "affine:10"], Rule::Sgd.into());
    insta::assert_snapshot!(plan);
}

#[test]
fn prediction_only_goes_forward() {
    let g = Graph::new();
    let y = network::layers(&g, g.input("x", [784]), &["affine:50", "sigmoid", "affine:10"]).softmax();
    insta::assert_snapshot!(g.predict(&[y]).unwrap());
}

#[test]
fn the_books_apples() {
    let g = Graph::new();
    let (apple, count, tax) = (g.parameter("apple", []), g.parameter("count", []), g.parameter("tax", []));
    insta::assert_snapshot!(g.gradients(apple * count * tax).unwrap());
}

#[test]
fn texts_stand_beside_the_calls() {
    let plan = network::classifier(4, &["affine:3"], Rule::Sgd.into());
    let calls = plan.lines().count();
    let texts: Vec<String> = (0..calls).map(|call| format!("{} µs", 10 * call)).collect();
    let page = plan.listing(&texts).to_string();
    let lines: Vec<&str> = page.lines().filter(|line| line.contains(" µs  ")).collect();
    assert_eq!(lines.len(), calls, "{page}");
    assert!(lines[0].starts_with("   0   0 µs  x[4]   "), "{page}");
    assert!(lines[1].starts_with("   1  10 µs  t[]    "), "{page}");
    assert_eq!(plan.listing(&[]).to_string(), plan.to_string());
}
