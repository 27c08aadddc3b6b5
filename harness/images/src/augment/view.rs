//! From an image to one view, or to the plain input of an evaluation.

use fast_image_resize::Resizer;
use rand::Rng;

use super::{
    AugmentConfig, AugmentError, CropBox, JitterOp, JitterPlan, Normalize, ViewPlan, affine,
    blur::{self, BlurBuffers},
    color,
    crop::crop_resize,
};
use crate::data::ImageRef;

/// Memory that one thread reuses from view to view. Holds nothing that matters.
#[derive(Debug, Default)]
pub struct Scratch {
    resizer: Resizer,
    moved: Vec<u8>,
    resized: Vec<u8>,
    blur: BlurBuffers,
}

/// 8-bit values to [0, 1].
const UNIT: f32 = 1.0 / 255.0;

/// Draws a view of `image` and writes it to `out`: channels × size × size, planes
/// in the order of the image.
pub fn view(
    image: ImageRef<'_>,
    config: &AugmentConfig,
    normalize: &Normalize,
    rng: &mut impl Rng,
    scratch: &mut Scratch,
    out: &mut [f32],
) -> Result<(), AugmentError> {
    config.validate()?;
    check(image, normalize, config.size, out)?;
    let plan = ViewPlan::draw(config, image.width, image.height, rng);
    apply(image, &plan, config.size, normalize, scratch, out)
}

/// Carries out a plan: writes the view of `size × size` pixels to `out`.
pub fn apply(
    image: ImageRef<'_>,
    plan: &ViewPlan,
    size: usize,
    normalize: &Normalize,
    scratch: &mut Scratch,
    out: &mut [f32],
) -> Result<(), AugmentError> {
    check(image, normalize, size, out)?;
    let Scratch {
        resizer,
        moved,
        resized,
        blur,
    } = scratch;
    let source = match plan.affine {
        Some(affine) => {
            moved.resize(image.pixels.len(), 0);
            affine::transform(image, affine, moved);
            ImageRef {
                pixels: moved,
                ..image
            }
        }
        None => image,
    };
    resized.resize(out.len(), 0);
    crop_resize(source, plan.crop, size, resizer, resized)?;
    to_unit(resized, size, plan.flip, out);

    if let Some(jitter) = &plan.jitter {
        apply_jitter(out, image.channels, jitter);
    }
    if plan.grayscale && image.channels == 3 {
        color::grayscale(out);
    }
    if let Some(sigma) = plan.blur {
        blur::blur(out, size, sigma, blur);
    }
    if let Some(threshold) = plan.solarize {
        color::solarize(out, threshold);
    }
    for (plane, (mean, scale)) in out.chunks_exact_mut(size * size).zip(normalize.channels()) {
        for x in plane {
            *x = (*x - mean) * scale;
        }
    }
    Ok(())
}

/// The normalized image as it is, for evaluation.
///
/// `out` has the image's own number of values and `normalize` its number of
/// channels; anything beyond the shorter of them stays as it was.
pub fn plain(image: ImageRef<'_>, normalize: &Normalize, out: &mut [f32]) {
    debug_assert_eq!(image.pixels.len(), out.len(), "one value per byte");
    debug_assert_eq!(image.channels, normalize.mean.len(), "one mean per channel");
    let area = (image.height * image.width).max(1);
    let planes = image
        .pixels
        .chunks_exact(area)
        .zip(out.chunks_exact_mut(area));
    for ((plane, out), (mean, scale)) in planes.zip(normalize.channels()) {
        for (out, &x) in out.iter_mut().zip(plane) {
            *out = (f32::from(x) * UNIT - mean) * scale;
        }
    }
}

/// As [`plain`], scaled to `size × size` where the image has another size.
pub fn plain_resized(
    image: ImageRef<'_>,
    normalize: &Normalize,
    size: usize,
    scratch: &mut Scratch,
    out: &mut [f32],
) -> Result<(), AugmentError> {
    check(image, normalize, size, out)?;
    if (image.width, image.height) == (size, size) {
        plain(image, normalize, out);
        return Ok(());
    }
    let Scratch {
        resizer, resized, ..
    } = scratch;
    resized.resize(out.len(), 0);
    let whole = CropBox::whole(image.width, image.height);
    crop_resize(image, whole, size, resizer, resized)?;
    plain(
        ImageRef {
            width: size,
            height: size,
            pixels: resized,
            ..image
        },
        normalize,
        out,
    );
    Ok(())
}

fn apply_jitter(pixels: &mut [f32], channels: usize, jitter: &JitterPlan) {
    for op in jitter.0 {
        match op {
            JitterOp::Brightness(f) if f != 1.0 => color::brightness(pixels, f),
            JitterOp::Contrast(f) if f != 1.0 => color::contrast(pixels, channels, f),
            JitterOp::Saturation(f) if f != 1.0 && channels == 3 => color::saturation(pixels, f),
            JitterOp::Hue(turns) if turns != 0.0 && channels == 3 => color::hue(pixels, turns),
            _ => {}
        }
    }
}

fn to_unit(bytes: &[u8], size: usize, flip: bool, out: &mut [f32]) {
    for (row, out) in bytes.chunks_exact(size).zip(out.chunks_exact_mut(size)) {
        if flip {
            for (out, &x) in out.iter_mut().rev().zip(row) {
                *out = f32::from(x) * UNIT;
            }
        } else {
            for (out, &x) in out.iter_mut().zip(row) {
                *out = f32::from(x) * UNIT;
            }
        }
    }
}

fn check(
    image: ImageRef<'_>,
    normalize: &Normalize,
    size: usize,
    out: &[f32],
) -> Result<(), AugmentError> {
    let ImageRef {
        channels,
        height,
        width,
        pixels,
    } = image;
    if channels != 1 && channels != 3 {
        return Err(AugmentError::Channels { got: channels });
    }
    let needed = channels
        .checked_mul(height)
        .and_then(|n| n.checked_mul(width));
    if pixels.is_empty() || needed != Some(pixels.len()) {
        return Err(AugmentError::Pixels {
            channels,
            height,
            width,
            got: pixels.len(),
        });
    }
    let expected = channels.saturating_mul(size).saturating_mul(size);
    if expected != out.len() || size == 0 {
        return Err(AugmentError::Output {
            expected,
            got: out.len(),
        });
    }
    normalize.validate(channels)
}
