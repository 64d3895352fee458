//! numpy's `.npy`: one array.
//!
//! ```text
//! 0x93 NUMPY | version, 2 bytes | length of the header, u16, from version 2 on u32 | {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4)} | cells
//! ```
//!
//! The header is believed in nothing: memory grows with the cells that arrive. Cells stay the bytes that they were, and become numbers one by
//! one.

use std::io::{self, Read};

use crate::input_error::{InputError, excerpt};

const MAGIC: &[u8] = b"\x93NUMPY";
/// No header is longer; numpy itself stops at a sixth of it.
const HEADER: usize = 1 << 16;
/// Whole numbers up to here have an f64 of their own.
const WHOLE: i128 = 1 << 53;

/// Cells of one type, in axes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Array {
    /// What an error calls it: its file, and its name there.
    pub(crate) place: String,
    /// The length of each axis, none of them 0.
    pub(crate) shape: Vec<usize>,
    kind: Kind,
    /// Bytes of a cell.
    size: usize,
    big_endian: bool,
    /// Whether the first axis is the fastest, and not the last.
    fortran: bool,
    bytes: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Bool,
    Signed,
    Unsigned,
    Float,
}

impl Array {
    /// Bytes in memory.
    pub(super) fn size_in_memory(&self) -> usize {
        self.bytes.len()
    }

    /// Reads one, which ends with `file`; `failed` says what an error of that means.
    ///
    /// # Errors
    /// If it is none, is not whole, or has cells that are no numbers or no f64.
    pub(crate) fn read(
        place: String,
        file: &mut impl Read,
        failed: impl Fn(&io::Error) -> InputError,
    ) -> Result<Array, InputError> {
        let again = "copy the file again, or write it again with numpy.save or numpy.savez";
        let wrong = |expected: &str, found: String, hint: &str| InputError::new(place.clone(), expected, found, hint);
        let mut take = |most: usize| {
            let mut bytes = Vec::new();
            file.by_ref().take(most as u64).read_to_end(&mut bytes).map_err(|e| failed(&e))?;
            if bytes.len() == most {
                return Ok(bytes);
            }
            Err(wrong("a numpy array", "a file that ends in its header".into(), again))
        };
        let start = take(MAGIC.len() + 2)?;
        if !start.starts_with(MAGIC) {
            return Err(wrong("a numpy array", format!("a file that begins with {}", excerpt(&text(&start))), again));
        }
        let length = match start[MAGIC.len()] {
            1 => take(2)?.iter().rev().fold(0, |length, &byte| length << 8 | usize::from(byte)),
            2 | 3 => take(4)?.iter().rev().fold(0, |length, &byte| length << 8 | usize::from(byte)),
            other => return Err(wrong("version 1, 2 or 3 of the format", other.to_string(), again)),
        };
        if length > HEADER {
            return Err(wrong(&format!("a header of at most {HEADER} bytes"), length.to_string(), again));
        }
        let header = text(&take(length)?);
        let expected = "a header such as {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4)}";
        let hint = "write an array of one type, without names of fields";
        let Header { descr, fortran, shape } =
            Header::parse(&header).ok_or_else(|| wrong(expected, excerpt(&header), hint))?;
        let (kind, size, big_endian) = type_of(&descr).ok_or_else(|| {
            let hint =
                "convert the array first: x.astype('f4'); words to numbers by numpy.unique(y, return_inverse=True)";
            let expected = "cells of type b1, i1 to i8, u1 to u8, f4 or f8";
            wrong(expected, excerpt(&descr), hint)
        })?;
        let bytes = shape.iter().try_fold(size as u64, |product, &axis| product.checked_mul(axis as u64));
        let bytes = bytes.filter(|&bytes| bytes > 0 && bytes <= isize::MAX as u64);
        let Some(bytes) = bytes else {
            let expected = "axes of an array that can be, none of them 0";
            return Err(wrong(expected, format!("{shape:?}"), "write an array with rows"));
        };
        // Nothing is reserved on the header's word: the buffer grows with what arrives.
        let mut cells = Vec::new();
        file.by_ref().take(bytes).read_to_end(&mut cells).map_err(|e| failed(&e))?;
        let rest = io::copy(file, &mut io::sink()).map_err(|e| failed(&e))?;
        let found = cells.len() as u64 + rest;
        if found != bytes {
            let found = match rest {
                0 => format!("{found}: the end is missing"),
                _ => format!("{found}: {rest} more than its header says"),
            };
            return Err(wrong(&format!("{bytes} bytes after the header"), found, again));
        }
        let array = Array { place, shape, kind, size, big_endian, fortran, bytes: cells };
        array.expect_exact()?;
        Ok(array)
    }

    /// The length of the first axis.
    pub(crate) fn rows(&self) -> usize {
        self.shape.first().copied().unwrap_or(1)
    }

    /// Cells of a row.
    pub(super) fn width(&self) -> usize {
        self.shape.iter().skip(1).product()
    }

    /// Whether its cells are pixels as images have them.
    pub(super) fn is_bytes(&self) -> bool {
        self.kind == Kind::Unsigned && self.size == 1
    }

    /// Whether its cells are true or false.
    pub(super) fn is_bool(&self) -> bool {
        self.kind == Kind::Bool
    }

    /// A cell of a row; those of a row are counted as if the last axis were the fastest.
    pub(crate) fn cell(&self, row: usize, inner: usize) -> f64 {
        let at = if self.fortran {
            let (mut stride, mut rest, mut at) = (self.rows() * self.width(), inner, row);
            for &axis in self.shape.iter().skip(1).rev() {
                stride /= axis;
                at += rest % axis * stride;
                rest /= axis;
            }
            at
        } else {
            row * self.width() + inner
        };
        let bits = self.bits(at);
        match (self.kind, self.size) {
            (Kind::Bool, _) => f64::from(u8::from(bits != 0)),
            (Kind::Unsigned, _) => bits as f64,
            (Kind::Signed, _) => self.signed(bits) as f64,
            (Kind::Float, 4) => f64::from(f32::from_bits(bits as u32)),
            (Kind::Float, _) => f64::from_bits(bits),
        }
    }

    /// The bits of the cell that is stored there.
    fn bits(&self, at: usize) -> u64 {
        let bytes = &self.bytes[at * self.size..][..self.size];
        let add = |bits: u64, &byte: &u8| bits << 8 | u64::from(byte);
        if self.big_endian { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) }
    }

    fn signed(&self, bits: u64) -> i64 {
        let unused = 64 - 8 * self.size as u32;
        (bits << unused) as i64 >> unused
    }

    fn expect_exact(&self) -> Result<(), InputError> {
        if self.size < 8 || self.kind == Kind::Float {
            return Ok(());
        }
        let value = |at: usize| match self.kind {
            Kind::Signed => i128::from(self.signed(self.bits(at))),
            _ => i128::from(self.bits(at)),
        };
        let found = (0..self.bytes.len() / 8).map(value).find(|value| value.abs() > WHOLE);
        found.map_or(Ok(()), |value| {
            let hint = "numbers that are names cannot be learned; leave them out, or number them anew by numpy.unique(x, return_inverse=True)";
            Err(InputError::new(self.place.clone(), format!("whole numbers up to {WHOLE}"), value.to_string(), hint))
        })
    }
}

/// A file of one axis of numbers. Where they begin is a multiple of 64, as numpy's own are.
pub(crate) fn vector(values: &[f32]) -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({},), }}", values.len());
    let before = MAGIC.len() + 4;
    let width = (before + header.len() + 1).next_multiple_of(64) - before - 1;
    let header = format!("{header:width$}\n");
    let mut bytes = [MAGIC, &[1, 0], &(header.len() as u16).to_le_bytes(), header.as_bytes()].concat();
    bytes.extend(values.iter().flat_map(|x| x.to_le_bytes()));
    bytes
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

/// The kind, the bytes and the order of `<f4`.
fn type_of(descr: &str) -> Option<(Kind, usize, bool)> {
    let (order, name) = match descr.as_bytes().first()? {
        order @ (b'<' | b'>' | b'|' | b'=') => (*order, &descr[1..]),
        _ => (b'=', descr),
    };
    let big = order == b'>' || (order == b'=' && cfg!(target_endian = "big"));
    let (kind, size) = match name {
        "b1" => (Kind::Bool, 1),
        "i1" | "i2" | "i4" | "i8" => (Kind::Signed, name[1..].parse().ok()?),
        "u1" | "u2" | "u4" | "u8" => (Kind::Unsigned, name[1..].parse().ok()?),
        "f4" | "f8" => (Kind::Float, name[1..].parse().ok()?),
        _ => return None,
    };
    Some((kind, size, big))
}

/// What Python's dictionary at the beginning says.
#[derive(Debug, PartialEq)]
struct Header {
    descr: String,
    fortran: bool,
    shape: Vec<usize>,
}

impl Header {
    /// Of three keys in any order.
    fn parse(text: &str) -> Option<Header> {
        let mut rest = text.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        while !rest.is_empty() {
            let (key, after) = quoted(rest)?;
            let after = after.strip_prefix(':')?.trim_start();
            rest = match key {
                "descr" => {
                    let (value, after) = quoted(after)?;
                    descr = Some(value.to_owned());
                    after
                }
                "fortran_order" => {
                    let value = after.starts_with("True");
                    fortran = Some(value);
                    after.strip_prefix(if value { "True" } else { "False" })?
                }
                "shape" => {
                    let (axes, after) = after.strip_prefix('(')?.split_once(')')?;
                    let axes = axes.split(',').map(str::trim).filter(|axis| !axis.is_empty());
                    shape = Some(axes.map(|axis| axis.parse().ok()).collect::<Option<Vec<usize>>>()?);
                    after
                }
                _ => return None,
            }
            .trim_start();
            match rest.strip_prefix(',') {
                Some(after) => rest = after.trim_start(),
                None if rest.is_empty() => {}
                None => return None,
            }
        }
        Some(Header { descr: descr?, fortran: fortran?, shape: shape? })
    }
}

/// A text in quotes, and what comes after it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|&quote| quote == '\'' || quote == '"')?;
    let (value, after) = text[1..].split_once(quote)?;
    Some((value, after.trim_start()))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    /// A file with this header and these cells.
    pub(in crate::readers) fn file(header: &str, cells: &[u8]) -> Vec<u8> {
        let length = (header.len() as u16).to_le_bytes();
        [MAGIC, &[1, 0], &length, header.as_bytes(), cells].concat()
    }

    fn read(bytes: &[u8]) -> Result<Array, InputError> {
        Array::read("F".into(), &mut &bytes[..], |e| InputError::new("F", "", e.to_string(), ""))
    }

    fn all(array: &Array) -> Vec<f64> {
        (0..array.rows()).flat_map(|row| (0..array.width()).map(move |inner| array.cell(row, inner))).collect()
    }

    #[test]
    fn orders_of_bytes_and_of_axes() {
        let of = |descr: &str, fortran: &str, cells: &[u8]| {
            let header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': (2, 3), }}   \n");
            all(&read(&file(&header, cells)).unwrap())
        };
        assert_eq!(of("|u1", "False", &[1, 2, 3, 4, 5, 255]), [1.0, 2.0, 3.0, 4.0, 5.0, 255.0]);
        assert_eq!(of("|i1", "True", &[1, 2, 3, 4, 5, 255]), [1.0, 3.0, 5.0, 2.0, 4.0, -1.0]);
        assert_eq!(of(">i2", "False", &[0, 1, 1, 0, 255, 254, 0, 0, 0, 0, 0, 0]), [1.0, 256.0, -2.0, 0.0, 0.0, 0.0]);
        assert_eq!(of("|b1", "False", &[0, 1, 0, 1, 1, 0]), [0.0, 1.0, 0.0, 1.0, 1.0, 0.0]);
        let floats: Vec<u8> = [0.5f32, -1.5, f32::MAX, 0.0, 1.0, 2.0].iter().flat_map(|x| x.to_be_bytes()).collect();
        assert_eq!(of(">f4", "False", &floats), [0.5, -1.5, f64::from(f32::MAX), 0.0, 1.0, 2.0]);
    }

    /// The bytes are those of `numpy.save(file, numpy.array([0.5, -1.5], "f4"))`, numpy 2.
    #[test]
    fn a_vector_is_written_as_numpy_does() {
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
        let bytes = file(&format!("{header:117}\n"), &[0, 0, 0, 0x3f, 0, 0, 0xc0, 0xbf]);
        assert_eq!(vector(&[0.5, -1.5]), bytes);
        assert_eq!(all(&read(&bytes).unwrap()), [0.5, -1.5]);
    }

    #[test]
    fn what_is_broken_is_told_before_memory_is_taken() {
        let header =
            |descr: &str, shape: &str| format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}");
        let found = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
        for (bytes, told) in [
            (b"a,b\n1,2\n".to_vec(), "found a file that begins with 'a,b\\n1,2'"),
            (b"\x93NUM".to_vec(), "found a file that ends in its header"),
            (file("{'descr': '<f4'}", &[]), "expected a header such as"),
            (file(&header("[('a', '<f4')]", "(1,)"), &[0; 4]), "without names of fields"),
            (file(&header("'<U3'", "(1,)"), &[0; 12]), "found '<U3'"),
            (file(&header("'|O'", "(1,)"), &[0; 12]), "found '|O'"),
            (file(&header("'<f4'", "(0, 3)"), &[]), "found [0, 3]"),
            (file(&header("'<f8'", "(4000000000, 4000000000)"), &[]), "axes of an array that can be"),
            (file(&header("'<f8'", "(1000000000, 1000)"), &[0; 8]), "found 8: the end is missing"),
            (file(&header("'<f4'", "(1,)"), &[0; 5]), "found 5: 1 more than its header says"),
            (file(&header("'<f4'", "(-1,)"), &[0; 4]), "expected a header such as"),
            (file(&header("'<u8'", "(1,)"), &[255; 8]), "found 18446744073709551615"),
            ([MAGIC, &[9, 0, 0, 0]].concat(), "found 9"),
            ([MAGIC, &[2, 0, 255, 255, 255, 255]].concat(), "at most 65536 bytes, found 4294967295"),
        ] {
            assert!(found(&bytes).contains(told), "{told}: {}", found(&bytes));
        }
    }

    proptest! {
        /// Broken files end in an answer, never in a panic.
        #[test]
        fn no_array_is_too_broken(
            header in r"\{'descr': '[<>|]?[fiub][1248]', 'fortran_order': (True|False), 'shape': \([0-9], [0-3]?,?[ ,()'}]{0,2}\)?\}",
            cells in vec(any::<u8>(), 0..40),
            changed in any::<(proptest::sample::Index, u8)>(),
        ) {
            let mut bytes = file(&header, &cells);
            if let Ok(array) = read(&bytes) {
                prop_assert_eq!(all(&array).len(), array.rows() * array.width());
            }
            let at = changed.0.index(bytes.len());
            bytes[at] = changed.1;
            let _ = read(&bytes);
        }
    }
}
