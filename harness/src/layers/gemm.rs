//! The one door to the matrix product of the `gemm` crate, whose function takes
//! pointers. Here they are slices, and every index that it can reach is checked.
#![allow(unsafe_code)]

/// A matrix inside a slice: element `(i, j)` is at `i · row_stride + j · col_stride`.
#[derive(Clone, Copy)]
pub(super) struct Strides {
    /// Distance between rows.
    pub(super) row: usize,
    /// Distance between columns.
    pub(super) col: usize,
}

/// `out ← a·b` or, with `add`, `out ← out + a·b`, for `out` of `m × n` and an inner
/// dimension of `k`, on the calling thread.
///
/// # Panics
/// Panics if a slice is too short for its shape and strides: an error in this module's
/// callers, which no input can cause.
pub(super) fn product(
    [m, n, k]: [usize; 3],
    (out, out_at): (&mut [f32], Strides),
    (a, a_at): (&[f32], Strides),
    (b, b_at): (&[f32], Strides),
    add: bool,
) {
    if m == 0 || n == 0 {
        return;
    }
    let reach = |rows: usize, cols: usize, at: Strides| {
        if rows == 0 || cols == 0 {
            0
        } else {
            (rows - 1) * at.row + (cols - 1) * at.col + 1
        }
    };
    assert!(
        reach(m, n, out_at) <= out.len(),
        "gemm: the output is too short"
    );
    assert!(
        reach(m, k, a_at) <= a.len(),
        "gemm: the left factor is too short"
    );
    assert!(
        reach(k, n, b_at) <= b.len(),
        "gemm: the right factor is too short"
    );
    // SAFETY: the assertions above bound every element that the shapes and strides
    // can address; `out` is borrowed exclusively, so it overlaps neither factor; all
    // strides are lengths inside slices and so fit `isize`.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            out_at.col as isize,
            out_at.row as isize,
            add,
            a.as_ptr(),
            a_at.col as isize,
            a_at.row as isize,
            b.as_ptr(),
            b_at.col as isize,
            b_at.row as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
