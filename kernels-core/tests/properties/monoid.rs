//! The laws of the (max, sum) monoid, and its special values in every position.

use crate::common::assert_close;
use kernels_core::log_sum_exp::{LogSumExp, log_sum_exp};
use proptest::collection::vec;
use proptest::prelude::*;

fn of(xs: &[f64]) -> LogSumExp<f64> {
    xs.iter().fold(LogSumExp::identity(), |sum, &x| sum.push(x))
}

/// Equal, also when both are NaN or the same infinity; 4 ulp of rounding otherwise.
fn same(a: LogSumExp<f64>, b: LogSumExp<f64>) -> bool {
    let (a, b) = (a.finish(), b.finish());
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 4.0 * f64::EPSILON * (1.0 + a.abs())
}

const SPECIAL: &[f64] = &[
    f64::NEG_INFINITY,
    f64::INFINITY,
    f64::NAN,
    0.0,
    -0.0,
    f64::MAX,
    f64::MIN,
];

/// Ordinary numbers with the special ones among them.
fn element() -> impl Strategy<Value = f64> {
    prop_oneof![8 => -50.0..50.0, 2 => -1e300..1e300, 3 => proptest::sample::select(SPECIAL)]
}

fn part() -> impl Strategy<Value = LogSumExp<f64>> {
    vec(element(), 0..4).prop_map(|xs| of(&xs))
}

proptest! {
    #[test]
    fn is_a_commutative_monoid(a in part(), b in part(), c in part()) {
        prop_assert!(same(a.merge(LogSumExp::identity()), a));
        prop_assert!(same(LogSumExp::identity().merge(a), a));
        prop_assert!(same(a.merge(b), b.merge(a)));
        prop_assert!(same(a.merge(b).merge(c), a.merge(b.merge(c))));
    }

    #[test]
    fn slice_driver_agrees_with_push(xs in vec(element(), 0..70)) {
        prop_assert!(same(LogSumExp::of(&xs), of(&xs)));
    }

    #[test]
    fn agrees_with_the_plain_formula(xs in vec(-20.0..20.0, 1..70)) {
        // Nothing overflows here, so the definition itself is a reference.
        let plain = xs.iter().map(|x: &f64| x.exp()).sum::<f64>().ln();
        assert_close(log_sum_exp(&xs), plain, 1e-13);
    }
}

#[test]
fn special_values() {
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    assert_eq!(log_sum_exp::<f64>(&[]), -inf);
    assert_eq!(log_sum_exp(&[-inf; 40]), -inf);
    assert_eq!(
        LogSumExp::single(-inf)
            .merge(LogSumExp::single(-inf))
            .finish(),
        -inf
    );
    assert_eq!(log_sum_exp(&[-inf, 2.0]), 2.0);
    assert_eq!(log_sum_exp(&[inf, -inf, inf]), inf);
    for place in 0..40 {
        let mut xs = [1.0; 40];
        xs[place] = nan;
        assert!(log_sum_exp(&xs).is_nan() && of(&xs).finish().is_nan());
        xs[(place + 1) % 40] = inf;
        assert!(log_sum_exp(&xs).is_nan() && of(&xs).finish().is_nan());
        xs[place] = -1.0;
        assert_eq!(log_sum_exp(&xs), inf);
    }
}
