//! What tells whether data are the same: FNV-1a over all cells, targets and keys, in hexadecimal.

use crate::dataset::Dataset;
use crate::keys::Keys;
use crate::readers::Data;

/// What tells whether data are the same: the [hash](Dataset::hash) of the rows, and if there are such of the
/// test set, of the validation set (after a v) and of the [keys](Keys) (after a k), in hexadecimal.
///
/// ```
/// use chainrule::{digits, fingerprint::fingerprint};
/// assert_eq!(fingerprint(&digits().into()), fingerprint(&digits().into()));
/// assert_ne!(fingerprint(&digits().into()), fingerprint(&digits().select(&[0]).into()));
/// ```
pub fn fingerprint(data: &Data) -> String {
    let hash = |data: &Dataset| format!("{:016x}", data.hash());
    joined(hash(&data.train), data.test.as_ref().map(hash), data.validation.as_ref().map(hash), &data.train.keys)
}

/// The fingerprint of data that have these.
pub(crate) fn joined(train: String, test: Option<String>, validation: Option<String>, keys: &Keys) -> String {
    let validation = validation.map(|hash| format!("v{hash}"));
    let keys = keys.hash().map(|hash| format!("k{hash:016x}"));
    std::iter::once(train).chain(test).chain(validation).chain(keys).collect::<Vec<_>>().join("-")
}
