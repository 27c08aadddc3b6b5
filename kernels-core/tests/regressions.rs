//! What fuzzing and mutation found, each with the smallest input that shows it.

use kernels_core::normalize::normalize_rows_backward;
use kernels_core::nt_xent::{nt_xent, nt_xent_workspace_len};
use kernels_core::sinkhorn::{
    CostSource, Cotangents, Gradients, Problem, SinkhornOptions, State, gap_workspace_len,
    unrolled_workspace_len,
};
use kernels_core::{Error, Real};

/// A norm of zero made NaN of a gradient, with an `Ok`.
#[test]
fn a_gradient_through_a_zero_norm_is_refused() {
    for norm in [0.0, -1.0, 1e-320, f64::NAN, f64::INFINITY] {
        let wrong = normalize_rows_backward(&[0.6, 0.8], &[norm], 2, &mut [1.0, 2.0]);
        assert!(
            matches!(wrong, Err(Error::Element { index: 0, .. })),
            "{norm}: {wrong:?}"
        );
    }
    for entry in [f64::NAN, f64::INFINITY] {
        for (unit, mut grad) in [([entry, 0.8], [1.0, 2.0]), ([0.6, 0.8], [entry, 2.0])] {
            let wrong = normalize_rows_backward(&unit, &[1.0], 2, &mut grad);
            assert!(
                matches!(wrong, Err(Error::Overflow { .. })),
                "{entry}: {wrong:?}"
            );
        }
    }
    let mut grad = [1.0, 2.0];
    assert!(normalize_rows_backward(&[0.6, 0.8], &[2.0], 2, &mut grad).is_ok());
}

/// Where ε is far below the rounding of the potentials, an entry of the plan may overflow:
/// its exponent is the rounding of f + g − C over ε.
#[test]
fn a_plan_that_overflows_is_refused() {
    let cost = [0.1_f32, 0.2, 0.3, 1e7];
    let problem = Problem::new(CostSource::Matrix(&cost), 2, 2);
    let mut workspace = vec![0.0; problem.workspace_len()];
    let state = State::new(&problem, 0.01, &mut workspace).expect("a legal problem");
    // Before the first step f and g are zero, and no plan.
    let mut row = [f32::NAN; 2];
    assert!(state.plan_row(0, &mut row).is_ok());
    let cost = [-1.0_f32, -2.0, -3.0, 0.0];
    let problem = Problem::new(CostSource::Matrix(&cost), 2, 2);
    let state = State::new(&problem, 0.01, &mut workspace).expect("a legal problem");
    let refused = state.plan_row(0, &mut row);
    assert!(
        matches!(refused, Err(Error::Overflow { .. })),
        "{refused:?}"
    );
}

/// A warm start may hold any g, also one that spreads over far more than ε above the width
/// of the cost, where exponents are otherwise small: it was refused as an overflow when the
/// column that dominates has next to no weight.
#[test]
fn a_far_warm_start_is_followed() {
    let cost = [0.1_f64, 0.3, 0.2, 0.0];
    let (a, b) = ([0.5, 0.5], [1.0, 1e-30]);
    let problem = Problem::new(CostSource::Matrix(&cost), 2, 2).with_weights(&a, &b);
    let mut workspace = vec![0.0; problem.workspace_len()];
    let mut state = State::new(&problem, 1.0, &mut workspace).expect("a legal problem");
    let g = [0.0, 200.0 * std::f64::consts::LN_2];
    state.warm_start(&g).expect("finite");
    state.step().expect("finite");
    for (row, &f) in cost.chunks(2).zip(state.potentials().0) {
        let terms = row
            .iter()
            .zip(b.iter().zip(g))
            .map(|(c, (b, g))| b * (g - c).exp());
        let expected = -terms.sum::<f64>().ln();
        assert!(
            (f - expected).abs() <= 1e-13 * expected.abs(),
            "{f} for {expected}"
        );
    }
}

/// With masses far apart, row sums and what they should be are both tiny beside the
/// weights. Their difference was rounded to zero there, and the problem called converged.
#[test]
fn the_marginal_error_of_masses_far_apart() {
    let (a, b) = ([1e27_f32], [1.0]);
    let problem = Problem::new(CostSource::Matrix(&[0.5]), 1, 1).with_weights(&a, &b);
    let problem = problem.unbalanced(1.0, 1.2);
    for max_iterations in 1..8 {
        let mut workspace = vec![0.0; problem.workspace_len()];
        let mut state = State::new(&problem, 1.0, &mut workspace).expect("a legal problem");
        let options = SinkhornOptions {
            epsilon: 1.0,
            threshold: 0.0,
            max_iterations,
        };
        let outcome = state.run(&options).expect("finite");
        let sum = f64::from(state.plan(0, 0).expect("inside"));
        let wanted = 1e27 * (-f64::from(state.potentials().0[0])).exp();
        let (error, mass) = (f64::from(outcome.marginal_error), f64::from(outcome.mass));
        // Exponents up to 62 + 28 in f32: 90 · 6e-8 each, four of them.
        let tolerance = 3e-5 * (sum + wanted);
        assert!(
            ((sum - wanted).abs() - error).abs() <= tolerance,
            "{sum} {wanted} {error}"
        );
        assert!((sum - mass).abs() <= tolerance, "{sum} {mass}");
    }
}

/// Rows that are all at obtuse angles: their largest similarity is negative, and every
/// exponential relative to zero vanishes where τ is small.
#[test]
fn contrast_without_a_positive_similarity() {
    // The corners of a tetrahedron: every cosine is −1/3, so every row's loss is log 3.
    let z = [
        1.0, 1.0, 1.0, 1.0, -1.0, -1.0, -1.0, 1.0, -1.0, -1.0, -1.0, 1.0,
    ];
    for tau in [1.0_f64, 1e-2, 1e-4] {
        let mut workspace = vec![0.0; nt_xent_workspace_len(4, 3)];
        let loss = nt_xent(&z, 4, 3, tau, &mut workspace).expect("finite");
        // Cosines are off by some u, which 1/τ magnifies.
        let tolerance = 16.0 * f64::EPSILON / tau;
        assert!((loss - 3_f64.ln()).abs() <= tolerance, "{tau}: {loss}");
    }
}

/// A row whose only near column has next to no weight: its sum is that weight, which the
/// series around one would take from one, digit by digit. That series is for costs that
/// are narrow and for rows that are complete.
#[test]
fn a_light_column_that_is_all_there_is() {
    let light = 1e-14_f64;
    let (a, b) = ([0.5, 0.5], [1.0, light]);
    let wide = ([10.0, 0.0, 0.0, 10.0], 0.01);
    let masked = ([f64::INFINITY, 0.0, 0.0, 0.0], 1.0);
    for (cost, epsilon) in [wide, masked] {
        let problem = Problem::new(CostSource::Matrix(&cost), 2, 2).with_weights(&a, &b);
        let mut workspace = vec![0.0; problem.workspace_len()];
        let mut state = State::new(&problem, epsilon, &mut workspace).expect("a legal problem");
        state.step().expect("finite");
        let (f, expected) = (state.potentials().0[0], -epsilon * light.ln());
        // The weight is divided by the sum of both: 1e-14 of it, over a logarithm of 32.
        let difference = (f - expected).abs();
        assert!(difference <= 1e-14 * expected, "{f} for {expected}");
    }
}

/// Found by fuzzing: a relaxed run that ended at its limit kept the columns of a long step.
#[test]
fn columns_are_exact_after_a_relaxed_run_at_any_limit() {
    let n = 12;
    // Close to one-to-one: slow enough for long steps.
    let cost: Vec<f64> = (0..n * n)
        .map(|k| {
            let (i, j) = ((k / n) as f64, (k % n) as f64);
            (i - 1.02 * j - 0.3).powi(2) + 0.1 * (i * j).sin()
        })
        .collect();
    let problem = Problem::new(CostSource::Matrix(&cost), n, n);
    let mut relaxed = 0;
    for max_iterations in 1..60 {
        let options = SinkhornOptions {
            epsilon: 0.15,
            threshold: 0.0,
            max_iterations,
        };
        let mut workspace = vec![0.0; problem.workspace_len()];
        let mut state = State::new(&problem, 0.15, &mut workspace).unwrap();
        state.run_relaxed(&options).unwrap();
        let (mut columns, mut row) = (vec![0.0; n], vec![0.0; n]);
        for i in 0..n {
            state.plan_row(i, &mut row).unwrap();
            columns.iter_mut().zip(&row).for_each(|(sum, p)| *sum += p);
        }
        let off: f64 = columns.iter().map(|sum| (sum - 1.0 / n as f64).abs()).sum();
        // Exponents of about a thousand are rounded.
        assert!(off <= 1e-11, "{max_iterations}: off by {off}");
        let mut workspace = vec![0.0; problem.workspace_len()];
        let plain = State::new(&problem, 0.15, &mut workspace)
            .unwrap()
            .run(&options)
            .unwrap();
        relaxed += usize::from(plain.marginal_error != state.marginal_error());
    }
    // Otherwise nothing was tested.
    assert!(relaxed > 20, "{relaxed}");
}

/// Found by fuzzing: where the product of both masses underflows, the plan was zero although
/// potentials made up for it, and with it the transport cost and every gradient. (Where the
/// product overflows, so does the value, and the problem is refused.)
#[test]
fn masses_far_from_one_scale_the_plan() {
    // With the rows imposed, masses times s are potentials f less ε log s, and a plan times s.
    let near = scaled_by(1.0_f64).unwrap();
    for scale in [1e-200, 1e-160, 1e-70, 1e70, 1e140] {
        assert_alike(&near, &scaled_by(scale).unwrap(), scale);
    }
    let near = scaled_by(1.0_f32).unwrap();
    for scale in [1e-30, 1e-20, 1e-8, 1e8, 1e18] {
        assert_alike(&near, &scaled_by(scale).unwrap(), scale);
    }
}

fn assert_alike<T: Real>(near: &[T], far: &[T], scale: T) {
    // Exponents, and logarithms of both masses, are rounded a few times each; gradients by
    // weights have sums that cancel by a factor of ten.
    let tolerance = T::of(32.0) * T::epsilon() * (T::one() + T::of(2.0) * scale.log2().abs());
    for (k, (&near, &far)) in near.iter().zip(far).enumerate() {
        let off = (near - far).abs();
        assert!(
            off <= tolerance * near.abs(),
            "{scale}, {k}: {far} for {near}"
        );
    }
}

/// What there is to a problem whose masses are multiplied by `scale`, divided by it.
fn scaled_by<T: Real>(scale: T) -> Result<Vec<T>, Error> {
    let (n, m, epsilon) = (3, 4, T::of(0.5));
    let costs = [0.1, 0.7, 0.4, 1.3, 0.9, 0.2, 0.6, 0.5, 1.1, 0.8, 0.3, 0.2];
    // An atom without weight on either side.
    let (a, b) = ([0.5, 0.0, 0.75], [0.25, 0.5, 0.0, 0.625]);
    let cost: Vec<T> = costs.into_iter().map(T::of).collect();
    let a: Vec<T> = a.into_iter().map(|w| T::of(w) * scale).collect();
    let b: Vec<T> = b.into_iter().map(|w| T::of(w) * scale).collect();
    let problem = Problem::new(CostSource::Matrix(&cost), n, m)
        .with_weights(&a, &b)
        .unbalanced(T::infinity(), T::of(2.0));
    let mut workspace = vec![T::nan(); problem.workspace_len()];
    let mut state = State::new(&problem, epsilon, &mut workspace)?;

    // Few, so that there is a gap.
    let iterations = 4;
    let mut tape = vec![T::nan(); unrolled_workspace_len(n, m, iterations)];
    let mut recording = state.record(iterations, &mut tape)?;
    let (mut of_cost, mut of_a, mut of_b) =
        (vec![T::nan(); n * m], vec![T::nan(); n], vec![T::nan(); m]);
    let mut gradients = Gradients {
        cost: Some(&mut of_cost),
        weights: Some((&mut of_a, &mut of_b)),
        points: None,
    };
    let sharp = Cotangents {
        transport_cost: T::one(),
        ..Cotangents::default()
    };
    recording.gradient(&sharp, &mut gradients)?;

    let mut found = vec![state.transport_cost()?];
    let mut out = vec![T::nan(); n * m];
    for (i, row) in out.chunks_mut(m).enumerate() {
        state.plan_row(i, row)?;
    }
    found.extend(&out);
    state.cost_gradient(&mut out)?;
    found.extend(&out);
    found.extend(&of_cost);
    found.iter_mut().for_each(|value| *value /= scale);
    found.extend(of_a.iter().chain(&of_b));
    // The product of both masses is part of either value.
    if scale <= T::one() {
        let mut room = vec![T::nan(); gap_workspace_len(n, m)];
        let gap = state.duality_gap(&mut room)?;
        found.push(gap.gap / scale);
    }
    Ok(found)
}
