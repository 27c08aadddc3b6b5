//! Eigenvalues of a small symmetric matrix by the cyclic Jacobi method.
//!
//! A rotation by the angle φ in the plane (p, q), `tan φ = t`, makes `a_pq` zero:
//!
//! `θ = (a_qq − a_pp)/(2 a_pq)`, `t = sign θ/(|θ| + sqrt(θ² + 1))`, `a_pp −= t a_pq`,
//! `a_qq += t a_pq`, and for every other k `a_pk = c a_pk − s a_qk`, `a_qk = s a_pk + c a_qk`
//! with `c = 1/sqrt(t² + 1)`, `s = t c`. |φ| ≤ π/4, which is what convergence rests on.

use crate::matrix::mirror;
use crate::{Error, Real, check, vector};

/// Writes the eigenvalues of the symmetric n×n `matrix` to `eigenvalues`, in no particular
/// order, and returns the number of sweeps. The entries above the diagonal count, those
/// below it are not read; the matrix is overwritten.
///
/// By the cyclic Jacobi method (Golub & Van Loan, Matrix Computations, 8.5): a rotation makes
/// one entry off the diagonal zero, a sweep visits all; the sum of their squares falls with each
/// rotation, and quadratically in the end: 5 to 15 sweeps.
///
/// An entry is left alone once `|a_pq| ≤ u ‖A‖_F/n` (u the unit roundoff): if all are, what
/// is off the diagonal has norm at most `u ‖A‖_F`, and by Weyl's inequality no eigenvalue is
/// wrong by more, apart from the rounding of the rotations, a small multiple of
/// `√n u ‖A‖_F`. The error is absolute: eigenvalues far below the largest have no digits.
/// The matrix is divided by its largest entry first, so its magnitude does not matter.
///
/// Memory: none beyond the matrix. Cost: about 6n³ per sweep.
///
/// # Errors
/// Wrong lengths, n = 0, NaN or infinite entries, [`Error::NotConverged`] when `max_sweeps`
/// do not suffice (30 do), or an eigenvalue too large for the scalar type.
pub fn symmetric_eigenvalues<T: Real>(
    matrix: &mut [T],
    n: usize,
    max_sweeps: usize,
    eigenvalues: &mut [T],
) -> Result<usize, Error> {
    let operation = "symmetric_eigenvalues";
    check::at_least_one(operation, "n", n)?;
    check::shape(operation, "matrix", matrix, n.saturating_mul(n))?;
    check::shape(operation, "eigenvalues", eigenvalues, n)?;
    check::finite(operation, "matrix", matrix)?;
    mirror(matrix, n);
    let peak = matrix
        .iter()
        .fold(T::zero(), |peak, entry| peak.max(entry.abs()));
    if !peak.is_normal() {
        // Zero, or below the numbers that have full precision.
        eigenvalues.fill(T::zero());
        return Ok(0);
    }
    for entry in matrix.iter_mut() {
        *entry /= peak;
    }
    let unit_roundoff = T::epsilon() / T::of(2.0);
    let threshold = unit_roundoff * vector::norm(matrix) / T::count(n);
    let mut sweeps = 0;
    loop {
        let largest = largest_off_diagonal(matrix, n);
        if largest <= threshold {
            break;
        }
        if sweeps == max_sweeps {
            return Err(Error::NotConverged {
                operation,
                iterations: sweeps,
                expected: threshold.wide(),
                got: largest.wide(),
            });
        }
        for p in 0..n {
            for q in p + 1..n {
                let entry = matrix.get(p * n + q);
                if entry.is_some_and(|entry| entry.abs() > threshold) {
                    rotate(matrix, n, p, q);
                }
            }
        }
        sweeps += 1;
    }
    for (value, &diagonal) in eigenvalues.iter_mut().zip(matrix.iter().step_by(n + 1)) {
        *value = diagonal * peak;
    }
    check::all_fit(operation, "an eigenvalue", eigenvalues)?;
    Ok(sweeps)
}

fn largest_off_diagonal<T: Real>(matrix: &[T], n: usize) -> T {
    let rows = matrix.chunks_exact(n).enumerate();
    rows.fold(T::zero(), |largest, (i, row)| {
        let right = row.iter().skip(i + 1);
        right.fold(largest, |largest, entry| largest.max(entry.abs()))
    })
}

/// Makes `a_pq` zero, p < q. Rows are rotated along memory and then copied to the columns.
fn rotate<T: Real>(matrix: &mut [T], n: usize, p: usize, q: usize) {
    let mut rows = matrix.chunks_exact_mut(n.max(1));
    let (Some(row_p), Some(row_q)) = (rows.nth(p), rows.nth(q - p - 1)) else {
        return;
    };
    let (Some(&pp), Some(&pq), Some(&qq)) = (row_p.get(p), row_p.get(q), row_q.get(q)) else {
        return;
    };
    let theta = (qq - pp) / (T::of(2.0) * pq);
    let tangent = theta.signum() / (theta.abs() + theta.hypot(T::one()));
    let cosine = tangent.hypot(T::one()).recip();
    let sine = tangent * cosine;
    for (x, y) in row_p.iter_mut().zip(row_q.iter_mut()) {
        let (old_x, old_y) = (*x, *y);
        *x = cosine * old_x - sine * old_y;
        *y = sine * old_x + cosine * old_y;
    }
    for (row, k, other, diagonal) in [
        (row_p, p, q, pp - tangent * pq),
        (row_q, q, p, qq + tangent * pq),
    ] {
        if let Ok([on, off]) = row.get_disjoint_mut([k, other]) {
            (*on, *off) = (diagonal, T::zero());
        }
    }
    for k in 0..n {
        for line in [p, q] {
            let value = matrix.get(line * n + k).copied();
            if let (Some(value), Some(slot)) = (value, matrix.get_mut(k * n + line)) {
                *slot = value;
            }
        }
    }
}
