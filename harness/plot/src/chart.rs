//! Measurements against a number: runs of several seeds as dots, their mean and spread,
//! curves, and levels to compare with.

mod legend;
mod view;

use plotters::style::Color;

use super::{
    axis::Scale,
    canvas::{Align, Canvas, Drawn, Rect, fitted, text_width},
    series::{Series, runs},
    style::{Colour, HEAD, INK, LABEL, SOFT_INK},
};
use view::View;

/// How large a chart is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Size {
    /// Read by itself.
    #[default]
    Large,
    /// One of many side by side.
    Small,
}

impl Size {
    pub(super) fn width(self) -> f64 {
        match self {
            Self::Large => 480.0,
            Self::Small => 240.0,
        }
    }
    fn plot_height(self) -> f64 {
        match self {
            Self::Large => 220.0,
            Self::Small => 92.0,
        }
    }
}

/// What stands at an axis, and how its values are laid out.
#[derive(Clone, Debug, Default)]
pub struct AxisOf {
    /// What is shown, and in which unit.
    pub title: String,
    /// Of the values.
    pub scale: Scale,
    /// Places with a name of their own, such as the end that a logarithm cannot reach.
    pub names: Vec<(f64, String)>,
}

/// A panel.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    /// What sets it apart from its neighbours.
    pub title: String,
    /// Along the bottom.
    pub x: AxisOf,
    /// Along the side; its title stands beside the panel's.
    pub y: AxisOf,
    /// Measurements at some values of x.
    pub clouds: Vec<Cloud>,
    /// Measurements at very many.
    pub curves: Vec<Series>,
    /// Values that do not depend on x.
    pub levels: Vec<Level>,
    /// Of the whole.
    pub size: Size,
}

/// Repeated measurements at some values of x, in the order of x.
#[derive(Clone, Debug, Default)]
pub struct Cloud {
    /// In the legend.
    pub name: String,
    /// Of dots, line and bars.
    pub colour: Colour,
    /// One for each x.
    pub samples: Vec<Sample>,
}

/// Measurements of one thing.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// Where they are.
    pub x: f64,
    /// Each of them.
    pub values: Vec<f64>,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, where there are enough of them.
    pub sd: Option<f64>,
}

/// A value to compare with.
#[derive(Clone, Debug, Default)]
pub struct Level {
    /// In the legend.
    pub name: String,
    /// Of its line.
    pub colour: Colour,
    /// Where it is.
    pub value: f64,
}

impl Sample {
    /// Everything that has to be visible.
    pub(super) fn extent(&self) -> impl Iterator<Item = f64> + '_ {
        let sd = self.sd.unwrap_or(0.0);
        let mean = [self.mean - sd, self.mean, self.mean + sd];
        self.values.iter().copied().chain(mean)
    }
}

const TITLE_ROW: f64 = 24.0;
const LEGEND_ROW: f64 = 19.0;
const NUMBERS: f64 = 44.0;
const X_ROW: f64 = 24.0;
const X_TITLE_ROW: f64 = 20.0;
/// A level further away than this many ranges of the data is named, not shown.
pub(super) const FAR: f64 = 1.5;

/// Height of the whole.
pub(super) fn height(chart: &Chart) -> f64 {
    let below = match chart.size {
        Size::Large => X_ROW + X_TITLE_ROW,
        Size::Small => X_ROW,
    };
    let rows = legend::rows(chart, chart.size.width()).len() as f64;
    TITLE_ROW + LEGEND_ROW * rows + chart.size.plot_height() + below
}

/// Draws into `place`, from its top.
pub(super) fn draw(canvas: &Canvas<'_>, place: Rect, chart: &Chart) -> Drawn {
    let row = place.top + 0.4 * TITLE_ROW;
    let title = fitted(&chart.title, HEAD, place.width);
    canvas.text(&title, (place.left, row), HEAD, INK, Align::Left)?;
    let after = place.left + text_width(&title, HEAD) + 10.0;
    let of = fitted(&chart.y.title, LABEL, place.right() - after);
    canvas.text(&of, (after, row), LABEL, SOFT_INK, Align::Left)?;

    let mut top = place.top + TITLE_ROW;
    for entries in legend::rows(chart, place.width) {
        legend::row(canvas, (place.left, top + 0.3 * LEGEND_ROW), &entries)?;
        top += LEGEND_ROW;
    }
    let plot = Rect {
        left: place.left + NUMBERS,
        top,
        width: place.width - NUMBERS - 6.0,
        height: chart.size.plot_height(),
    };
    let view = View::of(chart, plot);
    view.grid(canvas, chart)?;
    view.levels(canvas, chart)?;
    for curve in &chart.curves {
        let colour = curve.colour.rgb();
        for run in runs(&curve.points, |x, y| view.place(x, y)) {
            match run.as_slice() {
                [point] => canvas.dot(*point, 2.2, colour)?,
                run => canvas.path(run, 1.4, colour.mix(0.85))?,
            }
        }
    }
    for (i, cloud) in chart.clouds.iter().enumerate() {
        // Side by side, where there are several at the same x.
        let aside = 13.0 * (i as f64 - 0.5 * (chart.clouds.len() as f64 - 1.0));
        view.cloud(canvas, cloud, aside)?;
    }
    if view.empty {
        let middle = (plot.left + 0.5 * plot.width, plot.top + 0.5 * plot.height);
        canvas.text("no values yet", middle, LABEL, SOFT_INK, Align::Centre)?;
    }
    Ok(())
}
