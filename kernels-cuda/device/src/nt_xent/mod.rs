//! NT-Xent, as `kernels_core::nt_xent` has it, whose names are used here: n rows, `π(i)`
//! the other view of row i, `u = z/‖z‖`.
//!
//! | kernel | what it makes | grid | bytes | operations |
//! |---|---|---|---|---|
//! | [`NtXentUnits`] | u, ‖z‖ | n/8 | `8 n d` (`12 n d` for odd magnitudes) | `3 n d` |
//! | [`NtXentSums`] | `Z_i = Σ 2^(r (u_i·u_j − m_i))` and m, in parts | n/64 × splits | `8 n d + 8 s n` | `6 n² d`, of the tensor core, n² exponentials |
//! | [`NtXentRows`] | `u_i·u_π(i)`, ℓ, P, P/Z | n/8 | `8 n d + 8 s n` | `2 n d` |
//! | [`NtXentPulls`] | `Σ_j (p_ij + p_ji) u_j`, in parts | (n/64 × chunks) × splits | `12 n d + 4 s n d` | `6 n² d (c + 1)`, of the tensor core, n² exponentials |
//! | [`NtXentBackward`] | the gradient | n/8 | `4 (s + 5) n d` | `(s + 8) n d` |
//! | [`NtXentLoss`] | the mean, and whether all is well | 1 | `12 n` | `3 n` |
//!
//! s splits, c chunks of 128 of the d columns (of 64 where `d ≤ 64`); bytes are what has to
//! move once, before caches.
//!
//! **Shift.** The sweep for Z keeps each row's largest negative m and adds up relative to
//! it, which costs no sweep of its own here. Where the fixed shift fits, P/Z is then
//! brought to the shift 1, and the second sweep needs one exponential for a pair:
//! `2^(r (u_i·u_j − 1)) (P_i/Z_i + P_j/Z_j)`. Elsewhere it takes both, with m_i and m_j.
//!
//! **Error.** Products of unit rows are off by a few u, `u = 2⁻²⁴`, so `ℓ_i` by a few u/τ,
//! relative where it is small; so is the gradient, relative to `1/(nτ)`.

mod rows;
mod sweep;
mod units;

pub use rows::{NtXentBackward, NtXentLoss, NtXentRows};
pub use sweep::{Negatives, NtXentPulls, NtXentSums, Pulls};
pub use units::NtXentUnits;

use crate::thread::{Thread, WARPS};

/// Rows of a block of the kernels that have a warp for each row.
pub const ROWS: u32 = WARPS;

/// The warp's row; `None` beyond the last.
#[inline(always)]
fn row_of<T: Thread>(thread: T, rows: u32) -> Option<u32> {
    let row = thread.block()[0] * ROWS + thread.warp();
    (row < rows).then_some(row)
}

/// `π(i)`.
#[inline(always)]
fn partner(i: u32, half: u32) -> u32 {
    if i < half { i + half } else { i - half }
}
