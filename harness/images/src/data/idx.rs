//! MNIST: two IDX files per split, images and labels.
//!
//! IDX: a big-endian magic number (two zero bytes, 08 for unsigned bytes, the number of
//! dimensions), one 32-bit size per dimension, then the values.

use std::{path::Path, sync::Arc};

use super::{
    DataError, Dataset, DatasetKind, Images, Labelled, SourceFile,
    file::{self, Content, label},
    locate::Folder,
};

const IMAGES: u32 = 0x0803;
const LABELS: u32 = 0x0801;

/// Loads MNIST from a folder that holds its four files.
pub(super) fn load(folder: &Folder, limit: Option<usize>) -> Result<Dataset, DataError> {
    let mut sources = Vec::new();
    let train = split(folder, "train", limit, &mut sources)?;
    let test = split(folder, "t10k", None, &mut sources)?;
    let pretrain = train.images.clone();
    Ok(Dataset::new(
        DatasetKind::Mnist,
        pretrain,
        train,
        test,
        sources,
    ))
}

fn split(
    folder: &Folder,
    prefix: &str,
    limit: Option<usize>,
    sources: &mut Vec<SourceFile>,
) -> Result<Labelled, DataError> {
    let image_path = folder.file(&format!("{prefix}-images-idx3-ubyte"));
    let label_path = folder.file(&format!("{prefix}-labels-idx1-ubyte"));
    let (images, image_source) = read_images(&image_path, limit)?;
    let (labels, label_source) = read_labels(&label_path, limit)?;
    if image_source.records != label_source.records {
        return Err(DataError::Counts {
            image_path,
            images: image_source.records,
            label_path,
            labels: label_source.records,
        });
    }
    sources.extend([image_source, label_source]);
    Ok(Labelled {
        images: Arc::new(images),
        labels,
    })
}

fn read_images(path: &Path, limit: Option<usize>) -> Result<(Images, SourceFile), DataError> {
    const HEADER: usize = 16;
    let shape @ [_, height, width] = DatasetKind::Mnist.image_shape();
    let keep = limit.map(|images| images as u64 * (height * width) as u64 + HEADER as u64);
    let mut content = file::read(path, keep)?;
    let [magic, count, rows, columns] = header(&content)?;
    check_magic(path, "images", IMAGES, magic)?;
    let (expected, found) = ((height as u32, width as u32), (rows, columns));
    if expected != found {
        return Err(DataError::Shape {
            path: path.to_owned(),
            expected,
            found,
        });
    }
    let body = u128::from(count) * (height * width) as u128;
    let why = format!("a header of {HEADER} and, as it says, {count} images of {rows}×{columns}");
    check_size(&content, HEADER as u128 + body, why, count)?;
    let source = content.source(count as usize);
    content.bytes.drain(..HEADER);
    Ok((
        Images {
            pixels: content.bytes,
            ..Images::empty(shape)
        },
        source,
    ))
}

fn read_labels(path: &Path, limit: Option<usize>) -> Result<(Vec<u16>, SourceFile), DataError> {
    const HEADER: usize = 8;
    let content = file::read(path, limit.map(|labels| labels as u64 + HEADER as u64))?;
    let [magic, count] = header(&content)?;
    check_magic(path, "labels", LABELS, magic)?;
    let why = format!("a header of {HEADER} and, as it says, {count} labels");
    check_size(&content, HEADER as u128 + u128::from(count), why, count)?;
    let values = content.bytes[HEADER..].iter().enumerate();
    let labels = values.map(|(i, value)| label(path, i, *value, (0, 9)));
    Ok((
        labels.collect::<Result<_, _>>()?,
        content.source(count as usize),
    ))
}

/// The first `N` big-endian words.
fn header<const N: usize>(content: &Content) -> Result<[u32; N], DataError> {
    let words = content.bytes.chunks_exact(4).take(N);
    if words.len() < N {
        return Err(DataError::Size {
            path: content.path.clone(),
            expected: 4 * N as u128,
            found: content.length,
            why: "for the header alone".to_owned(),
        });
    }
    let mut header = [0; N];
    for (value, word) in header.iter_mut().zip(words) {
        *value = word
            .iter()
            .fold(0, |value, byte| value << 8 | u32::from(*byte));
    }
    Ok(header)
}

fn check_magic(
    path: &Path,
    what: &'static str,
    expected: u32,
    found: u32,
) -> Result<(), DataError> {
    if expected == found {
        return Ok(());
    }
    Err(DataError::Magic {
        path: path.to_owned(),
        what,
        expected,
        found,
    })
}

fn check_size(content: &Content, expected: u128, why: String, count: u32) -> Result<(), DataError> {
    let (path, found) = (content.path.clone(), content.length);
    if u128::from(found) != expected {
        return Err(DataError::Size {
            path,
            expected,
            found,
            why,
        });
    }
    if count == 0 {
        return Err(DataError::Empty { path });
    }
    Ok(())
}
