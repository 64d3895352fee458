//! How data are to be read, as `train`, `tune` and `data` ask for it.

use std::path::PathBuf;

use chainrule::Source;
use chainrule::readers::pictures::Frame;
use clap::Args;

use crate::arguments;

// No comment for users: it would stand in place of the command's own.
#[derive(Args)]
pub(crate) struct TableArgs {
    /// The column to learn: its name, or its number from 0 where there are no names; the array, in a .npz
    #[arg(long, value_name = "COLUMN", requires = "data")]
    target: Option<String>,
    /// The table's first row is data, not names
    #[arg(long, requires = "data")]
    no_header: bool,
    /// What stands between the cells of a table: , ; | tab or another character [default: as its first lines say]
    #[arg(long, value_name = "CHAR", requires = "data", value_parser = arguments::delimiter)]
    delimiter: Option<char>,
    /// Columns of categories, though they are written as numbers or dates: zip,year
    #[arg(long, value_name = "COLUMNS", requires = "data", value_delimiter = ',')]
    category: Vec<String>,
    /// Columns to pass over: id,name
    #[arg(long, value_name = "COLUMNS", requires = "data", value_delimiter = ',')]
    ignore: Vec<String>,
    /// The column that says how much each row counts in the training loss, from 0 on; rows to choose and to judge by
    /// count once each
    #[arg(long, value_name = "COLUMN", requires = "data")]
    weights: Option<String>,
    /// What a folder's images are brought to: height x width, or 1xHxW for gray, 3xHxW for color [default: as they are, if
    /// they are all alike]
    #[arg(long, value_name = "SIZE", requires = "data", value_parser = arguments::size)]
    size: Option<Frame>,
}

impl TableArgs {
    /// Where the data are, and how to read them.
    pub(crate) fn source(&self, path: Option<PathBuf>) -> Source {
        Source {
            path,
            target: self.target.clone(),
            header: self.no_header.then_some(false),
            delimiter: self.delimiter,
            weights: self.weights.clone(),
            category: self.category.clone(),
            ignore: self.ignore.clone(),
            size: self.size,
            ..Source::default()
        }
    }
}
