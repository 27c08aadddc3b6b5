//! Measured and given constants.

use std::{io::Read, path::Path};

use super::images;
use crate::augment::{AugmentError, Normalize};
use crate::data::Images;

#[test]
fn measures_mean_and_deviation_of_each_channel() {
    let images = images(5, 3, 4, 6);
    let measured = Normalize::measure(&images);
    for channel in 0..3 {
        let of_channel = |i: &usize| i / 24 % 3 == channel;
        let values: Vec<f64> = (0..images.pixels.len())
            .filter(of_channel)
            .map(|i| f64::from(images.pixels[i]) / 255.0)
            .collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / values.len() as f64;
        // Both are f64 until the last rounding to f32.
        assert!((f64::from(measured.mean[channel]) - mean).abs() <= 1e-7);
        assert!((f64::from(measured.std[channel]) - variance.sqrt()).abs() <= 1e-7);
    }
}

#[test]
fn a_constant_channel_or_no_image_keeps_its_scale() {
    let black = Images {
        channels: 1,
        height: 2,
        width: 2,
        pixels: vec![200; 8],
    };
    let measured = Normalize::measure(&black);
    assert_eq!(measured.std, [1.0]);
    measured.validate(1).unwrap();
    let none = Images {
        channels: 3,
        height: 2,
        width: 2,
        pixels: vec![],
    };
    assert_eq!(Normalize::measure(&none), Normalize::identity(3));
}

#[test]
fn mnist_has_its_published_mean_and_deviation() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/data/mnist/train-images-idx3-ubyte.gz");
    let Ok(file) = std::fs::File::open(&file) else {
        eprintln!(
            "{} is missing: skipped the published statistics of MNIST",
            file.display()
        );
        return;
    };
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(file)
        .read_to_end(&mut bytes)
        .unwrap();
    // The IDX header has 16 bytes.
    let pixels = bytes.split_off(16);
    let images = Images {
        channels: 1,
        height: 28,
        width: 28,
        pixels,
    };
    let measured = Normalize::measure(&images);
    // Known everywhere as 0.1307 and 0.3081.
    assert!((measured.mean[0] - 0.1307).abs() <= 5e-5, "{measured:?}");
    assert!((measured.std[0] - 0.3081).abs() <= 5e-5, "{measured:?}");
}

#[test]
fn refuses_what_cannot_divide_or_does_not_fit() {
    let given = |mean: &[f32], std: &[f32]| Normalize {
        mean: mean.to_vec(),
        std: std.to_vec(),
    };
    given(&[0.5], &[0.2]).validate(1).unwrap();
    let bad = [
        given(&[0.5], &[0.0]),
        given(&[0.5], &[-1.0]),
        given(&[0.5], &[f32::NAN]),
        given(&[0.5], &[f32::INFINITY]),
        given(&[f32::NAN], &[1.0]),
        given(&[0.5, 0.5], &[1.0]),
        given(&[0.5], &[1.0, 1.0]),
        given(&[], &[]),
        given(&[0.5; 3], &[1.0; 3]),
    ];
    for normalize in bad {
        let error = normalize.validate(1).unwrap_err();
        assert!(matches!(error, AugmentError::Normalize { .. }), "{error}");
    }
}
