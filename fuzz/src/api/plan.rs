//! What is asked of a plan without forming it: products, the barycentric projection,
//! primal value and duality gap, in any order and after any calls.

use kernels_core::Error;
use kernels_core::sinkhorn::{
    Problem, SinkhornOptions, State, gap_workspace_len, newton_workspace_len,
};

use super::Arguments;
use super::transport::{assert_outcome, options, with_matrix, with_points};
use crate::number::{Number, Scalar, assert_finite};

pub(super) fn functions<T: Scalar>() -> [fn(Arguments<'_>); 2] {
    [of_matrix::<T>, of_points::<T>]
}

fn of_matrix<T: Scalar>(mut to: Arguments<'_>) {
    let sizes = [to.size(0), to.size(1)];
    with_matrix::<T>(&mut to, sizes, 1, questions);
}

fn of_points<T: Scalar>(mut to: Arguments<'_>) {
    let sizes = [to.size(0), to.size(1), to.size(2)];
    with_points::<T>(&mut to, sizes, 1, questions);
}

fn questions<T: Scalar>(to: &mut Arguments<'_>, problem: Problem<'_, T>) {
    let options = options::<T>(to);
    let mut workspace = to.room::<T>(problem.workspace_len());
    let Ok(mut state) = State::new(&problem, options.epsilon, &mut workspace) else {
        return;
    };
    // What the numbers say, in their order; lengths that do not fit come in turn.
    for (k, number) in to.input.numbers.iter().take(20).enumerate() {
        to.slices = 4 + k % 5;
        let done = match *number {
            Number::Small(k) => match k.rem_euclid(4) {
                0 => state.step().map(|error| assert_finite("step", &[error])),
                1 => newton(to, &mut state, &options),
                2 => state
                    .run(&options)
                    .map(|found| assert_outcome("run", &found)),
                _ => gap(to, &mut state),
            },
            Number::NearOne(k) if k % 2 == 0 => product(to, &mut state),
            Number::NearOne(_) => transpose(to, &mut state),
            Number::Infinite => projection(to, &mut state),
            other => state.set_epsilon(other.of()),
        };
        // A state that has failed must not panic either: go on.
        let _ = done;
    }
}

fn sides<T: Scalar>(state: &State<'_, T>) -> (usize, usize) {
    let (f, g) = state.potentials();
    (f.len(), g.len())
}

fn newton<T: Scalar>(
    to: &mut Arguments<'_>,
    state: &mut State<'_, T>,
    options: &SinkhornOptions<T>,
) -> Result<(), Error> {
    let (n, m) = sides(state);
    let mut workspace = to.room::<T>(newton_workspace_len(n, m));
    let outcome = state.run_newton(options, &mut workspace)?;
    assert_outcome("run_newton", &outcome);
    let within = outcome.marginal_error <= options.threshold;
    assert_eq!(outcome.converged, within, "{outcome:?}");
    Ok(())
}

fn gap<T: Scalar>(to: &mut Arguments<'_>, state: &mut State<'_, T>) -> Result<(), Error> {
    let (n, m) = sides(state);
    let mut workspace = to.room::<T>(gap_workspace_len(n, m));
    let found = state.duality_gap(&mut workspace)?;
    assert_finite("duality_gap", &[found.primal, found.dual, found.gap]);
    assert!(found.gap >= T::zero(), "{found:?}");
    workspace.fill(T::nan());
    let primal = state.primal_value(&mut workspace)?;
    assert!(primal == found.primal, "{primal} {found:?}");
    Ok(())
}

fn product<T: Scalar>(to: &mut Arguments<'_>, state: &mut State<'_, T>) -> Result<(), Error> {
    let ((n, m), width) = (sides(state), to.size(2).min(20));
    let (v, mut out) = (to.slice::<T>(m * width), to.room::<T>(n * width));
    state.apply_plan(&v, width, &mut out)?;
    assert_finite("apply_plan", &out);
    Ok(())
}

fn transpose<T: Scalar>(to: &mut Arguments<'_>, state: &mut State<'_, T>) -> Result<(), Error> {
    let ((n, m), width) = (sides(state), to.size(2).min(20));
    let (u, mut out) = (to.slice::<T>(n * width), to.room::<T>(m * width));
    state.apply_plan_transpose(&u, width, &mut out)?;
    assert_finite("apply_plan_transpose", &out);
    Ok(())
}

/// A mean lies between the smallest and the largest, up to the rounding of its sum.
fn projection<T: Scalar>(to: &mut Arguments<'_>, state: &mut State<'_, T>) -> Result<(), Error> {
    let ((n, m), width) = (sides(state), to.size(2).min(20));
    let (y, mut out) = (to.slice::<T>(m * width), to.room::<T>(n * width));
    state.barycentric_projection(&y, width, &mut out)?;
    assert_finite("barycentric_projection", &out);
    for k in 0..width {
        let of = |all: &[T], start: f64, pick: fn(f64, f64) -> f64| {
            let column = all.iter().skip(k).step_by(width);
            column.fold(start, |most, entry| pick(most, entry.wide()))
        };
        // Rows without mass are zero.
        let (low, high) = (of(&y, 0.0, f64::min), of(&y, 0.0, f64::max));
        let slack = 4.0 * (m as f64 + 4.0) * T::epsilon().wide() * (high - low)
            + m as f64 * T::min_positive_value().wide();
        let (least, most) = (of(&out, 0.0, f64::min), of(&out, 0.0, f64::max));
        assert!(
            least >= low - slack && most <= high + slack,
            "[{least}, {most}] beyond [{low}, {high}]"
        );
    }
    Ok(())
}
