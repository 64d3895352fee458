//! `x ← (x − mean) / scale`, column by column, so that no unit of measurement rules the
//! gradient. Mean and standard deviation come from the training rows alone: the rows that
//! judge the network must not have shaped its input.

use crate::{
    dataset::{Cells, Dataset},
    input_error::InputError,
};
use serde::{Deserialize, Serialize};

/// The mean and the standard deviation of each column of the training rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standardise {
    /// One a column.
    pub mean: Vec<f32>,
    /// One a column; 1 where the column is constant.
    pub scale: Vec<f32>,
}

impl Standardise {
    /// What the given rows say; `None` for bytes, whose scale is known already.
    ///
    /// # Panics
    /// If a row is not below [`Dataset::rows`], as slices do.
    pub fn fit(data: &Dataset, rows: &[u32]) -> Option<Self> {
        let Cells::F32(cells) = &data.cells else {
            return None;
        };
        let width = data.width();
        let rows = rows.iter().map(|&row| &cells[row as usize * width..][..width]);
        let (mean, scale) = moments(rows, width);
        Some(Self { mean, scale })
    }

    /// Standardises all rows in place.
    ///
    /// # Errors
    /// If the data are bytes or have another number of columns than were fitted.
    pub fn apply(&self, data: &mut Dataset) -> Result<(), InputError> {
        let width = data.width();
        let cells = match &mut data.cells {
            Cells::F32(cells) if width == self.mean.len() && width == self.scale.len() => cells,
            other => {
                let kind = match other {
                    Cells::F32(_) => "numbers",
                    Cells::U8 { .. } => "bytes",
                    Cells::Table(_) => "a table",
                };
                return Err(InputError::new(
                    data.source.clone(),
                    format!("rows of {} numbers, as in training", self.mean.len()),
                    format!("rows of {width} {kind}"),
                    "give data of the kind that the network was trained on",
                ));
            }
        };
        for row in cells.chunks_exact_mut(width.max(1)) {
            for ((x, &mean), &scale) in row.iter_mut().zip(&self.mean).zip(&self.scale) {
                *x = forward(*x, mean, scale);
            }
        }
        Ok(())
    }
}

/// The same for a numeric target, and back again for its predictions.
///
/// ```
/// # use chainrule::TargetScale;
/// let scale = TargetScale::fit(&[100.0, 300.0]);
/// assert_eq!(scale.apply(300.0), 1.0);
/// assert_eq!(scale.invert(1.0), 300.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TargetScale {
    /// The mean of the training values.
    pub mean: f32,
    /// Their standard deviation; 1 where they are equal.
    pub scale: f32,
    /// Whether both are of the values' natural logarithms.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub log: bool,
}

impl TargetScale {
    /// What the training values say.
    ///
    /// ```
    /// let scale = chainrule::TargetScale::fit(&[1.0, 3.0]);
    /// assert_eq!((scale.mean, scale.scale), (2.0, 1.0));
    /// ```
    pub fn fit(values: &[f32]) -> Self {
        let (mean, scale) = moments(values.chunks(1), 1);
        Self { mean: mean[0], scale: scale[0], log: false }
    }

    /// The same of logarithms, for values above 0 that reach over several orders of size: an error then counts by its
    /// ratio. What the network says is nearer to the median than to the mean of such values.
    ///
    /// ```
    /// use chainrule::TargetScale;
    /// let scale = TargetScale::fit_log(&[1.0, 100.0]);
    /// assert!((scale.invert(0.0) - 10.0).abs() < 1e-5);
    /// ```
    pub fn fit_log(values: &[f32]) -> Self {
        let logarithms: Vec<f32> = values.iter().map(|&value| f64::from(value).ln() as f32).collect();
        Self { log: true, ..Self::fit(&logarithms) }
    }

    /// A value as the network is to learn it.
    pub fn apply(&self, value: f32) -> f32 {
        let value = if self.log { f64::from(value).ln() as f32 } else { value };
        forward(value, self.mean, self.scale)
    }

    /// What the network says, in the target's unit.
    pub fn invert(&self, value: f32) -> f32 {
        let value = f64::from(value) * f64::from(self.scale) + f64::from(self.mean);
        (if self.log { value.exp() } else { value }) as f32
    }
}

/// In f64, because the difference of two large f32 may overflow.
fn forward(x: f32, mean: f32, scale: f32) -> f32 {
    ((f64::from(x) - f64::from(mean)) / f64::from(scale)) as f32
}

/// Mean and standard deviation of a column without gaps, as [`moments`] has them; 1 in place of a deviation of 0.
pub(crate) fn moments_of(cells: &[f64]) -> (f64, f64) {
    let Some(&first) = cells.first() else { return (0.0, 1.0) };
    if cells.iter().all(|&cell| cell == first) {
        return (first, 1.0);
    }
    let n = cells.len() as f64;
    let mean = cells.iter().sum::<f64>() / n;
    let variance = cells.iter().map(|cell| (cell - mean).powi(2)).sum::<f64>() / n;
    let scale = variance.sqrt();
    (mean, if scale < f64::from(f32::MIN_POSITIVE) { 1.0 } else { scale })
}

/// Mean and standard deviation `√(Σ (x − mean)² / n)` of each column, in two passes over
/// the rows as they lie in memory.
fn moments<'a>(mut rows: impl Iterator<Item = &'a [f32]> + Clone, width: usize) -> (Vec<f32>, Vec<f32>) {
    let all = rows.clone();
    let Some(first) = rows.next() else {
        return (vec![0.0; width], vec![1.0; width]);
    };
    let mut n = 0.0;
    let mut mean = vec![0.0; width];
    let mut constant = vec![true; width];
    for row in all.clone() {
        n += 1.0;
        for column in 0..width {
            mean[column] += f64::from(row[column]);
            constant[column] &= row[column] == first[column];
        }
    }
    mean.iter_mut().for_each(|sum| *sum /= n);
    let mut variance = vec![0.0; width];
    for row in all {
        for column in 0..width {
            variance[column] += (f64::from(row[column]) - mean[column]).powi(2) / n;
        }
    }
    (0..width)
        .map(|column| {
            let scale = variance[column].sqrt() as f32;
            if constant[column] {
                // Asked of the cells themselves: the mean of equal numbers may be off by a
                // rounding, and a scale made of roundings would blow the column up.
                (first[column], 1.0)
            } else if scale < f32::MIN_POSITIVE {
                // Below this an f32 loses its digits, and a division by it its meaning.
                (mean[column] as f32, 1.0)
            } else {
                (mean[column] as f32, scale)
            }
        })
        .unzip()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Target;

    fn table(cells: Cells) -> Dataset {
        Dataset {
            cells,
            shape: vec![2],
            image: None,
            columns: vec!["a".into(), "b".into()],
            target: Target::None,
            weights: None,
            keys: crate::Keys::default(),
            source: "table.csv".into(),
        }
    }

    #[test]
    fn only_the_training_rows_are_asked() {
        let mut data = table(Cells::F32(vec![2.0, 0.1, 4.0, 0.1, 1000.0, 7.0, 6.0, 0.1]));
        let fitted = Standardise::fit(&data, &[0, 1, 3]).unwrap();
        assert_eq!(fitted.mean, [4.0, 0.1]);
        // Mean 4, variance (4 + 0 + 4) / 3; the constant column keeps its unit.
        assert_eq!(fitted.scale, [(8f64 / 3.0).sqrt() as f32, 1.0]);
        fitted.apply(&mut data).unwrap();
        let Cells::F32(cells) = data.cells else { panic!("numbers stay numbers") };
        assert_eq!(cells[1], 0.0);
        assert!((cells[0] + 1.5f32.sqrt()).abs() < 1e-6);
        assert_eq!(cells[5], 7.0 - 0.1);
    }

    #[test]
    fn large_offsets_keep_their_small_differences() {
        let scale = TargetScale::fit(&[16_777_214.0, 16_777_216.0]);
        assert_eq!((scale.mean, scale.scale), (16_777_215.0, 1.0));
        let extreme = TargetScale::fit(&[f32::MAX, -f32::MAX]);
        assert_eq!(extreme.apply(f32::MAX), 1.0);
        assert_eq!(extreme.invert(-1.0), -f32::MAX);
        assert_eq!(TargetScale::fit(&[1e-44, 2e-44]).scale, 1.0);
        assert_eq!(TargetScale::fit(&[]), TargetScale { mean: 0.0, scale: 1.0, log: false });
    }

    #[test]
    fn logarithms_go_and_come_back() {
        let scale = TargetScale::fit_log(&[1.0, 100.0]);
        assert!((scale.apply(100.0) - 1.0).abs() < 1e-6 && scale.apply(10.0).abs() < 1e-6);
        assert!((scale.invert(0.0) - 10.0).abs() < 1e-5);
        let text = serde_json::to_string(&scale).unwrap();
        assert_eq!(serde_json::from_str::<TargetScale>(&text).unwrap(), scale);
    }

    #[test]
    fn other_data_are_refused() {
        let fitted = Standardise { mean: vec![0.0; 3], scale: vec![1.0; 3] };
        let error = fitted.apply(&mut table(Cells::F32(vec![1.0, 2.0]))).unwrap_err();
        assert_eq!(error.expected, "rows of 3 numbers, as in training");
        assert_eq!(error.found, "rows of 2 numbers");
        let bytes = Cells::U8 { cells: vec![1, 2], scale: 1.0 };
        assert!(Standardise::fit(&table(bytes.clone()), &[0]).is_none());
        assert_eq!(fitted.apply(&mut table(bytes)).unwrap_err().found, "rows of 2 bytes");
    }

    #[test]
    fn what_was_fitted_can_be_stored() {
        let scale = TargetScale::fit(&[1.0, 4.0]);
        let text = serde_json::to_string(&scale).unwrap();
        assert_eq!(text, r#"{"mean":2.5,"scale":1.5}"#);
        assert_eq!(serde_json::from_str::<TargetScale>(&text).unwrap(), scale);
    }
}
