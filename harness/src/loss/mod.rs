//! The training objectives: `NT-Xent + λ · OT_ε(view A, view B)`, and those it is compared
//! with.
//!
//! Values and gradients come from `kernels-core`, or on a GPU from `kernels-cuda`;
//! [`with_known_gradient`] puts them on burn's tape. With λ = 0 the transport term is not
//! computed.
//!
//! ```text
//! Objective ──► kernels (trait) ──► host: kernels-core, embeddings copied to the host
//!     │                        └──► gpu:  kernels-cuda, on the tensors' own memory
//!     ├──────► known_gradient
//!     └──────► terms
//! diagnostics: has the network collapsed?
//! ```

mod config;
pub mod diagnostics;
#[cfg(feature = "cuda")]
mod gpu;
mod host;
mod kernels;
mod known_gradient;
mod terms;
#[cfg(test)]
mod tests;

use burn::tensor::Tensor;

pub use config::{
    BarlowTwinsConfig, ByolConfig, LossConfig, Method, OtCost, OtForm, OtOn, OtScale, OtUnit,
    SimClrConfig, SinSimConfig, SwavConfig, TransportConfig, VicRegConfig,
};
pub use known_gradient::with_known_gradient;
pub use terms::{LossTerms, Terms, Transport};

use crate::{backend::BackendKind, model::Embeddings};
use kernels::Kernels;

/// A loss that could not be computed.
#[derive(Debug, thiserror::Error)]
pub enum LossError {
    /// The kernels refused their input.
    #[error(
        "the loss could not be computed: {0}; a network that diverged gives such embeddings: \
         try a lower --lr or a longer warm-up"
    )]
    Kernel(#[from] kernels_core::Error),
    /// The network has no output that the method needs.
    #[error("method {method}: expected a network with {part}, got one without")]
    Part {
        /// The method.
        method: &'static str,
        /// What is missing.
        part: &'static str,
    },
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

/// A loss on the tape, and what it consists of.
type Applied = Result<(Tensor<1>, LossTerms), LossError>;

/// The objective, with the kernels that compute it.
pub struct Objective {
    config: LossConfig,
    kernels: Box<dyn Kernels>,
}

impl Objective {
    /// An objective for embeddings on the device of `backend`.
    pub fn new(config: LossConfig, backend: BackendKind) -> Self {
        Self {
            config,
            kernels: kernels::of(backend),
        }
    }

    /// The loss of a batch whose first half is view A and second half view B, as a scalar
    /// on the tape. `target` is what the target network projects the same images to,
    /// where the method has one.
    pub fn apply(&mut self, embeddings: Embeddings, target: Option<Tensor<2>>) -> Applied {
        let kernels = &mut *self.kernels;
        match &self.config {
            LossConfig::SimClr(config) => contrastive(kernels, embeddings.z, config.temperature),
            LossConfig::SinSim(config) => sin_sim(kernels, embeddings, config),
            LossConfig::Byol(_) => {
                let prediction = part("byol", "a predictor", embeddings.prediction)?;
                let target = part("byol", "a target", target)?;
                let (loss, gradient) = kernels.byol(&prediction, &target)?;
                // In [0, 8]; the mean cosine of prediction and target says more.
                let terms = LossTerms::plain(loss, vec![("cosine", 1.0 - loss / 4.0)]);
                Ok((with_known_gradient(prediction, loss, gradient), terms))
            }
            LossConfig::VicReg(config) => {
                let (out, gradient) = kernels.vicreg(&embeddings.z, &config.options())?;
                let terms = vec![
                    ("invariance", out.invariance),
                    ("variance", out.variance),
                    ("covariance", out.covariance),
                ];
                let loss = with_known_gradient(embeddings.z, out.loss, gradient);
                Ok((loss, LossTerms::plain(out.loss, terms)))
            }
            LossConfig::BarlowTwins(config) => {
                let (out, gradient) = kernels.barlow_twins(&embeddings.z, &config.options())?;
                let terms = vec![
                    ("invariance", out.invariance),
                    ("redundancy", out.redundancy),
                ];
                let loss = with_known_gradient(embeddings.z, out.loss, gradient);
                Ok((loss, LossTerms::plain(out.loss, terms)))
            }
            LossConfig::Swav(config) => {
                let scores = part("swav", "prototypes", embeddings.scores)?;
                let (out, gradient) = kernels.swav(&scores, &config.options())?;
                let terms = vec![
                    ("assignment_entropy", out.assignment_entropy),
                    ("prediction_entropy", out.prediction_entropy),
                    ("marginal_error", out.marginal_error),
                ];
                let loss = with_known_gradient(scores, out.loss, gradient);
                Ok((loss, LossTerms::plain(out.loss, terms)))
            }
        }
    }
}

/// NT-Xent on `z` alone.
fn contrastive(kernels: &mut dyn Kernels, z: Tensor<2>, temperature: f32) -> Applied {
    let (nt_xent, gradient) = kernels.nt_xent(&z, temperature)?;
    let terms = LossTerms::plain(nt_xent, vec![("nt_xent", nt_xent)]);
    Ok((with_known_gradient(z, nt_xent, gradient), terms))
}

/// NT-Xent on `z` and transport on `z`, in one call that shares what they share, or on `h`.
fn sin_sim(kernels: &mut dyn Kernels, e: Embeddings, config: &SinSimConfig) -> Applied {
    if config.lambda == 0.0 {
        return contrastive(kernels, e.z, config.temperature);
    }
    let (loss, value, nt_xent, ot) = match config.transport.on {
        OtOn::Z => {
            let (out, gradient) = kernels.sin_sim(&e.z, &config.options())?;
            let loss = with_known_gradient(e.z, out.loss, gradient);
            (loss, out.loss, out.nt_xent, out.ot)
        }
        OtOn::H => {
            let (contrastive, terms) = contrastive(kernels, e.z, config.temperature)?;
            let (ot, gradient) = kernels.ot_term(&e.h, &config.transport.options())?;
            let weighted = config.lambda * ot.value;
            let transport = with_known_gradient(e.h, weighted, gradient * config.lambda);
            (
                contrastive + transport,
                terms.loss + weighted,
                terms.loss,
                ot,
            )
        }
    };
    let terms = LossTerms {
        loss: value,
        terms: Terms(vec![("nt_xent", nt_xent), ("ot", ot.value)]),
        sinkhorn: Some(Transport::from(&ot)),
    };
    Ok((loss, terms))
}

fn part<T>(method: &'static str, part: &'static str, given: Option<T>) -> Result<T, LossError> {
    given.ok_or(LossError::Part { method, part })
}
