//! SwAV (Caron et al. 2020): each view predicts the other's assignment to prototypes.
//!
//! A view has scores s_ik of N samples against K prototypes, cosines in the paper. Its
//! assignment Q is the entropic plan of cost −s between uniform prototypes and uniform
//! samples (the paper's Eq. 3 to 5),
//!
//! `Q/N = argmax_P ⟨P, s⟩ + ε H(P)` over plans with `Σ_k P_ik = 1/N`, `Σ_i P_ik = 1/K`,
//!
//! so that the samples are spread evenly over the prototypes, which is what keeps all of
//! them from being assigned to one. Q is a constant: no gradient flows through it. The loss
//! is the cross-entropy of what one view predicts against the assignment of the other, mean
//! over samples and over the two directions (Eq. 2, halved, as the official code has it for
//! two views):
//!
//! `L = −(1/2N) Σ_i Σ_k [ q^a_ik log p^b_ik + q^b_ik log p^a_ik ]`, `p_i = softmax(s_i/τ)`.
//!
//! Gradient, with `σ_i = Σ_k q^a_ik`, which is 1 but for rounding:
//!
//! `∂L/∂s^b_ik = −(1/2Nτ) (q^a_ik − σ_i p^b_ik)`, and likewise for a.
//!
//! The plan comes from [`crate::sinkhorn`], prototypes as rows and samples as columns: an
//! iteration makes the prototypes' shares right and then the samples' sums, in the order of
//! the official code, and three of them give its assignments. In the log domain nothing
//! overflows, whatever ε. Where few iterations are made the prototypes' shares are not yet
//! equal; [`Swav::marginal_error`] tells by how much.
//!
//! Memory: the costs and the kernel of one view, `2 N K`, and O(N + K) some thirty times.
//! Cost: 2 N K exponentials, and an iteration for each view as Sinkhorn's. Error: with u
//! the unit roundoff, `q` is right to about `(max|s|/ε + 8) u` relative. Special values:
//! with K = 1 the loss is 0; scores that do not distinguish prototypes give `log K` and no
//! gradient.

use crate::sinkhorn::{CostSource, Problem, SinkhornOptions, State};
use crate::softmax::log_softmax;
use crate::{Error, Real, check, vector};

const OPERATION: &str = "swav_with_grad";

/// Parameters; the default is the paper's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SwavOptions<T> {
    /// τ of the predictions (0.1).
    pub temperature: T,
    /// ε of the assignments, in the units of the scores (0.05). The smaller, the closer an
    /// assignment comes to a single prototype.
    pub epsilon: T,
    /// Sinkhorn iterations at most (3).
    pub max_iterations: usize,
    /// Stop before that where the marginal error is at most this (0: make all of them).
    pub threshold: T,
}

impl<T: Real> Default for SwavOptions<T> {
    fn default() -> Self {
        Self {
            temperature: T::of(0.1),
            epsilon: T::of(0.05),
            max_iterations: 3,
            threshold: T::zero(),
        }
    }
}

impl<T: Real> SwavOptions<T> {
    /// Refuses what is outside its domain, in the name of `operation`.
    ///
    /// # Errors
    /// A τ or an ε that is not a positive normal number, a negative threshold, no iterations.
    pub fn check(&self, operation: &'static str) -> Result<(), Error> {
        check::positive(operation, "options.temperature", self.temperature)?;
        self.sinkhorn().check(operation)
    }

    fn sinkhorn(&self) -> SinkhornOptions<T> {
        SinkhornOptions {
            epsilon: self.epsilon,
            threshold: self.threshold,
            max_iterations: self.max_iterations,
        }
    }
}

/// The loss, and what tells of a collapse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Swav<T> {
    /// L.
    pub loss: T,
    /// `Σ_k |Σ_i q_ik/N − 1/K|` of the view where it is larger: how far the prototypes'
    /// shares are from equal.
    pub marginal_error: T,
    /// Entropy of the mean assignment of both views, `H(mean q)`, at most `log K`, and
    /// that wherever the marginal error is small.
    pub assignment_entropy: T,
    /// Entropy of the mean prediction of both views, `H(mean p)`, at most `log K`: small
    /// where few prototypes are predicted at all. Nothing imposes it, so it is the one to
    /// watch. (Predictions that are all uniform have `log K` too, and so has the loss then.)
    pub prediction_entropy: T,
}

/// Workspace elements for [`swav_with_grad`].
#[must_use]
pub fn swav_workspace_len(rows: usize, prototypes: usize) -> usize {
    let sides = rows.saturating_add(prototypes.saturating_mul(4));
    rows.saturating_mul(prototypes)
        .saturating_add(sides)
        .saturating_add(problem::<f64>(&[], rows, prototypes).workspace_len())
}

/// Prototypes are rows, samples columns.
fn problem<T: Real>(matrix: &[T], rows: usize, prototypes: usize) -> Problem<'_, T> {
    Problem::new(CostSource::Matrix(matrix), prototypes, rows).with_stored_kernel()
}

/// The loss of two views of `rows` samples, given their scores against `prototypes`
/// prototypes (`rows × prototypes`, row-major, row i of both the same sample), and its
/// gradients with respect to both, written to `grad_a` and `grad_b`.
///
/// ```
/// use kernels_core::swav::{SwavOptions, swav_with_grad, swav_workspace_len};
///
/// // Two samples, two prototypes; the views agree.
/// let scores = [0.9, -0.8, -0.7, 0.9];
/// let (mut grad_a, mut grad_b) = ([0.0; 4], [0.0; 4]);
/// let mut workspace = [0.0; 128];
/// assert!(swav_workspace_len(2, 2) <= workspace.len());
/// let options = SwavOptions::default();
/// let swav = swav_with_grad(
///     &scores, &scores, 2, 2, &options, &mut grad_a, &mut grad_b, &mut workspace,
/// )?;
/// assert!(swav.loss < 1e-3 && swav.marginal_error < 1e-3);
/// assert!((swav.prediction_entropy - 2_f64.ln()).abs() < 1e-3);
/// # Ok::<(), kernels_core::Error>(())
/// ```
///
/// # Errors
/// Wrong lengths, no rows or prototypes, NaN or infinite scores, options outside their
/// domain, or scores or results too large for the scalar type.
// Two inputs, their sizes, two outputs.
#[allow(clippy::too_many_arguments)]
pub fn swav_with_grad<T: Real>(
    scores_a: &[T],
    scores_b: &[T],
    rows: usize,
    prototypes: usize,
    options: &SwavOptions<T>,
    grad_a: &mut [T],
    grad_b: &mut [T],
    workspace: &mut [T],
) -> Result<Swav<T>, Error> {
    check::at_least_one(OPERATION, "rows", rows)?;
    check::at_least_one(OPERATION, "prototypes", prototypes)?;
    options.check(OPERATION)?;
    let len = rows.saturating_mul(prototypes);
    check::shape(OPERATION, "scores_a", scores_a, len)?;
    check::shape(OPERATION, "scores_b", scores_b, len)?;
    check::shape(OPERATION, "grad_a", grad_a, len)?;
    check::shape(OPERATION, "grad_b", grad_b, len)?;
    check::finite(OPERATION, "scores_a", scores_a)?;
    check::finite(OPERATION, "scores_b", scores_b)?;
    let needed = swav_workspace_len(rows, prototypes);
    let workspace = check::workspace(OPERATION, workspace, needed)?;
    let mut rest = workspace;
    let mut take = |len| check::take(&mut rest, len);
    let (mean_q, mean_p) = (take(prototypes), take(prototypes));
    let (scaled, log_p) = (take(prototypes), take(prototypes));
    let (column, matrix) = (take(rows), take(len));
    mean_q.fill(T::zero());
    mean_p.fill(T::zero());
    let mut both = Both {
        options,
        rows,
        prototypes,
        weight: (T::of(2.0) * T::count(rows)).recip(),
        mean_q,
        mean_p,
        scaled,
        log_p,
    };
    let mut loss = T::zero();
    let mut marginal_error = T::zero();
    for (teacher, student, grad) in [(scores_a, scores_b, grad_b), (scores_b, scores_a, grad_a)] {
        let error = both.assign(teacher, grad, matrix, column, rest)?;
        marginal_error = marginal_error.max(error);
        loss += both.predict(student, grad)?;
        check::all_fit(OPERATION, "the gradient", grad)?;
    }
    Ok(Swav {
        loss: check::fits(OPERATION, "the loss", loss)?,
        marginal_error,
        assignment_entropy: check::fits(OPERATION, "an entropy", entropy(both.mean_q))?,
        prediction_entropy: check::fits(OPERATION, "an entropy", entropy(both.mean_p))?,
    })
}

/// What the two directions have in common.
struct Both<'b, T> {
    options: &'b SwavOptions<T>,
    rows: usize,
    prototypes: usize,
    /// `1/2N`.
    weight: T,
    mean_q: &'b mut [T],
    mean_p: &'b mut [T],
    scaled: &'b mut [T],
    log_p: &'b mut [T],
}

impl<T: Real> Both<'_, T> {
    /// Writes the assignment of a view to `q`, and returns its marginal error.
    fn assign(
        &self,
        scores: &[T],
        q: &mut [T],
        matrix: &mut [T],
        column: &mut [T],
        workspace: &mut [T],
    ) -> Result<T, Error> {
        let (rows, prototypes) = (self.rows, self.prototypes.max(1));
        for (k, costs) in matrix.chunks_exact_mut(rows.max(1)).enumerate() {
            let scores = scores.iter().skip(k).step_by(prototypes);
            for (cost, &score) in costs.iter_mut().zip(scores) {
                *cost = -score;
            }
        }
        let problem = problem(matrix, rows, prototypes);
        let mut state = State::new(&problem, self.options.epsilon, workspace)?;
        let outcome = state.run(&self.options.sinkhorn())?;
        let samples = T::count(rows);
        for k in 0..prototypes {
            state.plan_row(k, column)?;
            let shares = q.iter_mut().skip(k).step_by(prototypes);
            for (q, &mass) in shares.zip(column.iter()) {
                *q = samples * mass;
            }
        }
        Ok(outcome.marginal_error)
    }

    /// Replaces the assignments in `grad` by the gradient with respect to the scores that
    /// predict them, and returns their part of the loss.
    fn predict(&mut self, scores: &[T], grad: &mut [T]) -> Result<T, Error> {
        let (prototypes, tau) = (self.prototypes.max(1), self.options.temperature);
        let slope = self.weight / tau;
        let mut total = T::zero();
        let samples = scores.chunks_exact(prototypes);
        for (scores, grad) in samples.zip(grad.chunks_exact_mut(prototypes)) {
            for (scaled, &score) in self.scaled.iter_mut().zip(scores) {
                *scaled = score / tau;
            }
            check::all_fit(OPERATION, "a score divided by the temperature", self.scaled)?;
            log_softmax(self.scaled, self.log_p)?;
            total -= vector::dot(grad, self.log_p);
            let sum = vector::sum_of(grad, |q| q);
            let means = self.mean_q.iter_mut().zip(self.mean_p.iter_mut());
            let means = means.zip(self.log_p.iter());
            for (grad, ((mean_q, mean_p), &log_p)) in grad.iter_mut().zip(means) {
                let (q, p) = (*grad, log_p.exp());
                *mean_q += self.weight * q;
                *mean_p += self.weight * p;
                *grad = -slope * (q - sum * p);
            }
        }
        Ok(self.weight * total)
    }
}

/// `−Σ m log m`.
fn entropy<T: Real>(shares: &[T]) -> T {
    let total = vector::sum_of(shares, |share| {
        if share > T::zero() {
            share * share.ln()
        } else {
            T::zero()
        }
    });
    // Not −0 where one share has everything, and no entropy is negative.
    (-total).max(T::zero())
}
