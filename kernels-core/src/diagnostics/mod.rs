//! Has the embedding collapsed? Numbers to watch during training; no gradients.
//!
//! | function | formula | reads as |
//! |---|---|---|
//! | [`alignment`] | `mean_i ‖û_i − v̂_i‖^α` | views of one image agree: small |
//! | [`uniformity`] | `log mean_{i<j} exp(−t ‖û_i − û_j‖²)` | rows fill the sphere: negative; 0 when collapsed |
//! | [`effective_rank`] | `exp(−Σ_k p_k log p_k)` over the spectrum | directions in use: 1 to d |
//!
//! Each function says which definition it computes, and where that is from.
//! [`symmetric_eigenvalues`] is the solver under the effective rank.

mod alignment;
mod effective_rank;
mod symmetric_eigen;
mod uniformity;

pub use alignment::alignment;
pub use effective_rank::{Spectrum, effective_rank, effective_rank_workspace_len};
pub use symmetric_eigen::symmetric_eigenvalues;
pub use uniformity::{uniformity, uniformity_workspace_len};
