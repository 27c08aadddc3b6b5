//! What becomes of a product `u_i·u_j` in a sweep.

use super::layout::{Lanes, PANEL};
use crate::Real;
use crate::level::Level;

/// What the rows and the columns of a tile are reduced by, and to what terms.
pub(super) trait Terms: Copy + Send + Sync + 'static {
    /// Whether the rows' shifts have to be found first.
    const OWN_SHIFT: bool;
    /// Combining with it changes nothing.
    fn identity<T: Real>() -> T;
    /// Combines two terms of one row.
    fn combine<T: Real>(a: T, b: T) -> T;
    /// The terms of row i and of the rows j, given the shift of i, those of the j, and
    /// `1/(τ ln 2)`.
    fn of<L: Level, T: Real>(
        products: &Lanes<T>,
        shift: T,
        shifts: &Lanes<T>,
        rate: T,
    ) -> (Lanes<T>, Lanes<T>);
}

/// The products themselves, for their largest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Largest;

/// `exp((u_i·u_j − 1)/τ)`, the same for both rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct FixedShift;

/// `exp((u_i·u_j − m_i)/τ)` and `exp((u_i·u_j − m_j)/τ)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct OwnShift;

impl Terms for Largest {
    const OWN_SHIFT: bool = false;

    #[inline(always)]
    fn identity<T: Real>() -> T {
        T::neg_infinity()
    }

    #[inline(always)]
    fn combine<T: Real>(a: T, b: T) -> T {
        if b > a { b } else { a }
    }

    #[inline(always)]
    fn of<L: Level, T: Real>(
        products: &Lanes<T>,
        _shift: T,
        _shifts: &Lanes<T>,
        _rate: T,
    ) -> (Lanes<T>, Lanes<T>) {
        (*products, *products)
    }
}

impl Terms for FixedShift {
    const OWN_SHIFT: bool = false;

    #[inline(always)]
    fn identity<T: Real>() -> T {
        T::zero()
    }

    #[inline(always)]
    fn combine<T: Real>(a: T, b: T) -> T {
        a + b
    }

    #[inline(always)]
    fn of<L: Level, T: Real>(
        products: &Lanes<T>,
        _shift: T,
        _shifts: &Lanes<T>,
        rate: T,
    ) -> (Lanes<T>, Lanes<T>) {
        let mut terms = [T::zero(); PANEL];
        for (term, &product) in terms.iter_mut().zip(products) {
            *term = ((product - T::one()) * rate).exp2_at::<L>();
        }
        (terms, terms)
    }
}

impl Terms for OwnShift {
    const OWN_SHIFT: bool = true;

    #[inline(always)]
    fn identity<T: Real>() -> T {
        T::zero()
    }

    #[inline(always)]
    fn combine<T: Real>(a: T, b: T) -> T {
        a + b
    }

    #[inline(always)]
    fn of<L: Level, T: Real>(
        products: &Lanes<T>,
        shift: T,
        shifts: &Lanes<T>,
        rate: T,
    ) -> (Lanes<T>, Lanes<T>) {
        let mut of_row = [T::zero(); PANEL];
        for (term, &product) in of_row.iter_mut().zip(products) {
            *term = ((product - shift) * rate).exp2_at::<L>();
        }
        let mut of_columns = [T::zero(); PANEL];
        let products = products.iter().zip(shifts);
        for (term, (&product, &shift)) in of_columns.iter_mut().zip(products) {
            *term = ((product - shift) * rate).exp2_at::<L>();
        }
        (of_row, of_columns)
    }
}
