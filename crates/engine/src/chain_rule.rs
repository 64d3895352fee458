//! The chain rule: the reverse sweep through a graph.
//!
//! For a loss L and a node x that the nodes y₁, y₂, … use,
//!
//! ```text
//! ∂L/∂x = Σᵢ ∂L/∂yᵢ · ∂yᵢ/∂x
//! ```
//!
//! Each op gives its term of the sum ([`Op::backward`](crate::op::Op::backward)). The sum is
//! taken here and nowhere else, in two forms: over the *nodes* that use x, and over the *rows and
//! elements* that used the same x, where a whole met rows or a scalar met a vector.

use crate::emit::Emit;
use crate::graph::{Kind, Node, NodeId};
use crate::kernel::Buf;
use crate::op::At;
use crate::shape::Extent;

/// The forward values of a graph's nodes, `None` where a node was not needed.
pub(crate) struct Forward {
    /// Each node's value.
    pub(crate) y: Vec<Option<Buf>>,
    /// What each node's op kept for its derivative.
    pub(crate) kept: Vec<Vec<Buf>>,
}

/// Emits ∂loss/∂node for every node that leads from `wanted` to `loss`, and returns the
/// gradients by node.
pub(crate) fn chain_rule(
    nodes: &[Node],
    forward: &Forward,
    loss: NodeId,
    wanted: &[NodeId],
    k: &mut Emit,
) -> Vec<Option<Buf>> {
    let leads = leads_from(nodes, wanted);
    let mut gradient: Vec<Option<Buf>> = vec![None; nodes.len()];
    // ∂L/∂L = 1
    gradient[loss.0] = Some(k.constant(1.0, nodes[loss.0].shape));
    for (id, node) in nodes.iter().enumerate().take(loss.0 + 1).rev() {
        let (Kind::Op(op), Some(dy), Some(y)) = (&node.kind, gradient[id], forward.y[id]) else { continue };
        if !leads[id] {
            continue;
        }
        let x: Vec<Buf> = node.inputs.iter().filter_map(|x| forward.y[x.0]).collect();
        let terms = op.backward(&At { x: &x, y, kept: &forward.kept[id] }, dy, k);
        debug_assert_eq!(terms.len(), node.inputs.len(), "{} gives one term an operand", op.name());
        for ((operand, x), term) in node.inputs.iter().zip(x).zip(terms) {
            if let (true, Some(term)) = (leads[operand.0], term) {
                let term = sum_over_uses(term, x, k);
                gradient[operand.0] = Some(match gradient[operand.0] {
                    Some(sum) => k.add(sum, term),
                    None => term,
                });
            }
        }
    }
    gradient
}

/// Sums a gradient over the rows and the elements for which the same operand was used.
fn sum_over_uses(term: Buf, operand: Buf, k: &mut Emit) -> Buf {
    let elements = if operand.shape.is_scalar() { k.sum_elements(term) } else { term };
    if operand.extent == Extent::Whole && elements.extent == Extent::Row {
        k.sum_rows(elements)
    } else {
        k.broadcast(elements, operand.shape, operand.extent)
    }
}

/// Which nodes have a path from one of `wanted`: others need no gradient.
fn leads_from(nodes: &[Node], wanted: &[NodeId]) -> Vec<bool> {
    let mut leads = vec![false; nodes.len()];
    for &id in wanted {
        leads[id.0] = true;
    }
    for (id, node) in nodes.iter().enumerate() {
        if node.inputs.iter().any(|x| leads[x.0]) {
            leads[id] = true;
        }
    }
    leads
}
