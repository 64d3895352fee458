//! The file of a cache: chunks with their sums, and the meta at its end.

use std::fs::{self, File};
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use super::{Chunk, Meta};
use crate::input_error::InputError;

const MAGIC: &[u8; 24] = b"chainrule table cache 2\n";
/// A file that was written to since is not yet an attempt that was given up.
const RECENT: Duration = Duration::from_secs(60);

/// A whole cache.
#[derive(Debug)]
pub(crate) struct Cache {
    path: PathBuf,
    file: Mutex<File>,
}

impl Cache {
    /// The cache at `path`; `None` if there is none, or none that is whole and can be so.
    pub(crate) fn open(path: &Path) -> Option<(Cache, Meta)> {
        let mut file = File::open(path).ok()?;
        let length = file.metadata().ok()?.len();
        let mut end = [0; 20 + MAGIC.len()];
        file.seek(SeekFrom::Start(length.checked_sub(end.len() as u64)?)).ok()?;
        file.read_exact(&mut end).ok()?;
        let (at, rest) = end.split_first_chunk()?;
        let (bytes, rest) = rest.split_first_chunk()?;
        let (sum, magic) = rest.split_first_chunk()?;
        let (at, bytes) = (u64::from_le_bytes(*at), u64::from_le_bytes(*bytes));
        if magic != MAGIC || at.checked_add(bytes)?.checked_add(end.len() as u64)? != length {
            return None;
        }
        file.seek(SeekFrom::Start(at)).ok()?;
        let mut meta = Vec::new();
        Read::by_ref(&mut file).take(bytes).read_to_end(&mut meta).ok()?;
        if crc32fast::hash(&meta) != u32::from_le_bytes(*sum) {
            return None;
        }
        let meta: Meta = serde_json::from_slice(&meta).ok()?;
        if !meta.is_consistent(MAGIC.len() as u64, at) {
            return None;
        }
        Some((Cache { path: path.to_owned(), file: Mutex::new(file) }, meta))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The cells of chunks, one after the other.
    ///
    /// # Errors
    /// If the file cannot be read or is not what was written.
    pub(crate) fn all<const N: usize, T>(
        &self,
        chunks: &[Chunk],
        cell: fn([u8; N]) -> T,
    ) -> Result<Vec<T>, InputError> {
        let mut cells = Vec::with_capacity(chunks.iter().map(|chunk| chunk.bytes / N).sum());
        for &chunk in chunks {
            let mut bytes = vec![0; chunk.bytes];
            let mut file = self.file.lock().map_err(|_| damaged(&self.path, "a thread that failed"))?;
            read(&mut file, chunk, &mut bytes, &self.path)?;
            // The next thread may read while this one sums.
            drop(file);
            expect_sum(&bytes, chunk, &self.path)?;
            cells.extend(bytes.as_chunks().0.iter().map(|&bytes| cell(bytes)));
        }
        Ok(cells)
    }
}

fn read(file: &mut File, chunk: Chunk, bytes: &mut [u8], path: &Path) -> Result<(), InputError> {
    let read = file.seek(SeekFrom::Start(chunk.at)).and_then(|_| file.read_exact(bytes));
    read.map_err(|e| damaged(path, &e.to_string()))
}

fn expect_sum(bytes: &[u8], chunk: Chunk, path: &Path) -> Result<(), InputError> {
    if crc32fast::hash(bytes) == chunk.sum { Ok(()) } else { Err(damaged(path, "bytes that were changed")) }
}

pub(super) fn damaged(path: &Path, found: &str) -> InputError {
    let hint = "remove it: it is made anew from the table";
    InputError::new(path.display().to_string(), "a cache as it was written", found, hint)
}

/// A cache under way.
pub(crate) struct Writer {
    path: PathBuf,
    new: PathBuf,
    file: BufWriter<File>,
    at: u64,
    whole: bool,
}

impl Writer {
    /// Begins the cache at `path`.
    ///
    /// # Errors
    /// If it cannot be written there.
    pub(crate) fn new(path: &Path) -> Result<Writer, InputError> {
        remove_strays(path);
        let mut new = path.as_os_str().to_owned();
        new.push(format!("{NEW}{}", std::process::id()));
        let new = PathBuf::from(new);
        let file = File::options().create(true).truncate(true).read(true).write(true).open(&new);
        let file = file.map_err(|e| unwritable(path, &e))?;
        // A system without locks leaves strays, which is no error.
        let _ = file.try_lock();
        let file = BufWriter::with_capacity(1 << 20, file);
        let mut writer = Writer { path: path.to_owned(), new, file, at: 0, whole: false };
        writer.put(MAGIC)?;
        Ok(writer)
    }

    /// Adds a chunk.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<Chunk, InputError> {
        self.file.write_all(bytes).map_err(|e| unwritable(&self.path, &e))?;
        let chunk = Chunk { at: self.at, bytes: bytes.len(), sum: crc32fast::hash(bytes) };
        self.at += bytes.len() as u64;
        Ok(chunk)
    }

    /// Adds cells as chunks of `group`.
    pub(crate) fn put_all<const N: usize, T: Copy>(
        &mut self,
        cells: &[T],
        group: usize,
        bytes: fn(T) -> [u8; N],
    ) -> Result<Vec<Chunk>, InputError> {
        let chunks = cells.chunks(group);
        chunks.map(|cells| self.put(&cells.iter().flat_map(|&cell| bytes(cell)).collect::<Vec<u8>>())).collect()
    }

    /// Reads a chunk back.
    pub(crate) fn read<const N: usize, T>(
        &mut self,
        chunk: Chunk,
        cell: fn([u8; N]) -> T,
    ) -> Result<Vec<T>, InputError> {
        self.file.flush().map_err(|e| unwritable(&self.path, &e))?;
        let at = self.at;
        let file = self.file.get_mut();
        let mut bytes = vec![0; chunk.bytes];
        read(file, chunk, &mut bytes, &self.new)?;
        expect_sum(&bytes, chunk, &self.new)?;
        file.seek(SeekFrom::Start(at)).map_err(|e| unwritable(&self.path, &e))?;
        Ok(bytes.as_chunks().0.iter().map(|&bytes| cell(bytes)).collect())
    }

    /// Ends it, under its name.
    pub(crate) fn finish(mut self, meta: &Meta) -> Result<(Cache, Meta), InputError> {
        let json = serde_json::to_vec(meta).map_err(|e| damaged(&self.path, &e.to_string()))?;
        let chunk = self.put(&json)?;
        let end = [&chunk.at.to_le_bytes()[..], &(chunk.bytes as u64).to_le_bytes(), &chunk.sum.to_le_bytes(), MAGIC];
        self.put(&end.concat())?;
        // On the disk before it has its name, should the machine lose its power.
        let whole = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        // Some systems keep all others from reading what is locked.
        let _ = self.file.get_ref().unlock();
        let written = whole.and_then(|()| fs::rename(&self.new, &self.path));
        written.map_err(|e| unwritable(&self.path, &e))?;
        self.whole = true;
        Cache::open(&self.path).ok_or_else(|| damaged(&self.path, "another file"))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.whole {
            // What is left of the attempt is of no use to anyone.
            let _ = fs::remove_file(&self.new);
        }
    }
}

/// What a cache under way is called after its name, and before its process.
const NEW: &str = ".new-";

/// Removes what processes left that ended before their cache was whole: the lock on such a file went with them.
fn remove_strays(path: &Path) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned() + NEW;
    // A bare name is in the folder that the program runs in.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let of_cache = entry.file_name().to_str().and_then(|file| file.strip_prefix(&name)?.parse::<u32>().ok());
        let is_old = |meta: fs::Metadata| {
            meta.is_file() && meta.modified().is_ok_and(|at| at.elapsed().is_ok_and(|since| since > RECENT))
        };
        if of_cache.is_some()
            && entry.metadata().is_ok_and(is_old)
            && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok())
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

pub(super) fn unwritable(path: &Path, e: &std::io::Error) -> InputError {
    let hint = "make room there, or copy the table to a folder that you may write to: --memory needs about as much disk as the table";
    InputError::new(path.display().to_string(), "a file that can be written", e.to_string(), hint)
}
