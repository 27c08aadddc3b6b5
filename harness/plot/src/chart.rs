//! Measurements against a number: runs of several seeds as dots, their mean and spread,
//! curves, and levels to compare with.

use plotters::style::Color;

use super::{
    axis::{Axis, Scale},
    canvas::{Align, Canvas, Drawn, Rect, fitted, text_width},
    series::{Series, runs},
    style::{AXIS, Colour, GRID, HEAD, INK, LABEL, SOFT_INK},
};

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
/// Room at both ends of the values of x for dots beside their mean.
const SIDE: f64 = 16.0;
/// A level further away than this many ranges of the data is named, not shown.
pub(super) const FAR: f64 = 1.5;

/// Height of the whole.
pub(super) fn height(chart: &Chart) -> f64 {
    let below = match chart.size {
        Size::Large => X_ROW + X_TITLE_ROW,
        Size::Small => X_ROW,
    };
    let rows = legend_rows(chart, chart.size.width()).len() as f64;
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
    for entries in legend_rows(chart, place.width) {
        legend_row(canvas, (place.left, top + 0.3 * LEGEND_ROW), &entries)?;
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

/// Where values are on the screen.
struct View {
    plot: Rect,
    x: Axis,
    y: Axis,
    /// Room that clouds need at the sides.
    side: f64,
    empty: bool,
}

impl View {
    fn of(chart: &Chart, plot: Rect) -> Self {
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

    fn place(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        Some((self.at_x(x)?, self.at_y(y)?))
    }

    fn grid(&self, canvas: &Canvas<'_>, chart: &Chart) -> Drawn {
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

    fn levels(&self, canvas: &Canvas<'_>, chart: &Chart) -> Drawn {
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

    fn cloud(&self, canvas: &Canvas<'_>, cloud: &Cloud, aside: f64) -> Drawn {
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

/// What a legend's entry is drawn as.
#[derive(Clone, Copy)]
enum Swatch {
    Cloud(Colour),
    Level(Colour),
    Line(Colour),
    Seed,
}

const SWATCH: f64 = 20.0;

/// Entries, in as many rows as they need.
fn legend_rows(chart: &Chart, width: f64) -> Vec<Vec<(Swatch, String)>> {
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

fn legend_row(canvas: &Canvas<'_>, (mut x, y): (f64, f64), entries: &[(Swatch, String)]) -> Drawn {
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
