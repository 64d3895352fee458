//! Examples of operations in the documentation: each is a formula, what it is given, and what it gives, and is run as a test.

/// `example!("y"; x: "[2]" = "[1.0, 2.0]", …; "[…]")`: the text of an example that shows the value of y for these parameters, to
/// four places.
macro_rules! example {
    ($y:literal; $($name:ident: $shape:literal = $values:literal),+; $expected:literal) => {
        concat!(
            "\n```\n# use chainrule_engine::ops::{AvgPool, Conv2d, MaxPool};\nuse chainrule_engine::{Graph, Reference};\nlet g = Graph::new();\n",
            $("let ", stringify!($name), " = g.parameter(\"", stringify!($name), "\", ", $shape, ");\n",)+
            "let y = Reference.value(", $y, ", &[",
            $("(\"", stringify!($name), "\", &", $values, "[..]),",)+
            "])?;\nassert_eq!(format!(\"{y:.4?}\"), \"", $expected, "\");\n",
            "# Ok::<(), chainrule_engine::ValueError>(())\n```"
        )
    };
}

pub(crate) use example;
