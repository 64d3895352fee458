//! What to try, as commands: the training again, with something changed.

use chainrule_engine::Shape;

use crate::choice::written;
use crate::input_shape;
use crate::loss::Objective;
use crate::record::Record;
use crate::run_folder::Run;
use crate::settings::Settings;

/// A training as a run asked for it, to be changed.
pub(super) struct Again<'a> {
    run: &'a Run,
    model: String,
    flags: Vec<(&'static str, String)>,
}

impl<'a> Again<'a> {
    /// The training of this run.
    pub(super) fn of(run: &'a Run) -> Again<'a> {
        let Record { training, data, .. } = &run.record;
        let usual = Settings::default();
        let mut flags: Vec<(&'static str, String)> = Vec::new();
        let mut add = |name, text: Option<String>| flags.extend(text.map(|text| (name, text)));
        let source = &data.source;
        add("--target", source.target.clone());
        add("--no-header", (source.header == Some(false)).then(String::new));
        add("--delimiter", source.delimiter.map(|c| if c == '\t' { "tab".to_owned() } else { c.to_string() }));
        add("--category", Some(source.category.join(",")).filter(|text| !text.is_empty()));
        add("--ignore", Some(source.ignore.join(",")).filter(|text| !text.is_empty()));
        add("--weights", source.weights.clone());
        add("--memory", source.memory.map(|bytes| bytes.to_string()));
        add("--size", source.size.map(|frame| frame.to_string()));
        add("--log-target", training.log_target.then(String::new));
        // Rows of a table that are images.
        let image = run.record.input.image.filter(|_| source.path.as_ref().is_some_and(|path| path.is_file()));
        add("--input", image.map(|image| input_shape::written(Shape::from(image))));
        let optimizer = Some(training.optimizer.clone());
        // What is usual of a table is not what is usual of the digits.
        let differs = |is: bool| is || source.path.is_some();
        add("--optimizer", optimizer.filter(|text| differs(*text != written(usual.optimizer))));
        add("--rate", Some(training.rate.to_string()).filter(|_| differs(training.rate != usual.rate())));
        add("--schedule", training.schedule.clone());
        add("--warm-up", training.warm_up.map(|epochs| epochs.to_string()));
        add("--initial", training.initial.clone());
        add("--init-from", training.init_from.as_ref().map(|file| file.path.display().to_string()));
        add("--batch", Some(training.batch.to_string()).filter(|_| differs(training.batch != usual.batch)));
        add("--epochs", Some(training.epochs.to_string()).filter(|_| differs(training.epochs != usual.epochs)));
        add("--patience", training.patience.map(|epochs| epochs.to_string()));
        let objective = run.predictor.objective();
        add("--loss", training.loss.clone().filter(|_| objective != Objective::usual(objective.task)));
        add("--seed", Some(training.seed.to_string()).filter(|_| training.seed != usual.seed));
        let (validation, test) = (training.validation, training.test);
        add("--validation", Some(validation.to_string()).filter(|_| validation != usual.fractions.validation));
        add("--test", Some(test.to_string()).filter(|_| test != usual.fractions.test));
        Again { run, model: run.record.model.clone(), flags }
    }

    /// With another value of a flag.
    pub(super) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        let value = value.to_string();
        match self.flags.iter_mut().find(|flag| flag.0 == name) {
            Some(flag) => flag.1 = value,
            None => self.flags.push((name, value)),
        }
        self
    }

    /// Without a flag.
    pub(super) fn without(mut self, name: &'static str) -> Self {
        self.flags.retain(|flag| flag.0 != name);
        self
    }

    /// Whether the run was asked for with it.
    pub(super) fn has(&self, name: &str) -> bool {
        self.flags.iter().any(|flag| flag.0 == name)
    }

    /// Of another network: each word, by its place among all, as other words.
    pub(super) fn words(mut self, change: impl Fn(usize, usize, &str) -> String) -> Self {
        let words: Vec<&str> = self.model.split_whitespace().collect();
        let changed = words.iter().enumerate().map(|(at, word)| change(at, words.len(), word));
        self.model = changed.collect::<Vec<_>>().join(" ");
        self
    }

    /// As it is typed.
    pub(super) fn command(&self) -> String {
        let mut words = vec!["chainrule".to_owned(), "train".to_owned()];
        words.extend(self.run.record.data.source.path.as_ref().map(|path| quoted(&path.display().to_string())));
        words.extend(["--model".to_owned(), quoted(&self.model)]);
        for (name, value) in &self.flags {
            words.push((*name).to_owned());
            words.extend(Some(quoted(value)).filter(|_| !value.is_empty()));
        }
        words.join(" ")
    }
}

/// A command about the run.
pub(super) fn of_run(run: &Run, command: &str, flags: &str) -> String {
    format!("chainrule {command} {}{flags}", quoted(&run.folder.display().to_string()))
}

/// In single quotes where a shell would read it otherwise.
pub(super) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=,@+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
