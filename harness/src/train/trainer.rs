//! Training as a state machine: [`Trainer`] holds everything that changes, and
//! [`Trainer::step`] moves it by one optimiser step.

mod trace;

use std::collections::HashMap;

use burn::{
    module::Module,
    optim::{GradientsAccumulator, GradientsParams, ModuleOptimizer},
    store::ModuleRecord,
    tensor::{Bytes, Device, Tensor, TensorData},
};
use kernels_core::byol::byol_momentum;

use super::{optimizer, schedule::Plan};
use crate::{
    augment::ViewBatch,
    config::TrainConfig,
    loss::{LossConfig, LossError, LossTerms, Objective, diagnostics::Diagnostics},
    model::{Network, Target},
    run::metrics::{Numbers, Record, Sinkhorn},
};

pub use trace::Trace;

/// Shape of one image: channels, height, width.
pub type ImageShape = [usize; 3];

/// Everything that training changes.
pub struct Trainer {
    /// Encoder and heads.
    pub network: Network,
    /// BYOL's target, which follows the network.
    target: Option<Target>,
    optimizer: ModuleOptimizer,
    objective: Objective,
    /// Optimiser steps taken.
    pub step: u64,
    /// How long the run is and how the learning rate goes.
    pub plan: Plan,
    peak_lr: f64,
    ema_momentum: f64,
    /// Learning rate of BYOL's predictor, in those of the network.
    predictor_lr_factor: f64,
    diagnostics_steps: u64,
    shape: ImageShape,
    device: Device,
}

/// What one step gave; means over its batches.
#[derive(Clone, Debug)]
pub struct StepReport {
    /// Objective and its parts.
    pub terms: LossTerms,
    /// A look at the embeddings, in the steps that take one.
    pub diagnostics: Option<Diagnostics>,
    /// Learning rate that was used.
    pub learning_rate: f64,
    /// Images (not views) in the step.
    pub images: usize,
    /// Seconds in the loss kernels, of the whole step.
    pub loss_seconds: f64,
}

impl StepReport {
    /// What is kept of it.
    pub fn record(&self, step: u64, epoch: u64, images_per_second: f64) -> Record {
        let named = |numbers: &[(&str, f32)]| -> Numbers {
            let numbers = numbers.iter();
            numbers
                .map(|&(name, value)| (name.to_owned(), value.into()))
                .collect()
        };
        let diagnostics = self.diagnostics.map(|numbers| named(&numbers.named()));
        Record {
            step,
            epoch,
            loss: self.terms.loss.into(),
            terms: named(&self.terms.terms.0),
            sinkhorn: self.terms.sinkhorn.map(|transport| Sinkhorn {
                marginal_error: transport.marginal_error.into(),
                iterations: transport.iterations as f64,
                converged: transport.converged,
            }),
            diagnostics: diagnostics.unwrap_or_default(),
            learning_rate: self.learning_rate,
            images_per_second,
        }
    }
}

/// A step that could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The loss refused its input.
    #[error(transparent)]
    Loss(#[from] LossError),
    /// The loss is NaN or infinite.
    #[error(
        "the loss is {loss} (its parts: {parts:?}): training has diverged; try a lower --lr or a longer warm-up"
    )]
    NotFinite {
        /// The objective's value.
        loss: f32,
        /// What it consists of.
        parts: Vec<(&'static str, f32)>,
    },
    /// There was no batch.
    #[error("a step needs at least one batch, got none")]
    NoBatch,
}

/// What a batch gave on its way through the network and back.
struct Pass {
    gradients: GradientsParams,
    h: Tensor<2>,
    z: Tensor<2>,
    terms: LossTerms,
    diagnostics: Option<Diagnostics>,
    loss_seconds: f64,
}

/// A stored state that does not fit this configuration.
#[derive(Debug, thiserror::Error)]
#[error("the checkpoint's {what} cannot be restored: {reason}")]
pub struct RestoreError {
    what: &'static str,
    reason: String,
}

impl Trainer {
    /// A trainer at step 0.
    pub fn new(config: &TrainConfig, shape: ImageShape, plan: Plan, device: &Device) -> Self {
        let device = device.clone().autodiff();
        let network = fresh_network(config, shape, &device);
        let (ema_momentum, predictor_lr_factor) = match &config.loss {
            LossConfig::Byol(byol) => (Some(byol.ema_momentum), byol.predictor_lr_factor),
            _ => (None, 1.0),
        };
        Self {
            target: ema_momentum.map(|_| Target::of(&network)),
            network,
            optimizer: optimizer::build(&config.optimizer),
            objective: Objective::new(config.loss.clone(), config.compute.backend),
            step: 0,
            plan,
            peak_lr: config.optimizer.lr,
            ema_momentum: ema_momentum.unwrap_or(1.0),
            predictor_lr_factor,
            diagnostics_steps: config.schedule.diagnostics_steps,
            shape,
            device,
        }
    }

    /// One optimiser step on the mean gradient of `batches`.
    pub fn step(&mut self, batches: Vec<ViewBatch>) -> Result<StepReport, StepError> {
        let weight = 1.0 / batches.len() as f32;
        let mut accumulator = GradientsAccumulator::new();
        let mut sums: Option<LossTerms> = None;
        let mut diagnostics = None;
        let (mut images, mut loss_seconds) = (0, 0.0);
        for batch in batches {
            images += batch.images.len();
            let looks = diagnostics.is_none() && self.looks();
            let pass = self.pass(self.tensor(batch), weight, looks)?;
            diagnostics = diagnostics.or(pass.diagnostics);
            loss_seconds += pass.loss_seconds;
            accumulator.accumulate(&self.network, pass.gradients);
            let terms = pass.terms.scaled(weight);
            sums = Some(match sums {
                Some(sums) => sums.merge(&terms),
                None => terms,
            });
        }
        let terms = sums.ok_or(StepError::NoBatch)?;
        let learning_rate = self.plan.learning_rate(self.step, self.peak_lr);
        let network = self.network.clone();
        let rates = optimizer::rates(learning_rate, self.predictor_lr_factor);
        self.network = self.optimizer.step(rates, network, accumulator.grads());
        self.follow()?;
        self.step += 1;
        Ok(StepReport {
            terms,
            diagnostics,
            learning_rate,
            images,
            loss_seconds,
        })
    }

    /// Views through network and loss and back; gradients are `weight` times the loss's.
    fn pass(&mut self, views: Tensor<4>, weight: f32, looks: bool) -> Result<Pass, StepError> {
        let target = self
            .target
            .as_ref()
            .map(|target| target.project(views.clone()));
        let embeddings = self.network.forward(views);
        let diagnostics = looks.then(|| Diagnostics::of(&embeddings)).transpose()?;
        let (h, z) = (embeddings.h.clone(), embeddings.z.clone());
        let start = std::time::Instant::now();
        let (loss, terms) = self.objective.apply(embeddings, target)?;
        let loss_seconds = start.elapsed().as_secs_f64();
        if !terms.loss.is_finite() {
            return Err(StepError::NotFinite {
                loss: terms.loss,
                parts: terms.terms.0,
            });
        }
        let gradients = (loss * weight).backward();
        Ok(Pass {
            gradients: GradientsParams::from_grads(gradients, &self.network),
            h,
            z,
            terms,
            diagnostics,
            loss_seconds,
        })
    }

    /// Whether this step looks at the embeddings: the first, and every so many.
    fn looks(&self) -> bool {
        self.diagnostics_steps > 0 && self.step.is_multiple_of(self.diagnostics_steps)
    }

    /// Moves the target after the network.
    fn follow(&mut self) -> Result<(), LossError> {
        if let Some(target) = self.target.take() {
            let (step, steps) = (self.step as usize, self.plan.total_steps as usize);
            let momentum = byol_momentum(step.min(steps), steps, self.ema_momentum)?;
            self.target = Some(target.follow(&self.network, momentum));
        }
        Ok(())
    }

    /// Both views of a batch, one after the other, so that batch norm sees them together.
    fn tensor(&self, batch: ViewBatch) -> Tensor<4> {
        let [channels, height, width] = self.shape;
        let rows = 2 * batch.images.len();
        let mut values = batch.a;
        values.extend_from_slice(&batch.b);
        Tensor::from_data(
            TensorData::new(values, [rows, channels, height, width]),
            &self.device,
        )
    }

    /// Network, optimiser and target as bytes.
    pub fn sections(&self) -> Result<Vec<(String, Vec<u8>)>, RestoreError> {
        let mut sections = vec![(NETWORK.to_owned(), bytes_of(NETWORK, &self.network)?)];
        let optimizer = self.optimizer.into_bytes();
        let optimizer = optimizer.map_err(|e| RestoreError::new(OPTIMIZER, format!("{e:?}")))?;
        sections.push((OPTIMIZER.to_owned(), optimizer.to_vec()));
        if let Some(target) = &self.target {
            sections.push((TARGET.to_owned(), bytes_of(TARGET, target.network())?));
        }
        Ok(sections)
    }

    /// Takes up the state that [`Trainer::sections`] gave at step `step`.
    pub fn restore(
        mut self,
        step: u64,
        sections: Vec<(String, Vec<u8>)>,
    ) -> Result<Self, RestoreError> {
        let mut sections: HashMap<String, Vec<u8>> = sections.into_iter().collect();
        let mut section = |what: &'static str| {
            let found = sections.remove(what);
            found.ok_or_else(|| RestoreError::new(what, "the section is missing"))
        };
        self.network = from_bytes(NETWORK, self.network, section(NETWORK)?)?;
        self.optimizer = self
            .optimizer
            .from_bytes(Bytes::from_bytes_vec(section(OPTIMIZER)?))
            .map_err(|e| RestoreError::new(OPTIMIZER, format!("{e:?}")))?;
        if let Some(target) = self.target.take() {
            let network = target.network().clone();
            let network = from_bytes(TARGET, network, section(TARGET)?)?;
            self.target = Some(Target::from_network(network));
        }
        self.step = step;
        Ok(self)
    }
}

/// Names of a checkpoint's sections.
const NETWORK: &str = "network";
const OPTIMIZER: &str = "optimizer";
const TARGET: &str = "target";

fn bytes_of(what: &'static str, network: &Network) -> Result<Vec<u8>, RestoreError> {
    let bytes = network.clone().into_record().into_bytes();
    let bytes = bytes.map_err(|e| RestoreError::new(what, format!("{e:?}")))?;
    Ok(bytes.to_vec())
}

fn from_bytes(
    what: &'static str,
    network: Network,
    bytes: Vec<u8>,
) -> Result<Network, RestoreError> {
    let failed = |reason| RestoreError::new(what, reason);
    let record = ModuleRecord::from_bytes(Bytes::from_bytes_vec(bytes));
    let record = record.map_err(|e| failed(format!("{e:?}")))?;
    let loaded = network.try_load_record(record);
    loaded.map_err(|e| failed(format!("{e:?}")))
}

impl RestoreError {
    fn new(what: &'static str, reason: impl Into<String>) -> Self {
        Self {
            what,
            reason: reason.into(),
        }
    }
}

/// The network as the seed makes it: also the untrained one that results are held against.
pub fn fresh_network(config: &TrainConfig, shape: ImageShape, device: &Device) -> Network {
    Network::new(&config.model, shape[0], config.seed, device)
}
