//! A recording is the run that it recorded; what is asked of it, and of a plan, beyond
//! its bounds.

use core::error::Error as _;

use crate::common::numbers;
use kernels_core::Error;
use kernels_core::sinkhorn::{
    BatchError, CostSource, Problem, SinkhornOptions, State, unrolled_workspace_len,
};

const OPTIONS: SinkhornOptions<f64> = SinkhornOptions {
    epsilon: 0.3,
    threshold: 0.0,
    max_iterations: 4,
};

/// The same steps, so the same numbers to the last bit.
#[test]
fn a_recording_is_the_run_that_it_recorded() {
    let (n, m, cost) = (3, 5, numbers(15, 0.5));
    let problem = Problem::new(CostSource::Matrix(&cost), n, m);
    let mut workspace = vec![0.0; problem.workspace_len()];
    let mut state = State::new(&problem, OPTIONS.epsilon, &mut workspace).expect("legal");
    let run = state.run(&OPTIONS).expect("finite");
    let sharp = state.transport_cost().expect("finite");
    let (f, g) = (state.potentials().0.to_vec(), state.potentials().1.to_vec());

    let mut workspace = vec![0.0; problem.workspace_len()];
    let mut state = State::new(&problem, OPTIONS.epsilon, &mut workspace).expect("legal");
    let mut room = vec![0.0; unrolled_workspace_len(n, m, OPTIONS.max_iterations)];
    let mut recording = state
        .record(OPTIONS.max_iterations, &mut room)
        .expect("legal");
    assert_eq!(recording.outcome(), run);
    assert_eq!(recording.state().potentials(), (&f[..], &g[..]));
    assert_eq!(recording.transport_cost(), Ok(sharp));
}

#[test]
fn beyond_the_plan() {
    let cost = numbers(6, 0.5);
    let problem = Problem::new(CostSource::Matrix(&cost), 2, 3);
    let mut workspace = vec![0.0; problem.workspace_len()];
    let state = State::new(&problem, 0.3, &mut workspace).expect("legal");
    for (i, j) in [(2, 0), (0, 3), (usize::MAX, usize::MAX)] {
        assert_eq!(state.plan(i, j), None);
    }
    let mut row = [f64::NAN; 3];
    assert!(matches!(
        state.plan_row(2, &mut row),
        Err(Error::Size {
            argument: "i",
            got: 2,
            ..
        })
    ));
    assert!(row.iter().all(|entry| entry.is_nan()));
    assert!(state.plan_row(1, &mut row[..2]).is_err());
}

/// A wrong call speaks for itself; a wrong problem is named. Either way the reason can be
/// asked for.
#[test]
fn a_batch_error_has_its_reason() {
    let reason = Error::Size {
        operation: "solve_batch",
        argument: "count",
        expected: "at least 1",
        got: 0,
    };
    let call = BatchError::from(reason);
    assert_eq!(call.to_string(), reason.to_string());
    let problem = BatchError {
        problem: Some(3),
        error: reason,
    };
    assert_eq!(
        problem.to_string(),
        format!("problem 3 of the batch: {reason}")
    );
    for error in [call, problem] {
        let source = error.source().expect("the reason");
        assert_eq!(source.to_string(), reason.to_string());
    }
}
