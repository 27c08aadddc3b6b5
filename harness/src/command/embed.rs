//! `harness embed`: representations as arrays that NumPy reads.

use std::{fs, path::Path};

use serde::Serialize;

use super::{features::FinishedRun, print_json};
use crate::{
    cli::embed::{EmbedArgs, Split},
    error::Error,
    eval::cache::Which,
    export::npy,
    run::{RunError, atomic},
};

/// The last line on stdout.
#[derive(Serialize)]
struct Report {
    run: String,
    split: Split,
    dataset: &'static str,
    method: &'static str,
    images: usize,
    dim: usize,
    files: Vec<String>,
}

/// `classes.json`: what the arrays are, and the names that the labels stand for.
#[derive(Serialize)]
struct Index<'a> {
    dataset: &'static str,
    split: Split,
    method: &'static str,
    seed: u64,
    classes: &'a [String],
}

pub(super) fn run(args: &EmbedArgs) -> Result<(), Error> {
    let run = FinishedRun::open(&args.run, |config| args.features.configure(config))?;
    // Before the encoder runs: what cannot be written need not be computed.
    fs::create_dir_all(&args.out).map_err(RunError::io("create", &args.out))?;
    let (data, normalize) = run.data()?;
    let use_cache = !args.features.no_cache;
    let (sets, _) = run.features(Which::Trained, &data, &normalize, use_cache)?;
    let (features, labelled) = match args.split {
        Split::Train => (&sets.train, &data.train),
        Split::Test => (&sets.test, &data.test),
    };
    let config = &run.config;
    let index = Index {
        dataset: config.data.dataset.name(),
        split: args.split,
        method: config.method().name(),
        seed: config.seed,
        classes: &data.classes,
    };
    let index = serde_json::to_string_pretty(&index).map_err(Error::Json)?;
    let labels: Vec<i64> = labelled.labels.iter().map(|&label| label.into()).collect();
    let shape = [features.rows, features.dim];
    let mut files = vec![
        write(&args.out, "features.npy", &npy(&shape, &features.values))?,
        write(&args.out, "labels.npy", &npy(&[labels.len()], &labels))?,
        write(&args.out, "classes.json", index.as_bytes())?,
    ];
    if args.images {
        let images = &labelled.images;
        let [channels, height, width] = images.shape();
        let array = npy(&[images.len(), channels, height, width], &images.pixels);
        files.push(write(&args.out, "images.npy", &array)?);
    }
    print_json(&Report {
        run: run.dir.path().display().to_string(),
        split: args.split,
        dataset: config.data.dataset.name(),
        method: config.method().name(),
        images: features.rows,
        dim: features.dim,
        files,
    })
}

/// Replaces a file of the folder; gives its path.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<String, Error> {
    let path = folder.join(name);
    atomic::write(&path, bytes).map_err(RunError::io("write", &path))?;
    Ok(path.display().to_string())
}
