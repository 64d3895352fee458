//! Which rows are held out, as `train` and `tune` ask for it.

use std::path::PathBuf;

use chainrule::{Fractions, InputError, Settings, Source};
use clap::Args;

use crate::arguments::{self, ShareOrFile};

// No comment for users: it would stand in place of the command's own.
#[derive(Args)]
pub(crate) struct SplitArgs {
    /// The share of rows that choose the best epoch, or a file of them [default: 0.1]
    #[arg(long, value_name = "F|FILE", value_parser = arguments::share_or_file)]
    validation: Option<ShareOrFile>,
    /// The share of rows that are held out, where the data bring no test set, or a file of them [default: 0.2]
    #[arg(long, value_name = "F|FILE", value_parser = arguments::share_or_file)]
    test: Option<ShareOrFile>,
    /// Keep all rows of a group, such as a patient or a customer, on one side: the column that names it. It is not learned from
    #[arg(long, value_name = "COLUMN", requires = "data")]
    groups: Option<String>,
    /// Learn from the earliest rows, choose by later ones and judge by the latest: the column of numbers or dates. It is not
    /// learned from
    #[arg(long, value_name = "COLUMN", requires = "data", conflicts_with_all = ["groups", "split"])]
    time: Option<String>,
    /// The column whose words train, validation and test say what each row is for; or the folder of a RUN, whose held-out rows are
    /// held out here too, wherever they stand
    #[arg(long, value_name = "COLUMN|RUN")]
    split: Option<PathBuf>,
}

impl SplitArgs {
    /// The shares that are to be held out.
    ///
    /// # Errors
    /// If one is asked for where another run says which rows are.
    pub(crate) fn fractions(&self) -> Result<Fractions, InputError> {
        let usual = Settings::default().fractions;
        let share = |name: &str, asked: &Option<ShareOrFile>, usual: f64| match asked {
            Some(ShareOrFile::Share(_)) if self.run().is_some() => Err(InputError::new(
                format!("--{name}"),
                "no share beside --split RUN, which says which rows are held out",
                "a share",
                "leave one of them out",
            )),
            Some(ShareOrFile::Share(share)) => Ok(*share),
            _ if self.run().is_some() => Ok(0.0),
            _ => Ok(usual),
        };
        Ok(Fractions {
            validation: share("validation", &self.validation, usual.validation)?,
            test: share("test", &self.test, usual.test)?,
        })
    }

    /// Data that are split so.
    pub(crate) fn of(&self, source: Source) -> Source {
        let column = self.split.as_ref().filter(|_| self.run().is_none());
        let file = |asked: &Option<ShareOrFile>| match asked {
            Some(ShareOrFile::File(path)) => Some(path.clone()),
            _ => None,
        };
        Source {
            groups: self.groups.clone(),
            time: self.time.clone(),
            split: column.map(|column| column.to_string_lossy().into_owned()),
            split_run: self.run().cloned(),
            validation_file: file(&self.validation),
            test_file: file(&self.test),
            ..source
        }
    }

    /// The run, if it is none of the columns.
    fn run(&self) -> Option<&PathBuf> {
        self.split.as_ref().filter(|path| path.join("run.toml").exists() || path.components().count() > 1)
    }
}
