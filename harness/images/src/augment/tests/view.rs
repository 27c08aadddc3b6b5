//! The whole path from bytes to normalized values.

use super::{assert_close, image, pattern};
use crate::augment::{
    Affine, AugmentConfig, AugmentError, Blur, CropBox, JitterOp, JitterPlan, Normalize, Scratch,
    Solarize, Stream, ViewPlan, apply, generator, plain, plain_resized, view,
};

const NOTHING: ViewPlan = ViewPlan {
    affine: None,
    crop: CropBox {
        left: 0,
        top: 0,
        width: 4,
        height: 4,
    },
    flip: false,
    jitter: None,
    grayscale: false,
    blur: None,
    solarize: None,
};

/// A plan carried out on a 4×4 image.
fn applied(channels: usize, plan: ViewPlan, normalize: &Normalize) -> Vec<f32> {
    let pixels = pattern(channels, 4, 4);
    let mut out = vec![f32::NAN; channels * 16];
    let scratch = &mut Scratch::default();
    apply(
        image(&pixels, channels, 4, 4),
        &plan,
        4,
        normalize,
        scratch,
        &mut out,
    )
    .unwrap();
    out
}

#[test]
fn the_empty_plan_is_the_plain_image() {
    let normalize = Normalize {
        mean: vec![0.1, 0.2, 0.3],
        std: vec![0.5, 0.25, 2.0],
    };
    let pixels = pattern(3, 4, 4);
    let want: Vec<f64> = pixels
        .iter()
        .enumerate()
        .map(|(i, &x)| {
            let (mean, std) = [(0.1, 0.5), (0.2, 0.25), (0.3, 2.0)][i / 16];
            (f64::from(x) / 255.0 - mean) / std
        })
        .collect();
    // Roundings of 2⁻²⁵ divided by the least std.
    assert_close(&applied(3, NOTHING, &normalize), &want, 1e-6);
    let mut out = vec![f32::NAN; 48];
    plain(image(&pixels, 3, 4, 4), &normalize, &mut out);
    assert_close(&out, &want, 1e-6);
    assert_eq!(out, applied(3, NOTHING, &normalize), "the same arithmetic");
}

#[test]
fn every_byte_becomes_its_part_of_255() {
    let pixels: Vec<u8> = (0..=255).collect();
    let mut out = vec![f32::NAN; 256];
    plain(image(&pixels, 1, 16, 16), &Normalize::identity(1), &mut out);
    // One rounding of the reciprocal and one of the product.
    let want: Vec<f64> = (0..256).map(|x| f64::from(x) / 255.0).collect();
    assert_close(&out, &want, 1.2e-7);
    assert_eq!((out[0], out[255]), (0.0, 1.0));
}

#[test]
fn flip_exchanges_left_and_right() {
    let plain = applied(3, NOTHING, &Normalize::identity(3));
    let flipped = applied(
        3,
        ViewPlan {
            flip: true,
            ..NOTHING
        },
        &Normalize::identity(3),
    );
    for (row, mirrored) in plain.chunks(4).zip(flipped.chunks(4)) {
        assert!(row.iter().eq(mirrored.iter().rev()));
    }
}

#[test]
fn operations_run_in_their_order() {
    // On one pixel-constant image each step can be followed by hand: brightness
    // 0.5, then contrast 1 (nothing), then solarization at 0.25, then normalization.
    let pixels = [204; 16];
    let jitter = JitterPlan([
        JitterOp::Hue(0.3),
        JitterOp::Brightness(0.5),
        JitterOp::Saturation(0.2),
        JitterOp::Contrast(1.0),
    ]);
    let plan = ViewPlan {
        jitter: Some(jitter),
        solarize: Some(0.25),
        ..NOTHING
    };
    let mut out = [f32::NAN; 16];
    let normalize = Normalize {
        mean: vec![0.1],
        std: vec![0.5],
    };
    let scratch = &mut Scratch::default();
    apply(
        image(&pixels, 1, 4, 4),
        &plan,
        4,
        &normalize,
        scratch,
        &mut out,
    )
    .unwrap();
    // 204 / 255 = 0.8 → 0.4 → 0.6 → (0.6 − 0.1) / 0.5 = 1. Hue and saturation have
    // no meaning on one channel.
    assert_close(&out, &[1.0; 16], 1e-6);
}

#[test]
fn the_order_of_jitter_counts() {
    let ops = |a, b| JitterPlan([a, b, JitterOp::Hue(0.0), JitterOp::Saturation(1.0)]);
    let (brighter, flatter) = (JitterOp::Brightness(1.4), JitterOp::Contrast(0.3));
    let run = |jitter| {
        let plan = ViewPlan {
            jitter: Some(jitter),
            ..NOTHING
        };
        applied(3, plan, &Normalize::identity(3))
    };
    assert_ne!(run(ops(brighter, flatter)), run(ops(flatter, brighter)));
}

#[test]
fn grayscale_on_one_channel_changes_nothing() {
    let normalize = Normalize::identity(1);
    let grey = applied(
        1,
        ViewPlan {
            grayscale: true,
            ..NOTHING
        },
        &normalize,
    );
    assert_eq!(grey, applied(1, NOTHING, &normalize));
    // On three it makes the channels equal.
    let grey = applied(
        3,
        ViewPlan {
            grayscale: true,
            ..NOTHING
        },
        &Normalize::identity(3),
    );
    assert!(grey[..16] == grey[16..32] && grey[..16] == grey[32..]);
}

#[test]
fn evaluation_resizes_only_where_it_must() {
    let pixels = pattern(3, 4, 4);
    let (source, normalize) = (image(&pixels, 3, 4, 4), Normalize::identity(3));
    let scratch = &mut Scratch::default();
    let mut same = vec![f32::NAN; 48];
    plain_resized(source, &normalize, 4, scratch, &mut same).unwrap();
    assert_eq!(same, applied(3, NOTHING, &normalize));
    let mut half = vec![f32::NAN; 12];
    plain_resized(source, &normalize, 2, scratch, &mut half).unwrap();
    let plan = ViewPlan { ..NOTHING };
    let mut want = vec![f32::NAN; 12];
    apply(source, &plan, 2, &normalize, scratch, &mut want).unwrap();
    assert_eq!(half, want);
}

/// FNV-1a over the bits.
fn digest(values: &[f32]) -> u64 {
    let bytes = values.iter().flat_map(|x| x.to_bits().to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[test]
fn views_are_the_same_bits_on_every_machine_and_in_every_version() {
    // Who changes these numbers makes recorded runs unrepeatable; say so in the
    // change log.
    let pixels = pattern(3, 48, 48);
    let source = image(&pixels, 3, 48, 48);
    let config = AugmentConfig {
        affine: Affine {
            probability: 1.0,
            degrees: 20.0,
            translate: 0.1,
        },
        blur: Blur {
            probability: 1.0,
            sigma: [0.1, 2.0],
        },
        solarize: Solarize {
            probability: 0.5,
            threshold: 0.5,
        },
        ..AugmentConfig::simclr_photo(40)
    };
    let scratch = &mut Scratch::default();
    let mut all = Vec::new();
    for number in 0..20 {
        let mut out = vec![0.0; 3 * 40 * 40];
        let rng = &mut generator(1, 2, number, Stream::ViewB);
        view(
            source,
            &config,
            &Normalize::identity(3),
            rng,
            scratch,
            &mut out,
        )
        .unwrap();
        all.extend(out);
    }
    assert_eq!(digest(&all), 6_114_964_498_329_366_012);
}

#[test]
fn wrong_shapes_are_errors_not_panics() {
    let config = AugmentConfig::none(4);
    let run = |pixels: usize, shape: [usize; 3], out: usize, normalize: usize| {
        let pixels = vec![0; pixels];
        let source = image(&pixels, shape[0], shape[1], shape[2]);
        let rng = &mut generator(0, 0, 0, Stream::ViewA);
        let normalize = Normalize::identity(normalize);
        view(
            source,
            &config,
            &normalize,
            rng,
            &mut Scratch::default(),
            &mut vec![0.0; out],
        )
    };
    run(16, [1, 4, 4], 16, 1).unwrap();
    use AugmentError as E;
    assert!(matches!(
        run(32, [2, 4, 4], 32, 2),
        Err(E::Channels { got: 2 })
    ));
    assert!(matches!(
        run(0, [0, 4, 4], 0, 0),
        Err(E::Channels { got: 0 })
    ));
    assert!(matches!(
        run(15, [1, 4, 4], 16, 1),
        Err(E::Pixels { got: 15, .. })
    ));
    assert!(matches!(run(0, [1, 0, 4], 16, 1), Err(E::Pixels { .. })));
    assert!(matches!(
        run(0, [1, usize::MAX, 4], 16, 1),
        Err(E::Pixels { .. })
    ));
    assert!(matches!(
        run(16, [1, 4, 4], 17, 1),
        Err(E::Output {
            expected: 16,
            got: 17
        })
    ));
    assert!(matches!(
        run(16, [1, 4, 4], 16, 3),
        Err(E::Normalize { .. })
    ));
}
