//! Shapes and workspaces, as `kernels-core` checks them.

use kernels_cuda_device::Global;

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
