//! Y = A·B: dA = dY·Bᵀ, dB = Aᵀ·dY.

use crate::emit::Emit;
use crate::kernel::Buf;
use crate::op::{At, Op, Out, args};
use crate::shape::{Extent, Shape, ShapeError};

/// A `[m, k]` or a vector `[k]`, B `[k, n]`; Y `[m, n]` or `[n]`.
#[derive(Debug)]
pub struct MatMul;

impl Op for MatMul {
    fn name(&self) -> &'static str {
        "matmul"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        let [a, b] = *x else {
            return Err(ShapeError::new("matmul", "two operands", x.len().to_string()));
        };
        let fits = match (a.axes(), b.axes()) {
            (&[k], &[l, n]) if k == l => Shape::new(&[n]),
            (&[m, k], &[l, n]) if k == l => Shape::new(&[m, n]),
            _ => None,
        };
        fits.ok_or_else(|| ShapeError::new("matmul", "[m, k] · [k, n]", format!("{a} · {b}")))
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        let [a, b] = args(x);
        let n = b.shape.axes()[1];
        let shape = match *a.shape.axes() {
            [m, _] => Shape::from([m, n]),
            _ => Shape::from([n]),
        };
        k.matmul(a, false, b, false, shape).into()
    }
    fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        let [a, b] = args(at.x);
        let da = k.matmul(dy, false, b, true, a.shape);
        let db =
            if b.extent == Extent::Row { k.matmul(a, true, dy, false, b.shape) } else { k.matmul_tn(a, dy, b.shape) };
        vec![Some(da), Some(db)]
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<super::cases::Case> {
    use super::cases::{Case, row, whole};
    vec![
        Case::new("matmul vector", |x| x[0].matmul(x[1]), [row([5]), whole([5, 3])]),
        Case::new("matmul rows by whole", |x| x[0].matmul(x[1]), [row([2, 5]), whole([5, 19])]),
        Case::new("matmul by example", |x| x[0].matmul(x[1]), [row([2, 5]), row([5, 3])]),
        Case::new("matmul whole by rows", |x| x[0].matmul(x[1]), [whole([2, 5]), row([5, 3])]),
        Case::new("matmul wholes", |x| x[0].matmul(x[1]), [whole([2, 5]), whole([5, 3])]),
    ]
}
