//! Rows of the cost matrix on demand: read from a matrix, or computed from points.
//!
//! For points, `C_ij = κ ‖u_i − v_j‖²` with κ = 1 and raw rows for the squared Euclidean
//! cost, κ = ½ and unit rows for the cosine cost. The y side is kept in panels.

use core::ops::Range;

use super::cost_range::{CostRange, diameter_bound, matrix_range};
use super::problem::{CostSource, Problem};
use crate::cost::Cost;
use crate::level::Level;
use crate::panel::{GROUP, PANEL, distances, four_rows};
use crate::parallel::Pieces;
use crate::{Error, Real, check, normalize};

/// Where rows of costs come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum CostRows<'s, T> {
    Matrix {
        cost: &'s [T],
        m: usize,
    },
    Points {
        /// Rows of x, unit rows for the cosine cost.
        x: &'s [T],
        /// Panels of y.
        panels: &'s [T],
        m: usize,
        dim: usize,
        factor: T,
    },
}

/// Workspace elements for [`CostRows::new`].
pub(super) fn rows_workspace_len<T>(problem: &Problem<'_, T>) -> usize {
    match problem.cost {
        CostSource::Matrix(_) => 0,
        CostSource::Points { cost, dim, .. } => {
            let padded = problem.m.saturating_add(PANEL - 1) / PANEL * PANEL;
            let x = if cost == Cost::Cosine { problem.n } else { 0 };
            padded.saturating_add(x).saturating_mul(dim)
        }
    }
}

/// Elements of the tile for [`CostRows::group`].
pub(super) fn tile_len<T>(source: &CostSource<'_, T>, m: usize) -> usize {
    match source {
        CostSource::Matrix(_) => 0,
        CostSource::Points { .. } => m.saturating_mul(GROUP),
    }
}

impl<'s, T: Real> CostRows<'s, T> {
    /// Checks the costs of a problem and prepares them.
    pub(super) fn new(
        operation: &'static str,
        problem: &Problem<'s, T>,
        mut workspace: &'s mut [T],
    ) -> Result<(Self, CostRange<T>), Error> {
        let (n, m) = (problem.n, problem.m);
        match problem.cost {
            CostSource::Matrix(cost) => {
                check::shape(operation, "cost", cost, n.saturating_mul(m))?;
                let range = matrix_range(operation, cost)?;
                Ok((Self::Matrix { cost, m }, range))
            }
            CostSource::Points { cost, x, y, dim } => {
                check::at_least_one(operation, "dim", dim)?;
                check::shape(operation, "x", x, n.saturating_mul(dim))?;
                check::shape(operation, "y", y, m.saturating_mul(dim))?;
                check::finite(operation, "x", x)?;
                check::finite(operation, "y", y)?;
                let unit_len = if cost == Cost::Cosine { x.len() } else { 0 };
                let unit = check::take(&mut workspace, unit_len);
                let panels = workspace;
                let factor = match cost {
                    Cost::SquaredEuclidean => T::one(),
                    Cost::Cosine => T::of(0.5),
                };
                for (j, row) in y.chunks_exact(dim).enumerate() {
                    let norm = match cost {
                        Cost::SquaredEuclidean => T::one(),
                        Cost::Cosine => normalize::checked_norm(operation, "y", row, j)?,
                    };
                    put_into_panel(panels, j, row, norm);
                }
                // As many as `unit` has, which may be none.
                let rows = x.chunks_exact(dim).take(unit_len / dim);
                for (i, (row, out)) in rows.zip(Pieces::new(unit, dim)).enumerate() {
                    let norm = normalize::checked_norm(operation, "x", row, i)?;
                    for (slot, &value) in out.iter_mut().zip(row) {
                        *slot = value / norm;
                    }
                }
                let width = match cost {
                    Cost::SquaredEuclidean => diameter_bound(x, y, dim),
                    Cost::Cosine => T::of(2.0),
                };
                if !(width <= check::room()) {
                    return Err(Error::Overflow {
                        operation,
                        quantity: "a cost",
                        got: width.wide(),
                    });
                }
                let x = if cost == Cost::Cosine { &*unit } else { x };
                let rows = Self::Points {
                    x,
                    panels,
                    m,
                    dim,
                    factor,
                };
                let range = CostRange {
                    width,
                    masked: false,
                };
                Ok((rows, range))
            }
        }
    }

    /// Number of columns.
    #[inline(always)]
    pub(super) fn columns(&self) -> usize {
        match *self {
            Self::Matrix { m, .. } | Self::Points { m, .. } => m,
        }
    }

    /// Multiplications that a cost takes.
    pub(super) fn work(&self) -> usize {
        match *self {
            Self::Matrix { .. } => 0,
            Self::Points { dim, .. } => dim,
        }
    }

    /// One entry, or `None` outside the matrix.
    pub(super) fn entry(&self, i: usize, j: usize) -> Option<T> {
        match *self {
            Self::Matrix { cost, m } => cost.get(i.checked_mul(m)?.checked_add(j)?).copied(),
            Self::Points {
                x,
                panels,
                dim,
                factor,
                ..
            } => {
                let row = x.chunks_exact(dim.max(1)).nth(i)?;
                let panel = panels.chunks_exact((PANEL * dim).max(1)).nth(j / PANEL)?;
                let column = panel.iter().skip(j % PANEL).step_by(PANEL);
                let squares = row.iter().zip(column).map(|(&x, &y)| (x - y) * (x - y));
                Some(factor * squares.fold(T::zero(), |sum, square| sum + square))
            }
        }
    }

    /// Costs of `count ≤ GROUP` rows from `first` on in some columns, and how far a row is
    /// from the next. The columns start with a panel. `tile` has [`GROUP`] numbers for each
    /// of them, or [`tile_len`] for all.
    #[inline(always)]
    pub(super) fn group<'t, L: Level>(
        &self,
        first: usize,
        count: usize,
        columns: Range<usize>,
        tile: &'t mut [T],
    ) -> (&'t [T], usize)
    where
        's: 't,
    {
        match *self {
            Self::Matrix { cost, m } => {
                let last = (first + count).saturating_sub(1);
                let rows = cost.get(first * m + columns.start..last * m + columns.end);
                (rows.unwrap_or_default(), m)
            }
            Self::Points {
                x,
                panels,
                dim,
                factor,
                ..
            } => {
                let rows = x.get(first * dim..(first + count) * dim);
                let rows = four_rows(rows.unwrap_or_default(), dim, count);
                let width = columns.len();
                let panels = panels.chunks_exact((PANEL * dim).max(1));
                let panels = panels.skip(columns.start / PANEL);
                for (panel, start) in panels.zip((0..width).step_by(PANEL)) {
                    let sums = distances::<L, T>(rows, panel.as_chunks().0);
                    let end = width.min(start + PANEL);
                    for (r, sums) in sums.iter().enumerate().take(count) {
                        let out = tile.get_mut(r * width + start..r * width + end);
                        for (slot, &sum) in out.unwrap_or_default().iter_mut().zip(sums) {
                            *slot = factor * sum;
                        }
                    }
                }
                (tile.get(..count * width).unwrap_or_default(), width)
            }
        }
    }
}

fn put_into_panel<T: Real>(panels: &mut [T], j: usize, row: &[T], norm: T) {
    let panel = panels
        .chunks_exact_mut((PANEL * row.len()).max(1))
        .nth(j / PANEL);
    for (coordinates, &value) in panel
        .into_iter()
        .flat_map(|p| p.chunks_exact_mut(PANEL))
        .zip(row)
    {
        if let Some(slot) = coordinates.get_mut(j % PANEL) {
            *slot = value / norm;
        }
    }
}
