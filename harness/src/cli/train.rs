//! `harness train`: options, and how they change a recipe or a configuration file.

use std::{fs, path::PathBuf};

use clap::Args;

use super::loss::LossArgs;
use crate::{
    backend::BackendKind,
    config::{ConfigError, Decay, OptimizerKind, Recipe, TrainConfig},
    data::DatasetKind,
    loss::Method,
    model::StemKind,
};

/// Options of `harness train`. What is not given comes from the recipe (for a new run),
/// from --config, or from the run's config.toml (with --resume); --print-config shows all
/// of it.
#[derive(Args, Clone, Debug, Default)]
pub struct TrainArgs {
    /// Data set [default: synthetic, which is built in]
    #[arg(long, value_enum, help_heading = "What")]
    pub dataset: Option<DatasetKind>,
    /// Training method [default: sinsim]
    #[arg(long, value_enum, help_heading = "What")]
    pub method: Option<Method>,
    /// Where values come from that are not given [default: quick]
    #[arg(long, value_enum, help_heading = "What")]
    pub recipe: Option<Recipe>,
    /// A whole run from a file, as --print-config prints it; options but those of the
    /// experiment itself (--dataset, --method, --recipe) change it
    #[arg(long, value_name = "FILE", help_heading = "What",
          conflicts_with_all = ["dataset", "method", "recipe", "resume"])]
    pub config: Option<PathBuf>,
    /// Print the run's whole configuration (TOML) and do nothing else
    #[arg(long, help_heading = "What")]
    pub print_config: bool,
    /// Folder with one folder per data set [default: the platform's cache directory]
    #[arg(long, value_name = "DIR", help_heading = "What")]
    pub data_dir: Option<PathBuf>,
    /// Never download: missing files are an error
    #[arg(long, help_heading = "What")]
    pub offline: bool,
    /// Use the first N training images [default: all]
    #[arg(long, value_name = "N", help_heading = "What")]
    pub limit: Option<usize>,
    /// Count accuracies on the first N test images [default: all]
    #[arg(long, value_name = "N", help_heading = "What")]
    pub test_limit: Option<usize>,

    /// Run folder [default: runs/METHOD-DATASET-sSEED, numbered if it exists]
    #[arg(long, value_name = "RUN", help_heading = "Run")]
    pub out: Option<PathBuf>,
    /// Continue the run in --out from its last checkpoint
    #[arg(long, requires = "out", help_heading = "Run")]
    pub resume: bool,
    /// Stop cleanly after N epochs of the run, as Ctrl-C does; --resume continues
    #[arg(long, value_name = "N", help_heading = "Run")]
    pub stop_after: Option<u64>,
    /// Steps between checkpoints; 0 is one per epoch
    #[arg(long, value_name = "N", help_heading = "Run")]
    pub checkpoint_steps: Option<u64>,
    /// Steps between looks at the embeddings for a collapse; 0 is never
    #[arg(long, value_name = "N", help_heading = "Run")]
    pub diagnostics_steps: Option<u64>,
    /// Seeds weights, image order and augmentation [default: 0]
    #[arg(long, value_name = "S", help_heading = "Run")]
    pub seed: Option<u64>,

    /// Passes over the images
    #[arg(long, value_name = "N", help_heading = "Training")]
    pub epochs: Option<usize>,
    /// Images in a batch; each gives two views
    #[arg(long, value_name = "B", help_heading = "Training")]
    pub batch_size: Option<usize>,
    /// Batches whose gradients are averaged into one step [default: 1]
    #[arg(long, value_name = "K", help_heading = "Training")]
    pub accumulate: Option<usize>,
    /// Update rule
    #[arg(long, value_enum, help_heading = "Training")]
    pub optimizer: Option<OptimizerKind>,
    /// Peak learning rate, used as it is (not scaled by the batch size)
    #[arg(long, help_heading = "Training")]
    pub lr: Option<f64>,
    /// Momentum of SGD and LARS, beta 1 of Adam and AdamW
    #[arg(long, help_heading = "Training")]
    pub momentum: Option<f64>,
    /// Weight decay; norms and biases are excluded
    #[arg(long, help_heading = "Training")]
    pub weight_decay: Option<f64>,
    /// Epochs in which the learning rate rises from zero
    #[arg(long, value_name = "E", help_heading = "Training")]
    pub warmup_epochs: Option<f64>,
    /// How it falls afterwards
    #[arg(long, value_enum, help_heading = "Training")]
    pub decay: Option<Decay>,
    /// Height and width of the views in pixels; frozen encoders see whole images all the same
    #[arg(long, value_name = "PX", help_heading = "Training")]
    pub view_size: Option<usize>,

    /// First layers of the ResNet-18
    #[arg(long, value_enum, help_heading = "Network")]
    pub stem: Option<StemKind>,
    /// Linear layers of the projection head, 2 or 3
    #[arg(long, value_name = "N", help_heading = "Network")]
    pub head_layers: Option<usize>,
    /// Hidden width of the projection head
    #[arg(long, value_name = "D", help_heading = "Network")]
    pub head_hidden: Option<usize>,
    /// Width of the embedding
    #[arg(long, value_name = "D", help_heading = "Network")]
    pub head_output: Option<usize>,
    /// Hidden width of BYOL's predictor
    #[arg(long, value_name = "D", help_heading = "Network")]
    pub predictor_hidden: Option<usize>,
    /// Number of SwAV's prototypes
    #[arg(long, value_name = "K", help_heading = "Network")]
    pub prototypes: Option<usize>,

    /// The objective's constants.
    #[command(flatten)]
    pub loss: LossArgs,

    /// Neighbours of the k-NN probe
    #[arg(long, value_name = "K", help_heading = "Evaluation")]
    pub knn_k: Option<usize>,
    /// Temperature of the k-NN probe's vote
    #[arg(long, value_name = "T", help_heading = "Evaluation")]
    pub knn_temperature: Option<f32>,
    /// Epochs of the linear probe
    #[arg(long, value_name = "N", help_heading = "Evaluation")]
    pub linear_epochs: Option<usize>,
    /// Epochs of the perceptron
    #[arg(long, value_name = "N", help_heading = "Evaluation")]
    pub mlp_epochs: Option<usize>,
    /// Width of the perceptron's hidden layer
    #[arg(long, value_name = "D", help_heading = "Evaluation")]
    pub mlp_hidden: Option<usize>,
    /// Where runs share the accuracies of untrained encoders, which many begin with alike
    #[arg(long, value_name = "DIR", help_heading = "Evaluation")]
    pub untrained_cache: Option<PathBuf>,

    /// What computes [default: flex]
    #[arg(long, value_enum, help_heading = "Machine")]
    pub backend: Option<BackendKind>,
    /// Threads; 0 is one per core [default: 0]
    #[arg(long, value_name = "N", help_heading = "Machine")]
    pub threads: Option<usize>,
}

impl TrainArgs {
    /// The configuration of a new run, not yet checked.
    pub fn new_run(&self) -> Result<TrainConfig, ConfigError> {
        let mut config = match &self.config {
            Some(path) => {
                let text = fs::read_to_string(path).map_err(|source| ConfigError::Open {
                    path: path.clone(),
                    source,
                })?;
                TrainConfig::from_toml(&text)?
            }
            None => TrainConfig::new(
                self.recipe.unwrap_or_default(),
                self.dataset.unwrap_or(DatasetKind::Synthetic),
                self.method.unwrap_or(Method::SinSim),
            ),
        };
        self.apply(&mut config)?;
        Ok(config)
    }

    /// The configuration of a resumed run: the stored one, in which nothing that
    /// shapes the experiment may change. Gives what tries to, in words.
    pub fn resumed(&self, stored: &TrainConfig) -> Result<TrainConfig, String> {
        let mut config = stored.clone();
        if let Some(dataset) = self.dataset {
            config.data.dataset = dataset;
        }
        let method = self.method.unwrap_or(stored.method());
        let recipe = self.recipe.unwrap_or(stored.recipe);
        if (method, recipe) != (stored.method(), stored.recipe) {
            let (had, asks) = (stored.method().name(), method.name());
            let (of, by) = (stored.recipe.name(), recipe.name());
            return Err(format!(
                "the run has `{had}` by `{of}`, the command line asks for `{asks}` by `{by}`"
            ));
        }
        self.apply(&mut config).map_err(|error| error.to_string())?;
        // Where the data lie, how long it goes on, and on how many threads are not the experiment.
        let mut comparable = config.clone();
        comparable.data.data_dir.clone_from(&stored.data.data_dir);
        comparable.data.offline = stored.data.offline;
        comparable.data.test_limit = stored.data.test_limit;
        comparable.compute = stored.compute.clone();
        comparable.schedule.epochs = stored.schedule.epochs;
        comparable.schedule.checkpoint_steps = stored.schedule.checkpoint_steps;
        comparable.schedule.diagnostics_steps = stored.schedule.diagnostics_steps;
        comparable.probe = stored.probe.clone();
        if comparable == *stored {
            Ok(config)
        } else {
            Err(difference(stored, &comparable))
        }
    }

    /// Overrides what was given.
    fn apply(&self, config: &mut TrainConfig) -> Result<(), ConfigError> {
        fn set<T: Clone>(target: &mut T, given: &Option<T>) {
            if let Some(value) = given {
                target.clone_from(value);
            }
        }
        let data = &mut config.data;
        if self.data_dir.is_some() {
            data.data_dir.clone_from(&self.data_dir);
        }
        data.offline |= self.offline;
        data.limit = self.limit.or(data.limit);
        data.test_limit = self.test_limit.or(data.test_limit);
        set(&mut config.seed, &self.seed);
        let schedule = &mut config.schedule;
        set(&mut schedule.epochs, &self.epochs);
        set(&mut schedule.batch_size, &self.batch_size);
        set(&mut schedule.accumulate, &self.accumulate);
        set(&mut schedule.warmup_epochs, &self.warmup_epochs);
        set(&mut schedule.decay, &self.decay);
        set(&mut schedule.checkpoint_steps, &self.checkpoint_steps);
        set(&mut schedule.diagnostics_steps, &self.diagnostics_steps);
        let optimizer = &mut config.optimizer;
        set(&mut optimizer.kind, &self.optimizer);
        set(&mut optimizer.lr, &self.lr);
        set(&mut optimizer.momentum, &self.momentum);
        set(&mut optimizer.weight_decay, &self.weight_decay);
        for view in &mut config.augment {
            set(&mut view.size, &self.view_size);
        }
        let method = config.method();
        let model = &mut config.model;
        set(&mut model.stem, &self.stem);
        set(&mut model.projection_head.layers, &self.head_layers);
        set(&mut model.projection_head.hidden, &self.head_hidden);
        set(&mut model.projection_head.output, &self.head_output);
        let predictor = model.predictor.as_mut();
        if let (Some(predictor), Some(output)) = (predictor, self.head_output) {
            predictor.output = output;
        }
        let hidden = model
            .predictor
            .as_mut()
            .map(|predictor| &mut predictor.hidden);
        super::loss::put(
            method,
            "--predictor-hidden",
            "byol",
            self.predictor_hidden,
            hidden,
        )?;
        let prototypes = model.prototypes.as_mut();
        super::loss::put(method, "--prototypes", "swav", self.prototypes, prototypes)?;
        self.loss.apply(&mut config.loss)?;
        set(&mut config.probe.knn_k, &self.knn_k);
        set(&mut config.probe.knn_temperature, &self.knn_temperature);
        set(&mut config.probe.linear_epochs, &self.linear_epochs);
        set(&mut config.probe.mlp_epochs, &self.mlp_epochs);
        set(&mut config.probe.mlp_hidden, &self.mlp_hidden);
        set(&mut config.compute.backend, &self.backend);
        set(&mut config.compute.threads, &self.threads);
        Ok(())
    }
}

/// The first line in which two configurations differ, as their files show them.
fn difference(stored: &TrainConfig, asked: &TrainConfig) -> String {
    let (stored, asked) = (stored.to_toml(), asked.to_toml());
    if let (Ok(stored), Ok(asked)) = (stored, asked) {
        for (before, now) in stored.lines().zip(asked.lines()) {
            if before != now {
                return format!("the run has `{before}`, the command line asks for `{now}`");
            }
        }
    }
    "the command line differs from the run's config.toml".to_owned()
}

#[cfg(test)]
#[path = "train_tests.rs"]
mod tests;
