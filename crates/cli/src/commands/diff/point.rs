//! `--at x=3,y=4`: a number for each variable, no more and no less.

use chainrule::InputError;
use chainrule::closest::closest;

const PLACE: &str = "--at";

/// The numbers in the order of `variables`.
pub(super) fn point(given: &[String], variables: &[String]) -> Result<Vec<f64>, InputError> {
    let mut numbers: Vec<Option<f64>> = vec![None; variables.len()];
    for pair in given {
        let (name, number) =
            pair.split_once('=').ok_or_else(|| wrong("NAME=NUMBER", format!("'{pair}'"), example(variables)))?;
        let (name, number) = (name.trim(), number.trim());
        let at = variables.iter().position(|variable| variable == name).ok_or_else(|| unused(name, variables))?;
        if numbers[at].is_some() {
            return Err(wrong("each variable once", format!("'{name}' twice"), "leave one of them out".to_owned()));
        }
        let finite = number.parse().ok().filter(|x: &f64| x.is_finite());
        numbers[at] = Some(finite.ok_or_else(|| {
            wrong(&format!("a finite number for '{name}'"), format!("'{number}'"), "such as 3, -0.5 or 1e-3".to_owned())
        })?);
    }
    let missing: Vec<&String> = variables.iter().zip(&numbers).filter(|(_, n)| n.is_none()).map(|(v, _)| v).collect();
    if !missing.is_empty() {
        return Err(wrong(&format!("a number for {}", list(&missing)), "none".to_owned(), example(variables)));
    }
    Ok(numbers.into_iter().flatten().collect())
}

fn unused(name: &str, variables: &[String]) -> InputError {
    let names = variables.iter().map(String::as_str);
    let hint = match closest(name, names) {
        Some(near) => format!("did you mean {near}?"),
        None => "leave it out".to_owned(),
    };
    let expected = match variables {
        [] => "nothing, as the expression has no variables".to_owned(),
        _ => format!("variables of the expression ({})", list(variables)),
    };
    wrong(&expected, format!("'{name}'"), hint)
}

fn list(names: &[impl AsRef<str>]) -> String {
    names.iter().map(|name| format!("'{}'", name.as_ref())).collect::<Vec<_>>().join(", ")
}

fn example(variables: &[String]) -> String {
    let pairs: Vec<String> = variables.iter().zip(1..).map(|(name, number)| format!("{name}={number}")).collect();
    match &*pairs {
        [] => "leave --at out: the expression has no variables".to_owned(),
        _ => format!("as in --at {}", pairs.join(",")),
    }
}

fn wrong(expected: &str, found: String, hint: String) -> InputError {
    InputError::new(PLACE, expected, found, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(given: &[&str], variables: &[&str]) -> Result<Vec<f64>, String> {
        let own = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        point(&own(given), &own(variables)).map_err(|e| e.to_string())
    }

    #[test]
    fn numbers_come_in_the_expressions_order() {
        assert_eq!(at(&["y=-4", " x = 3e0 "], &["x", "y"]), Ok(vec![3.0, -4.0]));
        assert_eq!(at(&[], &[]), Ok(vec![]));
    }

    #[test]
    fn each_mistake_is_named() {
        for (given, expected) in [
            (&["x=1"][..], "expected a number for 'rate', found none\n  hint: as in --at x=1,rate=2"),
            (
                &["x=1", "raet=2"],
                "expected variables of the expression ('x', 'rate'), found 'raet'\n  hint: did you mean rate?",
            ),
            (&["x=1", "x=2"], "expected each variable once, found 'x' twice\n  hint: leave one of them out"),
            (&["x=a"], "expected a finite number for 'x', found 'a'\n  hint: such as 3, -0.5 or 1e-3"),
            (&["x=nan"], "expected a finite number for 'x', found 'nan'\n  hint: such as 3, -0.5 or 1e-3"),
            (&["x=1", "5"], "expected NAME=NUMBER, found '5'\n  hint: as in --at x=1,rate=2"),
        ] {
            assert_eq!(at(given, &["x", "rate"]).unwrap_err(), format!("--at: {expected}"));
        }
        assert!(at(&["x=1"], &[]).unwrap_err().contains("nothing, as the expression has no variables"));
    }
}
