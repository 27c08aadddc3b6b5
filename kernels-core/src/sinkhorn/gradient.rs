//! Gradients of the regularised value by the envelope theorem. What they are and when they are
//! right stands with the three methods; the way from the plan to the points is in `pull.rs`.

use super::State;
use super::gradients::{Gradients, Sink, centre, finite_slopes};
use super::pull::PointGradients;
use crate::cost::Cost;
use crate::level::{Level, Plain};
use crate::{Error, Real, check};

const OPERATION: &str = "envelope_gradient";

impl<T: Real> State<'_, T> {
    /// Writes the gradient of the regularised value with respect to the points whose
    /// costs the problem holds: `x` (n rows of `dim` numbers) to `grad_x`, `y` (m rows) to
    /// `grad_y`. If the cost matrix was divided by a constant, divide the result by it too.
    ///
    /// Envelope theorem: at the optimum the plan and the potentials do not contribute to
    /// first order; only what the dual objective says about its own data counts.
    ///
    /// | by | gradient |
    /// |---|---|
    /// | costs | `∂V/∂C_ij = P_ij`: [`State::cost_gradient`] |
    /// | points | `∂V/∂x_i = Σ_j P_ij ∂C_ij/∂x_i`, likewise y: see [`PointGradients`] |
    /// | weights | [`State::weight_gradient`] |
    ///
    /// **When it is right:** for the regularised value, [`Outcome::value`](super::Outcome::value),
    /// at convergence. Before it, the error is of the order of the marginal error, far larger
    /// than that of the value, which is of second order; [`State::record`] leads to the
    /// gradient of what was computed. For the sharp cost `⟨P,C⟩` it is the wrong gradient; see
    /// [`State::implicit_gradient`].
    ///
    /// One sweep over the plan and `n m dim` multiplications; no memory beside the state's.
    ///
    /// # Errors
    /// Wrong lengths, a row without direction under [`Cost::Cosine`], or a gradient
    /// that does not fit the scalar type.
    pub fn envelope_gradient(
        &mut self,
        cost: Cost,
        x: &[T],
        y: &[T],
        dim: usize,
        grad_x: &mut [T],
        grad_y: &mut [T],
    ) -> Result<(), Error> {
        let (n, m) = (self.f.len(), self.g.len());
        let points = PointGradients {
            cost,
            x,
            y,
            dim,
            grad_x,
            grad_y,
        };
        let mut gradients = Gradients {
            points: Some(points),
            ..Gradients::default()
        };
        // The column sums are free between steps.
        let columns = core::mem::take(&mut self.memory.columns);
        let reciprocals = columns.get_mut(..m).unwrap_or_default();
        let mut result = gradients.begin(OPERATION, n, m, reciprocals);
        if result.is_ok() {
            self.visit_plan(&mut Sink::of_plan(&mut gradients, reciprocals));
            result = gradients.finish(OPERATION, reciprocals, None);
        }
        self.memory.columns = columns;
        result
    }

    /// Writes the gradient of the regularised value with respect to the costs, which is the
    /// plan, `∂V/∂C_ij = P_ij`, to `out` (n × m, row-major). It is zero at forbidden pairs.
    /// Row i alone is what [`State::plan_row`] writes.
    ///
    /// As a gradient it is right where [`State::envelope_gradient`] is: for the regularised
    /// value, at convergence. One sweep over the plan; no memory beside the state's.
    ///
    /// # Errors
    /// A wrong length, or a plan that does not fit the scalar type.
    pub fn cost_gradient(&mut self, out: &mut [T]) -> Result<(), Error> {
        self.write_plan(("cost_gradient", "the gradient"), out)
    }

    /// The same for another operation, which calls it by another name.
    pub(crate) fn write_plan(
        &mut self,
        (operation, quantity): (&'static str, &'static str),
        out: &mut [T],
    ) -> Result<(), Error> {
        let mut gradients = Gradients {
            cost: Some(&mut *out),
            ..Gradients::default()
        };
        gradients.begin(operation, self.f.len(), self.g.len(), &mut [])?;
        self.visit_plan(&mut Sink::of_plan(&mut gradients, &[]));
        check::all_fit(operation, quantity, out)
    }

    /// Writes the gradient of the regularised value with respect to the weights: of the rows
    /// to `grad_a` (n), of the columns to `grad_b` (m).
    ///
    /// | problem | gradient |
    /// |---|---|
    /// | balanced | `∂V/∂a_i = f_i − ⟨a,f⟩` |
    /// | otherwise | `∂V/∂a_i = φ_a(f_i) + ε (Σb − exp(−f_i/ρ_a))` |
    ///
    /// and likewise for b with g, where `φ(p) = −ρ (exp(−p/ρ) − 1)`, or `p` where ρ is
    /// infinite. By the envelope theorem only what the dual objective,
    /// `Σ a_i φ_a(f_i) + Σ b_j φ_b(g_j) − ε Σ a_i b_j (e_ij − 1)` with
    /// `e_ij = exp((f_i + g_j − C_ij)/ε)`, says about the weights themselves counts. The bracket
    /// in the last line of the table is `−Σ_j b_j (e_ij − 1)`, since at the optimum
    /// `Σ_j b_j e_ij = exp(−f_i/ρ_a)`. In a balanced problem it vanishes: KL relative to a⊗b
    /// leaves `f` itself, with no `log a`.
    ///
    /// **Gauge.** Weights that have to sum to one determine their gradient up to a constant;
    /// the one here is that of the value as a function of weights that are divided by their
    /// sum, for which `⟨a, grad_a⟩ = 0`, whatever the gauge of f. An atom of weight zero has
    /// the potential that its costs ask for, so its entry is the slope towards positive weight.
    ///
    /// **When it is right:** for the regularised value, at convergence, as
    /// [`State::envelope_gradient`]. No sweep over the plan, unless a column has no weight; no
    /// memory beside the state's.
    ///
    /// # Errors
    /// Wrong lengths, an atom of weight zero without a permitted partner (its slope is
    /// infinite), or a gradient that does not fit the scalar type.
    pub fn weight_gradient(&mut self, grad_a: &mut [T], grad_b: &mut [T]) -> Result<(), Error> {
        let operation = "weight_gradient";
        check::shape(operation, "grad_a", grad_a, self.f.len())?;
        check::shape(operation, "grad_b", grad_b, self.g.len())?;
        if self.b.some_zero {
            self.fill_zero_columns();
        }
        let sides = [("row", &self.a, &*self.f), ("column", &self.b, &*self.g)];
        finite_slopes(operation, sides)?;
        let constants = self.constants();
        for (grad, &p) in grad_a.iter_mut().zip(self.f.iter()) {
            *grad = constants.slope(p, constants.rho.0, constants.mass.1);
        }
        for (grad, &p) in grad_b.iter_mut().zip(self.g.iter()) {
            *grad = constants.slope(p, constants.rho.1, constants.mass.0);
        }
        if constants.balanced {
            centre(grad_a, self.a.share);
            centre(grad_b, self.b.share);
        }
        check::all_fit(operation, "the gradient", grad_a)?;
        check::all_fit(operation, "the gradient", grad_b)
    }

    pub(super) fn constants(&self) -> Constants<T> {
        Constants {
            epsilon: self.epsilon,
            rho: self.rho,
            mass: (self.a.mass, self.b.mass),
            balanced: self.is_balanced(),
        }
    }
}

/// What the formulas need of a problem beside its costs and weights.
#[derive(Clone, Copy, Debug)]
pub(super) struct Constants<T> {
    pub(super) epsilon: T,
    pub(super) rho: (T, T),
    pub(super) mass: (T, T),
    pub(super) balanced: bool,
}

/// What a potential is worth.
#[derive(Clone, Copy, Debug)]
pub struct Prices;

impl Prices {
    /// `φ(p)`.
    #[inline(always)]
    pub fn price<T: Real>(p: T, rho: T) -> T {
        Self::price_at::<Plain, T>(p, rho)
    }

    /// `φ(p)` by the arithmetic of a level.
    #[inline(always)]
    pub fn price_at<L: Level, T: Real>(p: T, rho: T) -> T {
        if rho == T::infinity() {
            p
        } else {
            -rho * L::exp_m1(-p / rho)
        }
    }

    /// `φ'(p) = exp(−p/ρ)`: what the row sum over `a_i` is at the optimum.
    #[inline(always)]
    pub fn wanted<T: Real>(p: T, rho: T) -> T {
        Self::wanted_at::<Plain, T>(p, rho)
    }

    /// `φ'(p)` by the arithmetic of a level.
    #[inline(always)]
    pub fn wanted_at<L: Level, T: Real>(p: T, rho: T) -> T {
        if rho == T::infinity() {
            T::one()
        } else {
            L::exp(-p / rho)
        }
    }
}

impl<T: Real> Constants<T> {
    /// `∂V/∂a_i`, given the mass of the other side.
    pub(super) fn slope(&self, p: T, rho: T, other_mass: T) -> T {
        let bracket = if self.balanced {
            T::zero()
        } else {
            other_mass - Prices::wanted(p, rho)
        };
        Prices::price(p, rho) + self.epsilon * bracket
    }
}
