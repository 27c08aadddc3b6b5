//! Sweeps over a coupling: the plan, or what stands in its place between two half steps.
//!
//! A coupling is never stored. Its entries are computed a row (or the part of one that a
//! block has) at a time and shown to a [`Visitor`], in blocks that run side by side.

use core::ops::Range;

use super::blocks::{Round, Writes};
use super::look_ahead::mask;
use super::rows::CostRows;
use super::weights::Scale;
use crate::level::{Level, Task};
use crate::panel::GROUP;
use crate::parallel::{Pieces, inside_pool, run_all};
use crate::{Real, vector};

/// `Q_ij = scale · a_i b_j exp((φ f_i + γ g_j − C_ij)/ε)`.
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

/// What is computed from the entries of a coupling.
pub(super) trait Visitor<T: Real> {
    /// What sees the entries of one block, and owns what it writes for them.
    type Part<'p>: Part<T>
    where
        Self: 'p;

    /// How it may be shared out.
    fn writes(&self) -> Writes;

    /// Multiplications for each pair, or so: whether threads are worth it.
    fn work(&self) -> usize {
        1
    }

    /// Its parts in a round, one for each row block.
    fn parts(&mut self, round: Round) -> impl Iterator<Item = Self::Part<'_>>;
}

/// A visitor's part.
pub(super) trait Part<T>: Send {
    /// Row `i` of the block: costs and masses, one of each for every column of the block.
    /// Rows come in order; rows without mass are left out.
    fn row<L: Level>(&mut self, i: usize, costs: &[T], masses: &[T]);
}

/// Two visitors on one visit.
impl<T: Real, A: Visitor<T>, B: Visitor<T>> Visitor<T> for (A, B) {
    type Part<'p>
        = (A::Part<'p>, B::Part<'p>)
    where
        Self: 'p;

    fn writes(&self) -> Writes {
        self.0.writes().max(self.1.writes())
    }

    fn work(&self) -> usize {
        self.0.work().saturating_add(self.1.work())
    }

    fn parts(&mut self, round: Round) -> impl Iterator<Item = Self::Part<'_>> {
        self.0.parts(round).zip(self.1.parts(round))
    }
}

impl<T: Real, A: Part<T>, B: Part<T>> Part<T> for (A, B) {
    #[inline(always)]
    fn row<L: Level>(&mut self, i: usize, costs: &[T], masses: &[T]) {
        self.0.row::<L>(i, costs, masses);
        self.1.row::<L>(i, costs, masses);
    }
}

/// The costs, and scratch.
#[derive(Debug)]
pub(super) struct Stream<'p, T> {
    pub(super) rows: CostRows<'p, T>,
    pub(super) rate: T,
    pub(super) masked: &'p mut [T],
    /// [`GROUP`] rows for each chunk of rows.
    pub(super) terms: &'p mut [T],
    /// The same, or nothing where costs are in a matrix.
    pub(super) tiles: &'p mut [T],
}

impl<T: Real> Stream<'_, T> {
    /// Shows a coupling to a visitor.
    pub(super) fn visit<V: Visitor<T> + Send>(&mut self, of: &Coupling<'_, T>, visitor: &mut V) {
        mask(of.b, of.g, self.masked);
        vector::scale(self.masked, of.g_factor);
        let pairs = of.f.len().saturating_mul(of.g.len());
        let work = visitor.work().saturating_add(self.rows.work());
        inside_pool(pairs.saturating_mul(work), || {
            for round in Round::all(visitor.writes(), of.f.len(), of.g.len()) {
                self.meet(round, of, visitor);
            }
        });
    }

    /// One round.
    fn meet<V: Visitor<T>>(&mut self, round: Round, of: &Coupling<'_, T>, visitor: &mut V) {
        let (rows, rate, g) = (self.rows, self.rate, &*self.masked);
        let work = visitor.work().saturating_add(rows.work());
        let memory = Pieces::new(self.terms, round.width() * GROUP);
        let memory = memory.zip(Pieces::new(self.tiles, round.width() * GROUP));
        let parts = visitor.parts(round).take(round.blocks).zip(memory);
        let tasks = parts.enumerate().map(|(k, (part, (terms, tile)))| Sweep {
            rows,
            rate,
            scale: of.scale,
            f_factor: of.f_factor,
            first: round.first_row(k),
            columns: round.columns(k),
            f: round.of_rows(of.f, 1, k),
            a: round.of_rows(of.a, 1, k),
            g: round.of_columns(g, 1, k),
            b: round.of_columns(of.b, 1, k),
            terms,
            tile,
            part,
        });
        let pairs = round.blocks.saturating_mul(round.width());
        let pairs = pairs.saturating_mul(round.first_row(1));
        run_all(tasks, pairs.saturating_mul(work));
    }
}

/// The rows of one block, in groups.
struct Sweep<'p, T, P> {
    rows: CostRows<'p, T>,
    rate: T,
    scale: Scale<T>,
    f_factor: T,
    first: usize,
    columns: Range<usize>,
    f: &'p [T],
    a: &'p [T],
    /// γ g, −∞ at zero weights.
    g: &'p [T],
    b: &'p [T],
    terms: &'p mut [T],
    tile: &'p mut [T],
    part: P,
}

impl<T: Real, P: Part<T>> Task for Sweep<'_, T, P> {
    type Output = ();

    #[inline(always)]
    fn run<L: Level>(mut self) {
        let (width, rate) = (self.g.len(), self.rate);
        let Scale { factor, power } = self.scale;
        if width == 0 {
            return;
        }
        let mut done = 0;
        for (f, a) in self.f.chunks(GROUP).zip(self.a.chunks(GROUP)) {
            let (first, columns) = (self.first + done, self.columns.clone());
            let (costs, stride) = self.rows.group::<L>(first, f.len(), columns, self.tile);
            let rows = costs.chunks(stride.max(1)).zip(f.iter().zip(a));
            let rows = rows.zip(self.terms.chunks_exact_mut(width));
            for (r, ((costs, (&f, &a)), masses)) in rows.enumerate() {
                if a == T::zero() {
                    continue;
                }
                let costs = costs.get(..width).unwrap_or_default();
                let (f, scale) = (self.f_factor * f, a * factor);
                let sides = self.g.iter().zip(self.b);
                for ((mass, &c), (&g, &b)) in masses.iter_mut().zip(costs).zip(sides) {
                    *mass = (scale * b) * (((f - c) + g) * rate + power).exp2_at::<L>();
                }
                self.part.row::<L>(done + r, costs, masses);
            }
            done += f.len();
        }
    }
}
