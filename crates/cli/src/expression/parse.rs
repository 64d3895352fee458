//! From characters to terms: recursive descent, one function a line of the grammar.

use std::str::FromStr;

use chainrule::closest::closest;

use super::syntax_error::SyntaxError;
use super::{Expression, Function, Operator, Term, TermId};

/// How deep parentheses, signs and powers may be nested: each level takes a little of the stack.
const DEEPEST: usize = 200;

/// How many terms an expression may have: what a person can still read.
const MOST: usize = 2000;

const VALUE: &str = "a number, a variable, a function or '('";

impl FromStr for Expression {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Expression, SyntaxError> {
        let text: Vec<char> = text.chars().collect();
        let mut parser = Parser { text: &text, at: 0, depth: 0, expression: Expression::default() };
        parser.sum()?;
        match parser.peek() {
            Token::End => Ok(parser.expression),
            _ => Err(parser.unexpected("an operator or the end")),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(f64),
    Name(String),
    /// Any other character.
    Symbol(char),
    End,
}

struct Parser<'a> {
    text: &'a [char],
    /// The next character to be read.
    at: usize,
    depth: usize,
    expression: Expression,
}

impl Parser<'_> {
    /// sum = product (('+' | '-') product)*
    fn sum(&mut self) -> Result<TermId, SyntaxError> {
        self.left_to_right(&[('+', Operator::Add), ('-', Operator::Subtract)], Parser::product)
    }

    /// product = signed (('*' | '/') signed)*
    fn product(&mut self) -> Result<TermId, SyntaxError> {
        self.left_to_right(&[('*', Operator::Multiply), ('/', Operator::Divide)], Parser::signed)
    }

    fn left_to_right(
        &mut self,
        operators: &[(char, Operator)],
        operand: fn(&mut Self) -> Result<TermId, SyntaxError>,
    ) -> Result<TermId, SyntaxError> {
        let mut left = operand(self)?;
        while let Some(&(_, operator)) = operators.iter().find(|&&(symbol, _)| self.take(symbol)) {
            let right = operand(self)?;
            left = self.term(Term::Binary(operator, left, right))?;
        }
        Ok(left)
    }

    /// signed = '-' signed | power
    fn signed(&mut self) -> Result<TermId, SyntaxError> {
        if !self.take('-') {
            return self.power();
        }
        let x = self.deeper(Parser::signed)?;
        match self.expression.terms()[x] {
            Term::Number(bits) => self.term(Term::Number((-f64::from_bits(bits)).to_bits())),
            _ => self.term(Term::Negative(x)),
        }
    }

    /// power = value ('^' signed)?
    fn power(&mut self) -> Result<TermId, SyntaxError> {
        let base = self.value()?;
        if !self.take('^') {
            return Ok(base);
        }
        let exponent = self.deeper(Parser::signed)?;
        self.term(Term::Binary(Operator::Power, base, exponent))
    }

    /// value = number | variable | function '(' sum ')' | '(' sum ')'
    fn value(&mut self) -> Result<TermId, SyntaxError> {
        let (token, start, end) = self.token();
        match token {
            Token::Number(number) if number.is_finite() => {
                self.at = end;
                self.term(Term::Number(number.to_bits()))
            }
            Token::Name(name) => {
                self.at = end;
                self.named(name, start)
            }
            Token::Symbol('(') => self.parenthesis(),
            Token::Number(_) => Err(self.unexpected("a number up to 1.8e308")),
            Token::Symbol(_) | Token::End => Err(self.unexpected(VALUE)),
        }
    }

    /// A variable or a call, after its name.
    fn named(&mut self, name: String, start: usize) -> Result<TermId, SyntaxError> {
        let call = self.peek() == Token::Symbol('(');
        match Function::named(&name) {
            Some(function) if call => {
                let x = self.parenthesis()?;
                self.term(Term::Call(function, x))
            }
            Some(_) => Err(self.unexpected(format!("'(' after the function {name}"))),
            None if call => Err(self.unknown(&name, start)),
            None => self.term(Term::Variable(name)),
        }
    }

    fn unknown(&self, name: &str, start: usize) -> SyntaxError {
        let names = Function::ALL.map(Function::name);
        let expected = format!("a function ({})", names.join(", "));
        let error = SyntaxError::new(self.text, start, expected, quoted(name));
        match closest(name, names) {
            Some(near) => error.hint(format!("did you mean {near}?")),
            None => error.hint(format!("for a product write {} * (…)", shortened(name))),
        }
    }

    fn parenthesis(&mut self) -> Result<TermId, SyntaxError> {
        self.take('(');
        let x = self.deeper(Parser::sum)?;
        if self.take(')') { Ok(x) } else { Err(self.unexpected("an operator or ')'")) }
    }

    fn deeper(&mut self, part: fn(&mut Self) -> Result<TermId, SyntaxError>) -> Result<TermId, SyntaxError> {
        if self.depth == DEEPEST {
            let expected = format!("at most {DEEPEST} levels of parentheses, signs and powers");
            return Err(SyntaxError::new(self.text, self.token().1, expected, "more"));
        }
        self.depth += 1;
        let x = part(self)?;
        self.depth -= 1;
        Ok(x)
    }

    fn term(&mut self, term: Term) -> Result<TermId, SyntaxError> {
        let id = self.expression.term(term);
        if id >= MOST {
            return Err(SyntaxError::new(self.text, self.at, format!("at most {MOST} terms"), "more"));
        }
        Ok(id)
    }

    fn unexpected(&self, expected: impl Into<String>) -> SyntaxError {
        let (token, start, end) = self.token();
        let found = match token {
            Token::End => "end".to_owned(),
            _ => quoted(&self.text[start..end].iter().collect::<String>()),
        };
        let error = SyntaxError::new(self.text, start, expected, found);
        let after_star = self.text[..start].iter().rev().find(|c| !c.is_whitespace()) == Some(&'*');
        match token {
            Token::Symbol('*') if after_star => error.hint("a power is written x^2"),
            Token::Symbol('²' | '³') => error.hint("a power is written x^2"),
            Token::Symbol('×' | '·' | '⋅') => error.hint("a product is written 2 * x"),
            Token::Symbol('÷') => error.hint("a quotient is written x / 2"),
            Token::Symbol('−' | '–') => error.hint("minus is written -"),
            Token::Symbol(',') => error.hint("a decimal point is written 0.5, and functions take one value"),
            Token::Symbol('(') | Token::Name(_) | Token::Number(_) if error.expected.starts_with("an operator") => {
                error.hint("a product is written 2 * x")
            }
            _ => error,
        }
    }

    fn take(&mut self, symbol: char) -> bool {
        let (token, _, end) = self.token();
        let taken = token == Token::Symbol(symbol);
        if taken {
            self.at = end;
        }
        taken
    }

    fn peek(&self) -> Token {
        self.token().0
    }

    /// The next token, where it begins, and where it ends. Reads nothing away.
    fn token(&self) -> (Token, usize, usize) {
        let text = self.text;
        let run = |from: usize, of: fn(char) -> bool| {
            from + text.get(from..).unwrap_or_default().iter().take_while(|&&c| of(c)).count()
        };
        let start = run(self.at, char::is_whitespace);
        let digits = |from| run(from, |c| c.is_ascii_digit());
        let Some(&first) = text.get(start) else {
            // The end is where the last word ends, not behind the space after it.
            let last = text.iter().rposition(|c| !c.is_whitespace()).map_or(0, |last| last + 1);
            return (Token::End, last, last);
        };
        if is_letter(first) {
            let end = run(start, |c| is_letter(c) || c.is_ascii_digit());
            return (Token::Name(text[start..end].iter().collect()), start, end);
        }
        let point = |at: usize| text.get(at) == Some(&'.');
        let mut end = digits(start);
        let mut count = end - start;
        if point(end) {
            count += digits(end + 1) - (end + 1);
            end = digits(end + 1);
        }
        if count == 0 {
            return (Token::Symbol(first), start, start + 1);
        }
        if let Some('e' | 'E') = text.get(end) {
            let sign = usize::from(matches!(text.get(end + 1), Some('+' | '-')));
            let exponent = end + 1 + sign;
            // Without digits the e is the next word, and an error of its own.
            if digits(exponent) > exponent {
                end = digits(exponent);
            }
        }
        let number = text[start..end].iter().collect::<String>().parse();
        (number.map_or(Token::Symbol(first), Token::Number), start, end)
    }
}

fn is_letter(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 40;
    let cut = if text.chars().count() > LONGEST { "…" } else { "" };
    text.chars().take(LONGEST).flat_map(char::escape_debug).collect::<String>() + cut
}

fn quoted(text: &str) -> String {
    format!("'{}'", shortened(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> SyntaxError {
        text.parse::<Expression>().unwrap_err()
    }

    #[test]
    fn each_mistake_is_found_where_it_is() {
        for (text, column, expected, found) in [
            ("", 1, VALUE, "end"),
            ("x0^2 + ", 7, VALUE, "end"),
            ("x + * y", 5, VALUE, "'*'"),
            ("(x + y", 7, "an operator or ')'", "end"),
            ("x + y)", 6, "an operator or the end", "')'"),
            ("2x", 2, "an operator or the end", "'x'"),
            ("2e", 2, "an operator or the end", "'e'"),
            ("1.2.3", 4, "an operator or the end", "'.3'"),
            ("사과 $ 2", 4, "an operator or the end", "'$'"),
            ("sin x", 5, "'(' after the function sin", "'x'"),
            ("sin()", 5, VALUE, "')'"),
            ("1e999", 1, "a number up to 1.8e308", "'1e999'"),
            (".", 1, VALUE, "'.'"),
            ("x\u{1b}[31m", 2, "an operator or the end", "'\\u{1b}'"),
        ] {
            let e = error(text);
            assert_eq!((e.column, &*e.expected, &*e.found), (column, expected, found), "{text}");
        }
    }

    #[test]
    fn other_notations_get_a_hint() {
        for (text, hint) in [
            ("x**2", "a power is written x^2"),
            ("x²", "a power is written x^2"),
            ("2×x", "a product is written 2 * x"),
            ("2(x + 1)", "a product is written 2 * x"),
            ("sni(x)", "did you mean sin?"),
            ("x(y)", "for a product write x * (…)"),
        ] {
            assert_eq!(error(text).hint.as_deref(), Some(hint), "{text}");
        }
        assert!(error("f(x)").expected.starts_with("a function (exp, ln, sin,"));
    }

    #[test]
    fn no_depth_and_no_length_breaks_it() {
        let many = |part: &str| part.repeat(100_000);
        for text in [many("("), many("-"), many("x^"), many("sin("), many("(") + "x" + &many(")")] {
            assert!(error(&text).expected.starts_with("at most 200 levels"), "{}", &text[..9]);
        }
        let counted: Vec<String> = (0..100_000).map(|i| i.to_string()).collect();
        assert!(error(&counted.join("+")).expected.starts_with("at most 2000 terms"));
        assert!((many("x+") + "x").parse::<Expression>().is_err());
        let deepest = "(".repeat(DEEPEST) + "x" + &")".repeat(DEEPEST);
        assert_eq!(deepest.parse::<Expression>().unwrap().terms().len(), 1);
    }
}
