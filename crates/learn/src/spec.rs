//! A model in words: `affine:50 relu affine:10`, or of images `conv2d:16@3 relu max_pool:2 affine:10`.
//!
//! Words stand in the order of the layers, with spaces between; sizes follow a colon, and what
//! need not be said follows commas: `conv2d:16@3,stride=2`. A word says what a layer does, never
//! what goes in: that follows from the layer before it.

pub(crate) mod branches;
mod elementwise;
mod windows;

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use chainrule_engine::ops::{AvgPool, Elu, LeakyRelu, MaxPool};

pub use self::windows::Convolution;
use crate::input_error::{InputError, excerpt};
use crate::vocabulary::{Word, did_you_mean, usages};

/// The widest layer that can be asked for.
const WIDEST: usize = 1 << 24;

/// One layer.
///
/// ```
/// use chainrule::spec::{Layer, parse};
/// assert_eq!(parse("affine:10")?, [Layer::Affine(10)]);
/// # Ok::<(), chainrule::InputError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Layer {
    /// x·W + b with so many outputs; an image is flattened.
    Affine(usize),
    /// x ⋆ w + b.
    Conv2d(Convolution),
    /// The largest of each window of a channel.
    MaxPool(MaxPool),
    /// The mean of each window of a channel.
    AvgPool(AvgPool),
    /// The mean of each channel.
    GlobalAvgPool,
    /// Of a table of so many rows of so many numbers, the row for each whole number that goes in.
    Embedding {
        /// How many there are to choose from.
        rows: usize,
        /// Numbers of each.
        width: usize,
    },
    /// Opens a branch whose result is added to what goes in.
    Residual,
    /// Opens branches whose results are put one after the other.
    Concat,
    /// Ends a branch of a concat, and begins the next.
    Or,
    /// Closes a residual or a concat.
    Close,
    /// An image's numbers as a vector.
    Flatten,
    /// Normalised over the batch, feature by feature or channel by channel.
    BatchNorm,
    /// Normalised over the numbers of each row.
    LayerNorm,
    /// In training, this share of the numbers replaced by 0.
    Dropout(f64),
    /// max(x, 0)
    Relu,
    /// x where x > 0, else a share of it.
    LeakyRelu(LeakyRelu),
    /// x where x > 0, else α(eˣ − 1).
    Elu(Elu),
    /// x·Φ(x)
    Gelu,
    /// x / (1 + e⁻ˣ)
    Silu,
    /// ln(1 + eˣ)
    Softplus,
    /// 1 / (1 + e⁻ˣ)
    Sigmoid,
    /// tanh x
    Tanh,
    /// eˣ / Σ eˣ
    Softmax,
}

/// How a word becomes a layer.
struct Entry {
    word: Word,
    layer: fn(&Written<'_>) -> Result<Layer, InputError>,
}

/// The words of a SPEC. What is in here is understood, offered to who misspells it, and listed.
static ENTRIES: [Entry; 21] = [
    Entry {
        word: Word {
            name: "affine",
            usage: "affine:N",
            usual: "",
            formula: "y = x·W + b, N outputs; an image is flattened first",
        },
        layer: affine,
    },
    Entry {
        word: Word {
            name: "conv2d",
            usage: "conv2d:N@K",
            usual: "stride=1, padding=0, dilation=1, groups=1",
            formula: "y = x ⋆ w + b, N output channels, kernels of K x K (or N@HxW)",
        },
        layer: windows::conv2d,
    },
    Entry {
        word: Word {
            name: "max_pool",
            usage: "max_pool:K",
            usual: "stride=K, padding=0",
            formula: "y = the largest of each window of K x K",
        },
        layer: windows::max_pool,
    },
    Entry {
        word: Word {
            name: "avg_pool",
            usage: "avg_pool:K",
            usual: "stride=K, padding=0",
            formula: "y = the mean of each window of K x K, zeros of the padding included",
        },
        layer: windows::avg_pool,
    },
    plain("global_avg_pool", "y = the mean of each channel", |x| x.alone(Layer::GlobalAvgPool)),
    plain(
        "batch_norm",
        "y = (x - mean)/√(variance + 1e-5)·γ + β over the batch, in a test over what training met",
        |x| x.alone(Layer::BatchNorm),
    ),
    plain("layer_norm", "y = (x - mean)/√(variance + 1e-5)·γ + β over the numbers of a row", |x| {
        x.alone(Layer::LayerNorm)
    }),
    Entry { word: elementwise::DROPOUT, layer: elementwise::dropout },
    Entry {
        word: Word {
            name: "embedding",
            usage: "embedding:N@D",
            usual: "",
            formula: "y = W[x], D numbers for each whole number from 0 to N - 1; the first word",
        },
        layer: embedding,
    },
    Entry { word: branches::RESIDUAL, layer: |x| branches::open(x, Layer::Residual) },
    Entry { word: branches::CONCAT, layer: |x| branches::open(x, Layer::Concat) },
    plain("flatten", "y = x, an image's numbers as a vector", |x| x.alone(Layer::Flatten)),
    plain("relu", "y = max(x, 0)", |x| x.alone(Layer::Relu)),
    Entry { word: elementwise::LEAKY_RELU, layer: elementwise::leaky_relu },
    Entry { word: elementwise::ELU, layer: elementwise::elu },
    plain("gelu", "y = x·Φ(x), Φ the normal distribution's", |x| x.alone(Layer::Gelu)),
    plain("silu", "y = x/(1 + e⁻ˣ)", |x| x.alone(Layer::Silu)),
    plain("softplus", "y = ln(1 + eˣ)", |x| x.alone(Layer::Softplus)),
    plain("sigmoid", "y = 1/(1 + e⁻ˣ)", |x| x.alone(Layer::Sigmoid)),
    plain("tanh", "y = tanh x", |x| x.alone(Layer::Tanh)),
    plain("softmax", "y = eˣ / Σ eˣ, within a network: the loss has its own", |x| x.alone(Layer::Softmax)),
];

/// A word without parameters.
const fn plain(
    name: &'static str,
    formula: &'static str,
    layer: fn(&Written<'_>) -> Result<Layer, InputError>,
) -> Entry {
    Entry { word: Word { name, usage: name, usual: "", formula }, layer }
}

/// The words of a SPEC.
///
/// ```
/// assert!(chainrule::spec::words().any(|word| word.name == "batch_norm"));
/// ```
pub fn words() -> impl Iterator<Item = &'static Word> + Clone {
    ENTRIES.iter().map(|entry| &entry.word)
}

/// A word as it was written, and where.
struct Written<'a> {
    word: &'a str,
    /// Before the colon.
    name: &'a str,
    /// After it.
    sizes: Option<&'a str>,
    place: &'a dyn Fn() -> String,
}

impl Written<'_> {
    fn wrong(&self, expected: impl Into<String>, hint: impl Into<String>) -> InputError {
        InputError::new((self.place)(), expected, excerpt(self.word), hint)
    }

    /// `layer`, if nothing follows the word.
    fn alone(&self, layer: Layer) -> Result<Layer, InputError> {
        match self.sizes {
            None if self.word == self.name => Ok(layer),
            _ => Err(self.wrong(format!("'{}' alone", self.name), "it takes no sizes")),
        }
    }
}

/// The layers of a SPEC, first to last.
///
/// ```
/// let layers = chainrule::spec::parse("affine:50 relu affine:10")?;
/// assert_eq!(layers.len(), 3);
/// let error = chainrule::spec::parse("affine:50 rleu affine:10").unwrap_err();
/// assert_eq!(error.hint, "did you mean 'relu'?");
/// # Ok::<(), chainrule::InputError>(())
/// ```
///
/// # Errors
/// If there is no word, a word is unknown, or a size is missing or out of range.
pub fn parse(spec: &str) -> Result<Vec<Layer>, InputError> {
    let words = branches::words(spec);
    let each = words.iter().enumerate().map(|(at, word)| layer(word, &|| place(spec, at)));
    let layers: Vec<Layer> = each.collect::<Result<_, _>>()?;
    if layers.is_empty() {
        return Err(InputError::new(
            "model",
            "at least one layer",
            "no words",
            "for example 'affine:50 relu affine:10'",
        ));
    }
    branches::balance(&layers)
        .map_err(|(at, expected, hint)| InputError::new(place(spec, at), expected, excerpt(&words[at]), hint))?;
    Ok(layers)
}

/// Where the word number `at`, counted from 0, stands.
pub(crate) fn place(spec: &str, at: usize) -> String {
    format!("model {}, word {}", excerpt(spec), at + 1)
}

fn layer(word: &str, place: &dyn Fn() -> String) -> Result<Layer, InputError> {
    let (name, sizes) = match word.split_once(':') {
        Some((name, sizes)) => (name, Some(sizes)),
        None => (word, None),
    };
    let name = name.strip_suffix('(').unwrap_or(name);
    let written = Written { word, name, sizes, place };
    match word {
        ")" => return Ok(Layer::Close),
        "|" => return Ok(Layer::Or),
        _ => {}
    }
    match ENTRIES.iter().find(|entry| entry.word.name == name) {
        Some(entry) => (entry.layer)(&written),
        None => {
            let hint = did_you_mean(name, words());
            let hint = hint.unwrap_or_else(|| "for example 'affine:50 relu affine:10'".to_owned());
            Err(written.wrong(format!("one of {}", usages(words())), hint))
        }
    }
}

/// The whole number that `text` is, if it is in `range`.
fn whole(text: &str, range: RangeInclusive<usize>) -> Option<usize> {
    // Digits alone: `parse` would take a plus sign.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && range.contains(number))
}

fn affine(written: &Written<'_>) -> Result<Layer, InputError> {
    whole(written.sizes.unwrap_or_default(), 1..=WIDEST).map(Layer::Affine).ok_or_else(|| {
        let hint = "N is how many outputs the layer has, such as affine:50";
        written.wrong(format!("affine:N with N from 1 to {WIDEST}"), hint)
    })
}

fn embedding(written: &Written<'_>) -> Result<Layer, InputError> {
    let sizes = written.sizes.and_then(|sizes| sizes.split_once('@'));
    let sizes = sizes.and_then(|(rows, width)| Some((whole(rows, 1..=WIDEST)?, whole(width, 1..=WIDEST)?)));
    sizes.map(|(rows, width)| Layer::Embedding { rows, width }).ok_or_else(|| {
        let hint = "N numbers to choose from, each as D numbers that are learned, such as embedding:1000@16";
        written.wrong(format!("embedding:N@D with N and D from 1 to {WIDEST}"), hint)
    })
}

impl FromStr for Layer {
    type Err = InputError;

    fn from_str(word: &str) -> Result<Self, InputError> {
        layer(word.trim(), &|| place(word, 0))
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Layer::Affine(outputs) => write!(f, "affine:{outputs}"),
            Layer::Conv2d(convolution) => convolution.fmt(f),
            Layer::MaxPool(pool) => windows::write_max_pool(f, pool),
            Layer::AvgPool(pool) => windows::write_avg_pool(f, pool),
            Layer::GlobalAvgPool => f.write_str("global_avg_pool"),
            Layer::Embedding { rows, width } => write!(f, "embedding:{rows}@{width}"),
            Layer::Residual => f.write_str("residual("),
            Layer::Concat => f.write_str("concat("),
            Layer::Or => f.write_str("|"),
            Layer::Close => f.write_str(")"),
            Layer::Flatten => f.write_str("flatten"),
            Layer::BatchNorm => f.write_str("batch_norm"),
            Layer::LayerNorm => f.write_str("layer_norm"),
            Layer::Dropout(rate) => write!(f, "dropout:{rate}"),
            Layer::Relu => f.write_str("relu"),
            Layer::LeakyRelu(LeakyRelu { slope }) => elementwise::write(f, "leaky_relu", slope, elementwise::SLOPE),
            Layer::Elu(Elu { alpha }) => elementwise::write(f, "elu", alpha, elementwise::ALPHA),
            Layer::Gelu => f.write_str("gelu"),
            Layer::Silu => f.write_str("silu"),
            Layer::Softplus => f.write_str("softplus"),
            Layer::Sigmoid => f.write_str("sigmoid"),
            Layer::Tanh => f.write_str("tanh"),
            Layer::Softmax => f.write_str("softmax"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(spec: &str) -> InputError {
        parse(spec).unwrap_err()
    }

    #[test]
    fn words_are_layers_and_layers_are_words() {
        let layers = parse(
            "  conv2d:4@3 max_pool:2 flatten affine:50 relu\tsigmoid tanh\n softmax gelu silu softplus affine:10 ",
        )
        .unwrap();
        let words: Vec<String> = layers.iter().map(Layer::to_string).collect();
        assert_eq!(
            words.join(" "),
            "conv2d:4@3 max_pool:2 flatten affine:50 relu sigmoid tanh softmax gelu silu softplus affine:10"
        );
    }

    #[test]
    fn every_word_is_understood_and_no_two_are_alike() {
        for word in words() {
            let found = layer(word.name, &String::new);
            assert!(found.is_ok() || found.is_err_and(|e| !e.expected.starts_with("one of")), "{}", word.name);
            assert!(word.usage.starts_with(word.name) && !word.formula.is_empty(), "{}", word.name);
            assert_eq!(words().filter(|other| other.name == word.name).count(), 1);
        }
    }

    #[test]
    fn an_unknown_word_is_placed_and_answered_with_the_list() {
        let e = error("affine:50 rleu affine:10");
        assert_eq!(e.place, "model 'affine:50 rleu affine:10', word 2");
        assert!(e.expected.starts_with("one of affine:N, conv2d:N@K, max_pool:K, "), "{}", e.expected);
        assert_eq!((e.found.as_str(), e.hint.as_str()), ("'rleu'", "did you mean 'relu'?"));
        assert_eq!(error("afine:5").hint, "did you mean 'affine:N'?");
        assert_eq!(error("conv:8@3").hint, "did you mean 'conv2d:N@K'?");
        assert_eq!(error("maxpool:2").hint, "did you mean 'max_pool:K'?");
        assert_eq!(error("leaky:0.1").hint, "did you mean 'leaky_relu[:S]'?");
        assert_eq!(error("sofmax").hint, "did you mean 'softmax'?");
        assert_eq!(error("lstm").hint, "for example 'affine:50 relu affine:10'");
    }

    #[test]
    fn sizes_are_whole_and_in_range() {
        for word in ["affine", "affine:", "affine:0", "affine:x", "affine:-5", "affine:+5", "affine:1e3", "affine:5:5"]
        {
            assert_eq!(error(word).found, format!("'{word}'"));
        }
        assert!(error("affine:99999999999999999999").expected.contains("16777216"));
        assert_eq!(error("relu:5").expected, "'relu' alone");
        assert_eq!(error(" \t").found, "no words");
    }
}
