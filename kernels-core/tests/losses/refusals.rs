//! Input that must be refused, with an error that says why.

use kernels_core::Error;
use kernels_core::barlow_twins::{
    BarlowTwinsOptions, barlow_twins, barlow_twins_with_grad, barlow_twins_workspace_len,
};
use kernels_core::byol::{byol, byol_momentum, byol_symmetric_with_grad, byol_with_grad};
use kernels_core::diagnostics::{
    Spectrum, alignment, effective_rank, effective_rank_workspace_len, uniformity,
    uniformity_workspace_len,
};
use kernels_core::vicreg::{VicRegOptions, vicreg, vicreg_with_grad, vicreg_workspace_len};

type Call = fn(&[f64], usize, usize, usize, usize) -> Result<(), Error>;

/// Every function of a matrix: (matrix, rows, dim, elements of the output, elements of the
/// workspace), with its name and workspace for 4 × 3.
fn functions() -> Vec<(&'static str, usize, Call)> {
    const RANK: Spectrum = Spectrum::CovarianceEigenvalues;
    let vicreg_len = vicreg_workspace_len(4, 3);
    let barlow_len = barlow_twins_workspace_len(4, 3);
    vec![
        ("byol", 0, |z, n, d, _, _| byol(z, z, n, d).map(drop)),
        ("byol_with_grad", 0, |z, n, d, out, _| {
            byol_with_grad(z, z, n, d, &mut vec![0.0; out]).map(drop)
        }),
        ("byol_symmetric_with_grad", 0, |z, n, d, out, _| {
            byol_symmetric_with_grad(z, z, n, d, &mut vec![0.0; out]).map(drop)
        }),
        ("vicreg", vicreg_len, |z, n, d, _, work| {
            vicreg(z, n, d, &VicRegOptions::default(), &mut vec![0.0; work]).map(drop)
        }),
        ("vicreg_with_grad", vicreg_len, |z, n, d, out, work| {
            let (mut grad, mut work) = (vec![0.0; out], vec![0.0; work]);
            vicreg_with_grad(z, n, d, &VicRegOptions::default(), &mut grad, &mut work).map(drop)
        }),
        ("barlow_twins", barlow_len, |z, n, d, _, work| {
            barlow_twins(
                z,
                n,
                d,
                &BarlowTwinsOptions::default(),
                &mut vec![0.0; work],
            )
            .map(drop)
        }),
        (
            "barlow_twins_with_grad",
            barlow_len,
            |z, n, d, out, work| {
                let (mut grad, mut work) = (vec![0.0; out], vec![0.0; work]);
                let options = BarlowTwinsOptions::default();
                barlow_twins_with_grad(z, n, d, &options, &mut grad, &mut work).map(drop)
            },
        ),
        ("alignment", 0, |z, n, d, _, _| {
            alignment(z, z, n, d, 2.0).map(drop)
        }),
        (
            "uniformity",
            uniformity_workspace_len(4, 3),
            |z, n, d, _, work| uniformity(z, n, d, 2.0, &mut vec![0.0; work]).map(drop),
        ),
        (
            "effective_rank",
            effective_rank_workspace_len(4, 3),
            |z, n, d, _, work| effective_rank(z, n, d, RANK, &mut vec![0.0; work]).map(drop),
        ),
    ]
}

const Z: [f64; 12] = [
    1.0, 2.0, 3.0, -1.0, 0.5, 0.5, -1.0, 0.25, 4.0, 1.0, 1.0, -2.0,
];

#[test]
fn shapes_and_elements() {
    for (name, work, call) in functions() {
        assert_eq!(call(&Z, 4, 3, 12, work), Ok(()), "{name}");
        // A longer workspace than needed is fine, a shorter one is not.
        assert_eq!(call(&Z, 4, 3, 12, work + 5), Ok(()), "{name}");
        if work > 0 {
            let short = call(&Z, 4, 3, 12, work - 1);
            assert!(
                matches!(short, Err(Error::Workspace { expected, .. }) if expected == work),
                "{name}: {short:?}"
            );
        }
        if name.ends_with("_with_grad") {
            for out in [0, 11, 13] {
                let wrong = call(&Z, 4, 3, out, work);
                assert!(
                    matches!(
                        wrong,
                        Err(Error::Shape {
                            argument: "grad",
                            ..
                        })
                    ),
                    "{name}: {wrong:?}"
                );
            }
        }
        for (rows, dim) in [
            (0, 3),
            (4, 0),
            (4, 2),
            (5, 3),
            (usize::MAX, 2),
            (2, usize::MAX),
        ] {
            let out = rows.saturating_mul(dim).min(100);
            let wrong = call(&Z, rows, dim, out, 1000);
            assert!(
                matches!(wrong, Err(Error::Shape { .. } | Error::Size { .. })),
                "{name} {rows} x {dim}: {wrong:?}"
            );
        }
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let mut z = Z;
            z[7] = bad;
            let wrong = call(&z, 4, 3, 12, work);
            assert!(
                matches!(wrong, Err(Error::Element { index: 7, operation, .. })
                    if operation == name || operation == "normalize_rows"),
                "{name}: {wrong:?}"
            );
        }
    }
}

#[test]
fn rows_without_a_direction() {
    for (name, work, call) in functions() {
        if name.starts_with("byol") || name == "alignment" || name == "uniformity" {
            for tiny in [0.0, 1e-320] {
                let mut z = Z;
                z[9..].fill(tiny);
                let wrong = call(&z, 4, 3, 12, work);
                assert!(
                    matches!(wrong, Err(Error::ZeroNorm { row: 1 | 3, .. })),
                    "{name}: {wrong:?}"
                );
            }
        }
    }
    // The row is counted in the caller's matrix, for either argument and either view.
    let mut grad = [0.0; 12];
    for bad in [1, 2, 3] {
        let mut zero = Z;
        zero[3 * bad..3 * bad + 3].fill(0.0);
        for (q, target, expected) in [(&zero, &Z, "q"), (&Z, &zero, "target")] {
            let wrong = byol_symmetric_with_grad(q, target, 4, 3, &mut grad);
            assert!(
                matches!(wrong, Err(Error::ZeroNorm { row, argument, .. })
                    if row == bad && argument == expected),
                "{wrong:?}"
            );
        }
    }
}

#[test]
fn parameters() {
    let mut work = vec![0.0; 100];
    let good = VicRegOptions::default();
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        for options in [
            VicRegOptions {
                invariance: bad,
                ..good
            },
            VicRegOptions {
                variance: bad,
                ..good
            },
            VicRegOptions {
                covariance: bad,
                ..good
            },
            VicRegOptions { gamma: bad, ..good },
            VicRegOptions {
                epsilon: bad,
                ..good
            },
            VicRegOptions {
                epsilon: 0.0,
                ..good
            },
        ] {
            let wrong = vicreg(&Z, 4, 3, &options, &mut work);
            assert!(matches!(wrong, Err(Error::Parameter { .. })), "{options:?}");
        }
        let good = BarlowTwinsOptions::default();
        for options in [
            BarlowTwinsOptions {
                lambda: bad,
                ..good
            },
            BarlowTwinsOptions { scale: bad, ..good },
            BarlowTwinsOptions {
                epsilon: bad,
                ..good
            },
        ] {
            let wrong = barlow_twins(&Z, 4, 3, &options, &mut work);
            assert!(matches!(wrong, Err(Error::Parameter { .. })), "{options:?}");
        }
        for bad in [bad, 0.0] {
            assert!(alignment(&Z, &Z, 4, 3, bad).is_err(), "{bad}");
            assert!(uniformity(&Z, 4, 3, bad, &mut work).is_err(), "{bad}");
        }
        assert!(byol_momentum(0, 1, bad).is_err(), "{bad}");
    }
    assert!(byol_momentum(0, 1, 1.5).is_err());
    assert!(byol_momentum(0, 0, 0.5).is_err());
    assert!(byol_momentum(2, 1, 0.5).is_err());
    // One image has no variance; one row no pair; an odd number of rows no partner.
    for rows in [2, 3] {
        let z = &Z[..rows * 3];
        assert!(vicreg(z, rows, 3, &good, &mut work).is_err());
        assert!(barlow_twins(z, rows, 3, &BarlowTwinsOptions::default(), &mut work).is_err());
    }
    assert!(uniformity(&Z[..3], 1, 3, 2.0, &mut work).is_err());
    assert!(byol_symmetric_with_grad(&Z[..9], &Z[..9], 3, 3, &mut [0.0; 9]).is_err());
    assert!(byol(&Z, &Z[..9], 4, 3).is_err());
    for len in [
        vicreg_workspace_len(usize::MAX, usize::MAX),
        barlow_twins_workspace_len(usize::MAX, 2),
        uniformity_workspace_len(usize::MAX, 2),
        effective_rank_workspace_len(usize::MAX, 2),
    ] {
        assert_eq!(len, usize::MAX);
    }
}
