//! Four numbers at a time, and powers of two that keep squares in range.

use crate::memory::Global;
use crate::thread::Thread;

/// A matrix in an array, row by row from element `start` on.
#[derive(Clone, Copy, Debug)]
pub struct Rows {
    array: Global<f32>,
    start: usize,
    columns: u32,
    aligned: bool,
}

impl Rows {
    /// Rows of `columns` numbers.
    #[inline(always)]
    #[must_use]
    pub fn new(array: Global<f32>, start: usize, columns: u32) -> Self {
        let address = array.address() + 4 * start as u64;
        Self {
            array,
            start,
            columns,
            aligned: columns.is_multiple_of(4) && address.is_multiple_of(16),
        }
    }

    /// Where an element stands in the array.
    #[inline(always)]
    #[must_use]
    pub fn index(self, row: u32, column: u32) -> usize {
        self.start + row as usize * self.columns as usize + column as usize
    }

    /// Four neighbours in a row, zeros from `end` on. `column` is a multiple of four, and
    /// `end` the number of columns or a multiple of four too.
    #[inline(always)]
    #[must_use]
    pub fn load4<T: Thread>(self, thread: T, row: u32, column: u32, end: u32) -> [f32; 4] {
        let index = self.index(row, column);
        if self.aligned && column < end {
            return thread.load4(self.array, index);
        }
        core::array::from_fn(|k| {
            if column + (k as u32) < end {
                thread.load(self.array, index + k)
            } else {
                0.0
            }
        })
    }

    /// Writes four neighbours in a row, but none from `end` on.
    #[inline(always)]
    pub fn store4<T: Thread>(self, thread: T, row: u32, column: u32, end: u32, values: [f32; 4]) {
        let index = self.index(row, column);
        for k in 0..4 {
            if column + (k as u32) < end {
                thread.store(self.array, index + k, values[k]);
            }
        }
    }
}

/// A power of two s and 1/s, with `1 ≤ s·peak < 2` (below 4 for the largest numbers): what
/// is at most `peak` can be squared after multiplication by s, which is exact. 1 for what is
/// not a positive normal number.
#[inline(always)]
#[must_use]
pub fn power_for(peak: f32) -> [f32; 2] {
    let exponent = (peak.to_bits() >> 23) & 0xff;
    if exponent == 0 || exponent == 0xff {
        return [1.0, 1.0];
    }
    let scale = if exponent >= 253 { 1 } else { 254 - exponent };
    [scale << 23, (254 - scale) << 23].map(f32::from_bits)
}

/// `sqrt(a² + b²)` for a and b that are not negative, without overflow on the way.
#[inline(always)]
#[must_use]
pub fn hypotenuse<T: Thread>(thread: T, a: f32, b: f32) -> f32 {
    let [scale, inverse] = power_for(if b > a { b } else { a });
    let (a, b) = (a * scale, b * scale);
    thread.square_root(a * a + b * b) * inverse
}

#[cfg(test)]
mod tests {
    use super::power_for;

    #[test]
    fn powers_are_exact_inverses() {
        for exponent in -126..128 {
            let peak = 1.5 * (exponent as f64).exp2() as f32;
            let [scale, inverse] = power_for(peak);
            assert_eq!(scale * inverse, 1.0, "2^{exponent}");
            let unit = f64::from(scale) * f64::from(peak);
            assert!((1.0..4.0).contains(&unit), "2^{exponent}: {unit}");
        }
        for other in [0.0, 1e-40, f32::INFINITY, f32::NAN] {
            assert_eq!(power_for(other), [1.0, 1.0]);
        }
    }
}
