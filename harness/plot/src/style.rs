//! Colours and sizes, in one place.
//!
//! The hues are those of Okabe & Ito's palette, which differ for every common form
//! of colour blindness; trained and untrained differ in lightness as well, so that
//! they can be told apart in a grey print.

pub use plotters::style::RGBColor;
use plotters::style::WHITE;

/// What a curve is drawn in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    /// What the figure is about.
    #[default]
    Blue,
    /// Beside blue.
    Orange,
    /// Beside both.
    Green,
    /// Beside all three.
    Purple,
    /// Beside all four.
    Sky,
    /// Beside all five.
    Amber,
    /// What was set, not measured.
    Grey,
}

impl Colour {
    /// As red, green and blue.
    pub fn rgb(self) -> RGBColor {
        match self {
            Self::Blue => BLUE,
            Self::Orange => RGBColor(213, 94, 0),
            Self::Green => RGBColor(0, 158, 115),
            Self::Purple => RGBColor(170, 68, 136),
            Self::Amber => RGBColor(214, 150, 0),
            Self::Sky => RGBColor(86, 180, 233),
            Self::Grey => RGBColor(102, 109, 117),
        }
    }
}

/// Rules that turn figures inside of a page dark: colours are attributes of their
/// elements, which rules go before. Files by themselves stay on white, like paper.
pub fn dark_rules() -> String {
    let hues = [
        (Colour::Blue.rgb(), "#4aa3e8"),
        (Colour::Orange.rgb(), "#f5853f"),
        (Colour::Green.rgb(), "#2bc598"),
        (Colour::Purple.rgb(), "#d884c0"),
        (Colour::Amber.rgb(), "#e9b13b"),
        (Colour::Sky.rgb(), "#9bd8f8"),
        (Colour::Grey.rgb(), "#98a1ab"),
        (INK, "#e6e8eb"),
        (SOFT_INK, "#a7afb8"),
        (AXIS, "#5d656e"),
        (GRID, "#2e3339"),
        (WHITE, "transparent"),
    ];
    let rule = |(RGBColor(r, g, b), dark): (RGBColor, &str)| {
        // As the drawing library writes it.
        let light = format!("#{r:02X}{g:02X}{b:02X}");
        format!("svg [fill=\"{light}\"]{{fill:{dark}}}svg [stroke=\"{light}\"]{{stroke:{dark}}}")
    };
    hues.into_iter().map(rule).collect()
}

/// The trained encoder's.
pub const BLUE: RGBColor = RGBColor(0, 114, 178);
/// The untrained one's.
pub const PALE: RGBColor = RGBColor(178, 205, 224);

/// Titles and numbers at bars.
pub const INK: RGBColor = RGBColor(32, 36, 41);
/// Labels.
pub const SOFT_INK: RGBColor = RGBColor(92, 99, 107);
/// The axis that values stand on.
pub const AXIS: RGBColor = RGBColor(170, 176, 183);
/// Lines behind the data.
pub const GRID: RGBColor = RGBColor(232, 234, 237);

/// Heights of letters, in pixels.
pub const TITLE: f64 = 20.0;
/// Subtitle and titles of panels.
pub const HEAD: f64 = 13.0;
/// Numbers at ticks, legends.
pub const LABEL: f64 = 11.5;
