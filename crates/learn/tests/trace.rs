//! One example through the book's network, node by node, as PyTorch has it: `tools/trace_oracle.py` made the numbers.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use chainrule::{Cells, Dataset, Encoding, Loss, Predictor, Target, Tensor, Trace};
use serde_json::Value;

fn image(label: u32) -> Dataset {
    Dataset {
        // Ten more rows, one a class, so that the right one has to be found.
        cells: Cells::U8 {
            cells: std::iter::repeat_n(7, 7840).chain((0..784).map(|i| (i * 29 % 251) as u8)).collect(),
            scale: 1.0 / 256.0,
        },
        shape: vec![784],
        image: None,
        columns: Vec::new(),
        target: Target::Classes {
            labels: (0..10).chain([label]).collect(),
            names: (0..10).map(|class| class.to_string()).collect(),
        },
        weights: None,
        keys: chainrule::Keys::default(),
        source: "an image".to_owned(),
    }
}

fn parameter(name: &str, shape: &[usize], step: usize, most: usize) -> Tensor {
    let value = |i: usize| ((i * step % most) as f32 - (most / 2) as f32) / 1024.0;
    let count = shape.iter().product();
    Tensor { name: name.to_owned(), shape: shape.to_vec(), values: (0..count).map(value).collect() }
}

fn predictor(data: &Dataset) -> Predictor {
    let tensors = vec![
        parameter("0.weight", &[784, 50], 37, 257),
        parameter("0.bias", &[50], 11, 101),
        parameter("2.weight", &[50, 10], 53, 211),
        parameter("2.bias", &[10], 7, 31),
    ];
    let encoding = Encoding::fit(data, &(0..11).collect::<Vec<_>>(), false).unwrap();
    let model = "affine:50 relu affine:10".parse().unwrap();
    Predictor::new(model, encoding, Loss::SoftmaxCrossEntropy { smoothing: 0.0 }, tensors).unwrap()
}

fn traced() -> (Trace, Value) {
    let oracle: Value = serde_json::from_str(include_str!("oracle/trace.json")).unwrap();
    let data = image(oracle["label"].as_u64().unwrap() as u32);
    (predictor(&data).trace(&data, 10).unwrap(), oracle)
}

/// Of a matrix the sums of its columns and of its rows.
fn few(numbers: &[f64], shape: &[usize]) -> Vec<f64> {
    let &[_, columns] = shape else { return numbers.to_vec() };
    let sum = |column: usize| numbers.iter().skip(column).step_by(columns).sum();
    (0..columns).map(sum).chain(numbers.chunks(columns).map(|row| row.iter().sum())).collect()
}

#[test]
fn values_and_gradients_are_those_of_pytorch() {
    let (trace, oracle) = traced();
    assert!((trace.loss - oracle["loss"].as_f64().unwrap()).abs() < 1e-9, "{}", trace.loss);
    let nodes = oracle["nodes"].as_object().unwrap();
    assert_eq!(nodes.len(), 9);
    for (name, expected) in nodes {
        let node = trace.nodes.iter().find(|node| node.name == *name).unwrap_or_else(|| panic!("no node {name}"));
        for (of, found) in [("value", Some(&node.value)), ("gradient", node.gradient.as_ref())] {
            let Some(expected) = expected[of].as_array() else { continue };
            let found = few(found.unwrap(), &node.shape);
            assert_eq!(found.len(), expected.len(), "{name} {of}");
            for (found, expected) in found.iter().zip(expected) {
                let expected = expected.as_f64().unwrap();
                assert!((found - expected).abs() <= 1e-6 * expected.abs().max(1.0), "{name} {of}: {found} {expected}");
            }
        }
    }
}

/// dz = dy · relu′(x), then dx = dz · Wᵀ: the factors along every way from a hidden unit to a pixel, multiplied and summed, are the
/// gradient that is shown.
#[test]
fn the_product_of_local_derivatives_along_a_path_is_the_gradient() {
    let (trace, _) = traced();
    let node = |name: &str| trace.nodes.iter().find(|node| node.name == name).unwrap();
    let gradient = |name: &str| node(name).gradient.clone().unwrap();
    let (before, weights) = (node("0.affine").value.clone(), node("0.weight").value.clone());
    let (back, pixels) = (gradient("1.relu"), gradient("x"));
    for (pixel, found) in pixels.iter().enumerate() {
        let way = |unit: usize| back[unit] * f64::from(u8::from(before[unit] > 0.0)) * weights[pixel * 50 + unit];
        let sum: f64 = (0..50).map(way).sum();
        assert!((found - sum).abs() < 1e-12, "pixel {pixel}: {found} {sum}");
    }
}

#[test]
fn what_has_no_derivative_says_so_and_rows_are_counted() {
    let (trace, oracle) = traced();
    let t = trace.nodes.iter().find(|node| node.name == "t").unwrap();
    assert_eq!((&*t.value, &t.gradient), (&[oracle["label"].as_f64().unwrap()][..], &None));
    let data = image(3);
    let e = predictor(&data).trace(&data, 11).unwrap_err();
    assert_eq!((&*e.expected, &*e.found), ("a row from 1 to 11", "12"));
    let without = Dataset { target: Target::None, ..data.clone() };
    assert_eq!(predictor(&data).trace(&without, 0).unwrap_err().expected, "a target to judge by");
}

/// At every node what comes back from each use, the user's gradient times its local derivative, sums to the gradient: so the products
/// along all ways do.
#[test]
fn at_every_node_the_factors_make_the_gradient() {
    let data = image(3);
    let encoding = Encoding::fit(&data, &(0..11).collect::<Vec<_>>(), false).unwrap();
    let model = "affine:5 residual( affine:5 tanh ) concat( relu | sigmoid ) affine:10".parse().unwrap();
    let tensors = vec![
        parameter("0.weight", &[784, 5], 37, 257),
        parameter("0.bias", &[5], 11, 101),
        parameter("2.weight", &[5, 5], 53, 911),
        parameter("2.bias", &[5], 7, 331),
        parameter("10.weight", &[10, 10], 31, 997),
        parameter("10.bias", &[10], 5, 13),
    ];
    let predictor = Predictor::new(model, encoding, Loss::SoftmaxCrossEntropy { smoothing: 0.1 }, tensors).unwrap();
    let nodes = predictor.trace(&data, 10).unwrap().nodes;
    let mut checked = 0;
    for (at, node) in nodes.iter().enumerate() {
        let Some(gradient) = &node.gradient else { continue };
        let mut sum = vec![0.0; gradient.len()];
        let mut all = true;
        let mut uses = 0;
        for user in nodes.iter().filter(|user| user.gradient.is_some()) {
            for (place, _) in user.operands.iter().enumerate().filter(|&(_, &operand)| operand == at) {
                let Some(local) = &user.local[place] else {
                    all = false;
                    continue;
                };
                uses += 1;
                for (row, dy) in user.gradient.iter().flatten().enumerate() {
                    let row = &local[row * gradient.len()..];
                    sum.iter_mut().zip(row).for_each(|(sum, factor)| *sum += dy * factor);
                }
            }
        }
        if all && uses > 0 {
            let close = gradient.iter().zip(&sum).all(|(a, b)| (a - b).abs() <= 1e-12 * a.abs().max(1e-3));
            assert!(close, "{}: {gradient:?} {sum:?}", node.name);
            checked += 1;
        }
    }
    assert!(checked >= 10, "only {checked} of {}", nodes.len());
}
