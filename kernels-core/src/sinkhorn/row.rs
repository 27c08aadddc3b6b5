//! From the sum over a row to its next potential, its error and its share of the
//! columns: the formulas that every pass has in common.

use super::series::Series;
use crate::Real;
use crate::level::Level;

/// How one side's potential follows from its soft minimum.
#[derive(Clone, Copy, Debug)]
pub struct Damping<T> {
    /// ρ of this side.
    pub rho: T,
    /// ρ/(ρ+ε); 1 where the marginal is imposed.
    pub tau: T,
    /// ω; 1 is the plain iteration.
    pub omega: T,
    /// Logarithm of the other side's mass.
    pub log_mass: T,
}

impl<T: Real> Damping<T> {
    /// For a price ρ, over-relaxation ω and the logarithm of the other side's mass.
    #[inline(always)]
    pub fn new(rho: T, epsilon: T, omega: T, log_mass: T) -> Self {
        let tau = if rho == T::infinity() {
            T::one()
        } else {
            rho / (rho + epsilon)
        };
        Self {
            rho,
            tau,
            omega,
            log_mass,
        }
    }

    #[inline(always)]
    fn is_plain(&self) -> bool {
        self.tau == T::one() && self.omega == T::one() && self.log_mass == T::zero()
    }

    /// The next potential, from the soft minimum.
    #[inline(always)]
    pub fn next(&self, old: T, soft_min: T) -> T {
        let target = self.tau * soft_min;
        if self.omega == T::one() {
            target
        } else {
            old + self.omega * (target - old)
        }
    }
}

/// What a row gives.
#[derive(Clone, Copy, Debug)]
pub struct RowOut<T> {
    /// f'.
    pub next: T,
    /// Its term in column j is `weight · terms_j + offset`, times a.
    pub weight: T,
    /// See [`RowOut::weight`].
    pub offset: T,
    /// `s − target`.
    pub excess: T,
    /// s.
    pub total: T,
}

/// What rows are judged and updated by.
#[derive(Clone, Copy, Debug)]
pub struct RowRule<T> {
    /// ε.
    pub epsilon: T,
    /// `1/(ε ln 2)`: exponents are powers of two.
    pub rate: T,
    /// How the potential follows.
    pub damping: Damping<T>,
}

impl<T: Real> RowRule<T> {
    /// For a regularisation ε and how rows are damped.
    #[inline(always)]
    pub fn new(epsilon: T, damping: Damping<T>) -> Self {
        Self {
            epsilon,
            rate: T::of(core::f64::consts::LOG2_E) / epsilon,
            damping,
        }
    }

    /// For a row of present potential `f` whose terms, taken with the potential `shift`
    /// in place of f, sum to `total` (less the unit of the series).
    #[inline(always)]
    pub fn outcome<L: Level, S: Series>(&self, f: T, shift: T, total: T) -> RowOut<T> {
        let log = S::log::<L, T>(total);
        let damping = &self.damping;
        let next = damping.next(f, shift - self.epsilon * (log + damping.log_mass));
        let scale = self.rate * T::of(core::f64::consts::LN_2);
        // exp((f' − shift)/ε), less one in the series around one.
        let moved = if damping.is_plain() {
            S::reciprocal(total)
        } else {
            S::exp::<L, T>((next - shift) * scale)
        };
        let weight = S::unit::<T>() + moved;
        // Row sum over its weight, and what it should be.
        let (excess, sum) = if shift == f && damping.is_plain() {
            (S::excess(total), S::unit::<T>() + total)
        } else {
            let exponent = (f - shift) * scale + log + damping.log_mass;
            // Both may be far from one, where masses are far apart: their difference is
            // taken by way of their ratio. Where ρ is infinite the target is one.
            let target = -f / damping.rho;
            let excess = L::exp(target) * L::exp_m1(exponent - target);
            (excess, L::exp(exponent))
        };
        RowOut {
            next,
            weight,
            offset: S::unit::<T>() * moved,
            excess,
            total: sum,
        }
    }
}

impl<T: Real> RowOut<T> {
    /// A row that no column with mass can be reached from.
    pub fn unreachable() -> Self {
        Self {
            next: T::infinity(),
            weight: T::zero(),
            offset: T::zero(),
            excess: T::zero(),
            total: T::zero(),
        }
    }
}

/// Sums over rows.
#[derive(Clone, Copy, Debug, Default)]
pub struct RowSums<T> {
    /// `Σ a_i |s_i − target_i|`.
    pub error: T,
    /// `Σ a_i s_i`.
    pub mass: T,
    /// What the rows give to every column alike.
    pub offset: T,
    /// Rows with mass whose sum cannot be trusted.
    pub distrusted: usize,
}

impl<T: Real> RowSums<T> {
    /// Adds a row of weight `a`; returns its weight in the columns.
    #[inline(always)]
    pub fn add(&mut self, a: T, out: &RowOut<T>) -> T {
        // A row without mass acts on nothing, and may hold infinite numbers.
        if !(a > T::zero()) {
            return T::zero();
        }
        self.offset += a * out.offset;
        self.error += a * out.excess.abs();
        self.mass += a * out.total;
        a * out.weight
    }

    /// The sums of two groups of rows.
    pub fn plus(self, other: Self) -> Self {
        Self {
            error: self.error + other.error,
            mass: self.mass + other.mass,
            offset: self.offset + other.offset,
            distrusted: self.distrusted + other.distrusted,
        }
    }
}
