//! The checks every entry point makes before it computes, so that the loops behind
//! them may rely on lengths and finite values.

use crate::{Error, Real, vector};

/// `slice` must have exactly `expected` elements. Products of sizes are passed as
/// saturated: no slice is `usize::MAX` long, so an overflow is refused here too.
pub(crate) fn shape<T>(
    operation: &'static str,
    argument: &'static str,
    slice: &[T],
    expected: usize,
) -> Result<(), Error> {
    let got = slice.len();
    if got == expected {
        Ok(())
    } else {
        Err(Error::Shape {
            operation,
            argument,
            expected,
            got,
        })
    }
}

/// The workspace must have at least `expected` elements; the rest is left alone.
pub(crate) fn workspace<'w, T>(
    operation: &'static str,
    workspace: &'w mut [T],
    expected: usize,
) -> Result<&'w mut [T], Error> {
    let got = workspace.len();
    workspace.get_mut(..expected).ok_or(Error::Workspace {
        operation,
        expected,
        got,
    })
}

/// Takes the first `len` elements off a workspace, or what is left of it: after
/// [`workspace`] that makes no difference, but the compiler sees that nothing can panic.
#[inline]
pub(crate) fn take<'w, T>(rest: &mut &'w mut [T], len: usize) -> &'w mut [T] {
    let slice = core::mem::take(rest);
    let len = len.min(slice.len());
    let (head, tail) = slice.split_at_mut(len);
    *rest = tail;
    head
}

/// A size must be at least one.
///
/// # Errors
/// Zero.
pub fn at_least_one(
    operation: &'static str,
    argument: &'static str,
    got: usize,
) -> Result<(), Error> {
    if got == 0 {
        return Err(Error::Size {
            operation,
            argument,
            expected: "at least 1",
            got,
        });
    }
    Ok(())
}

/// Two views of N images make 2N rows.
///
/// # Errors
/// An odd number of rows, or none.
pub fn two_views(operation: &'static str, rows: usize) -> Result<(), Error> {
    if rows < 2 || !rows.is_multiple_of(2) {
        let expected = "even and at least 2 (two views of each image)";
        return Err(Error::Size {
            operation,
            argument: "rows",
            expected,
            got: rows,
        });
    }
    Ok(())
}

/// Two views of at least two images: statistics over the batch need several samples.
///
/// # Errors
/// An odd number of rows, or fewer than four.
pub fn several_images(operation: &'static str, rows: usize) -> Result<(), Error> {
    two_views(operation, rows)?;
    if rows < 4 {
        return Err(Error::Size {
            operation,
            argument: "rows",
            expected: "at least 4 (two views of at least two images)",
            got: rows,
        });
    }
    Ok(())
}

/// A divisor such as a temperature: its reciprocal has to be finite as well, which
/// holds exactly for the normal numbers.
///
/// # Errors
/// Any other number.
pub fn positive<T: Real>(
    operation: &'static str,
    argument: &'static str,
    value: T,
) -> Result<(), Error> {
    if value.is_normal() && value > T::zero() {
        return Ok(());
    }
    let expected = "positive, finite and not subnormal";
    Err(Error::Parameter {
        operation,
        argument,
        expected,
        got: value.wide(),
    })
}

/// A tolerance or a factor: zero is allowed.
///
/// # Errors
/// Any other number.
pub fn not_negative<T: Real>(
    operation: &'static str,
    argument: &'static str,
    value: T,
) -> Result<(), Error> {
    if value.is_finite() && value >= T::zero() {
        return Ok(());
    }
    let expected = "finite and not negative";
    Err(Error::Parameter {
        operation,
        argument,
        expected,
        got: value.wide(),
    })
}

/// Every element must be finite.
pub(crate) fn finite<T: Real>(
    operation: &'static str,
    argument: &'static str,
    slice: &[T],
) -> Result<(), Error> {
    match slice.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(index) => {
            let got = slice.get(index).map_or(f64::NAN, |value| value.wide());
            Err(Error::Element {
                operation,
                argument,
                expected: "finite",
                index,
                got,
            })
        }
    }
}

/// A result must fit the scalar type.
///
/// # Errors
/// An infinite value or NaN.
pub fn fits<T: Real>(
    operation: &'static str,
    quantity: &'static str,
    value: T,
) -> Result<T, Error> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(Error::Overflow {
            operation,
            quantity,
            got: value.wide(),
        })
    }
}

/// The largest magnitude of a cost or a potential: sums and differences of up to eight
/// of them are finite.
pub(crate) fn room<T: Real>() -> T {
    T::max_value() / T::of(8.0)
}

/// Every element of a result must fit the scalar type.
pub(crate) fn all_fit<T: Real>(
    operation: &'static str,
    quantity: &'static str,
    values: &[T],
) -> Result<(), Error> {
    // Many at a time: zero times anything finite is zero, times anything else NaN.
    if vector::sum_of(values, |value| value * T::zero()) == T::zero() {
        return Ok(());
    }
    match values.iter().find(|value| !value.is_finite()) {
        None => Ok(()),
        Some(value) => Err(Error::Overflow {
            operation,
            quantity,
            got: value.wide(),
        }),
    }
}
