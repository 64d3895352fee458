//! What a step does with the gradients: an update of each parameter, and before it, if the optimizer clips by norm,
//! the squared norm of all gradients together.
//!
//! Without it each gradient's last sum and its update become one call (`fuse.rs`). The norm needs all gradients before
//! the first update, so they are stored whole: Σ g² is taken over blocks of a fixed size, and then over the blocks in their order, whoever
//! computes them.

use crate::emit::Emit;
use crate::kernel::{Buf, BufId, Gradient, Kernel, SQUARES};
use crate::optimizer::Optimizer;
use crate::shape::{Extent, Shape};

/// A parameter's value, its gradient, and whether weight decay is for it.
pub(crate) struct Follower {
    pub(crate) parameter: Buf,
    pub(crate) gradient: Buf,
    pub(crate) decays: bool,
}

/// Emits one step for all parameters.
pub(crate) fn emit_updates(optimizer: Optimizer, followers: &[Follower], k: &mut Emit) {
    let gradients: Vec<BufId> = followers.iter().map(|f| k.stored(f.gradient)).collect();
    let clips = optimizer.clip_norm < f64::INFINITY && !followers.is_empty();
    let squared_norm = clips.then(|| squared_norm(followers, &gradients, k).id);
    for (follower, g) in followers.iter().zip(gradients) {
        let optimizer = if follower.decays { optimizer } else { optimizer.without_decay() };
        let gradient = Gradient::Stored(g);
        k.calls.push(Kernel::Update { optimizer, parameter: follower.parameter.id, gradient, squared_norm });
    }
}

/// Σ over all elements of all gradients of their squares: a scalar.
fn squared_norm(followers: &[Follower], gradients: &[BufId], k: &mut Emit) -> Buf {
    let blocks = |f: &Follower| f.gradient.shape.len().div_ceil(SQUARES);
    let by_block = k.value(Shape::from([followers.iter().map(blocks).sum()]), Extent::Whole);
    let mut at = 0;
    for (follower, &x) in followers.iter().zip(gradients) {
        k.calls.push(Kernel::SumSquares { x, y: by_block.id, at });
        at += blocks(follower);
    }
    k.sum_elements(by_block)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Backend, Clock, Column, Cpu, Graph, OPTIMIZERS, Plan, Reference, Rows};

    const ROWS: usize = 9;

    /// Parameters, then the optimizer's memory, after three steps of a network whose first weight is of several blocks.
    fn three_steps<B: Backend>(backend: &B, plan: &Plan) -> Vec<f64> {
        let number = |seed: f64| move |i: usize| ((seed + i as f64 * 0.618_033_988_749_895).fract() - 0.5) as f32;
        let x: Vec<f32> = (0..ROWS * 70).map(number(0.1)).collect();
        let labels: Vec<u32> = (0..ROWS as u32).map(|i| i * i % 7).collect();
        let mut arena = backend.allocate(&[plan], ROWS).unwrap();
        for (n, parameter) in plan.parameters().iter().enumerate() {
            let values: Vec<f64> = (0..parameter.span.len).map(number(n as f64 * 0.37)).map(f64::from).collect();
            backend.write(&mut arena, parameter.span, &values);
        }
        let columns = [Column::F32(&x), Column::U32(&labels)];
        for step in 0..3 {
            let rows = Rows::all(plan, &columns).unwrap();
            backend.run(plan, &mut arena, &rows, Clock { step, rate: 0.01, seed: 0 });
        }
        let layout = plan.layout();
        backend.read_span(&arena, crate::Span { offset: 0, len: layout.parameters + layout.memory })
    }

    /// Every optimizer as it is, and with all that may come before it.
    fn optimizers() -> Vec<Optimizer> {
        let all = |entry: &crate::optimizer::Entry| {
            let adjusted = Optimizer { l2: 0.02, decay: 0.3, clip_norm: 0.4, clip_value: 0.02, ..entry.usual };
            [entry.usual, Optimizer { clip_norm: 0.4, ..entry.usual }, adjusted]
        };
        OPTIMIZERS.iter().flat_map(all).collect()
    }

    fn plan(optimizer: Optimizer) -> Plan {
        let g = Graph::new();
        let (x, t) = (g.input("x", [70]), g.label("t"));
        let hidden = x.affine(g.parameter("w", [70, 90]), g.parameter("b", [90]).without_decay()).tanh();
        let y = hidden.affine(g.parameter("v", [90, 7]), g.parameter("c", [7]).without_decay());
        g.update(y.softmax_with_loss(t).batch_mean(), optimizer).unwrap()
    }

    #[test]
    fn every_optimizer_has_its_bits_on_any_threads_and_follows_the_reference() {
        for optimizer in optimizers() {
            let plan = plan(optimizer);
            let expected = three_steps(&Reference, &plan);
            let mut first: Option<Vec<f64>> = None;
            for cpu in [1, 2, 3, 8].into_iter().flat_map(Cpu::each) {
                let found = three_steps(&cpu, &plan);
                let what = format!("{optimizer:?} on {} × {}", cpu.instruction_set(), cpu.threads());
                for (at, (x, y)) in found.iter().zip(&expected).enumerate() {
                    assert!((x - y).abs() < 1e-4 * y.abs().max(1.0), "{what}[{at}]: {x}, reference {y}");
                }
                if cpu.instruction_set() != "portable" {
                    assert!(first.get_or_insert_with(|| found.clone()) == &found, "{what}: other bits");
                }
            }
        }
    }

    #[test]
    fn weight_decay_spares_what_is_without_it() {
        let decayed = Optimizer { l2: 0.5, ..Optimizer::named("sgd").unwrap() };
        let [with, without] = [decayed, decayed.without_decay()].map(plan);
        let count = |plan: &Plan, wanted: Optimizer| {
            let updates = plan
                .calls
                .iter()
                .filter(|call| matches!(call, Kernel::Update { optimizer, .. } if *optimizer == wanted));
            updates.count()
        };
        assert_eq!((count(&with, decayed), count(&with, decayed.without_decay())), (2, 2));
        assert_eq!(count(&without, decayed.without_decay()), 4);
    }

    #[test]
    fn a_gradient_that_is_no_number_is_seen_whatever_clips_it() {
        for optimizer in optimizers() {
            let g = Graph::new();
            let w = g.parameter("w", [3]);
            // ∂/∂w of √w at −1 is NaN.
            let plan = g.update(w.sqrt().sum(), optimizer).unwrap();
            let check = |name: &str, w: Vec<f64>| assert!(w[0].is_nan(), "{optimizer:?} on {name}: {w:?}");
            let mut arena = Reference.allocate(&[&plan], 0).unwrap();
            Reference.write(&mut arena, plan.parameters()[0].span, &[-1.0, 4.0, 9.0]);
            Reference.run(&plan, &mut arena, &Rows::none(), Clock { rate: 0.1, ..Clock::default() });
            check("reference", Reference.read_span(&arena, plan.parameters()[0].span));
            for cpu in Cpu::each(1) {
                let mut arena = cpu.allocate(&[&plan], 0).unwrap();
                cpu.write(&mut arena, plan.parameters()[0].span, &[-1.0, 4.0, 9.0]);
                cpu.run(&plan, &mut arena, &Rows::none(), Clock { rate: 0.1, ..Clock::default() });
                check(cpu.instruction_set(), cpu.read_span(&arena, plan.parameters()[0].span));
            }
        }
    }
}
