//! The command that makes a run again: every setting said, so that other defaults of a later version change nothing.

use std::fmt::Display;
use std::path::PathBuf;

use crate::record::Record;

/// A flag's name, and its value if it has one.
pub(crate) type Flag = (&'static str, Option<String>);

impl Record {
    /// As a shell takes it.
    pub fn command(&self) -> String {
        self.typed(&self.flags())
    }

    /// A training on the same data with these flags, as a shell takes it.
    pub(crate) fn typed(&self, flags: &[Flag]) -> String {
        let mut words = vec!["chainrule".to_owned(), "train".to_owned()];
        words.extend(self.data.source.path.as_ref().map(|path| quoted(&path.display().to_string())));
        for (name, value) in flags {
            words.push(format!("--{name}"));
            words.extend(value.as_deref().map(quoted));
        }
        words.join(" ")
    }

    /// Every setting.
    pub(crate) fn flags(&self) -> Vec<Flag> {
        let (source, training) = (&self.data.source, &self.training);
        let mut flags: Vec<Flag> = Vec::new();
        let mut flag = |name: &'static str, value: Option<&dyn Display>| {
            flags.extend(value.map(|value| (name, Some(value.to_string()))));
        };
        fn some<T: Display>(value: &Option<T>) -> Option<&dyn Display> {
            value.as_ref().map(|value| value as &dyn Display)
        }
        let list = |names: &[String]| (!names.is_empty()).then(|| names.join(","));
        flag("target", some(&source.target));
        flag("delimiter", some(&source.delimiter.map(|c| if c == '\t' { "tab".to_owned() } else { c.to_string() })));
        flag("category", some(&list(&source.category)));
        flag("ignore", some(&list(&source.ignore)));
        flag("weights", some(&source.weights));
        flag("groups", some(&source.groups));
        flag("time", some(&source.time));
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        flag("split", some(&source.split.clone().or_else(|| path(&source.split_run))));
        flag("memory", some(&source.memory));
        flag("size", some(&source.size));
        flag("model", Some(&self.model));
        flag("loss", some(&training.loss));
        // Of other data the image is in the data.
        let is_table = source.path.as_ref().is_some_and(|path| !path.is_dir());
        let image = self.input.image.filter(|_| is_table).map(|[c, h, w]| format!("{c}x{h}x{w}"));
        flag("input", some(&image));
        flag("optimizer", Some(&training.optimizer));
        flag("rate", Some(&training.rate));
        flag("schedule", some(&training.schedule));
        flag("warm-up", some(&training.warm_up));
        flag("initial", some(&training.initial));
        flag("init-from", some(&training.init_from.as_ref().map(|file| file.path.display().to_string())));
        flag("batch", Some(&training.batch));
        flag("epochs", Some(&training.epochs));
        flag("patience", some(&training.patience));
        flag("seed", Some(&training.seed));
        // A share is not asked for beside a run whose rows are held out.
        let share = |share: f64| source.split_run.is_none().then(|| share.to_string());
        flag("validation", some(&path(&source.validation_file).or_else(|| share(training.validation))));
        flag("test", some(&path(&source.test_file).or_else(|| share(training.test))));
        flags.extend((source.header == Some(false)).then_some(("no-header", None)));
        flags.extend(training.log_target.then_some(("log-target", None)));
        flags
    }
}

/// A word that a POSIX shell takes as it is.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./:,=+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_shell_takes_each_word_as_it_is() {
        assert_eq!(quoted("runs/a-1.csv"), "runs/a-1.csv");
        assert_eq!(quoted("affine:50 relu"), "'affine:50 relu'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted("$(rm x)"), "'$(rm x)'");
        assert_eq!(quoted(""), "''");
    }
}
