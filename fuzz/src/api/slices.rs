//! Functions of slices: softmax, normalisation, costs, elementary functions.

use kernels_core::cost::{Cost, CostScale, cost_matrix, rescale};
use kernels_core::elementary::{exp_in_place, ln_in_place};
use kernels_core::log_sum_exp::log_sum_exp;
use kernels_core::normalize::{normalize_rows, normalize_rows_backward};
use kernels_core::softmax::{log_softmax, log_softmax_backward, softmax, softmax_backward};

use super::Arguments;
use crate::number::{Scalar, assert_finite};

pub(super) fn functions<T: Scalar>() -> [fn(Arguments<'_>); 6] {
    [
        forward::<T>,
        backward::<T>,
        rows::<T>,
        rows_backward::<T>,
        costs::<T>,
        elementary::<T>,
    ]
}

fn forward<T: Scalar>(mut to: Arguments<'_>) {
    let n = to.size(0);
    let (x, mut out) = (to.slice::<T>(n), to.room::<T>(n));
    if softmax(&x, &mut out).is_ok() {
        assert_finite("softmax", &out);
        assert!(out.iter().all(|p| *p >= T::zero()));
    }
    out.fill(T::nan());
    if log_softmax(&x, &mut out).is_ok() {
        assert_finite("log_softmax", &out);
        assert!(out.iter().all(|p| *p <= T::zero()));
    }
}

fn backward<T: Scalar>(mut to: Arguments<'_>) {
    let n = to.size(0);
    let (p, upstream) = (to.slice::<T>(n), to.slice::<T>(n));
    let mut grad = to.room::<T>(n);
    if softmax_backward(&p, &upstream, &mut grad).is_ok() {
        assert_finite("softmax_backward", &grad);
    }
    grad.fill(T::nan());
    if log_softmax_backward(&p, &upstream, &mut grad).is_ok() {
        assert_finite("log_softmax_backward", &grad);
    }
}

fn rows<T: Scalar>(mut to: Arguments<'_>) {
    let (rows, dim) = (to.size(0), to.size(1));
    let len = rows.saturating_mul(dim);
    let (z, mut unit, mut norms) = (to.slice::<T>(len), to.room(len), to.room(rows));
    if normalize_rows(&z, rows, dim, &mut unit, &mut norms).is_ok() {
        assert_finite("normalize_rows", &unit);
        assert_finite("normalize_rows: norms", &norms);
        let mut grad = to.slice::<T>(len);
        if normalize_rows_backward(&unit, &norms, dim, &mut grad).is_ok() {
            assert_finite("normalize_rows_backward", &grad);
        }
    }
}

fn rows_backward<T: Scalar>(mut to: Arguments<'_>) {
    let (rows, dim) = (to.size(0), to.size(1));
    let len = rows.saturating_mul(dim);
    let (unit, norms) = (to.slice::<T>(len), to.slice::<T>(rows));
    let mut grad = to.slice::<T>(len);
    if normalize_rows_backward(&unit, &norms, dim, &mut grad).is_ok() {
        assert_finite("normalize_rows_backward", &grad);
    }
}

fn costs<T: Scalar>(mut to: Arguments<'_>) {
    let (n, m, dim) = (to.size(0), to.size(1), to.size(2));
    let (x, y) = (
        to.slice::<T>(n.saturating_mul(dim)),
        to.slice(m.saturating_mul(dim)),
    );
    let mut out = to.room::<T>(n.saturating_mul(m));
    let cost = if to.flag(0) {
        Cost::Cosine
    } else {
        Cost::SquaredEuclidean
    };
    if cost_matrix(cost, &x, &y, n, m, dim, &mut out).is_ok() {
        assert_finite("cost_matrix", &out);
        assert!(out.iter().all(|c| *c >= T::zero()));
        rescale(CostScale::Maximum, &mut out);
        assert_finite("rescale", &out);
        assert!(out.iter().all(|c| *c <= T::one()));
    }
    // Any matrix at all.
    let mut any = x;
    let divisor = rescale(CostScale::Maximum, &mut any);
    assert!(divisor.is_normal() && divisor > T::zero(), "{divisor}");
    assert_eq!(rescale(CostScale::None, &mut any), T::one());
}

fn elementary<T: Scalar>(mut to: Arguments<'_>) {
    let n = to.size(0);
    let xs = to.slice::<T>(n);
    let mut out = xs.clone();
    exp_in_place(&mut out);
    for (x, y) in xs.iter().zip(&out) {
        assert!(
            *y >= T::zero() || (x.is_nan() && y.is_nan()),
            "exp {x} = {y}"
        );
    }
    out.copy_from_slice(&xs);
    ln_in_place(&mut out);
    for (x, y) in xs.iter().zip(&out) {
        assert_eq!(y.is_nan(), x.is_nan() || *x < T::zero(), "ln {x} = {y}");
    }
    let total = log_sum_exp(&xs);
    assert_eq!(total.is_nan(), xs.iter().any(|x| x.is_nan()), "{total}");
}
