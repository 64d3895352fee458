//! Data other than those of the training, for a run: what they are said to be, and what they were in the training.

use std::path::Path;

use chainrule::readers::{Data, Format};
use chainrule::{InputError, Run, Source};
use clap::Args;

use super::predict::frame;
use crate::arguments;

/// How DATA are read.
#[derive(Args)]
pub(crate) struct OtherDataArgs {
    /// The target's column in DATA [default: as in training]
    #[arg(long, value_name = "COLUMN", requires = "data")]
    target: Option<String>,
    /// DATA's first row is data, not names
    #[arg(long, requires = "data")]
    no_header: bool,
    /// What stands between the cells of DATA [default: as its first lines say]
    #[arg(long, value_name = "CHAR", requires = "data", value_parser = arguments::delimiter)]
    delimiter: Option<char>,
}

impl OtherDataArgs {
    /// The data at `path`, columns and images as `run` was trained on them.
    ///
    /// # Errors
    /// If they cannot be read, or not so.
    pub(crate) fn open(&self, run: &Run, path: &Path) -> Result<Data, InputError> {
        let trained = &run.record.data.source;
        let size = if Format::of(path)? == Format::Pictures { Some(frame(run)?) } else { None };
        let source = Source {
            path: Some(path.to_owned()),
            size,
            target: self.target.clone().or_else(|| trained.target.clone()),
            header: self.no_header.then_some(false),
            delimiter: self.delimiter,
            ..Source::default()
        };
        source.open_as(Some(run.record.kind()), run.record.input.known())
    }
}
