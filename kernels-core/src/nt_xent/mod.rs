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
//! numbers. With `q_i = log Σ_{j≠i,π(i)} exp s_ij` over the negatives alone and
//! `δ_i = q_i − s_iπ(i)`, `ℓ_i = log(1 + exp δ_i)`, which keeps its relative accuracy down
//! to the smallest loss; N = 1 has no negatives, `δ_i = −∞` and `ℓ_i = 0`.
//!
//! Gradient: `p_ij = exp(s_ij − s_iπ(i) − ℓ_i)`, `P_i = Σ p_ij = 1/(1 + exp(−δ_i))` over
//! the negatives; `G_ij = p_ij` for a negative, and `G_iπ(i) = p_iπ(i) − 1 = −P_i`;
//! `∂L/∂u_i = (1/nτ) Σ_j (G_ij + G_ji) u_j`.
//!
//! **Shift.** Rows have length one, so `s_ij ≤ 1/τ`: with `e_ij = exp(s_ij − 1/τ)` and
//! `Z_i = Σ e_ij`, `q_i = 1/τ + log Z_i` and `p_ij = e_ij P_i/Z_i`. No `e_ij` is less than
//! `exp(−2/τ)`, which is a normal number for τ ≥ 0.0231 in `f32` and τ ≥ 0.0029 in `f64`
//! ([`crate::pieces::fixed_shift_fits`]); nothing underflows and no maximum has to be found.
//! For smaller τ each row is shifted by its largest negative instead, found by a sweep of its
//! own.
//!
//! **Memory and cost.** A first sweep over tiles of `U Uᵀ` gives Z, a second one computes the
//! tiles again and multiplies them by U. Tiles on and above the diagonal serve both triangles,
//! so value and gradient take `2 n² d` multiplications and n² exponentials; the value alone a
//! quarter of the former. The workspace is O(n·d), no matrix of n × n is formed. Up to 1024 rows a
//! longer workspace saves a quarter of the multiplications: the tiles are kept in it, `n²/2`
//! numbers. [`nt_xent_workspace_len`] is that length, [`nt_xent_streaming_workspace_len`] the
//! one without; a workspace between the two is used as the shorter.
//!
//! Tiles are shared out to threads by the sizes alone, and added up in a fixed order: results
//! do not depend on the number of threads.

mod between;
mod layout;
mod pairs;
mod pull;
mod reduce;
pub(crate) mod rows;
mod sweep;
mod terms;
mod tile;
mod units;

use core::marker::PhantomData;

use crate::level::dispatch;
use crate::parallel::{inside_pool, run_all};
use crate::{Error, Real, check, vector};
use between::Nothing;
pub(crate) use between::{Between, Pulls};
use layout::{Memory, PANEL, Shape};
use rows::{Backward, Finish, Positives, fixed_shift_fits};
use sweep::Sweep;
use terms::{FixedShift, Largest, OwnShift, Terms};
use units::Units;

/// Workspace elements with which [`nt_xent_with_grad`] is fastest: `3 · rows · dim`, with
/// both rounded up to multiples of 16, at most 40 more for each row, and 70,000; up to
/// 1024 rows, `rows²/2` instead of the last. [`nt_xent_streaming_workspace_len`] suffices.
#[must_use]
pub fn nt_xent_workspace_len(rows: usize, dim: usize) -> usize {
    Memory::<f64>::len(&Shape::new(rows, dim))
}

/// The fewest workspace elements for [`nt_xent`] and [`nt_xent_with_grad`]: `3 · rows · dim`,
/// with both rounded up to multiples of 16, at most 40 more for each row, and at most 70,000 at
/// any number of rows, 4352 up to 64. Without room for more, the gradient computes the products
/// of all pairs twice; [`nt_xent_workspace_len`] has that room up to 1024 rows.
#[must_use]
pub fn nt_xent_streaming_workspace_len(rows: usize, dim: usize) -> usize {
    Memory::<f64>::len(&Shape::new(rows, dim).streaming())
}

/// The loss of `rows` raw projections of `dim` numbers each, row-major; row `i` and
/// row `i + rows/2` are the views of one image.
///
/// Cost: `½ n² d` multiplications for n = `rows`, d = `dim`, on all threads. Memory:
/// [`nt_xent_streaming_workspace_len`] suffices.
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
    Call::new("nt_xent", rows, dim, temperature)?.run(z, None, Nothing, workspace)
}

/// [`nt_xent`], and its gradient with respect to `z`, written to `grad` (`rows × dim`).
///
/// Cost: `2 n² d` multiplications and n² exponentials for n = `rows`, d = `dim`, on all threads;
/// up to 1024 rows, with a workspace of [`nt_xent_workspace_len`], a quarter of the
/// multiplications less. Memory: [`nt_xent_streaming_workspace_len`] at least, O(n·d).
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
    nt_xent_with_more(z, rows, dim, temperature, Nothing, grad, workspace)
}

/// [`nt_xent_with_grad`], with the gradient of another loss of the same unit rows added.
pub(crate) fn nt_xent_with_more<'b, T: Real>(
    z: &[T],
    rows: usize,
    dim: usize,
    temperature: T,
    between: impl Between<'b, T>,
    grad: &mut [T],
    workspace: &mut [T],
) -> Result<T, Error> {
    let operation = "nt_xent_with_grad";
    check::shape(operation, "grad", grad, rows.saturating_mul(dim))?;
    Call::new(operation, rows, dim, temperature)?.run(z, Some(grad), between, workspace)
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
struct Call<T> {
    operation: &'static str,
    shape: Shape,
    temperature: T,
}

impl<T: Real> Call<T> {
    fn new(
        operation: &'static str,
        rows: usize,
        dim: usize,
        temperature: T,
    ) -> Result<Self, Error> {
        check::two_views(operation, rows)?;
        check::at_least_one(operation, "dim", dim)?;
        check::positive(operation, "temperature", temperature)?;
        Ok(Self {
            operation,
            shape: Shape::new(rows, dim),
            temperature,
        })
    }

    fn run<'b>(
        &self,
        z: &[T],
        grad: Option<&mut [T]>,
        between: impl Between<'b, T>,
        workspace: &mut [T],
    ) -> Result<T, Error> {
        let (operation, mut shape) = (self.operation, self.shape);
        check::shape(operation, "z", z, shape.rows.saturating_mul(shape.dim))?;
        if workspace.len() < Memory::<T>::len(&shape) {
            shape = shape.streaming();
        }
        let workspace = check::workspace(operation, workspace, Memory::<T>::len(&shape))?;
        let memory = Memory::new(&shape, workspace);
        let work = shape.rows.saturating_mul(z.len());
        let call = Self { shape, ..*self };
        inside_pool(work, || {
            if fixed_shift_fits(call.temperature) {
                call.sweeps::<FixedShift>(z, grad, between, memory)
            } else {
                call.sweeps::<OwnShift>(z, grad, between, memory)
            }
        })
    }

    fn sweeps<'b, K: Terms>(
        &self,
        z: &[T],
        grad: Option<&mut [T]>,
        mut between: impl Between<'b, T>,
        memory: Memory<'_, T>,
    ) -> Result<T, Error> {
        let shape = self.shape;
        let Memory {
            panels,
            rows,
            grads,
            sums,
            tiles,
            norms,
            positives,
            shifts,
            factors,
            masses,
            losses,
        } = memory;
        let units = Units::new(self.operation, z, shape, panels, rows, norms)?;
        dispatch(Positives {
            units,
            out: positives.as_flattened_mut(),
        });
        let rate = T::of(core::f64::consts::LOG2_E) / self.temperature;
        shifts.fill([T::one(); PANEL]);
        if K::OWN_SHIFT {
            let terms = PhantomData::<Largest>;
            let shifts_of_none = &*factors;
            let sweep = Sweep {
                units,
                shifts: shifts_of_none,
                rate,
                terms,
            };
            sweep.reduce(shifts, sums, &mut [], &mut []);
            for shift in shifts.as_flattened_mut() {
                // Without negatives any number will do.
                *shift = if shift.is_finite() { *shift } else { T::one() };
            }
        }
        let sweep = Sweep {
            units,
            shifts,
            rate,
            terms: PhantomData::<K>,
        };
        let kept = !K::OWN_SHIFT && shape.keeps && grad.is_some();
        let room = if kept { &mut *tiles } else { &mut [] };
        sweep.reduce(factors, sums, room, between.costs());
        dispatch(Finish {
            temperature: self.temperature,
            positives: positives.as_flattened(),
            shifts: shifts.as_flattened(),
            factors: factors.as_flattened_mut(),
            masses: masses.as_flattened_mut(),
            losses: losses.as_flattened_mut(),
        });
        let losses = losses.as_flattened().get(..shape.rows).unwrap_or_default();
        let mean = vector::sum_of(losses, |loss| loss) / T::count(shape.rows);
        let loss = check::fits(self.operation, "the loss", mean)?;
        let pulls = between.pulls()?;
        if let Some(grad) = grad {
            sweep.gradients(factors, kept, pulls, grads, tiles);
            let grads = grads.chunks_exact((shape.slabs * PANEL).max(1));
            let out = grad.chunks_mut((PANEL * shape.dim).max(1));
            let tasks = grads
                .zip(out)
                .enumerate()
                .map(|(p, (grads, out))| Backward {
                    units,
                    first: p * PANEL,
                    weight: (T::count(shape.rows) * self.temperature).recip(),
                    masses: masses.as_flattened(),
                    norms: norms.as_flattened(),
                    grads,
                    out,
                });
            run_all(tasks, z.len());
            check::all_fit(self.operation, "the gradient", grad)?;
        }
        Ok(loss)
    }
}
