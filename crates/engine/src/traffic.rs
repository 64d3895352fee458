//! How much memory a plan cannot avoid to move: what the optimizer changes. A training step has to read and write each
//! parameter and each number that the optimizer remembers of it; everything else may stay in cache.

use crate::kernel::Kernel;
use crate::plan::Plan;

/// Each number of f32 is read and written.
const BYTES: u64 = 2 * size_of::<f32>() as u64;

impl Plan {
    /// The bytes that one run's updates read and write in f32: 8 a parameter with sgd, 16 with momentum, 24 with Adam.
    pub fn optimizer_bytes(&self) -> u64 {
        let bytes = |call: &Kernel| match *call {
            Kernel::Update { optimizer, parameter, .. } => {
                BYTES * (1 + optimizer.rule.memory() as u64) * self.values[parameter.index()].shape.len() as u64
            }
            _ => 0,
        };
        self.calls.iter().map(bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use crate::{Graph, Rule};

    #[test]
    fn an_optimizer_moves_its_parameters_and_its_memory() {
        let bytes = |rule| {
            let g = Graph::new();
            let y = g.input("x", [3]).affine(g.parameter("w", [3, 5]), g.parameter("b", [5]));
            let loss = y.softmax_with_loss(g.label("t")).batch_mean();
            g.update(loss, Rule::named(rule).unwrap()).unwrap().optimizer_bytes()
        };
        assert_eq!(["sgd", "momentum", "adam"].map(bytes), [20 * 8, 20 * 16, 20 * 24]);
    }
}
