//! What each unit of the first layer looks for in an image: its weights, laid out as the image is.

use crate::predict::Predictor;
use crate::spec::Layer;
use crate::weights::Tensor;

/// The first layer's weight of a network that looks at images.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FirstLayer<'a> {
    pub(crate) weight: &'a Tensor,
    /// Channels, height and width of what a unit looks at: the image, or a convolution's kernel.
    pub(crate) shape: [usize; 3],
    pub(crate) units: usize,
}

impl<'a> FirstLayer<'a> {
    /// `None` of a network that looks at no images, or at once at something else than their pixels.
    pub(crate) fn of(predictor: &'a Predictor) -> Option<FirstLayer<'a>> {
        let image = predictor.encoding().input.image?;
        let weight = predictor.tensors().first()?;
        let (shape, units) = match (predictor.model().layers().first()?, weight.shape.as_slice()) {
            (Layer::Affine(_), &[_, units]) => (image, units),
            (Layer::Conv2d(_), &[units, channels, height, width]) => ([channels, height, width], units),
            _ => return None,
        };
        Some(FirstLayer { weight, shape, units })
    }

    /// A unit's weight for a pixel of a channel, counted as the image's numbers are: a column of an affine's, a slice of a convolution's.
    pub(crate) fn weight(&self, unit: usize, at: usize) -> f64 {
        let index = match self.weight.shape.as_slice() {
            [_, units] => at * units + unit,
            _ => unit * self.shape.iter().product::<usize>() + at,
        };
        self.weight.values[index].into()
    }
}

/// A weight from −`largest` to `largest` as a gray from 1 to 255, 0 in the middle.
pub(crate) fn gray(weight: f64, largest: f64) -> u8 {
    if largest > 0.0 { (128.0 + 127.0 * weight / largest).round() as u8 } else { 128 }
}
