//! Input that must be refused, with an error that says why; never a panic, never an
//! `Ok` with a NaN in it.

use kernels_core::cost::{Cost, cost_matrix};
use kernels_core::nt_xent::{nt_xent, nt_xent_with_grad, nt_xent_workspace_len};
use kernels_core::sin_sim::{
    EpsilonUnit, OtForm, OtOptions, SinSimOptions, sin_sim_with_grad, sin_sim_workspace_len,
};
use kernels_core::sinkhorn::{
    CostSource, Outcome, Problem, SinkhornOptions, sinkhorn_workspace_len, solve,
};
use kernels_core::{Error, Real};

fn contrast(z: &[f32], rows: usize, dim: usize, tau: f32) -> Result<f32, Error> {
    let mut workspace = vec![0.0; 4096];
    nt_xent(z, rows, dim, tau, &mut workspace)
}

fn transport<T: Real>(
    cost: &[T],
    n: usize,
    m: usize,
    weights: [Option<&[T]>; 2],
    epsilon: T,
) -> Result<Outcome<T>, Error> {
    let options = SinkhornOptions {
        epsilon,
        threshold: T::of(1e-5),
        max_iterations: 50,
    };
    let mut workspace = vec![T::zero(); 64];
    solve(
        &Problem {
            a: weights[0],
            b: weights[1],
            ..Problem::new(CostSource::Matrix(cost), n, m)
        },
        &options,
        &mut workspace,
    )
}

#[test]
fn contrast_refuses() {
    let z = [1.0, 2.0, 3.0, -1.0, 0.5, 0.5, -1.0, 0.0];
    assert!(contrast(&z, 4, 2, 0.5).is_ok());
    for (rows, dim) in [
        (3, 2),
        (0, 2),
        (1, 8),
        (8, 0),
        (4, 3),
        (usize::MAX - 1, usize::MAX),
    ] {
        assert!(contrast(&z, rows, dim, 0.5).is_err(), "{rows} x {dim}");
    }
    for tau in [0.0, -1.0, f32::NAN, f32::INFINITY, 1e-40] {
        assert!(
            matches!(contrast(&z, 4, 2, tau), Err(Error::Parameter { .. })),
            "{tau}"
        );
    }
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut z = z;
        z[5] = bad;
        assert!(
            matches!(
                contrast(&z, 4, 2, 0.5),
                Err(Error::Element { index: 5, .. })
            ),
            "{bad}"
        );
    }
    for tiny in [0.0, 1e-42] {
        let mut z = z;
        z[2..4].fill(tiny);
        assert!(
            matches!(contrast(&z, 4, 2, 0.5), Err(Error::ZeroNorm { row: 1, .. })),
            "{tiny}"
        );
    }
    // A norm above the largest f32; a gradient above it, of rows with tiny norms.
    assert!(matches!(
        contrast(&[f32::MAX; 8], 4, 2, 0.5),
        Err(Error::Overflow { .. })
    ));
    let tiny = z.map(|z| z * 1e-37);
    let (mut grad, mut workspace) = ([0.0; 8], vec![0.0; nt_xent_workspace_len(4, 2)]);
    let result = nt_xent_with_grad(&tiny, 4, 2, 0.01, &mut grad, &mut workspace);
    assert!(matches!(result, Err(Error::Overflow { .. })), "{result:?}");
}

#[test]
fn lengths_are_checked_before_anything_is_written() {
    let z = [1.0_f64; 8];
    let (mut grad, mut workspace) = ([7.0; 7], vec![7.0; nt_xent_workspace_len(4, 2)]);
    let got = nt_xent_with_grad(&z, 4, 2, 0.5, &mut grad, &mut workspace);
    let error = got.expect_err("the gradient is too short");
    assert_eq!(
        error.to_string(),
        "nt_xent_with_grad: `grad` must have 8 elements, got 7"
    );
    assert!(grad.iter().chain(&workspace).all(|&x| x == 7.0));

    let needed = nt_xent_workspace_len(4, 2);
    let got = nt_xent(&z, 4, 2, 0.5, &mut workspace[..needed - 1]);
    assert!(matches!(got, Err(Error::Workspace { expected, .. }) if expected == needed));
    assert!(nt_xent(&z, 4, 2, 0.5, &mut workspace[..needed]).is_ok());
}

#[test]
fn transport_refuses() {
    let cost = [0.0, 1.0, 1.0, 0.0_f32];
    let inf = f32::INFINITY;
    assert!(transport(&cost, 2, 2, [None; 2], 0.5).is_ok());
    for (n, m) in [(0, 2), (2, 0), (2, 3), (usize::MAX, 2)] {
        assert!(transport(&cost, n, m, [None; 2], 0.5).is_err(), "{n} x {m}");
    }
    for epsilon in [0.0, -1.0, f32::NAN, inf, 1e-40] {
        assert!(
            transport(&cost, 2, 2, [None; 2], epsilon).is_err(),
            "{epsilon}"
        );
    }
    for bad in [f32::NAN, -inf] {
        let result = transport(&[0.0, 1.0, bad, 0.0], 2, 2, [None; 2], 0.5);
        assert!(
            matches!(result, Err(Error::Element { index: 2, .. })),
            "{bad}"
        );
    }
    let weights: [&[f32]; 5] = [
        &[0.5],
        &[0.5, 0.6],
        &[1.5, -0.5],
        &[f32::NAN, 1.0],
        &[0.0, 0.0],
    ];
    for weights in weights {
        assert!(
            transport(&cost, 2, 2, [Some(weights), None], 0.5).is_err(),
            "{weights:?}"
        );
        assert!(
            transport(&cost, 2, 2, [None, Some(weights)], 0.5).is_err(),
            "{weights:?}"
        );
    }
    // Row 0 may only use column 1, which has no mass; column 1 nobody.
    let barred = [inf, 1.0, 1.0, 0.0];
    let result = transport(&barred, 2, 2, [None, Some(&[1.0, 0.0])], 0.5);
    assert!(matches!(
        result,
        Err(Error::Infeasible {
            side: "row",
            index: 0,
            ..
        })
    ));
    let result = transport(&[0.0, inf, 0.0, inf], 2, 2, [None; 2], 0.5);
    assert!(matches!(
        result,
        Err(Error::Infeasible {
            side: "column",
            index: 1,
            ..
        })
    ));
    // No plan although every atom has a partner: two rows share one column of half the
    // mass. It must not claim to have converged.
    let shared = [0.0, inf, inf, 0.0, inf, inf, 1.0, 0.0, 0.0];
    assert!(
        !transport(&shared, 3, 3, [None; 2], 0.5)
            .expect("finite")
            .converged
    );
    // Costs beyond what ε can resolve.
    let result = transport(
        &[f32::MAX, -f32::MAX, -f32::MAX, f32::MAX],
        2,
        2,
        [None; 2],
        1e-30,
    );
    assert!(!matches!(result, Ok(outcome) if !outcome.value.is_finite()));
}

#[test]
fn the_other_entry_points_refuse() {
    let mut out = [0.0_f64; 4];
    let x = [1.0, 2.0];
    assert!(cost_matrix(Cost::Cosine, &x, &x, 2, 2, 1, &mut out).is_ok());
    assert!(cost_matrix(Cost::Cosine, &x, &[0.0, 1.0], 2, 2, 1, &mut out).is_err());
    assert!(cost_matrix(Cost::Cosine, &[0.0, 1.0], &x, 2, 2, 1, &mut out).is_err());
    assert!(cost_matrix(Cost::SquaredEuclidean, &x, &[1e200, 0.0], 2, 2, 1, &mut out).is_err());
    assert!(cost_matrix(Cost::SquaredEuclidean, &x, &x, 2, 2, 2, &mut out).is_err());
    assert!(cost_matrix::<f64>(Cost::SquaredEuclidean, &[], &[], 0, 0, 1, &mut []).is_err());

    let sinkhorn = SinkhornOptions {
        epsilon: 0.1,
        threshold: 1e-6,
        max_iterations: 100,
    };
    let ot = OtOptions::new(Cost::Cosine, sinkhorn);
    let good = SinSimOptions {
        temperature: 0.5,
        lambda: 1.0,
        ot,
    };
    let run = |options: &SinSimOptions<f64>, len| {
        let (mut grad, mut workspace) = ([0.0; 4], vec![0.0; len]);
        sin_sim_with_grad(
            &[1.0, 2.0, -1.0, 3.0],
            4,
            1,
            options,
            &mut grad,
            &mut workspace,
        )
    };
    let len = sin_sim_workspace_len(4, 1);
    assert!(run(&good, len).is_ok());
    assert!(run(&good, len - 1).is_err());
    for lambda in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(run(&SinSimOptions { lambda, ..good }, len).is_err());
    }
    for sinkhorn in [
        SinkhornOptions {
            epsilon: 0.0,
            ..sinkhorn
        },
        SinkhornOptions {
            threshold: f64::NAN,
            ..sinkhorn
        },
        SinkhornOptions {
            threshold: -1.0,
            ..sinkhorn
        },
        SinkhornOptions {
            max_iterations: 0,
            ..sinkhorn
        },
    ] {
        let ot = OtOptions { sinkhorn, ..ot };
        assert!(
            run(&SinSimOptions { ot, ..good }, len).is_err(),
            "{sinkhorn:?}"
        );
    }
    for form in [OtForm::Plain, OtForm::Divergence] {
        let ot = OtOptions { form, ..ot };
        assert!(run(&SinSimOptions { ot, ..good }, len).is_ok());
        assert!(run(&SinSimOptions { ot, ..good }, len - 1).is_err());
        for rho in [0.0, -1.0, f64::NAN, f64::NEG_INFINITY] {
            let ot = OtOptions { rho, ..ot };
            assert!(run(&SinSimOptions { ot, ..good }, len).is_err(), "{rho}");
        }
    }
    // The product underflows, and the error names it.
    let tiny = OtOptions {
        epsilon_unit: EpsilonUnit::Maximum,
        ..ot
    };
    let error = tiny
        .units("test", 3e-308)
        .expect_err("0.1 of that is subnormal");
    assert!(
        error.to_string().contains("times the largest cost"),
        "{error}"
    );
    assert_eq!(sinkhorn_workspace_len(usize::MAX, 1), usize::MAX);
}
