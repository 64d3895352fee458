//! IDX, the format of MNIST: `magic, sizes, bytes`, numbers big-endian, all in one file of
//! pictures and one of labels.
//!
//! | content | magic | sizes |
//! | --- | --- | --- |
//! | images | 0x00000803 | how many, height, width |
//! | labels | 0x00000801 | how many |

use super::gzip;
use crate::{
    dataset::{Cells, Dataset, Target},
    input_error::{InputError, listing},
    keys::Keys,
};
use std::{
    fs, io,
    io::Read,
    path::{Path, PathBuf},
};

const IMAGES: u32 = 0x0803;
const LABELS: u32 = 0x0801;

/// Reads a folder of `train-images…`, `train-labels…` and, if they are there, `t10k-images…`
/// and `t10k-labels…`, plain or gzipped; plain where it has both.
///
/// Classes are named by their numbers, `0` to the largest label of both sets.
///
/// # Errors
/// If a file is missing, broken, or not of one size with its partner.
///
/// ```no_run
/// let (train, test) = chainrule::readers::idx::folder("mnist".as_ref())?;
/// # Ok::<(), chainrule::InputError>(())
/// ```
pub fn folder(path: &Path) -> Result<(Dataset, Option<Dataset>), InputError> {
    let files = files(path)?;
    let mut train = part(path, &files, "train")?;
    let mut test =
        if files.iter().any(|file| file.starts_with("t10k-")) { Some(part(path, &files, "t10k")?) } else { None };
    if let Some(test) = test.as_ref().filter(|test| test.image != train.image) {
        return Err(InputError::new(
            test.source.clone(),
            format!("images of {} as in training", size(train.image)),
            format!("images of {}", size(test.image)),
            "give a training and a test set of the same data",
        ));
    }
    name_classes([Some(&mut train), test.as_mut()]);
    Ok((train, test))
}

/// Whether a folder holds a file of this format, by its name.
pub(crate) fn is_folder(path: &Path) -> bool {
    let starts = ["train-images", "train-labels", "t10k-images", "t10k-labels"];
    files(path).is_ok_and(|files| files.iter().any(|file| starts.iter().any(|start| file.starts_with(start))))
}

/// Reads one file of pictures, without a target.
///
/// # Errors
/// If the file is missing or broken.
pub fn images(path: &Path) -> Result<Dataset, InputError> {
    let ([_, height, width], cells) = read(path, IMAGES)?;
    Ok(Dataset {
        cells: Cells::U8 { cells, scale: 1.0 / 255.0 },
        shape: vec![height * width],
        image: Some([1, height, width]),
        columns: Vec::new(),
        target: Target::None,
        weights: None,
        keys: Keys::default(),
        source: path.display().to_string(),
    })
}

/// The names of the folder's files, sorted, so that `a` comes before `a.gz`.
fn files(path: &Path) -> Result<Vec<String>, InputError> {
    let ask = || {
        let mut files = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            // Some unpackers make a folder of the same name around each file. A broken
            // link is as good as no file.
            if fs::metadata(entry.path()).is_ok_and(|meta| meta.is_file()) {
                files.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        files.sort_unstable();
        Ok(files)
    };
    ask().map_err(|e| InputError::io(path, &e))
}

/// The pictures and labels of one set, the classes not yet named.
fn part(path: &Path, files: &[String], set: &str) -> Result<Dataset, InputError> {
    let images_path = find(path, files, &format!("{set}-images"), "idx3-ubyte")?;
    let labels_path = find(path, files, &format!("{set}-labels"), "idx1-ubyte")?;
    let mut data = images(&images_path)?;
    let ([count], labels) = read(&labels_path, LABELS)?;
    if count != data.rows() {
        return Err(InputError::new(
            labels_path.display().to_string(),
            format!("{} labels, one for each image", data.rows()),
            count.to_string(),
            "take images and labels from the same download",
        ));
    }
    data.target = Target::Classes { labels: labels.into_iter().map(u32::from).collect(), names: Vec::new() };
    data.source = path.display().to_string();
    Ok(data)
}

fn find(path: &Path, files: &[String], start: &str, end: &str) -> Result<PathBuf, InputError> {
    match files.iter().find(|file| file.starts_with(start)) {
        Some(file) => Ok(path.join(file)),
        None => Err(InputError::new(
            path.display().to_string(),
            format!("a file '{start}-{end}' or '{start}-{end}.gz'"),
            if files.is_empty() { "no files".to_owned() } else { listing(files) },
            "a folder holds MNIST's files by their own names, or a folder of images for each class; for a table, give the file",
        )),
    }
}

/// `0` to the largest label of all sets.
fn name_classes(sets: [Option<&mut Dataset>; 2]) {
    let mut targets: Vec<_> = sets
        .into_iter()
        .flatten()
        .filter_map(|set| match &mut set.target {
            Target::Classes { labels, names } => Some((labels, names)),
            _ => None,
        })
        .collect();
    let largest = targets.iter().flat_map(|(labels, _)| labels.iter()).max().copied();
    for (_, names) in &mut targets {
        **names = (0..=largest.unwrap_or(0)).map(|class| class.to_string()).collect();
    }
}

fn size(image: Option<[usize; 3]>) -> String {
    let [_, height, width] = image.unwrap_or_default();
    format!("{height} × {width}")
}

/// The sizes and the bytes of a file with this magic.
fn read<const D: usize>(path: &Path, magic: u32) -> Result<([usize; D], Vec<u8>), InputError> {
    let mut file = gzip::open(path)?;
    let failed = |e: io::Error| gzip::error(path, &e);
    let wrong = |expected: String, found: String, hint: &str| {
        InputError::new(path.display().to_string(), expected, found, hint)
    };
    let again = "download or copy the file again";

    let length = 4 + 4 * D;
    let mut header = Vec::new();
    file.by_ref().take(length as u64).read_to_end(&mut header).map_err(failed)?;
    if header.is_empty() {
        return Err(wrong(content(magic), "an empty file".into(), again));
    }
    let word = |at: usize| {
        let bytes = header.get(4 * at..4 * at + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    if let Some(found) = word(0).filter(|&found| found != magic) {
        let hint = match found {
            IMAGES | LABELS => "the file with images and the file with labels seem to be swapped",
            _ => "this reads IDX files of unsigned bytes, as MNIST has them",
        };
        return Err(wrong(content(magic), content(found), hint));
    }
    let mut sizes = [0; D];
    for (at, size) in sizes.iter_mut().enumerate() {
        *size = word(at + 1).ok_or_else(|| {
            let found = format!("{}", header.len());
            wrong(format!("a header of {length} bytes"), found, again)
        })? as usize;
    }

    let bytes = sizes.iter().try_fold(1u64, |product, &size| product.checked_mul(size as u64));
    let bytes = bytes.filter(|&bytes| bytes > 0 && bytes <= isize::MAX as u64).ok_or_else(|| {
        let sizes = sizes.map(|size| size.to_string()).join(" × ");
        wrong("sizes of a file that can be".into(), sizes, again)
    })?;
    // Nothing is reserved on the header's word: the buffer grows with what arrives.
    let mut cells = Vec::new();
    file.by_ref().take(bytes).read_to_end(&mut cells).map_err(failed)?;
    let rest = io::copy(&mut file, &mut io::sink()).map_err(failed)?;
    let found = cells.len() as u64 + rest;
    if found != bytes {
        let expected = format!("{bytes} bytes after the header");
        let found = match rest {
            0 => format!("{found}: the end is missing"),
            _ => format!("{found}: {rest} more than its header says"),
        };
        return Err(wrong(expected, found, again));
    }
    Ok((sizes, cells))
}

fn content(magic: u32) -> String {
    match magic {
        IMAGES => format!("images (magic {magic:#010x})"),
        LABELS => format!("labels (magic {magic:#010x})"),
        _ => format!("magic {magic:#010x}"),
    }
}

#[cfg(test)]
mod tests;
