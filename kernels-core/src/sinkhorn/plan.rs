//! The plan of a state, row by row: it is never stored.

use super::State;
use super::look_ahead::mask;
use super::rows::CostRows;
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
        let exponent = ((f - cost) + g) * self.rate();
        let masses = (a * self.a.mass) * (b * self.b.mass);
        Some(masses * exponent.exp2())
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

    /// Shows the rows of the plan to a visitor, in order; rows without mass are left out.
    pub(super) fn visit_plan<V: PlanVisitor<T>>(&mut self, visitor: &mut V) {
        let g = mask(self.b.share, self.g, self.masked);
        dispatch(Sweep {
            rows: self.rows,
            f: self.f,
            a: self.a.share,
            g,
            b: self.b.share,
            mass: self.a.mass * self.b.mass,
            rate: T::of(core::f64::consts::LOG2_E) / self.epsilon,
            terms: self.memory.terms,
            tile: self.memory.tiles,
            visitor,
        });
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

/// The rows of a plan in groups.
struct Sweep<'p, T, V> {
    rows: CostRows<'p, T>,
    f: &'p [T],
    a: &'p [T],
    g: &'p [T],
    b: &'p [T],
    mass: T,
    rate: T,
    terms: &'p mut [T],
    tile: &'p mut [T],
    visitor: &'p mut V,
}

impl<T: Real, V: PlanVisitor<T>> Task for Sweep<'_, T, V> {
    type Output = ();

    #[inline(always)]
    fn run<L: Level>(self) {
        let m = self.g.len();
        let rate = self.rate;
        let mut first = 0;
        for (f, a) in self.f.chunks(GROUP).zip(self.a.chunks(GROUP)) {
            let costs = self.rows.group::<L>(first, f.len(), self.tile);
            let rows = costs.chunks_exact(m).zip(self.terms.chunks_exact_mut(m));
            for (r, ((costs, masses), (&f, &a))) in rows.zip(f.iter().zip(a)).enumerate() {
                if a == T::zero() {
                    continue;
                }
                let scale = a * self.mass;
                let sides = self.g.iter().zip(self.b);
                for ((mass, &c), (&g, &b)) in masses.iter_mut().zip(costs).zip(sides) {
                    *mass = (scale * b) * (((f - c) + g) * rate).exp2_at::<L>();
                }
                self.visitor.row::<L>(first + r, costs, masses);
            }
            first += f.len();
        }
    }
}
