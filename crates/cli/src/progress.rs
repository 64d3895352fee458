//! How training goes, on stderr: its [curves](crate::live) on a terminal, elsewhere a line an epoch.

use std::io::{IsTerminal, stderr};
use std::path::Path;
use std::time::{Duration, Instant};

use chainrule::forecast::told;
use chainrule::{Progress, Scores};
use indicatif::{ProgressBar, ProgressStyle};

use crate::live::{Live, clock};
use crate::outcome::tell;

/// Memory that is worth a word.
const MUCH: u64 = 100_000_000;

/// So much of a training tells how long the rest will take, and a shorter rest is not worth a word.
const BEGINNING: Duration = Duration::from_secs(2);
const LONG: f64 = 10.0;

/// A watcher of a training.
pub(crate) struct Display {
    live: Option<Live>,
    quiet: bool,
    epochs: usize,
    beginning: Option<Beginning>,
}

/// Steps until it is known how long all will take.
struct Beginning {
    since: Instant,
    done: usize,
    all: usize,
}

impl Beginning {
    /// Another step; how long the rest will take, as soon as that is known.
    fn step(&mut self) -> Option<f64> {
        self.done += 1;
        let spent = self.since.elapsed();
        let rest = spent.as_secs_f64() / self.done as f64 * self.all.saturating_sub(self.done) as f64;
        (spent >= BEGINNING).then_some(rest)
    }
}

impl Display {
    /// Curves if stderr is a terminal; a quiet one gives warnings alone.
    pub(crate) fn new(quiet: bool) -> Display {
        Display { live: if quiet { None } else { Live::new() }, quiet, epochs: 0, beginning: None }
    }

    /// Shows what happened.
    pub(crate) fn show(&mut self, progress: Progress<'_>) {
        match progress {
            Progress::Start(start) => {
                start.warnings.iter().for_each(|warning| tell(&format!("warning: {warning}")));
                start.taken.iter().for_each(|taken| tell(&taken.to_string()));
                self.epochs = start.epochs;
                let (parts, memory) = (start.parts, start.memory);
                let needs = if memory.needed < MUCH {
                    String::new()
                } else {
                    format!("; it takes up to {} of memory beside the rows", told(memory.needed))
                };
                self.say(&format!(
                    "training {}: {} parameters, {} rows to learn from, {} to choose by, {} held out{needs}",
                    start.model, start.parameters, parts.train, parts.validation, parts.test
                ));
                if let Some(free) = memory.free.filter(|&free| memory.needed > free) {
                    let needed = told(memory.needed);
                    tell(&format!(
                        "warning: {needed} of memory are needed and {} are free: the system may end the training",
                        told(free)
                    ));
                }
                let all = (start.steps * start.epochs).saturating_sub(start.done);
                self.beginning = Some(Beginning { since: Instant::now(), done: 0, all });
            }
            Progress::Step { .. } if self.live.is_none() => {
                if let Some(rest) = self.beginning.as_mut().and_then(Beginning::step) {
                    self.beginning = None;
                    if rest >= LONG {
                        self.say(&format!("about {} left", clock(rest)));
                    }
                }
            }
            Progress::Epoch(epoch) if self.live.is_none() => {
                let judged = epoch.validation.as_ref().map(judged).filter(|judged| !judged.is_empty());
                let loss = epoch.validation.map(|scores| format!(", validation loss {:.4}", scores.loss));
                let validation: String = loss.into_iter().chain(judged.map(|judged| format!(", {judged}"))).collect();
                let width = self.epochs.to_string().len();
                self.say(&format!(
                    "epoch {:>width$}/{}: loss {:.4}{validation}, {:.1} s",
                    epoch.epoch, self.epochs, epoch.train_loss, epoch.seconds
                ));
            }
            Progress::Notice(notice) => tell(&format!("warning: {notice}")),
            Progress::Stopped { epoch, best_epoch } => {
                self.finish();
                self.say(&format!("stopped after epoch {epoch}: none was better than epoch {best_epoch}"));
            }
            Progress::Step { .. } | Progress::Epoch(_) | Progress::Layers(_) => {}
        }
        if let Some(live) = &mut self.live {
            live.show(progress);
        }
    }

    fn say(&self, line: &str) {
        if !self.quiet {
            tell(line);
        }
    }

    /// The training is over.
    pub(crate) fn finish(&mut self) {
        self.live.iter_mut().for_each(Live::finish);
    }
}

/// How far a file has been read, on a terminal alone.
pub(crate) struct Bytes {
    bar: Option<ProgressBar>,
}

impl Bytes {
    /// A bar for the file at `path`; without an end for one that is packed, or no file.
    pub(crate) fn new(path: &Path) -> Bytes {
        let packed = path.extension().is_some_and(|extension| extension == "gz");
        let length = std::fs::metadata(path).ok().filter(|meta| meta.is_file() && !packed).map(|meta| meta.len());
        let bar = stderr().is_terminal().then(|| {
            let (bar, template) = match length {
                Some(length) => (ProgressBar::new(length), "{bar:16}  {eta} left  {bytes}, {bytes_per_sec}"),
                None => (ProgressBar::new_spinner(), "{spinner} {bytes}, {bytes_per_sec}"),
            };
            bar.with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Bytes { bar }
    }

    /// So many bytes are read.
    pub(crate) fn show(&self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(bytes);
        }
    }

    /// Says something without disturbing the bar.
    pub(crate) fn tell(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| tell(line)),
            None => tell(line),
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// What people ask for, which the loss is not.
fn judged(scores: &Scores) -> String {
    match (scores.accuracy, scores.rmse) {
        (Some(accuracy), _) => format!("accuracy {accuracy:.4}"),
        (_, Some(rmse)) => format!("rmse {rmse:.6}"),
        _ => String::new(),
    }
}
