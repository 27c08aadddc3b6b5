//! Kinds `ntxent` and `lse`.

use crate::load::{Vector, input, inputs, number};
use crate::tolerance::{Ledger, Quantity};
use crate::transport::wide;
use kernels_core::Real;
use kernels_core::log_sum_exp::{LogSumExp, log_sum_exp};
use kernels_core::nt_xent::{nt_xent, nt_xent_with_grad, nt_xent_workspace_len};

pub(crate) fn ntxent<T: Real>(vector: &Vector, ledger: &mut Ledger) {
    let name = vector.name();
    let (rows, dim, tau) = (vector.n2, vector.d, input::<T>(vector.tau));
    let exact = vector.z.as_deref().expect("ntxent has rows");
    let expected = vector.grad_z.as_deref().expect("ntxent has a gradient");
    let z = inputs::<T>(exact);
    let mut grad = vec![T::zero(); z.len()];
    let mut workspace = vec![T::zero(); nt_xent_workspace_len(rows, dim)];
    let loss = match nt_xent_with_grad(&z, rows, dim, tau, &mut grad, &mut workspace) {
        Ok(loss) => loss,
        Err(error) => return ledger.fail(format!("{name}: {error}")),
    };
    if nt_xent(&z, rows, dim, tau, &mut workspace) != Ok(loss) {
        ledger.fail(format!("{name}: the loss without gradient differs"));
    }
    let condition = 1.0 + 1.0 / vector.tau;
    ledger.enter_all(
        Quantity::Contrast,
        &name,
        &[loss.wide()],
        &[vector.value()],
        condition,
    );

    // A row's gradient is inversely proportional to its norm.
    let weighted = |grad: &[f64]| -> Vec<f64> {
        let rows = grad.chunks(dim).zip(exact.chunks(dim));
        rows.flat_map(|(grad, z)| {
            let norm = z.iter().map(|v| v * v).sum::<f64>().sqrt();
            grad.iter().map(move |g| g * norm)
        })
        .collect()
    };
    let (got, expected) = (weighted(&wide(&grad)), weighted(expected));
    // Collapsed rows have gradient zero to all 60 digits; it is a sum of terms of size
    // 1/(nτ), and held to those.
    if expected.iter().all(|g| g.abs() < 1e-50) {
        let natural = 1.0 / (rows as f64 * vector.tau);
        let error = got.iter().fold(0.0, |sum, g| sum + g.abs()) / natural;
        return ledger.enter(Quantity::ContrastGradient, &name, error, condition);
    }
    ledger.enter_all(
        Quantity::ContrastGradient,
        &name,
        &got,
        &expected,
        condition,
    );
}

/// The slice driver and the one-at-a-time driver, forwards and split in the middle.
pub(crate) fn lse<T: Real>(vector: &Vector, ledger: &mut Ledger) {
    let values = vector.v.as_deref().expect("lse has values");
    let values: Vec<T> = values.iter().map(|value| T::of(number(value))).collect();
    let pushed = |part: &[T]| {
        part.iter()
            .fold(LogSumExp::identity(), |sum, &x| sum.push(x))
    };
    let (left, right) = values.split_at(values.len() / 2);
    let drivers = [
        ("slice", log_sum_exp(&values)),
        ("pushed", pushed(&values).finish()),
        ("merged", pushed(left).merge(pushed(right)).finish()),
    ];
    let expected = vector.value();
    for (driver, got) in drivers {
        let (name, got) = (format!("{} {driver}", vector.name()), got.wide());
        if expected.is_finite() {
            let error = (got - expected).abs() / (1.0 + expected.abs());
            ledger.enter(Quantity::LogSumExp, &name, error, 1.0);
        } else if got.to_bits() != expected.to_bits() && !(got.is_nan() && expected.is_nan()) {
            ledger.fail(format!("{name}: {got} for {expected}"));
        }
    }
}
