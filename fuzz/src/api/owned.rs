//! The functions that allocate: what those with slices give, and nothing allocated for
//! sizes that the input does not have.

use kernels_core::barlow_twins::BarlowTwinsOptions;
use kernels_core::nt_xent::{nt_xent_with_grad, nt_xent_workspace_len};
use kernels_core::owned;
use kernels_core::sin_sim::SinSimOptions;
use kernels_core::sinkhorn::{Annealing, Problem, SinkhornOptions, solve};
use kernels_core::swav::SwavOptions;
use kernels_core::vicreg::VicRegOptions;

use super::Arguments;
use super::batch::ot_options;
use super::transport::{assert_outcome, options, with_matrix, with_points};
use crate::number::{Scalar, assert_finite};

pub(super) fn functions<T: Scalar>() -> [fn(Arguments<'_>); 4] {
    [
        contrast::<T>,
        statistics::<T>,
        from_matrix::<T>,
        from_points::<T>,
    ]
}

/// Sizes that fit a slice but would take long. Larger ones fit none, and are refused.
fn slow(n: usize, m: usize) -> bool {
    (20_000..1 << 40).contains(&n.saturating_mul(m))
}

/// No loss holds a number that is not finite.
fn assert_loss<T: Scalar>(what: &str, found: (T, Vec<T>), z: &[T]) {
    assert_finite(what, &[found.0]);
    assert_finite(what, &found.1);
    assert_eq!(found.1.len(), z.len());
}

fn contrast<T: Scalar>(mut to: Arguments<'_>) {
    let (rows, dim) = (to.size(0), to.size(1));
    if slow(rows, rows) {
        return;
    }
    let z = to.slice::<T>(rows.saturating_mul(dim));
    let tau = to.option(0);
    if let Ok((loss, grad)) = owned::nt_xent_with_grad(&z, rows, dim, tau) {
        assert_loss("nt_xent", (loss, grad.clone()), &z);
        let mut workspace = vec![T::nan(); nt_xent_workspace_len(rows, dim)];
        let mut same = vec![T::nan(); z.len()];
        let again = nt_xent_with_grad(&z, rows, dim, tau, &mut same, &mut workspace);
        assert_eq!(again.ok(), Some(loss));
        assert_eq!(same, grad);
    }
    let options = SinSimOptions {
        temperature: tau,
        lambda: to.option(3),
        ot: ot_options(&to, 1),
    };
    if let Ok((found, grad)) = owned::sin_sim_with_grad(&z, rows, dim, &options) {
        assert_finite("sin_sim", &[found.nt_xent, found.ot.value]);
        assert_loss("sin_sim", (found.loss, grad), &z);
    }
}

fn statistics<T: Scalar>(mut to: Arguments<'_>) {
    let (rows, dim) = (to.size(0), to.size(1));
    if slow(dim, dim) {
        return;
    }
    let len = rows.saturating_mul(dim);
    let (z, target) = (to.slice::<T>(len), to.slice::<T>(len));
    let options = VicRegOptions {
        invariance: to.option(0),
        variance: to.option(1),
        covariance: to.option(2),
        gamma: to.option(3),
        epsilon: to.option(4),
    };
    if let Ok((found, grad)) = owned::vicreg_with_grad(&z, rows, dim, &options) {
        assert_loss("vicreg", (found.loss, grad), &z);
    }
    let options = BarlowTwinsOptions {
        lambda: to.option(0),
        scale: to.option(1),
        epsilon: to.option(2),
    };
    if let Ok((found, grad)) = owned::barlow_twins_with_grad(&z, rows, dim, &options) {
        assert_loss("barlow_twins", (found.loss, grad), &z);
    }
    let options = SwavOptions::default();
    if let Ok((found, grads)) = owned::swav_with_grad(&z, &target, rows, dim, &options) {
        for grad in grads {
            assert_loss("swav", (found.loss, grad), &z);
        }
    }
    if let Ok(found) = owned::byol_with_grad(&z, &target, rows, dim) {
        assert_loss("byol", found, &z);
    }
}

fn from_matrix<T: Scalar>(mut to: Arguments<'_>) {
    let sizes = [to.size(0), to.size(1)];
    if !slow(sizes[0], sizes[1]) {
        with_matrix::<T>(&mut to, sizes, 1, transport);
    }
}

fn from_points<T: Scalar>(mut to: Arguments<'_>) {
    let sizes = [to.size(0), to.size(1), to.size(2)];
    if !slow(sizes[0], sizes[1]) {
        with_points::<T>(&mut to, sizes, 1, transport);
    }
}

fn transport<T: Scalar>(to: &mut Arguments<'_>, problem: Problem<'_, T>) {
    let options = SinkhornOptions {
        max_iterations: to.size(2).min(20),
        ..options::<T>(to)
    };
    // From the problem's scale or from anywhere.
    let mut schedule = Annealing::from_scale(&problem);
    assert!(schedule.start.is_normal() && schedule.start > T::zero());
    if to.input.function & 32 != 0 {
        schedule = Annealing {
            start: to.option(4),
            // Closer to one there are many levels.
            factor: to.option::<T>(5).min(T::of(0.9)),
            iterations_per_level: to.input.numbers.len() % 8,
        };
    }
    let found = if to.input.function & 16 == 0 {
        let found = owned::solve(&problem, &options);
        if let Ok(solution) = &found {
            let mut workspace = vec![T::nan(); problem.workspace_len()];
            let again = solve(&problem, &options, &mut workspace);
            assert_eq!(again.ok(), Some(solution.outcome));
        }
        found
    } else if to.input.function & 64 == 0 {
        owned::solve_annealed(&problem, &options, &schedule)
    } else {
        owned::solve_robust(&problem, &options)
    };
    if let Ok(solution) = found {
        assert_outcome("solve", &solution.outcome);
        let (f, g) = solution.potentials();
        assert_eq!((f.len(), g.len()), (problem.n, problem.m));
        assert_eq!(solution.problem().n, problem.n);
        if let Ok(plan) = solution.plan() {
            assert_finite("plan", &plan);
            assert_eq!(plan.len(), problem.n * problem.m);
        }
        if let Ok(cost) = solution.transport_cost() {
            assert_finite("transport cost", &[cost]);
        }
        if let Ok((of_x, of_y)) = solution.gradient() {
            assert_finite("gradient", &of_x);
            assert_finite("gradient", &of_y);
        }
    }
    if let Ok((found, [of_x, of_y])) = owned::sinkhorn_divergence_with_grad(&problem, &options) {
        assert_finite("divergence", &[found.value, found.within_a, found.within_b]);
        assert!(found.value >= T::zero(), "{found:?}");
        assert_finite("divergence's gradient", &of_x);
        assert_finite("divergence's gradient", &of_y);
    }
}
