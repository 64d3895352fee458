//! A cell as a number, fast: m / 10ᵏ with both exact in f64 is one rounded division, and so the nearest f64
//! (Clinger, *How to read floating point numbers accurately*, 1990). Other spellings go to the standard library.

/// The powers of ten that an f64 holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];
/// Whole numbers up to here are exact in f64.
const EXACT: u64 = 1 << 53;

/// The number that `cell` spells, spaces around it aside; `None` if it spells none. It may be infinite or no number.
pub(super) fn parse(cell: &[u8]) -> Option<f64> {
    plain(cell).or_else(|| str::from_utf8(cell).ok()?.trim().parse().ok())
}

/// `-123.45` and the like, of at most 19 digits.
#[inline]
fn plain(cell: &[u8]) -> Option<f64> {
    let (negative, digits) = match cell {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, cell),
    };
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    let mut mantissa = 0u64;
    let mut point = None;
    for (at, &byte) in digits.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            mantissa = mantissa * 10 + u64::from(digit);
        } else if byte == b'.' && point.is_none() {
            point = Some(at);
        } else {
            return None;
        }
    }
    let decimals = point.map_or(0, |at| digits.len() - 1 - at);
    if mantissa > EXACT || (point.is_some() && digits.len() == 1) {
        return None;
    }
    let number = mantissa as f64 / POWERS[decimals];
    Some(if negative { -number } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_in_every_spelling() {
        for (text, number) in [
            ("0", 0.0),
            ("-12.5", -12.5),
            (".5", 0.5),
            ("5.", 5.0),
            (" 7 ", 7.0),
            ("+3", 3.0),
            ("1e3", 1000.0),
            ("9007199254740993", 9_007_199_254_740_992.0),
            ("0.1", 0.1),
            ("1e999", f64::INFINITY),
        ] {
            assert_eq!(parse(text.as_bytes()), Some(number), "{text}");
        }
        for text in ["", "-", ".", "1.2.3", "x", "1x", "- 1", "0x10", "1,5", "\u{661}"] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        assert!(parse(b"nan").unwrap().is_nan());
    }

    proptest! {
        #[test]
        fn it_is_the_standard_librarys_number(text in "-?[0-9]{0,18}\\.?[0-9]{0,10}") {
            let bits = |number: Option<f64>| number.map(f64::to_bits);
            prop_assert_eq!(bits(parse(text.as_bytes())), bits(text.parse().ok()));
        }
    }
}
