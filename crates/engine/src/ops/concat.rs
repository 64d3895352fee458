//! y = the operands one after the other, along their first axis; each one's gradient is its part of dy.
//!
//! Numbers of a row lie with the last axis fastest, so along the first axis joining is copying: vectors end to end, images channel
//! after channel.

use crate::emit::Emit;
use crate::kernel::Buf;
use crate::op::{At, Op, Out};
use crate::shape::{Shape, ShapeError};

/// `[a, …]`, `[b, …]`, … to `[a + b + …, …]`.
#[derive(Debug)]
pub struct Concat;

/// The shape of the first of `parts` joined to the next.
fn joined(a: Shape, b: Shape) -> Option<Shape> {
    let (&[rows, ref rest @ ..], &[more, ref other @ ..]) = (a.axes(), b.axes()) else { return None };
    let axes: Vec<usize> = std::iter::once(rows.checked_add(more)?).chain(rest.iter().copied()).collect();
    (rest == other).then(|| Shape::new(&axes)).flatten()
}

impl Op for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        let Some((&first, others)) = x.split_first().filter(|(first, _)| !first.is_scalar()) else {
            return Err(ShapeError::new("concat", "vectors, matrices or images", "a scalar, or nothing"));
        };
        others.iter().try_fold(first, |y, &x| {
            let expected = "shapes that differ in the first axis alone";
            joined(y, x).ok_or_else(|| ShapeError::new("concat", expected, format!("{y} and {x}")))
        })
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        let join = |y: Buf, x: &Buf| {
            let shape = joined(y.shape, x.shape).expect("Op::shape has checked it");
            k.concat(y, *x, shape)
        };
        x[1..].iter().fold(x[0], join).into()
    }
    fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        let mut from = 0;
        let parts = at.x.iter().map(|x| {
            let part = k.part(dy, from, x.shape);
            from += x.shape.len();
            Some(part)
        });
        parts.collect()
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<super::cases::Case> {
    use super::cases::{Case, row, whole};
    use crate::graph::Var;
    fn of<'g>(x: &[Var<'g>]) -> Var<'g> {
        x[0].concat(&x[1..])
    }
    vec![
        Case::new("concat", of, [row([3]), row([5])]),
        Case::new("concat of three", of, [row([1]), row([17]), row([2])]),
        Case::new("concat of images", of, [row([2, 3, 5]), row([1, 3, 5])]),
        Case::new("concat with a whole", of, [row([4]), whole([3])]),
        Case::new("concat of one", of, [row([4])]),
        Case::new("concat with itself", |x| x[0].concat(&[x[0].relu()]), [row([4])]),
        Case::new(
            "concat between products",
            |x| x[0].affine(x[1], x[2]).tanh().concat(&[x[0]]).affine(x[3], x[4]),
            [row([4]), whole([4, 3]), whole([3]), whole([7, 2]), whole([2])],
        ),
    ]
}

#[cfg(test)]
mod tests {
    use crate::graph::Graph;

    #[test]
    fn what_cannot_be_joined_is_refused() {
        let refused = |a: &[usize], b: &[usize]| {
            let g = Graph::new();
            let shape = |axes| crate::Shape::new(axes).unwrap();
            let _ = g.input("a", shape(a)).concat(&[g.input("b", shape(b))]);
            g.check().unwrap_err().found
        };
        assert_eq!(refused(&[2, 3, 4], &[2, 3, 5]), "[2, 3, 4] and [2, 3, 5]");
        assert_eq!(refused(&[3], &[3, 1]), "[3] and [3, 1]");
        assert_eq!(refused(&[], &[3]), "a scalar, or nothing");
    }
}
