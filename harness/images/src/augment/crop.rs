//! Random resized crop: a box of random area and shape, scaled to the view.
//!
//! The box is drawn as torchvision does it. The crop is cut out first and then
//! scaled, so nothing outside the box shines in at its border. Scaling is
//! bilinear with antialiasing, in integers, which every processor adds up alike.

use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{CroppedImage, Image, ImageRef as Plane},
};
use rand::Rng;

use super::{AugmentError, seed};
use crate::data::ImageRef;

/// A rectangle of whole pixels inside an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CropBox {
    /// First column.
    pub left: usize,
    /// First row.
    pub top: usize,
    /// Columns, at least 1.
    pub width: usize,
    /// Rows, at least 1.
    pub height: usize,
}

/// Boxes that are tried before the centre is taken.
const ATTEMPTS: usize = 10;

impl CropBox {
    /// The whole of an image.
    pub fn whole(width: usize, height: usize) -> Self {
        Self {
            left: 0,
            top: 0,
            width,
            height,
        }
    }

    /// Draws a box that covers `scale` of the area with sides in the relation
    /// `ratio`. Ten boxes are tried; where none fits into the image, the largest
    /// centred box with an allowed ratio is taken.
    pub fn draw(
        width: usize,
        height: usize,
        scale: [f32; 2],
        ratio: [f32; 2],
        rng: &mut impl Rng,
    ) -> Self {
        let area = (width * height) as f64;
        let [least, most] = scale.map(f64::from);
        let log_ratio = ratio.map(|r| libm::log(f64::from(r)));
        for _ in 0..ATTEMPTS {
            let target = area * seed::uniform(rng, least, most);
            let aspect = libm::exp(seed::uniform(rng, log_ratio[0], log_ratio[1]));
            // A cast from f64 saturates, so a huge side is refused below.
            let w = (target * aspect).sqrt().round_ties_even() as usize;
            let h = (target / aspect).sqrt().round_ties_even() as usize;
            if (1..=width).contains(&w) && (1..=height).contains(&h) {
                let top = seed::below(rng, height - h + 1);
                let left = seed::below(rng, width - w + 1);
                return Self {
                    left,
                    top,
                    width: w,
                    height: h,
                };
            }
        }
        Self::centre(width, height, ratio)
    }

    fn centre(width: usize, height: usize, ratio: [f32; 2]) -> Self {
        let [least, most] = ratio.map(f64::from);
        let own = width as f64 / height as f64;
        let (mut w, mut h) = (width, height);
        if own < least {
            h = (width as f64 / least).round_ties_even() as usize;
        } else if own > most {
            w = (height as f64 * most).round_ties_even() as usize;
        }
        // Rounding may end at 0 or one above a very narrow image's side.
        let (w, h) = (w.clamp(1, width), h.clamp(1, height));
        Self {
            left: (width - w) / 2,
            top: (height - h) / 2,
            width: w,
            height: h,
        }
    }
}

/// Cuts `crop` out of every channel and scales it to `size × size`.
///
/// `out` has channels × size × size bytes, planes as in the image.
pub(super) fn crop_resize(
    image: ImageRef<'_>,
    crop: CropBox,
    size: usize,
    resizer: &mut Resizer,
    out: &mut [u8],
) -> Result<(), AugmentError> {
    let failed = |message: String| AugmentError::Resize {
        width: image.width,
        height: image.height,
        message,
    };
    let side = |value: usize| u32::try_from(value).map_err(|e| failed(e.to_string()));
    let (width, height, edge) = (side(image.width)?, side(image.height)?, side(size)?);
    let (left, top) = (side(crop.left)?, side(crop.top)?);
    let (box_width, box_height) = (side(crop.width)?, side(crop.height)?);

    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    let planes = image.pixels.chunks_exact(image.width * image.height);
    for (plane, out) in planes.zip(out.chunks_exact_mut(size * size)) {
        let source = Plane::new(width, height, plane, PixelType::U8);
        let source = source.map_err(|e| failed(e.to_string()))?;
        let source = CroppedImage::new(&source, left, top, box_width, box_height);
        let source = source.map_err(|e| failed(e.to_string()))?;
        let target = Image::from_slice_u8(edge, edge, out, PixelType::U8);
        let mut target = target.map_err(|e| failed(e.to_string()))?;
        resizer
            .resize(&source, &mut target, &options)
            .map_err(|e| failed(e.to_string()))?;
    }
    Ok(())
}
