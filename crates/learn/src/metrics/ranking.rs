//! Whether rows, or classes, are in the right order; how far apart is of no account.

use super::probability::rows;

/// The share of rows whose class is among the k with the highest scores: fewer than k classes score higher.
///
/// ```
/// use chainrule::metrics::top_k;
/// let scores = [0.5, 0.3, 0.2, 0.6, 0.3, 0.1];
/// assert_eq!([1, 2, 3].map(|k| top_k(&scores, &[1, 2], 3, k)), [Some(0.0), Some(0.5), Some(1.0)]);
/// ```
pub fn top_k(scores: &[f64], labels: &[u32], classes: usize, k: usize) -> Option<f64> {
    let rows = rows(scores, labels, classes)?;
    let found = rows.filter(|(row, label)| row.iter().filter(|&&score| score > row[*label]).count() < k).count();
    Some(found as f64 / labels.len() as f64)
}

/// The area under the receiver's operating curve: the share of pairs of a row of the class and one of
/// another in which the first scores higher, ties counted half. Of more than two classes the mean over the classes,
/// each against all others. `None` unless every class occurs.
///
/// ```
/// use chainrule::metrics::roc_auc;
/// // Of the four pairs of a row of the class and one of the other, three are in order.
/// let scores = [0.9, 0.1, 0.25, 0.75, 0.3, 0.7, 0.2, 0.8];
/// assert_eq!(roc_auc(&scores, &[0, 0, 1, 1], 2), Some(0.75));
/// ```
pub fn roc_auc(scores: &[f64], labels: &[u32], classes: usize) -> Option<f64> {
    mean_over_classes(scores, labels, classes, |ranked| {
        let (yes, no) = (ranked.of_class() as f64, (ranked.rows() - ranked.of_class()) as f64);
        let (mut above, mut pairs) = (0.0, 0.0);
        for group in ranked.groups() {
            let (yes, no) = counts(group);
            pairs += no * (above + yes / 2.0);
            above += yes;
        }
        (yes > 0.0 && no > 0.0).then(|| pairs / (yes * no))
    })
}

/// The area under precision over recall as steps, the average precision: `Σ (recallₙ − recallₙ₋₁)·precisionₙ` over the
/// scores from the highest down. Of more than two classes the mean over the classes. `None` unless every class occurs.
///
/// ```
/// use chainrule::metrics::average_precision;
/// assert_eq!(average_precision(&[0.9, 0.1, 0.2, 0.8], &[0, 1], 2), Some(1.0));
/// ```
pub fn average_precision(scores: &[f64], labels: &[u32], classes: usize) -> Option<f64> {
    mean_over_classes(scores, labels, classes, |ranked| {
        let all = ranked.of_class() as f64;
        let (mut right, mut asked, mut area) = (0.0, 0.0, 0.0);
        for group in ranked.groups() {
            let (yes, no) = counts(group);
            right += yes;
            asked += yes + no;
            area += yes / all * (right / asked);
        }
        (all > 0.0).then_some(area)
    })
}

/// The rows' scores for a class and whether they are of it, the highest first.
struct Ranked(Vec<(f64, bool)>);

impl Ranked {
    fn rows(&self) -> usize {
        self.0.len()
    }

    fn of_class(&self) -> usize {
        self.0.iter().filter(|(_, yes)| *yes).count()
    }

    /// Rows with the same score have no order.
    fn groups(&self) -> impl Iterator<Item = &[(f64, bool)]> {
        self.0.chunk_by(|a, b| a.0 == b.0)
    }
}

/// How many of a group are of the class, and how many are not.
fn counts(group: &[(f64, bool)]) -> (f64, f64) {
    let yes = group.iter().filter(|(_, yes)| *yes).count();
    (yes as f64, (group.len() - yes) as f64)
}

fn mean_over_classes(
    scores: &[f64],
    labels: &[u32],
    classes: usize,
    of: impl Fn(&Ranked) -> Option<f64>,
) -> Option<f64> {
    let rank = |class: usize| {
        let rows = rows(scores, labels, classes)?;
        let mut ranked: Vec<(f64, bool)> = rows.map(|(row, label)| (row[class], label == class)).collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        Some(Ranked(ranked))
    };
    match classes {
        // The second of two is the one that is asked for.
        2 => of(&rank(1)?),
        _ => {
            let areas: Option<Vec<f64>> = (0..classes).map(|class| of(&rank(class)?)).collect();
            let areas = areas.filter(|areas| !areas.is_empty())?;
            Some(areas.iter().sum::<f64>() / areas.len() as f64)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two classes from the probability of the second.
    fn two(p: &[f64]) -> Vec<f64> {
        p.iter().flat_map(|p| [1.0 - p, *p]).collect()
    }

    #[test]
    fn answers_worked_out_by_hand() {
        let scores = two(&[0.1, 0.4, 0.35, 0.8]);
        let labels = [0, 0, 1, 1];
        // Of four pairs only (0.35, 0.4) is in the wrong order.
        assert_eq!(roc_auc(&scores, &labels, 2), Some(0.75));
        // From above: right, wrong, right: 1/2·1 + 1/2·2/3.
        assert!((average_precision(&scores, &labels, 2).unwrap() - (0.5 + 1.0 / 3.0)).abs() < 1e-15);
        assert_eq!(roc_auc(&two(&[0.5, 0.5]), &[0, 1], 2), Some(0.5));
        assert_eq!(roc_auc(&two(&[0.5, 0.7]), &[1, 1], 2), None);
        assert_eq!(top_k(&[0.5, 0.3, 0.2, 0.5, 0.3, 0.2], &[1, 2], 3, 2), Some(0.5));
    }
}
