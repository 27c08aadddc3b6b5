//! The scalar types the kernels are generic over.

use core::fmt::{Debug, Display, LowerExp};
use num_traits::{Float, NumAssign};

use crate::elementary::Elementary;

/// A floating-point scalar: `f32` or `f64`.
///
/// Everything the kernels need comes from [`Float`]; the conversions here are total,
/// unlike those of `num_traits`, so that no kernel has to handle a `None`.
pub trait Real:
    Float + NumAssign + Elementary + Debug + Display + LowerExp + Default + Send + Sync + 'static
{
    /// The nearest value to a constant.
    fn of(value: f64) -> Self;

    /// The nearest value to a count.
    fn count(value: usize) -> Self;

    /// The same value as `f64`, exactly.
    fn wide(self) -> f64;
}

impl Real for f32 {
    fn of(value: f64) -> Self {
        value as Self
    }

    fn count(value: usize) -> Self {
        value as Self
    }

    fn wide(self) -> f64 {
        Self::into(self)
    }
}

impl Real for f64 {
    fn of(value: f64) -> Self {
        value
    }

    fn count(value: usize) -> Self {
        value as Self
    }

    fn wide(self) -> f64 {
        self
    }
}
