//! Inside a chart: where values are on the screen, and what is drawn there.

use plotters::style::Color;

use super::{Chart, Cloud, FAR, Sample, Size, X_ROW};
use crate::{
    axis::Axis,
    canvas::{Align, Canvas, Drawn, Rect, text_width},
    series::runs,
    style::{AXIS, GRID, LABEL, SOFT_INK},
};

/// Room at both ends of the values of x for dots beside their mean.
const SIDE: f64 = 16.0;

/// Where values are on the screen.
pub(super) struct View {
    plot: Rect,
    x: Axis,
    pub(super) y: Axis,
    /// Room that clouds need at the sides.
    side: f64,
    /// There is nothing to be seen.
    pub(super) empty: bool,
}

impl View {
    pub(super) fn of(chart: &Chart, plot: Rect) -> Self {
        let samples = || chart.clouds.iter().flat_map(|cloud| &cloud.samples);
        let points = || chart.curves.iter().flat_map(|curve| &curve.points);
        let xs = samples().map(|sample| sample.x);
        let xs = xs.chain(points().map(|point| point.0));
        let data = || {
            let of_samples = samples().flat_map(Sample::extent);
            of_samples
                .chain(points().map(|point| point.1))
                .filter(|y| y.is_finite())
        };
        let (low, high) = data().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| {
            (low.min(y), high.max(y))
        });
        let empty = low > high;
        let near = |value: &f64| {
            let reach = FAR * (high - low);
            empty || (low - reach..=high + reach).contains(value)
        };
        let levels = chart.levels.iter().map(|level| level.value).filter(near);
        Self {
            plot,
            x: Axis::around(chart.x.scale, xs, 0.0),
            y: Axis::around(chart.y.scale, data().chain(levels), 0.08),
            side: if chart.clouds.is_empty() { 0.0 } else { SIDE },
            empty,
        }
    }

    fn at_x(&self, x: f64) -> Option<f64> {
        let width = self.plot.width - 2.0 * self.side;
        Some(self.plot.left + self.side + self.x.fraction(x)? * width)
    }

    fn at_y(&self, y: f64) -> Option<f64> {
        Some(self.plot.bottom() - self.y.fraction(y)? * self.plot.height)
    }

    pub(super) fn place(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        Some((self.at_x(x)?, self.at_y(y)?))
    }

    pub(super) fn grid(&self, canvas: &Canvas<'_>, chart: &Chart) -> Drawn {
        let plot = self.plot;
        for (value, label) in self.y.ticks((plot.height / 44.0).round() as usize) {
            if let Some(y) = self.at_y(value) {
                canvas.line((plot.left, y), (plot.right(), y), 0.8, GRID)?;
                canvas.text(&label, (plot.left - 8.0, y), LABEL, SOFT_INK, Align::Right)?;
            }
        }
        let end = (plot.right(), plot.bottom());
        canvas.line((plot.left, plot.bottom()), end, 1.0, AXIS)?;
        if self.empty {
            return Ok(());
        }
        for (x, label) in self.x_ticks(chart) {
            let foot = (x, plot.bottom() + 4.0);
            canvas.line((x, plot.bottom()), foot, 1.0, AXIS)?;
            let under = (x, plot.bottom() + 14.0);
            canvas.text(&label, under, LABEL, SOFT_INK, Align::Centre)?;
        }
        if chart.size == Size::Large {
            let middle = plot.left + 0.5 * plot.width;
            let under = (middle, plot.bottom() + X_ROW + 8.0);
            canvas.text(&chart.x.title, under, LABEL, SOFT_INK, Align::Centre)?;
        }
        Ok(())
    }

    /// At the values that were measured, but for names that would lie over others; at
    /// round values, where that leaves too few.
    fn x_ticks(&self, chart: &Chart) -> Vec<(f64, String)> {
        let samples = chart.clouds.iter().flat_map(|cloud| &cloud.samples);
        let mut measured: Vec<f64> = samples.map(|sample| sample.x).collect();
        measured.sort_by(f64::total_cmp);
        measured.dedup();
        let name = |x: f64| {
            let own = chart.x.names.iter().find(|(at, _)| *at == x);
            own.map_or_else(|| format!("{x}"), |(_, name)| name.clone())
        };
        let measured: Vec<_> = measured
            .iter()
            .filter_map(|&x| Some((self.at_x(x)?, name(x))))
            .collect();
        let all = measured.len();
        let mut kept: Vec<(f64, String)> = Vec::new();
        for tick in measured {
            let apart = kept.last().is_none_or(|last| {
                let widths = text_width(&last.1, LABEL) + text_width(&tick.1, LABEL);
                tick.0 - last.0 >= 0.5 * widths + 5.0
            });
            if apart && tick.1.len() <= 7 {
                kept.push(tick);
            }
        }
        if all > 0 && 2 * kept.len() > all {
            return kept;
        }
        let count = (self.plot.width / 60.0) as usize;
        let ticks = if chart.curves.is_empty() {
            self.x.ticks(count)
        } else {
            self.x.whole_ticks(count)
        };
        let ticks = ticks.into_iter();
        ticks
            .filter_map(|(x, label)| Some((self.at_x(x)?, label)))
            .collect()
    }

    pub(super) fn levels(&self, canvas: &Canvas<'_>, chart: &Chart) -> Drawn {
        for level in &chart.levels {
            let Some(y) = self.at_y(level.value) else {
                continue;
            };
            if (self.plot.top..=self.plot.bottom()).contains(&y) {
                let from = (self.plot.left, y);
                canvas.dashes(from, self.plot.right(), 1.4, level.colour.rgb())?;
            }
        }
        Ok(())
    }

    pub(super) fn cloud(&self, canvas: &Canvas<'_>, cloud: &Cloud, aside: f64) -> Drawn {
        let colour = cloud.colour.rgb();
        let moved = |x, y| self.place(x, y).map(|(x, y)| (x + aside, y));
        let means: Vec<(f64, f64)> = cloud.samples.iter().map(|s| (s.x, s.mean)).collect();
        for run in runs(&means, moved) {
            if run.len() > 1 {
                canvas.path(&run, 1.6, colour.to_rgba())?;
            }
        }
        for sample in &cloud.samples {
            for &value in &sample.values {
                if let Some((x, y)) = moved(sample.x, value) {
                    canvas.pale_dot((x + 7.0, y), 2.4, colour.mix(0.55))?;
                }
            }
            let Some(mean) = moved(sample.x, sample.mean) else {
                continue;
            };
            if let Some(sd) = sample.sd {
                let (low, high) = (self.at_y(sample.mean - sd), self.at_y(sample.mean + sd));
                if let (Some(low), Some(high)) = (low, high) {
                    canvas.line((mean.0, low), (mean.0, high), 1.4, colour)?;
                    for y in [low, high] {
                        canvas.line((mean.0 - 3.5, y), (mean.0 + 3.5, y), 1.4, colour)?;
                    }
                }
            }
            canvas.dot(mean, 3.8, colour)?;
        }
        Ok(())
    }
}
