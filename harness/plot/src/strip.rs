//! Measurements of several things, a row each: every one as a dot, mean and spread.

use plotters::style::Color;

use super::{
    axis::{Axis, Scale},
    canvas::{Align, Canvas, Drawn, Rect, fitted, text_width},
    chart::{FAR, Sample},
    style::{AXIS, Colour, GRID, HEAD, INK, LABEL, SOFT_INK},
};

/// A panel of rows.
#[derive(Clone, Debug, Default)]
pub struct Strip {
    /// What sets it apart from its neighbours.
    pub title: String,
    /// What is measured, and in which unit.
    pub of: String,
    /// Digits behind the point, of the numbers at the right.
    pub digits: usize,
    /// Whether the values are amounts, whose axis begins at zero.
    pub from_zero: bool,
    /// From the top.
    pub rows: Vec<Row>,
}

/// Measurements of one thing.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// At the left.
    pub name: String,
    /// Of its dots.
    pub colour: Colour,
    /// Its values; `x` means nothing. `None` where nothing was measured.
    pub sample: Option<Sample>,
    /// Whether it is there to compare with: far from the others it is not let on the
    /// scale, which would leave them no room. An arrow points at it.
    pub baseline: bool,
}

pub(super) const WIDTH: f64 = 480.0;
const TITLE_ROW: f64 = 26.0;
const ROW: f64 = 25.0;
const NUMBERS_ROW: f64 = 24.0;
/// For the numbers at the right.
const SUMMARY: f64 = 82.0;

/// Height of the whole.
pub(super) fn height(strip: &Strip) -> f64 {
    TITLE_ROW + ROW * strip.rows.len() as f64 + NUMBERS_ROW
}

/// Draws into `place`, from its top.
pub(super) fn draw(canvas: &Canvas<'_>, place: Rect, strip: &Strip) -> Drawn {
    let row = place.top + 0.4 * TITLE_ROW;
    let title = fitted(&strip.title, HEAD, place.width);
    canvas.text(&title, (place.left, row), HEAD, INK, Align::Left)?;
    let after = place.left + text_width(&title, HEAD) + 10.0;
    let of = fitted(&strip.of, LABEL, place.right() - after);
    canvas.text(&of, (after, row), LABEL, SOFT_INK, Align::Left)?;

    let widths = strip.rows.iter().map(|row| text_width(&row.name, LABEL));
    let names = widths.fold(0.0, f64::max).min(0.34 * place.width) + 12.0;
    let plot = Rect {
        left: place.left + names,
        top: place.top + TITLE_ROW,
        width: place.width - names - SUMMARY,
        height: ROW * strip.rows.len() as f64,
    };
    let samples = || strip.rows.iter().filter_map(|row| row.sample.as_ref());
    let axis = axis(strip);
    let at = |value: f64| {
        let at = axis.fraction(value)?;
        Some(plot.left + at * plot.width)
    };
    let off = |sample: &Sample| {
        let at = axis.fraction(sample.mean)?;
        match at {
            at if at < 0.0 => Some((plot.left + 4.0, 1.0)),
            at if at > 1.0 => Some((plot.right() - 4.0, -1.0)),
            _ => None,
        }
    };

    if samples().next().is_some() {
        for (value, label) in axis.ticks((plot.width / 60.0) as usize) {
            if let Some(x) = at(value) {
                canvas.line((x, plot.top), (x, plot.bottom()), 0.8, GRID)?;
                let under = (x, plot.bottom() + 12.0);
                canvas.text(&label, under, LABEL, SOFT_INK, Align::Centre)?;
            }
        }
    }
    let end = (plot.right(), plot.bottom());
    canvas.line((plot.left, plot.bottom()), end, 1.0, AXIS)?;
    for (i, row) in strip.rows.iter().enumerate() {
        let y = plot.top + ROW * (i as f64 + 0.5);
        let name = fitted(&row.name, LABEL, names - 10.0);
        canvas.text(&name, (plot.left - 10.0, y), LABEL, INK, Align::Right)?;
        let summary = match &row.sample {
            Some(sample) => {
                match off(sample) {
                    Some(edge) => arrow(canvas, edge, y, row.colour)?,
                    None => marks(canvas, sample, row.colour, y, &at)?,
                }
                words(sample, strip.digits)
            }
            None => "–".to_owned(),
        };
        let right = (place.right(), y);
        canvas.text(&summary, right, LABEL, INK, Align::Right)?;
    }
    Ok(())
}

/// Wide enough for all rows but for baselines that are far away.
fn axis(strip: &Strip) -> Axis {
    let of = |baseline: bool| {
        let rows = strip
            .rows
            .iter()
            .filter(move |row| row.baseline == baseline);
        rows.filter_map(|row| row.sample.as_ref())
    };
    let extent = || of(false).flat_map(Sample::extent).filter(|v| v.is_finite());
    let low = extent().fold(f64::INFINITY, f64::min);
    let high = extent().fold(f64::NEG_INFINITY, f64::max);
    let reach = FAR * (high - low);
    let near = |sample: &&Sample| {
        low > high || (low - reach..=high + reach).contains(&sample.mean) || strip.from_zero
    };
    let zero = strip.from_zero.then_some(0.0);
    let baselines = of(true).filter(near).flat_map(Sample::extent);
    Axis::around(Scale::Linear, extent().chain(baselines).chain(zero), 0.06)
}

/// Points out of the plot: its tip at the edge, its shaft to the other side.
fn arrow(canvas: &Canvas<'_>, (tip, side): (f64, f64), y: f64, colour: Colour) -> Drawn {
    let colour = colour.rgb();
    canvas.line((tip, y), (tip + 14.0 * side, y), 1.6, colour)?;
    for up in [-4.0, 4.0] {
        canvas.line((tip, y), (tip + 5.0 * side, y + up), 1.6, colour)?;
    }
    Ok(())
}

/// Mean and spread at the row's height, the values a little below.
fn marks(
    canvas: &Canvas<'_>,
    sample: &Sample,
    colour: Colour,
    y: f64,
    at: &dyn Fn(f64) -> Option<f64>,
) -> Drawn {
    let colour = colour.rgb();
    for x in sample.values.iter().filter_map(|&value| at(value)) {
        canvas.pale_dot((x, y + 6.0), 2.4, colour.mix(0.55))?;
    }
    if let Some(sd) = sample.sd
        && let (Some(low), Some(high)) = (at(sample.mean - sd), at(sample.mean + sd))
    {
        canvas.line((low, y - 1.0), (high, y - 1.0), 1.6, colour)?;
        for x in [low, high] {
            canvas.line((x, y - 4.0), (x, y + 2.0), 1.6, colour)?;
        }
    }
    match at(sample.mean) {
        Some(x) => canvas.dot((x, y - 1.0), 3.8, colour),
        None => Ok(()),
    }
}

fn words(sample: &Sample, digits: usize) -> String {
    let mean = sample.mean;
    match sample.sd {
        _ if !mean.is_finite() => "–".to_owned(),
        Some(sd) if sd.is_finite() => format!("{mean:.digits$} ± {sd:.digits$}"),
        _ => format!("{mean:.digits$}"),
    }
}
