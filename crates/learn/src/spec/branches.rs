//! Where a network is no chain: words that branch, and how their values meet again.
//!
//! | words | y |
//! | --- | --- |
//! | `residual( f )` | x + f(x): He and others, *Deep Residual Learning for Image Recognition*, 2016 |
//! | `concat( f \| g )` | f(x), then g(x), along the first axis; an empty branch is x itself |
//!
//! A parenthesis and a bar are words of their own, so that a SPEC stays a list of words, and a parameter's name stays the
//! number of its word.

use super::{Layer, Written};
use crate::input_error::InputError;
use crate::vocabulary::Word;

pub(super) const RESIDUAL: Word =
    Word { name: "residual", usage: "residual( ... )", usual: "", formula: "y = x + f(x), f the words within" };

pub(super) const CONCAT: Word = Word {
    name: "concat",
    usage: "concat( ... | ... )",
    usual: "",
    formula: "y = f(x), then g(x): the words of each branch; an empty one is x",
};

/// The words of a SPEC: a parenthesis that opens belongs to the word before it.
pub(crate) fn words(spec: &str) -> Vec<String> {
    let spaced = spec.replace('(', " ( ").replace(')', " ) ").replace('|', " | ");
    let mut words: Vec<String> = Vec::new();
    for word in spaced.split_whitespace() {
        match words.last_mut() {
            Some(last) if word == "(" && !last.ends_with(['(', ')', '|']) => last.push('('),
            _ => words.push(word.to_owned()),
        }
    }
    words
}

/// The layer of a word that opens branches.
pub(super) fn open(written: &Written<'_>, layer: Layer) -> Result<Layer, InputError> {
    match written.word.strip_suffix('(') {
        Some(name) if name == written.name => Ok(layer),
        _ => {
            let usage = if layer == Layer::Residual { RESIDUAL.usage } else { CONCAT.usage };
            let example = usage.replacen("...", "affine:16 relu", 1).replacen("...", "affine:8", 1);
            Err(written.wrong(usage, format!("for example {example}")))
        }
    }
}

/// Whether what opens is closed and bars stand between branches; else the place of the word that is wrong, what was expected
/// there and what to do.
pub(super) fn balance(layers: &[Layer]) -> Result<(), (usize, &'static str, &'static str)> {
    let mut open: Vec<(usize, bool)> = Vec::new();
    for (at, layer) in layers.iter().enumerate() {
        match layer {
            Layer::Residual | Layer::Concat => open.push((at, false)),
            Layer::Or => match open.last_mut() {
                Some((start, barred)) if layers[*start] == Layer::Concat => *barred = true,
                _ => return Err((at, "a bar between the branches of a concat", "write concat( ... | ... )")),
            },
            Layer::Close => match open.pop() {
                Some((start, false)) if layers[start] == Layer::Concat => {
                    return Err((start, "two branches or more", "put a bar between them: concat( ... | ... )"));
                }
                Some((start, _)) if layers[start] == Layer::Residual && start + 1 == at => {
                    return Err((start, "words within", "for example residual( affine:16 relu )"));
                }
                Some(_) => {}
                None => return Err((at, "a parenthesis that was opened", "leave it out")),
            },
            _ => {}
        }
    }
    match open.pop() {
        Some((start, _)) => Err((start, "a parenthesis that closes it", "put ) after its last word")),
        None => Ok(()),
    }
}

/// The layers that the result of the word `at` goes through, one after the other; the end of a branch leads to where branches meet.
pub(crate) fn followers(layers: &[Layer], at: usize) -> impl Iterator<Item = &Layer> {
    let mut next = at + 1;
    std::iter::from_fn(move || {
        if layers.get(next) == Some(&Layer::Or) {
            let mut depth = 0;
            while let Some(layer) = layers.get(next) {
                depth += i32::from(matches!(layer, Layer::Residual | Layer::Concat));
                depth -= i32::from(*layer == Layer::Close);
                if depth < 0 {
                    break;
                }
                next += 1;
            }
        }
        next += 1;
        layers.get(next - 1)
    })
}

/// Goes through the words of a SPEC as values do: `layer` makes of a value what the word at that place gives; `add` and
/// `join` are told where values meet. Returns the value after each word.
///
/// # Errors
/// The first of those of `layer`, `add` and `join`.
pub(crate) fn walk<T: Clone, E>(
    layers: &[Layer],
    input: T,
    mut layer: impl FnMut(usize, T) -> Result<T, E>,
    mut add: impl FnMut(usize, T, T) -> Result<T, E>,
    mut join: impl FnMut(usize, Vec<T>) -> Result<T, E>,
) -> Result<Vec<T>, E> {
    struct Open<T> {
        word: Layer,
        input: T,
        done: Vec<T>,
    }
    let mut open: Vec<Open<T>> = Vec::new();
    let (mut x, mut after) = (input, Vec::with_capacity(layers.len()));
    for (at, &word) in layers.iter().enumerate() {
        x = match (word, open.last_mut()) {
            (Layer::Residual | Layer::Concat, _) => {
                open.push(Open { word, input: x.clone(), done: Vec::new() });
                x
            }
            (Layer::Or, Some(branches)) => {
                branches.done.push(x);
                branches.input.clone()
            }
            (Layer::Close, Some(_)) => match open.pop() {
                Some(Open { word: Layer::Concat, mut done, .. }) => {
                    done.push(x);
                    join(at, done)?
                }
                Some(Open { input, .. }) => add(at, input, x)?,
                None => x,
            },
            _ => layer(at, x)?,
        };
        after.push(x.clone());
    }
    Ok(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::parse;

    fn written(spec: &str) -> String {
        parse(spec).unwrap().iter().map(Layer::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn parentheses_stand_with_or_without_spaces() {
        let spec = "affine:8 residual( affine:8 relu concat( tanh | affine:3 | ) affine:8 ) affine:2";
        for typed in [
            spec,
            "affine:8 residual(affine:8 relu concat(tanh|affine:3|)affine:8)affine:2",
            " affine:8 residual ( affine:8 relu concat (tanh | affine:3 | ) affine:8 ) affine:2",
        ] {
            assert_eq!(written(typed), spec);
        }
    }

    #[test]
    fn a_branch_leads_to_where_they_meet() {
        let layers = parse("affine:3 concat( affine:4 | residual( relu ) tanh | ) elu").unwrap();
        let after = |at| followers(&layers, at).map(Layer::to_string).collect::<Vec<_>>().join(" ");
        assert_eq!(after(2), ") elu");
        assert_eq!(after(3), "residual( relu ) tanh ) elu");
        assert_eq!(after(11), "");
    }

    #[test]
    fn what_is_not_closed_or_has_no_branches_is_refused() {
        let error = |spec: &str| {
            let e = parse(spec).unwrap_err();
            (e.place.rsplit(", ").next().unwrap_or_default().to_owned(), e.expected)
        };
        let expected = |place: &str, text: &str| (place.to_owned(), text.to_owned());
        assert_eq!(error("residual( affine:3"), expected("word 1", "a parenthesis that closes it"));
        assert_eq!(error("affine:3 )"), expected("word 2", "a parenthesis that was opened"));
        assert_eq!(error("affine:3 | relu"), expected("word 2", "a bar between the branches of a concat"));
        assert_eq!(error("residual( relu | tanh )"), expected("word 3", "a bar between the branches of a concat"));
        assert_eq!(error("affine:3 concat( relu )"), expected("word 2", "two branches or more"));
        assert_eq!(error("residual( )"), expected("word 1", "words within"));
        assert_eq!(error("residual affine:3"), expected("word 1", "residual( ... )"));
        assert_eq!(error("concat:3( relu | tanh )"), expected("word 1", "concat( ... | ... )"));
        assert_eq!(parse("residul( relu )").unwrap_err().hint, "did you mean 'residual( ... )'?");
        assert!(parse("relu( tanh )").unwrap_err().expected.contains("'relu' alone"));
    }
}
