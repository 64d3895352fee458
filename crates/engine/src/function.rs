//! The functions that kernels apply to numbers, each with its definition in f64.

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Map {
    /// −x
    Negate,
    /// c·x
    Scale(f64),
    /// x + c
    Shift(f64),
    /// x^c
    Power(f64),
    /// eˣ
    Exp,
    /// ln x
    Ln,
    /// sin x
    Sin,
    /// cos x
    Cos,
    /// tanh x
    Tanh,
    /// √x
    Sqrt,
    /// max(x, 0)
    Relu,
    /// 1 / (1 + e⁻ˣ)
    Sigmoid,
}

impl Map {
    /// Its value in f64: the definition that every backend approximates.
    pub fn of(self, x: f64) -> f64 {
        match self {
            Map::Negate => -x,
            Map::Scale(c) => c * x,
            Map::Shift(c) => x + c,
            // powf differs from x·x in the last bit on some platforms.
            Map::Power(2.0) => x * x,
            Map::Power(c) => x.powf(c),
            Map::Exp => x.exp(),
            Map::Ln => x.ln(),
            Map::Sin => x.sin(),
            Map::Cos => x.cos(),
            Map::Tanh => x.tanh(),
            Map::Sqrt => x.sqrt(),
            // Not `max`: that would hide a NaN.
            Map::Relu => {
                if x < 0.0 {
                    0.0
                } else {
                    x
                }
            }
            // e^|x| never overflows in this form.
            Map::Sigmoid if x < 0.0 => x.exp() / (1.0 + x.exp()),
            Map::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        }
    }
}

/// A function of two numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Zip {
    /// a + b
    Add,
    /// a − b
    Subtract,
    /// a · b
    Multiply,
    /// a / b
    Divide,
    /// aᵇ
    Power,
    /// aᵇ · ln a, and 0 at a = 0 < b, where it tends to: the derivative of aᵇ by b
    PowerLn,
    /// a where b > 0, else 0: ReLU's derivative from its result b
    ReluGradient,
    /// a · b(1 − b): the sigmoid's derivative from its result b
    SigmoidGradient,
    /// a · (1 − b²): tanh's derivative from its result b
    TanhGradient,
}

impl Zip {
    /// Its value in f64: the definition that every backend approximates.
    pub fn of(self, a: f64, b: f64) -> f64 {
        match self {
            Zip::Add => a + b,
            Zip::Subtract => a - b,
            Zip::Multiply => a * b,
            Zip::Divide => a / b,
            Zip::Power => a.powf(b),
            Zip::PowerLn if a == 0.0 && b > 0.0 => 0.0,
            Zip::PowerLn => a.powf(b) * a.ln(),
            Zip::ReluGradient => {
                if b > 0.0 {
                    a
                } else {
                    0.0
                }
            }
            Zip::SigmoidGradient => a * b * (1.0 - b),
            Zip::TanhGradient => a * (1.0 - b * b),
        }
    }
}
