//! What implicit and unrolled differentiation have in common: how a loss depends on the last
//! potentials, and on costs and weights directly. The formulas are with [`Cotangents`].

use super::coupling::{Coupling, Stream};
use super::gradient::{Constants, Prices};
use super::gradients::{Gradients, Sink};
use super::sums::{Sums, divisor};
use crate::{Error, Real, check, vector};

/// Derivatives of a loss by what a solved problem offers; what the loss does not use is
/// zero or `None`.
///
/// A loss L is described by its derivatives with respect to the regularised value V, the sharp
/// cost `T = ⟨P,C⟩`, and the potentials: `V̄ = ∂L/∂V` and so on. With
/// `P_ij = a_i b_j exp((f_i + g_j − C_ij)/ε)`, V as the dual value of any potentials, and
/// `φ(p) = −ρ (exp(−p/ρ) − 1)`, or p where ρ is infinite:
///
/// | by | `∂L` with everything else fixed |
/// |---|---|
/// | `f_i` | `f̄_i + (T̄/ε) Σ_j P_ij C_ij + V̄ (a_i exp(−f_i/ρ_a) − Σ_j P_ij)` |
/// | `C_ij` | `P_ij (V̄ + T̄ (1 − C_ij/ε))` |
/// | `a_i` | `(1/a_i) Σ_j P_ij (T̄ C_ij − ε V̄) + V̄ (φ_a(f_i) + ε Σb)` |
///
/// and g, b likewise. What reaches costs and weights by way of the potentials comes on top:
/// through the optimum in [`State::implicit_gradient`](super::State::implicit_gradient), where
/// V does not depend on the potentials, through the iterations in
/// [`Recording::gradient`](super::Recording::gradient).
///
/// **Gauge.** Potentials of a balanced problem are those that a run returns, with
/// `⟨a,f⟩ = ⟨b,g⟩`: any others, f shifted by `½ (⟨b,g⟩ − ⟨a,f⟩)` and g by as much the other way.
/// With `σ = Σ f̄ − Σ ḡ` the shift takes `½ σ a` from f̄ and gives `½ σ b` to ḡ, after which
/// `Σ f̄ = Σ ḡ`, and it adds `−½ σ f` and `½ σ g` to the gradients by weights.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cotangents<'c, T> {
    /// By the regularised value, [`super::Outcome::value`].
    pub value: T,
    /// By the sharp cost, [`super::State::transport_cost`].
    pub transport_cost: T,
    /// By the n row potentials. Zero at atoms without weight.
    pub f: Option<&'c [T]>,
    /// By the m column potentials, likewise.
    pub g: Option<&'c [T]>,
}

/// What comes back from the potentials.
pub(super) struct Through<'l, T> {
    /// λ of the implicit system, for rows and columns.
    pub(super) lambda: Option<(&'l [T], &'l [T])>,
    /// σ of the gauge.
    pub(super) sigma: T,
}

impl<T: Real> Cotangents<'_, T> {
    pub(super) fn check(
        &self,
        operation: &'static str,
        plan: &Coupling<'_, T>,
    ) -> Result<(), Error> {
        for (argument, factor) in [
            ("cotangents.value", self.value),
            ("cotangents.transport_cost", self.transport_cost),
        ] {
            if !factor.is_finite() {
                return Err(Error::Parameter {
                    operation,
                    argument,
                    expected: "finite",
                    got: factor.wide(),
                });
            }
        }
        let sides = [
            ("cotangents.f", self.f, plan.a),
            ("cotangents.g", self.g, plan.b),
        ];
        for (argument, side, weights) in sides {
            let Some(side) = side else { continue };
            check::shape(operation, argument, side, weights.len())?;
            let bad = |(p, w): (&T, &T)| !p.is_finite() || (*w == T::zero() && *p != T::zero());
            if let Some(index) = side.iter().zip(weights).position(bad) {
                return Err(Error::Element {
                    operation,
                    argument,
                    expected: "finite, and zero at an atom without weight",
                    index,
                    got: side.get(index).map_or(f64::NAN, |p| p.wide()),
                });
            }
        }
        Ok(())
    }

    /// Writes `∂L/∂f` and `∂L/∂g`, and returns σ. At convergence, where V does not depend
    /// on the potentials, `converged` leaves it out. `sums` is scratch.
    pub(super) fn by_potentials(
        &self,
        (plan, stream): (&Coupling<'_, T>, &mut Stream<'_, T>),
        constants: &Constants<T>,
        converged: bool,
        (f_bar, g_bar): (&mut [T], &mut [T]),
        sums: (&mut [T], &mut [T]),
    ) -> T {
        for (out, given) in [(&mut *f_bar, self.f), (&mut *g_bar, self.g)] {
            match given {
                Some(given) => vector::copy(out, given),
                None => out.fill(T::zero()),
            }
        }
        let mut sigma = T::zero();
        if constants.balanced {
            sigma = vector::sum_of(f_bar, |p| p) - vector::sum_of(g_bar, |p| p);
            let half = sigma * T::of(0.5);
            vector::add_scaled(f_bar, -half, plan.a);
            vector::add_scaled(g_bar, half, plan.b);
        }
        let mut of = |s: T, t: T| {
            Sums {
                s,
                t,
                k: T::zero(),
                u: None,
                v: None,
                rows: Some(&mut *sums.0),
                columns: Some(&mut *sums.1),
            }
            .of(plan, stream);
            vector::add_scaled(f_bar, T::one(), sums.0);
            vector::add_scaled(g_bar, T::one(), sums.1);
        };
        if self.transport_cost != T::zero() {
            of(T::zero(), self.transport_cost / constants.epsilon);
        }
        if self.value != T::zero() && !converged {
            of(-self.value, T::zero());
            let ((rho_a, rho_b), (mass_a, mass_b)) = (constants.rho, constants.mass);
            let sides = [
                (f_bar, plan.a, plan.f, rho_a, mass_a),
                (g_bar, plan.b, plan.g, rho_b, mass_b),
            ];
            for (out, shares, potentials, rho, mass) in sides {
                for ((slot, &share), &p) in out.iter_mut().zip(shares).zip(potentials) {
                    if share > T::zero() {
                        *slot += self.value * (share * mass) * Prices::wanted(p, rho);
                    }
                }
            }
        }
        sigma
    }

    /// Adds to the gradients what does not go through the potentials and, given the
    /// solution λ of the implicit system, what does: `P_ij (λ_i + λ_j)` by costs,
    /// `−(ε/a_i) Σ_j P_ij λ_j` by weights. The last argument is scratch.
    pub(super) fn add_to(
        &self,
        gradients: &mut Gradients<'_, T>,
        (plan, stream): (&Coupling<'_, T>, &mut Stream<'_, T>),
        constants: &Constants<T>,
        through: &Through<'_, T>,
        reciprocals: &[T],
        [sums, ones]: [(&mut [T], &mut [T]); 2],
    ) {
        let (lambda, sigma) = (through.lambda, through.sigma);
        let epsilon = constants.epsilon;
        let (u, v) = lambda.unzip();
        if gradients.of_pairs() {
            stream.visit(
                plan,
                &mut Sink {
                    s: self.value + self.transport_cost,
                    t: -self.transport_cost / epsilon,
                    u,
                    v,
                    gradients,
                    reciprocals,
                },
            );
        }
        let Some((grad_a, grad_b)) = &mut gradients.weights else {
            return;
        };
        // With λ the problem is at its optimum, and V's slope is known without a sum.
        let converged = lambda.is_some();
        let value = if converged { T::zero() } else { self.value };
        let mut all = Sums {
            s: -epsilon * value,
            t: self.transport_cost,
            k: -epsilon,
            u,
            v,
            rows: Some(&mut *sums.0),
            columns: Some(&mut *sums.1),
        };
        all.of(plan, stream);
        all.complete(plan, stream, constants, ones);
        let ((rho_a, rho_b), (mass_a, mass_b)) = (constants.rho, constants.mass);
        let half = sigma * T::of(0.5);
        let sides = [
            (
                &mut **grad_a,
                &*sums.0,
                plan.a,
                plan.f,
                (rho_a, mass_a, mass_b, -half),
            ),
            (
                &mut **grad_b,
                &*sums.1,
                plan.b,
                plan.g,
                (rho_b, mass_b, mass_a, half),
            ),
        ];
        for (grad, sums, shares, potentials, (rho, mass, other, shift)) in sides {
            let atoms = sums.iter().zip(shares).zip(potentials);
            for (slot, ((&sum, &share), &p)) in grad.iter_mut().zip(atoms) {
                let slope = if converged {
                    constants.slope(p, rho, other)
                } else {
                    Prices::price(p, rho) + epsilon * other
                };
                *slot += self.value * slope + shift * p + sum / divisor(share, mass);
            }
        }
    }
}
