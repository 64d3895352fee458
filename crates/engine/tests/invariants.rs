//! The invariants of the design that concern the engine, each by a test that can fail.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected has failed")]

mod network;

use std::path::{Path, PathBuf};

use chainrule_engine::{
    Backend, Clock, Column, Cpu, CpuArena, Goal, Graph, Plan, Reference, Request, Rows, Rule, Shape,
};

fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The code lines of a source: no comments, nothing from its tests on.
fn code(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(str::trim).take_while(|line| *line != "#[cfg(test)]");
    lines.filter(|line| !line.starts_with("//"))
}

/// Invariant 1.
#[test]
fn the_engine_opens_no_file_and_unsafe_stays_in_cpu() {
    for (path, text) in sources(&crates().join("engine/src")) {
        for line in code(&text) {
            let io = ["std::fs", "std::io", "File::", "println!", "eprintln!", "print!", "std::process"];
            assert!(!io.iter().any(|word| line.contains(word)), "{}: {line}", path.display());
        }
    }
    for part in ["engine/src", "learn/src", "cli/src"] {
        for (path, text) in sources(&crates().join(part)) {
            if !path.starts_with(crates().join("engine/src/cpu")) {
                let found = code(&text).find(|line| line.contains("unsafe ") || line.contains("unsafe{"));
                assert_eq!(found, None, "{}", path.display());
            }
        }
    }
    for (path, text) in sources(&crates().join("learn/src")) {
        let found = code(&text).find(|line| line.contains("println!") || line.contains("process::exit"));
        assert_eq!(found, None, "{}", path.display());
    }
}

/// Invariant 2.
#[test]
fn derivatives_are_summed_in_the_chain_rule_alone() {
    for (path, text) in sources(&crates().join("engine/src/ops")) {
        let mut backward = false;
        for line in code(&text) {
            backward = (backward || line.contains("fn backward")) && line != "}";
            let sums = ["k.add(", "k.sum_rows(", "k.sum_elements(", "Zip::Add"];
            assert!(!(backward && sums.iter().any(|s| line.contains(s))), "{}: {line}", path.display());
        }
    }
    // And it does sum them: ∂(x·x + x)/∂x = 2x + 1.
    let g = Graph::new();
    let x = g.parameter("x", []);
    let plan = g.gradients(x * x + x).unwrap();
    let backend = Reference;
    let mut arena = backend.allocate(&[&plan], 0).unwrap();
    backend.write(&mut arena, plan.parameter("x").unwrap(), &[5.0]);
    backend.run(&plan, &mut arena, &Rows::none(), Clock::default());
    assert_eq!(backend.read(&plan, &arena, plan.gradient(x).unwrap()), [11.0]);
}

/// A small classifier with a plan to train and one to evaluate, and some data.
struct Bench {
    update: Plan,
    evaluate: Plan,
    x: Vec<f32>,
    labels: Vec<u32>,
}

impl Bench {
    fn new() -> Bench {
        Bench::of([150].into(), &["affine:90", "relu", "affine:33", "sigmoid", "affine:7"])
    }

    /// Of images so large that only a few rows at a time go through the calls between products.
    fn images() -> Bench {
        let words =
            ["conv2d:16@3,padding=1", "relu", "max_pool:2", "conv2d:8@3,padding=1", "tanh", "affine:20", "relu"];
        Bench::of([1, 8, 13].into(), &[&words[..], &["affine:7"]].concat())
    }

    fn of(input: Shape, words: &[&str]) -> Bench {
        let g = Graph::new();
        let (x, t) = (g.input("x", input), g.label("t"));
        let y = network::layers(&g, x, words);
        let loss = y.softmax_with_loss(t).batch_mean();
        let evaluate = Request { goal: Goal::Loss, loss: Some(loss.id()), outputs: vec![y.id()], ..Request::default() };
        Bench {
            update: g.update(loss, Rule::named("adam").unwrap()).unwrap(),
            evaluate: Plan::compile(&g, &evaluate).unwrap(),
            x: network::numbers(0.1, input.len() * 300).iter().map(|&x| x as f32).collect(),
            labels: (0..300).map(|i| i * i % 7).collect(),
        }
    }

    /// Twenty steps; the state's bits, and the last loss.
    fn train(&self, backend: &Cpu, evaluating: bool) -> (Vec<u32>, f64) {
        let (arena, loss) = self.train_on(backend, evaluating);
        (bits(&arena), loss)
    }

    fn train_on<B: Backend>(&self, backend: &B, evaluating: bool) -> (B::Arena, f64) {
        let mut arena = backend.allocate(&[&self.update, &self.evaluate], 300).unwrap();
        for (n, parameter) in self.update.parameters().iter().enumerate() {
            let values = network::numbers(n as f64 * 0.37, parameter.span.len);
            backend.write(&mut arena, parameter.span, &values);
        }
        let columns = [Column::F32(&self.x), Column::U32(&self.labels)];
        let index: Vec<u32> = (0..300).map(|i| i * 7 % 300).collect();
        let mut loss = 0.0;
        for (step, batch) in index.chunks(64).cycle().take(20).enumerate() {
            let rows = Rows::pick(&self.update, &columns, batch).unwrap();
            backend.run(&self.update, &mut arena, &rows, Clock { step: step as u64, rate: 0.01, seed: 1 });
            loss = backend.read_number(&self.update, &arena, self.update.loss().unwrap());
            if evaluating {
                let all = Rows::all(&self.evaluate, &columns).unwrap();
                backend.run(&self.evaluate, &mut arena, &all, Clock::default());
                assert!(backend.read_number(&self.evaluate, &arena, self.evaluate.loss().unwrap()).is_finite());
            }
        }
        (arena, loss)
    }
}

fn bits(arena: &CpuArena) -> Vec<u32> {
    arena.state().iter().map(|x| x.to_bits()).collect()
}

/// Invariant 4.
#[test]
fn evaluating_between_steps_changes_no_bit() {
    let bench = Bench::new();
    let backend = Cpu::new(2);
    assert_eq!(bench.train(&backend, false), bench.train(&backend, true));
}

/// Invariant 4: parameters, then the optimizer's memory, and the same place in each plan of a graph.
#[test]
fn parameters_come_first_in_every_plan() {
    let bench = Bench::new();
    let spans = |plan: &Plan| plan.parameters().iter().map(|p| p.span).collect::<Vec<_>>();
    assert_eq!(spans(&bench.update), spans(&bench.evaluate));
    assert_eq!(spans(&bench.update)[0].offset, 0);
    let layout = bench.update.layout();
    assert_eq!(layout.memory, 2 * layout.parameters, "Adam remembers two numbers for each");
    assert_eq!(bench.evaluate.layout().memory, 0);
}

/// Invariant 5.
#[test]
fn any_number_of_threads_gives_the_same_bits() {
    for bench in [Bench::new(), Bench::images()] {
        let one = bench.train(&Cpu::new(1), false);
        for threads in [2, 3, 8] {
            assert_eq!(bench.train(&Cpu::new(threads), false), one, "{threads} threads");
        }
    }
}

/// Chunks, passes and shared memory change no number: twenty steps end where the naive loops do.
#[test]
fn training_ends_where_the_reference_does() {
    for bench in [Bench::new(), Bench::images()] {
        let (_, expected) = bench.train_on(&Reference, false);
        for threads in [1, 3] {
            let (_, loss) = bench.train_on(&Cpu::new(threads), false);
            assert!((loss - expected).abs() < 1e-4, "{threads} threads: {loss}, reference {expected}");
        }
    }
}

/// A plan holds no batch size: rows one by one give the same bits as all together.
#[test]
fn a_row_alone_is_a_row_in_a_batch() {
    let bench = Bench::new();
    let g = Graph::new();
    let x = g.input("x", [150]);
    let y = network::layers(&g, x, &["affine:90", "relu", "affine:33", "sigmoid", "affine:7"]).softmax();
    let plan = g.predict(&[y]).unwrap();
    let backend = Cpu::new(2);
    let mut arena = backend.allocate(&[&plan], 300).unwrap();
    for (n, parameter) in plan.parameters().iter().enumerate() {
        backend.write(&mut arena, parameter.span, &network::numbers(n as f64 * 0.37, parameter.span.len));
    }
    let columns = [Column::F32(&bench.x)];
    backend.run(&plan, &mut arena, &Rows::all(&plan, &columns).unwrap(), Clock::default());
    let together = arena.slice(&plan, plan.value(y).unwrap()).to_vec();
    for row in [0u32, 1, 150, 299] {
        let index = [row];
        backend.run(&plan, &mut arena, &Rows::pick(&plan, &columns, &index).unwrap(), Clock::default());
        let alone = arena.slice(&plan, plan.value(y).unwrap());
        assert_eq!(alone, &together[row as usize * 7..][..7], "row {row}");
    }
}
