//! The first layer's weights as one picture: of each unit that looks at an image, what it looks for.
//!
//! Gray is 0, white the largest weight and black its opposite; three channels are red, green and blue. Of an image with another
//! number of channels each is a picture by itself.

use super::event::Value;
use crate::first_layer::{FirstLayer, gray};
use crate::predict::Predictor;

/// Pictures that are shown, at most.
const MOST: usize = 64;
/// Pixels of one, at most.
const PIXELS: usize = 64 * 64;
/// Small pictures are enlarged, to about so many pixels of the whole.
const WIDE: usize = 400;
/// Between two pictures.
const GAP: usize = 1;

/// Of a network whose first layer looks at images: the weight's name, and the picture. `None` of others.
pub(super) fn filters(predictor: &Predictor) -> Option<(String, Value)> {
    let layer = FirstLayer::of(predictor)?;
    let ([channels, height, width], units) = (layer.shape, layer.units);
    let area = height * width;
    if !(4..=PIXELS).contains(&area) {
        return None;
    }
    let colors = if channels == 3 { 3 } else { 1 };
    let tiles = (units * channels / colors).min(MOST);
    let tile = |tile: usize, color: usize, pixel: usize| {
        let first = tile * colors + color;
        layer.weight(first / channels, first % channels * area + pixel)
    };
    let all = (0..tiles).flat_map(|at| (0..colors * area).map(move |k| (at, k / area, k % area)));
    let largest = all.map(|(at, color, pixel)| tile(at, color, pixel).abs()).fold(0.0, f64::max);

    let columns = (1..).find(|&columns| columns * columns * width >= tiles * height || columns == tiles)?;
    let rows = tiles.div_ceil(columns);
    let (across, down) = (columns * (width + GAP) + GAP, rows * (height + GAP) + GAP);
    let scale = (WIDE / across).max(1);
    let mut bytes = vec![255; across * scale * down * scale * colors];
    for (at, place) in bytes.iter_mut().enumerate() {
        let (color, pixel) = (at % colors, at / colors);
        let (x, y) = (pixel % (across * scale) / scale, pixel / (across * scale) / scale);
        // The first line of each row and of each column of pictures is the gap.
        let (Some(x), Some(y)) = (x.checked_sub(GAP), y.checked_sub(GAP)) else { continue };
        let (row, y) = (y / (height + GAP), y % (height + GAP));
        let (column, x) = (x / (width + GAP), x % (width + GAP));
        if x < width && y < height && row * columns + column < tiles {
            *place = gray(tile(row * columns + column, color, y * width + x), largest);
        }
    }
    let size = [down * scale, across * scale, colors];
    Some((layer.weight.name.clone(), Value::Image(size, png(size, &bytes)?)))
}

fn png([height, width, colors]: [usize; 3], bytes: &[u8]) -> Option<Vec<u8>> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    encoder.set_color(if colors == 3 { png::ColorType::Rgb } else { png::ColorType::Grayscale });
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(bytes).ok()?;
    writer.finish().ok()?;
    Some(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Settings, digits, train};

    /// The pixel in the middle of each weight of a unit, by the picture's own measures.
    #[test]
    fn a_unit_is_a_column_of_an_affine_and_a_slice_of_a_convolution() {
        // 20 pictures of 8 × 8 in 5 columns; 3 of 3 × 3 in 2.
        for (spec, columns, side, unit) in
            [("affine:20 relu affine:10", 5, 8, 13), ("conv2d:3@3 relu affine:10", 2, 3, 2)]
        {
            let settings = Settings { model: Some(spec.parse().unwrap()), epochs: 1, ..Settings::default() };
            let trained = train(digits(), &settings, |_| {}).unwrap();
            let (name, picture) = filters(&trained.predictor).unwrap();
            let Value::Image([height, width, 1], file) = picture else { panic!("{spec}: {picture:?}") };
            assert_eq!(name, "0.weight");
            let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
            let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
            let info = reader.next_frame(&mut bytes).unwrap();
            assert_eq!((info.height as usize, info.width as usize), (height, width));
            let weight = &trained.predictor.tensors()[0];
            let largest = weight.values.iter().fold(0f32, |largest, x| largest.max(x.abs()));
            let scale = width / (columns * (side + 1) + 1);
            assert!(scale > 1 && width % scale == 0, "{spec}: {width} wide");
            for (row, column) in [(0, 0), (1, 2), (side - 1, side - 1)] {
                let y = ((unit / columns) * (side + 1) + 1 + row) * scale + scale / 2;
                let x = ((unit % columns) * (side + 1) + 1 + column) * scale + scale / 2;
                let at = row * side + column;
                let index = if side == 8 { at * 20 + unit } else { unit * 9 + at };
                let expected = 128.0 + 127.0 * weight.values[index] / largest;
                assert!((f32::from(bytes[y * width + x]) - expected).abs() <= 0.5001, "{spec}, {row}, {column}");
            }
            // Between the first picture and the second.
            assert_eq!(bytes[(side + 1) * scale + scale / 2 + width * 2 * scale], 255);
        }
    }

    #[test]
    fn rows_that_are_no_images_have_none() {
        let csv = "a,b,y\n1,2,u\n2,1,v\n3,5,u\n4,4,v\n1,1,u\n2,2,v\n5,1,u\n3,3,v\n";
        let table = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&table, csv).unwrap();
        let source = crate::Source {
            path: Some(table.path().to_owned()),
            target: Some("y".to_owned()),
            ..crate::Source::default()
        };
        let settings =
            Settings { epochs: 1, fractions: crate::Fractions { validation: 0.0, test: 0.0 }, ..Settings::default() };
        let trained = train(source.open(None).unwrap(), &settings, |_| {}).unwrap();
        assert!(filters(&trained.predictor).is_none());
    }
}
