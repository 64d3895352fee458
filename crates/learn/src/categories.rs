//! Which categories of a column get a number of their own.
//!
//! Those with at least [`COMMON`] training rows (in small tables one in [`SHARE`], but at least two), the most frequent
//! [`MOST`] of them: of a rarer one a network learns its few rows by heart. All others share one number.

use crate::columns::EMPTY;

/// So many training rows are always enough.
pub const COMMON: usize = 10;
/// And so are a training set's rows by this.
pub const SHARE: usize = 500;
/// More categories of a column than this are not kept.
pub const MOST: usize = 100;

/// What training keeps of a column of categories.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// In the order of the alphabet.
    pub(crate) values: Vec<String>,
    /// Whether there were empty cells.
    pub(crate) missing: bool,
    /// Whether there were others.
    pub(crate) other: bool,
}

/// Of these training rows.
pub(crate) fn kept(codes: &[u32], names: &[String], rows: &[u32]) -> Kept {
    let (mut counts, mut empties) = (vec![0usize; names.len()], 0);
    for &row in rows {
        match codes[row as usize] {
            EMPTY => empties += 1,
            code => counts[code as usize] += 1,
        }
    }
    kept_of(&counts, empties, names)
}

/// Of so many rows of each category, and so many empty cells.
pub(crate) fn kept_of(counts: &[usize], empties: usize, names: &[String]) -> Kept {
    let rows = counts.iter().sum::<usize>() + empties;
    let least = (rows / SHARE).clamp(2, COMMON);
    let mut common: Vec<usize> = (0..names.len()).filter(|&code| counts[code] >= least).collect();
    common.sort_by(|&a, &b| counts[b].cmp(&counts[a]).then_with(|| names[a].cmp(&names[b])));
    common.truncate(MOST);
    let covered: usize = common.iter().map(|&code| counts[code]).sum();
    let mut values: Vec<String> = common.into_iter().map(|code| names[code].clone()).collect();
    values.sort_unstable();
    Kept { values, missing: empties > 0, other: covered + empties < rows }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_categories_are_kept_and_the_most_frequent_of_many() {
        let names: Vec<String> = (0..300).map(|i| format!("c{i:03}")).collect();
        // Category i has i rows.
        let codes: Vec<u32> = (0..300u32).flat_map(|i| vec![i; i as usize]).collect();
        let rows: Vec<u32> = (0..codes.len() as u32).collect();
        let all = kept(&codes, &names, &rows);
        assert_eq!((all.values.len(), all.values[0].as_str(), all.other), (MOST, "c200", true));
        let few = kept(&[0, 0, 1, EMPTY], &names, &[0, 1, 2, 3]);
        assert_eq!(few, Kept { values: vec!["c000".into()], missing: true, other: true });
        // Of 10 000 rows, ten are enough and nine are not.
        let codes: Vec<u32> = [vec![0; 9981], vec![1; 10], vec![2; 9]].concat();
        let rows: Vec<u32> = (0..10_000).collect();
        assert_eq!(kept(&codes, &names, &rows).values, ["c000", "c001"]);
    }
}
