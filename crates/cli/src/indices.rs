//! Where an element of a tensor is: `at = (i₀ · n₁ + i₁) · n₂ + i₂ …`, the last axis fastest, solved for the indices.

/// The indices of element `at` along each axis of `shape`.
pub(crate) fn indices(mut at: usize, shape: &[usize]) -> Vec<usize> {
    let mut indices: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&axis| {
            let index = at % axis;
            at /= axis;
            index
        })
        .collect();
    indices.reverse();
    indices
}

#[cfg(test)]
mod tests {
    use super::indices;

    #[test]
    fn the_last_axis_is_the_fastest() {
        assert_eq!(indices(7, &[2, 5]), [1, 2]);
        assert_eq!(indices(3, &[4]), [3]);
        assert_eq!(indices(0, &[]), Vec::<usize>::new());
    }
}
