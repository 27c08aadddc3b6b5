//! `harness train`: options, and how they change a recipe.

use std::path::PathBuf;

use clap::Args;

use crate::{
    backend::BackendKind,
    config::{OptimizerKind, TrainConfig},
    data::DatasetKind,
    loss::{Method, OtCost, OtOn, OtScale},
    model::StemKind,
};

/// Options of `harness train`. What is not given comes from the recipe of the data
/// set (for a new run) or from the run's config.toml (with --resume).
#[derive(Args, Clone, Debug, Default)]
pub struct TrainArgs {
    /// Data set [default: synthetic, which is built in]
    #[arg(long, value_enum, help_heading = "What")]
    pub dataset: Option<DatasetKind>,
    /// Training method [default: sinsim]
    #[arg(long, value_enum, help_heading = "What")]
    pub method: Option<Method>,
    /// Folder with one folder per data set [default: the platform's cache directory]
    #[arg(long, value_name = "DIR", help_heading = "What")]
    pub data_dir: Option<PathBuf>,
    /// Never download: missing files are an error
    #[arg(long, help_heading = "What")]
    pub offline: bool,
    /// Use the first N training images; the test set stays whole [default: all]
    #[arg(long, value_name = "N", help_heading = "What")]
    pub limit: Option<usize>,

    /// Run folder [default: runs/METHOD-DATASET-sSEED, numbered if it exists]
    #[arg(long, value_name = "RUN", help_heading = "Run")]
    pub out: Option<PathBuf>,
    /// Continue the run in --out from its last checkpoint
    #[arg(long, requires = "out", help_heading = "Run")]
    pub resume: bool,
    /// Stop cleanly after N epochs of the run, as Ctrl-C does; --resume continues
    #[arg(long, value_name = "N", help_heading = "Run")]
    pub stop_after: Option<u64>,
    /// Steps between checkpoints; 0 is one per epoch [default: 0]
    #[arg(long, value_name = "N", help_heading = "Run")]
    pub checkpoint_steps: Option<u64>,
    /// Seeds weights, image order and augmentation [default: 0]
    #[arg(long, value_name = "S", help_heading = "Run")]
    pub seed: Option<u64>,

    /// Passes over the images [default: synthetic 8, mnist 2, cifar and stl10 10]
    #[arg(long, value_name = "N", help_heading = "Training")]
    pub epochs: Option<usize>,
    /// Images in a batch; each gives two views [default: 64]
    #[arg(long, value_name = "B", help_heading = "Training")]
    pub batch_size: Option<usize>,
    /// Batches whose gradients are averaged into one step [default: 1]
    #[arg(long, value_name = "K", help_heading = "Training")]
    pub accumulate: Option<usize>,
    /// Update rule [default: adamw]
    #[arg(long, value_enum, help_heading = "Training")]
    pub optimizer: Option<OptimizerKind>,
    /// Peak learning rate, used as it is (not scaled by the batch size) [default: 0.001]
    #[arg(long, help_heading = "Training")]
    pub lr: Option<f64>,
    /// Momentum of SGD and LARS, beta 1 of Adam and AdamW [default: 0.9]
    #[arg(long, help_heading = "Training")]
    pub momentum: Option<f64>,
    /// Weight decay; norms and biases are excluded [default: 0.0001]
    #[arg(long, help_heading = "Training")]
    pub weight_decay: Option<f64>,
    /// Epochs in which the learning rate rises from zero; then it falls by a cosine [default: 0.25]
    #[arg(long, value_name = "E", help_heading = "Training")]
    pub warmup_epochs: Option<f64>,

    /// Height and width of the views in pixels; frozen encoders see whole images all the
    /// same [default: the images' own, 28, 32 or 96]
    #[arg(long, value_name = "PX", help_heading = "Training")]
    pub view_size: Option<usize>,

    /// First layers of the ResNet-18
    /// [default: small for cifar10 and cifar100, torchvision for the others]
    #[arg(long, value_enum, help_heading = "Network")]
    pub stem: Option<StemKind>,
    /// Hidden width of the projection head [default: 512]
    #[arg(long, value_name = "D", help_heading = "Network")]
    pub head_hidden: Option<usize>,
    /// Width of the embedding [default: 128]
    #[arg(long, value_name = "D", help_heading = "Network")]
    pub head_output: Option<usize>,

    /// Temperature of NT-Xent [default: 0.2]
    #[arg(long, help_heading = "Loss")]
    pub temperature: Option<f32>,
    /// Weight of the transport term in NT-Xent + lambda OT [default: 0.8]
    #[arg(long, help_heading = "Loss")]
    pub lambda: Option<f32>,
    /// Entropic regularisation, in the unit of the (scaled) cost [default: 0.05]
    #[arg(long, help_heading = "Loss")]
    pub epsilon: Option<f32>,
    /// L1 marginal error at which Sinkhorn stops [default: 0.001]
    #[arg(long, help_heading = "Loss")]
    pub threshold: Option<f32>,
    /// Sinkhorn iterations at most [default: 50]
    #[arg(long, value_name = "N", help_heading = "Loss")]
    pub max_iterations: Option<usize>,
    /// Ground cost of the transport term [default: cosine]
    #[arg(long, value_enum, help_heading = "Loss")]
    pub ot_cost: Option<OtCost>,
    /// What the cost is divided by [default: none]
    #[arg(long, value_enum, help_heading = "Loss")]
    pub ot_scale: Option<OtScale>,
    /// Where the transport term acts [default: z]
    #[arg(long, value_enum, help_heading = "Loss")]
    pub ot_on: Option<OtOn>,

    /// Neighbours of the k-NN probe [default: 20]
    #[arg(long, value_name = "K", help_heading = "Evaluation")]
    pub knn_k: Option<usize>,
    /// Epochs of the linear probe [default: 100]
    #[arg(long, value_name = "N", help_heading = "Evaluation")]
    pub linear_epochs: Option<usize>,

    /// What computes [default: flex]
    #[arg(long, value_enum, help_heading = "Machine")]
    pub backend: Option<BackendKind>,
    /// Threads; 0 is one per core [default: 0]
    #[arg(long, value_name = "N", help_heading = "Machine")]
    pub threads: Option<usize>,
}

impl TrainArgs {
    /// The configuration of a new run.
    pub fn new_run(&self) -> TrainConfig {
        let dataset = self.dataset.unwrap_or(DatasetKind::Synthetic);
        let mut config = TrainConfig::recipe(dataset, self.method.unwrap_or(Method::SinSim));
        self.apply(&mut config);
        config
    }

    /// The configuration of a resumed run: the stored one, in which nothing that
    /// shapes the experiment may change. Gives the option that tries to.
    pub fn resumed(&self, stored: &TrainConfig) -> Result<TrainConfig, String> {
        let mut config = stored.clone();
        if let Some(dataset) = self.dataset {
            config.data.dataset = dataset;
        }
        if let Some(method) = self.method {
            config.method = method;
        }
        self.apply(&mut config);
        // Where the data lie, how long it goes on, and on how many threads are not the experiment.
        let mut comparable = config.clone();
        comparable.data.data_dir.clone_from(&stored.data.data_dir);
        comparable.data.offline = stored.data.offline;
        comparable.compute = stored.compute.clone();
        comparable.schedule.epochs = stored.schedule.epochs;
        comparable.schedule.checkpoint_steps = stored.schedule.checkpoint_steps;
        comparable.probe = stored.probe.clone();
        if comparable == *stored {
            Ok(config)
        } else {
            Err(difference(stored, &comparable))
        }
    }

    /// Overrides what was given.
    fn apply(&self, config: &mut TrainConfig) {
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
        if self.limit.is_some() {
            data.limit = self.limit;
        }
        set(&mut config.seed, &self.seed);
        let schedule = &mut config.schedule;
        set(&mut schedule.epochs, &self.epochs);
        set(&mut schedule.batch_size, &self.batch_size);
        set(&mut schedule.accumulate, &self.accumulate);
        set(&mut schedule.warmup_epochs, &self.warmup_epochs);
        set(&mut schedule.checkpoint_steps, &self.checkpoint_steps);
        let optimizer = &mut config.optimizer;
        set(&mut optimizer.kind, &self.optimizer);
        set(&mut optimizer.lr, &self.lr);
        set(&mut optimizer.momentum, &self.momentum);
        set(&mut optimizer.weight_decay, &self.weight_decay);
        for view in &mut config.augment {
            set(&mut view.size, &self.view_size);
        }
        set(&mut config.model.stem, &self.stem);
        set(&mut config.model.projection_head.hidden, &self.head_hidden);
        set(&mut config.model.projection_head.output, &self.head_output);
        let loss = &mut config.loss;
        set(&mut loss.temperature, &self.temperature);
        set(&mut loss.lambda, &self.lambda);
        set(&mut loss.epsilon, &self.epsilon);
        set(&mut loss.threshold, &self.threshold);
        set(&mut loss.max_iterations, &self.max_iterations);
        set(&mut loss.cost, &self.ot_cost);
        set(&mut loss.cost_scale, &self.ot_scale);
        set(&mut loss.ot_on, &self.ot_on);
        set(&mut config.probe.knn_k, &self.knn_k);
        set(&mut config.probe.linear_epochs, &self.linear_epochs);
        set(&mut config.compute.backend, &self.backend);
        set(&mut config.compute.threads, &self.threads);
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
mod tests {
    use super::*;

    #[test]
    fn options_override_the_recipe() {
        let args = TrainArgs {
            dataset: Some(DatasetKind::Mnist),
            lambda: Some(0.25),
            limit: Some(7),
            view_size: Some(20),
            ..TrainArgs::default()
        };
        let config = args.new_run();
        assert!(config.augment.iter().all(|view| view.size == 20));
        assert_eq!(config.data.limit, Some(7));
        assert_eq!(config.loss.lambda, 0.25);
        assert_eq!(config.method, Method::SinSim);
    }

    #[test]
    fn every_recipe_is_valid_and_survives_its_file() {
        use clap::ValueEnum;
        for dataset in DatasetKind::value_variants() {
            for method in Method::value_variants() {
                let config = TrainConfig::recipe(*dataset, *method);
                let text = config.to_toml().unwrap();
                assert_eq!(TrainConfig::from_toml(&text).unwrap(), config);
            }
        }
    }

    #[test]
    fn resuming_takes_more_epochs_but_no_other_experiment() {
        let stored = TrainArgs::default().new_run();
        let more = TrainArgs {
            epochs: Some(9),
            threads: Some(1),
            ..TrainArgs::default()
        };
        assert_eq!(more.resumed(&stored).unwrap().schedule.epochs, 9);
        let other = TrainArgs {
            lr: Some(0.5),
            ..TrainArgs::default()
        };
        let message = other.resumed(&stored).unwrap_err();
        assert!(
            message.contains("lr = 0.001") && message.contains("lr = 0.5"),
            "{message}"
        );
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        let refuse = |args: TrainArgs, name: &str| {
            let message = args.new_run().validate().unwrap_err().to_string();
            assert!(message.starts_with(name), "{message}");
        };
        let d = TrainArgs::default;
        refuse(
            TrainArgs {
                epsilon: Some(f32::NAN),
                ..d()
            },
            "--epsilon",
        );
        refuse(
            TrainArgs {
                temperature: Some(0.0),
                ..d()
            },
            "--temperature",
        );
        refuse(
            TrainArgs {
                lr: Some(f64::INFINITY),
                ..d()
            },
            "--lr",
        );
        refuse(
            TrainArgs {
                batch_size: Some(1),
                ..d()
            },
            "--batch-size",
        );
        refuse(
            TrainArgs {
                epochs: Some(0),
                ..d()
            },
            "--epochs",
        );
    }
}
