//! A folder of PNG and JPEG images, a subfolder a class, named for it: `pets/cat/1.jpg`, `pets/dog/2.png`.
//!
//! If it holds `train` and `test`, each with a subfolder a class, they are the parts.
//! Names go in their order, of classes and of files, so that the same folder gives the same rows on any machine. Hidden files are
//! passed over, and what lies beside the class folders; in a class every file must be an image.
//!
//! Images of one size and one kind stay as they are. Others are for the user to decide: a [`Frame`] says what all are brought to.

mod decode;
mod frame;
mod listing;
mod orientation;
mod resample;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use super::Data;
use crate::dataset::{Cells, Dataset, Target};
use crate::input_error::InputError;
use crate::keys::Keys;
use decode::{Picture, decode};
pub use frame::Frame;
use listing::{Class, classes, parts};
pub(crate) use listing::{is_folder, is_image};

/// Pictures that are decoded together.
const BLOCK: usize = 256;
/// What a unit of a byte is worth.
const SCALE: f32 = 1.0 / 255.0;

/// Reads a folder with a subfolder a class, or with one a part.
///
/// ```
/// # // There is no picture here to read.
/// use chainrule::readers::pictures::{Frame, folder};
/// let error = folder("no/such/folder".as_ref(), Frame::default()).unwrap_err();
/// println!("{error}");
/// let frame: Frame = "3x32x32".parse()?;
/// assert!(frame.is_asked());
/// # Ok::<(), chainrule::InputError>(())
/// ```
///
/// # Errors
/// If there is no class, a class without images, a file that is none, or images of different sizes or kinds that `frame` leaves open.
pub fn folder(path: &Path, frame: Frame) -> Result<Data, InputError> {
    let Some([train, test]) = parts(path)? else {
        return Ok(labelled(path, &classes(path)?, frame, &[])?.0.into());
    };
    let (train, frame) = labelled(&train, &classes(&train)?, frame, &[])?;
    let names = match &train.target {
        Target::Classes { names, .. } => names.clone(),
        _ => Vec::new(),
    };
    let (test, _) = labelled(&test, &classes(&test)?, frame, &names)?;
    Ok(Data { test: Some(test), ..Data::from(train) })
}

/// The images of all classes, and the frame that they have. Classes that `known` has are numbered as there, others come after.
fn labelled(path: &Path, classes: &[Class], frame: Frame, known: &[String]) -> Result<(Dataset, Frame), InputError> {
    let mut names = known.to_vec();
    let (mut files, mut labels) = (Vec::new(), Vec::new());
    for class in classes {
        let number = names.iter().position(|name| *name == class.name).unwrap_or(names.len());
        if number == names.len() {
            names.push(class.name.clone());
        }
        labels.resize(files.len() + class.files.len(), number as u32);
        files.extend_from_slice(&class.files);
    }
    let mut pictures = Pictures { root: path.to_owned(), files, at: 0, frame, first: None };
    let data = pictures.read(usize::MAX)?.map(|(data, _)| data);
    let mut data = data.ok_or_else(|| InputError::new(path.display().to_string(), "images", "none", "add images"))?;
    data.target = Target::Classes { labels, names };
    Ok((data, pictures.frame))
}

/// Images being read some at a time, without their classes.
#[derive(Debug)]
pub struct Pictures {
    root: PathBuf,
    files: Vec<PathBuf>,
    at: usize,
    frame: Frame,
    /// The first picture's file and what it is, for the complaint about one that differs.
    first: Option<(PathBuf, String)>,
}

impl Pictures {
    /// One image, or all in a folder and its subfolders.
    ///
    /// # Errors
    /// If there is none.
    pub fn open(path: &Path, frame: Frame) -> Result<Pictures, InputError> {
        let files = if path.is_dir() { listing::all(path)? } else { vec![path.to_owned()] };
        if files.is_empty() {
            let hint = "give a folder of PNG or JPEG images, or one such file";
            return Err(InputError::new(path.display().to_string(), "images", "none", hint));
        }
        Ok(Pictures { root: path.to_owned(), files, at: 0, frame, first: None })
    }

    /// The next images, at most `rows` of them, with their files' paths; `None` after the last.
    ///
    /// # Errors
    /// If a file is no image, or of another size or kind than the frame or else the first.
    pub fn read(&mut self, rows: usize) -> Result<Option<(Dataset, Vec<String>)>, InputError> {
        let end = self.at.saturating_add(rows).min(self.files.len());
        let begin = self.at;
        let mut cells = Vec::new();
        while self.at < end {
            let block = self.at..end.min(self.at + BLOCK);
            let files = &self.files[block.clone()];
            if self.first.is_none() {
                let file = &files[0];
                let picture = open(file)?;
                self.frame = self.frame.filled(&picture);
                self.first = Some((file.clone(), told(&picture)));
            }
            let frame = self.frame;
            let differs = |file: &Path, found: &Picture| self.differs(file, found);
            for pixels in decoded(files, frame, &differs)? {
                cells.extend_from_slice(&pixels);
            }
            self.at = block.end;
        }
        if begin == end {
            return Ok(None);
        }
        let image = match self.frame {
            Frame { channels: Some(channels), size: Some([height, width]), .. } => [channels, height, width],
            _ => return Ok(None),
        };
        let data = Dataset {
            cells: Cells::U8 { cells, scale: SCALE },
            shape: vec![image.iter().product()],
            image: Some(image),
            columns: Vec::new(),
            target: Target::None,
            weights: None,
            keys: Keys::default(),
            source: self.root.display().to_string(),
        };
        let names = self.files[begin..end].iter().map(|file| file.display().to_string()).collect();
        Ok(Some((data, names)))
    }

    /// The complaint about an image unlike the first.
    fn differs(&self, file: &Path, found: &Picture) -> InputError {
        let place = file.display().to_string();
        let asked = match self.frame.size {
            Some([height, width]) => format!("{height}x{width}"),
            None => "64x64".to_owned(),
        };
        match &self.first {
            Some((first, picture)) if first != file => {
                let hint = match self.frame.size {
                    Some(size) if size == [found.height, found.width] => {
                        format!("--size 1x{asked} makes all gray, --size 3x{asked} all of color")
                    }
                    _ => format!("--size {asked} resizes all"),
                };
                let expected = format!("{picture}, as {}", first.display());
                InputError::new(place, expected, told(found), hint)
            }
            _ => InputError::new(
                place,
                format!("{} of {asked} pixels, as in training", kind(self.frame.channels.unwrap_or(found.channels))),
                told(found),
                "resize it, or train with --size: then images of every size will do",
            ),
        }
    }
}

/// A picture in words.
fn told(picture: &Picture) -> String {
    format!("{} of {}x{} pixels", kind(picture.channels), picture.height, picture.width)
}

fn kind(channels: usize) -> &'static str {
    if channels == 1 { "a gray image" } else { "an image in color" }
}

fn open(file: &Path) -> Result<Picture, InputError> {
    let bytes = fs::read(file).map_err(|e| InputError::io(file, &e))?;
    decode(&bytes, &file.display().to_string())
}

/// The files' pixels in the frame, channel by channel, in their order; several threads decode.
fn decoded(
    files: &[PathBuf],
    frame: Frame,
    differs: &(dyn Fn(&Path, &Picture) -> InputError + Sync),
) -> Result<Vec<Vec<u8>>, InputError> {
    let one = |file: &PathBuf| {
        let picture = open(file)?;
        framed(picture, frame).map_err(|picture| differs(file, &picture))
    };
    let threads = crate::settings::all_threads().min(files.len().div_ceil(8)).max(1);
    let share = files.len().div_ceil(threads).max(1);
    // The first error in the order of the files, whoever meets one first.
    let parts: Vec<Result<Vec<Vec<u8>>, InputError>> = thread::scope(|scope| {
        let started: Vec<_> =
            files.chunks(share).map(|files| scope.spawn(move || files.iter().map(one).collect())).collect();
        started
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let parts: Vec<Vec<Vec<u8>>> = parts.into_iter().collect::<Result<_, _>>()?;
    Ok(parts.into_iter().flatten().collect())
}

/// The picture in the frame, channel by channel; itself if it does not fit.
fn framed(picture: Picture, frame: Frame) -> Result<Vec<u8>, Picture> {
    let size = [picture.height, picture.width];
    let [height, width] = frame.size.unwrap_or(size);
    let channels = frame.channels.unwrap_or(picture.channels);
    if (size != [height, width] && !frame.resize) || (picture.channels != channels && !frame.convert) {
        return Err(picture);
    }
    let picture = picture.in_channels(channels).resized(height, width);
    Ok((0..channels).flat_map(|channel| picture.pixels.iter().skip(channel).step_by(channels).copied()).collect())
}

impl Picture {
    /// Gray or in color; gray is the luma of ITU-R BT.601, as Pillow has it.
    fn in_channels(self, channels: usize) -> Picture {
        let pixels = match (self.channels, channels) {
            (3, 1) => {
                let (pixels, _) = self.pixels.as_chunks::<3>();
                let luma = |&[r, g, b]: &[u8; 3]| {
                    let sum = 19595 * u32::from(r) + 38470 * u32::from(g) + 7471 * u32::from(b);
                    ((sum + 0x8000) >> 16) as u8
                };
                pixels.iter().map(luma).collect()
            }
            (1, 3) => self.pixels.iter().flat_map(|&gray| [gray; 3]).collect(),
            _ => return self,
        };
        Picture { channels, pixels, ..self }
    }
}

#[cfg(test)]
mod tests;
