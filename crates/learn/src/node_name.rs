//! What a network's nodes are called: a parameter by its own name, what a layer computes by the layer's number in the SPEC
//! and the op, `0.affine`; what comes after the layers by the op alone.

use chainrule_engine::{Graph, Kind, NodeId};

use crate::model::Network;

/// The node's name, and the number of its layer if it is in one.
pub(crate) fn node_name(graph: &Graph, network: &Network<'_>, id: NodeId) -> (String, Option<usize>) {
    let node = graph.node(id);
    let layer = network.layers.iter().position(|&last| id <= last).filter(|_| id > network.t.id());
    let name = match (&node.kind, layer) {
        (Kind::Op(op), Some(at)) => format!("{at}.{}", op.name()),
        (Kind::Op(op), None) => op.name().to_owned(),
        (Kind::Constant(number), _) => number.to_string(),
        (Kind::Input | Kind::Parameter, _) => node.name,
    };
    (name, layer)
}
