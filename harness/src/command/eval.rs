//! `harness eval`: judges the encoder of a finished run again.

use burn::module::Module;
use serde::Serialize;

use super::print_json;
use crate::{
    augment::Normalize,
    backend,
    cli::eval::{EvalArgs, Probe},
    config::TrainConfig,
    error::Error,
    eval::Cached,
    model::{ResNet18, state_dict},
    progress::Progress,
    run::RunDir,
    train::load,
};

/// The last line on stdout.
#[derive(Serialize)]
struct Report {
    run: String,
    probe: Probe,
    method: &'static str,
    dataset: &'static str,
    train_images: usize,
    test_images: usize,
    test_top1: f64,
}

pub(super) fn run(args: &EvalArgs) -> Result<(), Error> {
    let dir = RunDir::open(&args.run)?;
    let config = configure(args, TrainConfig::from_toml(&dir.read_config()?)?)?;
    backend::set_threads(config.compute.threads)?;
    let device = config.compute.backend.device()?;
    let data = load(&config)?;
    let encoder = ResNet18::new(config.model.stem, data.pretrain.channels, &device).materialize();
    let encoder = state_dict::load_safetensors(encoder, &dir.read_file("encoder.safetensors")?)
        .map_err(|error| Error::Encoder(format!("{}: {error}", dir.path().display())))?;
    let normalize = Normalize::measure(&data.pretrain);
    let mut progress = Progress::new("features", 0, Cached::images(&data) as u64);
    let features = Cached::new(&encoder, &data, &normalize, &device, |done| {
        progress.set(done as u64, || "images".to_owned());
    });
    drop(progress);
    let test_top1 = match args.probe {
        Probe::Linear => features.linear(&data, &config.probe, config.seed, &device),
        Probe::Knn => features.knn(&data, &config.probe, &device),
    };
    print_json(&Report {
        run: dir.path().display().to_string(),
        probe: args.probe,
        method: config.method().name(),
        dataset: config.data.dataset.name(),
        train_images: data.train.images.len(),
        test_images: data.test.images.len(),
        test_top1,
    })
}

/// The run's configuration with what the command line changes.
fn configure(args: &EvalArgs, mut config: TrainConfig) -> Result<TrainConfig, Error> {
    if args.data_dir.is_some() {
        config.data.data_dir.clone_from(&args.data_dir);
    }
    if let Some(k) = args.knn_k {
        config.probe.knn_k = k;
    }
    if let Some(epochs) = args.linear_epochs {
        config.probe.linear_epochs = epochs;
    }
    if let Some(threads) = args.threads {
        config.compute.threads = threads;
    }
    config.validate()?;
    Ok(config)
}
