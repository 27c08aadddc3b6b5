//! What the transport term is: cost, units, form, price of the marginals.

use crate::cost::{Cost, CostScale, unit_of};
use crate::sinkhorn::SinkhornOptions;
use crate::{Error, Real, check};

/// Parameters of the transport term.
///
/// ```
/// use kernels_core::cost::{Cost, CostScale};
/// use kernels_core::sin_sim::{EpsilonUnit, OtForm, OtOptions};
/// use kernels_core::sinkhorn::SinkhornOptions;
///
/// let sinkhorn = SinkhornOptions { epsilon: 0.05, threshold: 1e-3, max_iterations: 500 };
/// let plain = OtOptions::new(Cost::Cosine, sinkhorn);
/// assert_eq!((plain.form, plain.scale), (OtForm::Plain, CostScale::None));
/// let debiased = OtOptions {
///     form: OtForm::Divergence,
///     epsilon_unit: EpsilonUnit::Maximum,
///     ..plain
/// };
/// # assert_ne!(plain, debiased);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OtOptions<T> {
    /// The cost between rows.
    pub cost: Cost,
    /// What the costs are divided by. With [`CostScale::Maximum`] the value, ε and ρ are in
    /// units of the largest cost between the views. For a divergence the costs within the
    /// views are divided by the same number.
    pub scale: CostScale,
    /// The transport between the views, or the divergence.
    pub form: OtForm,
    /// Price ρ of missing a marginal, on both sides: the term is
    /// `min ⟨P,C⟩ + ε KL(P | a⊗b) + ρ KL(P1 | a) + ρ KL(Pᵀ1 | b)`, so that rows without a
    /// fitting partner transport less than 1/N. In the units of the (scaled) cost; +∞
    /// imposes the marginals. A divergence has it in all three terms.
    pub rho: T,
    /// What ε counts.
    pub epsilon_unit: EpsilonUnit,
    /// ε and when to stop.
    pub sinkhorn: SinkhornOptions<T>,
}

/// The form of the transport term.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OtForm {
    /// `OT_ε(A, B)`. It is smallest where one view has shrunk (the entropic bias), and not
    /// zero for equal views.
    #[default]
    Plain,
    /// `S_ε = OT_ε(A, B) − ½ OT_ε(A, A) − ½ OT_ε(B, B)`: not negative, zero for equal views.
    /// See [`crate::sinkhorn::sinkhorn_divergence`].
    Divergence,
}

/// What `sinkhorn.epsilon` counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EpsilonUnit {
    /// Units of the (scaled) cost.
    #[default]
    Absolute,
    /// The largest (scaled) cost of the batch, between the two views, a constant for the
    /// gradient. Unlike with [`CostScale::Maximum`] the costs, ρ and the value keep their
    /// units; with it the largest scaled cost is 1, and this is the same as
    /// [`EpsilonUnit::Absolute`]. The terms of a divergence have one ε. Costs that are all
    /// zero leave ε as it is.
    Maximum,
}

/// What a batch makes of the options.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OtUnits<T> {
    /// What costs are divided by.
    pub divisor: T,
    /// ε in the units of the quotients.
    pub epsilon: T,
}

impl<T: Real> OtOptions<T> {
    /// The balanced plain term, with nothing scaled.
    #[must_use]
    pub fn new(cost: Cost, sinkhorn: SinkhornOptions<T>) -> Self {
        Self {
            cost,
            scale: CostScale::None,
            form: OtForm::Plain,
            rho: T::infinity(),
            epsilon_unit: EpsilonUnit::Absolute,
            sinkhorn,
        }
    }

    /// Refuses what is outside its domain.
    ///
    /// # Errors
    /// As [`SinkhornOptions::check`]; also a ρ that is neither +∞ nor a positive normal
    /// number.
    pub fn check(&self, operation: &'static str) -> Result<(), Error> {
        if self.rho != T::infinity() {
            check::positive(operation, "rho", self.rho)?;
        }
        self.sinkhorn.check(operation)
    }

    /// Whether the largest cost of a batch matters.
    #[must_use]
    pub fn is_relative(&self) -> bool {
        self.scale == CostScale::Maximum || self.epsilon_unit == EpsilonUnit::Maximum
    }

    /// Divisor and ε for a batch whose largest cost between the views is `largest`, which
    /// matters only to options that are [relative](Self::is_relative).
    ///
    /// # Errors
    /// An ε that is not a positive normal number once it is multiplied.
    pub fn units(&self, operation: &'static str, largest: T) -> Result<OtUnits<T>, Error> {
        let unit = unit_of(largest);
        let epsilon = self.sinkhorn.epsilon;
        let (divisor, epsilon) = match (self.scale, self.epsilon_unit) {
            (CostScale::Maximum, _) => (unit, epsilon),
            (CostScale::None, EpsilonUnit::Absolute) => (T::one(), epsilon),
            (CostScale::None, EpsilonUnit::Maximum) => (T::one(), epsilon * unit),
        };
        check::positive(operation, "epsilon times the largest cost", epsilon)?;
        Ok(OtUnits { divisor, epsilon })
    }

    /// How far to solve, ε being what the units say.
    #[must_use]
    pub fn sinkhorn_at(&self, units: &OtUnits<T>) -> SinkhornOptions<T> {
        SinkhornOptions {
            epsilon: units.epsilon,
            ..self.sinkhorn
        }
    }
}
