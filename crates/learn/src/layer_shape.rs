//! What a layer makes of a row: shapes going in and out, and of its parameters.
//!
//! | layer | in | weight | bias | out |
//! | --- | --- | --- | --- | --- |
//! | affine:N | `[k]`, or an image, flattened | `[k, N]` | `[N]` | `[N]` |
//! | conv2d:N@K | `[c, h, w]` | `[N, c / groups, K, K]` | `[N]` | `[N, h', w']` |
//! | max_pool:K | `[c, h, w]` | | | `[c, h', w']` |
//! | avg_pool:K | `[c, h, w]` | | | `[c, h', w']` |
//! | global_avg_pool | `[c, h, w]` | | | `[c]` |
//! | flatten | any | | | `[its numbers]` |
//! | batch_norm | `[n]` or `[c, h, w]` | `[n]` or `[c]` | the same | the same |
//! | layer_norm | any | the same | the same | the same |
//! | softmax | `[k]` | | | the same |
//! | embedding:N@D | `[k]` whole numbers | `[N, D]` | | `[k, D]` |
//! | residual( … ) | any | | | the same |
//! | concat( … \| … ) | any | | | the branches' first axes added up |
//! | others | any | | | the same |
//!
//! A batch_norm has two more, its mean and its variance: what a test build reads in place of the batch's own.

use chainrule_engine::ops::Concat;
use chainrule_engine::{Op, Shape};

use crate::input_error::InputError;
use crate::input_shape::written;
use crate::spec::branches::walk;
use crate::spec::{Convolution, Layer};

/// The most numbers that a model may have: indices of them, in bytes, must be safe to compute with.
pub(crate) const MOST: usize = isize::MAX as usize / 1024;

/// The most numbers of one image on its way through the network, its border included.
const LARGEST_IMAGE: usize = 1 << 32;

/// What a parameter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Multiplies.
    Weight,
    /// Is added.
    Bias,
    /// Follows the mean of batches.
    Mean,
    /// Follows the variance of batches.
    Variance,
}

impl Role {
    /// After the layer's number: `3.weight`.
    pub fn name(self) -> &'static str {
        match self {
            Role::Weight => "weight",
            Role::Bias => "bias",
            Role::Mean => "mean",
            Role::Variance => "variance",
        }
    }
}

/// What the parameters of a layer are for, in their order.
pub(crate) fn roles(layer: &Layer) -> &'static [Role] {
    match layer {
        Layer::Embedding { .. } => &[Role::Weight],
        Layer::Affine(_) | Layer::Conv2d(_) | Layer::LayerNorm => &[Role::Weight, Role::Bias],
        Layer::BatchNorm => &[Role::Weight, Role::Bias, Role::Mean, Role::Variance],
        _ => &[],
    }
}

/// The shapes of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerShape {
    /// Of its parameters, if it has any.
    pub parameters: Vec<(Role, Shape)>,
    /// Of a row of its result.
    pub output: Shape,
}

impl LayerShape {
    /// Of a layer without parameters.
    fn plain(output: Shape) -> Self {
        LayerShape { parameters: Vec::new(), output }
    }

    /// Of a layer with a weight and a bias.
    fn weighted(weight: Shape, bias: Shape, output: Shape) -> Self {
        LayerShape { parameters: vec![(Role::Weight, weight), (Role::Bias, bias)], output }
    }
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
            Ok(LayerShape::weighted(weight, [outputs].into(), [outputs].into()))
        }
        Layer::Conv2d(convolution) => conv2d(convolution, x, image(layers, at, x)?),
        Layer::MaxPool(of) => pool(&of, [of.size, of.padding], x, image(layers, at, x)?),
        Layer::AvgPool(of) => pool(&of, [of.size, of.padding], x, image(layers, at, x)?),
        Layer::GlobalAvgPool => image(layers, at, x).map(|[c, ..]| LayerShape::plain([c].into())),
        Layer::Flatten => Ok(LayerShape::plain([x.len()].into())),
        Layer::BatchNorm if x.rank() == 2 => {
            Err(wrong("a vector or an image", x, "put flatten before it, or take layer_norm"))
        }
        Layer::BatchNorm => {
            let each = Shape::from([x.axes()[0]]);
            Ok(LayerShape { parameters: roles(&layers[at]).iter().map(|&role| (role, each)).collect(), output: x })
        }
        Layer::LayerNorm => Ok(LayerShape::weighted(x, x, x)),
        Layer::Softmax if x.rank() > 1 => {
            Err(wrong("a vector", x, "its numbers are to sum to 1: put flatten or affine:N before it"))
        }
        Layer::Embedding { rows, width } => {
            let expected = "a row of whole numbers, as the first word";
            let weight = Shape::new(&[rows, width]).filter(|weight| weight.len() <= MOST && at == 0 && x.rank() == 1);
            let output = Shape::new(&[x.len(), width]);
            let (weight, output) = weight.zip(output).ok_or_else(|| wrong(expected, x, "put it first"))?;
            Ok(LayerShape { parameters: vec![(Role::Weight, weight)], output })
        }
        Layer::Residual | Layer::Concat | Layer::Or | Layer::Close => Ok(LayerShape::plain(x)),
        Layer::Relu
        | Layer::LeakyRelu(_)
        | Layer::Elu(_)
        | Layer::Gelu
        | Layer::Silu
        | Layer::Softplus
        | Layer::Sigmoid
        | Layer::Tanh
        | Layer::Softmax
        | Layer::Dropout(_) => Ok(LayerShape::plain(x)),
    }
}

/// The shapes of all layers, where branches meet too.
///
/// # Errors
/// As [`layer_shape`], with the number of the word.
pub(crate) fn layer_shapes(layers: &[Layer], input: Shape) -> Result<Vec<LayerShape>, (usize, InputError)> {
    let mut parameters = vec![Vec::new(); layers.len()];
    let layer = |at: usize, x: Shape| {
        let LayerShape { parameters: own, output } = layer_shape(layers, at, x).map_err(|e| (at, e))?;
        parameters[at] = own;
        Ok(output)
    };
    let add = |at: usize, x: Shape, y: Shape| {
        let same = format!("the residual to end as it begins, with {}", written(x));
        if x == y { Ok(x) } else { Err((at, wrong(same, y, "make the last of its layers as wide as what goes in"))) }
    };
    let join = |at: usize, parts: Vec<Shape>| {
        let joined = Concat.shape(&parts);
        joined.map_err(|e| (at, InputError::new("", e.expected, e.found, "make the branches' images equally large")))
    };
    let outputs = walk(layers, input, layer, add, join)?;
    Ok(outputs.into_iter().zip(parameters).map(|(output, parameters)| LayerShape { parameters, output }).collect())
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
    let vector = layers[..at].iter().find(|layer| {
        matches!(layer, Layer::Affine(_) | Layer::Embedding { .. } | Layer::Flatten | Layer::GlobalAvgPool)
    });
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
    Ok(LayerShape::weighted(weight, bias, output))
}

fn pool(op: &dyn Op, [size, padding]: [usize; 2], x: Shape, [_, h, w]: [usize; 3]) -> Result<LayerShape, InputError> {
    if size > h.min(w) + 2 * padding {
        let expected = format!("at least {size} x {size} with the padding, a whole window");
        return Err(wrong(expected, x, "make the windows smaller, or leave a pool out"));
    }
    let output = op.shape(&[x]).map_err(|e| wrong(e.expected, x, "make the image smaller"))?;
    Ok(LayerShape::plain(output))
}
