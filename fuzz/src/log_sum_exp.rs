//! Any numbers, split anywhere: the drivers agree, bounds hold, NaN is never lost.

use arbitrary::Arbitrary;
use kernels_core::log_sum_exp::{LogSumExp, log_sum_exp};
use kernels_core::pieces::{Fused, Level, Plain, ScaledSum};

use crate::number::{Number, Scalar};

/// The numbers, and where they are split.
#[derive(Arbitrary, Debug)]
pub struct Input {
    double: bool,
    at: u16,
    xs: Vec<Number>,
}

/// See the module.
pub fn check(input: &Input) {
    if input.double {
        check_in::<f64>(input)
    } else {
        check_in::<f32>(input)
    }
}

fn check_in<T: Scalar>(input: &Input) {
    let xs: Vec<T> = input.xs.iter().map(|x| x.of()).collect();
    let push = |part: &[T]| {
        part.iter()
            .fold(LogSumExp::identity(), |sum, &x| sum.push(x))
    };
    let (left, right) = xs.split_at(usize::from(input.at) % (xs.len() + 1));
    let drivers = [
        log_sum_exp(&xs),
        scaled::<Plain, T>(left, right),
        scaled::<Fused, T>(right, left),
        push(&xs).finish(),
        push(left).merge(push(right)).finish(),
        LogSumExp::of(right).merge(LogSumExp::of(left)).finish(),
    ];

    let peak = xs.iter().copied().fold(T::neg_infinity(), T::max);
    for result in drivers {
        if xs.iter().any(|x| x.is_nan()) {
            assert!(result.is_nan());
        } else if !peak.is_finite() {
            assert_eq!(result, peak);
        } else {
            // max ≤ log Σ ≤ max + log n, with a few ulp for the roundings of n terms.
            let size = T::one() + peak.abs() + T::count(xs.len());
            // A scaled sum keeps nothing of what it rounds off: u for each term.
            let slack = T::of(6.0) * T::epsilon() * size;
            assert!(result >= peak - slack, "{result} {peak}");
            let bound = peak + T::count(xs.len()).ln() + slack;
            assert!(
                result <= bound || result == T::infinity(),
                "{result} {peak}"
            );
        }
    }
}

/// The lean sums that loops elsewhere are made of, four terms at a time.
fn scaled<L: Level, T: Scalar>(left: &[T], right: &[T]) -> T {
    let rate = T::of(std::f64::consts::LOG2_E);
    let part = |xs: &[T]| {
        let (fours, rest) = xs.as_chunks::<4>();
        let sum = fours
            .iter()
            .fold(ScaledSum::identity(), |sum, &ys| sum.push::<L, 4>(ys, rate));
        rest.iter().fold(sum, |sum, &y| sum.push::<L, 1>([y], rate))
    };
    part(left).merge::<L>(part(right), rate).log::<L>(T::one())
}
