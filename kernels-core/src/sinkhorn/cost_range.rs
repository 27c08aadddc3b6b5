//! What the solver has to know about the entries of the cost matrix, found once.

use crate::level::{Level, Task, dispatch};
use crate::{Error, Real, check, vector};

/// How far the permitted costs spread, and whether there are others.
#[derive(Clone, Copy, Debug)]
pub(super) struct CostRange<T> {
    /// At least the largest minus the smallest permitted entry.
    pub(super) width: T,
    /// Whether a pair is forbidden.
    pub(super) masked: bool,
}

/// An upper bound of the squared distance between two points: twice the largest
/// distance from the first, squared.
pub(super) fn diameter_bound<T: Real>(x: &[T], y: &[T], dim: usize) -> T {
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
pub(super) fn matrix_range<T: Real>(
    operation: &'static str,
    cost: &[T],
) -> Result<CostRange<T>, Error> {
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
