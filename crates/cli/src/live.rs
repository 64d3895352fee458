//! A training as it goes, on a terminal: curves of loss and score, the rate, examples a second, time left, and the gradient of each
//! layer.
//!
//! Drawn by our own few lines: a frame is letters on a grid, which is cut where the terminal ends.

mod grid;
mod plot;
pub(crate) mod screen;

use std::time::{Duration, Instant};

use chainrule::{Progress, Scores};
use console::Term;
use grid::{Grid, Style};
use plot::{Area, Curve};

use crate::outcome::tell;
use crate::significant::four;

/// Faster than this no one reads.
pub(crate) const REDRAW: Duration = Duration::from_millis(200);

/// A training that ends sooner is not shown.
const PATIENCE: Duration = Duration::from_millis(400);

/// Points of the training loss; when there are as many, every second goes.
const POINTS: usize = 1024;

/// Lines of the curves: under so many there are no layers below them, and more than so many are of no use.
const LEAST: usize = 8;
const MOST: usize = 32;

const TRAINING: u8 = 33;
const VALIDATION: u8 = 208;
const SOFT: Style = Style { color: Some(244), bold: false };
const BOLD: Style = Style { color: None, bold: true };

/// What is known of a training so far.
#[derive(Default)]
struct Training {
    model: String,
    epochs: usize,
    steps: usize,
    rows: usize,
    /// Steps that were done, and how many of them before this program.
    done: usize,
    before: usize,
    epoch: usize,
    loss: f64,
    rate: Option<f64>,
    scores: Option<Scores>,
    train: Vec<(f64, f64)>,
    validation: Vec<(f64, f64)>,
    judged: Vec<(f64, f64)>,
    judged_by: &'static str,
    /// Of each weight its name and the size of its gradient, record after record.
    gradients: Vec<(String, Vec<f64>)>,
}

/// A training on a terminal.
pub(crate) struct Live {
    training: Training,
    term: Term,
    begun: Instant,
    drawn: Instant,
    size: (usize, usize),
    /// The sum of the losses since the last point, and of how many steps.
    sum: (f64, usize),
    /// Steps at which a point is taken.
    every: usize,
    shown: bool,
}

impl Live {
    /// Of a training that has yet to start; `None` if stderr is no terminal that can show it.
    pub(crate) fn new() -> Option<Live> {
        let term = Term::stderr();
        let able = term.is_term() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        able.then(|| Live {
            training: Training::default(),
            term,
            begun: Instant::now(),
            drawn: Instant::now(),
            size: (0, 0),
            sum: (0.0, 0),
            every: 1,
            shown: false,
        })
    }

    /// Takes note, and draws when it is time.
    pub(crate) fn show(&mut self, progress: Progress<'_>) {
        let training = &mut self.training;
        match progress {
            Progress::Start(start) => {
                training.model = start.model.to_string();
                (training.epochs, training.steps, training.rows) = (start.epochs, start.steps, start.parts.train);
                (training.done, training.before) = (start.done, start.done);
                (self.begun, self.drawn) = (Instant::now(), Instant::now());
            }
            Progress::Step { epoch, loss, .. } => {
                training.done += 1;
                training.epoch = epoch;
                self.sum = (self.sum.0 + loss, self.sum.1 + 1);
                if self.sum.1 >= self.every {
                    training.loss = self.sum.0 / self.sum.1 as f64;
                    training.train.push((training.done as f64 / training.steps as f64, training.loss));
                    self.sum = (0.0, 0);
                    if training.train.len() >= POINTS {
                        let mut at = 0;
                        training.train.retain(|_| {
                            at += 1;
                            at % 2 == 0
                        });
                        self.every *= 2;
                    }
                }
                if self.drawn.elapsed() >= REDRAW && self.begun.elapsed() >= PATIENCE {
                    self.draw();
                }
            }
            Progress::Epoch(epoch) => {
                training.rate = Some(epoch.rate);
                training.scores = epoch.validation;
                if let Some(scores) = epoch.validation {
                    let at = epoch.epoch as f64;
                    training.validation.push((at, scores.loss));
                    let judged = scores.accuracy.map(|accuracy| ("accuracy", accuracy));
                    if let Some((name, judged)) = judged.or(scores.rmse.map(|rmse| ("rmse", rmse))) {
                        training.judged_by = name;
                        training.judged.push((at, judged));
                    }
                }
            }
            Progress::Layers(layers) => {
                let weights = layers.parameters.iter().filter(|parameter| parameter.name.ends_with("weight"));
                for (at, weight) in weights.enumerate() {
                    if at == training.gradients.len() {
                        training.gradients.push((weight.name.clone(), Vec::new()));
                    }
                    training.gradients[at].1.push(weight.gradient_rms);
                }
            }
            Progress::Notice(_) | Progress::Stopped { .. } => {}
        }
    }

    fn draw(&mut self) {
        let (height, width) = self.term.size();
        let size = (usize::from(width), usize::from(height));
        screen::enter();
        self.shown = true;
        let grid = self.frame(size);
        screen::show(grid.lines(console::colors_enabled_stderr()), size != self.size);
        (self.size, self.drawn) = (size, Instant::now());
    }

    fn frame(&self, (width, height): (usize, usize)) -> Grid {
        let spent = self.begun.elapsed().as_secs_f64();
        self.training.frame(width, height, spent, &screen::last_told(3))
    }

    /// Back to the first screen, where the curves stay.
    pub(crate) fn finish(&mut self) {
        if !screen::leave() && !self.shown {
            return;
        }
        if std::mem::take(&mut self.shown) {
            let (_, width) = self.term.size();
            let mut grid = Grid::new(usize::from(width).min(100), 10);
            self.training.curves(&mut grid, 0, 10);
            grid.lines(console::colors_enabled_stderr()).for_each(|line| tell(&line));
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        screen::leave();
    }
}

impl Training {
    /// All of it, after so many seconds, with what was told at the foot.
    fn frame(&self, width: usize, height: usize, spent: f64, told: &[String]) -> Grid {
        let mut grid = Grid::new(width, height);
        self.head(&mut grid, spent);
        let foot = height.saturating_sub(1 + told.len());
        let room = foot.saturating_sub(5);
        // The curves come first, and then half of what is left.
        let layers = self.gradients.len().min(room.saturating_sub(LEAST + 2).div_ceil(2));
        let layers_room = if layers > 0 { layers + 2 } else { 0 };
        let curves = (room - layers_room).min(MOST);
        self.curves(&mut grid, 4, curves);
        if layers > 0 {
            self.layers(&mut grid, 4 + curves + 1, layers);
        }
        for (at, line) in told.iter().enumerate() {
            grid.write(foot + at, 1, line, Style { color: Some(VALIDATION), bold: false });
        }
        grid.write(height.saturating_sub(1), 1, "Ctrl-C saves and ends", SOFT);
        grid
    }

    fn head(&self, grid: &mut Grid, spent: f64) {
        let steps = (self.done - self.before) as f64;
        let each = spent / steps.max(1.0);
        let all = self.steps * self.epochs;
        let left = each * all.saturating_sub(self.done) as f64;
        let share = self.done as f64 / all.max(1) as f64;
        grid.write(0, 1, &self.model, BOLD);
        let bar = 24.min(grid.width() / 4);
        let full = (share * bar as f64).round() as usize;
        let mut at = grid.write(1, 1, &format!("epoch {}/{}  ", self.epoch, self.epochs), BOLD);
        at = grid.write(1, at, &"█".repeat(full.min(bar)), Style { color: Some(TRAINING), bold: false });
        at = grid.write(1, at, &"░".repeat(bar - full.min(bar)), SOFT);
        let speed = self.rows as f64 / self.steps.max(1) as f64 / each;
        let words = format!("  {:.0} %  {} left  {} examples/s", 100.0 * share, clock(left), thousands(speed));
        grid.write(1, at, &words, Style::default());
        at = grid.write(2, 1, &format!("loss {}", four(self.loss)), Style { color: Some(TRAINING), bold: true });
        if let Some(scores) = self.scores {
            let judged =
                self.judged.last().map_or(String::new(), |(_, x)| format!(", {} {}", self.judged_by, four(*x)));
            let words = format!("validation loss {}{judged}", four(scores.loss));
            at = grid.write(2, at + 3, &words, Style { color: Some(VALIDATION), bold: true });
        }
        if let Some(rate) = self.rate {
            grid.write(2, at + 3, &format!("rate {}", four(rate)), Style::default());
        }
    }

    fn curves(&self, grid: &mut Grid, line: usize, height: usize) {
        let losses = [
            Curve { name: "training", points: &self.train, color: TRAINING },
            Curve { name: "validation", points: &self.validation, color: VALIDATION },
        ];
        let width = grid.width();
        if self.judged.is_empty() || width < 60 {
            plot::draw(grid, Area { line, column: 0, width, height }, "loss", &losses);
            return;
        }
        let half = (width - 2) / 2;
        plot::draw(grid, Area { line, column: 0, width: half, height }, "loss", &losses);
        let judged = [Curve { name: "validation", points: &self.judged, color: VALIDATION }];
        plot::draw(grid, Area { line, column: half + 2, width: half, height }, self.judged_by, &judged);
    }

    /// The sizes of the gradients on one logarithmic scale, the epochs from left to right.
    fn layers(&self, grid: &mut Grid, line: usize, count: usize) {
        let title = "gradient of each weight (root mean square)";
        let at = grid.write(line, 1, title, BOLD);
        if count < self.gradients.len() {
            grid.write(line, at, &format!(", the first {count} of {}", self.gradients.len()), SOFT);
        }
        let known = || self.gradients.iter().flat_map(|(_, sizes)| sizes).filter(|size| **size > 0.0);
        let (low, high) = known().fold((f64::INFINITY, 0.0_f64), |(low, high), &x| (low.min(x), high.max(x)));
        let name = self.gradients.iter().take(count).map(|(name, _)| name.len()).max().unwrap_or_default();
        let room = grid.width().saturating_sub(name + 14);
        for (at, (weight, sizes)) in self.gradients.iter().take(count).enumerate() {
            let now = sizes.last().map_or(String::new(), |&size| four(size));
            grid.write(line + 1 + at, 1, &format!("{weight:name$} {now:>9}"), Style::default());
            let bars = sizes[sizes.len().saturating_sub(room)..].iter().map(|&size| {
                let part = if high > low { (size / low).ln() / (high / low).ln() } else { 0.5 };
                if size > 0.0 { BARS[(part * 7.0).round().clamp(0.0, 7.0) as usize] } else { ' ' }
            });
            grid.write(
                line + 1 + at,
                name + 13,
                &bars.collect::<String>(),
                Style { color: Some(TRAINING), bold: false },
            );
        }
    }
}

/// Eighths of a letter.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// `0:07`, `12:30`, `3:00:00`
pub(crate) fn clock(seconds: f64) -> String {
    let all = if seconds.is_finite() { seconds.round() as u64 } else { 0 };
    let (hours, minutes, seconds) = (all / 3600, all / 60 % 60, all % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// `12,345`
fn thousands(x: f64) -> String {
    let digits = if x.is_finite() { format!("{x:.0}") } else { "0".to_owned() };
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;

    fn training() -> Training {
        let curve = |scale: f64| (1..=40).map(|at| (f64::from(at), scale / f64::from(at))).collect::<Vec<_>>();
        Training {
            model: "affine:128 relu affine:64 relu affine:10".into(),
            epochs: 100,
            steps: 40,
            rows: 1258,
            done: 1600,
            epoch: 40,
            loss: 0.0512,
            rate: Some(0.001),
            scores: Some(Scores { loss: 0.2, accuracy: Some(0.9611), rmse: None, r2: None }),
            train: curve(2.0),
            validation: curve(2.5),
            judged: curve(0.9),
            judged_by: "accuracy",
            gradients: (0..9).map(|at| (format!("{at}.weight"), vec![1e-3 / f64::from(at + 1); 30])).collect(),
            ..Training::default()
        }
    }

    #[test]
    fn every_size_is_kept_within() {
        let told = ["warning: 한글".to_owned()];
        for (width, height) in [(80, 24), (200, 50), (40, 12), (20, 5), (1, 1), (0, 0), (300, 100)] {
            let lines: Vec<String> = training().frame(width, height, 8.0, &told).lines(false).collect();
            assert_eq!(lines.len(), height);
            for line in &lines {
                assert!(line.width() <= width, "{width} by {height}: {line}");
            }
        }
    }

    #[test]
    fn all_of_it_is_on_a_small_terminal() {
        let lines: Vec<String> = training().frame(80, 24, 8.0, &["warning: 한글".to_owned()]).lines(false).collect();
        let page = lines.join("\n");
        for words in [
            " affine:128 relu affine:64 relu affine:10\n",
            "epoch 40/100  ████████░░░░░░░░░░░░  40 %  0:12 left  6,290 examples/s",
            "loss 0.0512   validation loss 0.2, accuracy 0.0225   rate 0.001",
            "loss  ━ training  ━ validation",
            "accuracy  ━ validation",
            "gradient of each weight (root mean square), the first ",
            " 0.weight     0.001  █",
            "warning: 한글",
            "Ctrl-C saves and ends",
        ] {
            assert!(page.contains(words), "{words} in\n{page}");
        }
        assert!(page.contains('⠉') || page.contains('⣀') || page.contains('⠤'), "{page}");
    }

    #[test]
    fn curves_come_before_layers_where_room_is_short() {
        let page = |height| training().frame(40, height, 8.0, &[]).lines(false).collect::<Vec<_>>().join("\n");
        let small = page(12);
        assert!(small.contains("━ training") && small.contains('⣀') && !small.contains("gradient"), "{small}");
        assert!(page(20).contains("gradient of each weight"), "{}", page(20));
    }

    #[test]
    fn times_and_numbers_are_as_people_write_them() {
        assert_eq!([7.2, 750.0, 10_800.0, f64::NAN].map(clock), ["0:07", "12:30", "3:00:00", "0:00"]);
        assert_eq!([7.0, 1234.0, 1_234_567.0].map(thousands), ["7", "1,234", "1,234,567"]);
    }
}
