//! Times one training step, or one batch of predictions: the benchmark's side of chainrule.
//!
//! ```text
//! step_time [--case book|tabular|wide|deep|convnet] [--mlp 784-50-10 --batch 100 --optimizer sgd]
//!           [--goal update|predict] [--seconds 3] [--threads N] [--instructions avx2]
//! ```
//!
//! A step draws a fresh random mini-batch from 10,000 resident rows, goes forward and back, and
//! updates. A prediction draws such a batch and goes forward to the probabilities. Printed: one JSON
//! object with the median in microseconds.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::exit, reason = "a program")]

use std::time::{Duration, Instant};

use chainrule_engine::{Backend, Clock, Column, Cpu, Graph, Rows, Rule, Var, ops};

const RESIDENT: usize = 10_000;
/// The sizes of `convnet` are those of its dense layers: conv16, pool, conv32, pool stand before them.
const CASES: [(&str, &str, usize, &str); 5] = [
    ("book", "784-50-10", 100, "sgd"),
    ("tabular", "28-64-64-2", 256, "adam"),
    ("wide", "784-1024-1024-10", 128, "adam"),
    ("deep", "784-100-100-100-100-100-100-10", 100, "adam"),
    ("convnet", "1568-128-10", 64, "adam"),
];

/// SplitMix64: enough for synthetic data.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> u32 {
        (((self.next() >> 32) * n as u64) >> 32) as u32
    }

    /// About normal: the sum of four uniform numbers, with variance 1.
    fn normal(&mut self) -> f32 {
        let unit = |bits: u64| (bits >> 40) as f32 / (1u64 << 24) as f32;
        let sum: f32 = (0..4).map(|_| unit(self.next())).sum();
        (sum - 2.0) * 3f32.sqrt()
    }
}

struct Asked {
    case: String,
    sizes: Vec<usize>,
    batch: usize,
    optimizer: Rule,
    predict: bool,
    seconds: f64,
    threads: usize,
    instructions: String,
}

fn asked() -> Result<Asked, String> {
    let mut case = "book".to_owned();
    let (mut sizes, mut batch, mut optimizer, mut seconds) = (String::new(), 0, String::new(), 3.0);
    let mut threads = std::thread::available_parallelism().map_or(1, Into::into);
    let mut instructions = Cpu::instruction_sets()[0].to_owned();
    let mut predict = false;
    let mut words = std::env::args().skip(1);
    while let Some(flag) = words.next() {
        let value = words.next().ok_or(format!("{flag}: expected a value"))?;
        let wrong = |_| format!("{flag}: expected a number, found '{value}'");
        match flag.as_str() {
            "--case" => case = value,
            "--mlp" => sizes = value,
            "--batch" => batch = value.parse().map_err(wrong)?,
            "--optimizer" => optimizer = value,
            "--goal" => {
                predict = match value.as_str() {
                    "update" => false,
                    "predict" => true,
                    _ => return Err(format!("--goal: expected update or predict, found '{value}'")),
                }
            }
            "--seconds" => seconds = value.parse().map_err(|_| format!("{flag}: expected a number, found {value}"))?,
            "--instructions" => instructions = value,
            "--threads" => threads = value.parse().map_err(wrong)?,
            _ => return Err(format!("unknown flag {flag}")),
        }
    }
    if sizes.is_empty() {
        let (_, s, b, o) = CASES.iter().find(|(name, ..)| *name == case).ok_or(format!("unknown case '{case}'"))?;
        (sizes, batch, optimizer) = ((*s).to_owned(), *b, (*o).to_owned());
    } else {
        case = format!("{sizes} x{batch} {}", if predict { "predict" } else { &optimizer });
    }
    let sizes: Option<Vec<usize>> = sizes.split('-').map(|n| n.parse().ok().filter(|&n| n > 0)).collect();
    let sizes = sizes.filter(|s| s.len() > 1).ok_or("--mlp: expected sizes such as 784-50-10")?;
    if optimizer.is_empty() && predict {
        optimizer = "sgd".to_owned();
    }
    let optimizer = Rule::named(&optimizer).ok_or(format!("unknown optimizer '{optimizer}'"))?;
    if batch == 0 || batch > RESIDENT {
        return Err(format!("--batch: expected 1 to {RESIDENT}, found {batch}"));
    }
    Ok(Asked { case, sizes, batch, optimizer, predict, seconds, threads, instructions })
}

/// A convolution 3 × 3 that keeps the size, ReLU, and a pool that halves it.
fn conv<'g>(g: &'g Graph, x: Var<'g>, n: usize, [from, to]: [usize; 2]) -> Var<'g> {
    let w = g.parameter(&format!("conv{n}.weight"), [to, from, 3, 3]);
    let b = g.parameter(&format!("conv{n}.bias"), [to]);
    let same = ops::Conv2d { padding: 1, ..ops::Conv2d::default() };
    x.conv2d(w, b, same).relu().max_pool(ops::MaxPool::new(2))
}

fn measure(asked: &Asked) -> Result<(f64, usize), Box<dyn std::error::Error>> {
    let g = Graph::new();
    let t = g.label("t");
    let (mut y, width) = if asked.case == "convnet" {
        (conv(&g, conv(&g, g.input("x", [1, 28, 28]), 1, [1, 16]), 2, [16, 32]).flatten(), 784)
    } else {
        (g.input("x", [asked.sizes[0]]), asked.sizes[0])
    };
    let layers = asked.sizes.len() - 1;
    for (n, size) in asked.sizes.windows(2).enumerate() {
        let w = g.parameter(&format!("{n}.weight"), [size[0], size[1]]);
        y = y.affine(w, g.parameter(&format!("{n}.bias"), [size[1]]));
        if n + 1 < layers {
            y = y.relu();
        }
    }
    let probability = y.softmax();
    let plan = if asked.predict {
        g.predict(&[probability])?
    } else {
        g.update(y.softmax_with_loss(t).batch_mean(), asked.optimizer)?
    };
    let answer = plan.value(probability).filter(|_| asked.predict);
    let named = Cpu::of(&asked.instructions, asked.threads);
    let sets = Cpu::instruction_sets().join(", ");
    let backend = named.ok_or(format!("--instructions: expected one of {sets}, found '{}'", asked.instructions))?;
    let mut arena = backend.allocate(&[&plan], asked.batch)?;

    let mut numbers = Numbers(1);
    for parameter in plan.parameters().iter().filter(|p| p.shape.rank() > 1) {
        let axes = parameter.shape.axes();
        let inputs = if axes.len() == 2 { axes[0] } else { axes[1..].iter().product() };
        let scale = (2.0 / inputs as f64).sqrt();
        let weights: Vec<f64> = (0..parameter.span.len).map(|_| f64::from(numbers.normal()) * scale).collect();
        backend.write(&mut arena, parameter.span, &weights);
    }
    let cells: Vec<f32> = (0..RESIDENT * width).map(|_| numbers.normal()).collect();
    let labels: Vec<u32> = (0..RESIDENT).map(|_| numbers.below(asked.sizes[layers])).collect();
    let columns = [Column::U32(&labels), Column::F32(&cells)];
    let mut index = vec![0; asked.batch];
    let mut step = 0;
    let mut one = || -> Result<Duration, Box<dyn std::error::Error>> {
        let start = Instant::now();
        index.iter_mut().for_each(|i| *i = numbers.below(RESIDENT));
        let rows = Rows::pick(&plan, &columns, &index)?;
        // A small rate: random labels cannot be learned, and must not diverge.
        backend.run(&plan, &mut arena, &rows, Clock { step, rate: 1e-3, seed: 0 });
        if let Some(answer) = answer {
            std::hint::black_box(arena.slice(&plan, answer));
        }
        step += 1;
        Ok(start.elapsed())
    };
    for _ in 0..5 {
        one()?;
    }
    let (mut times, end) = (Vec::new(), Instant::now() + Duration::from_secs_f64(asked.seconds));
    while Instant::now() < end || times.len() < 5 {
        times.push(one()?.as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok((times[times.len() / 2] * 1e6, times.len()))
}

fn main() {
    let result = asked().map_err(Box::<dyn std::error::Error>::from).and_then(|asked| Ok((measure(&asked)?, asked)));
    match result {
        Ok(((microseconds, steps), asked)) => {
            let rate = asked.batch as f64 / microseconds * 1e6;
            let (unit, timed) =
                if asked.predict { ("us_per_batch", "batches_timed") } else { ("us_per_step", "steps_timed") };
            println!(
                r#"{{"case": "{}", "peer": "chainrule", "{unit}": {microseconds:.1}, "{timed}": {steps}, "examples_per_s": {rate:.0}}}"#,
                asked.case
            );
        }
        Err(error) => {
            eprintln!("error: {error}");
            std::process::exit(2);
        }
    }
}
