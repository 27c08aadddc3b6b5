//! A drawing surface in pixels, with fractions.
//!
//! `plotters` places everything at whole numbers, which makes curves of stairs. So
//! the surface is `FINE` times as large inside, and the SVG's `viewBox` shrinks it.

use std::{cell::RefCell, fmt::Write};

use plotters::{
    coord::Shift,
    prelude::{
        Circle, DrawingArea, DrawingAreaErrorKind, IntoDrawingArea, PathElement, Rectangle,
        SVGBackend, Text,
    },
    style::{
        Color, IntoFont, RGBAColor, RGBColor, TextStyle, WHITE,
        text_anchor::{HPos, Pos, VPos},
    },
};

/// Units per pixel.
const FINE: f64 = 10.0;

/// Fonts that look alike, of the common systems.
const FONTS: &str = "Inter, 'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', sans-serif";

/// `plotters-svg` writes a letter height divided by this.
const FONT_FACTOR: f64 = 1.24;

/// Why drawing failed.
pub type DrawError = DrawingAreaErrorKind<std::io::Error>;
/// What drawing gives.
pub type Drawn = Result<(), DrawError>;

/// A place in pixels, from the figure's top left corner.
pub type Point = (f64, f64);

/// A part of the figure.
#[derive(Clone, Copy, Debug)]
pub struct Rect {
    /// Distance of its left side from the figure's.
    pub left: f64,
    /// Distance of its upper side from the figure's.
    pub top: f64,
    /// From left to right.
    pub width: f64,
    /// From top to bottom.
    pub height: f64,
}

impl Rect {
    /// Where it ends at the right.
    pub fn right(&self) -> f64 {
        self.left + self.width
    }
    /// Where it ends below.
    pub fn bottom(&self) -> f64 {
        self.top + self.height
    }
    /// What is left of a column of `width` at the right, and that column.
    pub fn split_right(self, width: f64, gap: f64) -> (Self, Self) {
        let left = Self {
            width: self.width - width - gap,
            ..self
        };
        (
            left,
            Self {
                left: self.right() - width,
                width,
                ..self
            },
        )
    }
    /// Without strips at its sides.
    pub fn inset(self, left: f64, top: f64, right: f64, bottom: f64) -> Self {
        Self {
            left: self.left + left,
            top: self.top + top,
            width: self.width - left - right,
            height: self.height - top - bottom,
        }
    }
}

/// Where a text stands relative to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Begins there.
    Left,
    /// Has its middle there.
    Centre,
    /// Ends there.
    Right,
}

/// A figure being drawn.
pub struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
    /// Elements that the library has no short form of; they lie over all others.
    above: RefCell<String>,
}

/// The SVG of a figure of `size` that `draw` fills.
pub fn render(
    size: Point,
    title: &str,
    draw: impl FnOnce(&Canvas<'_>) -> Drawn,
) -> Result<String, DrawError> {
    let mut svg = String::new();
    let above;
    let inner = (fine(size.0).unsigned_abs(), fine(size.1).unsigned_abs());
    {
        let canvas = Canvas {
            area: SVGBackend::with_string(&mut svg, inner).into_drawing_area(),
            above: RefCell::default(),
        };
        canvas.area.fill(&WHITE)?;
        draw(&canvas)?;
        canvas.area.present()?;
        above = canvas.above.take();
    }
    // The library's opening tag gives way to one with the size on the screen, and
    // with what all elements inherit: corners of curves are round, not spikes.
    let elements = svg.split_once('\n').map_or("", |(_, elements)| elements);
    let elements = elements.strip_suffix("</svg>\n").unwrap_or(elements);
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" \
         viewBox=\"0 0 {} {}\" stroke-linejoin=\"round\" role=\"img\">\n\
         <title>{}</title>\n{elements}{above}</svg>\n",
        size.0,
        size.1,
        inner.0,
        inner.1,
        escaped(title)
    ))
}

/// Pixels as units; what is not a number is at the edge.
fn fine(pixels: f64) -> i32 {
    // `as` saturates. A hundred thousand pixels are further than any figure goes, and
    // leave the library room to calculate.
    (pixels.clamp(-1e5, 1e5) * FINE).round() as i32
}

fn place((x, y): Point) -> (i32, i32) {
    (fine(x), fine(y))
}

/// Without the letters that XML has no way to write.
fn printable(text: &str) -> String {
    let allowed = |letter: char| match letter {
        '\u{FFFE}' | '\u{FFFF}' => false,
        letter => !letter.is_control(),
    };
    text.chars()
        .map(|letter| {
            if allowed(letter) {
                letter
            } else {
                char::REPLACEMENT_CHARACTER
            }
        })
        .collect()
}

fn escaped(text: &str) -> String {
    printable(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

impl Canvas<'_> {
    /// A curve through `points`.
    pub fn path(&self, points: &[Point], width: f64, colour: RGBAColor) -> Drawn {
        let points: Vec<(i32, i32)> = points.iter().copied().map(place).collect();
        self.area.draw(&PathElement::new(
            points,
            colour.stroke_width(fine(width).unsigned_abs()),
        ))
    }

    /// A straight line.
    pub fn line(&self, from: Point, to: Point, width: f64, colour: RGBColor) -> Drawn {
        self.path(&[from, to], width, colour.to_rgba())
    }

    /// A level line of dashes.
    pub fn dashes(&self, from: Point, to_x: f64, width: f64, colour: RGBColor) -> Drawn {
        const DASH: f64 = 5.0;
        const SPACE: f64 = 4.0;
        let mut x = from.0;
        while x < to_x {
            self.line((x, from.1), ((x + DASH).min(to_x), from.1), width, colour)?;
            x += DASH + SPACE;
        }
        Ok(())
    }

    /// A filled rectangle.
    pub fn bar(&self, bar: Rect, colour: RGBColor) -> Drawn {
        let corners = [
            place((bar.left, bar.top)),
            place((bar.right(), bar.bottom())),
        ];
        self.area.draw(&Rectangle::new(corners, colour.filled()))
    }

    /// A filled circle.
    pub fn dot(&self, centre: Point, radius: f64, colour: RGBColor) -> Drawn {
        self.area
            .draw(&Circle::new(place(centre), fine(radius), colour.filled()))
    }

    /// Filled circles, many of one colour and size: strokes without length that have
    /// round ends. An element for each would be ten times as long. They lie over what
    /// is drawn otherwise, among each other in the order of the calls.
    pub fn dots(&self, centres: &[Point], diameter: f64, colour: RGBColor, opacity: f64) {
        if centres.is_empty() {
            return;
        }
        let mut above = self.above.borrow_mut();
        above.push_str("<path d=\"");
        for &centre in centres {
            let (x, y) = place(centre);
            // Writing to a string does not fail.
            let _ = write!(above, "M{x} {y}h0");
        }
        let RGBColor(red, green, blue) = colour;
        let _ = writeln!(
            above,
            "\" fill=\"none\" stroke=\"#{red:02X}{green:02X}{blue:02X}\" \
             stroke-opacity=\"{opacity:.2}\" stroke-width=\"{}\" stroke-linecap=\"round\"/>",
            fine(diameter)
        );
    }

    /// A filled circle that what is behind it shines through.
    pub(super) fn pale_dot(&self, centre: Point, radius: f64, colour: RGBAColor) -> Drawn {
        self.area
            .draw(&Circle::new(place(centre), fine(radius), colour.filled()))
    }

    /// A line of text whose middle is at the height of `at`.
    pub fn text(
        &self,
        text: &str,
        at: Point,
        height: f64,
        colour: RGBColor,
        align: Align,
    ) -> Drawn {
        if text.is_empty() {
            return Ok(());
        }
        let side = match align {
            Align::Left => HPos::Left,
            Align::Centre => HPos::Center,
            Align::Right => HPos::Right,
        };
        let font = (FONTS, height * FINE * FONT_FACTOR).into_font();
        let style = TextStyle::from(font)
            .color(&colour)
            .pos(Pos::new(side, VPos::Center));
        self.area
            .draw(&Text::new(printable(text), place(at), style))
    }
}

/// About how wide a text is, by Helvetica's widths of kinds of letters, and a little
/// more, because the font may be another.
pub fn text_width(text: &str, height: f64) -> f64 {
    let width = |letter| match letter {
        'i' | 'j' | 'l' | 't' | 'f' | 'I' | ' ' | '.' | ',' | ':' | '\'' => 0.28,
        'r' | '-' | '(' | ')' => 0.34,
        'm' | 'w' | 'M' | 'W' | '%' | '@' => 0.85,
        c if c.is_uppercase() => 0.7,
        _ => 0.55,
    };
    1.04 * height * text.chars().map(width).sum::<f64>()
}

/// The text, or as much of its beginning as is not wider than `width`.
pub(super) fn fitted(text: &str, height: f64, width: f64) -> String {
    if text_width(text, height) <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    for letter in text.chars() {
        kept.push(letter);
        if text_width(&kept, height) + height > width {
            kept.pop();
            break;
        }
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_leave_room_to_calculate_with() {
        for pixels in [f64::MAX, f64::INFINITY] {
            // The library adds and subtracts places: far from the ends of `i32`.
            assert_eq!(fine(pixels), 1_000_000);
            assert_eq!(fine(-pixels), -1_000_000);
        }
        assert_eq!(fine(f64::NAN), 0);
        assert_eq!(fine(12.34), 123);
    }
}
