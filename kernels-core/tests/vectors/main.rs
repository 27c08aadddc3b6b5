//! The kernels against reference problems that were solved with 60 digits by a program
//! that shares nothing with them, in `f64` and in `f32`.

// A helper's failed expectation is a failed test; `!(x <= tolerance)` lets NaN fail.
#![allow(clippy::expect_used, clippy::panic, clippy::neg_cmp_op_on_partial_ord)]

mod contrast;
mod load;
mod tolerance;
mod transport;

use kernels_core::Real;
use tolerance::Ledger;

/// Kinds for which there is no kernel yet, and how many problems of each the file has.
const NOT_COVERED: [(&str, usize); 2] = [("unbalanced", 24), ("divergence", 15)];

fn check<T: Real>(scalar: &str) {
    let Some(vectors) = load::load("the conformance vectors") else {
        return;
    };
    let mut ledger = Ledger::new::<T>();
    for vector in &vectors {
        match vector.kind.as_str() {
            "balanced" | "balanced_cost" => transport::balanced::<T>(vector, &mut ledger),
            "gauss1d_closed_form" => transport::gauss::<T>(vector, &mut ledger),
            "ntxent" => contrast::ntxent::<T>(vector, &mut ledger),
            "lse" => contrast::lse::<T>(vector, &mut ledger),
            other => assert!(
                NOT_COVERED.iter().any(|(kind, _)| *kind == other),
                "kind {other}"
            ),
        }
    }
    for (kind, count) in NOT_COVERED {
        let found = vectors.iter().filter(|vector| vector.kind == kind).count();
        assert_eq!(found, count, "{kind}");
        eprintln!("{scalar}: {count} problems of kind {kind} are not covered: no such kernel yet");
    }
    ledger.close();
}

#[test]
fn vectors_in_f64() {
    check::<f64>("f64");
}

#[test]
fn vectors_in_f32() {
    check::<f32>("f32");
}
