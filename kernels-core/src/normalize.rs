//! Rows on the unit sphere, and the gradient back through the normalisation.
//!
//! `u = z / ‖z‖`, so `du = (I − u uᵀ) dz / ‖z‖`, and a gradient `g` with respect to
//! `u` becomes `(g − (u·g) u) / ‖z‖` with respect to `z`.

use crate::{Error, Real, check, vector};

/// Writes `z_i / ‖z_i‖` to `unit` and `‖z_i‖` to `norms`, row by row: `z` and `unit` are
/// `rows × dim`, row-major, and `norms` has `rows` numbers.
///
/// Cost: O(rows·dim), on one thread. No workspace. The square of a norm may leave the range of
/// the scalar type, as long as the norm does not.
///
/// # Errors
/// Wrong lengths, a NaN or infinite entry, or a row without a direction.
pub fn normalize_rows<T: Real>(
    z: &[T],
    rows: usize,
    dim: usize,
    unit: &mut [T],
    norms: &mut [T],
) -> Result<(), Error> {
    let operation = "normalize_rows";
    check::at_least_one(operation, "dim", dim)?;
    check::shape(operation, "z", z, rows.saturating_mul(dim))?;
    check::shape(operation, "unit", unit, z.len())?;
    check::shape(operation, "norms", norms, rows)?;
    let outputs = unit.chunks_exact_mut(dim).zip(norms.iter_mut());
    for (row, (values, (unit_row, norm))) in z.chunks_exact(dim).zip(outputs).enumerate() {
        *norm = checked_norm(operation, "z", values, row)?;
        for (out, &value) in unit_row.iter_mut().zip(values) {
            *out = value / *norm;
        }
    }
    Ok(())
}

/// Turns a gradient with respect to the unit rows into one with respect to the raw
/// rows, in place: `g` becomes `(g − (u·g) u) / ‖z‖`, with `unit` and `norms` as
/// [`normalize_rows`] wrote them, and `grad` of the same shape as `unit`.
///
/// Cost: O(rows·dim), on one thread. No workspace.
///
/// # Errors
/// Wrong lengths, a norm that is not a positive normal number, or a gradient that is not
/// finite.
pub fn normalize_rows_backward<T: Real>(
    unit: &[T],
    norms: &[T],
    dim: usize,
    grad: &mut [T],
) -> Result<(), Error> {
    let operation = "normalize_rows_backward";
    check::at_least_one(operation, "dim", dim)?;
    check::shape(operation, "unit", unit, norms.len().saturating_mul(dim))?;
    check::shape(operation, "grad", grad, unit.len())?;
    let usable = |norm: T| norm.is_normal() && norm > T::zero();
    if let Some((index, norm)) = norms.iter().enumerate().find(|(_, norm)| !usable(**norm)) {
        return Err(Error::Element {
            operation,
            argument: "norms",
            expected: "positive, finite and not subnormal",
            index,
            got: norm.wide(),
        });
    }
    let rows = unit.chunks_exact(dim).zip(norms);
    for (grad_row, (unit_row, &norm)) in grad.chunks_exact_mut(dim).zip(rows) {
        project(unit_row, T::one(), norm, grad_row);
    }
    check::all_fit(operation, "the gradient", grad)
}

/// One row of [`normalize_rows_backward`]; the direction is `row · reciprocal`.
#[inline(always)]
pub(crate) fn project<T: Real>(row: &[T], reciprocal: T, norm: T, grad: &mut [T]) {
    let radial = vector::dot(row, grad) * reciprocal * reciprocal;
    for (out, &value) in grad.iter_mut().zip(row) {
        *out = (*out - radial * value) / norm;
    }
}

/// The norm of a row, or the reason why it has none. Its reciprocal is finite. `row` is its
/// index, for the message. O(dim), no memory.
///
/// # Errors
/// A row that is zero or not finite, in the name of `operation`.
pub fn checked_norm<T: Real>(
    operation: &'static str,
    argument: &'static str,
    values: &[T],
    row: usize,
) -> Result<T, Error> {
    let norm = vector::norm(values);
    if norm.is_normal() {
        return Ok(norm);
    }
    check::finite(operation, argument, values).map_err(|error| match error {
        // The index counts from the start of the matrix, not of the row.
        Error::Element {
            operation,
            argument,
            expected,
            index,
            got,
        } => {
            let index = row.saturating_mul(values.len()).saturating_add(index);
            Error::Element {
                operation,
                argument,
                expected,
                index,
                got,
            }
        }
        other => other,
    })?;
    if norm.is_finite() {
        return Err(Error::ZeroNorm {
            operation,
            argument,
            row,
        });
    }
    Err(Error::Overflow {
        operation,
        quantity: "the norm of a row",
        got: norm.wide(),
    })
}
