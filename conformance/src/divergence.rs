//! Kind `divergence`: `OT(x,y) − ½OT(x,x) − ½OT(y,y)`. References: value, gradient; the value is zero on identical clouds.
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
