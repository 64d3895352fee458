//! The command that makes a run again: every setting said, so that other defaults of a later version change nothing.

use std::fmt::Display;

use crate::record::Record;

impl Record {
    /// As a shell takes it.
    pub fn command(&self) -> String {
        let mut words = vec!["chainrule".to_owned(), "train".to_owned()];
        let (source, training) = (&self.data.source, &self.training);
        words.extend(source.path.as_ref().map(|path| quoted(&path.display().to_string())));
        let mut flag = |name: &str, value: Option<&dyn Display>| {
            if let Some(value) = value {
                words.extend([format!("--{name}"), quoted(&value.to_string())]);
            }
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
        flag("batch", Some(&training.batch));
        flag("epochs", Some(&training.epochs));
        flag("patience", some(&training.patience));
        flag("seed", Some(&training.seed));
        flag("validation", Some(&training.validation));
        flag("test", Some(&training.test));
        words.extend((source.header == Some(false)).then(|| "--no-header".to_owned()));
        words.extend(training.log_target.then(|| "--log-target".to_owned()));
        words.join(" ")
    }
}

/// A word that a POSIX shell takes as it is.
fn quoted(word: &str) -> String {
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
