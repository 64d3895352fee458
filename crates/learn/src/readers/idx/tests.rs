//! IDX files, whole and broken in every way.

use super::*;
use crate::readers::gzip::tests::pack;
use tempfile::TempDir;

fn idx(magic: u32, sizes: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = magic.to_be_bytes().to_vec();
    file.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    file.extend(bytes);
    file
}

/// Two images of 2 × 3 pixels.
fn two_images() -> Vec<u8> {
    idx(IMAGES, &[2, 2, 3], &[0, 1, 2, 3, 4, 5, 250, 251, 252, 253, 254, 255])
}

fn write(files: &[(&str, Vec<u8>)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn train(images: Vec<u8>, labels: Vec<u8>) -> TempDir {
    write(&[("train-images-idx3-ubyte", images), ("train-labels-idx1-ubyte", labels)])
}

/// The complaint about a pair of training files, without the folder's own name.
fn complaint(images: Vec<u8>, labels: Vec<u8>) -> String {
    let folder = train(images, labels);
    let error = super::folder(folder.path()).unwrap_err().to_string();
    error.replace(&folder.path().display().to_string(), "F")
}

#[test]
fn a_folder_is_read_plain_or_packed() {
    let labels = idx(LABELS, &[2], &[3, 1]);
    let folder = write(&[
        ("train-images.idx3-ubyte", two_images()),
        ("train-labels-idx1-ubyte.gz", pack(&labels)),
        ("t10k-images-idx3-ubyte.gz", pack(&two_images())),
        ("t10k-labels-idx1-ubyte", idx(LABELS, &[2], &[0, 4])),
    ]);
    fs::create_dir(folder.path().join("train-images-idx3-ubyte")).unwrap();
    let (train, test) = super::folder(folder.path()).unwrap();
    assert_eq!((train.rows(), train.image), (2, Some([1, 2, 3])));
    assert_eq!(train.shape, [6]);
    let Cells::U8 { cells, scale } = &train.cells else { panic!("pixels are bytes") };
    assert_eq!((cells[6], *scale), (250, 1.0 / 255.0));
    let names: Vec<String> = (0..5).map(|c| c.to_string()).collect();
    let labels = vec![3, 1];
    assert_eq!(train.target, Target::Classes { labels, names: names.clone() });
    let labels = vec![0, 4];
    assert_eq!(test.unwrap().target, Target::Classes { labels, names });
}

#[test]
fn without_a_test_set_there_is_none() {
    let folder = train(two_images(), idx(LABELS, &[2], &[0, 1]));
    assert_eq!(super::folder(folder.path()).unwrap().1, None);
}

#[test]
fn a_missing_file_is_named() {
    let folder = write(&[("train-images-idx3-ubyte", two_images())]);
    let error = super::folder(folder.path()).unwrap_err();
    assert_eq!(error.expected, "a file 'train-labels-idx1-ubyte' or 'train-labels-idx1-ubyte.gz'");
    assert_eq!(error.found, "'train-images-idx3-ubyte'");
    assert_eq!(super::folder(write(&[]).path()).unwrap_err().found, "no files");

    let folder = train(two_images(), idx(LABELS, &[2], &[0, 1]));
    fs::write(folder.path().join("t10k-labels-idx1-ubyte"), []).unwrap();
    assert!(super::folder(folder.path()).unwrap_err().expected.contains("'t10k-images-idx3"));
}

#[test]
fn the_length_must_be_what_the_header_says() {
    let labels = || idx(LABELS, &[2], &[0, 1]);
    let mut short = two_images();
    short.pop();
    assert_eq!(
        complaint(short, labels()),
        "F/train-images-idx3-ubyte: expected 12 bytes after the header, \
         found 11: the end is missing\n  hint: download or copy the file again"
    );
    let long = [two_images(), vec![0; 3]].concat();
    let found = "expected 12 bytes after the header, found 15: 3 more than its header says";
    assert!(complaint(long.clone(), labels()).contains(found));
    assert!(complaint(pack(&long), labels()).contains(found));
    let packed = pack(&two_images());
    let torn = packed[..packed.len() - 9].to_vec();
    assert!(complaint(torn, labels()).contains("found its end is missing"));
}

#[test]
fn a_header_must_be_whole() {
    let labels = || idx(LABELS, &[2], &[0, 1]);
    let ask = |images| complaint(images, labels());
    assert!(ask(vec![]).contains("expected images (magic 0x00000803), found an empty file"));
    assert!(ask(vec![0, 0, 8]).contains("expected a header of 16 bytes, found 3"));
    assert!(ask(two_images()[..15].to_vec()).contains("expected a header of 16 bytes, found 15"));
}

#[test]
fn swapped_and_foreign_files_are_known_by_their_magic() {
    assert_eq!(
        complaint(idx(LABELS, &[2], &[0, 1]), two_images()),
        "F/train-images-idx3-ubyte: expected images (magic 0x00000803), \
         found labels (magic 0x00000801)\n  \
         hint: the file with images and the file with labels seem to be swapped"
    );
    let foreign = idx(0x0d03, &[1, 1, 1], &[0, 0, 0, 0]);
    assert!(complaint(foreign, vec![]).contains("found magic 0x00000d03"));
}

#[test]
fn absurd_sizes_cost_nothing() {
    let ask = |sizes: &[u32]| complaint(idx(IMAGES, sizes, &[7]), vec![]);
    let largest = u32::MAX;
    assert!(ask(&[largest; 3]).contains("found 4294967295 × 4294967295 × 4294967295"));
    assert!(ask(&[0, 28, 28]).contains("found 0 × 28 × 28"));
    assert!(ask(&[largest, 1 << 15, 1 << 15]).contains("found 1: the end is missing"));
}

#[test]
fn counts_and_sizes_must_agree() {
    let wrong = complaint(two_images(), idx(LABELS, &[3], &[0, 1, 2]));
    assert!(wrong.contains("labels-idx1-ubyte: expected 2 labels, one for each image, found 3"));

    let folder = train(two_images(), idx(LABELS, &[2], &[0, 1]));
    let flat = idx(IMAGES, &[1, 3, 2], &[0; 6]);
    fs::write(folder.path().join("t10k-images-idx3-ubyte"), flat).unwrap();
    fs::write(folder.path().join("t10k-labels-idx1-ubyte"), idx(LABELS, &[1], &[0])).unwrap();
    let error = super::folder(folder.path()).unwrap_err();
    assert_eq!(error.expected, "images of 2 × 3 as in training");
    assert_eq!(error.found, "images of 3 × 2");
}

#[test]
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn mnist_itself() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/mnist");
    if !path.is_dir() {
        println!("skipped: MNIST is not on this machine");
        return;
    }
    let (train, test) = folder(&path).unwrap();
    let test = test.unwrap();
    assert_eq!((train.rows(), test.rows()), (60_000, 10_000));
    assert_eq!((train.width(), train.image), (784, Some([1, 28, 28])));
    let Target::Classes { labels, names } = &train.target else { panic!("digits are classes") };
    assert_eq!(labels[..8], [5, 0, 4, 1, 9, 2, 1, 3]);
    assert_eq!(names.len(), 10);
    let Cells::U8 { cells, .. } = &train.cells else { panic!("pixels are bytes") };
    // The mean pixel that every MNIST tutorial subtracts.
    let mean = cells.iter().map(|&c| f64::from(c)).sum::<f64>() / cells.len() as f64 / 255.0;
    assert!((mean - 0.1307).abs() < 5e-5);
}
