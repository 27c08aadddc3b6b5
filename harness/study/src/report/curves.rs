//! Training curves of a group, from the `metrics.jsonl` of its runs.

use std::path::Path;

use harness_plot::{AxisOf, Chart, Scale, Series, Size, Tile};
use harness_run::metrics;
use serde::Deserialize;

use crate::{names, summary::Group};

/// Points of a curve: more than a small chart has pixels to show.
const POINTS: usize = 120;

/// What is read of a record.
#[derive(Deserialize)]
struct Step {
    step: u64,
    #[serde(default)]
    loss: Option<f64>,
}

/// The objective over the steps, a curve per seed; `None` where no run has begun.
pub fn tile(group: &Group, title: String) -> Option<Tile> {
    let curves: Vec<Series> = group
        .cells
        .iter()
        .filter_map(|cell| {
            let points = read(&cell.folder)?;
            Some(Series {
                name: format!("seed {}", cell.cell.seed),
                points,
                colour: names::colour(&cell.cell.method),
            })
        })
        .collect();
    (!curves.is_empty()).then(|| {
        Tile::Chart(Chart {
            title,
            x: AxisOf {
                title: "optimiser step".to_owned(),
                ..AxisOf::default()
            },
            y: AxisOf {
                scale: Scale::Linear,
                ..AxisOf::default()
            },
            curves,
            size: Size::Small,
            ..Chart::default()
        })
    })
}

/// Step and loss; `None` if there is nothing to read. A file that is damaged is one that
/// cannot be drawn: the run's own report of it is its state.
fn read(folder: &Path) -> Option<Vec<(f64, f64)>> {
    let steps: Vec<Step> = metrics::read(&folder.join("metrics.jsonl")).ok()?;
    let points: Vec<(f64, f64)> = steps
        .iter()
        .map(|step| (step.step as f64, step.loss.unwrap_or(f64::NAN)))
        .collect();
    (!points.is_empty()).then(|| thinned(&points))
}

/// Means over equal numbers of steps; a gap where none of them has a value.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mean = |part: &[(f64, f64)]| {
        let known: Vec<f64> = part
            .iter()
            .map(|point| point.1)
            .filter(|y| y.is_finite())
            .collect();
        let count = known.len() as f64;
        let y = if known.is_empty() {
            f64::NAN
        } else {
            known.iter().map(|y| y / count).sum()
        };
        (part.last().map_or(f64::NAN, |point| point.0), y)
    };
    points
        .chunks(points.len().div_ceil(POINTS).max(1))
        .map(mean)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_curves_become_means() {
        let long: Vec<(f64, f64)> = (1..=1200).map(|i| (f64::from(i), f64::from(i))).collect();
        let thin = thinned(&long);
        assert_eq!(thin.len(), POINTS);
        assert_eq!(thin.first(), Some(&(10.0, 5.5)));
        assert_eq!(thin.last().map(|point| point.0), Some(1200.0));
        let nan = thinned(&[(1.0, f64::NAN), (2.0, 3.0)]);
        assert!(nan[0].1.is_nan() && nan[1] == (2.0, 3.0));
        assert!(thinned(&[]).is_empty());
    }
}
