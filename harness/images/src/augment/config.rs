//! The constants of one view's augmentation, and their limits.

use serde::{Deserialize, Serialize};

use super::AugmentError;

/// How one view is made from an image. An operation whose probability is 0 is off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AugmentConfig {
    /// Height and width of the view.
    pub size: usize,
    /// Part of the image's area that a crop covers, least and most.
    pub crop_scale: [f32; 2],
    /// Width over height of a crop, least and most; drawn log-uniformly.
    pub crop_ratio: [f32; 2],
    /// Probability of a horizontal flip.
    pub flip: f32,
    /// Probability that the view loses its colour.
    pub grayscale: f32,
    /// Rotation and shift, before the crop.
    #[serde(default)]
    pub affine: Affine,
    /// Random brightness, contrast, saturation and hue.
    #[serde(default)]
    pub jitter: Jitter,
    /// Gaussian blur.
    #[serde(default)]
    pub blur: Blur,
    /// Inversion of bright pixels.
    #[serde(default)]
    pub solarize: Solarize,
}

/// Rotation about the centre and shift; what comes in from outside is black.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Affine {
    /// Probability that it happens.
    pub probability: f32,
    /// Largest angle in degrees, either way.
    pub degrees: f32,
    /// Largest shift as a part of the width and of the height, either way;
    /// whole pixels are drawn.
    pub translate: f32,
}

/// Colour jitter: the four operations run in random order.
///
/// A strength `s` of brightness, contrast or saturation draws a factor from
/// `[max(0, 1 − s), 1 + s]`; 0 leaves the operation out. On one channel only
/// brightness and contrast have a meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jitter {
    /// Probability that it happens.
    pub probability: f32,
    /// Strength of the brightness change.
    pub brightness: f32,
    /// Strength of the contrast change.
    pub contrast: f32,
    /// Strength of the saturation change.
    pub saturation: f32,
    /// Largest rotation of the hue in turns, either way, at most 0.5.
    pub hue: f32,
}

/// Gaussian blur with a kernel of a tenth of the view's size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blur {
    /// Probability that it happens.
    pub probability: f32,
    /// Standard deviation in pixels, least and most.
    pub sigma: [f32; 2],
}

/// Inverts what is at least as bright as a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Solarize {
    /// Probability that it happens.
    pub probability: f32,
    /// Brightness from 0 to 1 at which inversion begins.
    pub threshold: f32,
}

impl Default for Blur {
    fn default() -> Self {
        // SimCLR's range, switched off.
        Self {
            probability: 0.0,
            sigma: [0.1, 2.0],
        }
    }
}

impl Default for Solarize {
    fn default() -> Self {
        // torchvision's usual threshold (128 of 255), switched off.
        Self {
            probability: 0.0,
            threshold: 128.0 / 255.0,
        }
    }
}

/// Far above any image here; keeps a misread size from asking for terabytes.
const LARGEST: usize = 4096;

const PROBABILITY: &str = "a probability in [0, 1]";
const STRENGTH: &str = "a strength in [0, 10]";

impl AugmentConfig {
    /// Refuses constants without a meaning. NaN fails every test below.
    pub fn validate(&self) -> Result<(), AugmentError> {
        let probability = |field, p: f32| {
            check(field, (0.0..=1.0).contains(&p), PROBABILITY, || {
                p.to_string()
            })
        };
        let strength =
            |field, s: f32| check(field, (0.0..=10.0).contains(&s), STRENGTH, || s.to_string());
        let range = |field, r: [f32; 2], least: f32, most: f32, expected| {
            let ok = r[0] > least && r[0] <= r[1] && r[1] <= most;
            check(field, ok, expected, || format!("[{}, {}]", r[0], r[1]))
        };

        check(
            "size",
            (1..=LARGEST).contains(&self.size),
            "1 to 4096 pixels",
            || self.size.to_string(),
        )?;
        range(
            "crop_scale",
            self.crop_scale,
            0.0,
            1.0,
            "[least, most] with 0 < least ≤ most ≤ 1",
        )?;
        let expected = "[least, most] with 0.001 < least ≤ most ≤ 1000";
        range("crop_ratio", self.crop_ratio, 1e-3, 1e3, expected)?;
        probability("flip", self.flip)?;
        probability("grayscale", self.grayscale)?;

        let Affine {
            probability: p,
            degrees,
            translate,
        } = self.affine;
        probability("affine.probability", p)?;
        let ok = (0.0..=180.0).contains(&degrees);
        check("affine.degrees", ok, "an angle in [0, 180]", || {
            degrees.to_string()
        })?;
        let ok = (0.0..=1.0).contains(&translate);
        check(
            "affine.translate",
            ok,
            "a part of the size in [0, 1]",
            || translate.to_string(),
        )?;

        let jitter = self.jitter;
        probability("jitter.probability", jitter.probability)?;
        strength("jitter.brightness", jitter.brightness)?;
        strength("jitter.contrast", jitter.contrast)?;
        strength("jitter.saturation", jitter.saturation)?;
        let ok = (0.0..=0.5).contains(&jitter.hue);
        check("jitter.hue", ok, "turns in [0, 0.5]", || {
            jitter.hue.to_string()
        })?;

        probability("blur.probability", self.blur.probability)?;
        let expected = "[least, most] in pixels with 0 < least ≤ most ≤ 1000";
        range("blur.sigma", self.blur.sigma, 0.0, 1e3, expected)?;

        probability("solarize.probability", self.solarize.probability)?;
        let threshold = self.solarize.threshold;
        let ok = (0.0..=1.0).contains(&threshold);
        check("solarize.threshold", ok, "a brightness in [0, 1]", || {
            threshold.to_string()
        })
    }
}

fn check(
    field: &'static str,
    ok: bool,
    expected: &'static str,
    got: impl FnOnce() -> String,
) -> Result<(), AugmentError> {
    if ok {
        Ok(())
    } else {
        Err(AugmentError::Config {
            field,
            expected,
            got: got(),
        })
    }
}
