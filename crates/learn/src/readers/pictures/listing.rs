//! Which files a folder of images has, in an order that is the same on any machine.

use std::fs;
use std::path::{Path, PathBuf};

use crate::input_error::InputError;

/// The endings of images.
const ENDINGS: [&str; 3] = ["png", "jpg", "jpeg"];
/// What file managers leave.
const LEFT_BEHIND: [&str; 2] = ["Thumbs.db", "desktop.ini"];
/// Folders within folders; a deeper one may be a circle of links.
const DEEPEST: usize = 32;

/// A subfolder with its images.
#[derive(Debug)]
pub(super) struct Class {
    pub(super) name: String,
    pub(super) files: Vec<PathBuf>,
}

/// Whether the name ends as an image's does.
pub(crate) fn is_image(path: &Path) -> bool {
    path.extension().is_some_and(|end| ENDINGS.iter().any(|ending| end.eq_ignore_ascii_case(ending)))
}

/// Whether the folder holds folders or images.
pub(crate) fn is_folder(path: &Path) -> bool {
    entries(path).is_ok_and(|(folders, files)| !folders.is_empty() || files.iter().any(|file| is_image(file)))
}

/// The folders and the files in a folder, by name; hidden ones aside.
fn entries(path: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), InputError> {
    let failed = |e| InputError::io(path, &e);
    let mut all = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !name.starts_with('.') && !LEFT_BEHIND.contains(&&*name) {
            all.push(entry.path());
        }
    }
    all.sort_unstable();
    Ok(all.into_iter().partition(|path| path.is_dir()))
}

/// The folders `train` and `test`, if there are both, and each has folders of its own.
pub(super) fn parts(path: &Path) -> Result<Option<[PathBuf; 2]>, InputError> {
    let parts = ["train", "test"].map(|part| path.join(part));
    for part in &parts {
        if !part.is_dir() || entries(part)?.0.is_empty() {
            return Ok(None);
        }
    }
    Ok(Some(parts))
}

/// The classes of a folder: by number if all are numbers, else by name.
pub(super) fn classes(path: &Path) -> Result<Vec<Class>, InputError> {
    let place = |path: &Path| path.display().to_string();
    let (folders, files) = entries(path)?;
    if folders.is_empty() {
        let hint = "put the images of each class into a folder of its own, named for the class";
        let found = format!("{} files and no folder", files.len());
        return Err(InputError::new(place(path), "a folder for each class", found, hint));
    }
    if let Some(stray) = files.iter().find(|file| is_image(file)) {
        let hint = "put it into the folder of its class";
        return Err(InputError::new(place(stray), "images in the folders of their classes", "one beside them", hint));
    }
    let mut classes = Vec::with_capacity(folders.len());
    for folder in folders {
        let mut files = Vec::new();
        walk(&folder, DEEPEST, &mut files)?;
        if files.is_empty() {
            let hint = "put images into it, or remove the folder";
            return Err(InputError::new(place(&folder), "images of this class", "none", hint));
        }
        let name = folder.file_name().unwrap_or_default();
        let name = name.to_str().map(str::to_owned).ok_or_else(|| {
            InputError::new(place(&folder), "a class's name as UTF-8 text", "other bytes", "rename the folder")
        })?;
        classes.push(Class { name, files });
    }
    let numbers: Option<Vec<u64>> = classes.iter().map(|class| class.name.parse().ok()).collect();
    if numbers.is_some() {
        classes.sort_by_key(|class| class.name.parse().unwrap_or(0u64));
    }
    Ok(classes)
}

/// All images in a folder and its subfolders.
pub(super) fn all(path: &Path) -> Result<Vec<PathBuf>, InputError> {
    let mut files = Vec::new();
    walk(path, DEEPEST, &mut files)?;
    Ok(files)
}

/// Adds the files of a folder, and then those of each of its folders.
fn walk(path: &Path, deep: usize, found: &mut Vec<PathBuf>) -> Result<(), InputError> {
    let (folders, files) = entries(path)?;
    found.extend(files);
    let Some(deep) = deep.checked_sub(1) else {
        let (expected, hint) = (format!("folders up to {DEEPEST} deep"), "look for a link that leads back");
        return Err(InputError::new(path.display().to_string(), expected, "a deeper one", hint));
    };
    folders.iter().try_for_each(|folder| walk(folder, deep, found))
}
