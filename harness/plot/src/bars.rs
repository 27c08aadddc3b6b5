//! Accuracies as bars: trained beside untrained, with chance as the ground to beat.

use plotters::style::{RGBColor, WHITE};

use super::{
    axis::Axis,
    canvas::{Align, Canvas, Drawn, Rect, text_width},
    style::{AXIS, BLUE, GRID, HEAD, INK, LABEL, PALE, SOFT_INK},
};

/// Test accuracy of one probe, fractions of 1.
#[derive(Clone, Debug)]
pub struct Group {
    /// The probe.
    pub name: String,
    /// On the trained encoder.
    pub trained: f64,
    /// On the encoder before training.
    pub untrained: f64,
}

/// What is compared.
#[derive(Clone, Debug, Default)]
pub struct Accuracies {
    /// A pair of bars each.
    pub groups: Vec<Group>,
    /// What guessing gives, a fraction of 1: one over the number of classes.
    pub chance: Option<f64>,
}

/// As in the curves beside them, so that both begin at the same height.
const TITLE_ROW: f64 = 26.0;
/// Names of the groups and the legend.
const BELOW: f64 = 44.0;
/// Width of the numbers at the left.
const NUMBERS: f64 = 34.0;

/// Draws into `place`, all of it.
pub(super) fn draw(canvas: &Canvas<'_>, place: Rect, accuracies: &Accuracies) -> Drawn {
    let title = (place.left, place.top + 0.4 * TITLE_ROW);
    canvas.text("test accuracy (%)", title, HEAD, INK, Align::Left)?;
    let plot = place.inset(NUMBERS, TITLE_ROW, 0.0, BELOW);
    // Room for the number over a full bar.
    let percent = Axis::between(0.0, 100.0 + 100.0 * 16.0 / plot.height);
    let height_of = |value: f64| percent.fraction(value).unwrap_or(0.0) * plot.height;
    for (value, label) in percent.ticks(5) {
        let y = plot.bottom() - height_of(value);
        canvas.line((plot.left, y), (plot.right(), y), 0.8, GRID)?;
        canvas.text(&label, (plot.left - 8.0, y), LABEL, SOFT_INK, Align::Right)?;
    }
    let slot = plot.width / accuracies.groups.len().max(1) as f64;
    // Bars that fill the slots of two groups would be slabs for one.
    let width = (0.3 * slot).min(44.0);
    let mut numbers = Vec::new();
    for (i, group) in accuracies.groups.iter().enumerate() {
        let middle = plot.left + (i as f64 + 0.5) * slot;
        let pair = [(group.untrained, PALE, -1.0), (group.trained, BLUE, 1.0)];
        for (fraction, colour, side) in pair {
            let centre = middle + side * 0.54 * width;
            let known = fraction.is_finite();
            let height = if known {
                height_of(100.0 * fraction.clamp(0.0, 1.0))
            } else {
                0.0
            };
            let top = plot.bottom() - height;
            canvas.bar(
                Rect {
                    left: centre - 0.5 * width,
                    top,
                    width,
                    height,
                },
                colour,
            )?;
            let number = if known {
                format!("{:.1}", 100.0 * fraction)
            } else {
                "n/a".to_owned()
            };
            numbers.push((number, (centre, top - 9.0)));
        }
        let name = (middle, plot.bottom() + 14.0);
        canvas.text(&group.name, name, LABEL, SOFT_INK, Align::Centre)?;
    }
    canvas.line(
        (plot.left, plot.bottom()),
        (plot.right(), plot.bottom()),
        1.0,
        AXIS,
    )?;
    let chance = accuracies
        .chance
        .filter(|chance| (0.0..=1.0).contains(chance));
    if let Some(chance) = chance {
        let y = plot.bottom() - height_of(100.0 * chance);
        canvas.dashes((plot.left, y), plot.right(), 1.1, INK)?;
    }
    for (number, at) in numbers {
        // On white, so that no line goes through it, and no dash looks like a minus.
        let (width, height) = (text_width(&number, LABEL) + 8.0, LABEL + 1.0);
        let (left, top) = (at.0 - 0.5 * width, at.1 - 0.5 * height);
        canvas.bar(
            Rect {
                left,
                top,
                width,
                height,
            },
            WHITE,
        )?;
        canvas.text(&number, at, LABEL, INK, Align::Centre)?;
    }
    legend(canvas, (plot.left, plot.bottom() + 34.0), chance)
}

/// Under the bars: what the colours mean, and what guessing gives.
fn legend(canvas: &Canvas<'_>, (mut left, y): (f64, f64), chance: Option<f64>) -> Drawn {
    const SWATCH: f64 = 10.0;
    let mut entry = |name: &str, swatch: f64, draw: &dyn Fn(f64) -> Drawn| {
        draw(left)?;
        left += swatch + 5.0;
        canvas.text(name, (left, y), LABEL, SOFT_INK, Align::Left)?;
        left += text_width(name, LABEL) + 12.0;
        Ok(())
    };
    let square = |colour: RGBColor| {
        move |left: f64| {
            let top = y - 0.5 * SWATCH;
            canvas.bar(
                Rect {
                    left,
                    top,
                    width: SWATCH,
                    height: SWATCH,
                },
                colour,
            )
        }
    };
    entry("untrained", SWATCH, &square(PALE))?;
    entry("trained", SWATCH, &square(BLUE))?;
    if let Some(chance) = chance {
        let name = format!("chance {:.0} %", 100.0 * chance);
        entry(&name, 14.0, &|left| {
            canvas.dashes((left, y), left + 14.0, 1.1, INK)
        })?;
    }
    Ok(())
}
