//! The twin of the tensor core's product.

use super::lane::{Answer, Wait};

/// TF32: eight bits of exponent, ten after the point; the rest is cut off.
fn tf32(x: f32) -> f32 {
    f32::from_bits(x.to_bits() & !0x1fff)
}

/// `D = A·B + C` from what the 32 lanes hold; what each of them gets, as bits.
pub(super) fn multiply(waits: &[Wait]) -> Vec<Answer> {
    let (mut left, mut right) = ([[0.0_f32; 8]; 16], [[0.0_f32; 8]; 8]);
    for (lane, wait) in waits.iter().enumerate() {
        let (group, pair) = (lane / 4, lane % 4);
        if let Wait::Multiply { a, b, .. } = wait {
            left[group][pair] = tf32(a[0]);
            left[group + 8][pair] = tf32(a[1]);
            left[group][pair + 4] = tf32(a[2]);
            left[group + 8][pair + 4] = tf32(a[3]);
            right[pair][group] = tf32(b[0]);
            right[pair + 4][group] = tf32(b[1]);
        }
    }
    let product = |row: usize, column: usize, c: f32| {
        // Products of two TF32 numbers are exact in f32.
        let sum: f32 = (0..8).map(|k| left[row][k] * right[k][column]).sum();
        (sum + c).to_bits()
    };
    let answers = waits.iter().enumerate().map(|(lane, wait)| {
        let (group, pair) = (lane / 4, lane % 4);
        match wait {
            Wait::Multiply { c, .. } => [
                product(group, 2 * pair, c[0]),
                product(group, 2 * pair + 1, c[1]),
                product(group + 8, 2 * pair, c[2]),
                product(group + 8, 2 * pair + 1, c[3]),
            ],
            _ => Answer::default(),
        }
    });
    answers.collect()
}
