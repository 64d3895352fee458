//! Fuse: what can be done to a number while it is still in a register.
//!
//! Two rules: an activation, or its derivative, joins the product or convolution whose only use it is; and
//! the last sum of a gradient joins the update whose only use it is.

use crate::kernel::{Buf, BufId, Epilogue, Gradient, Kernel};

pub(crate) fn fuse(calls: &mut Vec<Kernel>, values: &[Buf], roots: &[Buf]) {
    let mut uses = vec![0usize; values.len()];
    for v in calls.iter().flat_map(Kernel::reads).chain(roots.iter().map(|root| root.id)) {
        uses[v.index()] += 1;
    }
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
