//! A table's text in blocks of whole rows, so that several threads read it at once.
//!
//! A block ends at the last end of a line that is not within quotes. Where no quote is seen, which is most of all text, only the
//! block's end is looked at. The blocks are the same on every machine and at any number of threads.

use super::quotes::Quoting;
use crate::{input_error::InputError, readers::table_text};
use std::{
    io::Read,
    path::{Path, PathBuf},
};

/// How much is read at a time.
const SIZE: usize = 1 << 20;
/// A longer row is no row.
const LONGEST: usize = 64 << 20;

/// Some rows, each whole.
#[derive(Debug)]
pub(crate) struct Block {
    pub(super) text: Vec<u8>,
    /// Where it begins in the whole text.
    pub(super) at: u64,
    /// Its first line, from 1; counted in a text that cannot be read again.
    pub(super) line: Option<u64>,
}

/// Ends of lines, as an editor counts them.
pub(super) fn lines(text: &[u8]) -> u64 {
    text.iter().filter(|&&byte| byte == b'\n').count() as u64
}

/// The blocks of a text in turn.
pub(super) struct Blocks {
    path: PathBuf,
    text: Box<dyn Read + Send>,
    quoting: Quoting,
    /// What was read beyond the last block's end.
    rest: Vec<u8>,
    at: u64,
    line: Option<u64>,
    ended: bool,
}

/// What stands where a block should end.
pub(super) enum Cut {
    /// A block.
    Block(Block),
    /// Nothing: the text is over.
    End,
    /// The end of the text, or [`LONGEST`] bytes, within quotes: what was read.
    Unclosed(Block),
    /// More than [`LONGEST`] bytes without the end of a line.
    TooLong,
}

impl Blocks {
    /// Of a `text` whose lines are to be counted or not.
    pub(super) fn new(path: &Path, text: Box<dyn Read + Send>, delimiter: u8, counts: bool) -> Self {
        let (path, quoting) = (path.to_owned(), Quoting::new(delimiter));
        Blocks { path, text, quoting, rest: Vec::new(), at: 0, line: counts.then_some(1), ended: false }
    }

    /// The next block.
    pub(super) fn next(&mut self) -> Result<Cut, InputError> {
        let mut block = std::mem::take(&mut self.rest);
        block.reserve(SIZE);
        while !self.ended {
            let known = block.len();
            let read = self.text.by_ref().take(SIZE as u64).read_to_end(&mut block);
            self.ended = read.map_err(|e| table_text::error(&self.path, &e))? < SIZE;
            if let Some(end) = self.quoting.last_end(&block[known..]) {
                let end = known + end;
                self.rest = block[end..].to_vec();
                block.truncate(end);
                return Ok(Cut::Block(self.give(block)));
            }
            if !self.ended && block.len() > LONGEST {
                return Ok(if self.quoting.is_open() { Cut::Unclosed(self.give(block)) } else { Cut::TooLong });
            }
        }
        if self.quoting.is_open() {
            return Ok(Cut::Unclosed(self.give(block)));
        }
        Ok(if block.is_empty() { Cut::End } else { Cut::Block(self.give(block)) })
    }

    fn give(&mut self, text: Vec<u8>) -> Block {
        let (at, line) = (self.at, self.line);
        self.at += text.len() as u64;
        self.line = line.map(|line| line + lines(&text));
        Block { text, at, line }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn cut(text: &[u8]) -> Vec<Block> {
        let mut blocks = Blocks::new(Path::new("t"), Box::new(Cursor::new(text.to_vec())), b',', true);
        std::iter::from_fn(|| match blocks.next().unwrap() {
            Cut::Block(block) => Some(block),
            Cut::End => None,
            Cut::Unclosed(_) | Cut::TooLong => panic!("all is closed"),
        })
        .collect()
    }

    #[test]
    fn blocks_are_of_whole_rows_and_the_whole_text() {
        // Rows with ends of lines within quotes, doubled quotes and a quote that opens nothing.
        let row = b"12,\"a\nb\"\"\n\",5\" pipe\r\n";
        let text: Vec<u8> = row.iter().copied().cycle().take(row.len() * 200_000).collect();
        let blocks = cut(&text);
        assert!(blocks.len() > 3);
        for block in &blocks {
            assert!(block.text.starts_with(b"12,") || block.text.starts_with(b"\n12,"), "{}", block.at);
            assert_eq!(text[block.at as usize..][..block.text.len()], block.text);
            assert_eq!(block.line, Some(lines(&text[..block.at as usize]) + 1));
        }
        assert_eq!(blocks.iter().map(|block| block.text.len()).sum::<usize>(), text.len());
        let one = cut(b"a\n1\n2");
        assert_eq!((one[0].text.as_slice(), one[1].text.as_slice()), (&b"a\n1\n"[..], &b"2"[..]));
        assert!(cut(b"").is_empty());
    }

    #[test]
    fn a_quote_that_stays_open_is_seen() {
        let mut blocks = Blocks::new(Path::new("t"), Box::new(Cursor::new(b"a,b\n\"1,2\n".to_vec())), b',', false);
        assert!(matches!(blocks.next().unwrap(), Cut::Block(_)));
        assert!(matches!(blocks.next().unwrap(), Cut::Unclosed(_)));
    }
}
