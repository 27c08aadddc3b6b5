//! Softmax and log-softmax of a slice, with their gradients.
//!
//! `p_i = exp x_i / Σ_j exp x_j` and `ℓ_i = log p_i = x_i − log Σ_j exp x_j`, on top of the
//! (max, sum) monoid of [`crate::log_sum_exp`]: no exponential overflows.
//!
//! Gradients, as products of a vector g (the gradient with respect to the output) with the
//! Jacobian:
//!
//! | output | Jacobian `∂out_i/∂x_j` | gradient with respect to x |
//! |---|---|---|
//! | p | `p_i ([i=j] − p_j)` | `p_i (g_i − Σ_j p_j g_j)` |
//! | ℓ | `[i=j] − p_j` | `g_i − p_i Σ_j g_j` |
//!
//! With `m = max x`, reached at index k, `ℓ_i = (x_i − m) − log(1 + exp(q − m))` where
//! `q = log Σ_{j≠k} exp x_j`: the usual form rounds `ℓ_k` to zero or noise when the largest
//! entry dominates, this one keeps its relative accuracy. (Blanchard, Higham & Higham 2021
//! compare the formulas for softmax and log-sum-exp.)
//!
//! Special values:
//!
//! | entry | softmax | log-softmax |
//! |---|---|---|
//! | −∞ (masked) | `p_i = 0` | refused: `ℓ_i = −∞` is not finite |
//! | all −∞, or no entry | refused | refused |
//! | +∞, NaN | refused | refused |
//! | finite, below the range of exp | `p_i = 0` | exact |
//!
//! Error, with u the unit roundoff and n entries, at most about: `p_i` relative
//! `(8 + |x_i − m|) u`; `ℓ_i` absolute `(8 + |x_i − m| + |ℓ_i|) u`. Memory:
//! the output. Cost: softmax takes 2n exponentials, log-softmax n, the way back 0 and n.

use crate::log_sum_exp::LogSumExp;
use crate::{Error, Real, check, vector};

/// Writes the softmax of `x`, `p_i = exp x_i / Σ_j exp x_j`, to `out`, which is as long. An
/// entry of −∞ gets probability zero.
///
/// Cost: 2n exponentials for n entries, on one thread. No memory beside the output.
///
/// # Errors
/// An empty slice, wrong lengths, NaN, +∞, or nothing but −∞.
pub fn softmax<T: Real>(x: &[T], out: &mut [T]) -> Result<(), Error> {
    let operation = "softmax";
    check::at_least_one(operation, "the length of x", x.len())?;
    check::shape(operation, "out", out, x.len())?;
    let legal = |value: T| value < T::infinity();
    let expected = "finite, or −∞ where masked";
    refuse_unless(operation, x, expected, legal)?;
    let total = LogSumExp::of(x);
    if total.max() == T::neg_infinity() {
        let expected = "finite in at least one place";
        return refuse_unless(operation, x, expected, |_| false);
    }
    for (p, &x) in out.iter_mut().zip(x) {
        *p = (x - total.max()).exp() / total.sum();
    }
    Ok(())
}

/// From the softmax `p` and the gradient with respect to it, writes the gradient with
/// respect to `x`: `p_i (g_i − Σ_j p_j g_j)`, g being `upstream`. All are of one length n.
///
/// Cost: O(n), no exponential, on one thread. No memory beside the output.
///
/// # Errors
/// An empty slice, wrong lengths, NaN or infinite entries, or a gradient too large for the
/// scalar type.
pub fn softmax_backward<T: Real>(p: &[T], upstream: &[T], grad: &mut [T]) -> Result<(), Error> {
    let operation = "softmax_backward";
    check_backward(operation, "p", p, upstream, grad)?;
    let mean = vector::dot(p, upstream);
    for (out, (&p, &g)) in grad.iter_mut().zip(p.iter().zip(upstream)) {
        *out = p * (g - mean);
    }
    check::all_fit(operation, "the gradient", grad)
}

/// Writes the logarithm of the softmax of `x`, `ℓ_i = x_i − log Σ_j exp x_j`, to `out`, which is
/// as long.
///
/// Cost: n exponentials for n entries, on one thread. No memory beside the output.
///
/// # Errors
/// An empty slice, wrong lengths, NaN or infinite entries (−∞ too), or entries so far apart
/// that their difference overflows.
pub fn log_softmax<T: Real>(x: &[T], out: &mut [T]) -> Result<(), Error> {
    let operation = "log_softmax";
    check::at_least_one(operation, "the length of x", x.len())?;
    check::shape(operation, "out", out, x.len())?;
    check::finite(operation, "x", x)?;
    let max = vector::largest(x);
    let place = x.iter().position(|&value| value == max).unwrap_or(0);
    let (before, from) = x.split_at(place);
    let after = from.get(1..).unwrap_or_default();
    let others = LogSumExp::of(before).merge(LogSumExp::of(after));
    // Between 0 and log n.
    let rest = (others.finish() - max).exp().ln_1p();
    for (out, &x) in out.iter_mut().zip(x) {
        *out = (x - max) - rest;
    }
    check::all_fit(operation, "the difference of two entries", out)
}

/// From the log-softmax and the gradient with respect to it, writes the gradient with
/// respect to `x`: `g_i − exp(ℓ_i) Σ_j g_j`, g being `upstream`. All are of one length n.
///
/// Cost: n exponentials, on one thread. No memory beside the output.
///
/// # Errors
/// As [`softmax_backward`].
pub fn log_softmax_backward<T: Real>(
    log_p: &[T],
    upstream: &[T],
    grad: &mut [T],
) -> Result<(), Error> {
    let operation = "log_softmax_backward";
    check_backward(operation, "log_p", log_p, upstream, grad)?;
    let total = vector::sum_of(upstream, |g| g);
    for (out, (&log_p, &g)) in grad.iter_mut().zip(log_p.iter().zip(upstream)) {
        *out = g - log_p.exp() * total;
    }
    check::all_fit(operation, "the gradient", grad)
}

fn check_backward<T: Real>(
    operation: &'static str,
    argument: &'static str,
    forward: &[T],
    upstream: &[T],
    grad: &[T],
) -> Result<(), Error> {
    check::at_least_one(operation, "the length of the output", forward.len())?;
    check::shape(operation, "upstream", upstream, forward.len())?;
    check::shape(operation, "grad", grad, forward.len())?;
    check::finite(operation, argument, forward)?;
    check::finite(operation, "upstream", upstream)
}

/// Refuses the first entry of `x` that is not legal.
fn refuse_unless<T: Real>(
    operation: &'static str,
    x: &[T],
    expected: &'static str,
    legal: impl Fn(T) -> bool,
) -> Result<(), Error> {
    match x.iter().enumerate().find(|&(_, &value)| !legal(value)) {
        None => Ok(()),
        Some((index, value)) => Err(Error::Element {
            operation,
            argument: "x",
            expected,
            index,
            got: value.wide(),
        }),
    }
}
