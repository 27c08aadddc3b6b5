//! The entropic transport problem and what is checked about it once.

use super::rows::CostRows;
use super::weights::Weights;
use crate::cost::Cost;
use crate::{Error, Real, check};

/// Where the costs `C_ij` come from.
#[derive(Clone, Copy, Debug)]
pub enum CostSource<'a, T> {
    /// An `n × m` matrix, row-major. +∞ forbids a pair; NaN, −∞ and numbers within a
    /// factor of 8 of overflow are refused.
    Matrix(&'a [T]),
    /// Two clouds of points. Costs are computed when they are needed, a few rows at a
    /// time, so that memory is `O((n + m) dim)`; in exchange every iteration computes
    /// them again, `n m dim` multiplications.
    Points {
        /// The cost between two rows.
        cost: Cost,
        /// `n × dim`, row-major.
        x: &'a [T],
        /// `m × dim`, row-major.
        y: &'a [T],
        /// Numbers in a row.
        dim: usize,
    },
}

/// `min_P ⟨P,C⟩ + ε KL(P | a⊗b) + ρ_a KL(P1 | a) + ρ_b KL(Pᵀ1 | b)`, with
/// `KL(p|q) = Σ p log(p/q) − p + q`. Where ρ is infinite the marginal is imposed.
///
/// ```
/// use kernels_core::sinkhorn::{CostSource, Problem};
///
/// let cost = [0.0, 1.0, 4.0, 1.0, 0.0, 1.0];
/// let balanced = Problem::new(CostSource::Matrix(&cost), 2, 3);
/// let unbalanced = balanced.with_weights(&[0.2, 0.8], &[0.5, 0.25, 0.25]).unbalanced(1.0, 1.0);
/// assert_eq!(unbalanced.n, 2);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Problem<'a, T> {
    /// The costs.
    pub cost: CostSource<'a, T>,
    /// Rows: atoms of the first measure.
    pub n: usize,
    /// Columns: atoms of the second measure.
    pub m: usize,
    /// Weights of the rows, or `None` for `1/n` each. They may be zero. In a balanced
    /// problem they must sum to one within 0.1 %, and the rest is divided out; in an
    /// unbalanced one any positive mass will do.
    pub a: Option<&'a [T]>,
    /// Weights of the columns, likewise.
    pub b: Option<&'a [T]>,
    /// Price ρ of creating or destroying mass at the rows; +∞ forbids it.
    pub rho_a: T,
    /// The same at the columns.
    pub rho_b: T,
    /// Whether to store the kernel, for which [`Problem::workspace_len`] then has room:
    /// `n m` numbers more, and iterations several times faster (an order of magnitude,
    /// where the kernel fits a cache) wherever many are made at one ε.
    pub store_kernel: bool,
}

impl<'a, T: Real> Problem<'a, T> {
    /// A balanced problem with uniform weights.
    #[must_use]
    pub fn new(cost: CostSource<'a, T>, n: usize, m: usize) -> Self {
        Self {
            cost,
            n,
            m,
            a: None,
            b: None,
            rho_a: T::infinity(),
            rho_b: T::infinity(),
            store_kernel: false,
        }
    }

    /// The same with the kernel stored: iterations without exponentials, for `n m` numbers.
    ///
    /// A pass over the costs at potentials (f°, g°) computes the terms
    /// `K_ij = exp((f°_i + g°_j − C_ij)/ε)`. Kept, they serve later potentials too:
    ///
    /// | | |
    /// |---|---|
    /// | row sum relative to f° | `r_i = Σ_j K_ij b_j exp((g_j − g°_j)/ε)` |
    /// | new row potential | `f'_i = f°_i − ε log r_i` |
    /// | column sum relative to g° | `t_j = Σ_i K_ij a_i / r_i` |
    /// | new column potential | `g'_j = g°_j − ε log t_j` |
    ///
    /// Two multiplications for each pair instead of an exponential: as fast as memory gives
    /// the kernel. This is the log-domain iteration, not `K = exp(−C/ε)`, which breaks at
    /// small ε: potentials are absorbed into the kernel (Schmitzer 2019, section 3.1), and
    /// as soon as one has moved so far that terms which were lost below the smallest number
    /// might count, a pass over the costs replaces the kernel by that of the present
    /// potentials.
    ///
    /// **What is lost.** Terms below 2⁻¹²⁶ (`f32`) are zero. A column's factor is at most 2³⁰,
    /// and a sum that is not between 2⁻⁴⁰ and 2⁴⁰ is not trusted: of a sum of n terms at most
    /// n · 2⁻⁵⁶ is lost.
    ///
    /// Rounding of the exponents is the same in every iteration on one kernel, so its
    /// marginal errors are those of a problem whose costs are changed in the last digit.
    /// Results of a run are therefore confirmed by a last pass over the costs.
    ///
    /// Memory: `n m + n + 2m` numbers more, which [`Problem::workspace_len`] counts. Sweeps over
    /// the plan that follow a solve go by the costs, not by the kernel.
    #[must_use]
    pub fn with_stored_kernel(self) -> Self {
        Self {
            store_kernel: true,
            ..self
        }
    }

    /// The same with weights.
    #[must_use]
    pub fn with_weights(self, a: &'a [T], b: &'a [T]) -> Self {
        Self {
            a: Some(a),
            b: Some(b),
            ..self
        }
    }

    /// The same with marginals that cost `rho_a` and `rho_b` to miss.
    #[must_use]
    pub fn unbalanced(self, rho_a: T, rho_b: T) -> Self {
        Self {
            rho_a,
            rho_b,
            ..self
        }
    }

    /// Whether both marginals are imposed.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        self.rho_a == T::infinity() && self.rho_b == T::infinity()
    }

    /// The slices hold `count` problems, one after the other.
    pub(crate) fn check_lengths(&self, operation: &'static str, count: usize) -> Result<(), Error> {
        let (n, m) = (self.n, self.m);
        let all = |len: usize| len.saturating_mul(count);
        match self.cost {
            CostSource::Matrix(cost) => {
                check::shape(operation, "cost", cost, all(n.saturating_mul(m)))?;
            }
            CostSource::Points { x, y, dim, .. } => {
                check::at_least_one(operation, "dim", dim)?;
                check::shape(operation, "x", x, all(n.saturating_mul(dim)))?;
                check::shape(operation, "y", y, all(m.saturating_mul(dim)))?;
            }
        }
        for (argument, weights, len) in [("a", self.a, n), ("b", self.b, m)] {
            if let Some(weights) = weights {
                check::shape(operation, argument, weights, all(len))?;
            }
        }
        Ok(())
    }

    /// Refuses sizes of zero and prices that are not positive; entries are checked where
    /// they are read first.
    ///
    /// # Errors
    /// Names the size or the price.
    pub fn check(&self, operation: &'static str) -> Result<(), Error> {
        check::at_least_one(operation, "n", self.n)?;
        check::at_least_one(operation, "m", self.m)?;
        for (argument, rho) in [("rho_a", self.rho_a), ("rho_b", self.rho_b)] {
            if rho != T::infinity() {
                check::positive(operation, argument, rho)?;
            }
        }
        Ok(())
    }
}

/// Every atom with mass needs a permitted partner with mass. This is necessary, not
/// sufficient: where no plan exists for subtler reasons the iteration does not
/// converge, and says so. `reached` is scratch for one number for each column.
pub(super) fn check_partners<T: Real>(
    operation: &'static str,
    rows: &CostRows<'_, T>,
    a: &Weights<'_, T>,
    b: &Weights<'_, T>,
    reached: &mut [T],
) -> Result<(), Error> {
    let CostRows::Matrix { cost, m } = *rows else {
        // Costs between points are finite.
        return Ok(());
    };
    let open = |weight: T, entry: T| weight > T::zero() && entry < T::infinity();
    reached.fill(T::zero());
    for (index, (row, &weight)) in cost.chunks_exact(m.max(1)).zip(a.share.iter()).enumerate() {
        if weight == T::zero() {
            continue;
        }
        if !row.iter().zip(b.share.iter()).any(|(&c, &b)| open(b, c)) {
            return Err(Error::Infeasible {
                operation,
                side: "row",
                index,
            });
        }
        for (mark, &entry) in reached.iter_mut().zip(row) {
            if open(weight, entry) {
                *mark = T::one();
            }
        }
    }
    let mut marks = reached.iter().zip(b.share.iter());
    match marks.position(|(&mark, &weight)| weight > mark) {
        None => Ok(()),
        Some(index) => Err(Error::Infeasible {
            operation,
            side: "column",
            index,
        }),
    }
}
