//! One file a command: its arguments, what it does, what it prints.

pub(crate) mod bench;
pub(crate) mod check;
pub(crate) mod compare;
pub(crate) mod data;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod find_rate;
pub(crate) mod folds;
pub(crate) mod list;
pub(crate) mod other_data;
pub(crate) mod plan;
pub(crate) mod predict;
pub(crate) mod report;
pub(crate) mod split_args;
pub(crate) mod subject;
pub(crate) mod summary;
pub(crate) mod table_args;
pub(crate) mod test;
pub(crate) mod trace;
pub(crate) mod train;
pub(crate) mod tune;
