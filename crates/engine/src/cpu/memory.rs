//! The arena's cells: f32 on cache lines of their own, zero at first.

use super::simd::LANES;
use crate::backend::BackendError;

/// A cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([f32; LANES]);

/// One allocation of numbers.
#[derive(Debug)]
pub(super) struct Cells {
    lines: Vec<Line>,
    len: usize,
}

impl Cells {
    pub(super) fn new(len: usize) -> Result<Cells, BackendError> {
        let count = len.div_ceil(LANES);
        let mut lines = Vec::new();
        lines.try_reserve_exact(count).map_err(|_| BackendError::Memory { wanted: len })?;
        lines.resize(count, Line([0.0; LANES]));
        Ok(Cells { lines, len })
    }

    pub(super) fn as_slice(&self) -> &[f32] {
        // SAFETY: `Line` is an array of f32 without padding, and `len` is at most all of them.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [f32] {
        // SAFETY: as above, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}
