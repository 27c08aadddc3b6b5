//! Losses of batches, and diagnostics.

use kernels_core::barlow_twins::{
    BarlowTwins, BarlowTwinsOptions, barlow_twins, barlow_twins_with_grad,
    barlow_twins_workspace_len,
};
use kernels_core::byol::{byol, byol_momentum, byol_symmetric_with_grad, byol_with_grad};
use kernels_core::cost::{Cost, CostScale};
use kernels_core::diagnostics::{
    Spectrum, alignment, effective_rank, effective_rank_workspace_len, symmetric_eigenvalues,
    uniformity, uniformity_workspace_len,
};
use kernels_core::nt_xent::{nt_xent, nt_xent_with_grad, nt_xent_workspace_len};
use kernels_core::sin_sim::{
    EpsilonUnit, OtForm, OtOptions, OtTerm, SinSimOptions, ot_term_with_grad,
    ot_term_workspace_len, sin_sim_with_grad, sin_sim_workspace_len,
};
use kernels_core::sinkhorn::SinkhornOptions;
use kernels_core::swav::{SwavOptions, swav_with_grad, swav_workspace_len};
use kernels_core::vicreg::{VicReg, VicRegOptions, vicreg, vicreg_with_grad, vicreg_workspace_len};

use super::Arguments;
use crate::number::{Scalar, assert_finite};

pub(super) fn functions<T: Scalar>() -> [fn(Arguments<'_>); 13] {
    [
        contrast::<T>,
        combined::<T>,
        ot_term::<T>,
        predictions::<T>,
        both_directions::<T>,
        momentum::<T>,
        variances::<T>,
        correlations::<T>,
        aligned::<T>,
        uniform::<T>,
        rank::<T>,
        eigenvalues::<T>,
        assignments::<T>,
    ]
}

fn contrast<T: Scalar>(mut to: Arguments<'_>) {
    let (rows, dim, tau) = (to.size(0), to.size(1), to.option::<T>(0));
    let len = rows.saturating_mul(dim);
    let (z, mut grad) = (to.slice::<T>(len), to.room::<T>(len));
    let mut workspace = to.room::<T>(nt_xent_workspace_len(rows, dim));
    if let Ok(loss) = nt_xent(&z, rows, dim, tau, &mut workspace) {
        assert_finite("nt_xent", &[loss]);
    }
    if let Ok(loss) = nt_xent_with_grad(&z, rows, dim, tau, &mut grad, &mut workspace) {
        assert_finite("nt_xent", &[loss]);
        assert_finite("nt_xent's gradient", &grad);
    }
}

/// Reads options from number `first` on; the last size decides on form, unit and balance.
pub(super) fn ot_options<T: Scalar>(to: &Arguments<'_>, first: usize) -> OtOptions<T> {
    let bit = |k: u32| to.size(2) >> k & 1 == 1;
    OtOptions {
        cost: if to.flag(0) {
            Cost::Cosine
        } else {
            Cost::SquaredEuclidean
        },
        scale: if to.flag(1) {
            CostScale::Maximum
        } else {
            CostScale::None
        },
        form: if bit(0) {
            OtForm::Divergence
        } else {
            OtForm::Plain
        },
        rho: if bit(2) {
            to.option(first + 2)
        } else {
            T::infinity()
        },
        epsilon_unit: if bit(1) {
            EpsilonUnit::Maximum
        } else {
            EpsilonUnit::Absolute
        },
        sinkhorn: SinkhornOptions {
            epsilon: to.option(first),
            threshold: to.option(first + 1),
            max_iterations: to.size(2).min(50),
        },
    }
}

fn assert_term<T: Scalar>(term: &OtTerm<T>) {
    assert_finite(
        "ot_term",
        &[
            term.value,
            term.transport_cost,
            term.marginal_error,
            term.epsilon,
        ],
    );
}

fn combined<T: Scalar>(mut to: Arguments<'_>) {
    let (rows, dim) = (to.size(0), to.size(1));
    let options = SinSimOptions {
        temperature: to.option(2),
        lambda: to.option(3),
        ot: ot_options(&to, 0),
    };
    let len = rows.saturating_mul(dim);
    let (z, mut grad) = (to.slice::<T>(len), to.room::<T>(len));
    let mut workspace = to.room::<T>(sin_sim_workspace_len(rows, dim));
    if let Ok(loss) = sin_sim_with_grad(&z, rows, dim, &options, &mut grad, &mut workspace) {
        assert_finite("sin_sim", &[loss.loss, loss.nt_xent]);
        assert_term(&loss.ot);
        assert_finite("sin_sim's gradient", &grad);
    }
}

fn ot_term<T: Scalar>(mut to: Arguments<'_>) {
    let (rows, dim, options) = (to.size(0), to.size(1), ot_options(&to, 0));
    let len = rows.saturating_mul(dim);
    let (z, mut grad) = (to.slice::<T>(len), to.room::<T>(len));
    let mut workspace = to.room::<T>(ot_term_workspace_len(rows / 2, dim));
    if let Ok(term) = ot_term_with_grad(&z, rows, dim, &options, &mut grad, &mut workspace) {
        assert_term(&term);
        assert_finite("ot_term's gradient", &grad);
    }
}

fn predictions<T: Scalar>(mut to: Arguments<'_>) {
    let (rows, dim) = (to.size(0), to.size(1));
    let len = rows.saturating_mul(dim);
    let (q, target, mut grad) = (to.slice::<T>(len), to.slice(len), to.room(len));
    if let Ok(loss) = byol(&q, &target, rows, dim) {
        assert_finite("byol", &[loss]);
    }
    if let Ok(loss) = byol_with_grad(&q, &target, rows, dim, &mut grad) {
        assert_finite("byol", &[loss]);
        assert_finite("byol's gradient", &grad);
    }
}

fn both_directions<T: Scalar>(mut to: Arguments<'_>) {
    let (rows, dim) = (to.size(0), to.size(1));
    let len = rows.saturating_mul(dim);
    let (q, target, mut grad) = (to.slice::<T>(len), to.slice(len), to.room(len));
    if let Ok(loss) = byol_symmetric_with_grad(&q, &target, rows, dim, &mut grad) {
        assert_finite("byol", &[loss]);
        assert_finite("byol's gradient", &grad);
    }
}

fn momentum<T: Scalar>(to: Arguments<'_>) {
    if let Ok(momentum) = byol_momentum(to.size(0), to.size(1), to.option::<T>(0)) {
        assert!(momentum >= T::zero() && momentum <= T::one(), "{momentum}");
    }
}

fn variances<T: Scalar>(mut to: Arguments<'_>) {
    let (rows, dim) = (to.size(0), to.size(1));
    let options = VicRegOptions {
        invariance: to.option(0),
        variance: to.option(1),
        covariance: to.option(2),
        gamma: to.option(3),
        epsilon: to.option(4),
    };
    let options = if to.flag(0) {
        VicRegOptions::default()
    } else {
        options
    };
    let len = rows.saturating_mul(dim);
    let (z, mut grad) = (to.slice::<T>(len), to.room(len));
    let mut workspace = to.room(vicreg_workspace_len(rows, dim));
    let check = |loss: &VicReg<T>| {
        assert_finite(
            "vicreg",
            &[loss.loss, loss.invariance, loss.variance, loss.covariance],
        );
    };
    if let Ok(loss) = vicreg(&z, rows, dim, &options, &mut workspace) {
        check(&loss);
    }
    if let Ok(loss) = vicreg_with_grad(&z, rows, dim, &options, &mut grad, &mut workspace) {
        check(&loss);
        assert_finite("vicreg's gradient", &grad);
    }
}

fn correlations<T: Scalar>(mut to: Arguments<'_>) {
    let (rows, dim) = (to.size(0), to.size(1));
    let options = BarlowTwinsOptions {
        lambda: to.option(0),
        scale: to.option(1),
        epsilon: to.option(2),
    };
    let options = if to.flag(0) {
        BarlowTwinsOptions::default()
    } else {
        options
    };
    let len = rows.saturating_mul(dim);
    let (z, mut grad) = (to.slice::<T>(len), to.room(len));
    let mut work = to.room(barlow_twins_workspace_len(rows, dim));
    let check = |loss: &BarlowTwins<T>| {
        assert_finite(
            "barlow_twins",
            &[loss.loss, loss.invariance, loss.redundancy],
        );
    };
    if let Ok(loss) = barlow_twins(&z, rows, dim, &options, &mut work) {
        check(&loss);
    }
    if let Ok(loss) = barlow_twins_with_grad(&z, rows, dim, &options, &mut grad, &mut work) {
        check(&loss);
        assert_finite("barlow_twins' gradient", &grad);
    }
}

fn assignments<T: Scalar>(mut to: Arguments<'_>) {
    let (rows, prototypes) = (to.size(0), to.size(1));
    let options = SwavOptions {
        temperature: to.option(0),
        epsilon: to.option(1),
        max_iterations: to.size(2).min(20),
        threshold: to.option(2),
    };
    let options = if to.flag(0) {
        SwavOptions::default()
    } else {
        options
    };
    let len = rows.saturating_mul(prototypes);
    let (a, b) = (to.slice::<T>(len), to.slice::<T>(len));
    let (mut grad_a, mut grad_b) = (to.room(len), to.room(len));
    let mut work = to.room(swav_workspace_len(rows, prototypes));
    let grads = (&mut grad_a, &mut grad_b);
    let loss = swav_with_grad(
        &a, &b, rows, prototypes, &options, grads.0, grads.1, &mut work,
    );
    if let Ok(loss) = loss {
        assert_finite("swav", &[loss.loss, loss.marginal_error]);
        assert_finite("swav", &[loss.assignment_entropy, loss.prediction_entropy]);
        assert_finite("swav's gradients", &grad_a);
        assert_finite("swav's gradients", &grad_b);
    }
}

fn aligned<T: Scalar>(mut to: Arguments<'_>) {
    let (rows, dim) = (to.size(0), to.size(1));
    let len = rows.saturating_mul(dim);
    let (a, b) = (to.slice::<T>(len), to.slice(len));
    if let Ok(value) = alignment(&a, &b, rows, dim, to.option(0)) {
        assert_finite("alignment", &[value]);
    }
}

fn uniform<T: Scalar>(mut to: Arguments<'_>) {
    let (rows, dim) = (to.size(0), to.size(1));
    let x = to.slice::<T>(rows.saturating_mul(dim));
    let mut workspace = to.room(uniformity_workspace_len(rows, dim));
    if let Ok(value) = uniformity(&x, rows, dim, to.option(0), &mut workspace) {
        assert_finite("uniformity", &[value]);
    }
}

fn rank<T: Scalar>(mut to: Arguments<'_>) {
    // Jacobi's method on larger matrices is slow.
    let (rows, dim) = (to.size(0), to.size(1));
    if rows.min(dim) > 30 && rows.max(dim) < 1000 {
        return;
    }
    let spectrum = if to.flag(0) {
        Spectrum::SingularValues
    } else {
        Spectrum::CovarianceEigenvalues
    };
    let x = to.slice::<T>(rows.saturating_mul(dim));
    let mut workspace = to.room(effective_rank_workspace_len(rows, dim));
    if let Ok(value) = effective_rank(&x, rows, dim, spectrum, &mut workspace) {
        assert_finite("effective_rank", &[value]);
    }
}

fn eigenvalues<T: Scalar>(mut to: Arguments<'_>) {
    let n = to.size(0);
    if n > 30 && n < 1000 {
        return;
    }
    let mut matrix = to.slice::<T>(n.saturating_mul(n));
    let mut values = to.room::<T>(n);
    let sweeps = to.size(1).min(40);
    if let Ok(used) = symmetric_eigenvalues(&mut matrix, n, sweeps, &mut values) {
        assert!(used <= sweeps);
        assert_finite("symmetric_eigenvalues", &values);
    }
}
