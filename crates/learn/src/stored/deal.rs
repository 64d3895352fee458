//! An epoch of mini-batches from disk: the order that [`MiniBatches`](crate::MiniBatches) gives, exactly, without reading rows one by one.
//!
//! A row at a time would be as many small reads as there are rows, for a disk hours. Instead each epoch goes over the table once, in
//! the order in which it lies, and writes each encoded row into the *stretch* of the epoch that it belongs to: a part of one scratch
//! file that has room for so many whole batches. Within its stretch a row carries its place. Stretches are then read one by one, each a
//! sixteenth of the memory that is given, while the one before is trained on. So an epoch is two sequential passes to read and one to write.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use chainrule_engine::Column;

use super::StoredExamples;
use super::cache::unwritable;
use crate::encoding::{Labels, Table};
use crate::input_error::InputError;
use crate::mini_batch::MiniBatches;
use crate::pipeline::in_order;
use crate::random::{Purpose, stream};
use crate::settings::Settings;

/// Bytes of a stretch that wait to be written.
const WAITING: usize = 256 << 10;

/// Deals batches of training rows.
pub(crate) struct Dealer<'a> {
    examples: &'a StoredExamples,
    train: &'a [u32],
    seed: u64,
    threads: usize,
    batch: usize,
    scratch: Arc<Scratch>,
    /// The stretch at hand.
    at_hand: Option<(usize, Table)>,
    /// The one that was asked for.
    asked: Option<usize>,
    ask: Sender<usize>,
    answer: Receiver<Result<Table, InputError>>,
}

impl<'a> Dealer<'a> {
    pub(crate) fn new(examples: &'a StoredExamples, train: &'a [u32], settings: &Settings) -> Result<Self, InputError> {
        let batch = settings.batch.max(1);
        let scratch = Arc::new(Scratch::new(examples, train.len(), batch)?);
        let (ask, asked) = channel();
        let (give, answer) = channel();
        let reader = Arc::clone(&scratch);
        // It ends when nobody can ask it.
        thread::spawn(move || {
            while let Ok(stretch) = asked.recv() {
                if give.send(reader.read(stretch)).is_err() {
                    return;
                }
            }
        });
        let (seed, threads) = (settings.seed, settings.threads());
        Ok(Dealer { examples, train, seed, threads, batch, scratch, at_hand: None, asked: None, ask, answer })
    }

    /// How many batches an epoch has.
    pub(crate) fn len(&self) -> usize {
        self.train.len().div_ceil(self.batch)
    }

    /// Turns to another epoch.
    pub(crate) fn reshuffle(&mut self, epoch: u64) -> Result<(), InputError> {
        if self.asked.take().is_some() {
            // Of the epoch before.
            let _ = self.answer.recv();
        }
        self.at_hand = None;
        let mut order = self.train.to_vec();
        stream(self.seed, Purpose::Shuffle, epoch).shuffle(&mut order);
        let mut places = vec![u32::MAX; self.examples.stored.rows()];
        (0..).zip(&order).for_each(|(place, &row)| places[row as usize] = place);
        drop(order);
        let (scratch, examples) = (&self.scratch, self.examples);
        let mut stretches: Vec<(u64, Vec<u8>)> =
            (0..scratch.stretches()).map(|at| (scratch.start(at), Vec::new())).collect();
        let mut groups = 0..examples.stored.groups();
        in_order(
            self.threads,
            || Ok::<_, InputError>(groups.next()),
            || Ok(()),
            |(): &mut (), group| {
                let begin = examples.stored.rows_of(group).start;
                let table = examples.group(group)?;
                Ok(scratch.deal(&table, &places[begin..]))
            },
            |dealt: Vec<(usize, Vec<u8>)>| {
                for (stretch, bytes) in dealt {
                    let (at, waiting) = &mut stretches[stretch];
                    waiting.extend(bytes);
                    if waiting.len() >= WAITING {
                        scratch.write(at, waiting)?;
                    }
                }
                Ok(())
            },
        )?;
        stretches.iter_mut().try_for_each(|(at, waiting)| scratch.write(at, waiting))
    }

    /// The batch of this number in the epoch: a table, and which rows of it.
    pub(crate) fn batch(&mut self, number: usize) -> Result<(&Table, std::ops::Range<u32>), InputError> {
        let begin = number * self.batch;
        let stretch = begin / self.scratch.rows;
        if self.at_hand.as_ref().is_none_or(|(at, _)| *at != stretch) {
            if self.asked.is_some_and(|asked| asked != stretch) {
                let _ = self.answer.recv();
                self.asked = None;
            }
            if self.asked.is_none() {
                self.request(stretch)?;
            }
            self.asked = None;
            // Two are in memory: this one and the next.
            self.at_hand = None;
            let table = self.answer.recv().map_err(|_| self.scratch.gone())??;
            self.at_hand = Some((stretch, table));
            if stretch + 1 < self.scratch.stretches() {
                self.request(stretch + 1)?;
            }
        }
        let first = begin - stretch * self.scratch.rows;
        let count = self.batch.min(self.train.len() - begin);
        match &self.at_hand {
            Some((_, table)) => Ok((table, first as u32..(first + count) as u32)),
            None => Err(self.scratch.gone()),
        }
    }

    /// The rows of a batch by their numbers in the table on disk.
    pub(crate) fn numbers(&self, epoch: u64, number: usize) -> Vec<u32> {
        let batches = MiniBatches::new(self.train, self.batch, self.seed, epoch);
        batches.iter().nth(number).unwrap_or_default().to_vec()
    }

    fn request(&mut self, stretch: usize) -> Result<(), InputError> {
        self.asked = Some(stretch);
        self.ask.send(stretch).map_err(|_| self.scratch.gone())
    }
}

/// The file of an epoch.
struct Scratch {
    path: PathBuf,
    file: Mutex<File>,
    /// Training rows in all, and of a stretch.
    all: usize,
    rows: usize,
    width: usize,
    classes: bool,
    weighed: bool,
}

impl Scratch {
    fn new(examples: &StoredExamples, all: usize, batch: usize) -> Result<Scratch, InputError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let mut path = examples.stored.cache.path().as_os_str().to_owned();
        path.push(format!(".epoch-{}-{number}", std::process::id()));
        let path = PathBuf::from(path);
        let file = File::options().create(true).truncate(true).read(true).write(true).open(&path);
        let file = Mutex::new(file.map_err(|e| unwritable(&path, &e))?);
        // Where that can be done, the file is gone however the process ends.
        if cfg!(unix) {
            let _ = fs::remove_file(&path);
        }
        let weighed = examples.stored.weights.is_some();
        let mut scratch = Scratch {
            path,
            file,
            all,
            rows: batch,
            width: examples.encoding.input.width,
            classes: examples.is_of_classes(),
            weighed,
        };
        let room = examples.stored.memory as usize / 16 / scratch.record() / batch;
        scratch.rows = batch * room.max(1);
        Ok(scratch)
    }

    /// Bytes of a row: its place in the stretch, its numbers, its target, its weight.
    fn record(&self) -> usize {
        4 * (1 + self.width + 1 + usize::from(self.weighed))
    }

    fn stretches(&self) -> usize {
        self.all.div_ceil(self.rows)
    }

    fn start(&self, stretch: usize) -> u64 {
        (stretch * self.rows * self.record()) as u64
    }

    /// The records of those rows of a table that have a place, by stretch.
    fn deal(&self, table: &Table, places: &[u32]) -> Vec<(usize, Vec<u8>)> {
        let mut dealt: Vec<Vec<u8>> = vec![Vec::new(); self.stretches()];
        let [x, t, w] = table.columns();
        let Column::F32(x) = x else { return Vec::new() };
        for ((row, x), &place) in x.chunks_exact(self.width).enumerate().zip(places) {
            if place == u32::MAX {
                continue;
            }
            let to = &mut dealt[place as usize / self.rows];
            to.extend(((place as usize % self.rows) as u32).to_le_bytes());
            x.iter().for_each(|x| to.extend(x.to_le_bytes()));
            match t {
                Column::U32(labels) => to.extend(labels[row].to_le_bytes()),
                Column::F32(values) => to.extend(values[row].to_le_bytes()),
                _ => to.extend([0; 4]),
            }
            if let Column::F32(weights) = w {
                to.extend(weights[row].to_le_bytes());
            }
        }
        dealt.into_iter().enumerate().filter(|(_, bytes)| !bytes.is_empty()).collect()
    }

    /// Writes what waits, and goes on behind it.
    fn write(&self, at: &mut u64, waiting: &mut Vec<u8>) -> Result<(), InputError> {
        let mut file = self.file.lock().map_err(|_| self.gone())?;
        let written = file.seek(SeekFrom::Start(*at)).and_then(|_| file.write_all(waiting));
        written.map_err(|e| unwritable(&self.path, &e))?;
        *at += waiting.len() as u64;
        waiting.clear();
        Ok(())
    }

    /// The rows of a stretch, each in its place.
    fn read(&self, stretch: usize) -> Result<Table, InputError> {
        let rows = self.rows.min(self.all - stretch * self.rows);
        let mut bytes = vec![0; rows * self.record()];
        {
            let mut file = self.file.lock().map_err(|_| self.gone())?;
            let read = file.seek(SeekFrom::Start(self.start(stretch))).and_then(|_| file.read_exact(&mut bytes));
            read.map_err(|e| InputError::io(&self.path, &e))?;
        }
        let mut x = vec![0.0; rows * self.width];
        let mut t = vec![[0; 4]; rows];
        let mut w = vec![0.0; if self.weighed { rows } else { 0 }];
        let mut come = 0;
        for record in bytes.chunks_exact(self.record()) {
            let words = record.as_chunks::<4>().0;
            let place = u32::from_le_bytes(words[0]) as usize;
            if place >= rows {
                return Err(self.gone());
            }
            come += place;
            let row = &mut x[place * self.width..][..self.width];
            row.iter_mut().zip(&words[1..]).for_each(|(x, &word)| *x = f32::from_le_bytes(word));
            t[place] = words[1 + self.width];
            if self.weighed {
                w[place] = f32::from_le_bytes(words[2 + self.width]);
            }
        }
        // Each place once, or another process wrote here.
        if come != rows * rows.saturating_sub(1) / 2 {
            return Err(self.gone());
        }
        let labels = if self.classes {
            Labels::Classes(t.into_iter().map(u32::from_le_bytes).collect())
        } else {
            Labels::Numbers(t.into_iter().map(f32::from_le_bytes).collect())
        };
        Ok(Table::of(x, self.width, labels, self.weighed.then_some(w)))
    }

    fn gone(&self) -> InputError {
        let hint = "go on from the last checkpoint: chainrule train --resume with the run's folder";
        InputError::new(self.path.display().to_string(), "an epoch as it was written", "something else", hint)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !cfg!(unix) {
            let _ = fs::remove_file(&self.path);
        }
    }
}
