//! What was predicted against what is: the matrix of counts, and what follows from it alone.

use serde::Serialize;

/// The share of right classes: `#{predicted = label} / n`.
///
/// ```
/// # use chainrule::metrics::accuracy;
/// assert_eq!(accuracy(&[0, 1, 2, 2], &[0, 1, 1, 2]), Some(0.75));
/// ```
pub fn accuracy(predicted: &[u32], labels: &[u32]) -> Option<f64> {
    if predicted.len() != labels.len() || labels.is_empty() {
        return None;
    }
    let right = predicted.iter().zip(labels).filter(|(p, l)| p == l).count();
    Some(right as f64 / labels.len() as f64)
}

/// How often each class was taken for each: `counts[label][predicted]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfusionMatrix {
    counts: Vec<Vec<u64>>,
}

/// What share of what was asked for was found: 0 where nothing was, as scikit-learn counts it.
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

impl ConfusionMatrix {
    /// Of `classes` classes; `None` without rows, or if a class is out of range or a truth lacks its prediction.
    pub fn new(predicted: &[u32], labels: &[u32], classes: usize) -> Option<Self> {
        if predicted.len() != labels.len() || labels.is_empty() {
            return None;
        }
        let mut counts = vec![vec![0; classes]; classes];
        for (&predicted, &label) in predicted.iter().zip(labels) {
            *counts.get_mut(label as usize)?.get_mut(predicted as usize)? += 1;
        }
        Some(ConfusionMatrix { counts })
    }

    /// `counts[label][predicted]`.
    pub fn counts(&self) -> &[Vec<u64>] {
        &self.counts
    }

    /// How often the class was right.
    pub fn right(&self, class: usize) -> u64 {
        self.counts[class][class]
    }

    /// How often it occurs.
    pub fn occurring(&self, class: usize) -> u64 {
        self.counts[class].iter().sum()
    }

    /// How often it was predicted.
    pub fn predicted(&self, class: usize) -> u64 {
        self.counts.iter().map(|row| row[class]).sum()
    }

    /// right / predicted: how much a prediction of the class is worth.
    pub fn precision(&self, class: usize) -> f64 {
        share(self.right(class), self.predicted(class))
    }

    /// right / occurring: how much of the class is found.
    pub fn recall(&self, class: usize) -> f64 {
        share(self.right(class), self.occurring(class))
    }

    /// `2·precision·recall / (precision + recall)`, as `2·right / (predicted + occurring)`.
    pub fn f1(&self, class: usize) -> f64 {
        share(2 * self.right(class), self.predicted(class) + self.occurring(class))
    }

    /// The mean over the classes that occur or were predicted.
    pub fn macro_mean(&self, of: impl Fn(&Self, usize) -> f64) -> f64 {
        self.mean(|class| self.occurring(class) + self.predicted(class) > 0, of)
    }

    /// The mean recall over the classes that occur.
    pub fn balanced_accuracy(&self) -> f64 {
        self.mean(|class| self.occurring(class) > 0, Self::recall)
    }

    /// F1 of all classes' counts together.
    pub fn f1_micro(&self) -> f64 {
        let all = 0..self.counts.len();
        let right: u64 = all.clone().map(|class| self.right(class)).sum();
        share(2 * right, all.map(|class| self.predicted(class) + self.occurring(class)).sum())
    }

    fn mean(&self, chosen: impl Fn(usize) -> bool, of: impl Fn(&Self, usize) -> f64) -> f64 {
        let chosen: Vec<usize> = (0..self.counts.len()).filter(|&class| chosen(class)).collect();
        chosen.iter().map(|&class| of(self, class)).sum::<f64>() / chosen.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_worked_out_by_hand() {
        assert_eq!(accuracy(&[1, 1, 0], &[1, 0, 1]), Some(1.0 / 3.0));
        assert_eq!(accuracy(&[], &[]), None);
        assert_eq!(accuracy(&[1], &[1, 2]), None);
        // Class 2 occurs once and is never predicted; class 3 neither.
        let matrix = ConfusionMatrix::new(&[0, 1, 0, 1], &[0, 0, 1, 2], 4).unwrap();
        assert_eq!(matrix.counts()[0], [1, 1, 0, 0]);
        assert_eq!((matrix.precision(0), matrix.recall(0), matrix.f1(0)), (0.5, 0.5, 0.5));
        assert_eq!((matrix.precision(2), matrix.recall(2), matrix.f1(2)), (0.0, 0.0, 0.0));
        assert_eq!(matrix.macro_mean(ConfusionMatrix::precision), 0.5 / 3.0);
        assert_eq!(matrix.f1_micro(), 0.25);
        assert_eq!(ConfusionMatrix::new(&[7], &[0], 4), None);
    }
}
