//! The figures of a run: what training measured, and what the encoder is worth.
//!
//! Figures are SVG with real text. `plotters` writes the elements; ranges, ticks and
//! places are computed here, for any numbers (`axis`, `series`), because a run
//! that failed is just the one whose figure has to come out.
//!
//! ```text
//! records ─► panels ─► series ─► lines ──────┐
//!                      axis  ──┤► bars       ├─► canvas ─► file, or part of a page
//!                              └► chart,     │
//!                                 strip ─► tile
//! ```

mod axis;
mod bars;
pub mod canvas;
mod chart;
mod lines;
mod panels;
mod series;
mod strip;
pub mod style;
#[cfg(test)]
mod tests;
mod tile;

use std::path::{Path, PathBuf};

pub use bars::{Accuracies, Group};
pub use chart::{AxisOf, Chart, Cloud, Level, Sample, Size};
pub use panels::training_panels;
pub use series::{Panel, Scale, Series};
pub use strip::{Row, Strip};
pub use style::{Colour, dark_rules};
pub use tile::{Tile, sheet};

use canvas::{Align, Canvas, DrawError, Drawn, Rect};
use style::{HEAD, INK, SOFT_INK, TITLE};

/// A figure that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// The drawing library refused.
    #[error("could not draw {}: {reason}; the run is complete without its figure", path.display())]
    Draw {
        /// The figure.
        path: PathBuf,
        /// The library's words.
        reason: String,
    },
    /// The file could not be written.
    #[error("could not write {}: {source}; the run is complete without its figure", path.display())]
    Write {
        /// The figure.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
}

/// The words over a figure.
#[derive(Clone, Debug, Default)]
pub struct Heading {
    /// What it shows.
    pub title: String,
    /// With what: method, data set, length, seed.
    pub subtitle: String,
}

/// Width of a figure, in pixels of the screen; so are all lengths here.
const WIDTH: f64 = 1000.0;
/// Distance from the figure's edges.
pub const MARGIN: f64 = 24.0;
/// Height of title and subtitle.
const HEADING: f64 = 62.0;
/// Width of the accuracies beside the curves.
const BARS: f64 = 300.0;
/// Distance between the two.
const GAP: f64 = 44.0;
/// Height of the accuracies alone.
const BARS_HEIGHT: f64 = 330.0;

/// Curves over the optimiser's steps, a panel under the other.
pub fn loss_curve(path: &Path, heading: &Heading, panels: &[Panel]) -> Result<(), PlotError> {
    let size = (WIDTH * 0.72, lines::height(panels));
    figure(path, heading, size, |canvas, body| {
        lines::draw(canvas, body, panels)
    })
}

/// Test accuracy of the probes, on the trained encoder and on the untrained one.
pub fn accuracy_bars(
    path: &Path,
    heading: &Heading,
    accuracies: &Accuracies,
) -> Result<(), PlotError> {
    let size = (WIDTH * 0.48, BARS_HEIGHT);
    figure(path, heading, size, |canvas, body| {
        bars::draw(canvas, body, accuracies)
    })
}

/// The whole of a run: curves on the left, accuracies on the right.
pub fn training_figure(
    path: &Path,
    heading: &Heading,
    panels: &[Panel],
    accuracies: &Accuracies,
) -> Result<(), PlotError> {
    let size = (WIDTH, lines::height(panels).max(BARS_HEIGHT));
    figure(path, heading, size, |canvas, body| {
        let (left, right) = body.split_right(BARS, GAP);
        lines::draw(canvas, left, panels)?;
        bars::draw(canvas, right, accuracies)
    })
}

/// Draws into the place below a heading and writes the file as a whole; `size` is that
/// of [`figure_svg`].
fn figure(
    path: &Path,
    heading: &Heading,
    size: (f64, f64),
    draw: impl FnOnce(&Canvas<'_>, Rect) -> Drawn,
) -> Result<(), PlotError> {
    let svg = figure_svg(heading, size, draw).map_err(|error| PlotError::Draw {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    harness_run::atomic::write(path, svg.as_bytes()).map_err(|source| PlotError::Write {
        path: path.to_owned(),
        source,
    })
}

/// The SVG of a figure of any kind: `draw` gets the place below the heading, which is
/// as wide as the figure without its margins, and as high as the second of `size` says.
pub fn figure_svg(
    heading: &Heading,
    (width, height): (f64, f64),
    draw: impl FnOnce(&Canvas<'_>, Rect) -> Drawn,
) -> Result<String, DrawError> {
    let top = MARGIN + HEADING;
    let body = Rect {
        left: MARGIN,
        top,
        width: width - 2.0 * MARGIN,
        height,
    };
    canvas::render((width, body.bottom() + MARGIN), &heading.title, |canvas| {
        canvas.text(
            &heading.title,
            (MARGIN, MARGIN + 8.0),
            TITLE,
            INK,
            Align::Left,
        )?;
        canvas.text(
            &heading.subtitle,
            (MARGIN, MARGIN + 31.0),
            HEAD,
            SOFT_INK,
            Align::Left,
        )?;
        draw(canvas, body)
    })
}
