//! The chain of factors: the ways from the loss back to a node, and what multiplying along one gives,
//! ∂L/∂x = Σ over the ways Π over their edges ∂y/∂x.

use crate::drawing::Drawn;

/// A step of a way: from a box to the operand of this number among its `operands`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    pub(super) user: usize,
    pub(super) operand: usize,
}

impl Step {
    /// The box that it leads to.
    pub(super) fn to(self, boxes: &[Drawn]) -> usize {
        boxes[self.user].operands[self.operand]
    }
}

/// The edges by which a derivative reaches each box.
pub(super) fn uses(boxes: &[Drawn]) -> Vec<Vec<Step>> {
    let mut uses = vec![Vec::new(); boxes.len()];
    for (user, drawn) in boxes.iter().enumerate().filter(|(_, drawn)| drawn.derivative.is_some()) {
        for (operand, &at) in drawn.operands.iter().enumerate() {
            if boxes[at].derivative.is_some() {
                uses[at].push(Step { user, operand });
            }
        }
    }
    uses
}

/// How many ways lead from the loss to each box.
pub(super) fn ways(uses: &[Vec<Step>]) -> Vec<u64> {
    let mut ways: Vec<u64> = vec![1; uses.len()];
    for at in (0..uses.len()).rev().filter(|&at| !uses[at].is_empty()) {
        ways[at] = uses[at].iter().map(|step| ways[step.user]).fold(0, u64::saturating_add);
    }
    ways
}

/// The first `most` ways to a box, each from the loss on.
pub(super) fn first(at: usize, uses: &[Vec<Step>], most: usize) -> Vec<Vec<Step>> {
    let mut found = Vec::new();
    let mut open = vec![(at, Vec::new())];
    while let Some((at, way)) = open.pop() {
        if uses[at].is_empty() {
            found.push(way.into_iter().rev().collect());
            if found.len() == most {
                break;
            }
            continue;
        }
        for &step in uses[at].iter().rev() {
            let mut longer: Vec<Step> = way.clone();
            longer.push(step);
            open.push((step.user, longer));
        }
    }
    found
}

/// The product of the factors along a way, of the size of its end; `None` if one of them is not written out.
pub(super) fn product(boxes: &[Drawn], way: &[Step]) -> Option<Vec<f64>> {
    let mut back = boxes[way.first()?.user].derivative.clone()?;
    for step in way {
        let local = boxes[step.user].factors.get(step.operand)?.local.as_ref()?;
        let columns = local.len().checked_div(back.len())?;
        let by = |column: usize| back.iter().enumerate().map(|(row, dy)| dy * local[row * columns + column]).sum();
        back = (0..columns).map(by).collect();
    }
    Some(back)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drawing::Factor;

    /// f = y·y with y = 3x: two ways to y, and to x.
    fn square() -> Vec<Drawn> {
        let drawn = |value: f64, derivative: f64, operands: &[usize], local: &[f64]| Drawn {
            name: String::new(),
            formula: String::new(),
            shape: Vec::new(),
            value: vec![value],
            derivative: Some(vec![derivative]),
            operands: operands.to_vec(),
            op: None,
            after: None,
            factors: local.iter().map(|&x| Factor { place: 0, local: Some(vec![x]) }).collect(),
        };
        vec![drawn(2.0, 36.0, &[], &[]), drawn(6.0, 12.0, &[0], &[3.0]), drawn(36.0, 1.0, &[1, 1], &[6.0, 6.0])]
    }

    #[test]
    fn the_products_of_all_ways_sum_to_the_derivative() {
        let boxes = square();
        let uses = uses(&boxes);
        assert_eq!(ways(&uses), [2, 2, 1]);
        for (at, drawn) in boxes.iter().enumerate().take(2) {
            let ways = first(at, &uses, 10);
            assert!(ways.iter().all(|way| way.last().unwrap().to(&boxes) == at));
            let products = ways.iter().map(|way| product(&boxes, way).unwrap()[0]);
            assert_eq!(products.sum::<f64>(), drawn.derivative.as_ref().unwrap()[0]);
        }
        assert_eq!(first(0, &uses, 1).len(), 1);
    }

    #[test]
    fn a_row_times_a_matrix() {
        let mut boxes = square();
        boxes.truncate(2);
        boxes[1].derivative = Some(vec![1.0, 10.0]);
        boxes[1].factors[0].local = Some(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(product(&boxes, &[Step { user: 1, operand: 0 }]), Some(vec![41.0, 52.0, 63.0]));
        boxes[1].factors[0].local = None;
        assert_eq!(product(&boxes, &[Step { user: 1, operand: 0 }]), None);
    }
}
