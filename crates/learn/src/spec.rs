//! A model in words: `affine:50 relu affine:10`, or of images `conv2d:16@3 relu max_pool:2 affine:10`.
//!
//! Words stand in the order of the layers, with spaces between; sizes follow a colon, and what
//! need not be said follows commas: `conv2d:16@3,stride=2`. A word says what a layer does, never
//! what goes in: that follows from the layer before it.

mod windows;

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use chainrule_engine::ops::MaxPool;

pub use self::windows::Convolution;
use crate::closest::closest;
use crate::input_error::{InputError, excerpt};

/// The words of a SPEC, as users write them.
pub const WORDS: [&str; 7] = ["affine:N", "conv2d:N@K", "max_pool:K", "flatten", "relu", "sigmoid", "tanh"];

/// The widest layer that can be asked for.
const WIDEST: usize = 1 << 24;

/// One layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// x·W + b with so many outputs; an image is flattened.
    Affine(usize),
    /// x ⋆ w + b.
    Conv2d(Convolution),
    /// The largest of each window of a channel.
    MaxPool(MaxPool),
    /// An image's numbers as a vector.
    Flatten,
    /// max(x, 0)
    Relu,
    /// 1 / (1 + e⁻ˣ)
    Sigmoid,
    /// tanh x
    Tanh,
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
    let layers: Vec<Layer> = spec
        .split_whitespace()
        .enumerate()
        .map(|(at, word)| layer(word, || place(spec, at)))
        .collect::<Result<_, _>>()?;
    if layers.is_empty() {
        return Err(InputError::new(
            "model",
            "at least one layer",
            "no words",
            "for example 'affine:50 relu affine:10'",
        ));
    }
    Ok(layers)
}

/// Where the word number `at`, counted from 0, stands.
pub(crate) fn place(spec: &str, at: usize) -> String {
    format!("model {}, word {}", excerpt(spec), at + 1)
}

fn layer(word: &str, place: impl Fn() -> String) -> Result<Layer, InputError> {
    let (name, sizes) = match word.split_once(':') {
        Some((name, sizes)) => (name, Some(sizes)),
        None => (word, None),
    };
    let plain = match name {
        "affine" => return affine(sizes.unwrap_or_default(), word, place),
        "conv2d" => return windows::conv2d(sizes.unwrap_or_default(), word, &place),
        "max_pool" => return windows::max_pool(sizes.unwrap_or_default(), word, &place),
        "flatten" => Layer::Flatten,
        "relu" => Layer::Relu,
        "sigmoid" => Layer::Sigmoid,
        "tanh" => Layer::Tanh,
        _ => {
            let stem = |word: &'static str| word.split(':').next().unwrap_or(word);
            let near =
                closest(name, WORDS.map(stem)).and_then(|near| WORDS.into_iter().find(|word| stem(word) == near));
            let hint = match near {
                Some(near) => format!("did you mean '{near}'?"),
                None => "for example 'affine:50 relu affine:10'".to_owned(),
            };
            return Err(InputError::new(place(), format!("one of {}", WORDS.join(", ")), excerpt(word), hint));
        }
    };
    match sizes {
        None => Ok(plain),
        Some(_) => Err(InputError::new(
            place(),
            format!("'{name}' alone"),
            excerpt(word),
            "only affine, conv2d and max_pool take sizes",
        )),
    }
}

/// The whole number that `text` is, if it is in `range`.
fn whole(text: &str, range: RangeInclusive<usize>) -> Option<usize> {
    // Digits alone: `parse` would take a plus sign.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && range.contains(number))
}

fn affine(outputs: &str, word: &str, place: impl Fn() -> String) -> Result<Layer, InputError> {
    match whole(outputs, 1..=WIDEST) {
        Some(outputs) => Ok(Layer::Affine(outputs)),
        None => Err(InputError::new(
            place(),
            format!("affine:N with N from 1 to {WIDEST}"),
            excerpt(word),
            "N is how many outputs the layer has, such as affine:50",
        )),
    }
}

impl FromStr for Layer {
    type Err = InputError;

    fn from_str(word: &str) -> Result<Self, InputError> {
        layer(word.trim(), || place(word, 0))
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Layer::Affine(outputs) => write!(f, "affine:{outputs}"),
            Layer::Conv2d(convolution) => convolution.fmt(f),
            Layer::MaxPool(pool) => windows::write_max_pool(f, *pool),
            Layer::Flatten => f.write_str("flatten"),
            Layer::Relu => f.write_str("relu"),
            Layer::Sigmoid => f.write_str("sigmoid"),
            Layer::Tanh => f.write_str("tanh"),
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
        let layers = parse("  conv2d:4@3 max_pool:2 flatten affine:50 relu\tsigmoid tanh\n affine:10 ").unwrap();
        let words: Vec<String> = layers.iter().map(Layer::to_string).collect();
        assert_eq!(words.join(" "), "conv2d:4@3 max_pool:2 flatten affine:50 relu sigmoid tanh affine:10");
    }

    #[test]
    fn an_unknown_word_is_placed_and_answered_with_the_list() {
        let e = error("affine:50 rleu affine:10");
        assert_eq!(e.place, "model 'affine:50 rleu affine:10', word 2");
        assert_eq!(e.expected, "one of affine:N, conv2d:N@K, max_pool:K, flatten, relu, sigmoid, tanh");
        assert_eq!((e.found.as_str(), e.hint.as_str()), ("'rleu'", "did you mean 'relu'?"));
        assert_eq!(error("afine:5").hint, "did you mean 'affine:N'?");
        assert_eq!(error("conv:8@3").hint, "did you mean 'conv2d:N@K'?");
        assert_eq!(error("maxpool:2").hint, "did you mean 'max_pool:K'?");
        assert_eq!(error("softmax").hint, "for example 'affine:50 relu affine:10'");
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
