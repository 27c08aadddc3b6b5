//! CIFAR-10 and CIFAR-100 in their binary version: records of one or two label bytes
//! and three planes of 32×32, row by row.

use std::{path::Path, sync::Arc};

use super::{
    DataError, Dataset, DatasetKind, Images, Labelled, SourceFile,
    file::{label, read_records},
    locate::{self, Folder},
};

/// Loads either from a folder that holds its files. CIFAR-10's training set is those of
/// its five batches that are there, in order.
pub(super) fn load(
    kind: DatasetKind,
    folder: &Folder,
    limit: Option<usize>,
) -> Result<Dataset, DataError> {
    let (train, test): (&[&str], _) = match kind {
        DatasetKind::Cifar100 => (&["train.bin"], "test.bin"),
        _ => (&locate::CIFAR10_TRAIN, "test_batch.bin"),
    };
    let mut sources = Vec::new();
    let train = read_all(kind, folder, train, limit, &mut sources)?;
    let test = read_all(kind, folder, &[test], None, &mut sources)?;
    let pretrain = train.images.clone();
    Ok(Dataset::new(kind, pretrain, train, test, sources))
}

fn read_all(
    kind: DatasetKind,
    folder: &Folder,
    names: &[&str],
    limit: Option<usize>,
    sources: &mut Vec<SourceFile>,
) -> Result<Labelled, DataError> {
    let mut images = Images::empty(kind.image_shape());
    let mut labels = Vec::new();
    for name in names.iter().filter(|name| folder.has(name)) {
        // Also where nothing is wanted of it any more, a file is checked.
        let keep = limit.map(|limit| limit - labels.len());
        sources.push(read(
            kind,
            &folder.file(name),
            keep,
            &mut images,
            &mut labels,
        )?);
    }
    Ok(Labelled {
        images: Arc::new(images),
        labels,
    })
}

fn read(
    kind: DatasetKind,
    path: &Path,
    keep: Option<usize>,
    images: &mut Images,
    labels: &mut Vec<u16>,
) -> Result<SourceFile, DataError> {
    // CIFAR-100 has the coarse label first; the fine one is the last in both.
    let (label_bytes, last) = match kind {
        DatasetKind::Cifar100 => (2, 99),
        _ => (1, 9),
    };
    let record_len = label_bytes + images.image_len();
    let records = read_records(path, record_len, keep)?;
    images.pixels.reserve(records.bytes.len());
    for (i, record) in records.bytes.chunks_exact(record_len).enumerate() {
        let (head, pixels) = record.split_at(label_bytes);
        labels.push(label(path, i, head[label_bytes - 1], (0, last))?);
        images.pixels.extend_from_slice(pixels);
    }
    Ok(records.source)
}
