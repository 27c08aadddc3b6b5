//! Where gradients go: costs, points, weights, each if wanted.

use super::blocks::{Round, Writes};
use super::coupling::{Part, Visitor};
use super::pull::{PointGradients, PullPart};
use super::weights::Weights;
use crate::level::Level;
use crate::{Error, Real, check, vector};

/// What a loss of a transport problem is differentiated by. Everything that is given is
/// overwritten.
///
/// In a balanced problem weights are divided by their sum first, and so is what the
/// gradient means: `⟨a, grad_a⟩ = 0`, and moving along it needs no projection to keep
/// the sum. At an atom of weight zero it is the slope towards positive weights.
#[derive(Debug, Default)]
pub struct Gradients<'g, T> {
    /// `∂L/∂C`, n × m, row-major; zero at forbidden pairs.
    pub cost: Option<&'g mut [T]>,
    /// `∂L/∂x` and `∂L/∂y`.
    pub points: Option<PointGradients<'g, T>>,
    /// `∂L/∂a` (n) and `∂L/∂b` (m).
    pub weights: Option<(&'g mut [T], &'g mut [T])>,
}

impl<T: Real> Gradients<'_, T> {
    /// Checks lengths and starts from zero.
    pub(super) fn begin(
        &mut self,
        operation: &'static str,
        n: usize,
        m: usize,
        reciprocals: &mut [T],
    ) -> Result<(), Error> {
        if let Some(cost) = &mut self.cost {
            check::shape(operation, "gradients.cost", cost, n.saturating_mul(m))?;
            cost.fill(T::zero());
        }
        if let Some((a, b)) = &mut self.weights {
            check::shape(operation, "gradients.weights.0", a, n)?;
            check::shape(operation, "gradients.weights.1", b, m)?;
            a.fill(T::zero());
            b.fill(T::zero());
        }
        match &mut self.points {
            Some(points) => points.begin(operation, n, m, reciprocals),
            None => Ok(()),
        }
    }

    /// Whether gradients with respect to pairs are wanted.
    pub(super) fn of_pairs(&self) -> bool {
        self.cost.is_some() || self.points.is_some()
    }

    /// Completes the sums; `shares` of a balanced problem.
    pub(super) fn finish(
        &mut self,
        operation: &'static str,
        reciprocals: &[T],
        shares: Option<(&[T], &[T])>,
    ) -> Result<(), Error> {
        if let Some(cost) = &self.cost {
            check::all_fit(operation, "the gradient", cost)?;
        }
        if let Some((a, b)) = &mut self.weights {
            if let Some(shares) = shares {
                centre(a, shares.0);
                centre(b, shares.1);
            }
            check::all_fit(operation, "the gradient", a)?;
            check::all_fit(operation, "the gradient", b)?;
        }
        match &mut self.points {
            Some(points) => points.finish(operation, reciprocals),
            None => Ok(()),
        }
    }
}

/// Takes the mean off: the way back through a division of the weights by their sum.
pub(super) fn centre<T: Real>(grad: &mut [T], shares: &[T]) {
    let mean = vector::dot(shares, grad);
    for slot in grad {
        *slot -= mean;
    }
}

/// An atom of weight zero without a permitted partner has no finite slope.
pub(super) fn finite_slopes<T: Real>(
    operation: &'static str,
    sides: [(&'static str, &Weights<'_, T>, &[T]); 2],
) -> Result<(), Error> {
    for (side, weights, potentials) in sides {
        if weights.some_zero
            && let Some(index) = potentials.iter().position(|p| !p.is_finite())
        {
            return Err(Error::Infeasible {
                operation,
                side,
                index,
            });
        }
    }
    Ok(())
}

/// Adds `W_ij = Q_ij (s + u_i + v_j + t C_ij)`, Q a coupling, to the gradients of pairs.
pub(super) struct Sink<'s, 'g, T> {
    pub(super) s: T,
    pub(super) t: T,
    pub(super) u: Option<&'s [T]>,
    pub(super) v: Option<&'s [T]>,
    pub(super) gradients: &'s mut Gradients<'g, T>,
    pub(super) reciprocals: &'s [T],
}

impl<'s, 'g, T: Real> Sink<'s, 'g, T> {
    /// With W = P.
    pub(super) fn of_plan(gradients: &'s mut Gradients<'g, T>, reciprocals: &'s [T]) -> Self {
        Self {
            s: T::one(),
            t: T::zero(),
            u: None,
            v: None,
            gradients,
            reciprocals,
        }
    }
}

impl<T: Real> Visitor<T> for Sink<'_, '_, T> {
    type Part<'p>
        = SinkPart<'p, T>
    where
        Self: 'p;

    fn writes(&self) -> Writes {
        if self.gradients.points.is_some() {
            Writes::Both
        } else {
            Writes::Rows
        }
    }

    fn work(&self) -> usize {
        let points = self.gradients.points.as_ref();
        points.map_or(1, |points| points.dim.saturating_mul(2))
    }

    fn parts(&mut self, round: Round) -> impl Iterator<Item = SinkPart<'_, T>> {
        let (s, t, u, v) = (self.s, self.t, self.u, self.v);
        let m = round.all_columns();
        let Gradients { cost, points, .. } = &mut *self.gradients;
        let cost = round.rows_mut(cost.as_deref_mut().unwrap_or_default(), m);
        let mut points = points
            .as_mut()
            .map(|points| points.parts(round, self.reciprocals));
        cost.enumerate().map(move |(block, cost)| SinkPart {
            s,
            t,
            u: u.map(|u| round.of_rows(u, 1, block)),
            v: v.map(|v| round.of_columns(v, 1, block)),
            m,
            first: round.columns(block).start,
            cost,
            points: points.as_mut().and_then(Iterator::next),
        })
    }
}

/// [`Sink`] of one block.
pub(super) struct SinkPart<'p, T> {
    s: T,
    t: T,
    u: Option<&'p [T]>,
    v: Option<&'p [T]>,
    m: usize,
    /// The first column.
    first: usize,
    /// Whole rows, or nothing.
    cost: &'p mut [T],
    points: Option<PullPart<'p, T>>,
}

impl<T: Real> Part<T> for SinkPart<'_, T> {
    #[inline(always)]
    fn row<L: Level>(&mut self, i: usize, costs: &[T], masses: &[T]) {
        let at = |side: Option<&[T]>, k: usize| {
            let entry = side.and_then(|side| side.get(k));
            entry.copied().unwrap_or(T::zero())
        };
        let (s, t, v) = (self.s + at(self.u, i), self.t, self.v);
        let weight = |j: usize, c: T, mass: T| mass * (s + at(v, j) + t * c);
        let start = i * self.m + self.first;
        if let Some(row) = self.cost.get_mut(start..start + masses.len()) {
            let pairs = costs.iter().zip(masses);
            // A forbidden pair has no mass and an infinite cost.
            let weight = |c: T, mass: T, s: T| {
                if mass == T::zero() {
                    T::zero()
                } else {
                    mass * (s + t * c)
                }
            };
            match v {
                Some(v) => {
                    for (slot, ((&c, &mass), &v)) in row.iter_mut().zip(pairs.zip(v)) {
                        *slot += weight(c, mass, s + v);
                    }
                }
                None => {
                    for (slot, (&c, &mass)) in row.iter_mut().zip(pairs) {
                        *slot += weight(c, mass, s);
                    }
                }
            }
        }
        if let Some(points) = &mut self.points {
            points.add_row(i, (costs, masses), weight);
        }
    }
}
