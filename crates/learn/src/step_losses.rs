//! The loss of each step, to the bit: two runs part in the first step whose losses differ.
//!
//! Kept as the arena has them, f32, in numpy's format, and for the first [`MOST`] steps: a megabyte, that a checkpoint can carry.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use crate::input_error::{InputError, excerpt};
use crate::readers::npy::{self, Array};

/// How many are kept at most.
pub const MOST: usize = 1 << 18;

/// The losses of a training's first steps, each of its batch before the step.
///
/// ```
/// use chainrule::step_losses::StepLosses;
/// let (a, b) = (StepLosses::new(vec![2.3, 1.9]), StepLosses::new(vec![2.3, 1.8]));
/// assert!(a.as_slice()[0] == b.as_slice()[0] && a != b);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepLosses(Vec<f32>);

impl StepLosses {
    /// Of these steps, from the first.
    pub fn new(mut losses: Vec<f32>) -> StepLosses {
        losses.truncate(MOST);
        StepLosses(losses)
    }

    /// How many a training has after so many steps.
    pub(crate) fn after(steps: usize) -> usize {
        steps.min(MOST)
    }

    /// Of the next step; there is room for it until all are kept that can be.
    pub(crate) fn push(&mut self, loss: f64) {
        if self.0.len() < MOST {
            self.0.push(loss as f32);
        }
    }

    /// In the order of the steps.
    pub fn as_slice(&self) -> &[f32] {
        &self.0
    }

    /// The bytes of a `.npy` file; none at all if no loss was kept, as readers take no array without cells.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        if self.0.is_empty() { Vec::new() } else { npy::vector(&self.0) }
    }

    /// Reads such a file; `None` if none were kept, or there is no file: runs of older programs are without.
    ///
    /// # Errors
    /// If it is broken, or has other cells.
    pub(crate) fn read(path: &Path) -> Result<Option<StepLosses>, InputError> {
        let mut file = match File::open(path) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            file => file.map_err(|e| InputError::io(path, &e))?,
        };
        if file.metadata().is_ok_and(|meta| meta.len() == 0) {
            return Ok(None);
        }
        let place = path.display().to_string();
        let array = Array::read(place.clone(), &mut file, |e| InputError::io(path, e))?;
        if array.shape.len() != 1 || array.rows() > MOST {
            let found = excerpt(&format!("{:?}", array.shape));
            return Err(InputError::new(place, format!("one axis, of at most {MOST} losses"), found, "train anew"));
        }
        Ok(Some(StepLosses((0..array.rows()).map(|row| array.cell(row, 0) as f32).collect())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_no_more_is_kept_than_can_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("losses.npy");
        assert_eq!(StepLosses::read(&path), Ok(None));
        std::fs::write(&path, StepLosses::default().to_bytes()).unwrap();
        assert_eq!(StepLosses::read(&path), Ok(None));
        let mut losses = StepLosses::default();
        (0..MOST + 2).for_each(|step| losses.push(1.0 / (1.0 + step as f64)));
        assert_eq!(losses.as_slice().len(), StepLosses::after(MOST + 2));
        std::fs::write(&path, losses.to_bytes()).unwrap();
        assert_eq!(StepLosses::read(&path), Ok(Some(losses)));
        std::fs::write(&path, npy::vector(&[0.0; MOST + 1])).unwrap();
        assert_eq!(StepLosses::read(&path).unwrap_err().found, "'[262145]'");
    }
}
