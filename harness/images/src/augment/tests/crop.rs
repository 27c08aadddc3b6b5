//! The box's distribution and the scaling.

use fast_image_resize::Resizer;

use super::{image, ks_uniform, moments, pattern};
use crate::augment::{CropBox, Stream, crop::crop_resize, generator};

const RATIO: [f32; 2] = [3.0 / 4.0, 4.0 / 3.0];

fn boxes(count: usize, size: (usize, usize), scale: [f32; 2], ratio: [f32; 2]) -> Vec<CropBox> {
    let mut rng = generator(7, 0, 0, Stream::ViewA);
    (0..count)
        .map(|_| CropBox::draw(size.0, size.1, scale, ratio, &mut rng))
        .collect()
}

#[track_caller]
fn near(what: &str, got: f64, want: f64, tolerance: f64) {
    assert!(
        (got - want).abs() <= tolerance,
        "{what}: got {got}, want {want} ± {tolerance}"
    );
}

#[test]
fn area_ratio_and_place_are_uniform_where_every_box_fits() {
    // Sides up to 632 of 1000: the first attempt always fits.
    let boxes = boxes(20_000, (1000, 1000), [0.1, 0.3], RATIO);
    let area = boxes
        .iter()
        .map(|b| (b.width * b.height) as f64 / 1e6)
        .collect();
    // Rounding the sides moves an area by 0.002 of itself; √n · that is 0.3.
    let gap = ks_uniform(area, 0.1, 0.3);
    assert!(gap < 2.3 + 0.3, "area {gap}");
    let log = boxes
        .iter()
        .map(|b| (b.width as f64 / b.height as f64).ln())
        .collect();
    let gap = ks_uniform(log, (0.75_f64).ln(), (4.0_f64 / 3.0).ln());
    assert!(gap < 2.3 + 0.6, "log ratio {gap}");
    let left = boxes
        .iter()
        .map(|b| (b.left as f64 + 0.5) / (1001 - b.width) as f64)
        .collect();
    let gap = ks_uniform(left, 0.0, 1.0);
    assert!(gap < 2.3 + 0.3, "left {gap}");
    let top = boxes
        .iter()
        .map(|b| (b.top as f64 + 0.5) / (1001 - b.height) as f64)
        .collect();
    let gap = ks_uniform(top, 0.0, 1.0);
    assert!(gap < 2.3 + 0.3, "top {gap}");
}

#[test]
fn distribution_is_torchvisions_on_cifar() {
    // 200,000 times RandomResizedCrop.get_params(torch.zeros(3, 32, 32), [0.08, 1.0],
    // [3/4, 4/3]). Tolerances are four standard errors of the two samples together.
    let boxes = boxes(100_000, (32, 32), [0.08, 1.0], RATIO);
    let of = |f: fn(&CropBox) -> f64| moments(boxes.iter().map(f));
    let (mean, std) = of(|b| b.top as f64);
    near("mean top", mean, 5.155, 0.075);
    near("std top", std, 4.826, 0.06);
    near("mean left", of(|b| b.left as f64).0, 5.149, 0.075);
    let (mean, std) = of(|b| b.height as f64);
    near("mean height", mean, 21.687, 0.095);
    near("std height", std, 6.147, 0.07);
    near("mean width", of(|b| b.width as f64).0, 21.686, 0.095);
    let (mean, std) = of(|b| (b.width * b.height) as f64 / 1024.0);
    near("mean area", mean, 0.4904, 0.0038);
    near("std area", std, 0.2404, 0.003);
    near(
        "std log ratio",
        of(|b| (b.width as f64 / b.height as f64).ln()).1,
        0.161,
        0.002,
    );
    let whole = of(|b| f64::from(u8::from(b.width == 32 && b.height == 32))).0;
    near("whole image", whole, 0.0021, 0.0007);
}

#[test]
fn distribution_is_torchvisions_on_a_narrow_image() {
    // As above for torch.zeros(1, 32, 20) and [0.5, 1.0]: often ten attempts fail.
    let boxes = boxes(100_000, (20, 32), [0.5, 1.0], RATIO);
    let of = |f: fn(&CropBox) -> f64| moments(boxes.iter().map(f)).0;
    near("mean top", of(|b| b.top as f64), 5.3947, 0.06);
    near("mean left", of(|b| b.left as f64), 0.6072, 0.014);
    near("mean height", of(|b| b.height as f64), 21.1782, 0.04);
    near("mean width", of(|b| b.width as f64), 18.7855, 0.02);
}

#[test]
fn every_box_lies_inside_whatever_is_asked() {
    let sizes = [(1, 1), (1, 40), (40, 1), (2, 3), (28, 28)];
    let scales = [[1e-6, 1e-6], [1e-6, 1.0], [1.0, 1.0]];
    let ratios = [RATIO, [1.0, 1.0], [0.002, 0.003], [900.0, 1000.0]];
    for (width, height) in sizes {
        for scale in scales {
            for ratio in ratios {
                for b in boxes(200, (width, height), scale, ratio) {
                    assert!(b.width >= 1 && b.height >= 1, "{b:?}");
                    assert!(
                        b.left + b.width <= width && b.top + b.height <= height,
                        "{b:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn what_never_fits_is_cut_from_the_centre() {
    // A square of the whole area of a 40×10 image would be 20 high.
    let b = boxes(1, (40, 10), [1.0, 1.0], [1.0, 1.0])[0];
    assert_eq!(
        b,
        CropBox {
            left: 15,
            top: 0,
            width: 10,
            height: 10
        }
    );
    let b = boxes(1, (10, 40), [1.0, 1.0], [1.0, 1.0])[0];
    assert_eq!(
        b,
        CropBox {
            left: 0,
            top: 15,
            width: 10,
            height: 10
        }
    );
}

fn resized(pixels: &[u8], shape: [usize; 3], crop: CropBox, size: usize) -> Vec<u8> {
    let mut out = vec![0; shape[0] * size * size];
    let image = image(pixels, shape[0], shape[1], shape[2]);
    crop_resize(image, crop, size, &mut Resizer::new(), &mut out).unwrap();
    out
}

/// Weights of a triangle as wide as the scale (at least two pixels) around the
/// place an output pixel comes from, within the crop.
fn triangle(length: usize, size: usize, position: usize) -> Vec<f64> {
    let scale = length as f64 / size as f64;
    let support = scale.max(1.0);
    let centre = (position as f64 + 0.5) * scale;
    let weight = |i: usize| (1.0 - ((i as f64 + 0.5 - centre) / support).abs()).max(0.0);
    let total: f64 = (0..length).map(weight).sum();
    (0..length).map(|i| weight(i) / total).collect()
}

#[test]
fn scaling_is_antialiased_bilinear_within_the_crop() {
    let pixels = pattern(3, 23, 31);
    let crops = [
        CropBox::whole(31, 23),
        CropBox {
            left: 3,
            top: 5,
            width: 7,
            height: 4,
        },
        CropBox {
            left: 30,
            top: 22,
            width: 1,
            height: 1,
        },
        CropBox {
            left: 2,
            top: 0,
            width: 13,
            height: 23,
        },
    ];
    for b in crops {
        for size in [1, 5, 13, 32] {
            let got = resized(&pixels, [3, 23, 31], b, size);
            for (i, &got) in got.iter().enumerate() {
                let (c, y, x) = (i / (size * size), i / size % size, i % size);
                let (rows, columns) = (triangle(b.height, size, y), triangle(b.width, size, x));
                let mut want = 0.0;
                for (dy, row) in rows.iter().enumerate() {
                    for (dx, column) in columns.iter().enumerate() {
                        let at = (c * 23 + b.top + dy) * 31 + b.left + dx;
                        want += row * column * f64::from(pixels[at]);
                    }
                }
                // Each axis rounds to whole grey levels (0.5 + 0.5), with weights
                // of 15 bits or so.
                let error = (f64::from(got) - want).abs();
                assert!(
                    error <= 1.02,
                    "{b:?} to {size}, value {i}: {got} for {want}"
                );
            }
        }
    }
}

#[test]
fn scaling_is_pillows_to_one_grey_level() {
    // The libraries differ in the bits of their weights, which decides ties.
    let near = |got: Vec<u8>, want: &[u8]| {
        assert_eq!(got.len(), want.len());
        assert!(
            got.iter().zip(want).all(|(g, w)| g.abs_diff(*w) <= 1),
            "{got:?} for {want:?}"
        );
    };
    let pixels = pattern(1, 5, 7);
    // p = Image.fromarray(pattern(1, 5, 7)[0])
    // F.resized_crop(p, 1, 2, 3, 4, [5, 5], BILINEAR)
    let up = [
        85, 111, 141, 170, 196, 98, 124, 154, 183, 209, 118, 144, 174, 203, 229, 151, 177, 207,
        190, 108, 173, 199, 229, 181, 28,
    ];
    let crop = CropBox {
        left: 2,
        top: 1,
        width: 4,
        height: 3,
    };
    near(resized(&pixels, [1, 5, 7], crop, 5), &up);
    // F.resized_crop(p, 0, 1, 5, 6, [3, 3], BILINEAR)
    let crop = CropBox {
        left: 1,
        top: 0,
        width: 6,
        height: 5,
    };
    let down = [68, 135, 201, 112, 172, 135, 185, 131, 98];
    near(resized(&pixels, [1, 5, 7], crop, 3), &down);
}

#[test]
fn a_box_outside_is_an_error() {
    let pixels = pattern(1, 4, 4);
    let crop = CropBox {
        left: 3,
        top: 0,
        width: 2,
        height: 2,
    };
    let mut out = [0; 4];
    let image = image(&pixels, 1, 4, 4);
    let error = crop_resize(image, crop, 2, &mut Resizer::new(), &mut out).unwrap_err();
    assert!(error.to_string().contains("4×4"), "{error}");
}
