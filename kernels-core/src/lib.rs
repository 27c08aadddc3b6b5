//! Losses for self-supervised learning with their gradients: NT-Xent, entropic optimal
//! transport, SinSim, which is their sum, BYOL, VICReg, Barlow Twins and SwAV.
//!
//! | loss | formula |
//! |---|---|
//! | NT-Xent | `(1/2N) Σ_i [ −s_iπ(i) + log Σ_{j≠i} exp s_ij ]`, `s_ij = cos(z_i, z_j)/τ` |
//! | OT_ε | `min_P ⟨P,C⟩ + ε KL(P ‖ a⊗b)` over plans P with marginals a and b |
//! | S_ε | `OT_ε(α, β) − ½ OT_ε(α, α) − ½ OT_ε(β, β)`, the debiased divergence |
//! | SinSim | `NT-Xent(z) + λ · OT_ε(view A, view B)`, or with S_ε |
//! | BYOL | `mean_i (2 − 2 cos(q_i, t_i))` |
//! | VICReg | `25 mean (a − b)² + 25 · ½ Σ_views mean_j relu(γ − S_j) + Σ_views Σ_{i≠j} C_ij²/d` |
//! | Barlow Twins | `Σ_i (1 − C_ii)² + λ Σ_{i≠j} C_ij²`, C the cross-correlation of the views |
//! | SwAV | `−½ mean_i Σ_k [q^a log p^b + q^b log p^a]`, `p = softmax(s/τ)`, q the entropic plan of s |
//!
//! Matrices are row-major slices. A batch `z` of N images has `rows = 2N` rows: row i
//! and row i+N are two views of image i. Functions allocate nothing: the caller passes
//! outputs and a workspace, whose length the matching `*_workspace_len` tells, and may
//! use the same workspace for every call. Any input gives a result or an [`Error`];
//! nothing panics, and no `Ok` holds a NaN or an infinite number.
//!
//! | module | subject |
//! |---|---|
//! | [`sin_sim`] | the combined loss, and the transport term between views |
//! | [`nt_xent`] | the contrastive loss |
//! | [`sinkhorn`] | entropic transport from a matrix or from points, balanced or not: state, plan, gap, gradients, divergence |
//! | [`byol`] | prediction of a target without gradient, and its momentum schedule |
//! | [`vicreg`] | invariance, variance and covariance of two views |
//! | [`barlow_twins`] | cross-correlation of two views towards the identity |
//! | [`swav`] | prediction of the other view's balanced assignment to prototypes |
//! | `owned` | the main calls with results on the heap (feature `alloc`) |
//! | [`diagnostics`] | alignment, uniformity, effective rank: has the embedding collapsed? |
//! | [`cost`] | ground costs between point clouds |
//! | [`log_sum_exp`] | the (max, sum) monoid, under softmax and the diagnostics |
//! | [`elementary`] | `exp` and `ln` that vectorise |
//! | [`softmax`] | softmax and log-softmax of a slice, and their gradients |
//! | [`normalize`] | rows on the unit sphere and the way back |
//! | [`pieces`] | the formulas that these loops are made of, for drivers elsewhere |
//! | [`Real`], [`Error`] | the scalar; one error type |
//!
//! The crate is `no_std` and generic over `f32` and `f64`, so the same source can be
//! compiled for a device.
//!
//! | feature | adds |
//! |---|---|
//! | (none) | everything but `owned`; no allocator, num-traits and libm alone |
//! | `alloc` | `owned`: the main calls with results and workspaces on the heap |
//! | `std` | `alloc`; threads (rayon's current pool), the best vector instructions that the processor has, the platform's mathematics library |
//!
//! Results do not depend on the number of threads. With `std` they are used by NT-Xent, by
//! Sinkhorn's iterations and the sweeps over the plan that follow them (gradients, products,
//! the gap, the linear systems), and by the products of matrices in VICReg, Barlow Twins and
//! the effective rank; batches are shared out by problem. One thread does what takes a pass
//! over a batch or a slice (BYOL, SwAV's rows, softmax, log-sum-exp), uniformity, the rotations
//! behind the effective rank, one row of a plan, and the gap where pairs are forbidden.
//!
//! | function | value | gradient | memory beside input and output | cost |
//! |---|---|---|---|---|
//! | [`nt_xent::nt_xent_with_grad`] | ✓ | rows | O(2N·d), and (2N)²/2 up to 1024 rows unless [asked not to](nt_xent::nt_xent_streaming_workspace_len) | O((2N)²·d) |
//! | [`sinkhorn::solve`], [`State::run`](sinkhorn::State::run), matrix | ✓ | envelope: points | O(n + m) | O(n·m) an iteration |
//! | the same, [stored kernel](sinkhorn::Problem::with_stored_kernel) | ✓ | the same | n·m more | 2·n·m multiplications an iteration |
//! | the same, points | ✓ | envelope: points | O((n + m)·d) | O(n·m·d) an iteration |
//! | [`sinkhorn::solve_annealed`], [`State::run_relaxed`](sinkhorn::State::run_relaxed) | ✓ | as above | as above | as above; fewer iterations |
//! | [`sinkhorn::State::run_newton`] | ✓ | as above | O(n + m) more | O(n·m) a sweep |
//! | [`sinkhorn::solve_robust`], any problem | ✓ | as above | O(n + m) more | iterations as they are needed, four passes more |
//! | [`sinkhorn::State::transport_cost`], [`plan_row`](sinkhorn::State::plan_row) | ⟨P,C⟩; a row of P | | none | a sweep over the plan; a row |
//! | [`sinkhorn::State::duality_gap`] | primal, dual | | O(n + m) | four sweeps over the plan |
//! | [`sinkhorn::State::apply_plan`], transpose, barycentric | plan × n·k | | none | O(n·m·k) |
//! | [`sinkhorn::State::weight_gradient`], [`cost_gradient`](sinkhorn::State::cost_gradient) | | envelope: weights, costs | none | none; a sweep |
//! | [`sinkhorn::State::implicit_gradient`] | | of ⟨P,C⟩ and potentials: costs, points, weights | O(n + m) | a sweep for each CG iteration |
//! | [`sinkhorn::State::record`], [`gradient`](sinkhorn::Recording::gradient) | ✓ | of K iterations: costs, points, weights | O(K·(n + m)) | two sweeps for each iteration |
//! | [`sinkhorn::sinkhorn_divergence_with_grad`] | ✓ | points | O((n + m)·d) | three of the above |
//! | [`sinkhorn::solve_batch`], B problems | ✓ | envelope: points, costs | at most 64 of the above | B of the above |
//! | [`sin_sim::sin_sim_with_grad`] | ✓ | rows | O(N²) | NT-Xent's and Sinkhorn's iterations; in the plain form with the cosine cost nothing else |
//! | [`sin_sim::ot_term_with_grad`] | ✓ | rows | O(N²) | O(N²·d), and Sinkhorn's iterations |
//! | [`byol::byol_with_grad`], [symmetric](byol::byol_symmetric_with_grad) | ✓ | predictions | none | O(N·d) |
//! | [`vicreg`], [`barlow_twins`] | ✓ | rows | O(N·d + d²) | O(N·d²) |
//! | [`swav::swav_with_grad`], K prototypes | ✓ | scores | 2·N·K | O(N·K) an iteration |
//! | [`log_sum_exp::log_sum_exp`] | ✓ | [`softmax::softmax`] | none | O(n) |
//! | [`softmax::softmax`], [`log_softmax`](softmax::log_softmax) | ✓ | `*_backward` | none | O(n) |
//! | [`cost::cost_matrix`] | ✓ | by [`PointGradients`](sinkhorn::PointGradients) | none | O(n·m·d) |
//! | [`normalize::normalize_rows`] | ✓ | `normalize_rows_backward` | none | O(N·d) |
//! | [`diagnostics::alignment`] | ✓ | | none | O(N·d) |
//! | [`diagnostics::uniformity`] | ✓ | | N·d | O(N²·d) |
//! | [`diagnostics::effective_rank`] | ✓ | | O(N·d + min(N, d)²) | O(N·d·min(N, d) + min(N, d)³) |
//! | [`elementary::exp_in_place`], [`ln_in_place`](elementary::ln_in_place) | ✓ | | none | O(n) |
//!
//! NT-Xent, BYOL, VICReg, Barlow Twins and the divergence also come without a gradient, for less
//! (`nt_xent`, `byol`, …). The lanes of a GPU's warp use [`pieces`] in `kernels-cuda`.
//!
//! # How accurate
//!
//! With u the unit roundoff (6.0e-8 in `f32`, 1.1e-16 in `f64`). The bounds are what the tests
//! hold the functions to; `docs/results/accuracy.md` has what was found.
//!
//! | function | error at most | tested against |
//! |---|---|---|
//! | [`elementary`] `exp`, `ln`, `f32` | 1.5 ulp (found: 1.16, 0.84) | the platform in `f64`, at every `f32` |
//! | `2^x`, `2^x − 1`, `f32` | 1.5 and 3 ulp (found: 1.13, 2.38) | the same, at every 251st |
//! | [`log_sum_exp`], up to 10⁶ terms | 3 ulp of max(1, maximum, result) | `f64`, ordered and adversarial |
//! | [`nt_xent`] loss; gradient, in its terms' size | 16 u (1 + 1/τ) | the matrix of all pairs in `f64` |
//! | Sinkhorn, divergence, NT-Xent, log-sum-exp: 196 problems | the table of `conformance` | 60 digits, in `f32` and `f64` |
//! | BYOL, VICReg, Barlow Twins, SwAV, `f64` | 1e-12 of the size of the parts, or better | the definition, entry by entry |
//! | the same, `f32` | 4e-6 of the size of the parts; SwAV 3e-5 | `f64` |
//! | every gradient | | central differences; envelope, implicit and unrolled against each other |
//!
//! # How fast
//!
//! Seconds on two threads of a CPU (Zen 3, AVX2), `f32`, d = 128, of the fastest program in the
//! log domain beside it; `docs/results/kernels.md` has commands, machine, `f64` and more.
//!
//! | problem | here | peer | ratio |
//! |---|---|---|---|
//! | Sinkhorn, N = 1024, 50 iterations, stored kernel | 0.0156 | 0.0932 (OTT-JAX) | 6.0 |
//! | Sinkhorn, N = 4096 | 0.310 | 1.92 (PyTorch, compiled) | 6.2 |
//! | NT-Xent with gradient, 2N = 1024 | 0.0042 | 0.0197 (PyTorch) | 4.6 |
//! | NT-Xent with gradient, 2N = 4096 | 0.068 | 0.183 (PyTorch) | 2.7 |
//! | SinSim with gradient, 2N = 1024, 50 iterations | 0.0098 | 0.0244 (its parts, one after the other) | 2.5 |
//!
//! # Without an allocator
//!
//! Outputs and workspace are the caller's: arrays, or static memory. The folder
//! `bare-metal` beside this crate's source has a program for a microcontroller, and
//! `no_panic`, which links only if the compiler could prove that no panic is reachable
//! from the functions it calls, whatever their arguments: all that compute a loss, a transport or
//! a diagnostic.
//!
//! ```
//! use kernels_core::cost::Cost;
//! use kernels_core::sin_sim::{OtOptions, SinSimOptions, sin_sim_with_grad, sin_sim_workspace_len};
//! use kernels_core::sinkhorn::SinkhornOptions;
//!
//! // Two images, two views each, projected to two numbers.
//! let (rows, dim) = (4, 2);
//! let z = [1.0, 0.1, -0.2, 1.0, 0.9, 0.0, 0.1, 1.1];
//! let sinkhorn = SinkhornOptions { epsilon: 0.3, threshold: 1e-6, max_iterations: 500 };
//! let options = SinSimOptions {
//!     temperature: 0.5,
//!     lambda: 0.8,
//!     ot: OtOptions::new(Cost::Cosine, sinkhorn),
//! };
//! let mut grad = [0.0; 8];
//! let mut workspace = [0.0; 1024];
//! assert!(sin_sim_workspace_len(rows, dim) <= workspace.len());
//! let sin_sim = sin_sim_with_grad(&z, rows, dim, &options, &mut grad, &mut workspace)?;
//! assert!(sin_sim.ot.converged);
//! assert_eq!(sin_sim.loss, sin_sim.nt_xent + 0.8 * sin_sim.ot.value);
//! # Ok::<(), kernels_core::Error>(())
//! ```
//!
//! # With the standard library
//!
//! Feature `std` (or `alloc`): results come on the heap.
//!
//! ```
//! # #[cfg(feature = "alloc")]
//! # fn main() -> Result<(), kernels_core::Error> {
//! use kernels_core::cost::Cost;
//! use kernels_core::owned;
//! use kernels_core::sinkhorn::{CostSource, Problem, SinkhornOptions};
//!
//! // A hundred points on a circle, and the same turned by a little.
//! let circle = |turn: f64| -> Vec<f64> {
//!     let angle = |k: usize| turn + k as f64 * std::f64::consts::TAU / 100.0;
//!     (0..100).flat_map(|k| [angle(k).cos(), angle(k).sin()]).collect()
//! };
//! let (x, y) = (circle(0.0), circle(0.01));
//! let source = CostSource::Points { cost: Cost::SquaredEuclidean, x: &x, y: &y, dim: 2 };
//! let problem = Problem::new(source, 100, 100);
//! let options = SinkhornOptions { epsilon: 0.01, threshold: 1e-6, max_iterations: 1000 };
//!
//! let solution = owned::solve_robust(&problem, &options)?;
//! assert!(solution.outcome.converged);
//! let (grad_x, _) = solution.gradient()?;
//! assert_eq!(grad_x.len(), x.len());
//! // Without the bias of ε: the clouds are close.
//! let (divergence, ..) = owned::sinkhorn_divergence_with_grad(&problem, &options)?;
//! assert!(divergence.value < 1e-3);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "alloc"))]
//! # fn main() {}
//! ```

#![no_std]
// One file with `std`, `x86.rs`, holds the calls that choose an instruction level.
#![cfg_attr(not(feature = "std"), forbid(unsafe_code))]
#![deny(unsafe_code)]
// `!(error <= tolerance)` is how a comparison lets NaN fail.
#![allow(clippy::neg_cmp_op_on_partial_ord)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod check;
mod columns;
mod error;
mod level;
mod matrix;
mod panel;
mod parallel;
mod real;
mod vector;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod x86;

pub mod barlow_twins;
pub mod byol;
pub mod cost;
pub mod diagnostics;
pub mod elementary;
pub mod log_sum_exp;
pub mod normalize;
pub mod nt_xent;
#[cfg(feature = "alloc")]
pub mod owned;
pub mod pieces;
pub mod sin_sim;
pub mod sinkhorn;
pub mod softmax;
pub mod swav;
pub mod vicreg;

pub use error::Error;
pub use real::Real;
