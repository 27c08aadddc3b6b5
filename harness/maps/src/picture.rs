//! Maps side by side, with one legend.
//!
//! A map has no unit and its axes no meaning, so there are frames without numbers; both
//! axes have one scale, for distances are what is to be seen.

use harness_plot::{
    Heading, MARGIN,
    canvas::{Align, Canvas, Drawn, Point, Rect, text_width},
    figure_svg,
    style::{AXIS, HEAD, INK, LABEL, SOFT_INK, TITLE},
};

use super::{
    Key, MapError, Place,
    key::{Entry, OTHER},
};

/// One map.
#[derive(Clone, Debug)]
pub struct Panel<'a> {
    /// Over it: the method.
    pub title: String,
    /// Under it: what it is worth.
    pub note: String,
    /// Where the points are.
    pub map: &'a [Place],
    /// Their classes.
    pub labels: &'a [u16],
}

/// Panels in a row.
const COLUMNS: usize = 3;
/// Side of a panel, where there are one, two, or three and more in a row.
const SIDES: [f64; COLUMNS] = [460.0, 390.0, 320.0];
/// Between panels, across and down.
const GAP: f64 = 26.0;
/// Height of a panel's title, and of its note.
const TITLE_ROW: f64 = 24.0;
const NOTE_ROW: f64 = 22.0;
/// Free space inside of a frame.
const INSET: f64 = 14.0;
/// Height of a line of the legend, and its distance from the panels.
const LEGEND_ROW: f64 = 20.0;
const LEGEND_GAP: f64 = 14.0;
/// Of the legend's dots.
const SWATCH: f64 = 9.0;
/// Points are drawn in so many layers, each with some of every class: a prime number, for
/// labels may come in turn.
const LAYERS: usize = 11;
/// What lies under a dot is seen a little.
const OPACITY: f64 = 0.85;

/// The SVG of maps with their legend. Without panels there is the heading alone.
pub fn picture(heading: &Heading, panels: &[Panel<'_>], key: &Key) -> Result<String, MapError> {
    panels.iter().try_for_each(check)?;
    let columns = panels.len().clamp(1, COLUMNS);
    let side = SIDES[columns - 1];
    let row = TITLE_ROW + side + NOTE_ROW;
    let rows = panels.len().div_ceil(columns) as f64;
    let across = columns as f64 * (side + GAP) - GAP;
    let legend = Legend::new(key, across);
    let panels_height = (rows * (row + GAP) - GAP).max(0.0);
    let words = text_width(&heading.title, TITLE).max(text_width(&heading.subtitle, HEAD));
    let size = (
        across.max(words) + 2.0 * MARGIN,
        panels_height + legend.height(),
    );
    let svg = figure_svg(heading, size, |canvas, body| {
        for (i, panel) in panels.iter().enumerate() {
            let place = Rect {
                left: body.left + (i % columns) as f64 * (side + GAP),
                top: body.top + (i / columns) as f64 * (row + GAP),
                width: side,
                height: row,
            };
            draw(canvas, place, panel, key)?;
        }
        legend.draw(canvas, (body.left, body.top + panels_height + LEGEND_GAP))
    });
    svg.map_err(|error| MapError::Draw(error.to_string()))
}

/// Whether a panel can be drawn.
pub(super) fn check(panel: &Panel<'_>) -> Result<(), MapError> {
    const OPERATION: &str = "drawing a map";
    if panel.map.len() != panel.labels.len() {
        return Err(MapError::Shape {
            operation: OPERATION,
            expected: format!("a label for each of {} places", panel.map.len()),
            got: panel.labels.len().to_string(),
        });
    }
    let bad = panel.map.as_flattened().iter().position(|x| !x.is_finite());
    bad.map_or(Ok(()), |i| {
        Err(MapError::Value {
            operation: OPERATION,
            row: i / 2,
            column: i % 2,
            value: panel.map[i / 2][i % 2],
            limit: f32::MAX,
        })
    })
}

fn draw(canvas: &Canvas<'_>, place: Rect, panel: &Panel<'_>, key: &Key) -> Drawn {
    let title = (place.left, place.top + 0.38 * TITLE_ROW);
    canvas.text(&panel.title, title, HEAD, INK, Align::Left)?;
    let frame = place.inset(0.0, TITLE_ROW, 0.0, NOTE_ROW);
    let corners = [
        (frame.left, frame.top),
        (frame.right(), frame.top),
        (frame.right(), frame.bottom()),
        (frame.left, frame.bottom()),
        (frame.left, frame.top),
    ];
    for side in corners.windows(2) {
        canvas.line(side[0], side[1], 0.8, AXIS)?;
    }
    let note = (place.left, frame.bottom() + 0.62 * NOTE_ROW);
    canvas.text(&panel.note, note, LABEL, SOFT_INK, Align::Left)?;
    if panel.map.is_empty() {
        let middle = (
            frame.left + 0.5 * frame.width,
            frame.top + 0.5 * frame.height,
        );
        return canvas.text("no points", middle, LABEL, SOFT_INK, Align::Centre);
    }
    let places = placed(panel.map, frame.inset(INSET, INSET, INSET, INSET));
    // Dots that just about touch where points are spread evenly.
    let diameter = (0.4 * frame.width / (places.len() as f64).sqrt()).clamp(2.2, 5.0);
    let of = |entry: Option<usize>, layer: Option<usize>| -> Vec<Point> {
        let points = places.iter().zip(panel.labels).enumerate();
        points
            .filter(|(i, (_, label))| {
                layer.is_none_or(|layer| i % LAYERS == layer) && key.entry(**label) == entry
            })
            .map(|(_, (&place, _))| place)
            .collect()
    };
    canvas.dots(&of(None, None), diameter, OTHER, 1.0);
    // A class drawn as a whole would cover those before it, so layers have some of each,
    // and begin with another class each.
    let entries = key.entries.len();
    for layer in 0..LAYERS {
        for turn in 0..entries {
            let entry = (turn + layer) % entries;
            let dots = of(Some(entry), Some(layer));
            canvas.dots(&dots, diameter, key.entries[entry].colour, OPACITY);
        }
    }
    Ok(())
}

/// Places of the map as places of the figure: as large as `frame` allows, in its middle.
fn placed(map: &[Place], frame: Rect) -> Vec<Point> {
    let mut middle = [0.0; 2];
    let mut extent: f64 = 0.0;
    for axis in 0..2 {
        let values = map.iter().map(|place| f64::from(place[axis]));
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| {
            (low.min(x), high.max(x))
        });
        middle[axis] = 0.5 * (low + high);
        extent = extent.max(high - low);
    }
    // All at one place is drawn in the middle.
    let scale = if extent > 0.0 {
        frame.width.min(frame.height) / extent
    } else {
        0.0
    };
    let centre = (
        frame.left + 0.5 * frame.width,
        frame.top + 0.5 * frame.height,
    );
    let place = |&[x, y]: &Place| {
        (
            centre.0 + (f64::from(x) - middle[0]) * scale,
            // Up is up.
            centre.1 - (f64::from(y) - middle[1]) * scale,
        )
    };
    map.iter().map(place).collect()
}

/// Names of the classes: one after the other where a line has room for all of them, or
/// else in columns of one width.
struct Legend<'a> {
    /// Where each begins: distance from the left, and line.
    entries: Vec<(&'a Entry, f64, usize)>,
    lines: usize,
}

impl<'a> Legend<'a> {
    /// From a dot to its name.
    const SPACE: f64 = 7.0;
    /// From a name to the next dot.
    const BETWEEN: f64 = 20.0;

    fn new(key: &'a Key, width: f64) -> Self {
        let entries: Vec<&Entry> = if key.entries.len() > 1 {
            key.entries.iter().chain(&key.others).collect()
        } else {
            Vec::new()
        };
        let of = |entry: &&Entry| SWATCH + Self::SPACE + text_width(&entry.name, LABEL);
        let widths: Vec<f64> = entries.iter().map(of).collect();
        let all: f64 = widths.iter().map(|width| width + Self::BETWEEN).sum();
        let cell = widths.iter().copied().fold(0.0, f64::max) + Self::BETWEEN;
        let one_line = all - Self::BETWEEN <= width;
        let columns = if one_line {
            entries.len().max(1)
        } else {
            let most = (((width + Self::BETWEEN) / cell) as usize).max(1);
            // As many in each line as in any other, as far as it goes.
            entries.len().div_ceil(entries.len().div_ceil(most))
        };
        let used = if one_line { all } else { columns as f64 * cell };
        let indent = (0.5 * (width + Self::BETWEEN - used)).max(0.0);
        let before = |i: usize| -> f64 {
            if one_line {
                widths[..i].iter().map(|width| width + Self::BETWEEN).sum()
            } else {
                (i % columns) as f64 * cell
            }
        };
        let placed = entries.iter().enumerate();
        let placed = placed.map(|(i, &entry)| (entry, indent + before(i), i / columns));
        Self {
            entries: placed.collect(),
            lines: entries.len().div_ceil(columns),
        }
    }

    fn height(&self) -> f64 {
        if self.lines == 0 {
            return 0.0;
        }
        LEGEND_GAP + self.lines as f64 * LEGEND_ROW
    }

    fn draw(&self, canvas: &Canvas<'_>, (left, top): Point) -> Drawn {
        for &(entry, indent, line) in &self.entries {
            let (left, y) = (left + indent, top + (line as f64 + 0.5) * LEGEND_ROW);
            canvas.dots(&[(left + 0.5 * SWATCH, y)], SWATCH, entry.colour, 1.0);
            let name = (left + SWATCH + Self::SPACE, y);
            canvas.text(&entry.name, name, LABEL, SOFT_INK, Align::Left)?;
        }
        Ok(())
    }
}
