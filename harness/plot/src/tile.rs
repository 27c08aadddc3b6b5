//! Panels that stand by themselves in a page, or side by side in a file.

use std::path::Path;

use super::{
    GAP, MARGIN, PlotError, canvas,
    canvas::{Canvas, Drawn, Rect},
    chart::{self, Chart},
    figure,
    strip::{self, Strip},
};
use crate::Heading;

/// A panel.
#[derive(Clone, Debug)]
pub enum Tile {
    /// Against a number.
    Chart(Chart),
    /// A row each.
    Strip(Strip),
}

impl Tile {
    fn size(&self) -> (f64, f64) {
        match self {
            Self::Chart(chart) => (chart.size.width(), chart::height(chart)),
            Self::Strip(strip) => (strip::WIDTH, strip::height(strip)),
        }
    }

    fn title(&self) -> &str {
        match self {
            Self::Chart(chart) => &chart.title,
            Self::Strip(strip) => &strip.title,
        }
    }

    fn draw(&self, canvas: &Canvas<'_>, place: Rect) -> Drawn {
        match self {
            Self::Chart(chart) => chart::draw(canvas, place, chart),
            Self::Strip(strip) => strip::draw(canvas, place, strip),
        }
    }

    /// The panel as an SVG element, for a page. `page` is named if it fails.
    pub fn svg(&self, page: &Path) -> Result<String, PlotError> {
        const EDGE: f64 = 4.0;
        let (width, height) = self.size();
        let place = Rect {
            left: EDGE,
            top: EDGE,
            width,
            height,
        };
        let size = (width + 2.0 * EDGE, height + 2.0 * EDGE);
        canvas::render(size, self.title(), |canvas| self.draw(canvas, place)).map_err(|error| {
            PlotError::Draw {
                path: page.to_owned(),
                reason: error.to_string(),
            }
        })
    }
}

/// A file of panels, from left to right and from the top, in `columns` of equal width.
pub fn sheet(
    path: &Path,
    heading: &Heading,
    tiles: &[Tile],
    columns: usize,
) -> Result<(), PlotError> {
    /// The heading needs this much.
    const LEAST: f64 = 640.0;
    let columns = columns.clamp(1, tiles.len().max(1));
    let widths = tiles.iter().map(|tile| tile.size().0);
    let wide = widths.fold(0.0, f64::max);
    let rows: Vec<f64> = tiles
        .chunks(columns)
        .map(|row| row.iter().map(|tile| tile.size().1).fold(0.0, f64::max))
        .collect();
    let width = columns as f64 * (wide + GAP) - GAP + 2.0 * MARGIN;
    let height = rows.iter().sum::<f64>() + GAP * rows.len().saturating_sub(1) as f64;
    figure(path, heading, (width.max(LEAST), height), |canvas, body| {
        let mut top = body.top;
        for (row, height) in tiles.chunks(columns).zip(&rows) {
            for (i, tile) in row.iter().enumerate() {
                let (width, height) = tile.size();
                let left = body.left + i as f64 * (wide + GAP);
                let place = Rect {
                    left,
                    top,
                    width,
                    height,
                };
                tile.draw(canvas, place)?;
            }
            top += height + GAP;
        }
        Ok(())
    })
}
