//! SinSim: NT-Xent plus a transport term between the two views (Sepanj & Fieguth 2025).
//!
//! `L = NT-Xent(z) + λ · OT_ε(view A, view B)`, where view A is the first half of the
//! rows of z and view B the second. The transport term sees two sets of points and
//! never which row belongs to which: it draws the views' distributions together. In
//! its place may stand the debiased divergence, with marginals imposed or priced
//! ([`OtOptions`]).
//!
//! With the cosine cost and in the plain form, the two share unit rows, the products of all
//! pairs and the multiplication that their gradients are: see [`sin_sim_with_grad`].

mod options;
mod ot_term;
mod shared;

pub use options::{EpsilonUnit, OtForm, OtOptions, OtUnits};
pub use ot_term::{OtTerm, ot_term_with_grad, ot_term_workspace_len};

use crate::cost::Cost;
use crate::nt_xent::{nt_xent_with_grad, nt_xent_with_more, nt_xent_workspace_len};
use crate::{Error, Real, check, vector};
use shared::{Shared, shared_workspace_len};

/// Parameters of the combined loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SinSimOptions<T> {
    /// τ of NT-Xent.
    pub temperature: T,
    /// Weight λ of the transport term. Zero leaves it out: the loss is NT-Xent's, bit
    /// for bit, and no transport is computed.
    pub lambda: T,
    /// The transport term.
    pub ot: OtOptions<T>,
}

/// The combined loss and its parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SinSim<T> {
    /// `nt_xent + lambda · ot.value`.
    pub loss: T,
    /// The contrastive part.
    pub nt_xent: T,
    /// The transport part, before λ. With `lambda = 0` this is [`OtTerm::skipped`]:
    /// zero values and zero iterations.
    pub ot: OtTerm<T>,
}

/// Workspace elements for [`sin_sim_with_grad`], whatever the options: those of NT-Xent
/// ([`nt_xent_workspace_len`]), and about `2 N²` more for N = `rows/2` images, for the costs
/// between the views and the stored kernel. There is no streaming transport term, which would
/// compute its costs again in every iteration: for that, solve from points
/// ([`CostSource::Points`](crate::sinkhorn::CostSource::Points)) apart from NT-Xent.
#[must_use]
pub fn sin_sim_workspace_len(rows: usize, dim: usize) -> usize {
    let nt_xent = nt_xent_workspace_len(rows, dim);
    // A second gradient, and what the hungrier part needs.
    let parts = nt_xent.max(ot_term_workspace_len(rows / 2, dim));
    let apart = rows.saturating_mul(dim).saturating_add(parts);
    let shared = nt_xent.saturating_add(shared_workspace_len(rows / 2));
    apart.max(shared)
}

/// The loss of `rows` raw projections of `dim` numbers each, row-major (two views of
/// `rows/2` images), and its gradient with respect to `z`, written to `grad`.
///
/// **What is shared.** With the cosine cost and [`OtForm::Plain`] NT-Xent has what the transport
/// term needs: unit rows u of view A and v of view B, and the products of all pairs, from which
/// costs `1 − u_i·v_j` follow. And it computes what the term asks for: the gradient with respect
/// to u_i is `−λ Σ_j P_ij v_j`, so the plan joins the weights with which NT-Xent multiplies the
/// rows anyway, and both gradients go back through one normalisation. What is left is Sinkhorn
/// itself and one pass that writes the plan. With other options the loss is computed as
/// [`nt_xent_with_grad`] and [`ot_term_with_grad`], one after the other.
///
/// **Accuracy**, with u the unit roundoff. `1 − u_i·v_j` cancels for close directions: its error
/// is `(d + 5) u` at worst for d = `dim`, d products added one after the other, where half the
/// squared difference would have that *times the cost*. Costs count in units of ε and of ρ, and
/// where the batch's largest cost is the unit, in that. While all these are at least 256 times
/// the error, exponents are right to 1/256 at worst, and to a few u/ε as a rule. The gradient's
/// error is some `u λ/N` in the units of the costs, as NT-Xent's own is `u/(Nτ)`. Where something
/// is smaller, such as the costs of a batch that has collapsed, or where λ or τ leaves the middle
/// of the scalar type's range, the term is computed apart, from differences.
///
/// Memory: [`sin_sim_workspace_len`], about `2 N²` and NT-Xent's. Cost: NT-Xent's, O(N²·d), and
/// that of Sinkhorn's iterations, `2 N²` multiplications each.
///
/// # Errors
/// As [`nt_xent_with_grad`] and [`ot_term_with_grad`]; also a negative or infinite λ.
pub fn sin_sim_with_grad<T: Real>(
    z: &[T],
    rows: usize,
    dim: usize,
    options: &SinSimOptions<T>,
    grad: &mut [T],
    workspace: &mut [T],
) -> Result<SinSim<T>, Error> {
    let operation = "sin_sim_with_grad";
    check::two_views(operation, rows)?;
    check::not_negative(operation, "lambda", options.lambda)?;
    check::shape(operation, "z", z, rows.saturating_mul(dim))?;
    let workspace = check::workspace(operation, workspace, sin_sim_workspace_len(rows, dim))?;
    let temperature = options.temperature;
    if options.lambda == T::zero() {
        let nt_xent = nt_xent_with_grad(z, rows, dim, temperature, grad, workspace)?;
        return Ok(SinSim {
            loss: nt_xent,
            nt_xent,
            ot: OtTerm::skipped(),
        });
    }
    let mut ot = None;
    let nt_xent = if options.ot.cost == Cost::Cosine && options.ot.form == OtForm::Plain {
        options.ot.check(ot_term::OPERATION)?;
        let mut scratch = &mut *workspace;
        let memory = check::take(&mut scratch, nt_xent_workspace_len(rows, dim));
        let shared = Shared {
            options: &options.ot,
            n: rows / 2,
            dim,
            factor: -options.lambda * T::count(rows) * temperature,
            workspace: scratch,
            out: &mut ot,
        };
        let both = nt_xent_with_more(z, rows, dim, temperature, shared, grad, memory);
        both.map_err(|error| match error {
            // The sum of both gradients is this function's.
            Error::Overflow {
                quantity: quantity @ "the gradient",
                got,
                ..
            } => Error::Overflow {
                operation,
                quantity,
                got,
            },
            other => other,
        })?
    } else {
        nt_xent_with_grad(z, rows, dim, temperature, grad, workspace)?
    };
    let ot = match ot {
        Some(ot) => ot,
        None => {
            let mut scratch = workspace;
            let ot_grad = check::take(&mut scratch, z.len());
            let ot = ot_term_with_grad(z, rows, dim, &options.ot, ot_grad, scratch)?;
            vector::add_scaled(grad, options.lambda, ot_grad);
            check::all_fit(operation, "the gradient", grad)?;
            ot
        }
    };
    let loss = check::fits(operation, "the loss", nt_xent + options.lambda * ot.value)?;
    Ok(SinSim { loss, nt_xent, ot })
}
