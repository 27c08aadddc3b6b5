//! Curves over steps, in panels one under the other with one axis of steps.

use plotters::style::Color;

use super::{
    axis::Axis,
    canvas::{Align, Canvas, Drawn, Rect, text_width},
    series::{Panel, Series, runs, smoothed, window},
    style::{AXIS, GRID, HEAD, INK, LABEL, SOFT_INK},
};

/// Height of a panel's title and legend.
const TITLE_ROW: f64 = 26.0;
/// Height of the first panel's plot, and of the others'.
const FIRST: f64 = 190.0;
const OTHER: f64 = 84.0;
/// Distance of a panel from the next.
const GAP: f64 = 16.0;
/// Height of the steps' numbers and their title, under the last panel.
const STEPS_ROW: f64 = 44.0;
/// Width of the numbers at the left.
const NUMBERS: f64 = 46.0;

/// Height of the panels together.
pub(super) fn height(panels: &[Panel]) -> f64 {
    let others = panels.len().saturating_sub(1) as f64;
    TITLE_ROW + FIRST + others * (GAP + TITLE_ROW + OTHER) + STEPS_ROW
}

/// Draws panels from the top of `place`, which is as high as [`height`] says or more.
pub(super) fn draw(canvas: &Canvas<'_>, place: Rect, panels: &[Panel]) -> Drawn {
    let all = || panels.iter().flat_map(|panel| &panel.series);
    let steps = Axis::around(
        super::Scale::Linear,
        all().flat_map(|series| series.points.iter().map(|point| point.0)),
        0.0,
    );
    let longest = all().map(|series| series.points.len()).max().unwrap_or(0);
    let view = View {
        steps,
        window: window(longest),
    };
    // Without panels there is still a frame that says so.
    let empty = [Panel {
        title: "loss".to_owned(),
        ..Panel::default()
    }];
    let panels = if panels.is_empty() { &empty } else { panels };
    let mut top = place.top;
    let mut bottom = top;
    for (i, panel) in panels.iter().enumerate() {
        let height = TITLE_ROW + if i == 0 { FIRST } else { OTHER };
        view.panel(
            canvas,
            Rect {
                top,
                height,
                ..place
            },
            panel,
        )?;
        bottom = top + height;
        top = bottom + GAP;
    }
    let smooth = panels.iter().any(|panel| panel.smooth);
    view.steps_row(
        canvas,
        Rect {
            top: bottom,
            ..place
        },
        smooth,
    )
}

/// What the panels have in common.
struct View {
    steps: Axis,
    /// Steps in a mean; 1 is no mean.
    window: usize,
}

impl View {
    fn panel(&self, canvas: &Canvas<'_>, place: Rect, panel: &Panel) -> Drawn {
        let title = (place.left, place.top + 0.4 * TITLE_ROW);
        canvas.text(&panel.title, title, HEAD, INK, Align::Left)?;
        legend(canvas, (place.right(), title.1), &panel.series)?;

        let plot = place.inset(NUMBERS, TITLE_ROW, 0.0, 0.0);
        let points = panel.series.iter().flat_map(|series| &series.points);
        let values = points
            .filter(|point| point.0.is_finite())
            .map(|point| point.1);
        let values = Axis::around(panel.scale, values, 0.06);
        self.grid(canvas, plot, &values)?;
        let mut empty = true;
        for series in &panel.series {
            let colour = series.colour.rgb();
            let place = |x, y| {
                let right = self.steps.fraction(x)?;
                let up = values.fraction(y)?;
                Some((
                    plot.left + right * plot.width,
                    plot.bottom() - up * plot.height,
                ))
            };
            let mean = panel.smooth && self.window > 1;
            let (width, opacity) = if mean { (0.8, 0.32) } else { (1.6, 1.0) };
            let raw = runs(&series.points, place);
            empty &= raw.is_empty();
            for run in raw {
                match run.as_slice() {
                    [point] if !mean => canvas.dot(*point, 2.2, colour)?,
                    run => canvas.path(run, width, colour.mix(opacity))?,
                }
            }
            if mean {
                for run in runs(&smoothed(&series.points, self.window), place) {
                    match run.as_slice() {
                        [point] => canvas.dot(*point, 2.2, colour)?,
                        run => canvas.path(run, 1.8, colour.mix(1.0))?,
                    }
                }
            }
        }
        if empty {
            let middle = (plot.left + 0.5 * plot.width, plot.top + 0.5 * plot.height);
            canvas.text("no values", middle, LABEL, SOFT_INK, Align::Centre)?;
        }
        Ok(())
    }

    fn grid(&self, canvas: &Canvas<'_>, plot: Rect, values: &Axis) -> Drawn {
        for (_, x) in self.step_ticks(plot) {
            canvas.line((x, plot.top), (x, plot.bottom()), 0.8, GRID)?;
        }
        // A number for about every 34 pixels keeps them apart.
        for (value, label) in values.ticks((plot.height / 34.0).ceil() as usize) {
            let Some(up) = values.fraction(value) else {
                continue;
            };
            let y = plot.bottom() - up * plot.height;
            canvas.line((plot.left, y), (plot.right(), y), 0.8, GRID)?;
            canvas.text(&label, (plot.left - 8.0, y), LABEL, SOFT_INK, Align::Right)?;
        }
        canvas.line(
            (plot.left, plot.bottom()),
            (plot.right(), plot.bottom()),
            1.0,
            AXIS,
        )
    }

    fn steps_row(&self, canvas: &Canvas<'_>, place: Rect, smooth: bool) -> Drawn {
        let plot = place.inset(NUMBERS, 0.0, 0.0, 0.0);
        for (label, x) in self.step_ticks(plot) {
            canvas.line((x, plot.top), (x, plot.top + 4.0), 1.0, AXIS)?;
            canvas.text(&label, (x, plot.top + 14.0), LABEL, SOFT_INK, Align::Centre)?;
        }
        let row = plot.top + 34.0;
        canvas.text(
            "optimiser step",
            (plot.left, row),
            LABEL,
            SOFT_INK,
            Align::Left,
        )?;
        if smooth && self.window > 1 {
            let note = format!("pale: every step, bold: mean of {} steps", self.window);
            canvas.text(&note, (plot.right(), row), LABEL, SOFT_INK, Align::Right)?;
        }
        Ok(())
    }

    /// Labels of steps and where they are.
    fn step_ticks(&self, plot: Rect) -> impl Iterator<Item = (String, f64)> {
        let ticks = self.steps.whole_ticks(6).into_iter();
        ticks.filter_map(move |(step, label)| {
            Some((label, plot.left + self.steps.fraction(step)? * plot.width))
        })
    }
}

/// Names of the curves, ending at `right`, above the plot where no data are.
fn legend(canvas: &Canvas<'_>, (mut right, y): (f64, f64), series: &[Series]) -> Drawn {
    const SWATCH: f64 = 16.0;
    if series.len() < 2 {
        return Ok(());
    }
    for series in series.iter().rev() {
        right -= text_width(&series.name, LABEL);
        canvas.text(&series.name, (right, y), LABEL, SOFT_INK, Align::Left)?;
        right -= 6.0;
        canvas.line((right - SWATCH, y), (right, y), 2.4, series.colour.rgb())?;
        right -= SWATCH + 16.0;
    }
    Ok(())
}
