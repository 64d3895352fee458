//! What each op computes and what its derivative is, in the field's letters: dy is the derivative of the loss by the op's result, dx that
//! by its operand x. The proofs stand at the head of the op's own file, `crates/engine/src/ops/NAME.rs`.

/// An op in letters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Formula {
    /// What its operands are called; of an op of any number of operands the last name is that of all others.
    operands: &'static [&'static str],
    /// `y = x·W + b`.
    pub(crate) result: &'static str,
    /// For each operand, `dx = dy·Wᵀ`; empty where there is no derivative.
    back: &'static [&'static str],
}

impl Formula {
    /// What operand number `place` is called.
    pub(crate) fn operand(&self, place: usize) -> &'static str {
        self.operands.get(place).or(self.operands.last()).copied().unwrap_or_default()
    }

    /// What comes back to operand number `place`.
    pub(crate) fn back(&self, place: usize) -> &'static str {
        self.back.get(place).or(self.back.last()).copied().unwrap_or_default()
    }
}

/// The formula of the op of this name; `None` for an op that is not of the engine.
pub(crate) fn formula(op: &str) -> Option<Formula> {
    let &(_, operands, result, back) = FORMULAS.iter().find(|(name, ..)| *name == op)?;
    Some(Formula { operands, result, back })
}

type Entry = (&'static str, &'static [&'static str], &'static str, &'static [&'static str]);

const FORMULAS: [Entry; 41] = [
    ("add", &["a", "b"], "y = a + b", &["da = dy", "db = dy"]),
    ("sub", &["a", "b"], "y = a − b", &["da = dy", "db = −dy"]),
    ("neg", &["x"], "y = −x", &["dx = −dy"]),
    ("mul", &["a", "b"], "y = a·b", &["da = dy·b", "db = dy·a"]),
    ("div", &["a", "b"], "y = a/b", &["da = dy/b", "db = −dy·y/b"]),
    ("pow", &["a", "b"], "y = aᵇ", &["da = dy·b·aᵇ⁻¹", "db = dy·aᵇ·ln a"]),
    ("exp", &["x"], "y = eˣ", &["dx = dy·y"]),
    ("ln", &["x"], "y = ln x", &["dx = dy/x"]),
    ("sin", &["x"], "y = sin x", &["dx = dy·cos x"]),
    ("cos", &["x"], "y = cos x", &["dx = −dy·sin x"]),
    ("sqrt", &["x"], "y = √x", &["dx = dy/(2y)"]),
    ("absolute", &["x"], "y = |x|", &["dx = dy·sign x, and 0 at 0"]),
    ("relu", &["x"], "y = max(x, 0)", &["dx = dy where y > 0, else 0"]),
    ("leaky_relu", &["x"], "y = x where x > 0, else slope·x", &["dx = dy where y > 0, else slope·dy"]),
    ("elu", &["x"], "y = x where x > 0, else α(eˣ − 1)", &["dx = dy where y > 0, else dy·(y + α)"]),
    ("gelu", &["x"], "y = x·Φ(x), Φ the normal distribution's", &["dx = dy·(Φ(x) + x·φ(x))"]),
    ("silu", &["x"], "y = x·σ(x)", &["dx = dy·σ(x)·(1 + x·σ(−x))"]),
    ("softplus", &["x"], "y = ln(1 + eˣ)", &["dx = dy·σ(x)"]),
    ("sigmoid", &["x"], "y = 1/(1 + e⁻ˣ)", &["dx = dy·y·(1 − y)"]),
    ("tanh", &["x"], "y = tanh x", &["dx = dy·(1 − y²)"]),
    ("huber", &["x"], "y = x²/2 where |x| ≤ δ, else δ(|x| − δ/2)", &["dx = dy·x within ±δ, dy·δ·sign x beyond"]),
    ("affine", &["x", "W", "b"], "y = x·W + b", &["dx = dy·Wᵀ", "dW = xᵀ·dy", "db = dy"]),
    ("matmul", &["A", "B"], "Y = A·B", &["dA = dY·Bᵀ", "dB = Aᵀ·dY"]),
    (
        "conv2d",
        &["x", "w", "b"],
        "y = x ⋆ w + b: each window of x times the kernel w, summed",
        &[
            "dx = dy ⋆ (w turned by 180°, channels exchanged)",
            "dw = x ⋆ dy: each window of x times its dy, summed",
            "db = Σ dy over the positions",
        ],
    ),
    ("max_pool", &["x"], "y = the largest of each window", &["dx = dy where that element stood, else 0"]),
    (
        "avg_pool",
        &["x"],
        "y = the mean of each window of K × K",
        &["dx = dy/K² at each place, summed over the windows"],
    ),
    ("global_avg_pool", &["x"], "y = the mean of each channel", &["dx = dy/(h·w)"]),
    ("over_positions", &["x"], "y[c, i, j] = x[c]", &["dx[c] = Σ dy[c, i, j]"]),
    ("flatten", &["x"], "y = x as one vector", &["dx = dy, in the shape of x"]),
    ("concat", &["x"], "y = the operands one after the other", &["dx = its part of dy"]),
    ("embedding", &["x", "W"], "y = W[x], a row of the table", &["", "dW[i] = Σ dy of the places where x = i"]),
    ("dropout", &["x"], "y = x/(1 − p) where kept, else 0", &["dx = dy/(1 − p) where x was kept, else 0"]),
    ("sum", &["x"], "y = Σ xᵢ", &["dxᵢ = dy"]),
    ("mean", &["x"], "y = Σ xᵢ / n", &["dxᵢ = dy/n"]),
    ("batch_mean", &["x"], "y = the mean of x over the rows", &["dx = dy/rows"]),
    ("softmax", &["x"], "yᵢ = eˣⁱ / Σⱼ eˣʲ", &["dxᵢ = yᵢ(dyᵢ − Σⱼ dyⱼyⱼ)"]),
    ("cross_entropy", &["p", "t"], "L = −ln pₜ", &["dpₜ = −dL/pₜ, else 0", ""]),
    (
        "softmax_with_loss",
        &["x", "t"],
        "L = −ln pₜ, p = softmax x",
        &["dxᵢ = (pᵢ − [i = t])·dL: what was said minus what is true", ""],
    ),
    (
        "weighted_softmax_with_loss",
        &["x", "t", "w"],
        "L = (1 − ε)·wₜ·(−ln pₜ) + ε/n · Σₖ wₖ·(−ln pₖ), p = softmax x",
        &["dxᵢ = dL·((1 − ε)·wₜ·(pᵢ − [i = t]) + ε/n · (pᵢ·Σₖ wₖ − wᵢ))", "", ""],
    ),
    (
        "binary_cross_entropy",
        &["x", "t"],
        "L = the mean of −t·ln σ(x) − (1 − t)·ln(1 − σ(x))",
        &["dxᵢ = dL·(σ(xᵢ) − tᵢ)/n", "dtᵢ = −dL·xᵢ/n"],
    ),
    ("mean_squared_error", &["y", "t"], "L = Σ (yᵢ − tᵢ)² / n", &["dyᵢ = dL·2(yᵢ − tᵢ)/n", "dtᵢ = −dL·2(yᵢ − tᵢ)/n"]),
];

#[cfg(test)]
mod tests {
    use chainrule::engine::{Graph, Kind};
    use chainrule::{Build, Model, Objective, Task};

    use super::*;
    use crate::expression::{Expression, Function};

    fn expect_formulas(graph: &Graph) {
        for node in graph.ids().map(|id| graph.node(id)) {
            let Kind::Op(op) = node.kind else { continue };
            let formula = formula(op.name()).unwrap_or_else(|| panic!("no formula of {}", op.name()));
            for place in 0..node.inputs.len() {
                assert!(!formula.operand(place).is_empty(), "{}", op.name());
            }
        }
    }

    #[test]
    fn every_op_that_can_be_shown_has_a_formula() {
        let build = |model: &str, input: &[usize], objective: Objective| {
            for build in [Build::Train, Build::Test] {
                let graph = Graph::new();
                let shape = chainrule::engine::Shape::new(input).unwrap();
                model.parse::<Model>().unwrap().build(&graph, shape, objective, build).unwrap();
                expect_formulas(&graph);
            }
        };
        let (classes, two) = (Task::Classes(3), Task::Classes(2));
        let of = |task, loss: &str| Objective::new(task, Some(loss.parse().unwrap())).unwrap();
        let plain = of(classes, "softmax_cross_entropy");
        let images = "conv2d:4@3 batch_norm leaky_relu:0.1 max_pool:2 avg_pool:2 residual( elu:1 gelu silu ) \
                      concat( softplus | ) global_avg_pool layer_norm sigmoid tanh softmax dropout:0.5 relu affine:3";
        build(images, &[1, 20, 20], plain);
        build("embedding:5@2 flatten affine:3", &[4], of(classes, "softmax_cross_entropy:0.1"));
        build("affine:1", &[4], of(two, "binary_cross_entropy"));
        for loss in ["mean_squared", "mean_absolute", "huber"] {
            build("affine:1", &[4], of(Task::Number, loss));
        }
        for function in Function::ALL {
            let graph = Graph::new();
            let text = format!("-{}(x) * y / 2 + x^y - 1", function.name());
            text.parse::<Expression>().unwrap().build(&graph);
            expect_formulas(&graph);
        }
    }
}
