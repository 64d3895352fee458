//! Functions as people write them, `sin(x)^2 + 3*y`, and the graphs that they mean.
//!
//! | | from loosest to tightest |
//! | --- | --- |
//! | sum | `a + b`, `a - b`, from the left |
//! | product | `a * b`, `a / b`, from the left |
//! | sign | `-a`; so `-x^2` is `-(x^2)` |
//! | power | `a ^ b`, from the right; the exponent may have a sign, as in `x^-2` |
//! | value | a number, a variable, `(a)`, or a function as `exp(a)` |
//!
//! An expression is a flat list, not a tree: long ones cost no stack, and what is written twice
//! is one term, as a variable is: the chain rule then sums over its uses.

mod function;
mod parse;
mod syntax_error;

use std::collections::HashMap;

use chainrule::engine::{Graph, Var};

pub(crate) use function::Function;

/// What joins two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
}

impl Operator {
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Operator::Add => "+",
            Operator::Subtract => "-",
            Operator::Multiply => "*",
            Operator::Divide => "/",
            Operator::Power => "^",
        }
    }
}

/// The place of a term in its expression; operands come before what uses them.
pub(crate) type TermId = usize;

/// One value of an expression.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Term {
    /// A number, as its bits: terms are compared.
    Number(u64),
    /// A variable's name.
    Variable(String),
    Negative(TermId),
    Call(Function, TermId),
    Binary(Operator, TermId, TermId),
}

/// A function of its variables. The last term is its value.
///
/// `"x^2 + y^2".parse::<Expression>()?.variables()` are x and y.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expression {
    terms: Vec<Term>,
    ids: HashMap<Term, TermId>,
    variables: Vec<String>,
}

impl Expression {
    /// All terms, operands first.
    pub(crate) fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// The variables' names, in the order in which they first occur.
    pub(crate) fn variables(&self) -> &[String] {
        &self.variables
    }

    /// Adds it to a graph, each variable as a scalar parameter: one node a term, in order.
    pub(crate) fn build<'g>(&self, graph: &'g Graph) -> Vec<Var<'g>> {
        let mut vars: Vec<Var<'g>> = Vec::with_capacity(self.terms.len());
        for term in &self.terms {
            let var = match *term {
                Term::Number(bits) => graph.constant(f64::from_bits(bits)),
                Term::Variable(ref name) => graph.parameter(name, []),
                Term::Negative(x) => -vars[x],
                Term::Call(function, x) => function.of(vars[x]),
                Term::Binary(operator, a, b) => {
                    let (a, b) = (vars[a], vars[b]);
                    match operator {
                        Operator::Add => a + b,
                        Operator::Subtract => a - b,
                        Operator::Multiply => a * b,
                        Operator::Divide => a / b,
                        Operator::Power => a.pow(b),
                    }
                }
            };
            vars.push(var);
        }
        vars
    }

    /// The term, new or as it was.
    fn term(&mut self, term: Term) -> TermId {
        if let Some(&id) = self.ids.get(&term) {
            return id;
        }
        if let Term::Variable(name) = &term {
            self.variables.push(name.clone());
        }
        let id = self.terms.len();
        self.ids.insert(term.clone(), id);
        self.terms.push(term);
        id
    }
}

#[cfg(test)]
mod tests {
    use chainrule::engine::{Backend, Clock, Reference, Rows};

    use super::*;

    /// The value of an expression of x = 3 and y = 0.5.
    fn value(text: &str) -> f64 {
        let f: Expression = text.parse().unwrap_or_else(|e| panic!("{e}"));
        let g = Graph::new();
        let vars = f.build(&g);
        let last = *vars.last().unwrap();
        let plan = g.predict(&[last]).unwrap();
        let mut arena = Reference.allocate(&[&plan], 0).unwrap();
        for parameter in plan.parameters() {
            Reference.write(&mut arena, parameter.span, &[if parameter.name == "x" { 3.0 } else { 0.5 }]);
        }
        Reference.run(&plan, &mut arena, &Rows::none(), Clock::default());
        Reference.read_number(&plan, &arena, plan.value(last).unwrap())
    }

    #[test]
    fn what_binds_tighter() {
        for (text, expected) in [
            ("1 + 2 * 3 - 4 / 2", 5.0),
            ("10 - 3 - 2", 5.0),
            ("16 / 4 / 2", 2.0),
            ("2^3^2", 512.0),
            ("-x^2", -9.0),
            ("(-x)^2", 9.0),
            ("x^-2", 1.0 / 9.0),
            ("2^-x^2", 2f64.powi(-9)),
            ("2 * -x", -6.0),
            ("--x", 3.0),
            ("x - -y", 3.5),
            ("(x + y) * 2", 7.0),
            ("1e-3 + .5 + 2.", 2.501),
            ("2E+1", 20.0),
        ] {
            assert_eq!(value(text), expected, "{text}");
        }
    }

    #[test]
    fn every_function_has_its_value() {
        let y: f64 = 0.5;
        for (text, expected) in [
            ("exp(y)", y.exp()),
            ("ln(y)", y.ln()),
            ("sin(y)", y.sin()),
            ("cos(y)", y.cos()),
            ("tanh(y)", y.tanh()),
            ("sqrt(y)", y.sqrt()),
            ("sigmoid(y)", 1.0 / (1.0 + (-y).exp())),
            ("relu(-y) + relu(y)", 0.5),
        ] {
            assert!((value(text) - expected).abs() < 1e-15, "{text}");
        }
    }

    #[test]
    fn variables_are_words_of_any_script() {
        let f: Expression = "사과 * 개수_2 + x0 + e + x0".parse().unwrap();
        assert_eq!(f.variables(), ["사과", "개수_2", "x0", "e"]);
    }

    #[test]
    fn what_is_written_twice_is_one_term() {
        let f: Expression = "sin(x) * sin(x) + 2 * x + 2".parse().unwrap();
        // x, sin x, their product, 2, 2x, and two sums
        assert_eq!(f.terms().len(), 7);
    }
}
