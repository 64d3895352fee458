//! What a layer makes of a row: shapes going in and out, and of its parameters.
//!
//! | layer | in | weight | bias | out |
//! | --- | --- | --- | --- | --- |
//! | affine:N | `[k]`, or an image, flattened | `[k, N]` | `[N]` | `[N]` |
//! | conv2d:N@K | `[c, h, w]` | `[N, c / groups, K, K]` | `[N]` | `[N, h', w']` |
//! | max_pool:K | `[c, h, w]` | | | `[c, h', w']` |
//! | flatten | any | | | `[its numbers]` |
//! | others | any | | | the same |

use chainrule_engine::ops::MaxPool;
use chainrule_engine::{Op, Shape};

use crate::input_error::InputError;
use crate::input_shape::written;
use crate::spec::{Convolution, Layer};

/// The most numbers that a model may have: indices of them, in bytes, must be safe to compute with.
pub(crate) const MOST: usize = isize::MAX as usize / 1024;

/// The most numbers of one image on its way through the network, its border included.
const LARGEST_IMAGE: usize = 1 << 32;

/// The shapes of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerShape {
    /// Of the weight and the bias, if it has them.
    pub parameters: Option<[Shape; 2]>,
    /// Of a row of its result.
    pub output: Shape,
}

/// The shapes of `layers[at]` for rows of `x`.
///
/// # Errors
/// If the layer cannot take them. The place is empty: the caller knows the SPEC.
pub(crate) fn layer_shape(layers: &[Layer], at: usize, x: Shape) -> Result<LayerShape, InputError> {
    match layers[at] {
        Layer::Affine(outputs) => {
            let narrower = || wrong(format!("at most {MOST} weights"), x, "make the layers narrower");
            let weight = Shape::new(&[x.len(), outputs]).filter(|weight| weight.len() <= MOST).ok_or_else(narrower)?;
            Ok(LayerShape { parameters: Some([weight, [outputs].into()]), output: [outputs].into() })
        }
        Layer::Conv2d(convolution) => conv2d(convolution, x, image(layers, at, x)?),
        Layer::MaxPool(pool) => max_pool(pool, x, image(layers, at, x)?),
        Layer::Flatten => Ok(LayerShape { parameters: None, output: [x.len()].into() }),
        Layer::Relu | Layer::Sigmoid | Layer::Tanh => Ok(LayerShape { parameters: None, output: x }),
    }
}

fn wrong(expected: impl Into<String>, x: Shape, hint: impl Into<String>) -> InputError {
    let of = if x.rank() == 3 { "an image of" } else { "a row of" };
    InputError::new("", expected, format!("{of} {}", written(x)), hint)
}

/// Channels, height and width.
fn image(layers: &[Layer], at: usize, x: Shape) -> Result<[usize; 3], InputError> {
    if let &[c, h, w] = x.axes() {
        return Ok([c, h, w]);
    }
    let vector = layers[..at].iter().find(|layer| matches!(layer, Layer::Affine(_) | Layer::Flatten));
    let hint = match vector {
        Some(layer) => format!("put it before {layer}, after which there is no image any more"),
        None => {
            let side = x.len().isqrt();
            let example = if side * side == x.len() { format!("1x{side}x{side}") } else { "3x32x32".to_owned() };
            format!("say what image a row is, channels x height x width: for example --input {example}")
        }
    };
    Err(wrong("an image to go over", x, hint))
}

fn conv2d(convolution: Convolution, x: Shape, [c, h, w]: [usize; 3]) -> Result<LayerShape, InputError> {
    let Convolution { outputs, kernel: [kh, kw], options } = convolution;
    if c % options.groups != 0 {
        let expected = format!("a number of channels that {} groups can share equally", options.groups);
        return Err(wrong(expected, x, "each group sees the same number of channels: change groups"));
    }
    let reach = [kh, kw].map(|k| options.dilation * (k - 1) + 1);
    let room = [h, w].map(|side| side + 2 * options.padding);
    if reach[0] > room[0] || reach[1] > room[1] {
        let expected = format!("at least {} x {} with the padding, as far as the kernel reaches", reach[0], reach[1]);
        return Err(wrong(expected, x, "make the kernel smaller, or the padding larger"));
    }
    // The border going forward, and going back that of the gradient: neither is larger than this.
    let sides = (room[0].checked_add(reach[0])).zip(room[1].checked_add(reach[1]));
    let numbers = sides.and_then(|(h, w)| c.max(outputs).checked_mul(h)?.checked_mul(w));
    if numbers.is_none_or(|numbers| numbers > LARGEST_IMAGE) {
        let expected = format!("at most {LARGEST_IMAGE} numbers in an image and its border");
        return Err(wrong(expected, x, "take fewer channels or a smaller padding"));
    }
    let weight = Shape::new(&[outputs, c / options.groups, kh, kw]).filter(|weight| weight.len() <= MOST);
    let weight = weight.ok_or_else(|| wrong(format!("at most {MOST} weights"), x, "take fewer channels"))?;
    let bias = Shape::from([outputs]);
    let output = options.shape(&[x, weight, bias]).map_err(|e| wrong(e.expected, x, "change the layer's sizes"))?;
    Ok(LayerShape { parameters: Some([weight, bias]), output })
}

fn max_pool(pool: MaxPool, x: Shape, [_, h, w]: [usize; 3]) -> Result<LayerShape, InputError> {
    let MaxPool { size, padding, .. } = pool;
    if size > h.min(w) + 2 * padding {
        let expected = format!("at least {size} x {size} with the padding, a whole window");
        return Err(wrong(expected, x, "make the windows smaller, or leave a pool out"));
    }
    let output = pool.shape(&[x]).map_err(|e| wrong(e.expected, x, "make the image smaller"))?;
    Ok(LayerShape { parameters: None, output })
}
