//! The framing of event files (TensorFlow's TFRecord): each record is
//!
//! ```text
//! length, u64 | masked CRC of these 8 bytes, u32 | data | masked CRC of the data, u32
//! ```
//!
//! little-endian, with the CRC-32C (Castagnoli) turned right by 15 bits plus 0xa282ead8: a CRC of data that hold CRCs is weak.

use std::ops::Range;

use crc::{CRC_32_ISCSI, Crc};

const CASTAGNOLI: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);
const MASK: u32 = 0xa282_ead8;

fn masked(bytes: &[u8]) -> [u8; 4] {
    CASTAGNOLI.checksum(bytes).rotate_right(15).wrapping_add(MASK).to_le_bytes()
}

/// The data as a record.
pub(super) fn framed(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    [&length[..], &masked(&length), data, &masked(data)].concat()
}

/// The data of each record of a file up to the first that is not whole, as where a writer was killed.
pub(super) fn records(mut file: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while let Some((data, rest)) = first(file) {
        found.push(data);
        file = rest;
    }
    found
}

fn first(file: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = checked(file, 0..8)?;
    let length = usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?;
    checked(rest, 0..length)
}

/// The bytes of this range, where the masked CRC after them is theirs, and what comes after it.
fn checked(file: &[u8], range: Range<usize>) -> Option<(&[u8], &[u8])> {
    let data = file.get(range.clone())?;
    let rest = file.get(range.end..)?.strip_prefix(&masked(data))?;
    Some((data, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3720, B.4: 32 bytes of 0 have 0x8a9136aa, 0 to 31 have 0x46dd794e.
    #[test]
    fn the_sum_is_castagnolis() {
        assert_eq!(CASTAGNOLI.checksum(&[0; 32]), 0x8a91_36aa);
        assert_eq!(CASTAGNOLI.checksum(&(0..32).collect::<Vec<u8>>()), 0x46dd_794e);
    }

    #[test]
    fn what_is_cut_off_or_changed_ends_the_records() {
        let file = [framed(b"one"), framed(b""), framed(b"three")].concat();
        assert_eq!(records(&file), [&b"one"[..], b"", b"three"]);
        for cut in 0..file.len() {
            let whole = [19, 35, file.len()].iter().filter(|&&end| end <= cut).count();
            assert_eq!(records(&file[..cut]).len(), whole, "cut at {cut}");
        }
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 0x10;
            let whole = [19, 35, file.len()].iter().filter(|&&end| end <= at).count();
            assert_eq!(records(&changed).len(), whole, "changed at {at}");
        }
    }
}
