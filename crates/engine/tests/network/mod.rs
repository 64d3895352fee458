//! A chain of layers from words, as the tests write them.
#![allow(dead_code, reason = "each test file takes what it needs")]

use chainrule_engine::{Graph, Plan, Rule, Var};

/// Builds `words` ("affine:5", "relu", …) on x; parameters are named by the place of their word.
pub(crate) fn layers<'g>(g: &'g Graph, x: Var<'g>, words: &[&str]) -> Var<'g> {
    let mut y = x;
    for (place, word) in words.iter().enumerate() {
        y = match word.split_once(':') {
            Some(("affine", n)) => {
                let (k, n) = (y.shape().len(), n.parse().unwrap());
                y.affine(g.parameter(&format!("{place}.weight"), [k, n]), g.parameter(&format!("{place}.bias"), [n]))
            }
            None if *word == "relu" => y.relu(),
            None if *word == "tanh" => y.tanh(),
            None if *word == "sigmoid" => y.sigmoid(),
            _ => panic!("unknown word {word}"),
        };
    }
    y
}

/// One training step of a classifier.
pub(crate) fn classifier(input: usize, words: &[&str], rule: Rule) -> Plan {
    let g = Graph::new();
    let (x, t) = (g.input("x", [input]), g.label("t"));
    g.update(layers(&g, x, words).softmax_with_loss(t).batch_mean(), rule).unwrap()
}

/// Numbers in (−½, ½), evenly spread and never equal: the golden ratio's multiples.
pub(crate) fn numbers(start: f64, len: usize) -> Vec<f64> {
    (0..len).map(|i| (start + i as f64 * 0.618_033_988_749_895).fract() - 0.5).collect()
}
