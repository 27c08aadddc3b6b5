//! Rows of the cost matrix on demand: read from a matrix, or computed from points.
//!
//! For points, `C_ij = κ ‖u_i − v_j‖²` with κ = 1 and raw rows for the squared Euclidean
//! cost, κ = ½ and unit rows for the cosine cost. The y side is kept in panels.

use super::problem::{CostSource, Problem};
use crate::cost::Cost;
use crate::level::{Level, Task, dispatch};
use crate::panel::{GROUP, PANEL, distances, four_rows};
use crate::parallel::Pieces;
use crate::{Error, Real, check, normalize, vector};

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

/// What the solver has to know about the entries of the cost matrix.
#[derive(Clone, Copy, Debug)]
pub(super) struct CostRange<T> {
    /// At least the largest minus the smallest permitted entry.
    pub(super) width: T,
    /// Whether a pair is forbidden.
    pub(super) masked: bool,
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

    /// Costs of `count ≤ GROUP` rows from `first` on, `count × m`, row-major. `tile` has
    /// [`tile_len`] elements.
    #[inline(always)]
    pub(super) fn group<'t, L: Level>(
        &self,
        first: usize,
        count: usize,
        tile: &'t mut [T],
    ) -> &'t [T]
    where
        's: 't,
    {
        match *self {
            Self::Matrix { cost, m } => {
                let rows = cost.get(first * m..(first + count) * m);
                rows.unwrap_or_default()
            }
            Self::Points {
                x,
                panels,
                m,
                dim,
                factor,
            } => {
                let rows = x.get(first * dim..(first + count) * dim);
                let rows = four_rows(rows.unwrap_or_default(), dim, count);
                for (p, panel) in panels.chunks_exact((PANEL * dim).max(1)).enumerate() {
                    let sums = distances::<L, T>(rows, panel.as_chunks().0);
                    let (start, end) = (p * PANEL, m.min((p + 1) * PANEL));
                    for (r, sums) in sums.iter().enumerate().take(count) {
                        let out = tile.get_mut(r * m + start..r * m + end);
                        for (slot, &sum) in out.unwrap_or_default().iter_mut().zip(sums) {
                            *slot = factor * sum;
                        }
                    }
                }
                tile.get(..count * m).unwrap_or_default()
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

/// An upper bound of the squared distance between two points: twice the largest
/// distance from the first, squared.
fn diameter_bound<T: Real>(x: &[T], y: &[T], dim: usize) -> T {
    let Some(centre) = x.get(..dim) else {
        return T::zero();
    };
    let rows = x.chunks_exact(dim).chain(y.chunks_exact(dim));
    let radius = rows.fold(T::zero(), |largest, row| {
        // In this order a NaN from an overflow is kept.
        let square = vector::squared_distance(row, centre);
        if square <= largest { largest } else { square }
    });
    T::of(4.0) * radius
}

/// Width and mask of a matrix, and a check of every entry.
fn matrix_range<T: Real>(operation: &'static str, cost: &[T]) -> Result<CostRange<T>, Error> {
    let scan = dispatch(Scan(cost));
    if scan.refused {
        let good = |entry: T| entry == T::infinity() || entry.abs() <= check::room();
        let index = cost.iter().position(|&entry| !good(entry)).unwrap_or(0);
        return Err(Error::Element {
            operation,
            argument: "cost",
            expected: "+inf (a forbidden pair), or at most an eighth of the largest number",
            index,
            got: cost.get(index).map_or(f64::NAN, |entry| entry.wide()),
        });
    }
    // With every pair forbidden there is no width; the partners are checked elsewhere.
    let width = if scan.low <= scan.high {
        scan.high - scan.low
    } else {
        T::zero()
    };
    Ok(CostRange {
        width,
        masked: scan.masked,
    })
}

/// Smallest and largest permitted entry, and whether there are others.
struct Scan<'c, T>(&'c [T]);

struct Scanned<T> {
    low: T,
    high: T,
    masked: bool,
    refused: bool,
}

impl<T: Real> Task for Scan<'_, T> {
    type Output = Scanned<T>;

    #[inline(always)]
    fn run<L: Level>(self) -> Scanned<T> {
        const LANES: usize = 32;
        let (mut low, mut high) = ([T::infinity(); LANES], [T::neg_infinity(); LANES]);
        let (mut masked, mut refused) = ([false; LANES], [false; LANES]);
        let mut visit = |l: usize, entry: T| {
            let infinite = entry == T::infinity();
            masked[l] |= infinite;
            refused[l] |= !infinite & !(entry.abs() <= check::room());
            low[l] = if entry < low[l] { entry } else { low[l] };
            let permitted = if infinite { T::neg_infinity() } else { entry };
            high[l] = if permitted > high[l] {
                permitted
            } else {
                high[l]
            };
        };
        let (chunks, rest) = self.0.as_chunks::<LANES>();
        for chunk in chunks {
            for (l, &entry) in chunk.iter().enumerate() {
                visit(l, entry);
            }
        }
        for (l, &entry) in (0..LANES).zip(rest) {
            visit(l, entry);
        }
        Scanned {
            low: low.into_iter().fold(T::infinity(), T::min),
            high: high.into_iter().fold(T::neg_infinity(), T::max),
            masked: masked.contains(&true),
            refused: refused.contains(&true),
        }
    }
}
