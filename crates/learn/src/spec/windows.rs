//! The words of the layers that go over an image by windows.
//!
//! | word | layer |
//! | --- | --- |
//! | `conv2d:16@3` | 16 output channels, kernels of 3 × 3 |
//! | `conv2d:16@3x5,stride=2,padding=1,dilation=2,groups=4` | with all that can be said, in any order |
//! | `max_pool:2` | the largest of each window of 2 × 2, side by side |
//! | `max_pool:3,stride=2,padding=1` | with all that can be said |
//! | `avg_pool:2` | the mean of each window, with the same options |

use std::fmt;

use chainrule_engine::ops::{AvgPool, Conv2d, MaxPool};

use super::{Layer, WIDEST, Written, whole};
use crate::closest::closest;
use crate::input_error::InputError;

/// The farthest that a kernel, a stride, a padding or a dilation reaches, and the most groups.
const FARTHEST: usize = 1 << 16;

/// Of `conv2d`: what it has beside the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// Output channels.
    pub outputs: usize,
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// How the kernel goes over the image.
    pub options: Conv2d,
}

/// The layer of a `conv2d`.
pub(super) fn conv2d(written: &Written<'_>) -> Result<Layer, InputError> {
    let usage = "N output channels and a kernel of K by K, or HxW, such as conv2d:16@3,padding=1";
    let wrong = |expected: String, hint: &str| written.wrong(expected, hint);
    let mut parts = written.sizes.unwrap_or_default().split(',');
    let channels_and_kernel = parts.next().and_then(|part| {
        let (outputs, kernel) = part.split_once('@')?;
        let (height, width) = kernel.split_once('x').unwrap_or((kernel, kernel));
        Some((whole(outputs, 1..=WIDEST)?, [whole(height, 1..=FARTHEST)?, whole(width, 1..=FARTHEST)?]))
    });
    let (outputs, kernel) = channels_and_kernel
        .ok_or_else(|| wrong(format!("conv2d:N@K with N from 1 to {WIDEST} and K from 1 to {FARTHEST}"), usage))?;
    let names = ["stride", "padding", "dilation", "groups"];
    let [stride, padding, dilation, groups] = options(parts, names, &wrong)?;
    let groups = groups.unwrap_or(1);
    if outputs % groups != 0 {
        let expected = format!("a number of output channels that {groups} groups can share equally");
        return Err(wrong(expected, "each group gives the same number of channels: change N or groups"));
    }
    let (stride, padding, dilation) = (stride.unwrap_or(1), padding.unwrap_or(0), dilation.unwrap_or(1));
    Ok(Layer::Conv2d(Convolution { outputs, kernel, options: Conv2d { stride, padding, dilation, groups } }))
}

/// The layer of a `max_pool`.
pub(super) fn max_pool(written: &Written<'_>) -> Result<Layer, InputError> {
    pool(written).map(|[size, stride, padding]| Layer::MaxPool(MaxPool { size, stride, padding }))
}

/// The layer of an `avg_pool`.
pub(super) fn avg_pool(written: &Written<'_>) -> Result<Layer, InputError> {
    pool(written).map(|[size, stride, padding]| Layer::AvgPool(AvgPool { size, stride, padding }))
}

/// Size, stride and padding of a pool.
fn pool(written: &Written<'_>) -> Result<[usize; 3], InputError> {
    let wrong = |expected: String, hint: &str| written.wrong(expected, hint);
    let mut parts = written.sizes.unwrap_or_default().split(',');
    let size = parts.next().and_then(|size| whole(size, 1..=FARTHEST)).ok_or_else(|| {
        let name = written.name;
        let usage = format!("K is the height and width of a window, such as {name}:2 or {name}:3,stride=2");
        wrong(format!("{name}:K with K from 1 to {FARTHEST}"), &usage)
    })?;
    let [stride, padding] = options(parts, ["stride", "padding"], &wrong)?;
    let (stride, padding) = (stride.unwrap_or(size), padding.unwrap_or(0));
    if padding > size / 2 {
        let expected = format!("a padding of at most {}, half of a window", size / 2);
        return Err(wrong(expected, "make the padding smaller, or the window larger"));
    }
    Ok([size, stride, padding])
}

/// The numbers of `name=number` in the remaining parts, each name at most once.
fn options<'a, const N: usize>(
    parts: impl Iterator<Item = &'a str>,
    names: [&str; N],
    wrong: &impl Fn(String, &str) -> InputError,
) -> Result<[Option<usize>; N], InputError> {
    let mut numbers = [None; N];
    for part in parts {
        let (name, number) = part.split_once('=').unwrap_or((part, ""));
        let Some(at) = names.iter().position(|known| *known == name) else {
            // The beginning of a name, such as pad, is too short to be near it.
            let begun = names.into_iter().find(|known| !name.is_empty() && known.starts_with(name));
            let hint = match begun.or_else(|| closest(name, names)) {
                Some(near) => format!("did you mean '{near}'?"),
                None => format!("for example {}=2", names[0]),
            };
            return Err(wrong(format!("after the commas {}, each with =number", names.join(", ")), &hint));
        };
        let least = usize::from(name != "padding");
        let number = whole(number, least..=FARTHEST).ok_or_else(|| {
            wrong(format!("{name}=number, from {least} to {FARTHEST}"), &format!("for example {name}=2"))
        })?;
        if numbers[at].replace(number).is_some() {
            return Err(wrong(format!("{name} once"), "leave one of them out"));
        }
    }
    Ok(numbers)
}

impl fmt::Display for Convolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Convolution { outputs, kernel: [height, width], options } = *self;
        write!(f, "conv2d:{outputs}@{height}")?;
        if width != height {
            write!(f, "x{width}")?;
        }
        let Conv2d { stride, padding, dilation, groups } = options;
        let usual = Conv2d::default();
        write_option(f, "stride", stride, usual.stride)?;
        write_option(f, "padding", padding, usual.padding)?;
        write_option(f, "dilation", dilation, usual.dilation)?;
        write_option(f, "groups", groups, usual.groups)
    }
}

/// Writes the word of a `max_pool`.
pub(super) fn write_max_pool(f: &mut fmt::Formatter<'_>, MaxPool { size, stride, padding }: MaxPool) -> fmt::Result {
    write_pool(f, "max_pool", [size, stride, padding])
}

/// Writes the word of an `avg_pool`.
pub(super) fn write_avg_pool(f: &mut fmt::Formatter<'_>, AvgPool { size, stride, padding }: AvgPool) -> fmt::Result {
    write_pool(f, "avg_pool", [size, stride, padding])
}

fn write_pool(f: &mut fmt::Formatter<'_>, name: &str, [size, stride, padding]: [usize; 3]) -> fmt::Result {
    write!(f, "{name}:{size}")?;
    write_option(f, "stride", stride, size)?;
    write_option(f, "padding", padding, 0)
}

fn write_option(f: &mut fmt::Formatter<'_>, name: &str, number: usize, usual: usize) -> fmt::Result {
    if number == usual { Ok(()) } else { write!(f, ",{name}={number}") }
}

#[cfg(test)]
mod tests {
    use crate::spec::parse;

    #[test]
    fn what_is_usual_is_left_out() {
        let written = |word: &str| parse(word).unwrap()[0].to_string();
        for word in [
            "conv2d:16@3",
            "conv2d:16@3x5",
            "conv2d:6@1,stride=2,padding=1,dilation=2,groups=3",
            "max_pool:2",
            "max_pool:3,stride=2,padding=1",
            "avg_pool:2",
            "avg_pool:3,stride=2,padding=1",
        ] {
            assert_eq!(written(word), word);
        }
        assert_eq!(written("conv2d:8@3x3,groups=1,padding=0,stride=1,dilation=1"), "conv2d:8@3");
        assert_eq!(written("conv2d:8@3,padding=1,stride=2"), "conv2d:8@3,stride=2,padding=1");
        assert_eq!(written("max_pool:2,padding=0,stride=2"), "max_pool:2");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let error = |word: &str| parse(&format!("relu {word}")).unwrap_err();
        for word in
            ["conv2d", "conv2d:", "conv2d:8", "conv2d:@3", "conv2d:0@3", "conv2d:8@0", "conv2d:8@3x", "conv2d:8@-3"]
        {
            assert!(error(word).expected.starts_with("conv2d:N@K with N from 1 to 16777216"), "{word}");
        }
        for word in ["max_pool", "max_pool:", "max_pool:0", "max_pool:2x2", "max_pool:65537"] {
            assert_eq!(error(word).expected, "max_pool:K with K from 1 to 65536", "{word}");
        }
        let e = error("conv2d:8@3,pading=1");
        assert_eq!((&*e.place, &*e.found), ("model 'relu conv2d:8@3,pading=1', word 2", "'conv2d:8@3,pading=1'"));
        assert_eq!(e.hint, "did you mean 'padding'?");
        assert_eq!(error("max_pool:2,pad=1").hint, "did you mean 'padding'?");
        assert_eq!(error("max_pool:2,").hint, "for example stride=2");
        assert_eq!(error("max_pool:2,groups=2").expected, "after the commas stride, padding, each with =number");
        assert_eq!(error("conv2d:8@3,stride=0").expected, "stride=number, from 1 to 65536");
        assert_eq!(error("conv2d:8@3,padding").expected, "padding=number, from 0 to 65536");
        assert_eq!(error("conv2d:8@3,stride=1,stride=2").expected, "stride once");
        assert!(error("conv2d:8@3,groups=3").expected.ends_with("that 3 groups can share equally"));
        assert_eq!(error("max_pool:3,padding=2").expected, "a padding of at most 1, half of a window");
    }
}
