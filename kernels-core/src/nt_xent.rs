//! NT-Xent, the contrastive loss of SimCLR (Chen et al. 2020), with its gradient.
//!
//! `z` has n = 2N raw rows; row i and row i+N are the two views of one image, and
//! `π(i)` is the other view. With `u = z/‖z‖` and `s_ij = u_i·u_j/τ`:
//!
//! `L = (1/n) Σ_i ℓ_i`, `ℓ_i = −s_iπ(i) + log Σ_{j≠i} exp s_ij`.
//!
//! Self-similarity is left out of the sum, and the mean is over all n rows.
//!
//! When the positive pair dominates, `ℓ_i` is the small difference of two large
//! numbers. With `q_i = log Σ_{j≠i,π(i)} exp s_ij` over the negatives alone,
//! `ℓ_i = log(1 + exp(q_i − s_iπ(i)))`, which keeps its relative accuracy down to the
//! smallest loss; N = 1 has no negatives, `q_i = −∞` and `ℓ_i = 0`.
//!
//! Gradient: `p_ij = exp(s_ij − s_iπ(i) − ℓ_i)`; `G_ij = p_ij` for a negative, and
//! `G_iπ(i) = p_iπ(i) − 1 = expm1(−ℓ_i)`; `∂L/∂u_i = (1/nτ) Σ_j (G_ij + G_ji) u_j`.

use crate::log_sum_exp::LogSumExp;
use crate::{Error, Real, check, normalize, vector};

/// Workspace elements for [`nt_xent`] and [`nt_xent_with_grad`].
#[must_use]
pub fn nt_xent_workspace_len(rows: usize, dim: usize) -> usize {
    // Unit rows, the matrix of similarities, and three numbers for each row.
    let per_row = dim.saturating_add(rows).saturating_add(3);
    rows.saturating_mul(per_row)
}

/// The loss of `rows` raw projections of `dim` numbers each, row-major; row `i` and
/// row `i + rows/2` are the views of one image.
///
/// # Errors
/// Wrong lengths, an odd number of rows, a temperature that is not a positive normal
/// number, NaN, infinite or zero rows, or a loss too large for the scalar type.
pub fn nt_xent<T: Real>(
    z: &[T],
    rows: usize,
    dim: usize,
    temperature: T,
    workspace: &mut [T],
) -> Result<T, Error> {
    Batch::new("nt_xent", z, rows, dim, temperature, workspace)?.forward()
}

/// [`nt_xent`], and its gradient with respect to `z`, written to `grad`.
///
/// # Errors
/// As [`nt_xent`]; also when the gradient does not fit the scalar type.
pub fn nt_xent_with_grad<T: Real>(
    z: &[T],
    rows: usize,
    dim: usize,
    temperature: T,
    grad: &mut [T],
    workspace: &mut [T],
) -> Result<T, Error> {
    let operation = "nt_xent_with_grad";
    check::shape(operation, "grad", grad, rows.saturating_mul(dim))?;
    let mut batch = Batch::new(operation, z, rows, dim, temperature, workspace)?;
    let loss = batch.forward()?;
    batch.backward(grad)?;
    Ok(loss)
}

/// One batch in the workspace.
struct Batch<'w, T> {
    operation: &'static str,
    rows: usize,
    dim: usize,
    temperature: T,
    unit: &'w mut [T],
    norms: &'w mut [T],
    /// First `s_ij` of the negatives, then `exp(s_ij − max_i)`.
    terms: &'w mut [T],
    /// `ℓ_i`.
    losses: &'w mut [T],
    /// First `s_iπ(i)`, then what turns a term into a probability.
    factors: &'w mut [T],
}

impl<'w, T: Real> Batch<'w, T> {
    fn new(
        operation: &'static str,
        z: &[T],
        rows: usize,
        dim: usize,
        temperature: T,
        workspace: &'w mut [T],
    ) -> Result<Self, Error> {
        check::two_views(operation, rows)?;
        check::at_least_one(operation, "dim", dim)?;
        check::shape(operation, "z", z, rows.saturating_mul(dim))?;
        check::positive(operation, "temperature", temperature)?;
        let needed = nt_xent_workspace_len(rows, dim);
        let workspace = check::workspace(operation, workspace, needed)?;
        let (unit, rest) = workspace.split_at_mut(rows * dim);
        let (norms, rest) = rest.split_at_mut(rows);
        let (losses, rest) = rest.split_at_mut(rows);
        let (factors, terms) = rest.split_at_mut(rows);
        normalize::normalize_rows(z, rows, dim, unit, norms)?;
        Ok(Self {
            operation,
            rows,
            dim,
            temperature,
            unit,
            norms,
            terms,
            losses,
            factors,
        })
    }

    fn partner(&self, i: usize) -> usize {
        (i + self.rows / 2) % self.rows
    }

    /// `s_ij` of all negatives; −∞ on the diagonal and at the positives, whose `s` goes
    /// to `factors`.
    fn similarities(&mut self) {
        let rows = self.rows;
        for i in 0..rows {
            let partner = self.partner(i);
            let unit_i = &self.unit[i * self.dim..(i + 1) * self.dim];
            self.terms[i * rows + i] = T::neg_infinity();
            for j in i + 1..rows {
                let unit_j = &self.unit[j * self.dim..(j + 1) * self.dim];
                let mut s = vector::dot(unit_i, unit_j) / self.temperature;
                if j == partner {
                    self.factors[i] = s;
                    self.factors[j] = s;
                    s = T::neg_infinity();
                }
                self.terms[i * rows + j] = s;
                self.terms[j * rows + i] = s;
            }
        }
    }

    fn forward(&mut self) -> Result<T, Error> {
        self.similarities();
        let rows = self.rows;
        let results = self.losses.iter_mut().zip(self.factors.iter_mut());
        for (terms, (loss, factor)) in self.terms.chunks_exact_mut(rows).zip(results) {
            let positive = *factor;
            let negatives = LogSumExp::of(terms);
            // log(1 + e^d), with the large part of d taken out.
            let d = negatives.finish() - positive;
            *loss = d.max(T::zero()) + (-d.abs()).exp().ln_1p();
            let max = negatives.max();
            if max == T::neg_infinity() {
                terms.fill(T::zero());
                continue;
            }
            for term in terms.iter_mut() {
                *term = (*term - max).exp();
            }
            *factor = (max - positive - *loss).exp();
        }
        let mean = vector::sum_of(self.losses, |loss| loss) / T::count(rows);
        check::fits(self.operation, "the loss", mean)
    }

    /// After `forward`: the gradient with respect to the raw rows.
    fn backward(&mut self, grad: &mut [T]) -> Result<(), Error> {
        let rows = self.rows;
        let weight = (T::count(rows) * self.temperature).recip();
        grad.fill(T::zero());
        for (i, grad_row) in grad.chunks_exact_mut(self.dim).enumerate() {
            let partner = self.partner(i);
            for (j, unit_j) in self.unit.chunks_exact(self.dim).enumerate() {
                let pull = if j == partner {
                    (-self.losses[i]).exp_m1() + (-self.losses[j]).exp_m1()
                } else {
                    self.terms[i * rows + j] * self.factors[i]
                        + self.terms[j * rows + i] * self.factors[j]
                };
                vector::add_scaled(grad_row, weight * pull, unit_j);
            }
        }
        normalize::normalize_rows_backward(self.unit, self.norms, self.dim, grad)?;
        check::all_fit(self.operation, "the gradient", grad)
    }
}
