//! The two sweeps over all pairs.

use kernels_core::elementary::Elementary;

use super::partner;
use crate::kernel::Kernel;
use crate::memory::Global;
use crate::pairs::{APPLY_WORDS, At, Parts, Points, REDUCE_WORDS, Terms, apply, reduce};
use crate::thread::Thread;

/// Whether j is a negative of i.
#[inline(always)]
fn is_negative(i: u32, j: u32, half: u32) -> bool {
    j != i && j != partner(i, half)
}

/// `u_i·u_j` for the negatives.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Negatives {
    /// n/2.
    pub half: u32,
}

impl Terms for Negatives {
    type Row = ();
    type Column = ();

    #[inline(always)]
    fn row<T: Thread>(&self, _: T, _: u32) {}

    #[inline(always)]
    fn column<T: Thread>(&self, _: T, _: u32) {}

    #[inline(always)]
    fn term<T: Thread>(&self, _: T, row: At<()>, column: At<()>, product: f32) -> f32 {
        if is_negative(row.index, column.index, self.half) {
            product
        } else {
            f32::NEG_INFINITY
        }
    }
}

/// Parts of `Z_i`, and the largest negatives. Grid: tiles of rows × splits.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NtXentSums {
    /// The unit rows, twice.
    pub points: Points,
    /// Which count.
    pub terms: Negatives,
    /// `1/(τ ln 2)`.
    pub rate: f32,
    /// 2 × splits × n: maxima, then sums.
    pub parts: Global<f32>,
}

impl Kernel for NtXentSums {
    const NAME: &'static str = "nt_xent_sums";

    fn shared_words(&self) -> u32 {
        REDUCE_WORDS
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        reduce(thread, &self.points, &self.terms, self.rate, self.parts);
    }
}

/// `p_ij + p_ji` for the negatives.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Pulls {
    /// What is subtracted from the products of a row, n.
    pub shifts: Global<f32>,
    /// `P_i/Z_i`, n.
    pub factors: Global<f32>,
    /// n/2.
    pub half: u32,
    /// `1/(τ ln 2)`.
    pub rate: f32,
    /// 1 where all shifts are the same, else 0.
    pub fixed: u32,
}

impl Pulls {
    /// Shift and factor.
    #[inline(always)]
    fn at<T: Thread>(&self, thread: T, i: u32) -> [f32; 2] {
        [self.shifts, self.factors].map(|array| thread.load(array, i as usize))
    }
}

impl Terms for Pulls {
    type Row = [f32; 2];
    type Column = [f32; 2];
    const MASSES: bool = false;

    #[inline(always)]
    fn row<T: Thread>(&self, thread: T, i: u32) -> [f32; 2] {
        self.at(thread, i)
    }

    #[inline(always)]
    fn column<T: Thread>(&self, thread: T, j: u32) -> [f32; 2] {
        self.at(thread, j)
    }

    #[inline(always)]
    fn term<T: Thread>(&self, _: T, row: At<[f32; 2]>, column: At<[f32; 2]>, product: f32) -> f32 {
        if !is_negative(row.index, column.index, self.half) {
            return 0.0;
        }
        let term = |shift: f32| ((product - shift) * self.rate).exp2_at::<T::Level>();
        let [shift, factor] = row.data;
        let [other_shift, other_factor] = column.data;
        let of_row = term(shift);
        let of_column = if self.fixed == 0 {
            term(other_shift)
        } else {
            of_row
        };
        of_row * factor + of_column * other_factor
    }
}

/// Parts of `Σ_j (p_ij + p_ji) u_j`, in chunks of 16 N columns. Grid: (tiles of rows ×
/// chunks) × splits.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NtXentPulls<const N: usize> {
    /// The unit rows, twice.
    pub points: Points,
    /// The weights.
    pub terms: Pulls,
    /// The unit rows, and splits × n × d for the parts.
    pub parts: Parts,
}

macro_rules! pulls {
    ($n:literal, $name:literal) => {
        impl Kernel for NtXentPulls<$n> {
            const NAME: &'static str = $name;

            fn shared_words(&self) -> u32 {
                APPLY_WORDS
            }

            #[inline(always)]
            fn run<T: Thread>(&self, thread: T) {
                apply::<T, Pulls, $n>(thread, &self.points, &self.terms, &self.parts);
            }
        }
    };
}

pulls!(4, "nt_xent_pulls_64");
pulls!(8, "nt_xent_pulls_128");
