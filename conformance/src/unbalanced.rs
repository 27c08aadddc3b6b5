//! Kind `unbalanced`: KL-relaxed marginals of strength ρ. References: value, ⟨P,C⟩, mass, f and g, gradient.
//!
//! There is no kernel for it yet, so nothing is compared, and every problem counts as
//! not covered, which is not passed.

use crate::report::Report;
use crate::{Error, Problem};
use kernels_core::Real;

pub(crate) fn check<T: Real>(_problem: &Problem, report: &mut Report) -> Result<(), Error> {
    report.covered = false;
    Ok(())
}
