//! From the smallest to the largest numbers of the type: a finite result that makes sense,
//! or an error; never an `Ok` with anything else in it.

use crate::common::*;
use kernels_core::barlow_twins::{
    BarlowTwinsOptions, barlow_twins_with_grad, barlow_twins_workspace_len,
};
use kernels_core::byol::byol_with_grad;
use kernels_core::diagnostics::{Spectrum, alignment, effective_rank, uniformity};
use kernels_core::softmax::{log_softmax, softmax};
use kernels_core::vicreg::{VicRegOptions, vicreg_with_grad, vicreg_workspace_len};
use kernels_core::{Error, Real};
use proptest::collection::vec;
use proptest::prelude::*;

/// Runs everything; panics on an `Ok` that is not finite.
fn everything<T: Real>(z: &[T], images: usize, dim: usize, epsilon: T) {
    let rows = 2 * images;
    let finite = |values: &[T]| assert!(values.iter().all(|x| x.is_finite()), "{z:?}");
    let mut grad = vec![T::nan(); z.len()];
    let mut work = vec![T::nan(); 4096];
    let (a, b) = z.split_at(z.len() / 2);
    let half = z.len() / 2;
    if let Ok(loss) = byol_with_grad(a, b, images, dim, &mut grad[..half]) {
        finite(&[loss]);
        finite(&grad[..half]);
    }
    let options = VicRegOptions::default();
    assert!(vicreg_workspace_len(rows, dim) <= work.len());
    if let Ok(got) = vicreg_with_grad(z, rows, dim, &options, &mut grad, &mut work) {
        finite(&[got.loss, got.invariance, got.variance, got.covariance]);
        finite(&grad);
    }
    let options = BarlowTwinsOptions {
        epsilon,
        ..BarlowTwinsOptions::default()
    };
    assert!(barlow_twins_workspace_len(rows, dim) <= work.len());
    if let Ok(got) = barlow_twins_with_grad(z, rows, dim, &options, &mut grad, &mut work) {
        finite(&[got.loss, got.invariance, got.redundancy]);
        finite(&grad);
    }
    if let Ok(value) = alignment(a, b, images, dim, T::of(2.0)) {
        finite(&[value]);
    }
    if let Ok(value) = uniformity(z, rows, dim, T::of(2.0), &mut work) {
        finite(&[value]);
        assert!(value <= T::zero() || value < T::of(1e-5));
    }
    for spectrum in [Spectrum::CovarianceEigenvalues, Spectrum::SingularValues] {
        if let Ok(value) = effective_rank(z, rows, dim, spectrum, &mut work) {
            finite(&[value]);
            let most = T::count(rows.min(dim)) * T::of(1.0 + 1e-5);
            assert!(value >= T::zero() && value <= most, "{value}");
        }
    }
    if softmax(z, &mut grad).is_ok() {
        finite(&grad);
    }
    if log_softmax(z, &mut grad).is_ok() {
        finite(&grad);
    }
}

/// Any bit pattern, ordinary numbers, and the ends of the range.
fn entry() -> impl Strategy<Value = f32> {
    let ends = [
        0.0,
        1.0,
        f32::MAX,
        f32::MIN,
        1e-45,
        1e-38,
        f32::NAN,
        f32::INFINITY,
    ];
    prop_oneof![
        3 => any::<u32>().prop_map(f32::from_bits),
        3 => -2.0_f32..2.0,
        1 => proptest::sample::select(ends.to_vec()),
    ]
}

fn batch() -> impl Strategy<Value = (usize, usize, Vec<f32>)> {
    (1_usize..5, 1_usize..6).prop_flat_map(|(images, dim)| {
        let scale = (-140_i32..128).prop_map(|exponent| 2.0_f64.powi(exponent) as f32);
        let ordinary = (vec(-2.0_f32..2.0, 2 * images * dim), scale)
            .prop_map(|(z, scale)| z.iter().map(|z| z * scale).collect());
        let any = vec(entry(), 2 * images * dim);
        (Just(images), Just(dim), prop_oneof![ordinary, any])
    })
}

proptest! {
    #[test]
    fn never_an_ok_that_is_not_finite((images, dim, z) in batch(), epsilon in entry()) {
        everything(&z, images, dim, 0.0);
        everything(&z, images, dim, 1e-5);
        everything(&z, images, dim, epsilon);
        everything(&wide(&z), images, dim, 0.0);
    }
}

/// With ε = 0 the loss does not see the scale, over nearly all of the range of f32.
#[test]
fn barlow_twins_at_every_scale() {
    let z = narrow(&numbers(10 * 3, 1));
    let options = BarlowTwinsOptions {
        epsilon: 0.0,
        ..BarlowTwinsOptions::default()
    };
    let at = |exponent: i32| {
        let z: Vec<f32> = z.iter().map(|z| z * 2.0_f32.powi(exponent)).collect();
        crate::barlow_twins::run(&z, 10, 3, &options)
    };
    let (loss, grad) = at(0);
    for exponent in [-100, -60, 60, 120] {
        let (other, other_grad) = at(exponent);
        assert_close((other.loss / loss.loss).into(), 1.0, 1e-6);
        let back = 2.0_f64.powi(exponent);
        let rescaled: Vec<f64> = other_grad.iter().map(|&g| f64::from(g) * back).collect();
        if exponent < 100 {
            assert_all_close(&rescaled, &wide(&grad), 1e-5);
        }
    }
}

/// VICReg has squares and fourth powers: beyond them there is an error, below them zero.
#[test]
fn vicreg_at_both_ends() {
    let options = VicRegOptions::default();
    for (images, dim) in [(5, 3), (3, 5)] {
        let rows = 2 * images;
        let z = narrow(&numbers(rows * dim, 1));
        let mut work = vec![0.0; vicreg_workspace_len(rows, dim)];
        let mut grad = vec![0.0; z.len()];
        for scale in [1e11, 1e20, 1e30] {
            let large: Vec<f32> = z.iter().map(|z| z * scale).collect();
            let refused = vicreg_with_grad(&large, rows, dim, &options, &mut grad, &mut work);
            assert!(matches!(refused, Err(Error::Overflow { .. })), "{scale}");
        }
        for scale in [1e-20, 1e-37] {
            let small: Vec<f32> = z.iter().map(|z| z * scale).collect();
            let (got, _) = crate::vicreg::run(&small, rows, dim, &options);
            // S = √ε.
            assert_close(got.loss.into(), 25.0 * 0.99, 1e-5);
        }
    }
}
