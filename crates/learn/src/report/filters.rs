//! The first layer's weights as pictures: of each unit that looks at an image, what it looks for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::first_layer::{FirstLayer, gray};
use crate::predict::Predictor;

/// Units that are shown, at most.
const UNITS: usize = 64;

/// Pixels of one, at most.
const PIXELS: usize = 3 << 12;

/// Weights from −`largest` to `largest` as bytes from 1 to 255, in base64.
#[derive(Debug, Serialize)]
pub(super) struct Filters {
    /// Channels, height and width of one.
    shape: [usize; 3],
    /// How many are shown.
    count: usize,
    /// How many there are.
    of: usize,
    largest: f64,
    bytes: String,
}

impl Filters {
    /// Of a network whose first layer looks at images; `None` of others.
    pub(super) fn of(predictor: &Predictor) -> Option<Filters> {
        let layer = FirstLayer::of(predictor)?;
        let size: usize = layer.shape.iter().product();
        if !(4..=PIXELS).contains(&size) {
            return None;
        }
        let count = layer.units.min(UNITS);
        let all = || (0..count).flat_map(|unit| (0..size).map(move |at| layer.weight(unit, at)));
        let largest = all().map(f64::abs).fold(0.0, f64::max);
        let bytes: Vec<u8> = all().map(|weight| gray(weight, largest)).collect();
        Some(Filters { shape: layer.shape, count, of: layer.units, largest, bytes: STANDARD.encode(bytes) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Settings, digits, train};

    #[test]
    fn a_unit_is_a_column_of_an_affine_and_a_slice_of_a_convolution() {
        for (spec, shape, of) in
            [("affine:70 relu affine:10", [1, 8, 8], 70), ("conv2d:4@3 relu affine:10", [1, 3, 3], 4)]
        {
            let settings = Settings { model: Some(spec.parse().unwrap()), epochs: 1, ..Settings::default() };
            let trained = train(digits(), &settings, |_| {}).unwrap();
            let filters = Filters::of(&trained.predictor).unwrap();
            assert_eq!((filters.shape, filters.of, filters.count), (shape, of, of.min(UNITS)));
            let bytes = STANDARD.decode(&filters.bytes).unwrap();
            let size: usize = shape.iter().product();
            let weight = &trained.predictor.tensors()[0];
            let shown = |unit: usize, at: usize| f64::from(bytes[unit * size + at]) - 128.0;
            for (unit, at) in [(0, 0), (1, 2), (3, 8)] {
                let index = if of == 70 { at * 70 + unit } else { unit * size + at };
                let expected = 127.0 * f64::from(weight.values[index]) / filters.largest;
                assert!((shown(unit, at) - expected).abs() <= 0.5001, "{spec}, unit {unit}, weight {at}");
            }
        }
    }
}
