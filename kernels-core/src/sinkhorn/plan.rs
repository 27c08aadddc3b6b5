//! The plan of a state: entries and rows on demand, and what it costs.

use super::State;
use super::blocks::{MAX_BLOCKS, Round, Writes};
use super::coupling::{Coupling, Part, Stream, Visitor};
use super::gradients::{Gradients, Sink};
use super::weights::Scale;
use crate::level::Level;
use crate::{Error, Real, check, vector};

const OPERATION: &str = "transport_cost";
const TRANSPORT: &str = "the transport cost";

impl<'s, T: Real> State<'s, T> {
    /// `P_ij`, or `None` outside the matrix. One exponential, and from points O(dim) for the
    /// cost; [`State::cost_gradient`] writes all entries at once.
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

    /// Writes row `i` of the plan, m numbers. On one thread: m exponentials, and from points
    /// O(m dim) for the costs; [`State::cost_gradient`] writes all rows, on all threads.
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

    /// `⟨P,C⟩`, the cost of the plan without the entropic term. One sweep over the plan; no
    /// memory beside the state's.
    ///
    /// # Errors
    /// When it does not fit the scalar type.
    pub fn transport_cost(&mut self) -> Result<T, Error> {
        let mut visitor = Transport::new();
        self.visit_plan(&mut visitor);
        check::fits(OPERATION, TRANSPORT, visitor.total())
    }

    /// Ends with the plan, written over the kernel that the state has stored, and `⟨P,C⟩`.
    pub(crate) fn into_plan(mut self) -> Result<(&'s [T], T), Error> {
        let plan = core::mem::take(&mut self.kernel.entries);
        let mut gradients = Gradients {
            cost: Some(&mut *plan),
            ..Gradients::default()
        };
        gradients.begin(OPERATION, self.f.len(), self.g.len(), &mut [])?;
        let mut visitor = (Sink::of_plan(&mut gradients, &[]), Transport::new());
        self.visit_plan(&mut visitor);
        let total = visitor.1.total();
        check::all_fit(OPERATION, "an entry of the plan", plan)?;
        Ok((plan, check::fits(OPERATION, TRANSPORT, total)?))
    }

    fn scale(&self) -> Scale<T> {
        Scale::of(self.a.mass, self.b.mass)
    }

    /// Shows the plan to a visitor.
    pub(super) fn visit_plan<V: Visitor<T> + Send>(&mut self, visitor: &mut V) {
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
            tiles: self.memory.tiles,
        };
        (coupling, stream)
    }
}

/// `⟨P,C⟩`, block by block.
struct Transport<T> {
    totals: [T; MAX_BLOCKS],
}

impl<T: Real> Transport<T> {
    fn new() -> Self {
        Self {
            totals: [T::zero(); MAX_BLOCKS],
        }
    }

    fn total(&self) -> T {
        vector::sum_of(&self.totals, |total| total)
    }
}

struct TransportPart<'p, T> {
    total: &'p mut T,
}

impl<T: Real> Visitor<T> for Transport<T> {
    type Part<'p>
        = TransportPart<'p, T>
    where
        Self: 'p;

    fn writes(&self) -> Writes {
        Writes::Rows
    }

    fn parts(&mut self, _: Round) -> impl Iterator<Item = TransportPart<'_, T>> {
        self.totals.iter_mut().map(|total| TransportPart { total })
    }
}

impl<T: Real> Part<T> for TransportPart<'_, T> {
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
        *self.total += vector::reduce(masses, costs, carried);
    }
}
