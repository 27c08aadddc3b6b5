//! Softmax and log-softmax.

use crate::common::*;
use kernels_core::Error;
use kernels_core::log_sum_exp::log_sum_exp;
use kernels_core::softmax::{log_softmax, log_softmax_backward, softmax, softmax_backward};

const LENGTHS: [usize; 9] = [1, 2, 15, 16, 17, 31, 32, 33, 257];

type Kernel<T> = fn(&[T], &mut [T]) -> Result<(), Error>;

fn of<T: kernels_core::Real>(kernel: Kernel<T>, x: &[T]) -> Vec<T> {
    let mut out = vec![T::nan(); x.len()];
    kernel(x, &mut out).expect("legal");
    out
}

#[test]
fn equal_the_definitions_with_their_gradients() {
    for len in LENGTHS {
        let x: Vec<f64> = numbers(len, 1).iter().map(|x| 5.0 * x).collect();
        let g = numbers(len, 2);
        let (p, log_p) = (of(softmax, &x), of(log_softmax, &x));
        let total: f64 = x.iter().map(|x| x.exp()).sum();
        for ((&x, &p), &log_p) in x.iter().zip(&p).zip(&log_p) {
            assert_close(p, x.exp() / total, 1e-15);
            assert_close(log_p, x - total.ln(), 1e-14);
        }
        assert_close(p.iter().sum(), 1.0, 1e-14);
        let mut grad = vec![f64::NAN; len];
        let along = |kernel: Kernel<f64>, x: &[f64]| -> f64 {
            of(kernel, x).iter().zip(&g).map(|(p, g)| p * g).sum()
        };
        // Curvatures of size one.
        softmax_backward(&p, &g, &mut grad).expect("legal");
        check_gradient(&x, &grad, 1e-9, |x| along(softmax, x));
        // Sums of up to 257 logarithms near −10, divided by the step.
        log_softmax_backward(&log_p, &g, &mut grad).expect("legal");
        check_gradient(&x, &grad, 5e-8, |x| along(log_softmax, x));

        let (x32, g32) = (narrow(&x), narrow(&g));
        let (p32, log32) = (of(softmax, &x32), of(log_softmax, &x32));
        let exact = wide(&x32);
        // (n/16 + 8 + |x − m|) u ≤ (16 + 8 + 10) · 6e-8 relative.
        for (&got, expected) in p32.iter().zip(of(softmax, &exact)) {
            assert_close(f64::from(got) / expected, 1.0, 2e-6);
        }
        // (n/16 + 8 + |x − m| + |ℓ|) u ≤ (16 + 8 + 10 + 11) · 6e-8 absolute.
        for (&got, expected) in log32.iter().zip(of(log_softmax, &exact)) {
            assert_close(got.into(), expected, 45.0 * 6e-8);
        }
        let mut grad32 = vec![f32::NAN; len];
        softmax_backward(&of(softmax, &exact), &g, &mut grad).expect("legal");
        softmax_backward(&p32, &g32, &mut grad32).expect("legal");
        // The mean of g and the difference are right to the error of p, absolutely.
        for ((&got, &expected), &p) in grad32.iter().zip(&grad).zip(&p) {
            assert_close(got.into(), expected, 4e-6 * p);
        }
    }
}

#[test]
fn the_dominant_entry_keeps_its_digits() {
    // log p = −log(1 + e^-50), of which the usual formula leaves nothing.
    let log_p = of(log_softmax, &[0.0_f64, -50.0]);
    assert_close(log_p[0] / -(-50.0_f64).exp(), 1.0, 1e-14);
    let log_p = of(log_softmax, &[-30.0_f32, 0.0, -30.0]);
    let expected = -2.0 * (-30.0_f64).exp();
    assert_close(f64::from(log_p[1]) / expected, 1.0, 1e-6);
    // Two equal largest entries.
    assert_close(of(log_softmax, &[7.0, 7.0])[0], -(2.0_f64.ln()), 1e-16);
}

#[test]
fn masks_and_extremes() {
    let masked = of(softmax, &[f64::NEG_INFINITY, 1.0, f64::NEG_INFINITY, 1.0]);
    assert_eq!(masked, [0.0, 0.5, 0.0, 0.5]);
    let mut grad = [f64::NAN; 4];
    softmax_backward(&masked, &[9.0, 1.0, 9.0, 3.0], &mut grad).expect("legal");
    assert_eq!(grad, [0.0, -0.5, 0.0, 0.5]);
    // Beyond the range of exp, and as far apart as numbers can be.
    assert_eq!(of(softmax, &[1e30_f32, -1e30]), [1.0, 0.0]);
    assert_eq!(of(softmax, &[f32::MAX, f32::MIN]), [1.0, 0.0]);
    assert_eq!(of(log_softmax, &[1e30_f32, -1e30]), [0.0, -2e30]);
    assert_eq!(
        of(log_softmax, &[f64::MAX, f64::MAX]),
        [-std::f64::consts::LN_2; 2]
    );
    assert_eq!(of(softmax, &[-7.0_f32]), [1.0]);
    assert_eq!(of(log_softmax, &[-7.0_f32]), [0.0]);
}

#[test]
fn a_shift_changes_nothing() {
    let x = numbers(33, 1);
    let shifted: Vec<f64> = x.iter().map(|x| x + 1024.0).collect();
    // The shift rounds the entries to 1e-13.
    assert_all_close(&of(softmax, &shifted), &of(softmax, &x), 1e-12);
    assert_all_close(&of(log_softmax, &shifted), &of(log_softmax, &x), 1e-12);
    let log_p = of(log_softmax, &x);
    assert_close(log_sum_exp(&log_p), 0.0, 1e-15);
}

#[test]
fn refuses() {
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    let mut out = [0.0; 2];
    for bad in [inf, nan] {
        for x in [[bad, 0.0], [-inf, bad]] {
            assert!(softmax(&x, &mut out).is_err(), "{x:?}");
        }
        assert!(softmax_backward(&[bad, 0.5], &[1.0, 1.0], &mut out).is_err());
        assert!(softmax_backward(&[0.5, 0.5], &[1.0, bad], &mut out).is_err());
        assert!(log_softmax_backward(&[bad, 0.5], &[1.0, 1.0], &mut out).is_err());
        assert!(log_softmax_backward(&[0.5, 0.5], &[1.0, bad], &mut out).is_err());
    }
    let masked = softmax(&[-inf, -inf], &mut out).expect_err("nothing is left");
    assert_eq!(
        masked.to_string(),
        "softmax: `x[0]` must be finite in at least one place, got -inf"
    );
    for bad in [inf, nan, -inf] {
        let wrong = log_softmax(&[0.0, bad], &mut out);
        assert!(
            matches!(wrong, Err(Error::Element { index: 1, .. })),
            "{bad}"
        );
    }
    let far = log_softmax(&[f64::MAX, f64::MIN], &mut out);
    assert!(matches!(far, Err(Error::Overflow { .. })));
    assert!(softmax_backward(&[0.5, 0.5], &[f64::MAX, f64::MIN], &mut out).is_ok());
    assert!(log_softmax_backward(&[-0.7, -0.7], &[f64::MAX; 2], &mut out).is_err());
    // Lengths.
    assert!(softmax::<f64>(&[], &mut []).is_err());
    assert!(log_softmax::<f64>(&[], &mut []).is_err());
    assert!(softmax_backward::<f64>(&[], &[], &mut []).is_err());
    assert!(softmax(&[1.0], &mut out).is_err());
    assert!(log_softmax(&[1.0], &mut out).is_err());
    assert!(softmax_backward(&[1.0], &[1.0], &mut out).is_err());
    assert!(softmax_backward(&[1.0], &[1.0, 1.0], &mut [0.0]).is_err());
    assert!(log_softmax_backward(&[1.0], &[1.0, 1.0], &mut [0.0]).is_err());
}
