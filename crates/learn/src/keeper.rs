//! Who keeps a training: when a checkpoint is due, the lock of its folder, and the way back to both.
//!
//! A checkpoint is written beside the old one, synced and renamed, so that there is always a whole one. The lock is the operating
//! system's and dies with its process: two trainings never write to one folder.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::checkpoint::{CHECKPOINT, Checkpoint};
use crate::folder::{kept, unwritable};
use crate::input_error::{InputError, excerpt};
use crate::run_folder::expect_free;
use crate::source::Source;

/// The file that is locked.
pub(crate) const LOCK: &str = "lock";

/// How often a checkpoint is written.
///
/// ```
/// use std::time::Duration;
/// use chainrule::Every;
/// assert_eq!("100".parse(), Ok(Every::Steps(100)));
/// assert_eq!("30s".parse(), Ok(Every::Time(Duration::from_secs(30))));
/// assert!("often".parse::<Every>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Every {
    /// After so many steps.
    Steps(usize),
    /// After the first step that so much time has passed since the last one.
    Time(Duration),
    /// After each epoch.
    Epoch,
}

impl Default for Every {
    fn default() -> Self {
        Every::Time(Duration::from_secs(10))
    }
}

impl FromStr for Every {
    type Err = InputError;

    fn from_str(text: &str) -> Result<Self, InputError> {
        let steps = || text.parse().ok().filter(|&steps| steps > 0).map(Every::Steps);
        let seconds = |text: &str| text.parse::<f64>().ok().filter(|s| (0.0..=1e9).contains(s));
        let time = || text.strip_suffix('s').and_then(seconds).map(|s| Every::Time(Duration::from_secs_f64(s)));
        let epoch = (text == "epoch").then_some(Every::Epoch);
        epoch.or_else(steps).or_else(time).ok_or_else(|| {
            let expected = "a number of steps, of seconds such as 30s, or epoch";
            InputError::new("", expected, excerpt(text), "for example 100, 30s or epoch")
        })
    }
}

/// The folder of a training under way.
#[derive(Debug)]
pub struct Keeper<'a> {
    folder: PathBuf,
    pub(crate) source: Source,
    every: Every,
    /// Set by whoever wants the training to end after the step at hand.
    stop: &'a AtomicBool,
    last: Instant,
    /// Closed when the keeper goes, which unlocks it.
    _lock: File,
    /// What was not there before.
    made: Vec<PathBuf>,
}

impl<'a> Keeper<'a> {
    /// Takes `folder` for a training that begins on data from `source`.
    ///
    /// ```
    /// use std::sync::atomic::AtomicBool;
    /// use chainrule::{Every, Keeper, Source};
    /// # let temporary = tempfile::tempdir()?;
    /// # let folder = temporary.path().join("run");
    /// let stop = AtomicBool::new(false);
    /// let keeper = Keeper::begin(&folder, false, &Source::default(), Every::Epoch, &stop)?;
    /// // One training at a time.
    /// assert!(Keeper::begin(&folder, false, &Source::default(), Every::Epoch, &stop).is_err());
    /// # drop(keeper);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If it may not be written to (see [`expect_free`]), or another process trains there.
    pub fn begin(
        folder: &Path,
        force: bool,
        source: &Source,
        every: Every,
        stop: &'a AtomicBool,
    ) -> Result<Self, InputError> {
        expect_free(folder, force)?;
        let made: Vec<PathBuf> = folder
            .ancestors()
            .filter(|above| !above.as_os_str().is_empty())
            .take_while(|above| !above.exists())
            .map(Path::to_owned)
            .collect();
        fs::create_dir_all(folder).map_err(|e| unwritable(folder, &e))?;
        Keeper::lock(folder, source.clone(), every, stop, made)
    }

    /// Takes the folder of an interrupted training, and reads where it stands.
    ///
    /// # Errors
    /// If there is no whole checkpoint, or another process trains there.
    pub fn resume(folder: &Path, every: Every, stop: &'a AtomicBool) -> Result<(Self, Checkpoint), InputError> {
        let source = Checkpoint::read(folder)?.header.source;
        let keeper = Keeper::lock(folder, source, every, stop, Vec::new())?;
        // Read again under the lock: another process may have gone on and ended since.
        let checkpoint = Checkpoint::read(folder)?;
        Ok((keeper, checkpoint))
    }

    fn lock(
        folder: &Path,
        source: Source,
        every: Every,
        stop: &'a AtomicBool,
        made: Vec<PathBuf>,
    ) -> Result<Self, InputError> {
        let path = folder.join(LOCK);
        let lock = File::options().create(true).truncate(false).write(true).open(&path);
        let lock = lock.map_err(|e| unwritable(folder, &e))?;
        match lock.try_lock() {
            // A file system without locks protects no one, and is no reason not to train.
            Ok(()) => {}
            Err(TryLockError::Error(e)) if e.kind() == io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(e)) => return Err(InputError::io(&path, &e)),
            Err(TryLockError::WouldBlock) => {
                let hint = "wait for it, or choose another --out";
                let found = "another process that does";
                return Err(InputError::new(folder.display().to_string(), "nobody else to train there", found, hint));
            }
        }
        Ok(Keeper { folder: folder.to_owned(), source, every, stop, last: Instant::now(), _lock: lock, made })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the data are.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Whether the training is to end.
    pub(crate) fn is_to_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Whether a checkpoint is due after the step of this number, counted over the whole training from 1.
    pub(crate) fn is_due(&self, step: u64, ends_epoch: bool) -> bool {
        match self.every {
            Every::Steps(steps) => step.is_multiple_of(steps as u64),
            Every::Time(time) => self.last.elapsed() >= time,
            Every::Epoch => ends_epoch,
        }
    }

    /// Writes a checkpoint in place of the last one.
    ///
    /// # Errors
    /// If it cannot be written; the last one is still there.
    pub(crate) fn save(&mut self, checkpoint: &Checkpoint) -> Result<(), InputError> {
        let bytes = checkpoint.to_bytes()?;
        let (path, beside) = (self.folder.join(CHECKPOINT), self.folder.join(format!(".{CHECKPOINT}.new")));
        let written = File::create(&beside)
            .and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&beside, &path))
            .and_then(|()| sync(&self.folder));
        self.last = Instant::now();
        written.map_err(|e| {
            // What is left of the attempt is of no use to anyone.
            let _ = fs::remove_file(&beside);
            kept(InputError::unwritable(&path, "a checkpoint", &e), &self.folder, Some(&CHECKPOINT))
        })
    }
}

/// Makes a rename last, where folders can be synced.
fn sync(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

impl Drop for Keeper<'_> {
    /// A folder in which nothing is kept goes as it came.
    fn drop(&mut self) {
        let _ = fs::remove_file(self.folder.join(LOCK));
        for folder in &self.made {
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static NEVER: AtomicBool = AtomicBool::new(false);

    #[test]
    fn how_often_is_read() {
        assert_eq!("100".parse(), Ok(Every::Steps(100)));
        assert_eq!("2.5s".parse(), Ok(Every::Time(Duration::from_millis(2500))));
        assert_eq!("epoch".parse(), Ok(Every::Epoch));
        for text in ["", "0", "-1", "s", "-1s", "nans", "infs", "1m", "Epoch"] {
            assert_eq!(text.parse::<Every>().unwrap_err().found, excerpt(text));
        }
    }

    #[test]
    fn a_folder_has_one_training_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("runs/one");
        let begin = || Keeper::begin(&run, false, &Source::default(), Every::default(), &NEVER);
        let first = begin().unwrap();
        assert_eq!(begin().unwrap_err().found, "another process that does");
        drop(first);
        assert!(!folder.path().join("runs").exists(), "nothing was kept");
        drop(begin().unwrap());
    }
}
