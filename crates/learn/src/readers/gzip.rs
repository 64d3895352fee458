//! A file's bytes, unpacked if they are gzipped, which their first two bytes tell.
//!
//! A small file may unpack to a thousand times its size. Data do so only when they hold
//! nothing, so that the reader stops at a bound instead of filling the memory. What has come of a pipe is counted, as its length is not known.

use super::standard_input;
use crate::input_error::InputError;
use flate2::bufread::MultiGzDecoder;
use std::{
    fs::File,
    io::{self, BufReader, Cursor, Read},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

const MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Any file may unpack to this much, …
const FREE: u64 = 64 << 20;
/// … and to this many times its packed size; real tables reach 50.
const RATIO: u64 = 200;

/// Opens `path`, plain or gzipped, or standard input. Errors in reading are for [`error`] to tell.
pub(super) fn open(path: &Path) -> Result<Box<dyn Read + Send>, InputError> {
    let io = |e| InputError::io(path, &e);
    if standard_input::is_meant(path) {
        return match standard_input::kept() {
            Some(bytes) => unpack(Cursor::new(bytes), 0),
            None => unpack(standard_input::open()?, 0),
        }
        .map_err(io);
    }
    let file = File::open(path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    unpack(file, length).map_err(io)
}

/// What the bytes hold, of which there are so many or more.
fn unpack(mut packed: impl Read + Send + 'static, length: u64) -> io::Result<Box<dyn Read + Send>> {
    let mut start = Vec::new();
    packed.by_ref().take(2).read_to_end(&mut start)?;
    let zipped = start == MAGIC;
    // The two bytes are put back rather than sought: a pipe cannot go back.
    let whole = Cursor::new(start).chain(packed);
    if !zipped {
        return Ok(Box::new(BufReader::new(whole)));
    }
    let come = Arc::new(AtomicU64::new(0));
    let counted = Counted { inner: whole, come: Arc::clone(&come) };
    Ok(Box::new(Bounded { inner: MultiGzDecoder::new(BufReader::new(counted)), length, come, given: 0 }))
}

/// What so many packed bytes may hold.
pub(super) fn most(packed: u64) -> u64 {
    packed.saturating_mul(RATIO).saturating_add(FREE)
}

/// What unpacks from so many packed bytes, ended by an error that [`error`] knows once it is more than they may hold.
pub(super) fn bounded(inner: impl Read, packed: u64) -> impl Read {
    Bounded { inner, length: packed, come: Arc::default(), given: 0 }
}

/// Counts the bytes that come through.
struct Counted<R> {
    inner: R,
    come: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.come.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// What an error in reading `path` means, gzip's own included.
pub(super) fn error(path: &Path, error: &io::Error) -> InputError {
    let (expected, found, hint) = match error.kind() {
        io::ErrorKind::UnexpectedEof => ("a whole gzip file", "its end is missing", "download or copy the file again"),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            ("gzip data", "damaged bytes", "download or copy the file again")
        }
        io::ErrorKind::FileTooLarge => (
            "a gzip file of data",
            "one that unpacks to more than 200 times its size",
            "if it is meant so, unpack it and give the unpacked file",
        ),
        _ => return InputError::io(path, error),
    };
    InputError::new(path.display().to_string(), expected, found, hint)
}

/// Ends in an error once it has given more than the packed bytes may hold.
struct Bounded<R> {
    inner: R,
    /// Packed bytes, as many as the file has, and as many as have come.
    length: u64,
    come: Arc<AtomicU64>,
    given: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.given += n as u64;
        let packed = self.length.max(self.come.load(Ordering::Relaxed));
        if self.given > most(packed) {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(n)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    /// `bytes` as a gzip file.
    pub(crate) fn pack(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// What reading a file of these bytes gives.
    fn read(bytes: &[u8]) -> Result<Vec<u8>, InputError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let mut all = Vec::new();
        let mut reader = open(file.path())?;
        reader.read_to_end(&mut all).map_err(|e| error(file.path(), &e))?;
        Ok(all)
    }

    #[test]
    fn the_content_tells_plain_from_packed() {
        for plain in [&b""[..], b"\x1f", b"a,b\n1,2\n"] {
            assert_eq!(read(plain).unwrap(), plain);
            assert_eq!(read(&pack(plain)).unwrap(), plain);
        }
        // Two members, one after the other, as parallel packers write them.
        assert_eq!(read(&[pack(b"one "), pack(b"two")].concat()).unwrap(), b"one two");
    }

    #[test]
    fn a_torn_or_damaged_file_is_known() {
        let packed = pack(&(0..=255).cycle().take(5000).collect::<Vec<u8>>());
        for cut in [2, 9, packed.len() / 2, packed.len() - 1] {
            assert_eq!(read(&packed[..cut]).unwrap_err().found, "its end is missing");
        }
        let mut damaged = packed;
        let end = damaged.len() - 6; // in the checksum
        damaged[end] ^= 1;
        assert_eq!(read(&damaged).unwrap_err().found, "damaged bytes");
    }

    #[test]
    fn a_bomb_does_not_go_off() {
        let bomb = pack(&vec![0; 80 << 20]);
        assert!(bomb.len() < 100_000);
        let error = read(&bomb).unwrap_err();
        assert_eq!(error.found, "one that unpacks to more than 200 times its size");
        // Nor from a pipe, of which what has come is counted, while much that was packed little goes through.
        let through = |bytes: Vec<u8>| io::copy(&mut unpack(Cursor::new(bytes), 0).unwrap(), &mut io::sink());
        assert_eq!(through(bomb).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        let numbers: Vec<u8> =
            (0..2_000_000u32).flat_map(|i| format!("{},{}\n", i, i.wrapping_mul(2_654_435_761)).into_bytes()).collect();
        let many = numbers.repeat(3);
        assert!(many.len() as u64 > FREE + (16 << 20));
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&many).unwrap();
        assert_eq!(through(encoder.finish().unwrap()).unwrap(), many.len() as u64);
    }
}
