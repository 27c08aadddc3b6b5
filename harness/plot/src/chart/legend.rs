//! What a chart's colours mean: entries over it, in as many rows as they need.

use plotters::style::Color;

use super::{Chart, Size, view::View};
use crate::{
    canvas::{Align, Canvas, Drawn, Rect, fitted, text_width},
    style::{Colour, LABEL, SOFT_INK},
};

/// What a legend's entry is drawn as.
#[derive(Clone, Copy)]
pub(super) enum Swatch {
    Cloud(Colour),
    Level(Colour),
    Line(Colour),
    Seed,
}

const SWATCH: f64 = 20.0;

/// Entries, in as many rows as they need.
pub(super) fn rows(chart: &Chart, width: f64) -> Vec<Vec<(Swatch, String)>> {
    let mut entries: Vec<(Swatch, String)> = Vec::new();
    for cloud in &chart.clouds {
        entries.push((Swatch::Cloud(cloud.colour), cloud.name.clone()));
    }
    if chart.clouds.iter().any(|cloud| !cloud.samples.is_empty()) {
        entries.push((Swatch::Seed, "one seed".to_owned()));
    }
    if chart.curves.len() > 1 && chart.size == Size::Large {
        let named = chart
            .curves
            .iter()
            .map(|c| (Swatch::Line(c.colour), c.name.clone()));
        entries.extend(named);
    }
    let plot = Rect {
        left: 0.0,
        top: 0.0,
        width,
        height: chart.size.plot_height(),
    };
    let view = View::of(chart, plot);
    for level in chart.levels.iter().filter(|level| level.value.is_finite()) {
        let at = view.y.fraction(level.value);
        let beyond = match at {
            Some(at) if at < 0.0 => " (below)",
            Some(at) if at > 1.0 => " (above)",
            _ => "",
        };
        let name = format!("{} {:.1}{beyond}", level.name, level.value);
        entries.push((Swatch::Level(level.colour), name));
    }
    let mut rows: Vec<Vec<(Swatch, String)>> = Vec::new();
    let mut used = f64::INFINITY;
    for (swatch, name) in entries {
        let name = fitted(&name, LABEL, width - SWATCH - 6.0);
        let needed = SWATCH + 6.0 + text_width(&name, LABEL) + 14.0;
        if used + needed - 14.0 > width {
            rows.push(Vec::new());
            used = 0.0;
        }
        used += needed;
        if let Some(row) = rows.last_mut() {
            row.push((swatch, name));
        }
    }
    rows
}

/// One of the rows.
pub(super) fn row(
    canvas: &Canvas<'_>,
    (mut x, y): (f64, f64),
    entries: &[(Swatch, String)],
) -> Drawn {
    for (swatch, name) in entries {
        let (left, right, middle) = ((x, y), (x + SWATCH, y), (x + 0.5 * SWATCH, y));
        match *swatch {
            Swatch::Cloud(colour) => {
                canvas.line(left, right, 1.6, colour.rgb())?;
                canvas.dot(middle, 3.8, colour.rgb())?;
            }
            Swatch::Line(colour) => canvas.line(left, right, 2.0, colour.rgb())?,
            Swatch::Level(colour) => canvas.dashes(left, right.0, 1.6, colour.rgb())?,
            Swatch::Seed => canvas.pale_dot(middle, 2.4, Colour::Grey.rgb().mix(0.55))?,
        }
        x += SWATCH + 6.0;
        canvas.text(name, (x, y), LABEL, SOFT_INK, Align::Left)?;
        x += text_width(name, LABEL) + 14.0;
    }
    Ok(())
}
