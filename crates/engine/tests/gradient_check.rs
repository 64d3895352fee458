//! The gradient check finds what is wrong, passes what is right, and says where it cannot tell.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected has failed")]

use chainrule_engine::gradient_check::{CheckOptions, ParameterCheck, check_gradients};
use chainrule_engine::ops::MaxPool;
use chainrule_engine::{At, Buf, Column, Emit, Graph, Op, Out, Shape, ShapeError, Var};

/// y = x², with a derivative that someone got wrong: dx = dy·x.
#[derive(Debug)]
struct WrongSquare;

impl Op for WrongSquare {
    fn name(&self) -> &'static str {
        "wrong square"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(x[0])
    }
    fn forward(&self, x: &[Buf], k: &mut Emit) -> Out {
        k.mul(x[0], x[0]).into()
    }
    fn backward(&self, at: &At<'_>, dy: Buf, k: &mut Emit) -> Vec<Option<Buf>> {
        vec![Some(k.mul(dy, at.x[0]))]
    }
}

/// Numbers in (−½, ½), evenly spread and never equal: the golden ratio's multiples.
fn numbers(start: f64, len: usize) -> Vec<f64> {
    (0..len).map(|i| (start + i as f64 * 0.618_033_988_749_895).fract() - 0.5).collect()
}

fn check(g: &Graph, loss: Var<'_>, values: &[Vec<f64>], columns: &[Column<'_>]) -> Vec<ParameterCheck> {
    check_gradients(g, loss, values, columns, CheckOptions::default()).unwrap()
}

#[test]
fn the_books_network_is_right_with_each_activation() {
    let activations: [for<'g> fn(Var<'g>) -> Var<'g>; 3] = [|x| x.relu(), |x| x.sigmoid(), |x| x.tanh()];
    let images: Vec<f64> = numbers(0.3, 5 * 784).iter().map(|x| x * 3.4).collect();
    let columns = [Column::F64(&images), Column::U32(&[3, 1, 4, 1, 5])];
    let spread = |start, len, size: f64| numbers(start, len).iter().map(|x| x * size).collect::<Vec<f64>>();
    let values = [spread(0.1, 784 * 50, 0.2), spread(0.2, 50, 0.1), spread(0.7, 500, 0.8), spread(0.9, 10, 0.1)];
    for activation in activations {
        let g = Graph::new();
        let (x, t) = (g.input("x", [784]), g.label("t"));
        let hidden = activation(x.affine(g.parameter("w1", [784, 50]), g.parameter("b1", [50])));
        let loss = hidden.affine(g.parameter("w2", [50, 10]), g.parameter("b2", [10])).softmax_with_loss(t);
        let options = CheckOptions { sample: 40, ..CheckOptions::default() };
        let checks = check_gradients(&g, loss.batch_mean(), &values, &columns, options).unwrap();
        for check in checks {
            assert!(check.passed(), "{check:?}");
            assert_eq!(check.checked + check.kinks, check.total.min(40), "{check:?}");
        }
    }
}

#[test]
fn a_wrong_derivative_is_found() {
    let g = Graph::new();
    let w = g.parameter("w", [3]);
    let checks = check(&g, g.apply(WrongSquare, &[w.tanh()]).sum(), &[vec![0.3, -0.9, 1e-3]], &[]);
    let worst = checks[0].worst.unwrap();
    assert!(!checks[0].passed() && (worst.error - 0.5).abs() < 1e-3, "{worst:?}");
    assert!((worst.by_definition / worst.by_chain_rule - 2.0).abs() < 1e-6, "{worst:?}");
}

#[test]
fn a_kink_is_counted_and_not_compared() {
    let g = Graph::new();
    let loss = (g.parameter("w", [4]).relu() * 3.0).sum();
    // On the kink; too near to it for any h; near; and far.
    let check = &check(&g, loss, &[vec![0.0, 1e-9, 1e-5, 0.5]], &[])[0];
    assert_eq!((check.kinks, check.checked, check.total), (2, 2, 4));
    assert!(check.passed(), "{check:?}");
}

#[test]
fn where_another_element_becomes_the_largest_there_is_a_kink() {
    let g = Graph::new();
    let loss = (g.parameter("w", [1, 2, 4]).max_pool(MaxPool::new(2)) * 3.0).sum();
    // On the left two that are as good as equal, and on the right one that stays the largest.
    let check = &check(&g, loss, &[vec![0.5, 0.5 + 1e-9, -0.3, 0.7, 0.1, 0.2, 0.4, 0.3]], &[])[0];
    assert_eq!((check.kinks, check.checked), (2, 6));
    assert!(check.passed(), "{check:?}");
}

#[test]
fn where_all_is_kinks_nothing_has_passed() {
    let g = Graph::new();
    let check = &check(&g, g.parameter("w", []).relu(), &[vec![0.0]], &[])[0];
    assert_eq!((check.kinks, check.checked, check.worst), (1, 0, None));
    assert!(!check.passed());
}

#[test]
fn a_dead_unit_is_no_kink() {
    // The operand is 0 wherever w goes, and so is the slope.
    let g = Graph::new();
    let x = g.input("x", [2]);
    let loss = (x.affine(g.parameter("w", [2, 1]), g.parameter("b", [1])).relu()).sum().batch_mean();
    let checks = check(&g, loss, &[vec![0.5, 0.5], vec![0.0]], &[Column::F64(&[0.0, 0.0])]);
    assert_eq!((checks[0].kinks, checks[0].largest_error()), (0, 0.0));
    assert_eq!(checks[1].kinks, 1);
}

#[test]
fn what_is_not_finite_fails() {
    let g = Graph::new();
    let check = &check(&g, g.parameter("w", []).ln(), &[vec![-1.0]], &[])[0];
    assert_eq!(check.largest_error(), f64::INFINITY);
}

#[test]
fn a_parameter_that_the_loss_passes_by_has_the_gradient_zero() {
    let g = Graph::new();
    let (w, _) = (g.parameter("w", []), g.parameter("idle", [2]));
    let checks = check(&g, w * w, &[vec![2.0], vec![1.0, 1.0]], &[]);
    assert!(checks.iter().all(ParameterCheck::passed), "{checks:?}");
}

#[test]
fn values_that_do_not_fit_are_refused() {
    let g = Graph::new();
    let loss = g.parameter("w", [2]).sum();
    let error = check_gradients(&g, loss, &[vec![1.0]], &[], CheckOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "parameter 'w': expected 2 numbers, found 1");
}
