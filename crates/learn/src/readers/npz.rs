//! numpy's `.npz`: arrays by name, each as `NAME.npy` in a ZIP archive, stored or deflated.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use zip::ZipArchive;
use zip::result::ZipError;

use super::gzip;
use super::npy::Array;
use crate::input_error::{InputError, excerpt};

/// Its arrays with their names, in its order.
///
/// # Errors
/// If it is no archive, or an array is broken.
pub(super) fn read(path: &Path) -> Result<Vec<(String, Array)>, InputError> {
    let file = File::open(path).map_err(|e| InputError::io(path, &e))?;
    let length = file.metadata().map_err(|e| InputError::io(path, &e))?.len();
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|e| broken(path, &e))?;
    let (mut arrays, mut unpacked) = (Vec::new(), 0);
    for at in 0..archive.len() {
        let entry = archive.by_index(at).map_err(|e| broken(path, &e))?;
        let name = entry.name().map_err(|e| broken(path, &e))?.into_owned();
        let Some(name) = name.strip_suffix(".npy") else {
            let hint = "write it with numpy.savez or numpy.savez_compressed";
            return Err(InputError::new(path.display().to_string(), "arrays, NAME.npy", excerpt(&name), hint));
        };
        let place = format!("{}, array '{name}'", path.display());
        let packed = entry.compressed_size().min(length);
        let failed = |e: &io::Error| broken_array(&place, e);
        let array = Array::read(place.clone(), &mut gzip::bounded(entry, packed), failed)?;
        unpacked += array.size_in_memory() as u64;
        // Entries may lie over one another, so that each alone is small enough.
        if unpacked > gzip::most(length) {
            return Err(broken_array(&place, &io::ErrorKind::FileTooLarge.into()));
        }
        arrays.push((name.to_owned(), array));
    }
    Ok(arrays)
}

fn broken_array(place: &str, error: &io::Error) -> InputError {
    let (found, hint) = match error.kind() {
        io::ErrorKind::FileTooLarge => (
            "one that unpacks to more than 200 times its size".to_owned(),
            "if it is meant so, write it with numpy.savez instead of numpy.savez_compressed",
        ),
        _ => (error.to_string(), "copy the file again, or write it again"),
    };
    InputError::new(place, "a whole array", found, hint)
}

fn broken(path: &Path, error: &ZipError) -> InputError {
    match error {
        ZipError::Io(e) if e.kind() != io::ErrorKind::UnexpectedEof => InputError::io(path, e),
        other => {
            let hint = "copy the file again, or write it with numpy.savez or numpy.savez_compressed";
            InputError::new(path.display().to_string(), "an archive of numpy arrays", other.to_string(), hint)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::fs;
    use std::path::PathBuf;

    fn oracle(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle").join(name)
    }

    #[test]
    fn every_type_and_order_is_numpys() {
        let stored: Value = serde_json::from_str(&fs::read_to_string(oracle("arrays.json")).unwrap()).unwrap();
        let arrays = read(&oracle("arrays.npz")).unwrap();
        assert_eq!(arrays.len(), stored["arrays"].as_object().unwrap().len());
        for (name, array) in arrays {
            let theirs = &stored["arrays"][&name];
            assert_eq!(serde_json::json!(array.shape), theirs["shape"]);
            let cells = theirs["cells"].as_array().unwrap().iter().map(|cell| cell.as_f64().unwrap());
            for (at, cell) in cells.enumerate() {
                assert_eq!(array.cell(at / array.width(), at % array.width()), cell, "{name}, cell {at}");
            }
        }
    }

    #[test]
    fn a_broken_archive_is_told_and_never_believed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npz");
        let whole = fs::read(oracle("irises.npz")).unwrap();
        let error = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            read(&path).unwrap_err().to_string()
        };
        assert!(error(&whole[..whole.len() / 2]).contains("expected an archive of numpy arrays"));
        assert!(error(b"").contains("expected an archive of numpy arrays"));
        // A cell is another, and the archive's sum tells.
        let mut changed = whole.clone();
        changed[1000] ^= 1;
        assert!(error(&changed).contains("array 'x': expected a whole array"), "{}", error(&changed));
        // Whatever byte is another, there is an answer.
        for at in (0..whole.len()).step_by(7).filter(|at| !(300..4700).contains(at)) {
            let mut changed = whole.clone();
            changed[at] ^= 0x55;
            fs::write(&path, changed).unwrap();
            let _ = read(&path);
        }
    }
}
