//! The training objective: `NT-Xent + λ · OT_ε(view A, view B)`.
//!
//! Values and gradients come from `kernels-core`, or on a GPU from `kernels-cuda`;
//! [`with_known_gradient`] puts them on burn's tape. With λ = 0, or method SimCLR, the
//! transport term is not computed.
//!
//! ```text
//! Objective ──► kernels (trait) ──► host: kernels-core, embeddings copied to the host
//!     │                        └──► gpu:  kernels-cuda, on the tensors' own memory
//!     └──────► known_gradient
//! ```

#[cfg(feature = "cuda")]
mod gpu;
mod host;
mod kernels;
mod known_gradient;
#[cfg(test)]
mod tests;

use burn::tensor::Tensor;
use clap::ValueEnum;
use kernels_core::{
    cost::{Cost, CostScale},
    sin_sim::{EpsilonUnit, OtForm, OtOptions, OtTerm, SinSimOptions},
    sinkhorn::SinkhornOptions,
};
use serde::{Deserialize, Serialize};

pub use known_gradient::with_known_gradient;

use crate::{backend::BackendKind, model::Embeddings};
use kernels::Kernels;

/// Which self-supervised method is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
#[value(rename_all = "lowercase")]
pub enum Method {
    /// NT-Xent alone (Chen et al. 2020)
    SimClr,
    /// NT-Xent and an entropic optimal-transport term between the two views
    SinSim,
}

impl Method {
    /// The name on the command line and in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::SimClr => "simclr",
            Self::SinSim => "sinsim",
        }
    }
}

/// Where the transport term acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum OtOn {
    /// On the representations, as the encoder gives them
    H,
    /// On the embeddings, as the projection head gives them
    Z,
}

/// Ground cost of the transport term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum OtCost {
    /// `|x − y|²` on raw rows
    SquaredEuclidean,
    /// `1 − cos(x, y)`: half the squared distance of the normalised rows
    Cosine,
}

/// What the ground cost is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum OtScale {
    /// Nothing: ε is in the cost's own unit
    None,
    /// The batch's largest cost, as a constant: ε is relative
    Maximum,
}

/// Constants of the objective.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossConfig {
    /// Temperature τ of NT-Xent.
    pub temperature: f32,
    /// Weight λ of the transport term.
    pub lambda: f32,
    /// Entropic regularisation ε, in the unit of the (scaled) cost.
    pub epsilon: f32,
    /// L1 marginal error at which Sinkhorn stops.
    pub threshold: f32,
    /// Sinkhorn iterations at most.
    pub max_iterations: usize,
    /// Ground cost.
    pub cost: OtCost,
    /// What the cost is divided by.
    pub cost_scale: OtScale,
    /// Where the transport term acts.
    pub ot_on: OtOn,
}

/// What one evaluation of the objective gave.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct LossTerms {
    /// The objective.
    pub loss: f32,
    /// Its contrastive part.
    pub nt_xent: f32,
    /// Its transport part, before λ; absent when it is not computed.
    pub ot: Option<TransportTerm>,
}

/// What Sinkhorn said.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct TransportTerm {
    /// `min ⟨P,C⟩ + ε KL(P | a⊗b)`.
    pub value: f32,
    /// L1 distance of the plan's marginals from the uniform ones.
    pub marginal_error: f32,
    /// Iterations taken.
    pub iterations: usize,
    /// Whether the threshold was reached within the limit.
    pub converged: bool,
}

impl From<OtTerm<f32>> for TransportTerm {
    fn from(term: OtTerm<f32>) -> Self {
        Self {
            value: term.value,
            marginal_error: term.marginal_error,
            iterations: term.iterations,
            converged: term.converged,
        }
    }
}

/// A loss that could not be computed.
#[derive(Debug, thiserror::Error)]
pub enum LossError {
    /// The kernels refused their input.
    #[error(
        "the loss could not be computed: {0}; a network that diverged gives such embeddings: \
         try a lower --lr or a longer warm-up"
    )]
    Kernel(#[from] kernels_core::Error),
    /// The embeddings could not be read back from the device.
    #[error("the embeddings could not be read from the device: {0}")]
    Read(String),
    /// The GPU refused or failed.
    #[cfg(feature = "cuda")]
    #[error("the loss could not be computed on the GPU: {0}")]
    Device(#[from] kernels_cuda::DeviceError),
    /// LibTorch had no memory for the gradient or the workspace.
    #[cfg(feature = "cuda")]
    #[error("the loss could not be computed on the GPU: LibTorch's memory: {0}")]
    Torch(#[from] tch::TchError),
}

/// The objective, with the kernels that compute it.
pub struct Objective {
    method: Method,
    config: LossConfig,
    kernels: Box<dyn Kernels>,
}

impl Objective {
    /// The objective of `method`, for embeddings on the device of `backend`.
    pub fn new(method: Method, config: LossConfig, backend: BackendKind) -> Self {
        Self {
            method,
            config,
            kernels: kernels::of(backend),
        }
    }

    /// The loss of a batch whose first half is view A and second half view B,
    /// as a scalar on the tape, with what it consists of.
    pub fn apply(&mut self, embeddings: Embeddings) -> Result<(Tensor<1>, LossTerms), LossError> {
        let transports = self.method == Method::SinSim && self.config.lambda != 0.0;
        match (transports, self.config.ot_on) {
            (false, _) => self.contrastive(embeddings.z),
            (true, OtOn::Z) => self.together(embeddings.z),
            (true, OtOn::H) => self.apart(embeddings),
        }
    }

    /// NT-Xent on `z` alone.
    fn contrastive(&mut self, z: Tensor<2>) -> Result<(Tensor<1>, LossTerms), LossError> {
        let (nt_xent, gradient) = self.kernels.nt_xent(&z, self.config.temperature)?;
        let terms = LossTerms {
            loss: nt_xent,
            nt_xent,
            ot: None,
        };
        Ok((with_known_gradient(z, nt_xent, gradient), terms))
    }

    /// Both terms on `z`, in one call that shares what they share.
    fn together(&mut self, z: Tensor<2>) -> Result<(Tensor<1>, LossTerms), LossError> {
        let options = SinSimOptions {
            temperature: self.config.temperature,
            lambda: self.config.lambda,
            ot: self.config.transport(),
        };
        let (out, gradient) = self.kernels.sin_sim(&z, &options)?;
        let terms = LossTerms {
            loss: out.loss,
            nt_xent: out.nt_xent,
            ot: Some(out.ot.into()),
        };
        Ok((with_known_gradient(z, out.loss, gradient), terms))
    }

    /// NT-Xent on `z`, transport on `h`.
    fn apart(&mut self, e: Embeddings) -> Result<(Tensor<1>, LossTerms), LossError> {
        let (contrastive, mut terms) = self.contrastive(e.z)?;
        let (ot, gradient) = self.kernels.ot_term(&e.h, &self.config.transport())?;
        let lambda = self.config.lambda;
        terms.loss += lambda * ot.value;
        let transport = with_known_gradient(e.h, lambda * ot.value, gradient * lambda);
        terms.ot = Some(ot.into());
        Ok((contrastive + transport, terms))
    }
}

impl LossConfig {
    fn transport(&self) -> OtOptions<f32> {
        OtOptions {
            cost: match self.cost {
                OtCost::SquaredEuclidean => Cost::SquaredEuclidean,
                OtCost::Cosine => Cost::Cosine,
            },
            scale: match self.cost_scale {
                OtScale::None => CostScale::None,
                OtScale::Maximum => CostScale::Maximum,
            },
            form: OtForm::Plain,
            rho: f32::INFINITY,
            epsilon_unit: EpsilonUnit::Absolute,
            sinkhorn: SinkhornOptions {
                epsilon: self.epsilon,
                threshold: self.threshold,
                max_iterations: self.max_iterations,
            },
        }
    }
}
