//! Pieces of a workspace, and sizes of grids.

use kernels_core::Error;
use kernels_cuda_device::{BLOCK, Global};

use crate::error;

/// Lengths that are multiples of four: what follows stays at multiples of 16 bytes.
fn padded(len: usize) -> usize {
    len.saturating_add(3) & !3
}

/// What a workspace of pieces of these lengths needs.
pub(crate) fn len_of(pieces: &[usize]) -> usize {
    let add = |sum: usize, &len: &usize| sum.saturating_add(padded(len));
    pieces.iter().fold(0, add)
}

/// The pieces of a workspace.
pub(crate) fn split<const N: usize>(
    operation: &'static str,
    workspace: Global<f32>,
    pieces: &[usize; N],
) -> Result<[Global<f32>; N], error::Error> {
    let mut parts = [Global::empty(); N];
    let mut rest = workspace;
    for (part, &len) in parts.iter_mut().zip(pieces) {
        let cut = rest
            .split(padded(len))
            .and_then(|(piece, after)| Some((piece.split(len)?.0, after)));
        (*part, rest) = cut.ok_or(Error::Workspace {
            operation,
            expected: len_of(pieces),
            got: workspace.len(),
        })?;
    }
    Ok(parts)
}

/// A block for each [`BLOCK`] of so many.
pub(crate) fn blocks(count: u32) -> u32 {
    count.div_ceil(BLOCK)
}
