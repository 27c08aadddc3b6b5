//! One run from beginning (or checkpoint) to end (or interruption).

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use burn::tensor::Device;
use serde::Serialize;
use serde_json::json;

use super::{
    outcome::{self, Outcome},
    schedule::Plan,
    trainer::{ImageShape, StepReport, Trainer},
};
use crate::{
    augment::{LoaderOptions, Normalize, ViewBatch, ViewLoader, epoch_order},
    config::TrainConfig,
    data::{self, Dataset},
    error::{Error, StepFailure},
    progress::Progress,
    run::{
        Checkpoint, RunDir,
        checkpoint::{load_latest, save},
        interrupt::{Interrupt, Signal},
        metrics::{MetricsWriter, Record},
        tensorboard::{self, TensorBoard},
    },
};

/// How a call of [`train`] ended.
pub enum Finish {
    /// The run is complete.
    Complete(Box<Outcome>),
    /// Stopped by a signal, saved, to be continued by `--resume`.
    Interrupted(Signal),
    /// Stopped where `--stop-after` asked for, saved.
    Paused,
}

/// One line of `metrics.jsonl`.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    record: &'a Record,
    /// Images (not views) in the step.
    images: usize,
    /// Seconds in the loss kernels, of the whole step.
    loss_seconds: f64,
}

/// What a call of [`train`] does that is no part of the experiment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// Continues the run in the folder.
    pub resume: bool,
    /// Stops after so many epochs of the run.
    pub stop_after: Option<u64>,
    /// Where runs share what they learnt of untrained encoders.
    pub untrained_cache: Option<&'a Path>,
}

/// Trains `config` on `data` in `dir` until it is complete, interrupted, or as far as
/// `options` ask.
pub fn train(
    config: &TrainConfig,
    data: &Dataset,
    dir: &RunDir,
    options: Options<'_>,
    interrupt: Interrupt,
) -> Result<Finish, Error> {
    let device = config.compute.backend.device()?;
    let shape = image_shape(config, data);
    let plan = Plan::new(data.pretrain.len(), &config.schedule)?;
    let fresh = Trainer::new(config, shape, plan, &device);
    let mut session = Session {
        config,
        dir,
        normalize: Normalize::measure(&data.pretrain),
        seconds: 0.0,
        images: 0,
        trainer: fresh,
        records: None,
        last_loss: f32::NAN,
        last_alignment: None,
        saved: None,
    };
    if options.resume {
        session.restore(&device, shape)?;
    }
    let first = session.trainer.step + 1;
    let board = TensorBoard::open(dir.path(), first)?;
    session.records = Some((dir.metrics(session.trainer.step)?, board));
    if !options.resume {
        // Step 0 is a checkpoint too: a kill during the first epoch loses no more than it.
        session.save()?;
    }
    let last_epoch = options
        .stop_after
        .unwrap_or(u64::MAX)
        .min(config.schedule.epochs as u64);
    let halted = session.epochs(data, last_epoch, &interrupt)?;
    if let Some(signal) = halted {
        return Ok(Finish::Interrupted(signal));
    }
    if last_epoch < config.schedule.epochs as u64 {
        return Ok(Finish::Paused);
    }
    // All is saved: from here on a signal ends the program at once.
    drop(interrupt);
    let summary = outcome::Training {
        seconds: session.seconds,
        alignment: session.last_alignment,
        images_per_second: session.images as f64 / session.seconds.max(1e-9),
        final_loss: session.last_loss,
    };
    let outcome = outcome::conclude(
        config,
        dir,
        &session.trainer,
        data,
        summary,
        options.untrained_cache,
        &device,
    )?;
    if let Some((_, board)) = &mut session.records {
        let probes = outcome.probes();
        board.scalars(session.trainer.step, tensorboard::now(), &probes)?;
    }
    Ok(Finish::Complete(Box::new(outcome)))
}

/// Shape of what the network sees in training.
pub fn image_shape(config: &TrainConfig, data: &Dataset) -> ImageShape {
    let size = config.augment[0].size;
    [data.pretrain.channels, size, size]
}

/// The data set that a configuration names, with a line on what was found.
pub fn load(config: &TrainConfig) -> Result<Dataset, Error> {
    let options = data::LoadOptions {
        root: config.data.data_dir.clone(),
        offline: config.data.offline,
        limit: config.data.limit,
        seed: config.seed,
    };
    let mut data = data::load(config.data.dataset, &options, &data::Stderr::default())?;
    if let Some(limit) = config.data.test_limit {
        Arc::make_mut(&mut data.test.images).truncate(limit);
        data.test.labels.truncate(limit);
    }
    eprintln!(
        "{}: {} images to learn from, {} labelled for the probes, {} to test on",
        config.data.dataset.name(),
        data.pretrain.len(),
        data.train.images.len(),
        data.test.images.len(),
    );
    Ok(data)
}

/// A run while it trains.
struct Session<'a> {
    config: &'a TrainConfig,
    dir: &'a RunDir,
    normalize: Normalize,
    trainer: Trainer,
    /// `metrics.jsonl`, and the same for TensorBoard.
    records: Option<(MetricsWriter, TensorBoard)>,
    /// Seconds and images of training, over all goes.
    seconds: f64,
    images: u64,
    last_loss: f32,
    /// Of the last look at the embeddings.
    last_alignment: Option<f64>,
    /// Step of the last checkpoint that is known to be good.
    saved: Option<u64>,
}

impl Session<'_> {
    /// Trains up to the end of `last_epoch`; gives the signal that stopped it, if one did.
    fn epochs(
        &mut self,
        data: &Dataset,
        last_epoch: u64,
        interrupt: &Interrupt,
    ) -> Result<Option<Signal>, Error> {
        let plan = self.trainer.plan;
        let end = plan.steps_per_epoch * last_epoch;
        let mut progress = Progress::new("training", self.trainer.step, end);
        while self.trainer.step < end {
            let epoch = plan.epoch(self.trainer.step);
            let first = plan.step_in_epoch(self.trainer.step);
            let mut loader = self.loader(data, epoch, first)?;
            for _ in first..plan.steps_per_epoch {
                let start = Instant::now();
                let batches = self.batches(&mut loader)?;
                let report = self.step(batches)?;
                self.record(&report, start.elapsed().as_secs_f64(), &mut progress)?;
                if let Some(signal) = interrupt.requested() {
                    let path = self.save()?;
                    progress.say(&format!("saved {}", path.display()));
                    return Ok(Some(signal));
                }
                let every = self.config.schedule.checkpoint_steps;
                if every > 0 && self.trainer.step.is_multiple_of(every) {
                    self.save()?;
                }
            }
            self.save()?;
            progress.say(&format!(
                "epoch {} of {}: loss {:.4}",
                epoch + 1,
                self.config.schedule.epochs,
                self.last_loss
            ));
        }
        Ok(None)
    }

    /// Views of an epoch, from its step `first` on, made ahead of the encoder.
    fn loader(&self, data: &Dataset, epoch: u64, first: u64) -> Result<ViewLoader, Error> {
        let schedule = &self.config.schedule;
        let order = epoch_order(self.config.seed, epoch, data.pretrain.len())?;
        Ok(ViewLoader::start(LoaderOptions {
            images: data.pretrain.clone(),
            order: Arc::from(order),
            first_batch: first as usize * schedule.accumulate,
            batch_size: schedule.batch_size,
            views: self.config.augment.clone(),
            normalize: self.normalize.clone(),
            seed: self.config.seed,
            epoch,
            threads: rayon::current_num_threads(),
        })?)
    }

    /// The batches of one optimiser step.
    fn batches(&self, loader: &mut ViewLoader) -> Result<Vec<ViewBatch>, Error> {
        let wanted = self.config.schedule.accumulate;
        let batches: Result<Vec<_>, _> = loader.by_ref().take(wanted).collect();
        Ok(batches?)
    }

    fn step(&mut self, batches: Vec<ViewBatch>) -> Result<StepReport, Error> {
        let images: Vec<u32> = batches
            .iter()
            .flat_map(|b| b.images.iter().copied())
            .collect();
        self.trainer.step(batches).map_err(|source| {
            Error::Step(Box::new(StepFailure {
                step: self.trainer.step + 1,
                epoch: self.trainer.plan.epoch(self.trainer.step),
                seed: self.config.seed,
                first_images: images.into_iter().take(8).collect(),
                checkpoint: self.saved,
                source,
            }))
        })
    }

    fn record(
        &mut self,
        report: &StepReport,
        seconds: f64,
        progress: &mut Progress,
    ) -> Result<(), Error> {
        self.seconds += seconds;
        self.images += report.images as u64;
        self.last_loss = report.terms.loss;
        if let Some(diagnostics) = report.diagnostics {
            self.last_alignment = Some(diagnostics.alignment.into());
        }
        let step = self.trainer.step;
        let epoch = self.trainer.plan.epoch(step - 1) + 1;
        let record = report.record(step, epoch, report.images as f64 / seconds);
        if let Some((metrics, board)) = &mut self.records {
            metrics.append(&Line {
                record: &record,
                images: report.images,
                loss_seconds: report.loss_seconds,
            })?;
            board.record(&record, tensorboard::now())?;
        }
        progress.set(self.trainer.step, || {
            let pace = self.images as f64 / self.seconds;
            format!("loss {:.4}, {pace:.0} images/s", report.terms.loss)
        });
        Ok(())
    }

    fn save(&mut self) -> Result<PathBuf, Error> {
        // The records that the checkpoint counts on come first.
        if let Some((metrics, _)) = &self.records {
            metrics.sync()?;
        }
        let meta = json!({
            "seed": self.config.seed,
            "seconds": self.seconds,
            "images": self.images,
            "last_loss": self.last_loss,
        });
        let checkpoint = Checkpoint {
            step: self.trainer.step,
            epoch: self.trainer.plan.epoch(self.trainer.step),
            meta,
            sections: self.trainer.sections()?,
        };
        let path = save(self.dir.path(), &checkpoint)?;
        self.saved = Some(checkpoint.step);
        Ok(path)
    }

    fn restore(&mut self, device: &Device, shape: ImageShape) -> Result<(), Error> {
        let Some((checkpoint, warnings)) = load_latest(self.dir.path())? else {
            // Killed before its first checkpoint: step 0 is where it stands.
            self.save()?;
            return Ok(());
        };
        for warning in warnings {
            eprintln!("warning: {warning}");
        }
        let number = |key: &str| checkpoint.meta.get(key).and_then(serde_json::Value::as_f64);
        self.seconds = number("seconds").unwrap_or(0.0);
        self.images = number("images").unwrap_or(0.0) as u64;
        self.last_loss = number("last_loss").unwrap_or(f64::NAN) as f32;
        let fresh = Trainer::new(self.config, shape, self.trainer.plan, device);
        self.saved = Some(checkpoint.step);
        self.trainer = fresh.restore(checkpoint.step, checkpoint.sections)?;
        eprintln!(
            "resuming at step {} of {}",
            self.trainer.step, self.trainer.plan.total_steps
        );
        Ok(())
    }
}
