//! STL-10: images and labels in files of their own, without headers. Planes are stored
//! column by column, labels count from 1.

use std::sync::Arc;

use rayon::prelude::*;

use super::{
    DataError, Dataset, DatasetKind, Images, Labelled, Progress, SourceFile,
    file::{label, read_records},
    locate::Folder,
};

/// Loads STL-10 from a folder that holds its files. Pretraining takes the unlabelled
/// images and behind them the labelled training images, or these alone.
pub(super) fn load(
    folder: &Folder,
    limit: Option<usize>,
    progress: &dyn Progress,
) -> Result<Dataset, DataError> {
    let mut sources = Vec::new();
    let train = split(folder, "train", limit, &mut sources)?;
    let test = split(folder, "test", None, &mut sources)?;
    let pretrain = if folder.has("unlabeled_X.bin") {
        let mut images = read_images(folder, "unlabeled_X.bin", limit, &mut sources)?;
        images.append(&train.images)?;
        images.truncate(limit.unwrap_or(usize::MAX));
        Arc::new(images)
    } else {
        progress.note(&format!(
            "stl10: no unlabeled_X.bin in {}; learning from the labelled training images alone",
            folder.path().display()
        ));
        train.images.clone()
    };
    Ok(Dataset::new(
        DatasetKind::Stl10,
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
    let [image_name, label_name] = ["X", "y"].map(|part| format!("{prefix}_{part}.bin"));
    let images = read_images(folder, &image_name, limit, sources)?;
    let image_records = sources.last().map_or(0, |source| source.records);
    let label_path = folder.file(&label_name);
    let records = read_records(&label_path, 1, limit)?;
    if image_records != records.source.records {
        return Err(DataError::Counts {
            image_path: folder.file(&image_name),
            images: image_records,
            labels: records.source.records,
            label_path,
        });
    }
    let values = records.bytes.iter().enumerate();
    let labels = values
        .map(|(i, value)| label(&label_path, i, *value, (1, 10)))
        .collect::<Result<_, _>>()?;
    sources.push(records.source);
    Ok(Labelled {
        images: Arc::new(images),
        labels,
    })
}

fn read_images(
    folder: &Folder,
    name: &str,
    limit: Option<usize>,
    sources: &mut Vec<SourceFile>,
) -> Result<Images, DataError> {
    let mut images = Images::empty(DatasetKind::Stl10.image_shape());
    let records = read_records(&folder.file(name), images.image_len(), limit)?;
    sources.push(records.source);
    images.pixels = records.bytes;
    let side = images.width;
    images
        .pixels
        .par_chunks_exact_mut(side * side)
        .for_each(|plane| transpose(plane, side));
    Ok(images)
}

/// Exchanges rows and columns of a square plane.
fn transpose(plane: &mut [u8], side: usize) {
    for row in 1..side {
        for column in 0..row {
            plane.swap(row * side + column, column * side + row);
        }
    }
}
