//! All random decisions of one view, made before any pixel is touched.

use rand::Rng;

use super::{AugmentConfig, CropBox, seed};

/// What will be done to an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ViewPlan {
    /// Rotation and shift, if any.
    pub affine: Option<AffinePlan>,
    /// What is cut out.
    pub crop: CropBox,
    /// Whether left and right change places.
    pub flip: bool,
    /// Colour jitter, if any.
    pub jitter: Option<JitterPlan>,
    /// Whether colour goes.
    pub grayscale: bool,
    /// Standard deviation of the blur in pixels, if any.
    pub blur: Option<f64>,
    /// Threshold of the solarization, if any.
    pub solarize: Option<f32>,
}

/// A rotation and shift.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AffinePlan {
    /// Clockwise angle.
    pub degrees: f64,
    /// Whole pixels to the right.
    pub shift_x: i32,
    /// Whole pixels down.
    pub shift_y: i32,
}

/// The four jitter operations, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JitterPlan(pub [JitterOp; 4]);

/// A jitter operation. A factor of 1 and a turn of 0 change nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum JitterOp {
    /// Factor of the brightness.
    Brightness(f32),
    /// Factor of the contrast.
    Contrast(f32),
    /// Factor of the saturation.
    Saturation(f32),
    /// Turns of the hue.
    Hue(f32),
}

impl ViewPlan {
    /// Throws the dice for an image of `width × height`.
    ///
    /// Every decision takes its numbers whether or not its operation runs, so
    /// that switching one operation off leaves the others as they were.
    pub fn draw(config: &AugmentConfig, width: usize, height: usize, rng: &mut impl Rng) -> Self {
        let flip = happens(config.flip, rng);
        let grayscale = happens(config.grayscale, rng);
        let solarize = happens(config.solarize.probability, rng);

        let blurs = happens(config.blur.probability, rng);
        let [least, most] = config.blur.sigma.map(f64::from);
        let sigma = seed::uniform(rng, least, most);

        let moves = happens(config.affine.probability, rng);
        let affine = AffinePlan {
            degrees: symmetric(config.affine.degrees, rng),
            shift_x: shift(config.affine.translate, width, rng),
            shift_y: shift(config.affine.translate, height, rng),
        };

        let jitters = happens(config.jitter.probability, rng);
        let jitter = JitterPlan::draw(config, rng);

        // Last, because it takes a varying number of draws.
        let crop = CropBox::draw(width, height, config.crop_scale, config.crop_ratio, rng);
        Self {
            affine: moves.then_some(affine),
            crop,
            flip,
            jitter: jitters.then_some(jitter),
            grayscale,
            blur: blurs.then_some(sigma),
            solarize: solarize.then_some(config.solarize.threshold),
        }
    }
}

impl JitterPlan {
    fn draw(config: &AugmentConfig, rng: &mut impl Rng) -> Self {
        let jitter = config.jitter;
        let mut ops = [
            JitterOp::Brightness(factor(jitter.brightness, rng)),
            JitterOp::Contrast(factor(jitter.contrast, rng)),
            JitterOp::Saturation(factor(jitter.saturation, rng)),
            JitterOp::Hue(symmetric(jitter.hue, rng) as f32),
        ];
        for i in (1..ops.len()).rev() {
            ops.swap(i, seed::below(rng, i + 1));
        }
        Self(ops)
    }
}

fn happens(probability: f32, rng: &mut impl Rng) -> bool {
    seed::unit(rng) < f64::from(probability)
}

/// Uniform in `[max(0, 1 − s), 1 + s]`.
fn factor(strength: f32, rng: &mut impl Rng) -> f32 {
    let strength = f64::from(strength);
    seed::uniform(rng, (1.0 - strength).max(0.0), 1.0 + strength) as f32
}

/// Uniform in `[−most, most]`.
fn symmetric(most: f32, rng: &mut impl Rng) -> f64 {
    let most = f64::from(most);
    seed::uniform(rng, -most, most)
}

fn shift(part: f32, side: usize, rng: &mut impl Rng) -> i32 {
    // At most the side of an image: far below the cast's limits.
    (symmetric(part, rng) * side as f64).round_ties_even() as i32
}
