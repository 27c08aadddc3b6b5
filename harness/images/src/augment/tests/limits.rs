//! Any valid configuration on any image.

use proptest::prelude::*;

use super::{image, pattern};
use crate::augment::{
    Affine, AugmentConfig, Blur, Jitter, Normalize, Scratch, Solarize, Stream, generator, view,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Every valid configuration on every shape gives values in [0, 1].
    #[test]
    fn any_view_stays_between_black_and_white(
        (seed, three, height, width, size) in (0_u64.., any::<bool>(), 1_usize..12, 1_usize..12, 1_usize..45),
        scale in (0.001_f32..=1.0, 0.001_f32..=1.0),
        ratio in (0.01_f32..100.0, 0.01_f32..100.0),
        strength in (0.0_f32..3.0, 0.0_f32..3.0, 0.0_f32..3.0, 0.0_f32..=0.5),
        sigma in 1e-6_f32..50.0,
        (degrees, translate, threshold) in (0.0_f32..=180.0, 0.0_f32..=1.0, 0.0_f32..=1.0),
    ) {
        let config = AugmentConfig {
            size,
            crop_scale: [scale.0.min(scale.1), scale.0.max(scale.1)],
            crop_ratio: [ratio.0.min(ratio.1), ratio.0.max(ratio.1)],
            flip: 0.5,
            grayscale: 0.2,
            affine: Affine { probability: 0.5, degrees, translate },
            jitter: Jitter {
                probability: 0.9,
                brightness: strength.0,
                contrast: strength.1,
                saturation: strength.2,
                hue: strength.3,
            },
            blur: Blur { probability: 0.5, sigma: [sigma, sigma] },
            solarize: Solarize { probability: 0.5, threshold },
        };
        let channels = if three { 3 } else { 1 };
        let pixels = pattern(channels, height, width);
        let mut out = vec![f32::NAN; channels * size * size];
        let rng = &mut generator(seed, 0, 0, Stream::ViewA);
        let source = image(&pixels, channels, height, width);
        let normalize = Normalize::identity(channels);
        view(source, &config, &normalize, rng, &mut Scratch::default(), &mut out).unwrap();
        // Blur's weights sum to 1 up to their rounding.
        prop_assert!(out.iter().all(|x| (-1e-6..=1.0 + 1e-6).contains(x)));
    }
}
