//! A picture in another size, by the triangle filter over all the pixels that one of the new ones covers:
//!
//! `y[i] = Σ w((j + ½ − c) / s) x[j] / Σ w`, where `w(d) = 1 − |d|` below 1, `c = (i + ½) · old / new` and `s = max(old / new, 1)`.
//!
//! Enlarged it is bilinear interpolation; made smaller nothing between the pixels is skipped, which would make patterns that are
//! not there. It is what Pillow's `BILINEAR` and torchvision's `Resize` do. Rows first, then columns, each rounded to a byte,
//! with weights in whole numbers, as Pillow has them: no machine rounds another way.

use super::decode::Picture;

impl Picture {
    /// The picture in `height` × `width` pixels; its sides are scaled one by one.
    pub(super) fn resized(self, height: usize, width: usize) -> Picture {
        let mut picture = self;
        if picture.width != width {
            let across = Weights::new(picture.width, width);
            let line = picture.width * picture.channels;
            let rows = picture.pixels.chunks_exact(line);
            let pixels = rows.flat_map(|row| across.apply(row, picture.channels, picture.channels)).collect();
            picture = Picture { width, pixels, ..picture };
        }
        if picture.height != height {
            let line = picture.width * picture.channels;
            let pixels = Weights::new(picture.height, height).apply(&picture.pixels, line, line);
            picture = Picture { height, pixels, ..picture };
        }
        picture
    }
}

/// What a weight of 1 is.
const ONE: i64 = 1 << 22;

/// For each new place where its old ones begin, and their weights, which sum to [`ONE`] or nearly so.
struct Weights(Vec<(usize, Vec<i64>)>);

impl Weights {
    fn new(old: usize, new: usize) -> Weights {
        let ratio = old as f64 / new as f64;
        let reach = ratio.max(1.0);
        let place = |at: usize| {
            let center = (at as f64 + 0.5) * ratio;
            let first = (center - reach + 0.5).max(0.0) as usize;
            let end = ((center + reach + 0.5) as usize).min(old);
            let weight = |j: usize| (1.0 - ((j as f64 + 0.5 - center) / reach).abs()).max(0.0);
            let weights: Vec<f64> = (first..end).map(weight).collect();
            let sum: f64 = weights.iter().sum();
            (first, weights.into_iter().map(|weight| (weight / sum * ONE as f64).round() as i64).collect())
        };
        Weights((0..new).map(place).collect())
    }

    /// Over places `step` bytes apart, of `width` bytes each.
    fn apply(&self, old: &[u8], step: usize, width: usize) -> Vec<u8> {
        let mut new = Vec::with_capacity(self.0.len() * width);
        for (first, weights) in &self.0 {
            for channel in 0..width {
                let from = old[first * step + channel..].iter().step_by(step);
                let sum: i64 = weights.iter().zip(from).map(|(weight, &x)| weight * i64::from(x)).sum();
                new.push(((sum + ONE / 2) / ONE).clamp(0, 255) as u8);
            }
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rustfmt::skip]
    const SMALL: [u8; 6] = [68, 120, 191, 99, 123, 163];
    #[rustfmt::skip]
    const LARGE: [u8; 54] = [0, 5, 16, 36, 63, 101, 147, 201, 252, 65, 119, 102, 73, 157, 103, 163, 210, 182, 90, 99, 67, 65, 213, 172, 199, 222, 206, 60, 52, 49, 86, 215, 155, 162, 201, 240, 39, 86, 117, 136, 162, 50, 87, 168, 218, 112, 207, 211, 137, 71, 16, 111, 185, 156];

    fn gray(height: usize, width: usize, pixels: &[u8]) -> Picture {
        Picture { channels: 1, height, width, pixels: pixels.to_vec() }
    }

    #[test]
    fn sizes_are_those_of_pillow() {
        // Image.fromarray(a).resize((w, h), Image.BILINEAR) of Pillow 13: tools/pillow_oracle.py.
        let a: Vec<u8> = (0..35u32).map(|i| (i * i * 7 % 256) as u8).collect();
        let picture = gray(5, 7, &a);
        let small = picture.clone().resized(2, 3);
        let large = picture.resized(6, 9);
        assert_eq!(small.pixels, SMALL);
        assert_eq!(large.pixels, LARGE);
    }

    #[test]
    fn what_is_plain_stays_plain_and_channels_stay_apart() {
        let picture = Picture { channels: 3, height: 3, width: 4, pixels: [9, 200, 255].repeat(12) };
        for (height, width) in [(1, 1), (3, 4), (7, 2), (2, 11)] {
            let other = picture.clone().resized(height, width);
            assert_eq!((other.height, other.width), (height, width));
            assert_eq!(other.pixels, [9, 200, 255].repeat(height * width));
        }
    }
}
