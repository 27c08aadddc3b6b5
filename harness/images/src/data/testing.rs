//! Tiny data sets in the official formats, for tests of this crate and its binary.
//!
//! Every value follows from its place by [`pixel`], so that a test can tell each from
//! each; labels run through the classes.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Training records of each file written here.
pub const TRAIN: usize = 12;
/// Test records.
pub const TEST: usize = 4;
/// Images without labels, of STL-10.
pub const UNLABELED: usize = 3;

/// The byte `position` of image `image` of a file's records, as stored.
pub fn pixel(image: usize, position: usize) -> u8 {
    (image * 131 + position * 7 + position / 251) as u8
}

/// Pixels of `count` images of `len` bytes.
fn pixels(count: usize, len: usize) -> impl Iterator<Item = u8> {
    (0..count).flat_map(move |image| (0..len).map(move |position| pixel(image, position)))
}

/// Writes `bytes` to `root/folder/name`.
pub fn write(root: &Path, folder: &str, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    let folder = root.join(folder);
    fs::create_dir_all(&folder)?;
    let path = folder.join(name);
    fs::write(&path, bytes)?;
    Ok(path)
}

/// An IDX file of `count` images of 28×28.
pub fn idx_images(count: usize) -> Vec<u8> {
    let header = [0x0803, count as u32, 28, 28];
    header
        .into_iter()
        .flat_map(u32::to_be_bytes)
        .chain(pixels(count, 784))
        .collect()
}

/// An IDX file of `count` labels.
pub fn idx_labels(count: usize) -> Vec<u8> {
    let labels = (0..count).map(|i| (i % 10) as u8);
    [0x0801, count as u32]
        .into_iter()
        .flat_map(u32::to_be_bytes)
        .chain(labels)
        .collect()
}

/// Records of CIFAR: the label bytes of `label(i)`, then 3072 pixels.
pub fn cifar_records<const L: usize>(count: usize, label: impl Fn(usize) -> [u8; L]) -> Vec<u8> {
    let record = |i| {
        label(i)
            .into_iter()
            .chain((0..3072).map(move |position| pixel(i, position)))
    };
    (0..count).flat_map(record).collect()
}

/// `root/mnist`: the four files.
pub fn write_tiny_mnist(root: &Path) -> io::Result<()> {
    for (prefix, count) in [("train", TRAIN), ("t10k", TEST)] {
        write(
            root,
            "mnist",
            &format!("{prefix}-images-idx3-ubyte"),
            &idx_images(count),
        )?;
        write(
            root,
            "mnist",
            &format!("{prefix}-labels-idx1-ubyte"),
            &idx_labels(count),
        )?;
    }
    Ok(())
}

/// `root/cifar10`: one training batch and the test batch.
pub fn write_tiny_cifar10(root: &Path) -> io::Result<()> {
    for (name, count) in [("data_batch_1.bin", TRAIN), ("test_batch.bin", TEST)] {
        write(
            root,
            "cifar10",
            name,
            &cifar_records(count, |i| [(i % 10) as u8]),
        )?;
    }
    Ok(())
}

/// `root/cifar100`: image `i` has the fine label `9 i` (below 100) and the coarse one `i`
/// (below 20).
pub fn write_tiny_cifar100(root: &Path) -> io::Result<()> {
    for (name, count) in [("train.bin", TRAIN), ("test.bin", TEST)] {
        let label = |i| [(i % 20) as u8, (9 * i % 100) as u8];
        write(root, "cifar100", name, &cifar_records(count, label))?;
    }
    Ok(())
}

/// `root/stl10`: all five files.
pub fn write_tiny_stl10(root: &Path) -> io::Result<()> {
    const LEN: usize = 3 * 96 * 96;
    for (prefix, count) in [("train", TRAIN), ("test", TEST)] {
        let labels: Vec<u8> = (0..count).map(|i| (i % 10 + 1) as u8).collect();
        let images: Vec<u8> = pixels(count, LEN).collect();
        write(root, "stl10", &format!("{prefix}_X.bin"), &images)?;
        write(root, "stl10", &format!("{prefix}_y.bin"), &labels)?;
    }
    let images: Vec<u8> = pixels(UNLABELED, LEN).collect();
    write(root, "stl10", "unlabeled_X.bin", &images)?;
    Ok(())
}
