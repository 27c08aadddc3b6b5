//! When to stop, and what came out.

use crate::{Error, Real, check};

/// How far to solve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SinkhornOptions<T> {
    /// Strength ε of the entropic term, in the units of the cost.
    pub epsilon: T,
    /// Stop when the L1 error of the row sums is at most this. Zero asks for all
    /// iterations. In `f32` the error cannot fall much below `1e-7 · max|C| / ε`.
    pub threshold: T,
    /// Stop after this many iterations (both half steps each) in any case.
    pub max_iterations: usize,
}

impl<T: Real> SinkhornOptions<T> {
    /// Refuses what is outside its domain.
    ///
    /// # Errors
    /// An ε that is not a positive normal number, a negative threshold, no iterations.
    pub fn check(&self, operation: &'static str) -> Result<(), Error> {
        check::positive(operation, "epsilon", self.epsilon)?;
        check::not_negative(operation, "threshold", self.threshold)?;
        check::at_least_one(operation, "max_iterations", self.max_iterations)
    }
}

/// What a run found. Every number is finite. The default, all zeros and not converged,
/// is for arrays that are to be filled.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Outcome<T> {
    /// The dual value, `⟨a,f⟩ + ⟨b,g⟩` for a balanced problem. It never exceeds the
    /// regularised optimum `min_P ⟨P,C⟩ + ε KL(P | a⊗b)`, but for rounding, and equals
    /// it at convergence. With `−ε H(P)` in place of the KL term the optimum is smaller
    /// by `ε (H(a) + H(b))`, which is `2 ε log N` for N uniform atoms on each side: the
    /// gradient is the same, but values of the two conventions do not compare.
    ///
    /// For an unbalanced problem a side with finite ρ has `−ρ ⟨a, exp(−f/ρ) − 1⟩` in
    /// place of `⟨a,f⟩`, and `−ε (ΣP − Σa Σb)` is added.
    pub value: T,
    /// `Σ_i |Σ_j P_ij − a_i|` of the returned potentials; where ρ is finite, a_i is
    /// replaced by what the optimum wants, `a_i exp(−f_i/ρ)`. The columns are exact but
    /// for rounding.
    pub marginal_error: T,
    /// `Σ_ij P_ij`.
    pub mass: T,
    /// Iterations made, over all runs of the state.
    pub iterations: usize,
    /// Whether `marginal_error` is within the threshold.
    pub converged: bool,
}
