//! A chain of layers from words, as the tests write them.
#![allow(dead_code, reason = "each test file takes what it needs")]

use chainrule_engine::ops::{AvgPool, Conv2d, MaxPool};
use chainrule_engine::{Follow, Graph, Optimizer, Plan, Shape, Var};

/// Builds `words` ("affine:5", "relu", "conv2d:4@3,padding=1", "max_pool:2", …) on x; parameters are named by the place
/// of their word.
pub(crate) fn layers<'g>(g: &'g Graph, x: Var<'g>, words: &[&str]) -> Var<'g> {
    build(g, x, words, false)
}

/// The same in the form of a test, where that is another.
pub(crate) fn tested<'g>(g: &'g Graph, x: Var<'g>, words: &[&str]) -> Var<'g> {
    build(g, x, words, true)
}

fn build<'g>(g: &'g Graph, x: Var<'g>, words: &[&str], test: bool) -> Var<'g> {
    let mut y = x;
    // Of each word that opens: itself, what goes in, and what its branches gave.
    let mut open: Vec<(&str, Var<'g>, Vec<Var<'g>>)> = Vec::new();
    for (place, word) in words.iter().enumerate() {
        let parameter = |name: &str, axes: &[usize]| g.parameter(&format!("{place}.{name}"), Shape::new(axes).unwrap());
        y = match word.split_once(':') {
            Some(("affine", n)) => {
                let (k, n) = (y.shape().len(), n.parse().unwrap());
                y.flatten().affine(parameter("weight", &[k, n]), parameter("bias", &[n]).without_decay())
            }
            Some(("conv2d", rest)) => {
                let (outputs, rest) = rest.split_once('@').unwrap();
                let (o, k) = (outputs.parse().unwrap(), size(rest));
                let groups = option(rest, "groups", 1);
                let w = parameter("weight", &[o, y.shape().axes()[0] / groups, k, k]);
                let (stride, padding) = (option(rest, "stride", 1), option(rest, "padding", 0));
                y.conv2d(w, parameter("bias", &[o]).without_decay(), Conv2d { stride, padding, dilation: 1, groups })
            }
            Some(("max_pool", rest)) => {
                let (stride, padding) = (option(rest, "stride", size(rest)), option(rest, "padding", 0));
                y.max_pool(MaxPool { size: size(rest), stride, padding })
            }
            Some(("avg_pool", rest)) => {
                let (stride, padding) = (option(rest, "stride", size(rest)), option(rest, "padding", 0));
                y.avg_pool(AvgPool { size: size(rest), stride, padding })
            }
            Some(("embedding", rest)) => {
                let (rows, width) = rest.split_once('@').unwrap();
                y.embedding(parameter("weight", &[rows.parse().unwrap(), width.parse().unwrap()]))
            }
            None if word.ends_with('(') => {
                open.push((word, y, Vec::new()));
                y
            }
            None if *word == "|" => {
                let (_, input, branches) = open.last_mut().unwrap();
                branches.push(y);
                *input
            }
            None if *word == ")" => match open.pop().unwrap() {
                ("residual(", input, _) => input + y,
                (_, _, branches) => {
                    let all = [&branches[..], &[y]].concat();
                    all[0].concat(&all[1..])
                }
            },
            None if *word == "flatten" => y.flatten(),
            None if *word == "leaky_relu" => y.leaky_relu(0.01),
            None if *word == "softplus" => y.softplus(),
            None if *word == "softmax" => y.softmax(),
            None if *word == "global_avg_pool" => y.global_avg_pool(),
            None if *word == "layer_norm" => {
                let shape = y.shape();
                y.layer_norm(parameter("weight", shape.axes()), parameter("bias", shape.axes()), 1e-5)
            }
            None if *word == "batch_norm" => {
                let each = [y.shape().axes()[0]];
                let [gamma, beta, mean, variance] = ["weight", "bias", "mean", "variance"].map(|n| parameter(n, &each));
                if test {
                    y.normalise(mean, variance, gamma, beta, 1e-5)
                } else {
                    let norm = y.batch_norm(gamma, beta, 1e-5);
                    let follow = |parameter: Var<'g>, value: Var<'g>, variance_of| {
                        g.follow(Follow { parameter: parameter.id(), value: value.id(), share: 0.1, variance_of });
                    };
                    follow(mean, norm.mean, None);
                    follow(variance, norm.variance, Some(y.shape().len() / each[0]));
                    norm.y
                }
            }
            None if *word == "gelu" => y.gelu(),
            None if *word == "silu" => y.silu(),
            None if *word == "elu" => y.elu(1.0),
            None if *word == "relu" => y.relu(),
            None if *word == "tanh" => y.tanh(),
            None if *word == "sigmoid" => y.sigmoid(),
            _ => panic!("unknown word {word}"),
        };
    }
    y
}

/// The number before the first comma.
fn size(rest: &str) -> usize {
    rest.split(',').next().unwrap().parse().unwrap()
}

/// The number of `name=number` among the parts between commas.
fn option(rest: &str, name: &str, usual: usize) -> usize {
    let value = rest.split(',').filter_map(|part| part.split_once('=')).find(|(key, _)| *key == name);
    value.map_or(usual, |(_, value)| value.parse().unwrap())
}

/// One training step of a classifier.
pub(crate) fn classifier(input: usize, words: &[&str], optimizer: Optimizer) -> Plan {
    let g = Graph::new();
    let (x, t) = (g.input("x", [input]), g.label("t"));
    g.update(layers(&g, x, words).softmax_with_loss(t).batch_mean(), optimizer).unwrap()
}

/// Numbers in (−½, ½), evenly spread and never equal: the golden ratio's multiples.
pub(crate) fn numbers(start: f64, len: usize) -> Vec<f64> {
    (0..len).map(|i| (start + i as f64 * 0.618_033_988_749_895).fract() - 0.5).collect()
}
