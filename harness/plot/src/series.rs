//! What is drawn: panels of series, thinned out to what a screen can show.

pub use super::axis::Scale;
use super::style::Colour;

/// A curve.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// In the legend.
    pub name: String,
    /// Step and value. Where either is not finite, the curve has a gap.
    pub points: Vec<(f64, f64)>,
    /// Of the curve.
    pub colour: Colour,
}

/// Curves that share an axis.
#[derive(Clone, Debug, Default)]
pub struct Panel {
    /// Above it: what is shown, and in which unit.
    pub title: String,
    /// Of the values.
    pub scale: Scale,
    /// Whether a mean over some steps is drawn over the pale values themselves.
    pub smooth: bool,
    /// In the order of the legend.
    pub series: Vec<Series>,
}

/// Steps that a mean is taken over, for a curve of `points`: an odd number, a
/// fortieth of the curve. Short curves are shown as they are: 1.
pub(super) fn window(points: usize) -> usize {
    const SHORT: usize = 80;
    if points < SHORT { 1 } else { (points / 40) | 1 }
}

/// Each value's mean with its neighbours, half a window on each side as far as there
/// are any. What is not finite takes no part, and stays a gap.
pub(super) fn smoothed(points: &[(f64, f64)], window: usize) -> Vec<(f64, f64)> {
    let half = window / 2;
    let mean_at = |i: usize| {
        let (from, to) = (i.saturating_sub(half), (i + half + 1).min(points.len()));
        let near = points[from..to]
            .iter()
            .map(|point| point.1)
            .filter(|y| y.is_finite());
        let count = near.clone().count() as f64;
        // Divided before it is added up: values near the largest float do not overflow.
        near.map(|y| y / count).sum()
    };
    let value =
        |(i, &(x, y)): (usize, &(f64, f64))| (x, if y.is_finite() { mean_at(i) } else { y });
    points.iter().enumerate().map(value).collect()
}

/// The unbroken parts of a curve in pixels, where `place` gives none for a gap.
pub(super) fn runs(
    points: &[(f64, f64)],
    place: impl Fn(f64, f64) -> Option<(f64, f64)>,
) -> Vec<Vec<(f64, f64)>> {
    let places: Vec<Option<(f64, f64)>> = points.iter().map(|&(x, y)| place(x, y)).collect();
    let runs = places.split(Option::is_none).filter(|run| !run.is_empty());
    runs.map(|run| thinned(run.iter().flatten().copied()))
        .collect()
}

/// At most four points for each half pixel of width: where the curve enters it, its
/// ends in height, and where it leaves. The picture is the same, and a long run's
/// file stays small.
fn thinned(points: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::new();
    let mut column: Vec<(f64, f64)> = Vec::new();
    let column_of = |x: f64| (2.0 * x).floor();
    for point in points {
        if column
            .first()
            .is_some_and(|first| column_of(first.0) != column_of(point.0))
        {
            kept.append(&mut column);
        }
        column.push(point);
        if column.len() > 4 {
            // The most dispensable of the three inside: neither highest nor lowest.
            let mut inner = [1, 2, 3];
            inner.sort_by(|&a, &b| column[a].1.total_cmp(&column[b].1));
            column.remove(inner[1]);
        }
    }
    kept.append(&mut column);
    kept
}
