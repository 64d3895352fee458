//! How many trainings go, one after another, on stderr: a bar on a terminal, and a line for each that is done.

use std::io::{IsTerminal, stderr};
use std::time::Instant;

use chainrule::Progress;
use indicatif::{ProgressBar, ProgressStyle};

use crate::live::REDRAW;
use crate::outcome::tell;

/// A watcher of many trainings.
pub(crate) struct Series {
    bar: Option<ProgressBar>,
    epochs: usize,
    drawn: Instant,
}

impl Series {
    /// Of so many trainings; a bar if stderr is a terminal.
    pub(crate) fn new(trainings: usize) -> Series {
        let bar = stderr().is_terminal().then(|| ProgressBar::new(trainings as u64));
        if let Some(bar) = &bar {
            let style = ProgressStyle::with_template("{bar:16}  {pos}/{len}  {wide_msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        }
        Series { bar, epochs: 0, drawn: Instant::now() }
    }

    /// Shows what happens in the training of this `name`.
    pub(crate) fn show(&mut self, name: &str, progress: Progress<'_>) {
        match progress {
            Progress::Start(start) => self.epochs = start.epochs,
            Progress::Step { epoch, loss, .. } => {
                if let Some(bar) = self.bar.as_ref().filter(|_| self.drawn.elapsed() >= REDRAW) {
                    bar.set_message(format!("{name}, epoch {epoch}/{}, loss {loss:.4}", self.epochs));
                    self.drawn = Instant::now();
                }
            }
            Progress::Epoch(_) | Progress::Layers(_) | Progress::Notice(_) | Progress::Stopped { .. } => {}
        }
    }

    /// So many trainings were done before.
    pub(crate) fn skip(&self, trainings: usize) {
        self.bar.iter().for_each(|bar| bar.inc(trainings as u64));
    }

    /// A training is done, and this is to be said of it.
    pub(crate) fn done(&self, line: &str) {
        self.say(line);
        self.bar.iter().for_each(|bar| bar.inc(1));
    }

    /// A line above the bar.
    pub(crate) fn say(&self, line: &str) {
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
