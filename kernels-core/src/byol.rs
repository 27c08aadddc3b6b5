//! BYOL (Grill et al. 2020, Eq. 2): the prediction of one view follows the target network's
//! projection of the other.
//!
//! With N rows of predictions q and of targets t, `q̂ = q/‖q‖`, `t̂ = t/‖t‖`:
//!
//! `L = (1/N) Σ_i ( 2 − 2 q̂_i·t̂_i ) = (1/N) Σ_i ‖q̂_i − t̂_i‖²`, in `[0, 4]`.
//!
//! The target is a constant: no gradient flows to it. The paper's objective is the sum of
//! this loss in both directions, [`byol_symmetric_with_grad`].
//!
//! The second form is computed, by direct differences: the first cancels when prediction
//! and target agree. In the same spirit, with `δ = t̂ − q̂`,
//!
//! `∂L/∂q_i = −(2/N‖q_i‖) ( t̂ − (q̂·t̂) q̂ ) = −(2/N‖q_i‖) ( δ + ½‖δ‖² q̂ )`.
//!
//! Memory: no workspace. Cost: O(N·d). Error: `‖δ‖` is right to a few u (the unit roundoff)
//! absolutely, and so is `N‖q_i‖ ∂L/∂q_i`. Special values: a row without a direction is
//! refused, as is anything that is not finite; the length of a row does not matter to L.

use crate::{Error, Real, check, normalize, vector};

/// The loss of the predictions `q` against the targets, `rows` rows of `dim` numbers each.
///
/// # Errors
/// Wrong lengths, no rows, NaN or infinite entries, rows without a direction.
pub fn byol<T: Real>(q: &[T], target: &[T], rows: usize, dim: usize) -> Result<T, Error> {
    let operation = "byol";
    check_shapes(operation, q, target, rows, dim)?;
    let pairs = q.chunks_exact(dim).zip(target.chunks_exact(dim));
    let mut total = T::zero();
    for (row, (q, target)) in pairs.enumerate() {
        total += Pair::new(operation, q, target, row, row)?.loss;
    }
    check::fits(operation, "the loss", total / T::count(rows))
}

/// [`byol`], and its gradient with respect to `q`, written to `grad`.
///
/// # Errors
/// As [`byol`]; also when the gradient does not fit the scalar type.
pub fn byol_with_grad<T: Real>(
    q: &[T],
    target: &[T],
    rows: usize,
    dim: usize,
    grad: &mut [T],
) -> Result<T, Error> {
    let operation = "byol_with_grad";
    check_shapes(operation, q, target, rows, dim)?;
    check::shape(operation, "grad", grad, q.len())?;
    one_direction(operation, q, target, [0, 0], dim, grad)
}

/// Both directions: `q` and `target` have `rows = 2N` rows each, row i and row i+N from
/// the two views of image i, and every prediction is compared with the target of the other
/// view. The sum of the two directions, so in `[0, 8]`; the gradient goes to `grad`.
///
/// # Errors
/// As [`byol_with_grad`]; also an odd number of rows.
pub fn byol_symmetric_with_grad<T: Real>(
    q: &[T],
    target: &[T],
    rows: usize,
    dim: usize,
    grad: &mut [T],
) -> Result<T, Error> {
    let operation = "byol_symmetric_with_grad";
    check::two_views(operation, rows)?;
    check_shapes(operation, q, target, rows, dim)?;
    check::shape(operation, "grad", grad, q.len())?;
    let (images, half) = (rows / 2, q.len() / 2);
    let (q_a, q_b) = q.split_at(half);
    let (target_a, target_b) = target.split_at(half);
    let (grad_a, grad_b) = grad.split_at_mut(half);
    let a = one_direction(operation, q_a, target_b, [0, images], dim, grad_a)?;
    let b = one_direction(operation, q_b, target_a, [images, 0], dim, grad_b)?;
    Ok(a + b)
}

/// The momentum of the target network's moving average at step `step` of `steps`:
/// `m_k = 1 − (1 − m_0) (cos(πk/K) + 1)/2`, from `initial` to 1 along a half cosine. It is
/// computed as `1 − (1 − m_0) cos²(πk/2K)`, which ends at exactly 1.
///
/// # Errors
/// No steps, a step beyond the last, or an initial momentum outside `[0, 1]`.
pub fn byol_momentum<T: Real>(step: usize, steps: usize, initial: T) -> Result<T, Error> {
    let operation = "byol_momentum";
    check::at_least_one(operation, "steps", steps)?;
    if step > steps {
        return Err(Error::Size {
            operation,
            argument: "step",
            expected: "at most `steps`",
            got: step,
        });
    }
    if !(initial >= T::zero() && initial <= T::one()) {
        return Err(Error::Parameter {
            operation,
            argument: "initial",
            expected: "from 0 to 1",
            got: initial.wide(),
        });
    }
    if step == 0 {
        return Ok(initial);
    }
    let angle = T::of(core::f64::consts::FRAC_PI_2) * (T::count(step) / T::count(steps));
    let cosine = angle.cos();
    Ok(T::one() - (T::one() - initial) * cosine * cosine)
}

fn check_shapes<T: Real>(
    operation: &'static str,
    q: &[T],
    target: &[T],
    rows: usize,
    dim: usize,
) -> Result<(), Error> {
    check::at_least_one(operation, "rows", rows)?;
    check::at_least_one(operation, "dim", dim)?;
    check::shape(operation, "q", q, rows.saturating_mul(dim))?;
    check::shape(operation, "target", target, q.len())
}

/// The mean loss of the given rows; `first` says which rows of the caller's matrices the
/// slices start with, for the messages.
fn one_direction<T: Real>(
    operation: &'static str,
    q: &[T],
    target: &[T],
    first: [usize; 2],
    dim: usize,
    grad: &mut [T],
) -> Result<T, Error> {
    let count = T::count(q.len() / dim);
    let pairs = q.chunks_exact(dim).zip(target.chunks_exact(dim));
    let mut total = T::zero();
    for (row, (grad, (q, target))) in grad.chunks_exact_mut(dim).zip(pairs).enumerate() {
        let pair = Pair::new(operation, q, target, first[0] + row, first[1] + row)?;
        total += pair.loss;
        pair.backward(T::of(-2.0) / count, grad);
    }
    check::all_fit(operation, "the gradient", grad)?;
    check::fits(operation, "the loss", total / count)
}

/// A prediction, its target, and what both passes need.
struct Pair<'a, T> {
    q: &'a [T],
    target: &'a [T],
    q_norm: T,
    target_norm: T,
    /// `‖q̂ − t̂‖²`.
    loss: T,
}

impl<'a, T: Real> Pair<'a, T> {
    fn new(
        operation: &'static str,
        q: &'a [T],
        target: &'a [T],
        q_row: usize,
        target_row: usize,
    ) -> Result<Self, Error> {
        let q_norm = normalize::checked_norm(operation, "q", q, q_row)?;
        let target_norm = normalize::checked_norm(operation, "target", target, target_row)?;
        // Divisions: the reciprocal of a large norm may be subnormal.
        let loss = vector::reduce(q, target, |q, t| {
            let difference = t / target_norm - q / q_norm;
            difference * difference
        });
        Ok(Self {
            q,
            target,
            q_norm,
            target_norm,
            loss,
        })
    }

    /// Writes `weight (δ + ½‖δ‖² q̂) / ‖q‖`.
    fn backward(&self, weight: T, grad: &mut [T]) {
        let radial = self.loss * T::of(0.5);
        let rows = self.q.iter().zip(self.target);
        for (out, (&q, &target)) in grad.iter_mut().zip(rows) {
            let direction = q / self.q_norm;
            let pull = (target / self.target_norm - direction) + radial * direction;
            *out = weight * pull / self.q_norm;
        }
    }
}
