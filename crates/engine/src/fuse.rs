//! Fuse: what can be done to a number while it is still in a register.
//!
//! Two rules: an activation, or its derivative, joins the product or convolution whose only use it is; and
//! the last sum of a gradient joins the update whose only use it is. Before them ReLU's derivative moves to where there are fewer numbers.

use crate::function::Zip;
use crate::kernel::{Buf, BufId, Epilogue, Gradient, Kernel};

/// ReLU's derivative before that of the maximum pool behind it, instead of after: a window's maximum m is above 0 where the number
/// that it was taken from is, and all others have no derivative. There are fewer windows than numbers, and what they were taken from need not be kept.
fn mask_windows(calls: &mut [Kernel], values: &mut Vec<Buf>, roots: &[Buf]) {
    let uses = count_uses(calls, values, roots);
    for at in 0..calls.len() {
        let Kernel::Zip { f: Zip::ReluGradient, a: spread, b: x, y } = calls[at] else { continue };
        let spreads = |call: &Kernel| matches!(call, Kernel::MaxPoolGradient { dx, .. } if *dx == spread);
        let Some(from) = calls[..at].iter().position(spreads).filter(|_| uses[spread.index()] == 1) else { continue };
        let Kernel::MaxPoolGradient { dy, at: place, window, .. } = calls[from] else { continue };
        let maximum = calls[..from].iter().find_map(|call| match *call {
            Kernel::MaxPool { x: of, y, at, .. } if of == x && at == place => Some(y),
            _ => None,
        });
        let Some(m) = maximum else { continue };
        let masked = Buf { id: BufId(values.len() as u32), constant: None, ..values[m.index()] };
        values.push(masked);
        calls[from] = Kernel::Zip { f: Zip::ReluGradient, a: dy, b: m, y: masked.id };
        calls[at] = Kernel::MaxPoolGradient { dy: masked.id, at: place, dx: y, window };
    }
}

/// How often each value is read, by calls and when the plan is done.
fn count_uses(calls: &[Kernel], values: &[Buf], roots: &[Buf]) -> Vec<usize> {
    let mut uses = vec![0usize; values.len()];
    for v in calls.iter().flat_map(Kernel::reads).chain(roots.iter().map(|root| root.id)) {
        uses[v.index()] += 1;
    }
    uses
}

pub(crate) fn fuse(calls: &mut Vec<Kernel>, values: &mut Vec<Buf>, roots: &[Buf]) {
    mask_windows(calls, values, roots);
    let uses = count_uses(calls, values, roots);
    let mut writer: Vec<Option<usize>> = vec![None; values.len()];
    let mut gone = vec![false; calls.len()];
    for at in 0..calls.len() {
        let only_use = |x: BufId| writer[x.index()].filter(|_| uses[x.index()] == 1);
        let alike = |x: BufId, y: BufId| {
            let (x, y) = (values[x.index()], values[y.index()]);
            x.shape.len() == y.shape.len() && x.extent == y.extent
        };
        let joined = match calls[at] {
            Kernel::Map { f, x, y } if f.is_activation() => {
                only_use(x).and_then(|from| Some((from, with_epilogue(&calls[from], Epilogue::Map(f), y)?)))
            }
            Kernel::Zip { f, a, b, y } if f.is_activation_gradient() && alike(a, y) && alike(b, y) => {
                only_use(a).and_then(|from| Some((from, with_epilogue(&calls[from], Epilogue::Zip(f, b), y)?)))
            }
            Kernel::Update { optimizer, parameter, gradient: Gradient::Stored(g), squared_norm } => only_use(g)
                .and_then(|from| {
                    let gradient = match calls[from] {
                        Kernel::MatmulRows { a, b, sizes, .. } => Gradient::MatmulRows { a, b, sizes },
                        Kernel::SumRows { x, .. } => Gradient::SumRows(x),
                        _ => return None,
                    };
                    Some((from, Kernel::Update { optimizer, parameter, gradient, squared_norm }))
                }),
            _ => None,
        };
        if let Some((from, call)) = joined {
            gone[from] = true;
            calls[at] = call;
        }
        if calls[at].changes().is_none() {
            calls[at].writes().iter().for_each(|v| writer[v.index()] = Some(at));
        }
    }
    let mut gone = gone.into_iter();
    calls.retain(|_| gone.next() == Some(false));
}

fn with_epilogue(call: &Kernel, epilogue: Epilogue, result: BufId) -> Option<Kernel> {
    match *call {
        Kernel::Matmul { a, b, bias, transpose_a, transpose_b, sizes, epilogue: Epilogue::None, .. } => {
            Some(Kernel::Matmul { a, b, bias, y: result, transpose_a, transpose_b, sizes, epilogue })
        }
        Kernel::Conv2d { x, w, bias, window, transposed, epilogue: Epilogue::None, .. }
            if matches!(epilogue, Epilogue::Map(_)) =>
        {
            Some(Kernel::Conv2d { x, w, bias, y: result, window, transposed, epilogue })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::function::Zip;
    use crate::kernel::Kernel;
    use crate::{Backend, Clock, Column, Cpu, Goal, Graph, Plan, Reference, Request, Rows, ops};

    /// The gradients by the parameters.
    fn gradients<B: Backend>(backend: &B, plan: &Plan, rows: &Rows<'_>) -> Vec<u64> {
        let mut arena = backend.allocate(&[plan], rows.count()).expect("memory");
        for parameter in plan.parameters() {
            let values: Vec<f64> = (0..parameter.span.len).map(|i| ((i * 7 % 17) as f64 - 8.0) / 16.0).collect();
            backend.write(&mut arena, parameter.span, &values);
        }
        backend.run(plan, &mut arena, rows, Clock::default());
        let read = |gradient: Option<_>| backend.read(plan, &arena, gradient.expect("a parameter's"));
        plan.parameters().iter().flat_map(|p| read(plan.gradient_of(p.node))).map(f64::to_bits).collect()
    }

    #[test]
    fn relu_masks_windows_instead_of_what_they_are_of() {
        let pools = [ops::MaxPool::new(2), ops::MaxPool { size: 3, stride: 2, padding: 1 }];
        for (pool, outputs) in pools.into_iter().zip([3 * 3, 4 * 4]) {
            let g = Graph::new();
            let convolution = ops::Conv2d { padding: 1, ..ops::Conv2d::default() };
            let y = g.input("x", [2, 7, 7]).conv2d(g.parameter("w", [3, 2, 3, 3]), g.parameter("b", [3]), convolution);
            let y = y.relu().max_pool(pool).flatten().matmul(g.parameter("v", [3 * outputs, 2]));
            let loss = (y * y).sum().batch_mean();
            let request = Request { goal: Goal::Gradients, loss: Some(loss.id()), ..Request::default() };
            let fused = Plan::compile(&g, &request).expect("shapes fit");
            let whole = Plan::compile(&g, &Request { trace: true, ..request }).expect("shapes fit");

            let position = |plan: &Plan, of: &dyn Fn(&Kernel) -> bool| plan.calls.iter().position(of);
            let spreads = |call: &Kernel| matches!(call, Kernel::MaxPoolGradient { .. });
            let masks = |call: &Kernel| matches!(call, Kernel::Zip { f: Zip::ReluGradient, .. });
            assert!(position(&whole, &masks) > position(&whole, &spreads), "{whole}");
            assert!(position(&fused, &masks).is_none(), "the mask has joined the product\n{fused}");
            assert!(position(&fused, &spreads).is_some());

            // Whole numbers, many of them alike and many windows without a number above 0.
            let x: Vec<f32> = (0..5 * 98).map(|i| ((i * 31 % 13) as f32 - 6.0) / 4.0).collect();
            let columns = [Column::F32(&x)];
            let rows = Rows::all(&fused, &columns).expect("whole rows");
            assert_eq!(gradients(&Reference, &fused, &rows), gradients(&Reference, &whole, &rows));
            for cpu in [1, 3].into_iter().flat_map(Cpu::each) {
                assert_eq!(gradients(&cpu, &fused, &rows), gradients(&cpu, &whole, &rows), "{cpu:?}");
            }
        }
    }
}
