//! The one table of tolerances.
//!
//! An error is absolute, divided by the natural size of the quantity and by its
//! condition number (both named below), and counted in u, the unit roundoff (2⁻⁵³ or
//! 2⁻²⁴). A tolerance is at most 100 times the worst error that occurs on the known
//! file, which [`crate::Survey::too_loose`] tells, so a kernel that gets much worse is
//! noticed, and so is a table that was written by guess. Within that, it leaves room
//! of about ten times the worst for problems not yet seen.
//!
//! Sizes and conditions of transport (f, g, P: the reference's):
//!
//! - κ = 1 + (max|f| + max|g|)/ε, the largest exponent at a pair that carries mass. An
//!   exponent has a rounding error of κu, so has a plan entry relative to itself, and so
//!   have all quantities of first order in the plan. The value is stationary there and
//!   needs no κ.
//! - w, the weakest link: the least mass on the strongest tree that connects all atoms.
//!   Parts of the problem that exchange only the mass w are tied to each other that
//!   weakly, and potentials of the parts against each other are determined by the
//!   marginals to 1/w.
//! - A comparison that would allow an error as large as the quantity itself says
//!   nothing. It is not made, and is reported as undetermined in that scalar.
//! - A solver that has reached its limit of iterations unconverged says how far it is:
//!   the L1 error r of the marginals. One iteration gains ε·KL(a ‖ P1) in value, which
//!   is of second order, r²ε, and what is left is at most εr unless more than 1/r
//!   iterations are. Only the value is compared then, with that allowance, and r itself
//!   has to be at most [`UNCONVERGED_LIMIT`]. The same holds for problems whose
//!   potentials are so large that no digit of their exponents is left (κu ≥ 1). Since
//!   Newton's method finishes what Sinkhorn is too slow for, the latter are the only
//!   known ones.

/// A kind of problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Balanced transport between clouds.
    Balanced,
    /// Balanced transport with an explicit cost matrix.
    BalancedCost,
    /// Unbalanced transport between clouds.
    Unbalanced,
    /// Sinkhorn divergence between clouds.
    Divergence,
    /// Two Gaussians on a grid against the closed form of the continuous ones.
    Gauss,
    /// The contrastive loss.
    NtXent,
    /// Log-sum-exp of a list.
    Lse,
}

impl Kind {
    /// All, in the order of the table that is printed.
    pub const ALL: [Self; 7] = [
        Self::Balanced,
        Self::BalancedCost,
        Self::Unbalanced,
        Self::Divergence,
        Self::Gauss,
        Self::NtXent,
        Self::Lse,
    ];

    /// As it is written in a file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Balanced => "balanced",
            Self::BalancedCost => "balanced_cost",
            Self::Unbalanced => "unbalanced",
            Self::Divergence => "divergence",
            Self::Gauss => "gauss1d_closed_form",
            Self::NtXent => "ntxent",
            Self::Lse => "lse",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quantity {
    /// The optimum or the loss.
    Value,
    /// The optimum from a solver that did not converge.
    UnconvergedValue,
    /// One of the three transports in a divergence.
    Part,
    /// ⟨P,C⟩.
    Transport,
    /// ΣP.
    Mass,
    /// f and g.
    Potential,
    /// P.
    Plan,
    /// The gradient with respect to points or rows.
    Gradient,
}

/// Largest L1 error of the marginals with which an unconverged value is compared at all.
pub(crate) const UNCONVERGED_LIMIT: f64 = 1e-3;

/// (kind, quantity, tolerance in u for f64, for f32). A problem's tag (its ε, its clouds, its
/// masks) is not a key: what makes tags hard is in size and condition, which are computed for
/// each problem, so that a tag not seen before has a tolerance too.
#[rustfmt::skip]
const TABLE: &[(Kind, Quantity, f64, f64)] = &{
    use Kind::*;
    use Quantity::*;
    [
        // Size max(|V|, ⟨a,|f|⟩ + ⟨b,|g|⟩), the sum that the value is; condition
        // 1 + εr/(size·u).
        (Balanced,     Value,            30.0,  30.0),
        (BalancedCost, Value,            30.0,  30.0),
        (Balanced,     UnconvergedValue,  5.0,   5.0),
        (BalancedCost, UnconvergedValue,  5.0,   5.0),
        // Size Σ P|C|, condition κ.
        (Balanced,     Transport,       300.0, 300.0),
        (BalancedCost, Transport,       300.0, 300.0),
        // Size max|f| (g: max|g|), condition κ + 1/w.
        (Balanced,     Potential,       100.0, 100.0),
        (BalancedCost, Potential,       100.0, 100.0),
        // Size max P, condition κ.
        (BalancedCost, Plan,            100.0, 100.0),
        // Size max_i 2 Σ_j P_ij |x_i − y_j|, condition κ.
        (Balanced,     Gradient,       1000.0, 1000.0),
        // Size max(|V|, ε·mass), stationary.
        (Unbalanced,   Value,            30.0,  30.0),
        // Sizes max(⟨P,C⟩, ε·mass), ΣP, max|f|, max|∂x|; condition κ (1 + ρ/ε): a shift of
        // all mass is damped by ρ/(ρ+ε) alone.
        (Unbalanced,   Transport,        30.0,  30.0),
        (Unbalanced,   Mass,            300.0, 300.0),
        (Unbalanced,   Potential,       100.0, 100.0),
        (Unbalanced,   Gradient,        300.0, 300.0),
        // Size: the largest of the three parts; condition κ = 1 + 2 size/ε.
        (Divergence,   Value,            10.0,  10.0),
        (Divergence,   UnconvergedValue,  5.0,   5.0),
        (Divergence,   Part,             30.0,  30.0),
        // Size 2 max a · max |x_i − y_j|, condition κ.
        (Divergence,   Gradient,         30.0,  30.0),
        // Size |V|, condition 1 + εr/(size·u); the grid itself is as exact as 1e-14.
        (Gauss,        Value,            0.05,   3.0),
        (Gauss,        UnconvergedValue,  5.0,   5.0),
        // Size |loss|, condition 1 + 1/τ: cosines have an error of u and are divided by τ.
        (NtXent,       Value,            10.0,   3.0),
        // Rows times their norms; size max_i (1 − exp(−ℓ_i))/(nτ), what the terms of one
        // row add up to; condition 1 + 1/τ.
        (NtXent,       Gradient,         10.0,  10.0),
        // Size 1 + |value|.
        (Lse,          Value,             3.0,   3.0),
    ]
};

/// In u, for a unit roundoff; `None` for a comparison that the table does not foresee.
pub(crate) fn tolerance(kind: Kind, quantity: Quantity, unit: f64) -> Option<f64> {
    let row = TABLE
        .iter()
        .find(|row| row.0 == kind && row.1 == quantity)?;
    // Between the unit roundoffs of the two.
    Some(if unit > 1e-10 { row.3 } else { row.2 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_row_is_double() {
        for (k, row) in TABLE.iter().enumerate() {
            assert!(
                !TABLE[..k]
                    .iter()
                    .any(|other| (other.0, other.1) == (row.0, row.1))
            );
        }
    }

    #[test]
    fn names_lead_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(Kind::from_name("other"), None);
    }
}
