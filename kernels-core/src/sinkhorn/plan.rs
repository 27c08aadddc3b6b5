//! The plan of a state, row by row: it is never stored.

use super::State;
use super::look_ahead::mask;
use super::rows::CostRows;
use super::weights::Scale;
use crate::level::{Level, Task, dispatch};
use crate::panel::GROUP;
use crate::{Error, Real, check, vector};

const OPERATION: &str = "transport_cost";

/// Takes the plan in, a row at a time.
pub(super) trait PlanVisitor<T> {
    /// Row `i`: costs and masses, one of each for every column.
    fn row<L: Level>(&mut self, i: usize, costs: &[T], masses: &[T]);
}

impl<T: Real> State<'_, T> {
    /// `P_ij`, or `None` outside the matrix.
    #[must_use]
    pub fn plan(&self, i: usize, j: usize) -> Option<T> {
        let (a, f) = (*self.a.share.get(i)?, *self.f.get(i)?);
        let (b, g) = (*self.b.share.get(j)?, *self.g.get(j)?);
        let cost = self.rows.entry(i, j)?;
        if a == T::zero() || b == T::zero() || cost == T::infinity() {
            return Some(T::zero());
        }
        // In the order of the passes, so that rounding agrees with them.
        let scale = self.scale();
        let exponent = ((f - cost) + g) * self.rate() + scale.power;
        Some((a * scale.factor) * b * exponent.exp2())
    }

    /// Writes row `i` of the plan, m numbers.
    ///
    /// # Errors
    /// A row that does not exist, a wrong length, or an entry that does not fit the scalar
    /// type: before the first step, or where ε is below the rounding of the potentials.
    pub fn plan_row(&self, i: usize, out: &mut [T]) -> Result<(), Error> {
        let operation = "plan_row";
        if i >= self.f.len() {
            return Err(Error::Size {
                operation,
                argument: "i",
                expected: "less than n",
                got: i,
            });
        }
        check::shape(operation, "out", out, self.g.len())?;
        for (j, slot) in out.iter_mut().enumerate() {
            *slot = self.plan(i, j).unwrap_or(T::zero());
        }
        check::all_fit(operation, "an entry of the plan", out)
    }

    /// `⟨P,C⟩`, the cost of the plan without the entropic term.
    ///
    /// # Errors
    /// When it does not fit the scalar type.
    pub fn transport_cost(&mut self) -> Result<T, Error> {
        let mut visitor = Transport { total: T::zero() };
        self.visit_plan(&mut visitor);
        check::fits(OPERATION, "the transport cost", visitor.total)
    }

    fn scale(&self) -> Scale<T> {
        Scale::of(self.a.mass, self.b.mass)
    }

    /// Shows the rows of the plan to a visitor, in order; rows without mass are left out.
    pub(super) fn visit_plan<V: PlanVisitor<T>>(&mut self, visitor: &mut V) {
        let (plan, mut stream) = self.coupling();
        stream.visit(&plan, visitor);
    }

    /// The plan as a coupling, and what it takes to stream it or one like it.
    pub(super) fn coupling(&mut self) -> (Coupling<'_, T>, Stream<'_, T>) {
        let rate = self.rate();
        let coupling = Coupling {
            f: self.f,
            f_factor: T::one(),
            g: self.g,
            g_factor: T::one(),
            a: self.a.share,
            b: self.b.share,
            scale: self.scale(),
        };
        let stream = Stream {
            rows: self.rows,
            rate,
            masked: self.masked,
            terms: self.memory.terms,
            tile: self.memory.tiles,
        };
        (coupling, stream)
    }
}

/// `Q_ij = scale · a_i b_j exp((φ f_i + γ g_j − C_ij)/ε)`: the plan, or what stands in its
/// place between two half steps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coupling<'c, T> {
    pub(super) f: &'c [T],
    /// φ.
    pub(super) f_factor: T,
    pub(super) g: &'c [T],
    /// γ.
    pub(super) g_factor: T,
    /// Rows of weight zero are left out.
    pub(super) a: &'c [T],
    /// Columns of weight zero are zero, whatever their potential.
    pub(super) b: &'c [T],
    pub(super) scale: Scale<T>,
}

/// The costs, and scratch.
#[derive(Debug)]
pub(super) struct Stream<'p, T> {
    pub(super) rows: CostRows<'p, T>,
    pub(super) rate: T,
    pub(super) masked: &'p mut [T],
    pub(super) terms: &'p mut [T],
    pub(super) tile: &'p mut [T],
}

impl<T: Real> Stream<'_, T> {
    /// Shows the rows of a coupling to a visitor, in order.
    pub(super) fn visit<V: PlanVisitor<T>>(&mut self, of: &Coupling<'_, T>, visitor: &mut V) {
        mask(of.b, of.g, self.masked);
        vector::scale(self.masked, of.g_factor);
        dispatch(Sweep {
            rows: self.rows,
            coupling: of,
            g: self.masked,
            rate: self.rate,
            terms: self.terms,
            tile: self.tile,
            visitor,
        });
    }
}

/// Two visitors on one visit.
impl<T: Real, A: PlanVisitor<T>, B: PlanVisitor<T>> PlanVisitor<T> for (&mut A, &mut B) {
    #[inline(always)]
    fn row<L: Level>(&mut self, i: usize, costs: &[T], masses: &[T]) {
        self.0.row::<L>(i, costs, masses);
        self.1.row::<L>(i, costs, masses);
    }
}

struct Transport<T> {
    total: T,
}

impl<T: Real> PlanVisitor<T> for Transport<T> {
    #[inline(always)]
    fn row<L: Level>(&mut self, _: usize, costs: &[T], masses: &[T]) {
        // A forbidden pair has no mass and an infinite cost.
        let carried = |mass: T, cost: T| {
            if mass == T::zero() {
                T::zero()
            } else {
                mass * cost
            }
        };
        self.total += vector::reduce(masses, costs, carried);
    }
}

/// The rows of a coupling in groups.
struct Sweep<'p, T, V> {
    rows: CostRows<'p, T>,
    coupling: &'p Coupling<'p, T>,
    /// γ g, −∞ at zero weights.
    g: &'p [T],
    rate: T,
    terms: &'p mut [T],
    tile: &'p mut [T],
    visitor: &'p mut V,
}

impl<T: Real, V: PlanVisitor<T>> Task for Sweep<'_, T, V> {
    type Output = ();

    #[inline(always)]
    fn run<L: Level>(self) {
        let (m, rate) = (self.g.len().max(1), self.rate);
        let of = self.coupling;
        let Scale { factor, power } = of.scale;
        let mut first = 0;
        for (f, a) in of.f.chunks(GROUP).zip(of.a.chunks(GROUP)) {
            let costs = self.rows.group::<L>(first, f.len(), self.tile);
            let rows = costs.chunks_exact(m).zip(self.terms.chunks_exact_mut(m));
            for (r, ((costs, masses), (&f, &a))) in rows.zip(f.iter().zip(a)).enumerate() {
                if a == T::zero() {
                    continue;
                }
                let (f, scale) = (of.f_factor * f, a * factor);
                let sides = self.g.iter().zip(of.b);
                for ((mass, &c), (&g, &b)) in masses.iter_mut().zip(costs).zip(sides) {
                    *mass = (scale * b) * (((f - c) + g) * rate + power).exp2_at::<L>();
                }
                self.visitor.row::<L>(first + r, costs, masses);
            }
            first += f.len();
        }
    }
}
