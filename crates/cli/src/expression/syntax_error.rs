//! What is wrong with an expression, with a caret under the place.
//!
//! ```text
//! expression, column 7: expected a number, a variable, a function or '(', found end
//!   x0^2 +
//!         ^
//! ```

use std::fmt;

use unicode_width::UnicodeWidthChar;

/// How much of a long expression is shown before the place, and after it.
const BEFORE: usize = 50;
const AFTER: usize = 25;

/// A place in an expression, what was expected there, and what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    /// The character, counted from 1.
    pub(crate) column: usize,
    pub(crate) expected: String,
    pub(crate) found: String,
    pub(crate) hint: Option<String>,
    /// The expression around the place, and how many terminal cells stand before it.
    line: String,
    indent: usize,
}

impl SyntaxError {
    /// An error at the character `at` of `text`, counted from 0.
    pub(crate) fn new(text: &[char], at: usize, expected: impl Into<String>, found: impl Into<String>) -> SyntaxError {
        let (start, end) = (at.saturating_sub(BEFORE), text.len().min(at + AFTER));
        // A tab, or a line's end, would part the caret from its place.
        let shown = |c: &char| if c.is_control() { ' ' } else { *c };
        let mut line: String = text[start..end].iter().map(shown).collect();
        // Letters such as 가 are two cells wide.
        let mut indent = text[start..at].iter().map(|c| shown(c).width().unwrap_or(0)).sum();
        if start > 0 {
            line.insert(0, '…');
            indent += 1;
        }
        if end < text.len() {
            line.push('…');
        }
        SyntaxError { column: at + 1, expected: expected.into(), found: found.into(), hint: None, line, indent }
    }

    /// The same, with what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> SyntaxError {
        self.hint = Some(hint.into());
        self
    }
}

impl std::error::Error for SyntaxError {}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "expression, column {}: expected {}, found {}", self.column, self.expected, self.found)?;
        writeln!(f, "  {}", self.line)?;
        write!(f, "  {:indent$}^", "", indent = self.indent)?;
        self.hint.iter().try_for_each(|hint| write!(f, "\n  hint: {hint}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str, at: usize) -> String {
        SyntaxError::new(&text.chars().collect::<Vec<_>>(), at, "a", "b").to_string()
    }

    #[test]
    fn the_caret_stands_under_its_place_in_any_script() {
        assert_eq!(error("x +", 3), "expression, column 4: expected a, found b\n  x +\n     ^");
        assert_eq!(error("사과 $", 3), "expression, column 4: expected a, found b\n  사과 $\n       ^");
        assert_eq!(error("x\t$", 2), "expression, column 3: expected a, found b\n  x $\n    ^");
    }

    #[test]
    fn a_long_expression_is_shown_around_the_place() {
        let lines = error(&"x+".repeat(5000), 4000);
        let [_, shown, caret] = lines.lines().collect::<Vec<_>>()[..] else { panic!("{lines}") };
        assert_eq!(shown.chars().count(), 2 + 1 + BEFORE + AFTER + 1);
        assert_eq!(shown.chars().nth(caret.chars().count() - 1), Some('x'));
    }
}
