//! SinSim: NT-Xent plus a transport term between the two views (Sepanj & Fieguth 2025).
//!
//! `L = NT-Xent(z) + λ · OT_ε(view A, view B)`, where view A is the first half of the
//! rows of z and view B the second. The transport term sees two sets of points and
//! never which row belongs to which: it draws the views' distributions together. In
//! its place may stand the debiased divergence, with marginals imposed or priced
//! ([`OtOptions`]).
//!
//! With the cosine cost and in the plain form, the two share unit rows, the products of all
//! pairs and the multiplication that their gradients are (`shared.rs`).

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

/// Workspace elements for [`sin_sim_with_grad`].
#[must_use]
pub fn sin_sim_workspace_len(rows: usize, dim: usize) -> usize {
    let nt_xent = nt_xent_workspace_len(rows, dim);
    // A second gradient, and what the hungrier part needs.
    let parts = nt_xent.max(ot_term_workspace_len(rows / 2, dim));
    let apart = rows.saturating_mul(dim).saturating_add(parts);
    let shared = nt_xent.saturating_add(shared_workspace_len(rows / 2));
    apart.max(shared)
}

/// The loss of `rows` raw projections (two views of `rows/2` images), and its gradient
/// with respect to `z`, written to `grad`.
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
    let (mut scratch, temperature) = (workspace, options.temperature);
    let mut ot = OtTerm::skipped();
    let nt_xent = if options.lambda == T::zero() {
        nt_xent_with_grad(z, rows, dim, temperature, grad, scratch)?
    } else if options.ot.cost == Cost::Cosine && options.ot.form == OtForm::Plain {
        options.ot.check(operation)?;
        let memory = check::take(&mut scratch, nt_xent_workspace_len(rows, dim));
        let shared = Shared {
            options: &options.ot,
            z,
            n: rows / 2,
            dim,
            factor: -options.lambda * T::count(rows) * temperature,
            workspace: scratch,
            out: &mut ot,
        };
        nt_xent_with_more(z, rows, dim, temperature, shared, grad, memory)?
    } else {
        let ot_grad = check::take(&mut scratch, z.len());
        let nt_xent = nt_xent_with_grad(z, rows, dim, temperature, grad, scratch)?;
        ot = ot_term_with_grad(z, rows, dim, &options.ot, ot_grad, scratch)?;
        vector::add_scaled(grad, options.lambda, ot_grad);
        check::all_fit(operation, "the gradient", grad)?;
        nt_xent
    };
    // Without the term nothing may be added: λ · 0 could be −0, and nothing is bit for bit.
    let loss = if options.lambda == T::zero() {
        nt_xent
    } else {
        check::fits(operation, "the loss", nt_xent + options.lambda * ot.value)?
    };
    Ok(SinSim { loss, nt_xent, ot })
}
