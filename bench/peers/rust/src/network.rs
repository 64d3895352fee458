//! What is trained: the networks of `../step.py`, and its rows.

/// Resident rows that the mini-batches are drawn from.
pub const ROWS: usize = 10_000;
/// An image is a square of this side.
pub const SIDE: usize = 28;

#[derive(Clone, Copy, PartialEq)]
pub enum Optimizer {
    /// At a rate of 0.1.
    Sgd,
    /// At a rate of 0.001.
    Adam,
}

pub struct Network {
    /// How to ask for it again.
    pub request: Vec<String>,
    pub name: String,
    /// Channels, from the image's to the last layer's: 3×3, padded, ReLU, 2×2 maximum pool.
    pub channels: Vec<usize>,
    /// Of the dense layers, the input first; with ReLU between them.
    pub sizes: Vec<usize>,
    pub batch: usize,
    pub optimizer: Optimizer,
}

pub const CASES: [&str; 5] = ["book", "tabular", "wide", "deep", "convnet"];

impl Network {
    pub fn case(name: &str) -> Option<Network> {
        use Optimizer::{Adam, Sgd};
        let (sizes, batch, optimizer) = match name {
            "book" => (vec![784, 50, 10], 100, Sgd),
            "tabular" => (vec![28, 64, 64, 2], 256, Adam),
            "wide" => (vec![784, 1024, 1024, 10], 128, Adam),
            "deep" => (vec![784, 100, 100, 100, 100, 100, 100, 10], 100, Adam),
            "convnet" => (vec![32 * 49, 128, 10], 64, Adam),
            _ => return None,
        };
        let channels = if name == "convnet" { vec![1, 16, 32] } else { vec![] };
        let request = vec!["--case".into(), name.into()];
        Some(Network { request, name: name.into(), channels, sizes, batch, optimizer })
    }

    /// Dense layers only, such as `784-50-10`.
    pub fn mlp(text: &str, batch: usize, optimizer: Optimizer) -> Option<Network> {
        let sizes: Vec<usize> = text.split('-').map(|size| size.parse().ok()).collect::<Option<_>>()?;
        if sizes.len() < 2 || sizes.contains(&0) {
            return None;
        }
        let method = if optimizer == Optimizer::Sgd { "sgd" } else { "adam" };
        let request = ["--mlp", text, "--batch", &batch.to_string(), "--optimizer", method].map(String::from);
        let name = format!("{text} b{batch} {method}");
        Some(Network { request: request.into(), name, channels: vec![], sizes, batch, optimizer })
    }

    /// Numbers in a row.
    pub fn width(&self) -> usize {
        if self.channels.is_empty() { self.sizes[0] } else { SIDE * SIDE }
    }

    /// The inputs and outputs of each dense layer.
    pub fn dense(&self) -> impl Iterator<Item = (usize, usize)> {
        self.sizes.windows(2).map(|pair| (pair[0], pair[1]))
    }

    /// The channels into and out of each convolution.
    pub fn convolutions(&self) -> impl Iterator<Item = (usize, usize)> {
        self.channels.windows(2).map(|pair| (pair[0], pair[1]))
    }
}

/// The training set, and the dice that draw from it.
pub struct Table {
    x: Vec<f32>,
    t: Vec<u32>,
    width: usize,
    dice: Dice,
}

impl Table {
    pub fn new(network: &Network) -> Table {
        let (mut dice, width) = (Dice(88_172_645_463_325_252), network.width());
        let classes = network.sizes[network.sizes.len() - 1];
        let x = (0..ROWS * width).map(|_| dice.number()).collect();
        let t = (0..ROWS).map(|_| dice.below(classes) as u32).collect();
        Table { x, t, width, dice }
    }

    /// A fresh mini-batch: its rows, and a class for each.
    pub fn draw(&mut self, batch: usize) -> (Vec<f32>, Vec<u32>) {
        let mut x = Vec::with_capacity(batch * self.width);
        let mut t = Vec::with_capacity(batch);
        for _ in 0..batch {
            let row = self.dice.below(ROWS);
            x.extend_from_slice(&self.x[row * self.width..][..self.width]);
            t.push(self.t[row]);
        }
        (x, t)
    }
}

/// Marsaglia's xorshift: good enough to draw rows.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        ((self.roll() >> 32) * limit as u64 >> 32) as usize
    }

    /// Of mean 0 and variance 1, nearly normal: the sum of three uniform ones.
    fn number(&mut self) -> f32 {
        let bits = self.roll();
        let sum: u64 = (0..3).map(|part| (bits >> (21 * part)) & 0x1f_ffff).sum();
        (sum as f32 / 0x1f_ffff as f32 - 1.5) * 2.0
    }
}
