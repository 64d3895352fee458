//! Rows set aside: some to choose by (validation), some to judge by (test), the rest to train.
//!
//! Classes are split one by one, so that each part has them in the proportion of the whole:
//! a part's share of a class is `part · class / rows`, rounded by the largest remainder so
//! that the part's total comes out right. Within a class chance decides, as a function of
//! the seed. Numbers are split as if they were one class. Where rows have [keys](crate::keys), these decide: see `keyed.rs`.

mod keyed;

pub(crate) use keyed::{in_time, sizes};

use crate::{
    dataset::Target,
    input_error::InputError,
    random::{Purpose, stream},
};

/// The share of the rows that each held-out part gets.
///
/// ```
/// use chainrule::{Fractions, Settings};
/// let settings = Settings { fractions: Fractions { validation: 0.2, test: 0.0 }, ..Settings::default() };
/// assert!(settings.check().is_ok());
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fractions {
    /// For choosing: when to stop, which epoch was best.
    pub validation: f64,
    /// For the final score; 0 where a test set is given.
    pub test: f64,
}

/// Row numbers, each row in one part, each part in ascending order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Rows to learn from.
    pub train: Vec<u32>,
    /// Rows to choose by.
    pub validation: Vec<u32>,
    /// Rows to judge by.
    pub test: Vec<u32>,
}

impl Split {
    /// Splits `rows` rows with this `target`.
    ///
    /// A part gets its fraction of the rows, rounded. A class of three rows or more is in
    /// every part whose fraction is not 0, even where the part grows by it; every class keeps a
    /// row to train on.
    ///
    /// # Errors
    /// If a fraction is not in 0..1, if both leave nothing to train on, if there are no
    /// rows, or if the target is of another number of rows or has a label without a name.
    ///
    /// ```
    /// # use chainrule::{Fractions, Split, Target};
    /// let split = Split::new(&Target::None, 10, Fractions { validation: 0.2, test: 0.1 }, 42)?;
    /// assert_eq!([split.train.len(), split.validation.len(), split.test.len()], [7, 2, 1]);
    /// # Ok::<(), chainrule::InputError>(())
    /// ```
    pub fn new(target: &Target, rows: usize, fractions: Fractions, seed: u64) -> Result<Self, InputError> {
        fractions.check()?;
        let groups = groups(target, rows)?;
        let counts: Vec<usize> = groups.iter().map(Vec::len).collect();
        let held_out = |fraction: f64, taken: &[usize], keep: usize| {
            // A class needs three rows to be in three parts.
            let present = |&count: &usize| usize::from(fraction > 0.0 && count >= 3);
            let least: Vec<usize> = counts.iter().map(present).collect();
            let most: Vec<usize> = counts
                .iter()
                .zip(taken)
                .map(|(&count, &taken)| {
                    let keep = if count >= 3 { keep } else { 1 };
                    if fraction > 0.0 { count.saturating_sub(taken + keep) } else { 0 }
                })
                .collect();
            let total = (rows as f64 * fraction).round() as usize;
            apportion(&counts, total, &least, &most)
        };
        let keep = if fractions.validation > 0.0 { 2 } else { 1 };
        let test_counts = held_out(fractions.test, &vec![0; counts.len()], keep);
        let validation_counts = held_out(fractions.validation, &test_counts, 1);

        let mut split = Self { train: Vec::new(), validation: Vec::new(), test: Vec::new() };
        for (class, mut group) in groups.into_iter().enumerate() {
            stream(seed, Purpose::Split, class as u64).shuffle(&mut group);
            let (test, rest) = group.split_at(test_counts[class]);
            let (validation, train) = rest.split_at(validation_counts[class]);
            split.test.extend(test);
            split.validation.extend(validation);
            split.train.extend(train);
        }
        split.train.sort_unstable();
        split.validation.sort_unstable();
        split.test.sort_unstable();
        Ok(split)
    }
}

impl Fractions {
    /// Of a table, where other data are given to choose or to judge by.
    pub(crate) fn beside(self, validation: bool, test: bool) -> Fractions {
        Fractions {
            validation: if validation { 0.0 } else { self.validation },
            test: if test { 0.0 } else { self.test },
        }
    }

    fn check(self) -> Result<(), InputError> {
        for (name, fraction) in [("validation", self.validation), ("test", self.test)] {
            if !(0.0..1.0).contains(&fraction) {
                return Err(InputError::new(
                    format!("{name} fraction"),
                    "a number from 0 to less than 1",
                    fraction.to_string(),
                    "0.1 sets a tenth of the rows aside",
                ));
            }
        }
        let sum = self.validation + self.test;
        if sum >= 1.0 {
            return Err(InputError::new(
                "validation and test fractions",
                "a sum below 1, to leave rows to train on",
                sum.to_string(),
                "make one of them smaller",
            ));
        }
        Ok(())
    }
}

/// The rows of each class; all rows as one group where there are no classes.
pub(crate) fn groups(target: &Target, rows: usize) -> Result<Vec<Vec<u32>>, InputError> {
    let given = match target {
        Target::Classes { labels, .. } => labels.len(),
        Target::Numbers { values, .. } => values.len(),
        Target::None => rows,
    };
    if given != rows {
        return Err(InputError::new(
            "target",
            format!("one a row: {rows}"),
            given.to_string(),
            "give the rows and the target of the same data",
        ));
    }
    let end = match u32::try_from(rows) {
        Ok(end) if end > 0 => end,
        _ => {
            return Err(InputError::new(
                "rows to split",
                format!("1 to {}", u32::MAX),
                rows.to_string(),
                "give data with rows",
            ));
        }
    };
    let Target::Classes { labels, names } = target else {
        return Ok(vec![(0..end).collect()]);
    };
    let mut groups = vec![Vec::new(); names.len()];
    for (row, &label) in (0..end).zip(labels) {
        let Some(group) = groups.get_mut(label as usize) else {
            return Err(InputError::new(
                format!("label of row {row}"),
                format!("a class below {}", names.len()),
                label.to_string(),
                "give each class a name",
            ));
        };
        group.push(row);
    }
    Ok(groups)
}

/// Shares `total` out in proportion to `counts`, by the largest remainder, each share from
/// `least` to `most`. The sum is `total` unless those bounds forbid it.
fn apportion(counts: &[usize], total: usize, least: &[usize], most: &[usize]) -> Vec<usize> {
    let rows: usize = counts.iter().sum();
    let rows = rows.max(1) as u128;
    let ideal = |i: usize| counts[i] as u128 * total as u128; // in units of 1/rows
    let mut shares: Vec<usize> =
        (0..counts.len()).map(|i| ((ideal(i) / rows) as usize).max(least[i]).min(most[i])).collect();
    // Who is served worst comes first: by the remainder, then by number.
    let owed = |i: usize, share: usize| ideal(i) as i128 - (share as u128 * rows) as i128;
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(owed(i, shares[i])), i));

    let mut sum: usize = shares.iter().sum();
    let mut open = order.clone();
    while sum < total && !open.is_empty() {
        open.retain(|&i| {
            if sum < total && shares[i] < most[i] {
                shares[i] += 1;
                sum += 1;
            }
            shares[i] < most[i]
        });
    }
    order.reverse();
    // A share that is at its least was lifted there: it is not the one to give back.
    while sum > total && !order.is_empty() {
        order.retain(|&i| {
            if sum > total && shares[i] > least[i] {
                shares[i] -= 1;
                sum -= 1;
            }
            shares[i] > least[i]
        });
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENTHS: Fractions = Fractions { validation: 0.1, test: 0.2 };

    fn classes(counts: &[usize]) -> Target {
        let labels = counts.iter().enumerate();
        Target::Classes {
            labels: labels.flat_map(|(c, &n)| vec![c as u32; n]).collect(),
            names: (0..counts.len()).map(|c| c.to_string()).collect(),
        }
    }

    fn split(counts: &[usize], fractions: Fractions, seed: u64) -> Split {
        Split::new(&classes(counts), counts.iter().sum(), fractions, seed).unwrap()
    }

    /// How many rows of each class a part has.
    fn tally(part: &[u32], counts: &[usize]) -> Vec<usize> {
        let Target::Classes { labels, .. } = classes(counts) else { panic!("classes are classes") };
        let mut tally = vec![0; counts.len()];
        for &row in part {
            tally[labels[row as usize] as usize] += 1;
        }
        tally
    }

    #[test]
    fn a_plain_split_is_known() {
        let s = Split::new(&Target::None, 10, TENTHS, 1).unwrap();
        // The order for seed 1 is 0 1 5 4 8 9 2 7 3 6: two to test, one to validate by.
        assert_eq!(s.test, [0, 1]);
        assert_eq!(s.validation, [5]);
        assert_eq!(s.train, [2, 3, 4, 6, 7, 8, 9]);
    }

    #[test]
    fn every_row_is_in_one_part_and_the_seed_decides() {
        let counts = [30, 50, 21];
        let s = split(&counts, TENTHS, 7);
        let mut all = [s.train.clone(), s.validation.clone(), s.test.clone()].concat();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..101));
        assert!(s.train.is_sorted() && s.validation.is_sorted() && s.test.is_sorted());
        assert_eq!(s, split(&counts, TENTHS, 7));
        assert_ne!(s, split(&counts, TENTHS, 8));
    }

    #[test]
    fn classes_keep_their_proportion_and_totals_come_out() {
        let counts = [30, 50, 21];
        let s = split(&counts, TENTHS, 7);
        // 20 of 101: ideals 5.94, 9.90, 4.16; 10 of 101: 2.97, 4.95, 2.08.
        assert_eq!(tally(&s.test, &counts), [6, 10, 4]);
        assert_eq!(tally(&s.validation, &counts), [3, 5, 2]);
    }

    #[test]
    fn a_rare_class_is_in_every_part() {
        let counts = [970, 3, 3, 2, 1];
        let s = split(&counts, TENTHS, 3);
        assert_eq!(tally(&s.test, &counts), [194, 1, 1, 0, 0]);
        assert_eq!(tally(&s.validation, &counts), [96, 1, 1, 0, 0]);
        assert_eq!(tally(&s.train, &counts), [680, 1, 1, 2, 1]);
        let tiny = split(&[3; 4], TENTHS, 3);
        assert_eq!(tally(&tiny.train, &[3; 4]), [1; 4]);
    }

    #[test]
    fn a_fraction_of_0_is_no_part() {
        let none = Fractions { validation: 0.5, test: 0.0 };
        let s = split(&[4, 4], none, 1);
        assert!(s.test.is_empty());
        assert_eq!((s.validation.len(), s.train.len()), (4, 4));
    }

    #[test]
    fn as_many_classes_as_rows_all_train() {
        let s = split(&[1; 1000], TENTHS, 1);
        assert_eq!(s.train.len(), 1000);
    }

    #[test]
    fn the_largest_remainder_has_its_bounds() {
        assert_eq!(apportion(&[5, 3, 2], 4, &[0; 3], &[9; 3]), [2, 1, 1]);
        assert_eq!(apportion(&[5, 3, 2], 4, &[0; 3], &[1, 9, 9]), [1, 2, 1]);
        assert_eq!(apportion(&[98, 1, 1], 4, &[0, 1, 1], &[9; 3]), [2, 1, 1]);
        assert_eq!(apportion(&[1, 1], 1, &[1, 1], &[1, 1]), [1, 1]);
        assert!(apportion(&[], 1, &[], &[]).is_empty());
    }

    #[test]
    fn wrong_requests_are_answered() {
        let ask = |validation, test, rows| {
            let fractions = Fractions { validation, test };
            Split::new(&Target::None, rows, fractions, 1).unwrap_err().to_string()
        };
        assert_eq!(
            ask(1.0, 0.0, 10),
            "validation fraction: expected a number from 0 to less than 1, found 1\n  \
             hint: 0.1 sets a tenth of the rows aside"
        );
        assert!(ask(0.1, f64::NAN, 10).starts_with("test fraction: "));
        assert!(ask(0.5, 0.5, 10).starts_with("validation and test fractions: "));
        assert!(ask(0.1, 0.1, 0).starts_with("rows to split: "));
        let error = Split::new(&classes(&[3]), 4, TENTHS, 1).unwrap_err();
        assert_eq!((error.expected.as_str(), error.found.as_str()), ("one a row: 4", "3"));
        let nameless = Target::Classes { labels: vec![0, 9], names: vec!["a".into()] };
        assert_eq!(Split::new(&nameless, 2, TENTHS, 1).unwrap_err().place, "label of row 1");
    }
}
