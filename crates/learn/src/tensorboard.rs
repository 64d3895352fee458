//! Event files, as TensorBoard reads them: a folder of them for a run.
//!
//! | tag | is | at |
//! | --- | --- | --- |
//! | `loss/train`, `loss/validation`, `accuracy/…`, `rmse/…`, `r2/…` | as in `metrics.jsonl` | each epoch |
//! | `rate` | the learning rate of its last step | each epoch |
//! | `examples_per_second` | training rows by the epoch's time, with its scoring | each epoch |
//! | `parameter_rms/…`, `gradient_rms/…`, `output_rms/…`, `dead/…`, `saturated/…` | numbers of [`layers`](crate::layer_statistics) | epochs that are looked at |
//! | `parameters/…`, `gradients/…` | histograms | epochs that are looked at |
//! | `settings` | what was asked, as text | 0 |
//! | `filters/…` | the first layer's weights as a picture, where rows are images | the best epoch |
//! | `loss/test`, `accuracy/test`, … | scores of the rows that were held out | the best epoch |
//!
//! Steps are epochs. A training that goes on writes a new file, as the old one may end in the middle of a record; what is in
//! the folder already is not written again, and what is missing from it is taken from the checkpoint.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::checkpoint::Checkpoint;
use crate::evaluate::Scores;
use crate::input_error::{InputError, excerpt};
use crate::layer_statistics::Layers;
use crate::record::Training;
use crate::settings::Settings;
use crate::trainer::{Epoch, Progress, Start, Trained};
use event::Value;

mod event;
mod filters;
mod framing;

/// What TensorBoard knows its files by.
const MARK: &str = ".tfevents.";
/// What it knows them by that a training wrote.
const OWN: &str = ".chainrule";

/// Writes what happens in a training.
///
/// ```
/// # use chainrule::{Settings, TensorBoard, digits, train};
/// # let logs = tempfile::tempdir().unwrap();
/// # let logs = logs.path();
/// let settings = Settings { epochs: 2, ..Settings::default() };
/// let mut board = TensorBoard::begin(&logs.join("digits-1"), &settings, false)?;
/// let mut failed = None;
/// let trained = train(digits(), &settings, |progress| failed = failed.take().or(board.watch(progress).err()))?;
/// board.end(&trained)?;
/// assert_eq!(failed, None);
/// # Ok::<(), chainrule::TrainError>(())
/// ```
#[derive(Debug)]
pub struct TensorBoard {
    path: PathBuf,
    file: File,
    /// Each tag and step that the folder has, with the number of a scalar.
    present: HashMap<(String, u64), Option<f32>>,
    training: Training,
    /// What a checkpoint knows of.
    past: (Vec<Epoch>, Vec<Layers>),
    /// How many rows train.
    rows: usize,
    /// When the last epoch ended, in seconds of training.
    seconds: f64,
}

impl TensorBoard {
    /// Whether events of a new training may be written to `folder`: it has none, or those of a training that may be replaced.
    ///
    /// # Errors
    /// If they may not.
    pub fn expect_free(folder: &Path, force: bool) -> Result<(), InputError> {
        let files = event_files(folder)?;
        let foreign = files.iter().find(|path| !is_own(path));
        match (files.first(), foreign) {
            (None, _) => Ok(()),
            (Some(_), None) if force => Ok(()),
            (Some(first), foreign) => Err(InputError::new(
                folder.display().to_string(),
                "a folder without events",
                excerpt(&foreign.unwrap_or(first).file_name().unwrap_or_default().to_string_lossy()),
                match foreign {
                    Some(_) => "another program wrote it: choose another folder, or move it away",
                    None => {
                        "choose another --tensorboard or --out, delete the folder, or replace run and events with --force"
                    }
                },
            )),
        }
    }

    /// Of a training that begins with these settings; `force` replaces what another training wrote to `folder`.
    ///
    /// # Errors
    /// As [`expect_free`](Self::expect_free), or if it cannot be written.
    pub fn begin(folder: &Path, settings: &Settings, force: bool) -> Result<Self, InputError> {
        Self::expect_free(folder, force)?;
        for path in event_files(folder)? {
            fs::remove_file(&path).map_err(|e| unwritable(&path, &e))?;
        }
        Self::create(folder, settings, (Vec::new(), Vec::new()), HashMap::new())
    }

    /// Of a training that goes on from a checkpoint.
    ///
    /// # Errors
    /// If the folder has the events of another training, or cannot be read or written.
    pub fn resume(folder: &Path, settings: &Settings, checkpoint: &Checkpoint) -> Result<Self, InputError> {
        let mut present = HashMap::new();
        for path in event_files(folder)? {
            let bytes = fs::read(&path).map_err(|e| InputError::io(&path, &e))?;
            for (step, tags) in framing::records(&bytes).into_iter().filter_map(event::read) {
                present.extend(tags.into_iter().map(|(tag, number)| ((tag, step), number)));
            }
        }
        let header = &checkpoint.header;
        for epoch in &header.history {
            let key = ("loss/train".to_owned(), epoch.epoch as u64);
            if let Some(&Some(found)) = present.get(&key).filter(|&&found| found != Some(epoch.train_loss as f32)) {
                let expected = format!("the events of this training, with loss/train {}", epoch.train_loss as f32);
                return Err(InputError::new(
                    format!("{}, step {}", folder.display(), epoch.epoch),
                    expected,
                    found.to_string(),
                    "they are another training's: choose another --tensorboard",
                ));
            }
        }
        Self::create(folder, settings, (header.history.clone(), header.layers.clone()), present)
    }

    fn create(
        folder: &Path,
        settings: &Settings,
        past: (Vec<Epoch>, Vec<Layers>),
        present: HashMap<(String, u64), Option<f32>>,
    ) -> Result<Self, InputError> {
        fs::create_dir_all(folder).map_err(|e| unwritable(folder, &e))?;
        // TensorBoard reads a folder's files in the order of their names, each until there is a later one.
        let number = |path: &PathBuf| -> Option<u64> {
            let name = path.file_name()?.to_str()?;
            name.split_once(MARK)?.1.split('.').next()?.parse().ok()
        };
        let last = event_files(folder)?.iter().filter_map(number).max().map_or(0, |last| last.saturating_add(1));
        let path = folder.join(format!("events.out{MARK}{:010}{OWN}", last.max(now() as u64)));
        let file = File::create_new(&path).map_err(|e| unwritable(&path, &e))?;
        let training = Training::of(settings);
        let mut board = TensorBoard { path, file, present, training, past, rows: 0, seconds: 0.0 };
        board.append(&event::version(now()))?;
        Ok(board)
    }

    /// Where the events are.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    /// Writes what happened, at once.
    ///
    /// # Errors
    /// If it cannot be written, as on a full disk.
    pub fn watch(&mut self, progress: Progress<'_>) -> Result<(), InputError> {
        match progress {
            Progress::Start(start) => {
                self.rows = start.parts.train;
                self.say(0, vec![("settings".to_owned(), Value::Text(self.settings(start)))])?;
                let (history, layers) = std::mem::take(&mut self.past);
                history.iter().try_for_each(|epoch| self.epoch(epoch))?;
                layers.iter().try_for_each(|layers| self.layers(layers))
            }
            Progress::Epoch(epoch) => self.epoch(epoch),
            Progress::Layers(layers) => self.layers(layers),
            Progress::Step { .. } | Progress::Stopped { .. } => Ok(()),
        }
    }

    /// What came out.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn end(&mut self, trained: &Trained) -> Result<(), InputError> {
        let mut values: Vec<(String, Value)> = trained.test.iter().flat_map(|test| scores("test", test)).collect();
        let picture = filters::filters(&trained.predictor);
        values.extend(picture.map(|(weight, picture)| (format!("filters/{weight}"), picture)));
        self.say(trained.best_epoch as u64, values)
    }

    fn epoch(&mut self, epoch: &Epoch) -> Result<(), InputError> {
        let scalar = |tag: &str, x: f64| (tag.to_owned(), Value::Scalar(x as f32));
        let mut values = vec![scalar("loss/train", epoch.train_loss), scalar("rate", epoch.rate)];
        values.extend(epoch.validation.iter().flat_map(|found| scores("validation", found)));
        let speed = self.rows as f64 / (epoch.seconds - self.seconds);
        values.extend(speed.is_finite().then(|| scalar("examples_per_second", speed)));
        self.seconds = epoch.seconds;
        self.say(epoch.epoch as u64, values)
    }

    fn layers(&mut self, layers: &Layers) -> Result<(), InputError> {
        let mut values = Vec::new();
        let mut scalar = |kind: &str, name: &str, x: Option<f64>| {
            values.extend(x.map(|x| (format!("{kind}/{name}"), Value::Scalar(x as f32))));
        };
        for parameter in &layers.parameters {
            scalar("parameter_rms", &parameter.name, Some(parameter.rms));
            scalar("gradient_rms", &parameter.name, Some(parameter.gradient_rms));
        }
        for output in &layers.outputs {
            let name = format!("{}.{}", output.layer, output.word.split(':').next().unwrap_or_default());
            scalar("output_rms", &name, Some(output.rms));
            scalar("dead", &name, output.dead);
            scalar("saturated", &name, output.saturated);
        }
        for parameter in &layers.parameters {
            let name = &parameter.name;
            let both = [
                ("parameters", &parameter.values, parameter.rms),
                ("gradients", &parameter.gradients, parameter.gradient_rms),
            ];
            // Of numbers none of which is finite there is no histogram.
            let some = both.into_iter().filter(|(_, histogram, _)| histogram.counts.iter().any(|&count| count > 0));
            values.extend(
                some.map(|(kind, histogram, rms)| (format!("{kind}/{name}"), Value::Histogram(histogram.clone(), rms))),
            );
        }
        self.say(layers.epoch as u64, values)
    }

    /// A table in Markdown.
    fn settings(&self, start: &Start) -> String {
        let training = toml::Table::try_from(&self.training).unwrap_or_default();
        let model =
            [("model".to_owned(), start.model.to_string()), ("parameters".to_owned(), start.parameters.to_string())];
        let plain = |value: toml::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let asked = training.into_iter().map(|(name, value)| (name, plain(value)));
        let rows = model
            .into_iter()
            .chain(asked)
            .map(|(name, value)| format!("| {name} | `{}` |\n", value.replace('|', "\\|")));
        format!("| setting | value |\n| --- | --- |\n{}", rows.collect::<String>())
    }

    /// Writes those of the values that the folder does not have.
    fn say(&mut self, step: u64, mut values: Vec<(String, Value)>) -> Result<(), InputError> {
        values.retain(|(tag, _)| !self.present.contains_key(&(tag.clone(), step)));
        if values.is_empty() {
            return Ok(());
        }
        self.append(&event::event(now(), step, &values))
    }

    /// In one call, so that a kill leaves a whole record or a part of one, and no other.
    fn append(&mut self, event: &[u8]) -> Result<(), InputError> {
        self.file.write_all(&framing::framed(event)).map_err(|e| unwritable(&self.path, &e))
    }
}

/// What is judged, under the tags that it has for these rows.
fn scores(rows: &str, scores: &Scores) -> Vec<(String, Value)> {
    let Scores { loss, accuracy, rmse, r2 } = *scores;
    let all = [("loss", Some(loss)), ("accuracy", accuracy), ("rmse", rmse), ("r2", r2)];
    let tag = |(name, x): (&str, Option<f64>)| Some((format!("{name}/{rows}"), Value::Scalar(x? as f32)));
    all.into_iter().filter_map(tag).collect()
}

/// Sorted; none if there is no folder.
fn event_files(folder: &Path) -> Result<Vec<PathBuf>, InputError> {
    let names = match crate::folder::names(folder) {
        Ok(names) => names,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(e) => return Err(unwritable(folder, &e)),
    };
    Ok(names.into_iter().filter(|name| name.contains(MARK)).map(|name| folder.join(name)).collect())
}

fn is_own(path: &Path) -> bool {
    path.extension().is_some_and(|extension| OWN.strip_prefix('.').is_some_and(|own| extension == own))
}

fn unwritable(path: &Path, e: &std::io::Error) -> InputError {
    let hint = "choose another --tensorboard, in a folder that you may write to";
    InputError::new(path.display().to_string(), "a place for events", e.to_string(), hint)
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::{Keeper, Source, TrainError, digits, train_kept};

    /// Each tag, step and scalar of all files, in their order.
    fn events(folder: &Path) -> Vec<(String, u64, Option<f32>)> {
        let files = event_files(folder).unwrap().into_iter().map(|path| fs::read(path).unwrap());
        let mut found = Vec::new();
        for file in files.collect::<Vec<_>>() {
            for (step, tags) in framing::records(&file).into_iter().filter_map(event::read) {
                found.extend(tags.into_iter().map(|(tag, number)| (tag, step, number)));
            }
        }
        found
    }

    fn of(events: &[(String, u64, Option<f32>)], tag: &str) -> Vec<(u64, Option<f32>)> {
        events.iter().filter(|event| event.0 == tag).map(|event| (event.1, event.2)).collect()
    }

    /// A training that is stopped in each epoch, whose last file is cut off each time, and that says its numbers once.
    #[test]
    fn a_training_that_goes_on_repeats_no_step_and_misses_none() {
        let folder = tempfile::tempdir().unwrap();
        let (run, logs) = (folder.path().join("run"), folder.path().join("logs"));
        let model = "conv2d:3@3 relu affine:8 sigmoid affine:10".parse().unwrap();
        let settings = Settings { model: Some(model), epochs: 4, threads: Some(1), ..Settings::default() };
        let stop = AtomicBool::new(false);
        let every = "15".parse().unwrap();
        let mut pieces = 0;
        let trained = loop {
            let (mut keeper, from) = match pieces {
                0 => (Keeper::begin(&run, false, &Source::default(), every, &stop).unwrap(), None),
                _ => Keeper::resume(&run, every, &stop).map(|(keeper, from)| (keeper, Some(from))).unwrap(),
            };
            let mut board = match &from {
                None => TensorBoard::begin(&logs, &settings, false).unwrap(),
                Some(checkpoint) => TensorBoard::resume(&logs, &settings, checkpoint).unwrap(),
            };
            pieces += 1;
            stop.store(false, Ordering::Relaxed);
            let mut steps = 0;
            let trained = train_kept(digits(), &settings, &mut keeper, from, |progress| {
                board.watch(progress).unwrap();
                if let Progress::Step { .. } = progress {
                    steps += 1;
                    stop.store(steps == 43, Ordering::Relaxed);
                }
            });
            match trained {
                Ok(trained) => {
                    board.end(&trained).unwrap();
                    break trained;
                }
                Err(TrainError::Stopped { .. }) => {
                    // As a kill leaves it that comes while it is written.
                    let length = fs::metadata(&board.path).unwrap().len();
                    File::options().write(true).open(&board.path).unwrap().set_len(length - 3).unwrap();
                }
                Err(e) => panic!("{e}"),
            }
        };
        assert!(pieces > 3, "{pieces}");
        let events = events(&logs);
        let mut names: Vec<_> = events.iter().map(|(tag, step, _)| (tag, step)).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), events.len(), "a tag has a step twice");
        let scalar = |number: &dyn Fn(&Epoch) -> f64| -> Vec<(u64, Option<f32>)> {
            trained.history.iter().map(|epoch| (epoch.epoch as u64, Some(number(epoch) as f32))).collect()
        };
        assert_eq!(of(&events, "loss/train"), scalar(&|epoch| epoch.train_loss));
        assert_eq!(of(&events, "rate"), scalar(&|epoch| epoch.rate));
        assert_eq!(of(&events, "loss/validation"), scalar(&|epoch| epoch.validation.unwrap().loss));
        assert_eq!(of(&events, "accuracy/validation"), scalar(&|epoch| epoch.validation.unwrap().accuracy.unwrap()));
        let dead = trained.layers.iter().map(|layers| (layers.epoch as u64, layers.outputs[1].dead.map(|x| x as f32)));
        assert_eq!(of(&events, "dead/1.relu"), dead.collect::<Vec<_>>());
        for (tag, count) in [("parameters/0.weight", 5), ("gradients/4.bias", 5), ("saturated/3.sigmoid", 5)] {
            assert_eq!(
                of(&events, tag).iter().map(|event| event.0).collect::<Vec<_>>(),
                (0..count).collect::<Vec<_>>()
            );
        }
        let best = trained.best_epoch as u64;
        assert_eq!(of(&events, "loss/test"), [(best, Some(trained.test.unwrap().loss as f32))]);
        assert_eq!((of(&events, "filters/0.weight"), of(&events, "settings")), (vec![(best, None)], vec![(0, None)]));
    }

    #[test]
    fn events_of_another_training_are_kept_and_not_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let (run, logs) = (folder.path().join("run"), folder.path().join("logs"));
        let settings = Settings { epochs: 3, ..Settings::default() };
        let mut board = TensorBoard::begin(&logs, &settings, false).unwrap();
        let other = Epoch { epoch: 1, train_loss: 7.5, validation: None, rate: 0.1, seconds: 1.0 };
        board.watch(Progress::Epoch(&other)).unwrap();
        let refused = TensorBoard::begin(&logs, &settings, false).unwrap_err();
        assert_eq!(refused.expected, "a folder without events");
        assert_eq!(of(&events(&logs), "loss/train"), [(1, Some(7.5))]);

        let stop = AtomicBool::new(false);
        let mut keeper = Keeper::begin(&run, false, &Source::default(), "epoch".parse().unwrap(), &stop).unwrap();
        let stopped = train_kept(digits(), &settings, &mut keeper, None, |progress| {
            stop.fetch_or(matches!(progress, Progress::Step { epoch: 2, .. }), Ordering::Relaxed);
        });
        assert!(matches!(stopped, Err(TrainError::Stopped { .. })));
        let checkpoint = Checkpoint::read(&run).unwrap();
        let refused = TensorBoard::resume(&logs, &settings, &checkpoint).unwrap_err();
        assert!(refused.place.ends_with("logs, step 1") && refused.found == "7.5", "{refused}");

        // What another program wrote is not replaced, whatever is said.
        TensorBoard::begin(&logs, &settings, true).unwrap();
        assert_eq!(of(&events(&logs), "loss/train"), []);
        fs::write(logs.join("events.out.tfevents.1.host"), "another's").unwrap();
        let refused = TensorBoard::begin(&logs, &settings, true).unwrap_err();
        assert_eq!(refused.found, "'events.out.tfevents.1.host'");
    }

    #[test]
    fn files_are_read_in_the_order_in_which_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        // A clock that was ahead.
        fs::write(folder.path().join("events.out.tfevents.9000000000.chainrule"), "").unwrap();
        let create = || TensorBoard::create(folder.path(), &Settings::default(), <_>::default(), HashMap::new());
        let names = [create().unwrap().path, create().unwrap().path];
        assert!(names[0] < names[1]);
        assert_eq!(event_files(folder.path()).unwrap()[1..], names);
    }
}
