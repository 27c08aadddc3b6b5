//! Holds the kernels to reference problems that were solved with 60 digits by a program
//! that shares nothing with them, in `f64` and in `f32`. The tests of `kernels-core` and
//! the program `conformance` in `benches` both run this code.
//!
//! A file has a list `problems`; each has a kind, its inputs and its reference answers.
//! [`check()`] runs the kernel of that kind and compares every quantity that the problem
//! answers. What may be compared, and how closely, is derived from the problem and from
//! what the solver says about itself, never from the problem's number or tag, so that
//! a file not seen before is judged like the known one.
//!
//! | module | subject |
//! |---|---|
//! | [`file`] | the format |
//! | [`report`] | what came out for one problem, and for all |
//! | [`table`] | the same as Markdown |
//! | `tolerance` | the one table of tolerances |
//! | `magnitude` | natural size and condition of a transport problem's answers |
//! | `balanced`, `gauss` | entropic transport |
//! | `unbalanced`, `divergence` | priced marginals; the debiased divergence |
//! | `ntxent`, `lse` | the contrastive loss; log-sum-exp |

// `!(x <= tolerance)` is how a comparison lets NaN fail.
#![allow(clippy::neg_cmp_op_on_partial_ord)]

mod balanced;
mod divergence;
mod error;
pub mod file;
mod gauss;
mod lse;
mod magnitude;
mod ntxent;
pub mod report;
pub mod table;
mod tolerance;
mod unbalanced;

pub use error::Error;
pub use file::{Problem, read};
pub use report::{Report, Survey};
pub use tolerance::{Kind, Quantity};

use kernels_core::Real;

/// Which of the solver's ways through an iteration is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Exponentials of a matrix of costs in every iteration.
    Recomputed,
    /// Products with a stored kernel.
    Stored,
    /// Costs from the points in every iteration, where a problem has points.
    Points,
}

impl Way {
    /// All.
    pub const ALL: [Self; 3] = [Self::Recomputed, Self::Stored, Self::Points];

    /// A heading.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Recomputed => "Exponentials of a cost matrix in every iteration",
            Self::Stored => "The kernel stored",
            Self::Points => "Costs from the points in every iteration, where there are points",
        }
    }
}

/// Solves one problem in the scalar `T` and compares the answers.
#[must_use]
pub fn check<T: Real>(problem: &Problem, way: Way) -> Report {
    let mut report = Report::new::<T>(problem, way);
    let checked = match report.kind {
        Some(Kind::Balanced | Kind::BalancedCost) => balanced::check::<T>(problem, &mut report),
        Some(Kind::Gauss) => gauss::check::<T>(problem, &mut report),
        Some(Kind::NtXent) => ntxent::check::<T>(problem, &mut report),
        Some(Kind::Lse) => lse::check::<T>(problem, &mut report),
        Some(Kind::Unbalanced) => unbalanced::check::<T>(problem, &mut report),
        Some(Kind::Divergence) => divergence::check::<T>(problem, &mut report),
        None => Err(Error::Kind(problem.kind.clone())),
    };
    if let Err(error) = checked {
        report.fail(error.to_string());
    }
    report
}

/// All problems in both scalars.
#[must_use]
pub fn survey(problems: &[Problem], way: Way) -> Survey {
    let mut survey = Survey::default();
    for problem in problems {
        survey.push(check::<f64>(problem, way));
        survey.push(check::<f32>(problem, way));
    }
    survey
}
