//! What stands between the cells: the candidate that each of the first lines has equally often, and most often.

/// In the order of preference among equals.
const CANDIDATES: [u8; 4] = [b',', b'\t', b';', b'|'];
/// Lines that are asked.
const LINES: usize = 50;

/// The delimiter of a text that starts with `text`, which is `whole` or may end within a line.
///
/// A comma where no candidate is in every line: the reader then says what is wrong with the lines.
pub(super) fn guess(text: &[u8], whole: bool) -> u8 {
    let lines = counts(text, whole);
    let Some(first) = lines.first() else { return CANDIDATES[0] };
    let share = |at: usize| lines.iter().filter(|line| line[at] == first[at]).count();
    let even = (0..CANDIDATES.len()).filter(|&at| first[at] > 0 && share(at) == lines.len());
    // A ragged line is an error to tell with its place, not another delimiter.
    let most = (0..CANDIDATES.len()).filter(|&at| first[at] > 0);
    let best = even.max_by_key(|&at| (first[at], std::cmp::Reverse(at)));
    let best = best.or_else(|| most.max_by_key(|&at| (share(at), first[at], std::cmp::Reverse(at))));
    CANDIDATES[best.unwrap_or(0)]
}

/// How often each candidate is in each line, outside of quotes.
fn counts(text: &[u8], whole: bool) -> Vec<[usize; CANDIDATES.len()]> {
    let mut lines = Vec::new();
    let (mut line, mut quoted, mut empty) = ([0; CANDIDATES.len()], false, true);
    for &byte in text {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => {
                if !empty {
                    lines.push(line);
                }
                (line, empty) = ([0; CANDIDATES.len()], true);
                if lines.len() == LINES {
                    return lines;
                }
                continue;
            }
            _ if quoted => {}
            _ => {
                if let Some(at) = CANDIDATES.iter().position(|&candidate| candidate == byte) {
                    line[at] += 1;
                }
            }
        }
        empty = false;
    }
    if !empty && (whole || lines.is_empty()) {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_in_every_line() {
        for (text, delimiter) in [
            ("a,b\n1,2\n", b','),
            ("a\tb\n1,5\t2\n", b'\t'),
            ("a;b\n1,5;2,25\n", b';'),
            ("a|b|c\n1|2|3", b'|'),
            ("\"a;b;c\",d\n\"x\ny;\",2\n", b','),
            ("a,b\n1,2\n3\n", b','),
            ("one\n1\n", b','),
            ("", b','),
        ] {
            assert_eq!(guess(text.as_bytes(), true), delimiter, "{text:?}");
        }
        assert_eq!(guess(b"a;b;c\n1;2;3\n4;5,", false), b';', "the last line may be a part of one");
    }
}
