//! How a camera was held: the orientation of EXIF 2.3, tag 0x0112, a number from 1 to 8.
//!
//! EXIF is a TIFF file: `II` or `MM` for the order of bytes, 42, the place of a list; the list is a count and entries of twelve
//! bytes: tag, type, count, value.

use super::decode::Picture;

/// What makes a picture upright: first rows and columns change places, then each row, or all rows, turn round.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Orientation {
    transpose: bool,
    mirror: bool,
    flip: bool,
}

impl Orientation {
    /// As the EXIF data say; upright where they do not.
    pub(super) fn of(exif: &[u8]) -> Orientation {
        let (transpose, mirror, flip) = match tag(exif) {
            Some(2) => (false, true, false),
            Some(3) => (false, true, true),
            Some(4) => (false, false, true),
            Some(5) => (true, false, false),
            Some(6) => (true, true, false),
            Some(7) => (true, true, true),
            Some(8) => (true, false, true),
            _ => (false, false, false),
        };
        Orientation { transpose, mirror, flip }
    }

    /// The picture upright.
    pub(super) fn turn(self, picture: Picture) -> Picture {
        if self == Orientation::default() {
            return picture;
        }
        let Picture { channels, height: rows, width: columns, pixels } = picture;
        let (height, width) = if self.transpose { (columns, rows) } else { (rows, columns) };
        let mut turned = Vec::with_capacity(pixels.len());
        for y in 0..height {
            for x in 0..width {
                let y = if self.flip { height - 1 - y } else { y };
                let x = if self.mirror { width - 1 - x } else { x };
                let (row, column) = if self.transpose { (x, y) } else { (y, x) };
                let at = (row * columns + column) * channels;
                turned.extend_from_slice(&pixels[at..at + channels]);
            }
        }
        Picture { channels, height, width, pixels: turned }
    }
}

/// The tag's number, if there is one.
fn tag(exif: &[u8]) -> Option<u16> {
    const ORIENTATION: u16 = 0x0112;
    // Some writers leave the marker's name before the TIFF.
    let tiff = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    let large_first = match tiff.get(..4)? {
        [b'I', b'I', 42, 0] => false,
        [b'M', b'M', 0, 42] => true,
        _ => return None,
    };
    let two = |at: usize| {
        let bytes = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if large_first { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    };
    let four = |at: usize| {
        let (first, second) = (u32::from(two(at)?), u32::from(two(at + 2)?));
        Some(if large_first { first << 16 | second } else { second << 16 | first })
    };
    let list = four(4)? as usize;
    let entries = usize::from(two(list)?);
    let entry = |number: usize| list + 2 + 12 * number;
    let found = (0..entries).map(entry).find(|&at| two(at) == Some(ORIENTATION))?;
    two(found + 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list of one entry, the orientation.
    fn exif(number: u8, large_first: bool) -> Vec<u8> {
        match large_first {
            true => [&b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"[..], &[number, 0, 0]].concat(),
            false => [&b"II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0"[..], &[number, 0, 0, 0]].concat(),
        }
    }

    #[test]
    fn each_orientation_is_turned_upright() {
        // As the file has it: 1 2 3 / 4 5 6.
        let stored = Picture { channels: 1, height: 2, width: 3, pixels: vec![1, 2, 3, 4, 5, 6] };
        for (number, height, upright) in [
            (1, 2, [1, 2, 3, 4, 5, 6]),
            (2, 2, [3, 2, 1, 6, 5, 4]),
            (3, 2, [6, 5, 4, 3, 2, 1]),
            (4, 2, [4, 5, 6, 1, 2, 3]),
            (5, 3, [1, 4, 2, 5, 3, 6]),
            (6, 3, [4, 1, 5, 2, 6, 3]),
            (7, 3, [6, 3, 5, 2, 4, 1]),
            (8, 3, [3, 6, 2, 5, 1, 4]),
            (9, 2, [1, 2, 3, 4, 5, 6]),
        ] {
            for large_first in [false, true] {
                let turned = Orientation::of(&exif(number, large_first)).turn(stored.clone());
                assert_eq!((turned.height, turned.pixels), (height, upright.to_vec()), "{number}");
            }
        }
    }

    #[test]
    fn broken_exif_is_upright() {
        let whole = exif(6, true);
        for cut in 0..whole.len() - 4 {
            assert_eq!(Orientation::of(&whole[..cut]), Orientation::default());
        }
        let far = [&b"MM\0\x2a\xff\xff\xff\xff"[..], &whole[8..]].concat();
        assert_eq!(Orientation::of(&far), Orientation::default());
    }
}
