//! How the numbers of a row lie: `784` in a row, or `1x28x28`, an image's channels, height and width.

use chainrule_engine::Shape;

use crate::input_error::{InputError, excerpt};

/// Reads `784`, `28x28` (of one channel) or `3x32x32`: the shape `[784]`, `[1, 28, 28]` or `[3, 32, 32]`.
///
/// ```
/// use chainrule::input_shape;
/// assert_eq!(input_shape::parse("28x28")?.axes(), [1, 28, 28]);
/// assert_eq!(input_shape::written(input_shape::parse("784")?), "784");
/// # Ok::<(), chainrule::InputError>(())
/// ```
///
/// # Errors
/// If it is none of them, or more than can be addressed.
pub fn parse(text: &str) -> Result<Shape, InputError> {
    let number = |part: &str| part.parse().ok().filter(|_| part.bytes().all(|byte| byte.is_ascii_digit()));
    let axes: Option<Vec<usize>> = text.split('x').map(number).collect();
    let shape = axes.and_then(|axes| match *axes {
        [height, width] => Shape::new(&[1, height, width]),
        [_] | [_, _, _] => Shape::new(&axes),
        _ => None,
    });
    shape.ok_or_else(|| {
        let expected = "how many numbers a row has, or an image's channels x height x width";
        InputError::new("input", expected, excerpt(text), "for example 784, or 1x28x28")
    })
}

/// As [`parse`] reads it.
pub fn written(shape: Shape) -> String {
    let axes: Vec<String> = shape.axes().iter().map(usize::to_string).collect();
    axes.join("x")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_shape_is_refused() {
        for text in [
            "",
            "0",
            "x",
            "28x",
            "1x0x28",
            "1x2x3x4",
            "-3",
            "+3",
            "1 x 2",
            "99999999999999999999",
            "9999999999x9999999999",
        ] {
            assert_eq!(parse(text).unwrap_err().found, excerpt(text));
        }
    }
}
