//! Features kept in the run folder, `features/*.safetensors`, so that probes, maps and
//! exports run the encoder once.
//!
//! A file is used only if its key is the one that is asked for, the features'
//! [`fingerprint`]. It also carries a digest of its own tensors;
//! a damaged file is computed anew, not believed.

use std::{collections::HashMap, fs, io::ErrorKind, path::PathBuf};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::{
    features::{FeatureSets, Features},
    fingerprint,
};
use crate::{
    augment::Normalize,
    config::TrainConfig,
    data::Dataset,
    error::Error,
    model::ResNet18,
    run::{RunDir, RunError, atomic, digest},
};

/// Folder in the run folder.
const FOLDER: &str = "features";

/// Which encoder's features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// That of `encoder.safetensors`.
    Trained,
    /// The one that training began with.
    Untrained,
}

/// A place for the features of one encoder on one data set.
pub struct Cache {
    path: PathBuf,
    key: String,
}

/// What a look into the cache gave.
#[derive(Debug, PartialEq)]
pub enum Lookup {
    /// The features that were asked for.
    Found(FeatureSets),
    /// There is no file.
    Absent,
    /// The file has other features: of other weights, images or another backend.
    Stale,
    /// The file cannot be used; why.
    Damaged(String),
}

impl Cache {
    /// The place for `encoder` on the labelled images of `data`.
    pub fn new(
        dir: &RunDir,
        which: Which,
        config: &TrainConfig,
        encoder: &ResNet18,
        data: &Dataset,
        normalize: &Normalize,
    ) -> Self {
        let name = match which {
            Which::Trained => "trained.safetensors",
            Which::Untrained => "untrained.safetensors",
        };
        let key = fingerprint::of_features(config, encoder, data, normalize);
        Self {
            path: dir.path().join(FOLDER).join(name),
            key,
        }
    }

    /// Looks for the features.
    pub fn read(&self) -> Lookup {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Lookup::Absent,
            Err(error) => return Lookup::Damaged(error.to_string()),
        };
        self.decode(&bytes).unwrap_or_else(Lookup::Damaged)
    }

    /// Keeps the features, in the place of what was there.
    pub fn write(&self, sets: &FeatureSets) -> Result<(), Error> {
        let folder = self.path.parent().unwrap_or(&self.path);
        fs::create_dir_all(folder).map_err(RunError::io("create", folder))?;
        let [train, test] = [&sets.train, &sets.test].map(bytes_of);
        let metadata = HashMap::from([
            ("key".to_owned(), self.key.clone()),
            ("digest".to_owned(), payload_digest(&train, &test)),
        ]);
        let view = |features: &Features, bytes| {
            TensorView::new(Dtype::F32, vec![features.rows, features.dim], bytes)
        };
        let views = [
            ("train", view(&sets.train, &train)?),
            ("test", view(&sets.test, &test)?),
        ];
        let file = safetensors::serialize(views, Some(metadata))?;
        atomic::write(&self.path, &file).map_err(RunError::io("write", &self.path))?;
        Ok(())
    }

    /// Where the file is.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    fn decode(&self, file: &[u8]) -> Result<Lookup, String> {
        let (_, header) = SafeTensors::read_metadata(file).map_err(|e| e.to_string())?;
        let none = HashMap::new();
        let entries = header.metadata().as_ref().unwrap_or(&none);
        if entries.get("key") != Some(&self.key) {
            return Ok(Lookup::Stale);
        }
        let tensors = SafeTensors::deserialize(file).map_err(|e| e.to_string())?;
        let matrix = |name| {
            let view = tensors.tensor(name).map_err(|e| e.to_string())?;
            match (view.dtype(), view.shape()) {
                (Dtype::F32, &[rows, dim]) => Ok((view.data().to_vec(), rows, dim)),
                (dtype, shape) => Err(format!("{name} is {dtype} {shape:?}")),
            }
        };
        let (train, test) = (matrix("train")?, matrix("test")?);
        if entries.get("digest") != Some(&payload_digest(&train.0, &test.0)) {
            return Err("its numbers do not have the digest that they were written with".into());
        }
        let [train, test] = [train, test].map(|(bytes, rows, dim)| Features {
            values: bytes
                .as_chunks::<4>()
                .0
                .iter()
                .map(|b| f32::from_le_bytes(*b))
                .collect(),
            rows,
            dim,
        });
        Ok(Lookup::Found(FeatureSets { train, test }))
    }
}

fn bytes_of(features: &Features) -> Vec<u8> {
    features
        .values
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect()
}

fn payload_digest(train: &[u8], test: &[u8]) -> String {
    digest::of_sections([("train", train), ("test", test)])
}
