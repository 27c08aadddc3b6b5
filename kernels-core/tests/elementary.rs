//! `exp`, `ln`, `2^x` and `2^x − 1` of the vector path against the platform's f64 functions.
//!
//! By default every 251st f32 is tried; `SINSIM_STRIDE=1` (`just elementary`) tries all.

use kernels_core::elementary::{Elementary, exp_in_place, ln_in_place};
use kernels_core::pieces::{Fused, Level, Plain};

/// Largest error in units of the last place of the exact result.
const TOLERANCE: f64 = 1.5;
/// The same for `2^x − 1`, which adds two rounded parts.
const OF_DIFFERENCE: f64 = 3.0;

fn stride() -> usize {
    let asked = std::env::var("SINSIM_STRIDE").ok();
    asked.and_then(|s| s.parse().ok()).unwrap_or(251)
}

/// Distance in units of the last place of f32 at `exact`.
fn ulps(got: f32, exact: f64) -> f64 {
    let magnitude = (exact.abs() as f32).max(f32::MIN_POSITIVE);
    let ulp = f64::from(f32::from_bits(magnitude.to_bits() + 1)) - f64::from(magnitude);
    (f64::from(got) - exact).abs() / ulp
}

/// Runs `function` over f32 by bit pattern and returns the worst error in ulp.
fn sweep(
    tolerance: f64,
    function: impl Fn(&mut [f32]),
    exact: impl Fn(f64) -> f64,
    special: impl Fn(f32) -> Option<f32>,
) -> (f64, f32) {
    let mut worst = (0.0, 0.0);
    let block = 1 << 16;
    let patterns: Vec<u32> = (0..=u32::MAX).step_by(stride()).take(block).collect();
    let step = (patterns.len() * stride()) as u64;
    let mut first = 0_u64;
    while first <= u64::from(u32::MAX) {
        let last = u64::from(u32::MAX);
        let inputs: Vec<f32> = patterns
            .iter()
            .map(|&p| first + u64::from(p))
            .filter(|&p| p <= last)
            .map(|p| f32::from_bits(p as u32))
            .collect();
        let mut outputs = inputs.clone();
        function(&mut outputs);
        for (&x, &y) in inputs.iter().zip(&outputs) {
            if let Some(expected) = special(x) {
                let same = y == expected || (y.is_nan() && expected.is_nan());
                assert!(same, "{x:e}: {y:e} for {expected:e}");
                continue;
            }
            let error = ulps(y, exact(f64::from(x)));
            assert!(
                error <= tolerance,
                "{x:e} ({:#x}): {error} ulp",
                x.to_bits()
            );
            if error > worst.0 {
                worst = (error, x);
            }
        }
        first += step;
    }
    worst
}

#[test]
fn exp_of_f32() {
    // The bounds of the range of normal results, in f64: there are numbers of f32 between
    // them and their nearest ones.
    let low = f64::from(f32::MIN_POSITIVE).ln();
    let high = f64::from(f32::MAX).ln();
    let special = |x: f32| {
        if x.is_nan() {
            Some(f32::NAN)
        } else if f64::from(x) < low {
            Some(0.0)
        } else if f64::from(x) > high {
            Some(f32::INFINITY)
        } else {
            None
        }
    };
    let worst = sweep(TOLERANCE, exp_in_place, f64::exp, special);
    eprintln!("exp: worst {:.3} ulp at {:e}", worst.0, worst.1);
}

#[test]
fn ln_of_f32() {
    let special = |x: f32| {
        if x.is_nan() || x < 0.0 {
            Some(f32::NAN)
        } else if x == 0.0 {
            Some(f32::NEG_INFINITY)
        } else if x == f32::INFINITY {
            Some(x)
        } else {
            None
        }
    };
    let worst = sweep(TOLERANCE, ln_in_place, f64::ln, special);
    eprintln!("ln: worst {:.3} ulp at {:e}", worst.0, worst.1);
}

/// With and without a fused multiply-add: other roundings.
#[test]
fn powers_of_two_in_f32() {
    fn at<L: Level>(level: &str) {
        let special = |x: f32| match x {
            _ if x.is_nan() => Some(f32::NAN),
            _ if x < -126.0 => Some(0.0),
            _ if x >= 128.0 => Some(f32::INFINITY),
            _ => None,
        };
        let function = |xs: &mut [f32]| xs.iter_mut().for_each(|x| *x = x.exp2_at::<L>());
        let worst = sweep(TOLERANCE, function, f64::exp2, special);
        eprintln!("2^x, {level}: worst {:.3} ulp at {:e}", worst.0, worst.1);

        // Its domain.
        let inside = |x: f32| x.abs() < 120.0;
        let function = |xs: &mut [f32]| {
            for x in xs {
                *x = if inside(*x) { x.exp2_m1_at::<L>() } else { 0.0 };
            }
        };
        let exact = |x: f64| (x * std::f64::consts::LN_2).exp_m1();
        let special = |x| if inside(x) { None } else { Some(0.0) };
        let worst = sweep(OF_DIFFERENCE, function, exact, special);
        eprintln!(
            "2^x - 1, {level}: worst {:.3} ulp at {:e}",
            worst.0, worst.1
        );
    }
    at::<Plain>("rounded twice");
    at::<Fused>("fused");
}

/// f64 has too many numbers to try; the platform's functions are good to an ulp or so,
/// which is the second unit allowed here.
#[test]
fn both_of_f64() {
    let ulp = |x: f64| f64::from_bits(x.abs().to_bits() + 1) - x.abs();
    let mut worst = [0.0_f64; 2];
    for k in 0..2_000_000 {
        let x = -708.0 + 1417.0 * (f64::from(k) * 0.618_033_988_749_895).fract();
        let mut y = [x];
        exp_in_place(&mut y);
        worst[0] = worst[0].max((y[0] - x.exp()).abs() / ulp(x.exp()));
        let x = if k % 2 == 0 {
            x.exp()
        } else {
            1.0 + x / 2000.0
        };
        let mut y = [x];
        ln_in_place(&mut y);
        worst[1] = worst[1].max((y[0] - x.ln()).abs() / ulp(x.ln()));
    }
    eprintln!("f64: exp {:.3} ulp, ln {:.3} ulp", worst[0], worst[1]);
    assert!(worst.iter().all(|w| *w <= TOLERANCE + 1.0), "{worst:?}");
    let mut special = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -800.0];
    exp_in_place(&mut special);
    assert!(special[0].is_nan());
    assert_eq!(special[1..], [f64::INFINITY, 0.0, 0.0]);
}
