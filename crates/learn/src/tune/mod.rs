//! Which settings to train with: trials drawn from a [`Space`], of which the better half or third goes on in each
//! [rung](rungs), and the best is kept.
//!
//! A trial that goes on is trained again from its first parameters, for the epochs of its new rung: a schedule goes by all the
//! epochs of a training, so that what a rung compares, and what is kept, is what `train` gives for these settings and epochs,
//! to the bit. With η = 3 this costs at most a half more than going on from where a trial was.
//!
//! Trials are compared by their validation loss; no test row is read. The best is the training with the lowest of all, as in
//! Hyperband, whatever its rung. It alone is trained once more at the end, with its one test score, and kept as a run.
//!
//! Every training that is done is a line of a file, and is not done again when the same is asked for in the same folder.

mod halving;
mod key;
mod ledger;
mod space;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use chainrule_engine::{Backend, Graph};

pub use halving::{Rung, rungs};
pub use ledger::Line;
pub use space::{Draw, Space, Value};

use crate::fingerprint::fingerprint;
use crate::input_error::InputError;
use crate::model::Build;
use crate::prepared::{Prepared, fit, split};
use crate::readers::Data;
use crate::run_folder::{Run, save};
use crate::settings::Settings;
use crate::source::Source;
use crate::trainer::{Progress, TrainError, train_on, train_prepared};
use halving::promoted;
use ledger::{DataRequest, Ledger, Request};

/// What is asked of a tuning.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// What trials are drawn from.
    pub space: Space,
    /// What they have in common; its epochs are those of the last rung, its seed is also that of the draws.
    pub settings: Settings,
    /// How many are drawn.
    pub trials: usize,
    /// What the first rung trains at least.
    pub min_epochs: usize,
    /// By what a rung has fewer trials and more epochs than the one before it, from 2.
    pub eta: usize,
}

/// What happens, for whoever watches.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// Before the first training.
    Start {
        /// What is to be done.
        rungs: &'a [Rung],
        /// How many trainings were done before.
        done: usize,
    },
    /// In a training.
    Training {
        /// From 1.
        trial: usize,
        /// From 1.
        rung: usize,
        /// How it goes.
        progress: Progress<'a>,
    },
    /// A training is done.
    Done(&'a Line),
    /// In the last training, of the best.
    Best(Progress<'a>),
}

/// What a tuning gives.
#[derive(Clone, Debug)]
pub struct Tuned {
    /// What was done.
    pub rungs: Vec<Rung>,
    /// The best training of each trial, the lowest validation loss first, those that diverged last.
    pub ranking: Vec<Line>,
    /// The run of the first of them; `None` if all diverged.
    pub best: Option<Run>,
    /// How many trainings were done before.
    pub done_before: usize,
}

impl Tuning {
    /// Whether it can be met.
    ///
    /// # Errors
    /// If it has no trial, more epochs at least than at most, or an η below 2, or the settings in common cannot be met.
    pub fn check(&self) -> Result<(), InputError> {
        let wrong = |place: &str, expected: String, found: usize, hint: &str| {
            Err(InputError::new(place, expected, found.to_string(), hint))
        };
        self.settings.check()?;
        if self.trials == 0 {
            return wrong("trials", "a whole number from 1".to_owned(), self.trials, "for example 27");
        }
        if self.eta < 2 {
            return wrong("eta", "a whole number from 2".to_owned(), self.eta, "3 is usual");
        }
        let most = self.settings.epochs;
        if self.min_epochs == 0 || self.min_epochs > most {
            let expected = format!("1 to {most}, the epochs of the last rung");
            return wrong("min-epochs", expected, self.min_epochs, "the first rung trains at least so long");
        }
        Ok(())
    }

    /// What is trained how long.
    ///
    /// ```
    /// use chainrule::Settings;
    /// use chainrule::tune::{Space, Tuning};
    /// let space = Space::parse("rate = { log = [1e-3, 1e-1] }", "space.toml")?;
    /// let tuning = Tuning { space, settings: Settings { epochs: 27, ..Settings::default() }, trials: 9, min_epochs: 3, eta: 3 };
    /// let rungs: Vec<(usize, usize)> = tuning.rungs().iter().map(|rung| (rung.trials, rung.epochs)).collect();
    /// assert_eq!(rungs, [(9, 3), (3, 9), (1, 27)]);
    /// # Ok::<(), chainrule::InputError>(())
    /// ```
    pub fn rungs(&self) -> Vec<Rung> {
        rungs(self.trials, self.settings.epochs, self.min_epochs, self.eta)
    }

    /// What a trial, from 1, is trained with in a rung.
    fn settings(&self, draw: &Draw, epochs: usize) -> Result<Settings, InputError> {
        self.space.settings(&Settings { epochs, ..self.settings.clone() }, draw)
    }

    /// Whether every trial can be trained on `data` in every rung, before any is.
    fn expect_fit(&self, data: &Data, draws: &[Draw], rungs: &[Rung]) -> Result<(), InputError> {
        let split = split(data, self.settings.fractions, self.settings.seed)?;
        if split.validation.is_empty() && data.validation.is_none() {
            let hint = "set rows aside, such as a tenth";
            return Err(InputError::new("validation", "rows to compare trials by", "none", hint));
        }
        let encoding = crate::Encoding::fit(&data.train, &split.train, self.settings.log_target)?;
        for (trial, draw) in (1..).zip(draws) {
            for (number, rung) in (1..).zip(rungs) {
                let place = |e: InputError| {
                    let place = format!("{}, trial {trial}, rung {number}", self.space.place());
                    InputError { place: format!("{place}, {}", e.place), ..e }
                };
                let settings = self.settings(draw, rung.epochs)?;
                settings.check().map_err(place)?;
                let (input, objective, model) =
                    fit(&mut encoding.clone(), &data.train.source, &settings).map_err(place)?;
                model.build(&Graph::new(), input, objective, Build::Train).map_err(place)?;
            }
        }
        Ok(())
    }
}

/// Tunes on data from `source`, in the folder `out`, telling `watch` how it goes. If the folder is of the same tuning, what
/// was done there is not done again.
///
/// ```
/// use chainrule::tune::{Space, Tuning, tune};
/// use chainrule::{Settings, Source, engine::Cpu};
/// # let temporary = tempfile::tempdir()?;
/// # let folder = temporary.path().join("tuning");
/// let space = Space::parse("rate = [1e-4, 1e-2]", "space.toml")?;
/// let settings = Settings { model: Some("affine:10".parse()?), epochs: 2, ..Settings::default() };
/// let tuning = Tuning { space, settings, trials: 4, min_epochs: 2, eta: 2 };
/// let tuned = tune(&Cpu::new(1), &Source::default(), &tuning, &folder, |_event| {})?;
/// assert_eq!(tuned.best.unwrap().record.training.rate, 1e-2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If settings, space and data do not fit together, or the folder is another's or was begun with another request.
pub fn tune<B: Backend>(
    backend: &B,
    source: &Source,
    tuning: &Tuning,
    out: &Path,
    mut watch: impl FnMut(Event<'_>),
) -> Result<Tuned, TrainError> {
    tuning.check()?;
    source.expect_text()?;
    let data = source.open(None)?;
    let (rungs, seed) = (tuning.rungs(), tuning.settings.seed);
    let draws: Vec<Draw> = (1..=tuning.trials).map(|trial| tuning.space.draw(seed, trial)).collect();
    tuning.expect_fit(&data, &draws, &rungs)?;
    let request = Request {
        version: env!("CARGO_PKG_VERSION"),
        trials: tuning.trials,
        epochs: tuning.settings.epochs,
        min_epochs: tuning.min_epochs,
        eta: tuning.eta,
        seed,
        validation: tuning.settings.fractions.validation,
        test: tuning.settings.fractions.test,
        data: DataRequest { source, fingerprint: &fingerprint(&data) },
        space: &tuning.space.table,
    };
    let is_line = |line: &Line| {
        let rung = line.rung.checked_sub(1).and_then(|at| rungs.get(at));
        let draw = line.trial.checked_sub(1).and_then(|at| draws.get(at));
        rung.is_some_and(|rung| rung.epochs == line.epochs) && draw == Some(&line.settings)
    };
    let mut ledger = Ledger::open(out, &request, is_line)?;
    let done_before = ledger.lines.len();
    watch(Event::Start { rungs: &rungs, done: done_before });

    let mut alive: Vec<usize> = (1..=tuning.trials).collect();
    for (number, rung) in (1..).zip(&rungs) {
        let mut losses = Vec::new();
        for &trial in &alive {
            if ledger.line(trial, number).is_none() {
                let draw = &draws[trial - 1];
                let settings = tuning.settings(draw, rung.epochs)?;
                let began = Instant::now();
                let prepared = Prepared::new(data.clone(), &settings)?.without_test();
                let trained = train_prepared(backend, prepared, &settings, |progress| {
                    watch(Event::Training { trial, rung: number, progress });
                });
                let (trained, diverged) = match trained {
                    Ok(trained) => (Some(trained), None),
                    Err(TrainError::Diverged(diverged)) => (None, Some(diverged)),
                    Err(e) => return Err(e),
                };
                let trained = trained.as_ref();
                let line = Line {
                    trial,
                    rung: number,
                    epochs: rung.epochs,
                    settings: draw.clone(),
                    best_epoch: trained.map(|trained| trained.best_epoch),
                    train: trained.map(|trained| trained.train),
                    validation: trained.and_then(|trained| trained.validation),
                    diverged: diverged.map(|diverged| diverged.to_string()),
                    seconds: began.elapsed().as_secs_f64(),
                };
                ledger.add(&line)?;
                watch(Event::Done(&line));
            }
            losses.push((trial, ledger.line(trial, number).and_then(Line::loss)));
        }
        alive = promoted(&losses, rungs.get(number).map_or(0, |next| next.trials));
    }

    let ranking = ranking(ledger.lines);
    let best = match ranking.first().filter(|line| line.loss().is_some()) {
        Some(line) => {
            let settings = tuning.settings(&line.settings, line.epochs)?;
            let watch = |progress: Progress<'_>| watch(Event::Best(progress));
            Some(keep(backend, data, source, &settings, &ledger::best(out), watch)?)
        }
        None => None,
    };
    Ok(Tuned { rungs, ranking, best, done_before })
}

/// The best training of each trial, the lowest loss first, those that diverged last.
fn ranking(mut lines: Vec<Line>) -> Vec<Line> {
    let loss = |line: &Line| line.loss().unwrap_or(f64::INFINITY);
    lines.sort_by(|a, b| loss(a).total_cmp(&loss(b)).then((a.trial, a.rung).cmp(&(b.trial, b.rung))));
    let mut seen = BTreeSet::new();
    lines.retain(|line| seen.insert(line.trial));
    lines
}

/// Trains the best once more, with its test score, unless its run is there.
fn keep<B: Backend>(
    backend: &B,
    data: Data,
    source: &Source,
    settings: &Settings,
    folder: &Path,
    watch: impl FnMut(Progress<'_>),
) -> Result<Run, TrainError> {
    if !folder.exists() {
        save(folder, &train_on(backend, data, settings, watch)?, source, false)?;
    }
    Ok(Run::open(folder)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::Scores;

    #[test]
    fn the_ranking_has_each_trial_once_by_its_best_training() {
        let line = |trial, rung, loss: Option<f64>| Line {
            trial,
            rung,
            epochs: rung,
            settings: Draw::new(),
            best_epoch: None,
            train: None,
            validation: loss.map(|loss| Scores { loss, accuracy: None, rmse: None, r2: None }),
            diverged: None,
            seconds: 0.0,
        };
        let lines = [
            (1, 1, Some(0.5)),
            (2, 1, None),
            (3, 1, Some(0.4)),
            (3, 2, Some(0.6)),
            (1, 2, Some(0.3)),
            (4, 1, Some(0.4)),
        ];
        let ranked = ranking(lines.map(|(trial, rung, loss)| line(trial, rung, loss)).to_vec());
        let ranked: Vec<_> = ranked.iter().map(|line| (line.trial, line.rung, line.loss())).collect();
        assert_eq!(ranked, [(1, 2, Some(0.3)), (3, 1, Some(0.4)), (4, 1, Some(0.4)), (2, 1, None)]);
    }
}
