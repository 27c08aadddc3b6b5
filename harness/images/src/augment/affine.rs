//! Rotation about the centre and shift of an 8-bit image.
//!
//! Each output pixel asks where it came from: `source = R(−angle) · (pixel −
//! centre − shift) + centre`, and blends the four neighbours there bilinearly.
//! Neighbours outside count as black.

use super::AffinePlan;
use crate::data::ImageRef;

/// Writes the moved image to `out`, of the same shape.
pub(super) fn transform(image: ImageRef<'_>, plan: AffinePlan, out: &mut [u8]) {
    let (width, height) = (image.width, image.height);
    let angle = plan.degrees.to_radians();
    let (sin, cos) = (libm::sin(angle) as f32, libm::cos(angle) as f32);
    let centre = ((width as f32 - 1.0) / 2.0, (height as f32 - 1.0) / 2.0);
    let origin = (
        centre.0 + plan.shift_x as f32,
        centre.1 + plan.shift_y as f32,
    );
    let area = width * height;
    for (plane, out) in image
        .pixels
        .chunks_exact(area)
        .zip(out.chunks_exact_mut(area))
    {
        for (y, row) in out.chunks_exact_mut(width).enumerate() {
            let dy = y as f32 - origin.1;
            for (x, pixel) in row.iter_mut().enumerate() {
                let dx = x as f32 - origin.0;
                let source_x = cos * dx + sin * dy + centre.0;
                let source_y = cos * dy - sin * dx + centre.1;
                *pixel = sample(plane, width, height, source_x, source_y);
            }
        }
    }
}

fn sample(plane: &[u8], width: usize, height: usize, x: f32, y: f32) -> u8 {
    let (left, top) = (x.floor(), y.floor());
    let (fx, fy) = (x - left, y - top);
    // Casts saturate; positions far outside stay outside.
    let (left, top) = (left as i64, top as i64);
    let at = |x: i64, y: i64| {
        let inside = (0..width as i64).contains(&x) && (0..height as i64).contains(&y);
        if inside {
            f32::from(plane[y as usize * width + x as usize])
        } else {
            0.0
        }
    };
    let upper = at(left, top) * (1.0 - fx) + at(left + 1, top) * fx;
    let lower = at(left, top + 1) * (1.0 - fx) + at(left + 1, top + 1) * fx;
    (upper * (1.0 - fy) + lower * fy).round() as u8
}
