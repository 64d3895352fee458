//! Max pooling of one example, and its gradient.

use crate::kernel::Window;

/// y = the largest of each window, at = its place in the channel: the first among equals, and a NaN
/// before any number.
pub(super) fn max_pool(window: &Window, x: &[f32], y: &mut [f32], at: &mut [f32]) {
    let Window { input: [_, h, w], output: [_, rows, columns], kernel: [kh, kw], stride, .. } = *window;
    let outputs = y.chunks_exact_mut(columns).zip(at.chunks_exact_mut(columns)).enumerate();
    for (row, (y, at)) in outputs {
        let plane = &x[row / rows * h * w..][..h * w];
        let top = row % rows * stride * w;
        for (j, (y, at)) in y.iter_mut().zip(at).enumerate() {
            let corner = top + j * stride;
            let mut best = corner;
            for k in 0..kh {
                for i in corner + k * w..corner + k * w + kw {
                    // Not `>`: a NaN must win, and keep what it has won.
                    if !(plane[i] <= plane[best]) && !plane[best].is_nan() {
                        best = i;
                    }
                }
            }
            (*y, *at) = (plane[best], best as f32);
        }
    }
}

/// dx = 0 but for the places that were chosen, which get the sum of the dy that chose them.
pub(super) fn max_pool_gradient(window: &Window, dy: &[f32], at: &[f32], dx: &mut [f32]) {
    let (input, output) = window.planes();
    dx.fill(0.0);
    let planes = dy.chunks_exact(output).zip(at.chunks_exact(output)).zip(dx.chunks_exact_mut(input));
    for ((dy, at), dx) in planes {
        for (&dy, &at) in dy.iter().zip(at) {
            dx[at as usize] += dy;
        }
    }
}
