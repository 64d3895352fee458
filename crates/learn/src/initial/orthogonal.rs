//! A random matrix with orthonormal columns, or rows where there are fewer of them: each such matrix is equally likely.
//!
//! Gram–Schmidt on vectors of normal numbers: of each is taken what lies along those before it, twice, since once leaves an error
//! that grows with the condition of the matrix (Giraud, Langou and Rozložník, 2005). As lengths are positive, this is the Q of
//! the QR decomposition with a positive diagonal, which is uniform over the orthogonal matrices (Mezzadri, 2007).

use crate::random::Stream;

/// The matrix `[rows, columns]`, row after row.
pub(super) fn orthogonal(rows: usize, columns: usize, draws: &mut Stream) -> Vec<f64> {
    let (count, length) = (rows.min(columns), rows.max(columns));
    let mut vectors: Vec<Vec<f64>> = Vec::with_capacity(count);
    while vectors.len() < count {
        let mut v: Vec<f64> = (0..length).map(|_| draws.normal()).collect();
        for q in vectors.iter().chain(&vectors) {
            let along = dot(q, &v);
            v.iter_mut().zip(q).for_each(|(v, q)| *v -= along * q);
        }
        let norm = dot(&v, &v).sqrt();
        // Normal numbers lie in the span of the others with probability 0; another draw is as good.
        if norm > 1e-6 {
            v.iter_mut().for_each(|v| *v /= norm);
            vectors.push(v);
        }
    }
    if rows <= columns {
        return vectors.concat();
    }
    (0..rows).flat_map(|row| vectors.iter().map(move |column| column[row])).collect()
}

/// Eight sums, so that they can go on beside one another.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, stream};

    #[test]
    fn the_shorter_sides_vectors_are_orthonormal() {
        for (rows, columns) in [(1, 1), (5, 3), (3, 5), (40, 40), (130, 17), (17, 130)] {
            let w = orthogonal(rows, columns, &mut stream(3, Purpose::Initial, 0));
            assert_eq!(w.len(), rows * columns);
            let element = |i: usize, at: usize| if rows <= columns { w[i * columns + at] } else { w[at * columns + i] };
            for i in 0..rows.min(columns) {
                for j in 0..rows.min(columns) {
                    let product: f64 = (0..rows.max(columns)).map(|at| element(i, at) * element(j, at)).sum();
                    let identity = f64::from(u8::from(i == j));
                    assert!((product - identity).abs() < 1e-13, "{rows} x {columns}, ({i}, {j}): {product}");
                }
            }
        }
    }

    #[test]
    fn no_direction_is_likelier() {
        // Of a random rotation of the plane each element has mean 0 and variance ½; its determinant is 1 or −1 alike.
        let draws = 4000;
        let (mut sums, mut squares, mut turned) = ([0.0; 4], [0.0; 4], 0);
        for number in 0..draws {
            let w = orthogonal(2, 2, &mut stream(1, Purpose::Initial, number));
            for i in 0..4 {
                sums[i] += w[i];
                squares[i] += w[i] * w[i];
            }
            turned += usize::from(w[0] * w[3] - w[1] * w[2] < 0.0);
        }
        let n = draws as f64;
        assert!(sums.iter().all(|sum| (sum / n).abs() < 0.05), "{sums:?}");
        assert!(squares.iter().all(|square| (square / n - 0.5).abs() < 0.03), "{squares:?}");
        assert!((turned as f64 / n - 0.5).abs() < 0.03, "{turned}");
    }
}
