//! Rows dealt into K folds, each row into one, so that every fold has the classes in the proportion of the whole.
//!
//! The rows of each class are shuffled, as a function of the seed; the classes are laid out one after another, and the row
//! at place i of them all goes to fold i mod K. So two folds differ by at most one row, in all and in each class. Numbers
//! are dealt as if they were one class.
//!
//! Rows of one [group](crate::keys) stay together: groups are dealt, the largest first, each into the fold that has the fewest rows, and equal ones in an
//! order that is a function of the seed. Rows with times are cut into K + 1 stretches of about as many rows; each but the
//! first is a fold, which is judged after a training on the rows before it.

use crate::dataset::{Dataset, Target};
use crate::input_error::InputError;
use crate::random::{Purpose, stream};
use crate::split::{groups, in_time, sizes};

/// The row numbers of each fold, in ascending order.
///
/// # Errors
/// If there are fewer folds than two or more than rows, or if the target is of another number of rows or has a label
/// without a name.
///
/// ```
/// # use chainrule::{Target, folds::folds};
/// let folds = folds(&Target::None, 7, 3, 1)?;
/// assert_eq!(folds.iter().map(Vec::len).collect::<Vec<_>>(), [3, 2, 2]);
/// # Ok::<(), chainrule::InputError>(())
/// ```
pub fn folds(target: &Target, rows: usize, count: usize, seed: u64) -> Result<Vec<Vec<u32>>, InputError> {
    let groups = groups(target, rows)?;
    if count < 2 || count > rows {
        let hint = "5 or 10 are usual; a fold has at least a row";
        return Err(InputError::new("folds", format!("2 to {rows}, the number of rows"), count.to_string(), hint));
    }
    let mut folds = vec![Vec::new(); count];
    let mut next = (0..count).cycle();
    for (class, mut group) in groups.into_iter().enumerate() {
        stream(seed, Purpose::Folds, class as u64).shuffle(&mut group);
        for (row, fold) in group.into_iter().zip(&mut next) {
            folds[fold].push(row);
        }
    }
    folds.iter_mut().for_each(|fold| fold.sort_unstable());
    Ok(folds)
}

/// A fold, and the rows that are trained on to judge by it, both in ascending order.
pub(crate) struct Dealt {
    pub(crate) train: Vec<u32>,
    pub(crate) rows: Vec<u32>,
}

/// The folds of data as their keys say, or as [`folds`] deals them.
///
/// # Errors
/// As [`folds`]; if there are fewer groups than folds, or not one different time more.
pub(crate) fn deal(data: &Dataset, count: usize, seed: u64) -> Result<Vec<Dealt>, InputError> {
    if let Some(times) = &data.keys.times {
        return by_time(times, count);
    }
    let folds = match &data.keys.groups {
        Some(groups) => by_group(groups, count, seed)?,
        None => folds(&data.target, data.rows(), count, seed)?,
    };
    let others = |rows: &[u32]| (0..data.rows() as u32).filter(|row| rows.binary_search(row).is_err()).collect();
    Ok(folds.into_iter().map(|rows| Dealt { train: others(&rows), rows }).collect())
}

fn expect(count: usize, most: usize, of: &str) -> Result<(), InputError> {
    if (2..=most).contains(&count) {
        return Ok(());
    }
    let hint = "5 or 10 are usual; take fewer folds, or another column";
    Err(InputError::new("folds", format!("2 to {most}, {of}"), count.to_string(), hint))
}

fn by_group(groups: &[u64], count: usize, seed: u64) -> Result<Vec<Vec<u32>>, InputError> {
    let sizes = sizes(groups);
    expect(count, sizes.len(), "the number of groups")?;
    let mut order: Vec<u32> = (0..sizes.len() as u32).collect();
    stream(seed, Purpose::Folds, 0).shuffle(&mut order);
    order.sort_by_key(|&group| std::cmp::Reverse(sizes[group as usize].1));
    let (mut fold_of, mut filled) = (vec![0; sizes.len()], vec![0; count]);
    for group in order {
        let least = (0..count).min_by_key(|&fold| filled[fold]).unwrap_or(0);
        fold_of[group as usize] = least;
        filled[least] += sizes[group as usize].1;
    }
    let mut folds = vec![Vec::new(); count];
    for (row, group) in (0..).zip(groups) {
        let at = sizes.binary_search_by_key(group, |&(name, _)| name).unwrap_or(0);
        folds[fold_of[at]].push(row);
    }
    Ok(folds)
}

fn by_time(times: &[f64], count: usize) -> Result<Vec<Dealt>, InputError> {
    let (order, cuts) = in_time(times);
    expect(count, cuts.len(), "the number of different times but one")?;
    let sorted = |rows: &[u32]| {
        let mut rows = rows.to_vec();
        rows.sort_unstable();
        rows
    };
    let mut begins = Vec::with_capacity(count);
    let mut open = &cuts[..];
    for fold in 0..count {
        // Each fold that comes after this one needs a cut of its own.
        let wanted = (fold + 1) * times.len() / (count + 1);
        let choices = &open[..open.len() - (count - 1 - fold)];
        let at = (0..choices.len()).min_by_key(|&at| choices[at].abs_diff(wanted)).unwrap_or(0);
        begins.push(choices[at]);
        open = &open[at + 1..];
    }
    let ends = begins.iter().skip(1).copied().chain([times.len()]);
    let dealt = begins.iter().zip(ends).map(|(&begin, end)| (sorted(&order[..begin]), sorted(&order[begin..end])));
    Ok(dealt.map(|(train, rows)| Dealt { train, rows }).collect())
}

/// The classes of which some fold of `count` has no row, each with its rows.
pub(crate) fn scarce(target: &Target, count: usize) -> Vec<(String, usize)> {
    let Target::Classes { labels, names } = target else { return Vec::new() };
    let rows = |class: usize| labels.iter().filter(|&&label| label as usize == class).count();
    let counted = names.iter().enumerate().map(|(class, name)| (name.clone(), rows(class)));
    counted.filter(|&(_, rows)| rows < count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Classes in turns, until each has its count.
    fn classes(counts: &[usize]) -> Target {
        let most = counts.iter().copied().max().unwrap_or(0);
        let turn = |turn: usize| (0u32..).zip(counts).filter(move |&(_, &count)| turn < count).map(|(class, _)| class);
        Target::Classes {
            labels: (0..most).flat_map(turn).collect(),
            names: (0..counts.len()).map(|class| class.to_string()).collect(),
        }
    }

    #[test]
    fn each_row_is_in_one_fold_and_classes_are_spread() {
        for (counts, count) in [(&[30, 50, 21][..], 5), (&[7, 3, 1, 2], 4), (&[1; 6], 6), (&[0, 9], 2)] {
            let (target, rows) = (classes(counts), counts.iter().sum());
            let Target::Classes { labels, .. } = &target else { panic!("classes are classes") };
            let dealt = folds(&target, rows, count, 7).unwrap();
            assert_eq!(dealt.len(), count);
            let mut all = dealt.concat();
            all.sort_unstable();
            assert!(all.into_iter().eq(0..rows as u32), "{counts:?}");
            assert!(dealt.iter().all(|fold| fold.is_sorted()));
            let even = |of: &dyn Fn(&Vec<u32>) -> usize| {
                let sizes: Vec<usize> = dealt.iter().map(of).collect();
                assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{counts:?}: {sizes:?}");
            };
            even(&|fold| fold.len());
            for class in 0..counts.len() as u32 {
                even(&|fold| fold.iter().filter(|&&row| labels[row as usize] == class).count());
            }
        }
    }

    #[test]
    fn rows_are_dealt_in_turn_and_the_seed_decides() {
        let mut order: Vec<u32> = (0..7).collect();
        stream(3, Purpose::Folds, 0).shuffle(&mut order);
        let mut first = vec![order[0], order[3], order[6]];
        first.sort_unstable();
        let dealt = folds(&Target::None, 7, 3, 3).unwrap();
        assert_eq!(dealt[0], first);
        assert_eq!(dealt, folds(&Target::None, 7, 3, 3).unwrap());
        assert_ne!(dealt, folds(&Target::None, 7, 3, 4).unwrap());
    }

    #[test]
    fn scarce_classes_are_named() {
        assert_eq!(scarce(&classes(&[5, 2, 4]), 5), [("1".to_owned(), 2), ("2".to_owned(), 4)]);
        assert!(scarce(&classes(&[5, 6]), 5).is_empty());
        assert!(scarce(&Target::None, 5).is_empty());
    }

    #[test]
    fn impossible_folds_are_told() {
        for count in [0, 1, 8] {
            let e = folds(&Target::None, 7, count, 1).unwrap_err();
            assert_eq!((&*e.place, &*e.expected, e.found), ("folds", "2 to 7, the number of rows", count.to_string()));
        }
        assert!(folds(&Target::None, 7, 7, 1).unwrap().iter().all(|fold| fold.len() == 1));
    }
}
