//! Any numbers, split anywhere: the drivers agree, bounds hold, NaN is never lost.
#![no_main]

use kernels_core::log_sum_exp::{LogSumExp, log_sum_exp};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<f32>, usize)| {
    let (xs, at) = input;
    let push = |part: &[f32]| part.iter().fold(LogSumExp::identity(), |sum, &x| sum.push(x));
    let (left, right) = xs.split_at(at % (xs.len() + 1));
    let drivers =
        [log_sum_exp(&xs), push(&xs).finish(), push(left).merge(push(right)).finish()];

    let peak = xs.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    for result in drivers {
        if xs.iter().any(|x| x.is_nan()) {
            assert!(result.is_nan());
        } else if !peak.is_finite() {
            assert_eq!(result, peak);
        } else {
            // max ≤ log Σ ≤ max + log n, with a few ulp for the roundings of n terms.
            let slack = 4.0 * f32::EPSILON * (1.0 + peak.abs() + xs.len() as f32);
            assert!(result >= peak - slack);
            assert!(result <= peak + (xs.len() as f32).ln() + slack || result == f32::INFINITY);
        }
    }
});
