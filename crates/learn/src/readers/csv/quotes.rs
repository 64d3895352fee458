//! What quotes enclose. Only a quote at the start of a cell opens; the CSV reader ends a cell that is not closed where the
//! file ends and says nothing, so that the rest of a file may hide in one cell.

use std::io::{BufRead, BufReader, Read};

/// Whether a text is within quotes, as far as it has been read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quoting {
    delimiter: u8,
    open: bool,
    /// Whether a quote would open a cell.
    start: bool,
}

impl Quoting {
    pub(super) fn new(delimiter: u8) -> Self {
        Quoting { delimiter, open: false, start: true }
    }

    /// Whether the text so far ends within quotes.
    pub(super) fn is_open(self) -> bool {
        self.open
    }

    /// Goes over a byte.
    #[inline]
    fn pass(&mut self, byte: u8) {
        match (self.open, byte) {
            // A doubled quote closes the cell and opens it again at once.
            (true, b'"') => (self.open, self.start) = (false, true),
            (true, _) => {}
            (false, b'"') if self.start => self.open = true,
            (false, _) => self.start = byte == self.delimiter || is_end(byte),
        }
    }

    /// Goes over `text`; returns what is behind the last end of a line in it that no quotes enclose.
    pub(super) fn last_end(&mut self, text: &[u8]) -> Option<usize> {
        let &last = text.last()?;
        if !self.open && !text.contains(&b'"') {
            self.pass(last);
            return text.iter().rposition(|&byte| is_end(byte)).map(|at| at + 1);
        }
        let mut end = None;
        for (at, &byte) in text.iter().enumerate() {
            self.pass(byte);
            if !self.open && is_end(byte) {
                end = Some(at + 1);
            }
        }
        end
    }
}

fn is_end(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r'
}

/// Where the quote stands that the end of `text` finds open.
pub(super) fn unclosed(text: impl Read, delimiter: u8) -> Option<u64> {
    let (mut quoting, mut opened, mut at) = (Quoting::new(delimiter), 0, 0);
    let mut text = BufReader::with_capacity(64 << 10, text);
    loop {
        let bytes = text.fill_buf().ok()?;
        if bytes.is_empty() {
            return quoting.open.then_some(opened);
        }
        for &byte in bytes {
            let before = quoting.open;
            quoting.pass(byte);
            if quoting.open && !before {
                opened = at;
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

    #[test]
    fn the_last_end_is_outside_of_quotes() {
        for (text, end, open) in [
            ("a,b\nc", Some(4), false),
            ("a,\"b\nc", None, true),
            ("a\n\"b\n\",\"x\"\"\n", Some(2), true),
            ("a,5\"\n", Some(5), false),
            ("abc", None, false),
        ] {
            let mut quoting = Quoting::new(b',');
            assert_eq!((quoting.last_end(text.as_bytes()), quoting.is_open()), (end, open), "{text:?}");
        }
    }
}
