//! A figure as pixels, for where SVG is not taken.
//!
//! The letters are DejaVu's, which may be embedded and passed on with anything under
//! its own free licence (Bitstream Vera's, <https://dejavu-fonts.github.io/License.html>).

use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{Options, Tree},
};

use super::MapError;

/// The widest and highest that a picture may be.
const LARGEST: f32 = 16_000.0;

/// The very same figure as PNG, `scale` pixels for one of the SVG. The letters are those
/// of DejaVu Sans Condensed, which the program carries: the machine needs no fonts, and
/// the picture is the same on all of them.
pub fn png(svg: &str, scale: f32) -> Result<Vec<u8>, MapError> {
    let mut options = Options::default();
    let fonts = options.fontdb_mut();
    fonts.load_font_data(dejavu::sans_condensed::regular().to_vec());
    // The figure's list of fonts ends with this family.
    fonts.set_sans_serif_family("DejaVu Sans");
    options.font_family = "DejaVu Sans".to_owned();
    let tree = Tree::from_str(svg, &options).map_err(|error| MapError::Png(error.to_string()))?;
    let size = tree.size();
    let (width, height) = (
        (size.width() * scale).ceil(),
        (size.height() * scale).ceil(),
    );
    // NaN is not inside of any range.
    let sound = |length: f32| (1.0..=LARGEST).contains(&length);
    let pixmap = if sound(width) && sound(height) {
        Pixmap::new(width as u32, height as u32)
    } else {
        None
    };
    let Some(mut pixmap) = pixmap else {
        return Err(MapError::Png(format!(
            "{width} × {height} pixels are not between 1 and {LARGEST} each; take another scale"
        )));
    };
    resvg::render(
        &tree,
        Transform::from_scale(scale, scale),
        &mut pixmap.as_mut(),
    );
    pixmap
        .encode_png()
        .map_err(|error| MapError::Png(error.to_string()))
}
