//! Features of a finished run's encoder, from its cache where they are there: what the
//! commands share that look at a frozen encoder.

use std::path::Path;

use burn::tensor::Device;

use crate::{
    augment::Normalize,
    backend,
    cli::features::FeatureArgs,
    config::TrainConfig,
    data::Dataset,
    error::Error,
    eval::{
        FeatureSets, Frozen,
        cache::{Cache, Lookup, Which},
    },
    model::ResNet18,
    progress::Progress,
    run::RunDir,
    train::{image_shape, load, trainer::fresh_network},
};

impl FeatureArgs {
    /// What the command line changes.
    pub(super) fn configure(&self, config: &mut TrainConfig) {
        if self.data_dir.is_some() {
            config.data.data_dir.clone_from(&self.data_dir);
        }
        config.compute.threads = self.threads.unwrap_or(config.compute.threads);
    }
}

/// A finished run, opened to look at its encoder.
pub(super) struct FinishedRun {
    pub(super) dir: RunDir,
    pub(super) config: TrainConfig,
    pub(super) device: Device,
    pub(super) frozen: Frozen,
}

/// Where features came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Source {
    /// The run folder had them.
    Cached,
    /// The encoder ran.
    Computed,
}

impl FinishedRun {
    /// Opens a run. `change` is what the command line changes of its configuration.
    pub(super) fn open(path: &Path, change: impl FnOnce(&mut TrainConfig)) -> Result<Self, Error> {
        let dir = RunDir::open(path)?;
        let mut config = TrainConfig::from_toml(&dir.read_config()?)?;
        change(&mut config);
        config.validate()?;
        backend::set_threads(config.compute.threads)?;
        let device = config.compute.backend.device()?;
        let frozen = Frozen::open(&dir, &config, &device)?;
        Ok(Self {
            dir,
            config,
            device,
            frozen,
        })
    }

    /// Its images, and how they are scaled for the encoder.
    pub(super) fn data(&self) -> Result<(Dataset, Normalize), Error> {
        let data = load(&self.config)?;
        let normalize = self.frozen.normalize(&data)?;
        Ok((data, normalize))
    }

    /// Features of the trained or the untrained encoder.
    pub(super) fn features(
        &self,
        which: Which,
        data: &Dataset,
        normalize: &Normalize,
        use_cache: bool,
    ) -> Result<(FeatureSets, Source), Error> {
        let fresh;
        let encoder: &ResNet18 = match which {
            Which::Trained => &self.frozen.encoder,
            Which::Untrained => {
                let shape = image_shape(&self.config, data);
                let device = self.device.clone().autodiff();
                fresh = fresh_network(&self.config, shape, &device).encoder;
                &fresh
            }
        };
        let (dir, config) = (&self.dir, &self.config);
        let cache = use_cache.then(|| Cache::new(dir, which, config, encoder, data, normalize));
        match cache.as_ref().map(Cache::read) {
            Some(Lookup::Found(sets)) => return Ok((sets, Source::Cached)),
            Some(Lookup::Stale) => {
                eprintln!("the features in the run folder are of other weights or images: anew");
            }
            Some(Lookup::Damaged(reason)) => {
                eprintln!("warning: the features in the run folder are damaged ({reason}): anew");
            }
            Some(Lookup::Absent) | None => {}
        }
        let mut progress = Progress::new("features", 0, FeatureSets::images(data) as u64);
        let sets = FeatureSets::extract(encoder, data, normalize, &self.device, |done| {
            progress.set(done as u64, || "images".to_owned());
        })?;
        // What is not kept is computed again: slow, but nothing is lost.
        if let Some(Err(error)) = cache.map(|cache| cache.write(&sets)) {
            eprintln!("warning: the features are not kept: {error}");
        }
        Ok((sets, Source::Computed))
    }
}
