//! Splits that keys decide: rows of one group stay together, the latest rows judge, or each row's part is given.
//!
//! - **Groups**, shuffled as a function of the seed, are taken in turn while they fit into the part's share of the rows; then one more if the
//!   share is nearer with it. What is left is at most half of the smallest group that was not taken. (The best sum of all is a
//!   knapsack.) Groups are numbered by their names' hashes, so that the order of the rows changes nothing.
//! - **Times**: the earliest rows train, then come those to choose by, and the latest judge, as a network is used on what comes later. The
//!   cuts are the nearest to the shares between two different times, so that equal times stay together.
//! - **Parts** are as they are given. A part that none of the rows is meant for is dealt from the training rows by its share.

use super::{Fractions, Split};
use crate::dataset::Target;
use crate::input_error::InputError;
use crate::keys::{Keys, Part};
use crate::random::{Purpose, stream};

impl Split {
    /// Splits `rows` rows with this `target` as their `keys` say, or by chance where there are none.
    ///
    /// # Errors
    /// Those of [`new`](Self::new); if there are fewer groups or times than parts; if no row is meant to train.
    ///
    /// ```
    /// # use chainrule::{Fractions, Keys, Split, Target};
    /// let keys = Keys { times: Some(vec![5.0, 1.0, 4.0, 2.0, 3.0]), ..Keys::default() };
    /// let split = Split::keyed(&Target::None, &keys, 5, Fractions { validation: 0.2, test: 0.2 }, 1)?;
    /// assert_eq!((split.train, split.validation, split.test), (vec![1, 3, 4], vec![2], vec![0]));
    /// # Ok::<(), chainrule::InputError>(())
    /// ```
    pub fn keyed(
        target: &Target,
        keys: &Keys,
        rows: usize,
        fractions: Fractions,
        seed: u64,
    ) -> Result<Split, InputError> {
        let Some(parts) = &keys.parts else { return deal(target, keys, rows, fractions, seed) };
        let of = |part| (0u32..).zip(parts).filter(|&(_, &of)| of == part).map(|(row, _)| row).collect::<Vec<u32>>();
        let [train, validation, test] = Part::ALL.map(of);
        let fractions = Fractions {
            validation: if validation.is_empty() { fractions.validation } else { 0.0 },
            test: if test.is_empty() { fractions.test } else { 0.0 },
        };
        if train.is_empty() || (fractions.validation == 0.0 && fractions.test == 0.0) {
            return Ok(Split { train, validation, test });
        }
        let dealt = deal(&target.select(&train), &keys.select(&train), train.len(), fractions, seed)?;
        let place = |rows: Vec<u32>| rows.into_iter().map(|row| train[row as usize]).collect::<Vec<u32>>();
        let or = |given: Vec<u32>, dealt: Vec<u32>| if given.is_empty() { place(dealt) } else { given };
        Ok(Split {
            validation: or(validation, dealt.validation),
            test: or(test, dealt.test),
            train: place(dealt.train),
        })
    }
}

/// By groups, by times, or by chance.
fn deal(target: &Target, keys: &Keys, rows: usize, fractions: Fractions, seed: u64) -> Result<Split, InputError> {
    fractions.check()?;
    match keys {
        Keys { groups: Some(groups), .. } => by_group(groups, fractions, seed),
        Keys { times: Some(times), .. } => by_time(times, fractions),
        _ => Split::new(target, rows, fractions, seed),
    }
}

/// The held-out parts that have a share, the test part first, each with its rows and how many parts come after it.
fn wanted(fractions: Fractions, rows: usize) -> Vec<(Part, usize, usize)> {
    let share = |fraction: f64| (rows as f64 * fraction).round() as usize;
    let validates = usize::from(fractions.validation > 0.0);
    [(Part::Test, fractions.test, 1 + validates), (Part::Validation, fractions.validation, 1)]
        .into_iter()
        .filter(|&(_, fraction, _)| fraction > 0.0)
        .map(|(part, fraction, others)| (part, share(fraction), others))
        .collect()
}

/// Each group's name and rows, in the order of the names.
pub(crate) fn sizes(groups: &[u64]) -> Vec<(u64, usize)> {
    let mut sorted = groups.to_vec();
    sorted.sort_unstable();
    sorted.chunk_by(|a, b| a == b).map(|same| (same[0], same.len())).collect()
}

fn by_group(groups: &[u64], fractions: Fractions, seed: u64) -> Result<Split, InputError> {
    let (sizes, wanted) = (sizes(groups), wanted(fractions, groups.len()));
    if sizes.len() <= wanted.len() {
        let expected = format!("at least {} groups, one for each part", wanted.len() + 1);
        let hint = "choose another column, or set no rows aside with --validation 0 or --test 0";
        return Err(InputError::new("groups", expected, sizes.len().to_string(), hint));
    }
    let mut left: Vec<u32> = (0..sizes.len() as u32).collect();
    stream(seed, Purpose::Split, 0).shuffle(&mut left);
    let mut parts = vec![Part::Train; sizes.len()];
    for (part, rows, others) in wanted {
        let (mut sum, mut untaken) = (0, left.len());
        let mut take = |sum: &mut usize, untaken: &mut usize, group: u32| {
            parts[group as usize] = part;
            *sum += sizes[group as usize].1;
            *untaken -= 1;
        };
        left.retain(|&group| {
            let fits = untaken > others && sum + sizes[group as usize].1 <= rows;
            if fits {
                take(&mut sum, &mut untaken, group);
            }
            !fits
        });
        // One more, if that is nearer or there is none yet.
        let smallest = left.iter().copied().min_by_key(|&group| sizes[group as usize].1);
        if let Some(group) = smallest.filter(|_| untaken > others) {
            let with = sum + sizes[group as usize].1;
            if sum == 0 || with.abs_diff(rows) < rows.abs_diff(sum) {
                take(&mut sum, &mut untaken, group);
                left.retain(|&other| other != group);
            }
        }
    }
    let part = |group: u64| sizes.binary_search_by_key(&group, |&(name, _)| name).map_or(Part::Train, |at| parts[at]);
    Ok(gathered(groups.iter().map(|&group| part(group))))
}

/// Rows in their parts.
fn gathered(parts: impl Iterator<Item = Part>) -> Split {
    let mut split = Split { train: Vec::new(), validation: Vec::new(), test: Vec::new() };
    for (row, part) in (0..).zip(parts) {
        match part {
            Part::Train => split.train.push(row),
            Part::Validation => split.validation.push(row),
            Part::Test => split.test.push(row),
        }
    }
    split
}

/// The rows in the order of their times, equal ones in their own, and where in it another time begins.
pub(crate) fn in_time(times: &[f64]) -> (Vec<u32>, Vec<usize>) {
    let mut order: Vec<u32> = (0..times.len() as u32).collect();
    let time = |row: u32| times[row as usize];
    order.sort_by(|&a, &b| time(a).total_cmp(&time(b)));
    let cuts = (1..order.len()).filter(|&at| time(order[at - 1]) < time(order[at])).collect();
    (order, cuts)
}

fn by_time(times: &[f64], fractions: Fractions) -> Result<Split, InputError> {
    let wanted = wanted(fractions, times.len());
    let (order, cuts) = in_time(times);
    if cuts.len() < wanted.len() {
        let expected = format!("at least {} different times, one for each part", wanted.len() + 1);
        let hint = "choose another column, or set no rows aside with --validation 0 or --test 0";
        return Err(InputError::new("time", expected, (cuts.len() + 1).to_string(), hint));
    }
    let mut parts = vec![Part::Train; times.len()];
    let (mut end, mut cuts) = (times.len(), &cuts[..]);
    for (part, rows, others) in wanted {
        // Each part that comes after this one needs a cut of its own.
        let open = &cuts[others - 1..];
        let Some(at) = (0..open.len()).min_by_key(|&at| open[at].abs_diff(end.saturating_sub(rows))) else { break };
        let begin = open[at];
        order[begin..end].iter().for_each(|&row| parts[row as usize] = part);
        (end, cuts) = (begin, &cuts[..others - 1 + at]);
    }
    Ok(gathered(parts.into_iter()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const TENTHS: Fractions = Fractions { validation: 0.1, test: 0.2 };

    fn keyed(keys: &Keys, fractions: Fractions, seed: u64) -> Result<Split, InputError> {
        let rows = keys.groups.as_ref().map(Vec::len).or(keys.times.as_ref().map(Vec::len));
        Split::keyed(&Target::None, keys, rows.or(keys.parts.as_ref().map(Vec::len)).unwrap(), fractions, seed)
    }

    fn parts(split: &Split) -> [&Vec<u32>; 3] {
        [&split.train, &split.validation, &split.test]
    }

    #[test]
    fn groups_stay_together_and_shares_are_near() {
        for seed in 0..200u64 {
            // Groups of 1 to 30 rows, some far larger.
            let mut draws = stream(seed, Purpose::Sample, 0);
            let mut groups = Vec::new();
            for group in 0..u64::from(3 + draws.below(60)) {
                let rows = if draws.below(10) == 0 { 200 } else { 1 + draws.below(30) };
                groups.extend((0..rows).map(|_| group.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
            }
            let keys = Keys { groups: Some(groups.clone()), ..Keys::default() };
            let split = keyed(&keys, TENTHS, seed).unwrap();
            let sides = parts(&split).map(|rows| rows.iter().map(|&row| groups[row as usize]).collect::<HashSet<_>>());
            assert!(
                sides[0].is_disjoint(&sides[1]) && sides[0].is_disjoint(&sides[2]) && sides[1].is_disjoint(&sides[2])
            );
            assert!(sides.iter().all(|side| !side.is_empty()), "seed {seed}");
            assert_eq!(parts(&split).map(Vec::len).iter().sum::<usize>(), groups.len());
            // Within half of the smallest group that trains, unless a part is one group.
            let sizes = sizes(&groups);
            let size = |name: &u64| sizes[sizes.binary_search_by_key(name, |&(name, _)| name).unwrap()].1;
            let least = sides[0].iter().map(size).min().unwrap();
            for (rows, side, share) in [(&split.test, &sides[2], 0.2), (&split.validation, &sides[1], 0.1)] {
                let far = rows.len().abs_diff((groups.len() as f64 * share).round() as usize);
                assert!(2 * far <= least + 1 || side.len() == 1, "seed {seed}: {far} off, {least} left");
            }
            // The order of the rows says nothing, and the seed does.
            let mut order: Vec<u32> = (0..groups.len() as u32).collect();
            stream(seed, Purpose::Sample, 1).shuffle(&mut order);
            let again = keyed(&keys.select(&order), TENTHS, seed).unwrap();
            let mut test: Vec<u32> = again.test.iter().map(|&row| order[row as usize]).collect();
            test.sort_unstable();
            assert_eq!(test, split.test, "seed {seed}");
        }
        let keys = Keys { groups: Some((0..100).collect()), ..Keys::default() };
        assert_ne!(keyed(&keys, TENTHS, 1).unwrap(), keyed(&keys, TENTHS, 2).unwrap());
    }

    #[test]
    fn too_few_groups_and_times_are_told() {
        let keys = Keys { groups: Some(vec![7, 7, 8, 8]), ..Keys::default() };
        assert_eq!(keyed(&keys, TENTHS, 1).unwrap_err().expected, "at least 3 groups, one for each part");
        let split = keyed(&keys, Fractions { validation: 0.0, test: 0.2 }, 1).unwrap();
        assert_eq!(parts(&split).map(Vec::len), [2, 0, 2]);
        let keys = Keys { times: Some(vec![1.0, 1.0, 2.0]), ..Keys::default() };
        assert_eq!(keyed(&keys, TENTHS, 1).unwrap_err().found, "2");
    }

    #[test]
    fn the_latest_judge_and_equal_times_stay_together() {
        let times: Vec<f64> = [3, 1, 2, 9, 9, 9, 4, 5, 6, 7].map(f64::from).to_vec();
        let keys = Keys { times: Some(times), ..Keys::default() };
        // Two of ten rows are wanted, three are of the last time; of one before them 7 is.
        let split = keyed(&keys, TENTHS, 1).unwrap();
        assert_eq!(parts(&split), [&vec![0, 1, 2, 6, 7, 8], &vec![9], &vec![3, 4, 5]]);
        assert_eq!(keyed(&keys, TENTHS, 2).unwrap(), split);
        // Where the last time has almost all rows, the parts before it have one each.
        let keys = Keys { times: Some(vec![1.0, 2.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0]), ..Keys::default() };
        let split = keyed(&keys, TENTHS, 1).unwrap();
        assert_eq!(parts(&split).map(Vec::len), [1, 1, 6]);
        let keys = Keys { times: Some((0..1000).map(f64::from).collect()), ..Keys::default() };
        assert_eq!(parts(&keyed(&keys, TENTHS, 1).unwrap()).map(Vec::len), [700, 100, 200]);
    }

    #[test]
    fn given_parts_are_kept_and_others_dealt() {
        use Part::{Test, Train, Validation};
        let parts_of = |parts: &[Part]| Keys { parts: Some(parts.to_vec()), ..Keys::default() };
        let split = keyed(&parts_of(&[Test, Train, Validation, Train, Test]), TENTHS, 1).unwrap();
        assert_eq!(parts(&split), [&vec![1, 3], &vec![2], &vec![0, 4]]);
        // None is meant to choose by: a tenth of the 20 training rows is.
        let given: Vec<Part> = (0..25).map(|row| if row % 5 == 0 { Test } else { Train }).collect();
        let split = keyed(&parts_of(&given), TENTHS, 1).unwrap();
        assert_eq!(parts(&split).map(Vec::len), [18, 2, 5]);
        assert!(split.test.iter().all(|row| row % 5 == 0) && split.validation.iter().all(|row| row % 5 != 0));
        // By groups, where there are groups.
        let groups = Some((0..25).map(|row| row % 5).collect());
        let split = keyed(&Keys { groups, ..parts_of(&given) }, TENTHS, 1).unwrap();
        assert_eq!(split.validation.iter().map(|row| row % 5).collect::<HashSet<_>>().len(), 1);
        assert!(keyed(&parts_of(&[Test, Test]), TENTHS, 1).unwrap().train.is_empty());
    }
}
