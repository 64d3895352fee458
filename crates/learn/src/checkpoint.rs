//! A checkpoint: all that a training needs to go on, to the bit.
//!
//! ```text
//! "chainrule checkpoint 3\n" | length of the header, u64 | header, JSON | numbers, f32 or f64 | CRC-32 of all before, u32
//! ```
//!
//! All integers are little-endian. The numbers are the arena's first two spans (parameters and optimizer memory), and then, if the best
//! epoch is not the state itself, its parameters, and the losses of the steps so far. Everything else that follows is a function of the header: batches, masks and
//! rates are of (seed, step), and the data are read and encoded again. A file is believed only after its length and its sum fit.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::descent::Past;
use crate::input_error::{InputError, excerpt};
use crate::input_shape;
use crate::layer_statistics::Layers;
use crate::record::Training;
use crate::settings::Settings;
use crate::source::Source;
use crate::step_losses::StepLosses;
use crate::trainer::Epoch;

/// Its name in a run's folder.
pub const CHECKPOINT: &str = "checkpoint";

const MAGIC: &[u8] = b"chainrule checkpoint 3\n";
const SUM: usize = size_of::<u32>();

/// Where a training stands, and what it was asked.
///
/// ```
/// use std::sync::atomic::AtomicBool;
/// use chainrule::trainer::train_kept;
/// use chainrule::{Checkpoint, Every, Keeper, Settings, Source, digits};
/// # let temporary = tempfile::tempdir()?;
/// # let folder = temporary.path().join("run");
/// let settings = Settings { model: Some("affine:10".parse()?), epochs: 2, ..Settings::default() };
/// let stop = AtomicBool::new(true);
/// let mut keeper = Keeper::begin(&folder, false, &Source::default(), Every::Epoch, &stop)?;
/// // Told to stop before it began, it stops after its first step.
/// train_kept(digits(), &settings, &mut keeper, None, |_progress| {}).unwrap_err();
/// let checkpoint = Checkpoint::read(&folder)?;
/// assert_eq!((checkpoint.header.place.epoch, checkpoint.header.place.step), (1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// All but the numbers.
    pub header: Header,
    /// Parameters, then optimizer memory.
    pub(crate) state: Vec<f64>,
    /// The parameters of the best epoch so far; empty before the first.
    pub(crate) best: Vec<f64>,
    /// Of the steps so far.
    pub(crate) losses: StepLosses,
}

/// What a checkpoint says in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Of the program.
    pub version: String,
    /// The network's SPEC.
    pub model: String,
    /// What a row was asked to be.
    pub input: Option<String>,
    /// What was asked.
    pub training: Training,
    /// Where the data are.
    pub source: Source,
    /// What they were: see [`fingerprint`](crate::fingerprint::fingerprint).
    pub fingerprint: String,
    /// Where in it.
    pub place: Place,
    /// Each epoch that is done.
    pub history: Vec<Epoch>,
    /// The layers so far.
    pub layers: Vec<Layers>,
    wide: bool,
    state: usize,
    best: usize,
    losses: usize,
}

/// Where in a training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Steps of it that are done.
    pub step: usize,
    /// The sum of their rows' losses.
    pub(crate) sum: f64,
    /// How many rows those were.
    pub(crate) rows: usize,
    /// Seconds of training so far.
    pub seconds: f64,
}

/// What all checkpoints of a training have in common.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    pub(crate) model: String,
    pub(crate) input: Option<String>,
    pub(crate) training: Training,
    pub(crate) fingerprint: String,
}

impl Header {
    /// The settings that it was begun with, but for the threads.
    ///
    /// # Errors
    /// If they say what cannot be.
    pub fn settings(&self) -> Result<Settings, InputError> {
        let input = self.input.as_deref().map(input_shape::parse).transpose()?;
        Ok(Settings { model: Some(self.model.parse()?), input, ..self.training.settings()? })
    }

    /// Whether a training that is asked for so can go on from it.
    ///
    /// # Errors
    /// The first thing that differs.
    pub(crate) fn expect(&self, asked: &Asked) -> Result<(), InputError> {
        let differs = |what: &str, expected: &str, found: &str| {
            let hint = "give what it was begun with, or train anew";
            Err(InputError::new(format!("{CHECKPOINT}, {what}"), expected, found, hint))
        };
        let version = env!("CARGO_PKG_VERSION");
        if self.version != version {
            return differs("version", version, &self.version);
        }
        if self.fingerprint != asked.fingerprint {
            let found = format!("fingerprint {}", asked.fingerprint);
            return differs("data", &format!("those it was begun with, fingerprint {}", self.fingerprint), &found);
        }
        if self.model != asked.model {
            return differs("model", &excerpt(&asked.model), &excerpt(&self.model));
        }
        if self.training != asked.training || self.input != asked.input {
            return differs("training", "the settings that are asked for", "others");
        }
        Ok(())
    }
}

impl Checkpoint {
    pub(crate) fn new(
        asked: &Asked,
        source: &Source,
        place: Place,
        past: &Past,
        state: Vec<f64>,
        best: Vec<f64>,
    ) -> Checkpoint {
        let narrow = |&x: &f64| f64::from(x as f32).to_bits() == x.to_bits();
        let header = Header {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            model: asked.model.clone(),
            input: asked.input.clone(),
            training: asked.training.clone(),
            source: source.clone(),
            fingerprint: asked.fingerprint.clone(),
            place,
            history: past.history.clone(),
            layers: past.layers.clone(),
            wide: !state.iter().chain(&best).all(narrow),
            state: state.len(),
            best: best.len(),
            losses: past.losses.as_slice().len(),
        };
        Checkpoint { header, state, best, losses: past.losses.clone() }
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// If the header is none that JSON can hold, such as a path that is not UTF-8.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, InputError> {
        let header = serde_json::to_vec(&self.header).map_err(|e| {
            InputError::new(CHECKPOINT, "a header that JSON can hold", e.to_string(), "use a path of plain letters")
        })?;
        let mut bytes = MAGIC.to_vec();
        bytes.extend((header.len() as u64).to_le_bytes());
        bytes.extend(header);
        for &x in self.state.iter().chain(&self.best) {
            match self.header.wide {
                true => bytes.extend(x.to_le_bytes()),
                false => bytes.extend((x as f32).to_le_bytes()),
            }
        }
        bytes.extend(self.losses.as_slice().iter().flat_map(|x| x.to_le_bytes()));
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        Ok(bytes)
    }

    /// Reads the checkpoint of the run in `folder`.
    ///
    /// # Errors
    /// If there is none, or it is not whole.
    pub fn read(folder: &Path) -> Result<Checkpoint, InputError> {
        let path = folder.join(CHECKPOINT);
        let place = path.display().to_string();
        let bytes = std::fs::read(&path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                let hint =
                    "only a training that was interrupted has one; a run that is done is tested, or trained anew";
                InputError::new(folder.display().to_string(), "a run with a checkpoint", "none", hint)
            }
            _ => InputError::io(&path, &e),
        })?;
        Checkpoint::from_bytes(&bytes, &place)
    }

    /// Whether it is of a training with as many `steps` in an epoch, numbers of `parameters` and numbers of optimizer `memory`: before there
    /// is any room made for them.
    ///
    /// # Errors
    /// If it is not.
    pub(crate) fn expect_of(&self, steps: usize, parameters: usize, memory: usize) -> Result<(), InputError> {
        let Place { epoch, step, sum, rows, .. } = self.header.place;
        let within = epoch <= self.header.training.epochs && step <= steps && (step == 0) == (rows == 0);
        let within = within && self.header.losses == StepLosses::after((epoch - 1) * steps + step);
        let best = if self.header.history.is_empty() { 0 } else { parameters };
        if within && sum.is_finite() && (self.state.len(), self.best.len()) == (parameters + memory, best) {
            return Ok(());
        }
        let expected = format!("a place in epochs of {steps} steps, and {} numbers", parameters + memory + best);
        let found = format!("step {step} of epoch {epoch}, and {} numbers", self.state.len() + self.best.len());
        Err(InputError::new(CHECKPOINT, expected, found, "it cannot be gone on from: train anew"))
    }

    fn from_bytes(bytes: &[u8], place: &str) -> Result<Checkpoint, InputError> {
        let broken = |found: &str| {
            let hint = "it cannot be gone on from: train anew";
            InputError::new(place, "a whole checkpoint of this program", found, hint)
        };
        let Some(rest) = bytes.strip_prefix(MAGIC) else { return Err(broken("another kind of file")) };
        let Some((body, sum)) = bytes.split_last_chunk::<SUM>() else { return Err(broken("one that is cut short")) };
        if crc32fast::hash(body) != u32::from_le_bytes(*sum) {
            return Err(broken("one that is cut short or was changed"));
        }
        let rest = &rest[..rest.len() - SUM];
        let header = rest
            .split_first_chunk()
            .and_then(|(length, rest)| rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?));
        let Some((header, numbers)) = header else { return Err(broken("a header that goes beyond its end")) };
        let header: Header = serde_json::from_slice(header)
            .map_err(|e| broken(&format!("a header with {}", excerpt(&e.to_string()))))?;
        let width = if header.wide { size_of::<f64>() } else { size_of::<f32>() };
        let count = header.state.checked_add(header.best).and_then(|count| count.checked_mul(width));
        let parts = count.and_then(|count| numbers.split_at_checked(count));
        let Some((numbers, losses)) = parts.filter(|(_, losses)| Some(losses.len()) == header.losses.checked_mul(4))
        else {
            return Err(broken("more or fewer numbers than its header says"));
        };
        let epochs = header.history.iter().map(|epoch| epoch.epoch);
        if !epochs.eq(1..header.place.epoch) || header.place.epoch == 0 {
            return Err(broken("other epochs than those before its own"));
        }
        let mut values: Vec<f64> = match header.wide {
            true => numbers.as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect(),
            false => numbers.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes).into()).collect(),
        };
        let best = values.split_off(header.state);
        let losses = StepLosses::new(losses.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect());
        Ok(Checkpoint { header, state: values, best, losses })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small(state: Vec<f64>) -> Checkpoint {
        let asked = Asked {
            model: "affine:2".into(),
            input: None,
            training: Training::of(&Settings::default()),
            fingerprint: "0".into(),
        };
        let place = Place { epoch: 2, step: 7, sum: 0.1 + 0.2, rows: 14, seconds: 1.5 };
        let epoch = Epoch { epoch: 1, train_loss: 1.0 / 3.0, validation: None, rate: 0.1, seconds: 1.0 };
        let losses = StepLosses::new((1..=14u8).map(|step| 1.0 / f32::from(step)).collect());
        let past = Past { history: vec![epoch], layers: Vec::new(), losses };
        Checkpoint::new(&asked, &Source::default(), place, &past, state, vec![0.25, -0.0])
    }

    #[test]
    fn what_is_written_is_read_to_the_bit() {
        for (state, width) in [(vec![0.5, -1.5, 0.0], 4), (vec![0.1, 2.0, 3.0], 8)] {
            let checkpoint = small(state);
            let bytes = checkpoint.to_bytes().unwrap();
            assert_eq!(Checkpoint::from_bytes(&bytes, "here").unwrap(), checkpoint);
            let header = serde_json::to_vec(&checkpoint.header).unwrap().len();
            assert_eq!(bytes.len(), MAGIC.len() + 8 + header + 5 * width + 14 * 4 + 4);
        }
    }

    #[test]
    fn a_place_that_cannot_be_is_refused() {
        let whole = small(vec![0.5, 1.5]);
        assert_eq!(whole.expect_of(7, 2, 0), Ok(()));
        for (steps, parameters, memory) in [(6, 2, 0), (7, 1, 1), (7, 2, 1)] {
            assert!(whole.expect_of(steps, parameters, memory).is_err(), "{steps} {parameters} {memory}");
        }
        let placed = |change: fn(&mut Header)| {
            let mut other = whole.clone();
            change(&mut other.header);
            Checkpoint::from_bytes(&other.to_bytes().unwrap(), "here").and_then(|found| found.expect_of(7, 2, 0))
        };
        for change in [
            (|header| header.place.epoch = 0) as fn(&mut Header),
            |header| header.place.epoch = 3,
            |header| header.place.step = 8,
            |header| header.place.rows = 0,
            |header| header.history[0].epoch = 2,
            |header| header.history.clear(),
            |header| header.training.epochs = 1,
            // A loss more than it has steps.
            |header| header.place.step = 6,
            |header| header.losses = usize::MAX,
        ] {
            placed(change).unwrap_err();
        }
        let mut before = whole.clone();
        before.losses = StepLosses::new(whole.losses.as_slice()[..13].to_vec());
        (before.header.place.step, before.header.losses) = (6, 13);
        let before = Checkpoint::from_bytes(&before.to_bytes().unwrap(), "here").unwrap();
        assert_eq!(before.expect_of(7, 2, 0), Ok(()));
    }

    #[test]
    fn every_flipped_byte_and_every_cut_is_refused() {
        let bytes = small(vec![0.5, 1.5]).to_bytes().unwrap();
        for at in 0..bytes.len() {
            assert!(Checkpoint::from_bytes(&bytes[..at], "here").is_err(), "cut at {at}");
            for flip in [1, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[at] ^= flip;
                assert!(Checkpoint::from_bytes(&changed, "here").is_err(), "{flip} at {at}");
            }
        }
    }

    #[test]
    fn lengths_that_cannot_be_are_refused_before_anything_is_allocated() {
        let resum = |mut bytes: Vec<u8>| {
            bytes.truncate(bytes.len() - SUM);
            bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
            Checkpoint::from_bytes(&bytes, "here").unwrap_err().found
        };
        let mut long = small(vec![0.5]).to_bytes().unwrap();
        long[MAGIC.len()..MAGIC.len() + 8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(resum(long), "a header that goes beyond its end");
        let mut many = small(vec![0.5]);
        many.header.state = usize::MAX;
        assert_eq!(resum(many.to_bytes().unwrap()), "more or fewer numbers than its header says");
    }
}
