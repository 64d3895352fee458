//! Against numbers from PyTorch, in float64, that `tools/torch_oracle.py` has stored.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected has failed")]

mod network;

use chainrule_engine::ops::{AvgPool, Conv2d, MaxPool};
use chainrule_engine::{
    Backend, Clock, Column, Cpu, Goal, Graph, OPTIMIZERS, Optimizer, Plan, Reference, Request, Rows, Shape, Var,
};
use serde_json::Value;

fn stored(file: &str) -> Value {
    let path = format!("{}/tests/oracle/{file}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn assert_close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (x, y)) in found.iter().zip(expected).enumerate() {
        assert!((x - y).abs() <= tolerance * y.abs().max(1.0), "{what}[{i}]: {x}, PyTorch {y}");
    }
}

/// The optimizer of that name and those settings.
fn descent(asked: &Value) -> Optimizer {
    let mut optimizer = Optimizer::named(text(&asked["name"])).unwrap();
    for (name, value) in
        asked.as_object().unwrap().iter().filter(|(name, _)| !["name", "rate"].contains(&name.as_str()))
    {
        *optimizer.number(name).unwrap() = value.as_f64().unwrap();
    }
    optimizer
}

/// The losses before each of 20 updates, and after them the parameters and the outputs in test form.
fn train<B: Backend>(backend: &B, network: &Value) -> (Vec<f64>, Vec<Vec<f64>>, Vec<Vec<f64>>) {
    let g = Graph::new();
    let words: Vec<&str> = network["layers"].as_array().unwrap().iter().map(text).collect();
    let x = g.input("x", shape(&network["input"]));
    let y = network::layers(&g, x, &words);
    let loss = match text(&network["loss"]) {
        "softmax_with_loss" => y.softmax_with_loss(g.label("t")),
        "smoothed_softmax_with_loss" => y.smoothed_softmax_with_loss(g.label("t"), 0.125),
        "mean_squared_error" => y.mean_squared_error(g.input("t", y.shape())),
        "mean_absolute_error" => y.mean_absolute_error(g.input("t", y.shape())),
        "huber_loss" => y.huber_loss(g.input("t", y.shape()), 0.25),
        "binary_cross_entropy" => y.binary_cross_entropy(g.input("t", y.shape())),
        loss => panic!("unknown loss {loss}"),
    };
    let optimizer = &network["optimizer"];
    let plan = g.update(loss.batch_mean(), descent(optimizer)).unwrap();
    let test = Graph::new();
    let y = network::tested(&test, test.input("x", shape(&network["input"])), &words);
    let test = test.predict(&[y]).unwrap();
    let mut arena = backend.allocate(&[&plan, &test], 16).unwrap();
    for parameter in network["parameters"].as_array().unwrap() {
        let span = plan.parameter(text(&parameter["name"])).unwrap();
        backend.write(&mut arena, span, &numbers(&parameter["values"]));
    }
    let batches = network["batches"].as_array().unwrap();
    let losses = (0..20u64).map(|step| {
        let batch = &batches[step as usize % batches.len()];
        let (x, t) = (numbers(&batch["x"]), numbers(&batch["t"]));
        let columns = [Column::F64(&x), Column::F64(&t)];
        let rate = optimizer["rate"].as_f64().unwrap();
        backend.run(&plan, &mut arena, &Rows::all(&plan, &columns).unwrap(), Clock { step, rate, seed: 0 });
        backend.read_number(&plan, &arena, plan.loss().unwrap())
    });
    let losses = losses.collect();
    let parameters = plan.parameters().iter().map(|p| backend.read_span(&arena, p.span)).collect();
    let outputs = batches.iter().map(|batch| {
        let x = numbers(&batch["x"]);
        backend.run(&test, &mut arena, &Rows::all(&test, &[Column::F64(&x)]).unwrap(), Clock::default());
        backend.read(&test, &arena, test.value(y).unwrap())
    });
    let outputs = outputs.collect();
    (losses, parameters, outputs)
}

fn assert_trains_as_pytorch<B: Backend>(backend: &B, file: &str, tolerance: f64) {
    for network in stored(file)["networks"].as_array().unwrap() {
        let (losses, parameters, outputs) = train(backend, network);
        let name = text(&network["name"]);
        assert_close(&format!("{name}: losses"), &losses, &numbers(&network["losses"]), tolerance);
        for (found, expected) in parameters.iter().zip(network["final_parameters"].as_array().unwrap()) {
            assert_close(&format!("{name}: parameters"), found, &numbers(expected), tolerance);
        }
        for (found, expected) in outputs.iter().zip(network["tested"].as_array().unwrap()) {
            assert_close(&format!("{name}: outputs in test form"), found, &numbers(expected), tolerance);
        }
    }
}

#[test]
fn twenty_losses_of_three_networks_on_reference() {
    assert_trains_as_pytorch(&Reference, "three_networks.json", 1e-9);
}

#[test]
fn twenty_losses_of_three_networks_on_cpu() {
    assert_trains_as_pytorch(&Cpu::new(2), "three_networks.json", 1e-4);
}

#[test]
fn twenty_steps_of_every_optimizer() {
    assert_trains_as_pytorch(&Reference, "optimizers.json", 1e-9);
    assert_trains_as_pytorch(&Cpu::new(2), "optimizers.json", 1e-4);
    let tried: Vec<Optimizer> =
        stored("optimizers.json")["networks"].as_array().unwrap().iter().map(|n| descent(&n["optimizer"])).collect();
    for entry in &OPTIMIZERS {
        assert!(tried.iter().any(|optimizer| optimizer.name() == entry.name), "{} is not among them", entry.name);
    }
}

#[test]
fn twenty_losses_of_a_convolutional_network() {
    assert_trains_as_pytorch(&Reference, "conv_network.json", 1e-9);
    assert_trains_as_pytorch(&Cpu::new(2), "conv_network.json", 1e-3);
}

/// Running statistics among the parameters, a batch of two and one of a single image.
#[test]
fn twenty_losses_of_networks_with_norms() {
    assert_trains_as_pytorch(&Reference, "norm_network.json", 1e-9);
    assert_trains_as_pytorch(&Cpu::new(2), "norm_network.json", 2e-3);
}

/// Branches, an embedding, and the losses that the others lack.
#[test]
fn twenty_losses_of_more_networks() {
    assert_trains_as_pytorch(&Reference, "more_networks.json", 1e-9);
    assert_trains_as_pytorch(&Cpu::new(2), "more_networks.json", 2e-3);
}

fn whole(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

fn shape(value: &Value) -> Shape {
    let axes: Vec<usize> = value.as_array().unwrap().iter().map(whole).collect();
    Shape::new(&axes).unwrap()
}

fn apply<'g>(case: &Value, x: &[Var<'g>]) -> Var<'g> {
    match text(&case["op"]) {
        "add" => x[0] + x[1],
        "sub" => x[0] - x[1],
        "mul" => x[0] * x[1],
        "div" => x[0] / x[1],
        "neg" => -x[0],
        "pow" => x[0].pow(case["exponent"].as_f64().unwrap()),
        "exp" => x[0].exp(),
        "ln" => x[0].ln(),
        "sin" => x[0].sin(),
        "cos" => x[0].cos(),
        "tanh" => x[0].tanh(),
        "sqrt" => x[0].sqrt(),
        "relu" => x[0].relu(),
        "sigmoid" => x[0].sigmoid(),
        "gelu" => x[0].gelu(),
        "silu" => x[0].silu(),
        "softplus" => x[0].softplus(),
        "leaky_relu" => x[0].leaky_relu(case["slope"].as_f64().unwrap()),
        "elu" => x[0].elu(case["alpha"].as_f64().unwrap()),
        "sum" => x[0].sum(),
        "mean" => x[0].mean(),
        "affine" => x[0].affine(x[1], x[2]),
        "matmul" => x[0].matmul(x[1]),
        "conv2d" => {
            let [stride, padding, dilation, groups] =
                ["stride", "padding", "dilation", "groups"].map(|name| whole(&case[name]));
            x[0].conv2d(x[1], x[2], Conv2d { stride, padding, dilation, groups })
        }
        "max_pool" => {
            let [size, stride, padding] = ["size", "stride", "padding"].map(|name| whole(&case[name]));
            x[0].max_pool(MaxPool { size, stride, padding })
        }
        "avg_pool" => {
            let [size, stride, padding] = ["size", "stride", "padding"].map(|name| whole(&case[name]));
            x[0].avg_pool(AvgPool { size, stride, padding })
        }
        "embedding" => x[0].embedding(x[1]),
        "concat" => x[0].concat(&x[1..]),
        "global_avg_pool" => x[0].global_avg_pool(),
        "layer_norm" => x[0].layer_norm(x[1], x[2], case["epsilon"].as_f64().unwrap()),
        "batch_norm" => x[0].batch_norm(x[1], x[2], case["epsilon"].as_f64().unwrap()).y,
        "normalise" => x[0].normalise(x[1], x[2], x[3], x[4], case["epsilon"].as_f64().unwrap()),
        "softmax" => x[0].softmax(),
        "softmax_with_loss" => x[0].softmax_with_loss(x[1]),
        "cross_entropy" => x[0].cross_entropy(x[1]),
        "mean_absolute_error" => x[0].mean_absolute_error(x[1]),
        "huber_loss" => x[0].huber_loss(x[1], case["delta"].as_f64().unwrap()),
        "binary_cross_entropy" => x[0].binary_cross_entropy(x[1]),
        "smoothed_softmax_with_loss" => x[0].smoothed_softmax_with_loss(x[1], case["smoothing"].as_f64().unwrap()),
        "weighted_softmax_with_loss" => {
            x[0].weighted_softmax_with_loss(x[1], x[2], case["smoothing"].as_f64().unwrap())
        }
        "mean_squared_error" => x[0].mean_squared_error(x[1]),
        op => panic!("unknown op {op}"),
    }
}

/// A value that may have rows, and what it holds.
fn leaf<'g>(g: &'g Graph, name: &str, shape: Shape, rows: &Value) -> Var<'g> {
    if rows.is_null() { g.parameter(name, shape) } else { g.input(name, shape) }
}

fn assert_op_is_pytorchs<B: Backend>(backend: &B, case: &Value, tolerance: f64) {
    let g = Graph::new();
    let inputs = case["inputs"].as_array().unwrap();
    let operands: Vec<Var<'_>> = inputs.iter().map(|x| leaf(&g, "x", shape(&x["shape"]), &x["rows"])).collect();
    let y = apply(case, &operands);
    let dy = leaf(&g, "dy", shape(&case["output_shape"]), &case["output_rows"]);
    // Σ y·dy over all rows has the derivative dy by y.
    let rows = case["output_rows"].as_f64().unwrap_or(1.0);
    let loss = (y * dy).sum().batch_mean() * rows;
    let expected = case["gradients"].as_array().unwrap();
    let has_gradient = |i: &usize| !numbers(&expected[*i]).is_empty();
    let request = Request {
        goal: Goal::Gradients,
        loss: Some(loss.id()),
        outputs: vec![y.id()],
        with_respect_to: (0..operands.len()).filter(has_gradient).map(|i| operands[i].id()).collect(),
        trace: false,
    };
    let plan = Plan::compile(&g, &request).unwrap();
    let mut arena = backend.allocate(&[&plan], 16).unwrap();

    let all = || inputs.iter().map(|x| (&x["rows"], &x["values"])).chain([(&case["output_rows"], &case["dy"])]);
    let wholes = all().filter(|(rows, _)| rows.is_null()).map(|(_, values)| numbers(values));
    for (parameter, values) in plan.parameters().iter().zip(wholes) {
        backend.write(&mut arena, parameter.span, &values);
    }
    let tables: Vec<Vec<f64>> = all().filter(|(rows, _)| !rows.is_null()).map(|(_, values)| numbers(values)).collect();
    let columns: Vec<Column<'_>> = tables.iter().map(|t| Column::F64(t)).collect();
    let rows = if columns.is_empty() { Rows::none() } else { Rows::all(&plan, &columns).unwrap() };
    backend.run(&plan, &mut arena, &rows, Clock::default());

    let op = text(&case["op"]);
    let found = backend.read(&plan, &arena, plan.value(y).unwrap());
    assert_close(op, &found, &numbers(&case["output"]), tolerance);
    for i in (0..operands.len()).filter(has_gradient) {
        let found = backend.read(&plan, &arena, plan.gradient(operands[i]).unwrap());
        assert_close(&format!("{op}: gradient {i}"), &found, &numbers(&expected[i]), tolerance);
    }
}

#[test]
fn ops_on_reference() {
    for case in stored("ops.json")["cases"].as_array().unwrap() {
        assert_op_is_pytorchs(&Reference, case, 1e-12);
    }
}

/// The logits of ±1000 among them.
#[test]
fn ops_on_cpu() {
    for case in stored("ops.json")["cases"].as_array().unwrap() {
        assert_op_is_pytorchs(&Cpu::new(1), case, 1e-5);
    }
}
