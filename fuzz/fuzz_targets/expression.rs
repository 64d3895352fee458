//! An expression of `chainrule diff`: it is refused with a place in it, or a graph.
#![no_main]
#![allow(dead_code, reason = "the command line uses all of it")]

#[path = "../../crates/cli/src"]
mod cli {
    pub(crate) mod expression;
}

use chainrule::engine::Graph;
use cli::expression::Expression;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match text.parse::<Expression>() {
        Ok(expression) => {
            let graph = Graph::new();
            assert_eq!(expression.build(&graph).len(), expression.terms().len());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
