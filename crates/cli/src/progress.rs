//! How training goes, on stderr: its [curves](crate::live) on a terminal, elsewhere a line an epoch.

use std::io::{IsTerminal, stderr};
use std::path::Path;

use chainrule::{Progress, Scores};
use indicatif::{ProgressBar, ProgressStyle};

use crate::live::Live;
use crate::outcome::tell;

/// A watcher of a training.
pub(crate) struct Display {
    live: Option<Live>,
    quiet: bool,
    epochs: usize,
}

impl Display {
    /// Curves if stderr is a terminal; a quiet one gives warnings alone.
    pub(crate) fn new(quiet: bool) -> Display {
        Display { live: if quiet { None } else { Live::new() }, quiet, epochs: 0 }
    }

    /// Shows what happened.
    pub(crate) fn show(&mut self, progress: Progress<'_>) {
        match progress {
            Progress::Start(start) => {
                start.warnings.iter().for_each(|warning| tell(&format!("warning: {warning}")));
                start.taken.iter().for_each(|taken| tell(&taken.to_string()));
                self.epochs = start.epochs;
                let parts = start.parts;
                self.say(&format!(
                    "training {}: {} parameters, {} rows to learn from, {} to choose by, {} held out",
                    start.model, start.parameters, parts.train, parts.validation, parts.test
                ));
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
