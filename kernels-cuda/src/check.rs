//! Shapes and workspaces, as `kernels-core` checks them.

use kernels_cuda_device::Global;

use crate::device::{self, Device};
use crate::error::Error;

/// Refuses an array of another length.
pub(crate) fn shape<W>(
    operation: &'static str,
    argument: &'static str,
    array: Global<W>,
    expected: usize,
) -> Result<(), Error> {
    if array.len() == expected {
        return Ok(());
    }
    Err(Error::Kernel(kernels_core::Error::Shape {
        operation,
        argument,
        expected,
        got: array.len(),
    }))
}

/// A size as the kernels take it.
pub(crate) fn size(
    operation: &'static str,
    argument: &'static str,
    got: usize,
) -> Result<u32, Error> {
    // Rounding up to blocks has to stay inside 32 bits.
    u32::try_from(got)
        .ok()
        .filter(|&size| size <= 1 << 31)
        .ok_or(Error::Kernel(kernels_core::Error::Size {
            operation,
            argument,
            expected: "at most 2^31",
            got,
        }))
}

/// The first `len` elements of a workspace, and the rest.
pub(crate) fn take<W>(
    operation: &'static str,
    workspace: &mut Global<W>,
    len: usize,
) -> Result<Global<W>, Error> {
    let (part, rest) =
        workspace
            .split(len)
            .ok_or(Error::Kernel(kernels_core::Error::Workspace {
                operation,
                expected: len,
                got: workspace.len(),
            }))?;
    *workspace = rest;
    Ok(part)
}

/// Elements that [`finite`] copies at a time.
const CHUNK: usize = 1 << 20;

/// The first element that is not finite, for the message; called when a result is not.
pub(crate) fn finite<D: Device>(
    device: &D,
    operation: &'static str,
    argument: &'static str,
    array: Global<f32>,
) -> Result<(), Error> {
    let (mut rest, mut start) = (array, 0);
    while let Some((part, after)) = rest.split(rest.len().min(CHUNK)) {
        if part.is_empty() {
            break;
        }
        let values = device::read(device, part)?;
        let found = values.iter().enumerate().find(|(_, x)| !x.is_finite());
        if let Some((index, &got)) = found {
            return Err(Error::Kernel(kernels_core::Error::Element {
                operation,
                argument,
                expected: "finite",
                index: start + index,
                got: got.into(),
            }));
        }
        start += part.len();
        rest = after;
    }
    Ok(())
}

/// The two halves of an array.
pub(crate) fn halves<W>(array: Global<W>) -> (Global<W>, Global<W>) {
    array
        .split(array.len() / 2)
        .unwrap_or((Global::empty(), Global::empty()))
}
