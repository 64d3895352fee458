//! What to try, as commands: the training again, with something changed.

use super::Advice;
use super::case::Case;
use crate::choice::written;
use crate::command_line::Flag;
use crate::loss::Loss;
use crate::record::Record;
use crate::settings::Settings;

/// A training as a run asked for it, to be changed.
pub(super) struct Again<'a> {
    record: &'a Record,
    flags: Vec<Flag>,
}

impl<'a> Again<'a> {
    /// The training of this case, without the settings that are usual anyway.
    pub(super) fn of(case: &Case<'a>) -> Again<'a> {
        let (usual, fractions) = (Settings::default(), Settings::default().fractions);
        let mut known = vec![
            ("seed", usual.seed.to_string()),
            ("validation", fractions.validation.to_string()),
            ("test", fractions.test.to_string()),
            ("loss", Loss::usual(case.predictor.objective().task).to_string()),
        ];
        // What is usual of a table is a function of its rows.
        if case.record.data.source.path.is_none() {
            known.extend([
                ("optimizer", written(usual.optimizer)),
                ("rate", usual.rate().to_string()),
                ("batch", usual.batch.to_string()),
                ("epochs", usual.epochs.to_string()),
            ]);
        }
        let is_usual = |(name, value): &Flag| known.iter().any(|(n, v)| n == name && Some(v) == value.as_ref());
        Again { record: case.record, flags: case.record.flags().into_iter().filter(|flag| !is_usual(flag)).collect() }
    }

    /// With another value of a flag.
    pub(super) fn with(mut self, name: &'static str, value: &dyn ToString) -> Self {
        let value = Some(value.to_string());
        match self.flags.iter_mut().find(|flag| flag.0 == name) {
            Some(flag) => flag.1 = value,
            None => self.flags.push((name, value)),
        }
        self
    }

    /// Without a flag.
    pub(super) fn without(mut self, name: &str) -> Self {
        self.flags.retain(|flag| flag.0 != name);
        self
    }

    /// Whether the run was asked for with it.
    pub(super) fn has(&self, name: &str) -> bool {
        self.flags.iter().any(|flag| flag.0 == name)
    }

    /// Of another network: each word, by its place among all, as other words.
    pub(super) fn words(self, change: impl Fn(usize, usize, &str) -> String) -> Self {
        let model = self.record.model.clone();
        let words: Vec<&str> = model.split_whitespace().collect();
        let changed = words.iter().enumerate().map(|(at, word)| change(at, words.len(), word));
        let changed = changed.collect::<Vec<_>>().join(" ");
        self.with("model", &changed)
    }

    /// The range test for the same training, which takes no flags of the rate's course or of the epochs; `None` of a table on disk,
    /// which it does not read.
    pub(super) fn find_rate(mut self) -> Option<Advice> {
        if self.has("memory") {
            return None;
        }
        for flag in ["rate", "schedule", "warm-up", "epochs", "patience"] {
            self = self.without(flag);
        }
        self.flags.push(("find-rate", None));
        Some(self.command())
    }

    /// As it is typed.
    pub(super) fn command(&self) -> Advice {
        Advice::Train(self.record.typed(&self.flags))
    }
}
