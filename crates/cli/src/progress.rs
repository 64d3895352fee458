//! How training goes, on stderr: a bar with loss and time left on a terminal, elsewhere a
//! line an epoch.

use std::io::{IsTerminal, stderr};
use std::path::Path;
use std::time::{Duration, Instant};

use chainrule::{Progress, Scores};
use indicatif::{ProgressBar, ProgressStyle};

use crate::outcome::tell;

/// Faster than this no one reads.
pub(crate) const REDRAW: Duration = Duration::from_millis(100);

/// A watcher of a training.
pub(crate) struct Display {
    bar: Option<ProgressBar>,
    epochs: usize,
    drawn: Instant,
    waiting: u64,
    validation: String,
}

impl Display {
    /// A bar if stderr is a terminal.
    pub(crate) fn new() -> Display {
        let bar = stderr().is_terminal().then(|| ProgressBar::new(0));
        Display { bar, epochs: 0, drawn: Instant::now(), waiting: 0, validation: String::new() }
    }

    /// Shows what happened.
    pub(crate) fn show(&mut self, progress: Progress<'_>) {
        match progress {
            Progress::Start(start) => {
                self.epochs = start.epochs;
                let parts = start.parts;
                start.warnings.iter().for_each(|warning| tell(&format!("warning: {warning}")));
                start.taken.iter().for_each(|taken| tell(&taken.to_string()));
                tell(&format!(
                    "training {}: {} parameters, {} rows to learn from, {} to choose by, {} held out",
                    start.model, start.parameters, parts.train, parts.validation, parts.test
                ));
                if let Some(bar) = &self.bar {
                    bar.set_length(start.steps.saturating_mul(start.epochs) as u64);
                    bar.set_position(start.done as u64);
                    bar.reset_eta();
                    let style = ProgressStyle::with_template("{bar:16}  {eta} left  {wide_msg}");
                    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
                }
            }
            Progress::Step { epoch, loss, .. } => {
                self.waiting += 1;
                if let Some(bar) = self.bar.as_ref().filter(|_| self.drawn.elapsed() >= REDRAW) {
                    bar.inc(std::mem::take(&mut self.waiting));
                    bar.set_message(format!("epoch {epoch}/{}, loss {loss:.4}{}", self.epochs, self.validation));
                    self.drawn = Instant::now();
                }
            }
            Progress::Epoch(epoch) => {
                let judged = epoch.validation.as_ref().map(judged).filter(|judged| !judged.is_empty());
                if self.bar.is_some() {
                    // One line, of which a narrow terminal shows the beginning.
                    self.validation = judged.map_or(String::new(), |judged| format!(", validation {judged}"));
                    return;
                }
                let loss = epoch.validation.map(|scores| format!(", validation loss {:.4}", scores.loss));
                let validation: String = loss.into_iter().chain(judged.map(|judged| format!(", {judged}"))).collect();
                let width = self.epochs.to_string().len();
                tell(&format!(
                    "epoch {:>width$}/{}: loss {:.4}{validation}, {:.1} s",
                    epoch.epoch, self.epochs, epoch.train_loss, epoch.seconds
                ));
            }
            Progress::Layers(_) => {}
            Progress::Notice(notice) => {
                let line = format!("warning: {notice}");
                match &self.bar {
                    Some(bar) => bar.suspend(|| tell(&line)),
                    None => tell(&line),
                }
            }
            Progress::Stopped { epoch, best_epoch } => {
                self.finish();
                tell(&format!("stopped after epoch {epoch}: none was better than epoch {best_epoch}"));
            }
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
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
