//! Rotation and shift.

use super::{image, pattern};
use crate::augment::{AffinePlan, affine::transform};

fn moved(shape: [usize; 3], degrees: f64, shift_x: i32, shift_y: i32) -> Vec<u8> {
    let pixels = pattern(shape[0], shape[1], shape[2]);
    let mut out = vec![99; pixels.len()];
    let plan = AffinePlan {
        degrees,
        shift_x,
        shift_y,
    };
    transform(image(&pixels, shape[0], shape[1], shape[2]), plan, &mut out);
    out
}

#[test]
fn agrees_with_torchvision() {
    // F.affine(pattern(1, 5, 7).double()[None], 30.0, [1, -1], 1.0, [0, 0], BILINEAR)
    let want = [
        3.924269, 71.133469, 79.782723, 92.378222, 107.921162, 131.51666, 158.0596, 94.318116,
        152.37118, 145.91412, 150.45706, 155.0, 170.54294, 186.08588, 23.757479, 132.736009,
        231.098076, 165.236009, 221.131397, 191.376841, 181.718473, 0.0, 0.0, 51.263806, 27.613195,
        115.962905, 67.249587, 58.728647, 0.0, 0.0, 0.0, 0.0, 34.766408, 106.916698, 85.282193,
    ];
    for (i, (got, want)) in moved([1, 5, 7], 30.0, 1, -1).iter().zip(want).enumerate() {
        // Half a grey level of rounding; positions are good to 1e-6 pixels of up to
        // 256 levels.
        let error: f64 = (f64::from(*got) - want).abs();
        assert!(error <= 0.501, "pixel {i}: got {got}, want {want}");
    }
}

#[test]
fn no_angle_and_no_shift_change_nothing() {
    assert_eq!(moved([3, 5, 7], 0.0, 0, 0), pattern(3, 5, 7));
}

#[test]
fn a_shift_moves_whole_pixels_and_brings_in_black() {
    let start = pattern(1, 3, 4);
    let got = moved([1, 3, 4], 0.0, 1, -1);
    let mut want = vec![0; 12];
    for y in 0..2 {
        for x in 1..4 {
            want[y * 4 + x] = start[(y + 1) * 4 + x - 1];
        }
    }
    assert_eq!(got, want);
}

#[test]
fn half_a_turn_reverses_the_pixels() {
    let mut want = pattern(1, 6, 5);
    want.reverse();
    let got = moved([1, 6, 5], 180.0, 0, 0);
    // The sine of π is 1e-16 in f64; a border pixel may lose 1e-6 of its value to
    // the black outside, which rounding to grey levels hides.
    assert_eq!(got, want);
}

#[test]
fn far_shifts_leave_black_and_one_pixel_turns_in_place() {
    assert_eq!(moved([1, 4, 4], 10.0, 1000, -1000), [0; 16]);
    assert_eq!(moved([3, 1, 1], 77.0, 0, 0), pattern(3, 1, 1));
}
