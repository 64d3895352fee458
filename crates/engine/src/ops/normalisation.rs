//! The cases of the normalisations, which are compositions of ops. Σ y² of a normalised y hardly depends on x, so a batch norm
//! is multiplied by other numbers: otherwise its gradient would be all rounding.

use super::cases::{Case, positive, row, whole};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("layer_norm", |x| x[0].layer_norm(x[1], x[2], 1e-5), [row([7]), whole([7]), whole([7])]),
        Case::new(
            "layer_norm of images",
            |x| x[0].layer_norm(x[1], x[2], 1e-5),
            [row([2, 3, 5]), whole([2, 3, 5]), whole([2, 3, 5])],
        ),
        Case::new(
            "batch_norm",
            |x| x[0].batch_norm(x[1], x[2], 1e-2).y * x[3],
            [row([19]), whole([19]), whole([19]), row([19])],
        ),
        Case::new(
            "batch_norm of images",
            |x| x[0].batch_norm(x[1], x[2], 1e-2).y * x[3],
            [row([3, 5, 2]), whole([3]), whole([3]), row([3, 5, 2])],
        ),
        // Without a bias before it, which would have no gradient.
        Case::new(
            "batch_norm between products",
            |x| x[0].matmul(x[1]).batch_norm(x[2], x[3], 1e-2).y.tanh().affine(x[4], x[5]),
            [row([3]), whole([3, 5]), whole([5]), whole([5]), whole([5, 2]), whole([2])],
        ),
        Case::new(
            "normalise",
            |x| x[0].normalise(x[1], x[2], x[3], x[4], 1e-5),
            [row([7]), whole([7]), positive(&whole([7])), whole([7]), whole([7])],
        ),
        Case::new(
            "normalise images",
            |x| x[0].normalise(x[1], x[2], x[3], x[4], 1e-5),
            [row([2, 3, 5]), whole([2]), positive(&whole([2])), whole([2]), whole([2])],
        ),
    ]
}
