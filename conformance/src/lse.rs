//! Kind `lse`: the slice driver and the one-at-a-time driver, forwards and split in the
//! middle.

use crate::report::Report;
use crate::tolerance::Quantity;
use crate::{Error, Problem};
use kernels_core::Real;
use kernels_core::log_sum_exp::{LogSumExp, log_sum_exp};

pub(crate) fn check<T: Real>(problem: &Problem, report: &mut Report) -> Result<(), Error> {
    let values = problem.v.as_deref().ok_or(Error::Missing("v"))?;
    let values: Vec<T> = values.iter().map(|value| T::of(value.0)).collect();
    let pushed = |part: &[T]| {
        let sum = part
            .iter()
            .fold(LogSumExp::identity(), |sum, &x| sum.push(x));
        (sum, sum.finish())
    };
    let (left, right) = values.split_at(values.len() / 2);
    let drivers = [
        ("slice", log_sum_exp(&values)),
        ("pushed", pushed(&values).1),
        ("merged", pushed(left).0.merge(pushed(right).0).finish()),
    ];
    let expected = problem.value()?;
    for (driver, got) in drivers {
        let got = got.wide();
        if expected.is_finite() {
            let size = 1.0 + expected.abs();
            report.compare(Quantity::Value, &[got], &[expected], size, 1.0);
        } else if got != expected && !(got.is_nan() && expected.is_nan()) {
            report.fail(format!("{driver}: {got} for {expected}"));
        }
    }
    Ok(())
}
