//! Training as a state machine: [`Trainer`] holds everything that changes, and
//! [`Trainer::step`] moves it by one optimiser step.

use burn::{
    module::Module,
    optim::{GradientsAccumulator, GradientsParams, ModuleOptimizer},
    store::ModuleRecord,
    tensor::{Bytes, Device, Tensor, TensorData},
};
use serde::Serialize;

use super::{optimizer, schedule::Plan};
use crate::{
    augment::ViewBatch,
    config::TrainConfig,
    loss::{LossError, LossTerms, Objective},
    model::Network,
};

/// Shape of one image: channels, height, width.
pub type ImageShape = [usize; 3];

/// Everything that training changes.
pub struct Trainer {
    /// Encoder and projection head.
    pub network: Network,
    optimizer: ModuleOptimizer,
    objective: Objective,
    /// Optimiser steps taken.
    pub step: u64,
    /// How long the run is and how the learning rate goes.
    pub plan: Plan,
    peak_lr: f64,
    shape: ImageShape,
    device: Device,
}

/// What one step gave; means over its batches.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct StepReport {
    /// Objective and its parts.
    #[serde(flatten)]
    pub terms: LossTerms,
    /// Learning rate that was used.
    pub learning_rate: f64,
    /// Images (not views) in the step.
    pub images: usize,
    /// Seconds in the loss kernels, of the whole step.
    pub loss_seconds: f64,
}

/// A step that could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The loss refused its input.
    #[error(transparent)]
    Loss(#[from] LossError),
    /// The loss is NaN or infinite.
    #[error(
        "the loss is {loss} (NT-Xent {nt_xent}): training has diverged; try a lower --lr or a longer warm-up"
    )]
    NotFinite {
        /// The objective's value.
        loss: f32,
        /// Its contrastive part.
        nt_xent: f32,
    },
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
        Self {
            network: fresh_network(config, shape, &device),
            optimizer: optimizer::build(&config.optimizer),
            objective: Objective::new(config.method, config.loss.clone(), config.compute.backend),
            step: 0,
            plan,
            peak_lr: config.optimizer.lr,
            shape,
            device,
        }
    }

    /// One optimiser step on the mean gradient of `batches`.
    pub fn step(&mut self, batches: Vec<ViewBatch>) -> Result<StepReport, StepError> {
        let portions = batches.len();
        let weight = 1.0 / portions as f32;
        let mut accumulator = GradientsAccumulator::new();
        let mut sums: Option<LossTerms> = None;
        let (mut images, mut loss_seconds) = (0, 0.0);
        for batch in batches {
            images += batch.images.len();
            let embeddings = self.network.forward(self.tensor(batch));
            let start = std::time::Instant::now();
            let (loss, terms) = self.objective.apply(embeddings)?;
            loss_seconds += start.elapsed().as_secs_f64();
            if !terms.loss.is_finite() {
                return Err(StepError::NotFinite {
                    loss: terms.loss,
                    nt_xent: terms.nt_xent,
                });
            }
            let gradients = (loss * weight).backward();
            let gradients = GradientsParams::from_grads(gradients, &self.network);
            accumulator.accumulate(&self.network, gradients);
            sums = Some(match sums {
                Some(sums) => sums.merge(terms, weight),
                None => terms.scaled(weight),
            });
        }
        let learning_rate = self.plan.learning_rate(self.step, self.peak_lr);
        let network = self.network.clone();
        self.network = self
            .optimizer
            .step(learning_rate, network, accumulator.grads());
        self.step += 1;
        let terms = sums.unwrap_or(LossTerms {
            loss: 0.0,
            nt_xent: 0.0,
            ot: None,
        });
        Ok(StepReport {
            terms,
            learning_rate,
            images,
            loss_seconds,
        })
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

    /// Network and optimiser as bytes.
    pub fn sections(&self) -> Result<Vec<(String, Vec<u8>)>, RestoreError> {
        let failed = |what, reason: String| RestoreError { what, reason };
        let network = self.network.clone().into_record().into_bytes();
        let network = network.map_err(|e| failed("network", format!("{e:?}")))?;
        let optimizer = self.optimizer.into_bytes();
        let optimizer = optimizer.map_err(|e| failed("optimizer", format!("{e:?}")))?;
        Ok(vec![
            ("network".to_owned(), network.to_vec()),
            ("optimizer".to_owned(), optimizer.to_vec()),
        ])
    }

    /// Takes up the state that [`Trainer::sections`] gave at step `step`.
    pub fn restore(
        mut self,
        step: u64,
        sections: Vec<(String, Vec<u8>)>,
    ) -> Result<Self, RestoreError> {
        let mut network = None;
        let mut optimizer = None;
        for (name, bytes) in sections {
            match name.as_str() {
                "network" => network = Some(bytes),
                "optimizer" => optimizer = Some(bytes),
                _ => {}
            }
        }
        let missing = |what| RestoreError {
            what,
            reason: "the section is missing".to_owned(),
        };
        let network = network.ok_or_else(|| missing("network"))?;
        let record =
            ModuleRecord::from_bytes(Bytes::from_bytes_vec(network)).map_err(|e| RestoreError {
                what: "network",
                reason: format!("{e:?}"),
            })?;
        self.network = self
            .network
            .try_load_record(record)
            .map_err(|e| RestoreError {
                what: "network",
                reason: format!("{e:?}"),
            })?;
        let optimizer = optimizer.ok_or_else(|| missing("optimizer"))?;
        self.optimizer = self
            .optimizer
            .from_bytes(Bytes::from_bytes_vec(optimizer))
            .map_err(|e| RestoreError {
                what: "optimizer",
                reason: format!("{e:?}"),
            })?;
        self.step = step;
        Ok(self)
    }
}

/// The network as the seed makes it: also the untrained one that results are held against.
pub fn fresh_network(config: &TrainConfig, shape: ImageShape, device: &Device) -> Network {
    let model = &config.model;
    Network::new(
        model.stem,
        shape[0],
        &model.projection_head,
        config.seed,
        device,
    )
}

impl LossTerms {
    fn scaled(mut self, weight: f32) -> Self {
        self.loss *= weight;
        self.nt_xent *= weight;
        if let Some(ot) = &mut self.ot {
            ot.value *= weight;
        }
        self
    }

    /// Adds `weight` times another batch's terms; of Sinkhorn's state the worse counts.
    fn merge(mut self, other: Self, weight: f32) -> Self {
        let other = other.scaled(weight);
        self.loss += other.loss;
        self.nt_xent += other.nt_xent;
        if let (Some(ot), Some(more)) = (&mut self.ot, other.ot) {
            ot.value += more.value;
            ot.marginal_error = ot.marginal_error.max(more.marginal_error);
            ot.iterations = ot.iterations.max(more.iterations);
            ot.converged &= more.converged;
        }
        self
    }
}
