//! Quotes that are not closed. The CSV reader ends such a cell where the file ends and says nothing, so that the rest of
//! a file may hide in one cell. An odd number of quotes is the sign of it, and costs next to nothing to see.

use std::io::{self, BufRead, BufReader, Read};

/// Counts the quotes of what is read through it.
pub(super) struct Quotes<R> {
    inner: R,
    odd: bool,
}

impl<R> Quotes<R> {
    pub(super) fn new(inner: R) -> Self {
        Quotes { inner, odd: false }
    }

    /// Whether their number is odd.
    pub(super) fn odd(&self) -> bool {
        self.odd
    }
}

impl<R: Read> Read for Quotes<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.odd ^= buffer[..n].iter().map(|&byte| u64::from(byte == b'"')).sum::<u64>() % 2 == 1;
        Ok(n)
    }
}

/// Where the quote stands that the end of `text` finds open. Only a quote at the start of a cell opens.
pub(super) fn unclosed(text: impl Read, delimiter: u8) -> Option<u64> {
    let (mut opened, mut start, mut at) = (None, true, 0);
    let mut text = BufReader::with_capacity(64 << 10, text);
    loop {
        let bytes = text.fill_buf().ok()?;
        if bytes.is_empty() {
            return opened;
        }
        for &byte in bytes {
            match (opened, byte) {
                // A doubled quote closes the cell and opens it again at once.
                (Some(_), b'"') => (opened, start) = (None, true),
                (None, b'"') if start => opened = Some(at),
                (None, _) => start = byte == delimiter || byte == b'\n' || byte == b'\r',
                (Some(_), _) => {}
            }
            at += 1;
        }
        let n = bytes.len();
        text.consume(n);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_open_quote_is_found() {
        for (text, place) in [
            ("a,\"b\n1,2\n", Some(2)),
            ("\"a\"\"\",b\n1,\"x", Some(10)),
            ("a,5\" pipe\n1,2\n", None),
            ("\"a\nb\",\"\"\"c\"\n", None),
            ("", None),
        ] {
            assert_eq!(unclosed(text.as_bytes(), b','), place, "{text:?}");
        }
    }
}
