//! What says of each row on which side of a [split](crate::split) it is to be: the group that it belongs to, its time, or its part.
//! Keys are not learned from: a network would know its rows by them, and meets other groups and later times when it is used.

use crate::dataset::Fnv;

/// A key a row, of as many kinds as were asked for.
///
/// ```
/// use chainrule::{Fractions, Keys, Split, Target};
/// use chainrule::Part;
/// assert_eq!(Part::named("validation"), Some(Part::Validation));
/// assert_eq!(Part::ALL.map(Part::name), ["train", "validation", "test"]);
/// let none = Keys::default();
/// assert!(none.groups.is_none() && none.times.is_none() && none.parts.is_none());
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Keys {
    /// 64 bits of the name of each row's group, the same in every table.
    pub groups: Option<Vec<u64>>,
    /// When each row was: numbers as they are, dates in seconds.
    pub times: Option<Vec<f64>>,
    /// For what each row is meant.
    pub parts: Option<Vec<Part>>,
    /// Rows that are meant to be held out and are not there.
    pub lost: usize,
}

/// What a row is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// To learn from.
    Train,
    /// To choose by.
    Validation,
    /// To judge by.
    Test,
}

impl Part {
    /// All of them, each at its number.
    pub const ALL: [Part; 3] = [Part::Train, Part::Validation, Part::Test];

    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Part::Train => "train",
            Part::Validation => "validation",
            Part::Test => "test",
        }
    }

    /// The part of this word, in letters of either case.
    pub fn named(word: &str) -> Option<Part> {
        Part::ALL.into_iter().find(|part| part.name().eq_ignore_ascii_case(word))
    }
}

impl Keys {
    /// The given rows in the given order.
    pub(crate) fn select(&self, rows: &[u32]) -> Keys {
        fn gather<T: Copy>(from: Option<&Vec<T>>, rows: &[u32]) -> Option<Vec<T>> {
            from.map(|keys| rows.iter().map(|&row| keys[row as usize]).collect())
        }
        Keys {
            groups: gather(self.groups.as_ref(), rows),
            times: gather(self.times.as_ref(), rows),
            parts: gather(self.parts.as_ref(), rows),
            lost: self.lost,
        }
    }

    /// What tells whether they are the same; `None` if there are none.
    pub(crate) fn hash(&self) -> Option<u64> {
        let mut fnv = Fnv::of_shape(&[]);
        let none = fnv.value();
        if let Some(groups) = &self.groups {
            fnv.cell(9);
            groups.iter().for_each(|&group| fnv.cell(group));
        }
        if let Some(times) = &self.times {
            fnv.cell(10);
            times.iter().for_each(|time| fnv.cell(time.to_bits()));
        }
        if let Some(parts) = &self.parts {
            fnv.cell(11);
            parts.iter().for_each(|&part| fnv.cell(part as u64));
        }
        Some(fnv.value()).filter(|&hash| hash != none)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_by_their_words() {
        assert_eq!(
            ["TRAIN", "Validation", "test", "valid"].map(Part::named),
            [Some(Part::Train), Some(Part::Validation), Some(Part::Test), None]
        );
        assert!(Part::ALL.iter().enumerate().all(|(at, &part)| at == part as usize));
    }

    #[test]
    fn the_hash_sees_each_key() {
        assert_eq!(Keys::default().hash(), None);
        let groups = Keys { groups: Some(vec![1, 2]), ..Keys::default() };
        let times = Keys { times: Some(vec![1.0, 2.0]), ..Keys::default() };
        let parts = Keys { parts: Some(vec![Part::Train, Part::Test]), ..Keys::default() };
        let hashes = [&groups, &groups.select(&[1, 0]), &times, &parts].map(|keys| keys.hash().unwrap());
        assert!((0..4).all(|a| (0..a).all(|b| hashes[a] != hashes[b])), "{hashes:?}");
    }
}
