//! The words of the layers that take a number and go element by element.
//!
//! | word | layer |
//! | --- | --- |
//! | `leaky_relu`, `leaky_relu:0.2` | a slope of 0.01, or of 0.2, below 0 |
//! | `elu`, `elu:0.5` | an α of 1, or of 0.5 |
//! | `dropout:0.5` | half of the numbers dropped while training |

use std::fmt;

use chainrule_engine::ops::{Elu, LeakyRelu};

use super::{Layer, Written};
use crate::input_error::InputError;
use crate::vocabulary::Word;

/// PyTorch's and Keras's usual values.
pub(super) const SLOPE: f64 = 0.01;
pub(super) const ALPHA: f64 = 1.0;
/// The largest α: far beyond, an f32's e^x means nothing.
const LARGEST_ALPHA: f64 = 1000.0;

pub(super) const LEAKY_RELU: Word =
    Word { name: "leaky_relu", usage: "leaky_relu[:S]", usual: "S = 0.01", formula: "y = x where x > 0, else S·x" };

pub(super) const ELU: Word =
    Word { name: "elu", usage: "elu[:A]", usual: "A = 1", formula: "y = x where x > 0, else A(eˣ - 1)" };

pub(super) const DROPOUT: Word = Word {
    name: "dropout",
    usage: "dropout:P",
    usual: "",
    formula: "y = x/(1 - P), or 0 with the probability P; in a test y = x",
};

pub(super) fn dropout(written: &Written<'_>) -> Result<Layer, InputError> {
    let rate = written.sizes.and_then(decimal).filter(|rate| (0.0..1.0).contains(rate));
    let wrong = || {
        written.wrong("dropout:P with P from 0 to less than 1", "P is the share that is dropped, such as dropout:0.5")
    };
    rate.map(Layer::Dropout).ok_or_else(wrong)
}

pub(super) fn leaky_relu(written: &Written<'_>) -> Result<Layer, InputError> {
    let slope = written.sizes.map_or(Some(SLOPE), |slope| decimal(slope).filter(|s| (0.0..=1.0).contains(s)));
    let wrong = || written.wrong("leaky_relu:S with a slope S from 0 to 1", "for example leaky_relu:0.1");
    Ok(Layer::LeakyRelu(LeakyRelu { slope: slope.ok_or_else(wrong)? }))
}

pub(super) fn elu(written: &Written<'_>) -> Result<Layer, InputError> {
    let alpha = written.sizes.map_or(Some(ALPHA), |a| decimal(a).filter(|&a| a > 0.0 && a <= LARGEST_ALPHA));
    let wrong = || written.wrong(format!("elu:A with A above 0, at most {LARGEST_ALPHA}"), "for example elu:0.5");
    Ok(Layer::Elu(Elu { alpha: alpha.ok_or_else(wrong)? }))
}

/// The number that `text` is, written with digits and at most one point.
pub(super) fn decimal(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.parse().ok().filter(|_| plain)
}

/// Writes `name:number`, or the name alone for the usual number.
pub(super) fn write(f: &mut fmt::Formatter<'_>, name: &str, number: f64, usual: f64) -> fmt::Result {
    if number == usual { f.write_str(name) } else { write!(f, "{name}:{number}") }
}

#[cfg(test)]
mod tests {
    use crate::spec::parse;

    #[test]
    fn what_is_usual_is_left_out() {
        let written = |word: &str| parse(word).unwrap()[0].to_string();
        for word in
            ["leaky_relu", "leaky_relu:0.2", "leaky_relu:0", "elu", "elu:0.5", "elu:2", "dropout:0.5", "dropout:0"]
        {
            assert_eq!(written(word), word);
        }
        assert_eq!((&*written("leaky_relu:0.010"), &*written("elu:1.0")), ("leaky_relu", "elu"));
    }

    #[test]
    fn numbers_out_of_range_are_refused_with_their_place() {
        let error = |word: &str| parse(&format!("affine:3 {word}")).unwrap_err();
        for word in
            ["leaky_relu:", "leaky_relu:-0.1", "leaky_relu:1.5", "leaky_relu:nan", "leaky_relu:+0.1", "leaky_relu:x"]
        {
            let e = error(word);
            assert_eq!(e.expected, "leaky_relu:S with a slope S from 0 to 1", "{word}");
            assert_eq!((e.place, e.found), (format!("model 'affine:3 {word}', word 2"), format!("'{word}'")));
        }
        for word in ["dropout", "dropout:", "dropout:1.5", "dropout:1", "dropout:-0.1", "dropout:50%"] {
            let e = error(word);
            assert_eq!(e.expected, "dropout:P with P from 0 to less than 1", "{word}");
            assert_eq!(e.place, format!("model 'affine:3 {word}', word 2"));
        }
        for word in ["elu:", "elu:0", "elu:-1", "elu:inf", "elu:1e3", "elu:1001"] {
            assert_eq!(error(word).expected, "elu:A with A above 0, at most 1000", "{word}");
        }
    }
}
