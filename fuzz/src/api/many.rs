//! Batches of problems: outputs of any length, and every problem as if it were alone.

use kernels_core::sinkhorn::{
    Batch, BatchOutputs, CostSource, Outcome, Problem, SinkhornOptions, State, solve_batch,
};

use super::Arguments;
use super::transport::{assert_outcome, options, with_matrix, with_points};
use crate::number::{Scalar, assert_finite};

pub(super) fn functions<T: Scalar>() -> [fn(Arguments<'_>); 2] {
    [of_matrices::<T>, of_clouds::<T>]
}

/// Problems in a batch: a few, more than there are runs, or absurdly many.
fn count(to: &Arguments<'_>) -> usize {
    match to.input.options.len() + to.input.numbers.len() {
        len if len % 16 == 7 => usize::MAX / 2,
        len if len % 16 == 8 => 130,
        len => len % 6,
    }
}

fn of_matrices<T: Scalar>(mut to: Arguments<'_>) {
    let (sizes, count) = ([to.size(0), to.size(1)], count(&to));
    with_matrix::<T>(&mut to, sizes, count, |to, stacked| {
        solve_all(to, &Batch::new(stacked, count));
    });
}

fn of_clouds<T: Scalar>(mut to: Arguments<'_>) {
    let (sizes, count) = ([to.size(0), to.size(1), to.size(2)], count(&to));
    with_points::<T>(&mut to, sizes, count, |to, stacked| {
        solve_all(to, &Batch::new(stacked, count));
    });
}

fn solve_all<T: Scalar>(to: &mut Arguments<'_>, batch: &Batch<'_, T>) {
    let Problem { n, m, .. } = batch.stacked;
    let count = batch.count;
    let dim = match batch.stacked.cost {
        CostSource::Points { dim, .. } => dim,
        CostSource::Matrix(_) => 0,
    };
    let options = SinkhornOptions {
        max_iterations: to.size(2).min(10),
        ..options::<T>(to)
    };
    let all = |len: usize| len.saturating_mul(count);
    let pairs = n.saturating_mul(m);
    let mut outcomes = vec![Outcome::default(); to.len(count)];
    let mut workspace = to.room::<T>(batch.workspace_len());
    let (mut f, mut g) = (to.room::<T>(all(n)), to.room::<T>(all(m)));
    let mut plans = to.room::<T>(all(pairs));
    let of_points = |len: usize| all(len.saturating_mul(dim));
    let (mut of_x, mut of_y) = (to.room::<T>(of_points(n)), to.room::<T>(of_points(m)));

    let mut outputs = BatchOutputs::new(&mut outcomes);
    if to.flag(0) {
        outputs = outputs.with_potentials(&mut f, &mut g);
    }
    if to.flag(1) {
        outputs = outputs.with_plans(&mut plans);
    }
    let points = dim > 0 || to.input.function & 32 != 0;
    if points {
        outputs = outputs.with_gradients(&mut of_x, &mut of_y);
    }
    if let Err(refused) = solve_batch(batch, &options, outputs, &mut workspace) {
        assert!(refused.problem.is_none_or(|index| index < count));
        assert!(!refused.to_string().is_empty());
        return;
    }
    if to.flag(1) {
        assert_finite("plans", &plans);
    }
    if points {
        assert_finite("gradients", &of_x);
        assert_finite("gradients", &of_y);
    }
    for (index, outcome) in outcomes.iter().enumerate() {
        assert_outcome("solve_batch", outcome);
        let potentials = to.flag(0).then(|| (part(&f, index, n), part(&g, index, m)));
        alone(batch, index, &options, outcome, potentials);
    }
    assert!(batch.problem(count).is_none());
}

fn part<T>(stacked: &[T], index: usize, len: usize) -> &[T] {
    &stacked[index * len..(index + 1) * len]
}

/// To the last bit.
fn alone<T: Scalar>(
    batch: &Batch<'_, T>,
    index: usize,
    options: &SinkhornOptions<T>,
    outcome: &Outcome<T>,
    potentials: Option<(&[T], &[T])>,
) {
    let problem = batch.problem(index).expect("it was solved");
    let mut workspace = vec![T::nan(); problem.workspace_len()];
    let mut state =
        State::new(&problem, options.epsilon, &mut workspace).expect("the batch took it");
    let by_itself = state.run(options).expect("the batch took it");
    assert_eq!(&by_itself, outcome, "problem {index}");
    if let Some(potentials) = potentials {
        assert_eq!(state.potentials(), potentials, "problem {index}");
    }
}
