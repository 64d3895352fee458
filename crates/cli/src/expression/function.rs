//! The functions of one number that an expression may call.

use chainrule::engine::Var;

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Function {
    Exp,
    Ln,
    Sin,
    Cos,
    Tanh,
    Sqrt,
    Sigmoid,
    Relu,
}

impl Function {
    pub(crate) const ALL: [Function; 8] = [
        Function::Exp,
        Function::Ln,
        Function::Sin,
        Function::Cos,
        Function::Tanh,
        Function::Sqrt,
        Function::Sigmoid,
        Function::Relu,
    ];

    pub(crate) fn named(name: &str) -> Option<Function> {
        Function::ALL.into_iter().find(|function| function.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Function::Exp => "exp",
            Function::Ln => "ln",
            Function::Sin => "sin",
            Function::Cos => "cos",
            Function::Tanh => "tanh",
            Function::Sqrt => "sqrt",
            Function::Sigmoid => "sigmoid",
            Function::Relu => "relu",
        }
    }

    pub(crate) fn of(self, x: Var<'_>) -> Var<'_> {
        match self {
            Function::Exp => x.exp(),
            Function::Ln => x.ln(),
            Function::Sin => x.sin(),
            Function::Cos => x.cos(),
            Function::Tanh => x.tanh(),
            Function::Sqrt => x.sqrt(),
            Function::Sigmoid => x.sigmoid(),
            Function::Relu => x.relu(),
        }
    }
}
