//! What the pictures of a folder are brought to: `32x32`, height and width, or `1x32x32` and `3x32x32`, gray or in color.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::decode::Picture;
use crate::input_error::{InputError, excerpt};

/// A side longer than this is a slip of the finger.
const LONGEST: usize = 1 << 15;

/// The size and the channels of pictures; what is not said is as the first picture has it, and the others must have it too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Frame {
    /// 1 is gray, 3 color.
    pub(super) channels: Option<usize>,
    /// Height and width.
    pub(super) size: Option<[usize; 2]>,
    /// Whether pictures of another size are resized, or refused.
    pub(super) resize: bool,
    /// The same of pictures with other channels.
    pub(super) convert: bool,
}

impl Frame {
    /// That of the images, channels, height and width, that a network was trained on. Others are made gray or of color, and
    /// resized if those were.
    pub fn trained(image: [usize; 3], resize: bool) -> Frame {
        let [channels, height, width] = image;
        Frame { channels: Some(channels), size: Some([height, width]), resize, convert: true }
    }

    /// Whether pictures are to be resized.
    pub fn is_asked(self) -> bool {
        self.resize
    }

    /// The frame with what is not said as `first` has it.
    pub(super) fn filled(self, first: &Picture) -> Frame {
        Frame {
            channels: self.channels.or(Some(first.channels)),
            size: self.size.or(Some([first.height, first.width])),
            ..self
        }
    }
}

impl FromStr for Frame {
    type Err = InputError;

    fn from_str(text: &str) -> Result<Frame, InputError> {
        let number = |part: &str| part.parse().ok().filter(|n| (1..=LONGEST).contains(n));
        let numbers: Option<Vec<usize>> = text.split('x').map(number).collect();
        match numbers.as_deref() {
            Some(&[height, width]) => {
                Ok(Frame { channels: None, size: Some([height, width]), resize: true, convert: false })
            }
            Some(&[channels @ (1 | 3), height, width]) => {
                Ok(Frame { channels: Some(channels), size: Some([height, width]), resize: true, convert: true })
            }
            _ => {
                let expected = "height x width, or with the channels before them 1xHxW for gray, 3xHxW for color";
                Err(InputError::new("", expected, excerpt(text), "for example 64x64 or 1x28x28"))
            }
        }
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = self.channels.into_iter().chain(self.size.into_iter().flatten());
        f.write_str(&numbers.map(|number| number.to_string()).collect::<Vec<_>>().join("x"))
    }
}

impl TryFrom<String> for Frame {
    type Error = InputError;

    fn try_from(text: String) -> Result<Frame, InputError> {
        text.parse()
    }
}

impl From<Frame> for String {
    fn from(frame: Frame) -> String {
        frame.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_as_they_are_written() {
        for text in ["32x48", "1x28x28", "3x1x1"] {
            assert_eq!(text.parse::<Frame>().unwrap().to_string(), text);
        }
        for text in ["", "32", "0x3", "2x3x3", "3x3x3x3", "axb", "99999x1", "3 x 3"] {
            assert_eq!(text.parse::<Frame>().unwrap_err().found, excerpt(text));
        }
    }
}
