//! y = x/(1 − p) with the probability 1 − p, else 0: a network that cannot lean on any one number.
//!
//! Scaled while training, so that the mean is x and the test build has no such node (inverted dropout; Srivastava et al.,
//! 2014). dx = dy/(1 − p) where x was kept, else 0: the same mask, computed again.

use crate::emit::Emit;
use crate::kernel::Buf;
use crate::op::{At, Op, Out};
use crate::shape::{Shape, ShapeError};

/// Element by element; whether an element is kept follows from the clock's seed and step, the stream, and its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// p, the share that is dropped: from 0 to less than 1.
    pub rate: f64,
    /// Which of a network's dropouts: each has its own masks.
    pub stream: u64,
}

impl Op for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        if (0.0..1.0).contains(&self.rate) && u32::try_from(x[0].len()).is_ok() {
            return Ok(x[0]);
        }
        let expected = "a rate from 0 to less than 1, and at most 2³² − 1 numbers";
        Err(ShapeError::new(self.name(), expected, format!("{} of {}", self.rate, x[0])))
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        k.dropout(x[0], self.rate, self.stream).into()
    }
    fn backward(&self, _: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        vec![Some(k.dropout(dy, self.rate, self.stream))]
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<super::cases::Case> {
    use super::cases::{Case, row, whole};
    vec![
        Case::new("dropout", |x| x[0].dropout(0.4, 0), [row([33])]),
        Case::new("dropout of images", |x| x[0].dropout(0.5, 1), [row([2, 5, 7])]),
        Case::new("dropout of a whole", |x| x[0].dropout(0.25, 2), [whole([5])]),
        Case::new(
            "two dropouts",
            |x| x[0].affine(x[1], x[2]).relu().dropout(0.3, 0).dropout(0.3, 1),
            [row([4]), whole([4, 18]), whole([18])],
        ),
    ]
}

#[cfg(test)]
mod tests {
    use crate::{Backend, Clock, Column, Cpu, Graph, Rows};

    #[test]
    fn the_clock_decides_and_the_mean_stays() {
        let g = Graph::new();
        let plan = g.predict(&[g.input("x", [1000]).dropout(0.2, 0)]).unwrap();
        let (cpu, x) = (Cpu::new(2), vec![1.0; 100_000]);
        let columns = [Column::F64(&x)];
        let run = |clock| {
            let mut arena = cpu.allocate(&[&plan], 100).unwrap();
            cpu.run(&plan, &mut arena, &Rows::all(&plan, &columns).unwrap(), clock);
            cpu.read(&plan, &arena, plan.value_of(g.ids().next_back().unwrap()).unwrap())
        };
        let first = run(Clock { step: 3, seed: 1, rate: 0.0 });
        assert!(first.iter().all(|&y| y == 0.0 || y == 1.25));
        assert!((first.iter().sum::<f64>() / 1e5 - 1.0).abs() < 0.01);
        assert_eq!(first, run(Clock { step: 3, seed: 1, rate: 0.5 }));
        assert_ne!(first, run(Clock { step: 4, seed: 1, rate: 0.0 }));
        assert_ne!(first, run(Clock { step: 3, seed: 2, rate: 0.0 }));
    }

    #[test]
    fn a_rate_that_drops_all_is_refused() {
        let refused = |rate| {
            let g = Graph::new();
            g.input("x", [3]).dropout(rate, 0);
            g.check().is_err()
        };
        assert!(refused(1.0) && refused(1.5) && refused(-0.1) && refused(f64::NAN));
    }
}
