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
    /// x where x > 0, else slope·x
    LeakyRelu(f64),
    /// x where x > 0, else α(eˣ − 1)
    Elu(f64),
    /// x·Φ(x), Φ the normal distribution's
    Gelu,
    /// x / (1 + e⁻ˣ)
    Silu,
    /// ln(1 + eˣ)
    Softplus,
    /// |x|
    Absolute,
    /// x²/2 where |x| ≤ δ, else δ(|x| − δ/2)
    Huber(f64),
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
            Map::LeakyRelu(slope) => {
                if x > 0.0 {
                    x
                } else {
                    slope * x
                }
            }
            Map::Elu(alpha) => {
                if x > 0.0 {
                    x
                } else {
                    alpha * x.exp_m1()
                }
            }
            Map::Gelu => x * normal_distribution(x),
            Map::Silu => x * Map::Sigmoid.of(x),
            Map::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
            Map::Absolute => x.abs(),
            Map::Huber(delta) if x.abs() > delta => delta * (x.abs() - 0.5 * delta),
            Map::Huber(_) => 0.5 * x * x,
        }
    }

    /// Whether it stands after layers, and so may join a product in its registers.
    pub(crate) fn is_activation(self) -> bool {
        matches!(
            self,
            Map::Relu
                | Map::Sigmoid
                | Map::Tanh
                | Map::LeakyRelu(_)
                | Map::Elu(_)
                | Map::Gelu
                | Map::Silu
                | Map::Softplus
        )
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
    /// a where b > 0, else slope·a: a leaky ReLU's derivative from its result b
    LeakyReluGradient(f64),
    /// a where b > 0, else a·(b + α): ELU's derivative from its result b
    EluGradient(f64),
    /// a · (Φ(b) + b·φ(b)): GELU's derivative from its operand b
    GeluGradient,
    /// a · σ(b)(1 + b·σ(−b)): SiLU's derivative from its operand b
    SiluGradient,
    /// a · σ(b): the softplus's derivative from its operand b
    SoftplusGradient,
    /// a where b > 0, −a where b < 0, else 0: the derivative of |b|
    AbsoluteGradient,
    /// a · b within ±δ, ±a·δ beyond: Huber's derivative from its operand b
    HuberGradient(f64),
    /// max(a, 0) − a·b + ln(1 + e^−|a|) = −b·ln σ(a) − (1 − b)·ln σ(−a)
    BinaryCrossEntropy,
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
            Zip::LeakyReluGradient(slope) => {
                if b > 0.0 {
                    a
                } else {
                    slope * a
                }
            }
            Zip::EluGradient(alpha) => {
                if b > 0.0 {
                    a
                } else {
                    a * (b + alpha)
                }
            }
            Zip::GeluGradient => {
                let density = (-0.5 * b * b).exp() / (2.0 * std::f64::consts::PI).sqrt();
                a * (normal_distribution(b) + b * density)
            }
            Zip::SiluGradient => a * Map::Sigmoid.of(b) * (1.0 + b * Map::Sigmoid.of(-b)),
            Zip::SoftplusGradient => a * Map::Sigmoid.of(b),
            // Not `signum`: that of 0 is 1.
            Zip::AbsoluteGradient if b > 0.0 => a,
            Zip::AbsoluteGradient if b < 0.0 => -a,
            Zip::AbsoluteGradient => a * b,
            Zip::HuberGradient(delta) => a * b.clamp(-delta, delta),
            Zip::BinaryCrossEntropy => a.max(0.0) - a * b + (-a.abs()).exp().ln_1p(),
        }
    }

    /// Whether it is the derivative of an activation, and so may join a product in its registers.
    pub(crate) fn is_activation_gradient(self) -> bool {
        matches!(
            self,
            Zip::ReluGradient
                | Zip::SigmoidGradient
                | Zip::TanhGradient
                | Zip::LeakyReluGradient(_)
                | Zip::EluGradient(_)
                | Zip::GeluGradient
                | Zip::SiluGradient
                | Zip::SoftplusGradient
        )
    }
}

/// Φ(x) = erfc(−x/√2)/2: the probability that a standard normal number is at most x.
fn normal_distribution(x: f64) -> f64 {
    0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}
