//! SwAV.

use crate::common::*;
use kernels_core::swav::{Swav, SwavOptions, swav_with_grad, swav_workspace_len};
use kernels_core::{Error, Real};

fn run<T: Real>(
    a: &[T],
    b: &[T],
    rows: usize,
    prototypes: usize,
    options: &SwavOptions<T>,
) -> Result<(Swav<T>, [Vec<T>; 2]), Error> {
    let mut grads = [vec![T::nan(); a.len()], vec![T::nan(); b.len()]];
    let mut work = vec![T::nan(); swav_workspace_len(rows, prototypes)];
    let [grad_a, grad_b] = &mut grads;
    let swav = swav_with_grad(a, b, rows, prototypes, options, grad_a, grad_b, &mut work)?;
    Ok((swav, grads))
}

/// The official algorithm, written out: exponentials, then prototypes and samples are
/// normalised in turn; rows of the result sum to one.
fn assignments(scores: &[f64], prototypes: usize, epsilon: f64, iterations: usize) -> Vec<f64> {
    let rows = scores.len() / prototypes;
    let mut q: Vec<f64> = scores.iter().map(|s| (s / epsilon).exp()).collect();
    for _ in 0..iterations {
        for k in 0..prototypes {
            let total: f64 = q.iter().skip(k).step_by(prototypes).sum();
            let share = q.iter_mut().skip(k).step_by(prototypes);
            share.for_each(|q| *q /= total * prototypes as f64);
        }
        for sample in q.chunks_mut(prototypes) {
            let total: f64 = sample.iter().sum();
            sample.iter_mut().for_each(|q| *q /= total * rows as f64);
        }
    }
    q.iter().map(|q| q * rows as f64).collect()
}

fn softmax(scores: &[f64], tau: f64) -> Vec<f64> {
    let total: f64 = scores.iter().map(|s| (s / tau).exp()).sum();
    scores.iter().map(|s| (s / tau).exp() / total).collect()
}

/// Half the loss: `q` against what `scores` predict.
fn cross_entropy(q: &[f64], scores: &[f64], prototypes: usize, tau: f64) -> f64 {
    let samples = q.chunks(prototypes).zip(scores.chunks(prototypes));
    let total: f64 = samples
        .map(|(q, scores)| {
            let p = softmax(scores, tau);
            -q.iter().zip(p).map(|(q, p)| q * p.ln()).sum::<f64>()
        })
        .sum();
    total / (2 * (q.len() / prototypes)) as f64
}

fn entropy(rows: &[&[f64]], prototypes: usize) -> f64 {
    let mut mean = vec![0.0; prototypes];
    let count: usize = rows.iter().map(|rows| rows.len() / prototypes).sum();
    for row in rows.iter().flat_map(|rows| rows.chunks(prototypes)) {
        for (mean, q) in mean.iter_mut().zip(row) {
            *mean += q / count as f64;
        }
    }
    -mean.iter().map(|m| m * m.ln()).sum::<f64>()
}

/// Against the official algorithm and central differences, assignments being constants.
#[test]
fn equals_the_definition_with_its_gradients() {
    for rows in SIZES {
        for prototypes in SIZES {
            for iterations in [1, 3] {
                compare(rows, prototypes, iterations);
            }
        }
    }
}

fn compare(rows: usize, prototypes: usize, iterations: usize) {
    let options = SwavOptions {
        max_iterations: iterations,
        ..SwavOptions::default()
    };
    let (tau, epsilon) = (options.temperature, options.epsilon);
    let len = rows * prototypes;
    let (a, b) = (numbers(len, 1), numbers(len, 2));
    let (swav, [grad_a, grad_b]) = run(&a, &b, rows, prototypes, &options).expect("legal");
    let of = |scores| assignments(scores, prototypes, epsilon, iterations);
    let (q_a, q_b) = (of(&a), of(&b));
    let loss = |q: &[f64], scores: &[f64]| cross_entropy(q, scores, prototypes, tau);
    let expected = loss(&q_a, &b) + loss(&q_b, &a);
    // Terms of at most 2/τ + log K, weighted by q, whose exponents are up to 2/ε.
    assert_close(swav.loss, expected, 1e-12);
    // Slopes of at most 1/τ; third derivatives grow like τ⁻³/N.
    check_gradient(&a, &grad_a, 1e-6, |a| loss(&q_b, a));
    check_gradient(&b, &grad_b, 1e-6, |b| loss(&q_a, b));
    assert_close(
        swav.assignment_entropy,
        entropy(&[&q_a, &q_b], prototypes),
        1e-12,
    );
    let of = |scores: &[f64]| -> Vec<f64> {
        scores
            .chunks(prototypes)
            .flat_map(|s| softmax(s, tau))
            .collect()
    };
    let predicted = entropy(&[&of(&a), &of(&b)], prototypes);
    assert_close(swav.prediction_entropy, predicted, 1e-12);
    let error = |q: &[f64]| -> f64 {
        let share = |k| q.iter().skip(k).step_by(prototypes).sum::<f64>() / rows as f64;
        (0..prototypes)
            .map(|k| (share(k) - 1.0 / prototypes as f64).abs())
            .sum()
    };
    assert_close(swav.marginal_error, error(&q_a).max(error(&q_b)), 1e-12);

    let narrow_options = SwavOptions {
        max_iterations: iterations,
        ..SwavOptions::default()
    };
    let narrow_run = run(&narrow(&a), &narrow(&b), rows, prototypes, &narrow_options);
    let (narrow_swav, [narrow_a, narrow_b]) = narrow_run.expect("legal");
    // q has exponents of up to 2/ε = 40, and so about 50 roundings of 6e-8.
    assert_close(
        narrow_swav.loss.into(),
        swav.loss,
        3e-5 * swav.loss.max(1.0),
    );
    for (narrow, grad) in [(narrow_a, grad_a), (narrow_b, grad_b)] {
        for (&narrow, grad) in narrow.iter().zip(grad) {
            // Entries are q − p in units of 1/2Nτ.
            let tolerance = 1e-5 / (2.0 * rows as f64 * tau);
            assert_close(narrow.into(), grad, tolerance);
        }
    }
}

#[test]
fn scores_that_say_nothing() {
    for (rows, prototypes) in [(1, 1), (5, 1), (1, 7), (6, 4)] {
        let scores = vec![0.3; rows * prototypes];
        let options = SwavOptions::default();
        let (swav, grads) = run(&scores, &scores, rows, prototypes, &options).expect("legal");
        let log_k = (prototypes as f64).ln();
        for value in [swav.loss, swav.assignment_entropy, swav.prediction_entropy] {
            assert_close(value, log_k, 1e-14);
        }
        assert_close(swav.marginal_error, 0.0, 1e-15);
        for grad in grads.concat() {
            assert_close(grad, 0.0, 1e-14);
        }
    }
}

/// With one prototype there is nothing to predict, whatever the scores.
#[test]
fn one_prototype() {
    let (a, b) = (numbers(9, 1), numbers(9, 2));
    let (swav, grads) = run(&a, &b, 9, 1, &SwavOptions::default()).expect("legal");
    assert_close(swav.loss, 0.0, 1e-15);
    assert_eq!(swav.assignment_entropy.max(swav.prediction_entropy), 0.0);
    for grad in grads.concat() {
        assert_close(grad, 0.0, 1e-14);
    }
}

#[test]
fn views_may_be_swapped_and_prototypes_named_anew() {
    let (rows, prototypes) = (12, 5);
    let (a, b) = (numbers(60, 1), numbers(60, 2));
    let options = SwavOptions::default();
    let (one, [grad_a, grad_b]) = run(&a, &b, rows, prototypes, &options).expect("legal");
    let (other, swapped) = run(&b, &a, rows, prototypes, &options).expect("legal");
    assert_close(one.loss, other.loss, 1e-14);
    assert_eq!(swapped, [grad_b, grad_a.clone()]);
    let turned = |x: &[f64]| -> Vec<f64> {
        x.chunks(prototypes)
            .flat_map(|row| row.iter().rev().copied())
            .collect()
    };
    let (third, [grad, _]) =
        run(&turned(&a), &turned(&b), rows, prototypes, &options).expect("legal");
    assert_close(one.loss, third.loss, 1e-13);
    assert_all_close(&turned(&grad), &grad_a, 1e-12);
}

/// All samples predict one prototype: the mean prediction shows it, the mean assignment is
/// spread out all the same.
#[test]
fn a_collapse_shows() {
    let (rows, prototypes) = (20, 4);
    let scores: Vec<f64> = (0..rows)
        .flat_map(|i| [1.0, 1e-3 * i as f64, 0.0, -0.1])
        .collect();
    let options = SwavOptions {
        max_iterations: 1000,
        threshold: 1e-9,
        ..SwavOptions::default()
    };
    let (swav, _) = run(&scores, &scores, rows, prototypes, &options).expect("legal");
    assert!(swav.marginal_error <= 1e-9, "{swav:?}");
    assert_close(swav.assignment_entropy, 4_f64.ln(), 1e-9);
    assert!(swav.prediction_entropy < 0.01, "{swav:?}");
    assert!(swav.loss > 4_f64.ln(), "{swav:?}");
}

/// Finite, or an error, at both ends of the range.
#[test]
fn extreme_scores_and_parameters() {
    let ends = [
        0.0,
        1.0,
        -1.0,
        f32::MIN_POSITIVE,
        1e-45,
        1e30,
        -1e30,
        f32::MAX,
        f32::MIN,
    ];
    for x in ends {
        for y in ends {
            for (temperature, epsilon) in [(0.1, 0.05), (1e-37, 1e-37), (1e38, 1e38)] {
                let options = SwavOptions {
                    temperature,
                    epsilon,
                    ..SwavOptions::default()
                };
                let (a, b) = ([x, y, 0.5, 0.0, y, x], [y, x, x, -0.5, 0.0, 1.0]);
                if let Ok((swav, grads)) = run(&a, &b, 2, 3, &options) {
                    let numbers = [swav.loss, swav.marginal_error, swav.assignment_entropy];
                    assert!(numbers.iter().all(|x| x.is_finite()), "{swav:?}");
                    assert!(swav.loss >= 0.0 && swav.prediction_entropy.is_finite());
                    assert!(grads.concat().iter().all(|x| x.is_finite()), "{grads:?}");
                }
            }
        }
    }
    // Cosines at an ε for which the kernel exp(s/ε) underflows altogether.
    let options = SwavOptions {
        epsilon: 1e-4_f32,
        ..SwavOptions::default()
    };
    let scores = [1.0, -1.0, -1.0, 1.0];
    let (swav, _) = run(&scores, &scores, 2, 2, &options).expect("legal");
    assert!(swav.loss < 1e-6, "{swav:?}");
}

#[test]
fn refusals() {
    let good = SwavOptions::<f64>::default();
    let call = |rows, prototypes, options: &SwavOptions<f64>, lens: [usize; 5]| {
        let [a, b, grad_a, grad_b, work] = lens.map(|len| vec![0.1; len]);
        let (mut grad_a, mut grad_b, mut work) = (grad_a, grad_b, work);
        let grads = (&mut grad_a, &mut grad_b);
        swav_with_grad(
            &a, &b, rows, prototypes, options, grads.0, grads.1, &mut work,
        )
    };
    let len = swav_workspace_len(2, 3);
    let lens = [6, 6, 6, 6, len];
    assert!(call(2, 3, &good, lens).is_ok());
    for k in 0..5 {
        let mut lens = lens;
        lens[k] -= 1;
        let error = call(2, 3, &good, lens).expect_err("too short");
        assert!(error.to_string().starts_with("swav_with_grad"), "{error}");
    }
    assert!(call(0, 3, &good, lens).is_err());
    assert!(call(2, 0, &good, lens).is_err());
    assert!(call(usize::MAX, 3, &good, lens).is_err());
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let (temperature, epsilon) = (bad, bad);
        assert!(
            call(
                2,
                3,
                &SwavOptions {
                    temperature,
                    ..good
                },
                lens
            )
            .is_err()
        );
        assert!(call(2, 3, &SwavOptions { epsilon, ..good }, lens).is_err());
    }
    let threshold = -1.0;
    assert!(call(2, 3, &SwavOptions { threshold, ..good }, lens).is_err());
    let max_iterations = 0;
    assert!(
        call(
            2,
            3,
            &SwavOptions {
                max_iterations,
                ..good
            },
            lens
        )
        .is_err()
    );
    for bad in [f64::NAN, f64::INFINITY] {
        assert!(run(&[0.0, bad], &[0.0, 0.0], 1, 2, &good).is_err());
        assert!(run(&[0.0, 0.0], &[bad, 0.0], 1, 2, &good).is_err());
    }
    assert_eq!(swav_workspace_len(usize::MAX, 2), usize::MAX);
}
