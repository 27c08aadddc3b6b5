//! A half iteration backwards.
//!
//! `π` and `κ` of `unrolled`, times the weights of the atoms that they are sums for, have the
//! form of a plan: `a_i π_ij = a_i b_j exp((f_i/τ_a + g_j − C_ij)/ε)`. What goes back is
//! divided by those weights instead, and for an atom without weight it is zero.

use super::coupling::{Coupling, Stream};
use super::gradient::Constants;
use super::gradients::{Gradients, Sink};
use super::sums::{Sums, divisor};
use crate::Real;

/// One half step: `Q_ij u_i` or `Q_ij v_j` is what it gives to the costs.
pub(super) struct HalfStep<'h, T> {
    pub(super) coupling: Coupling<'h, T>,
    pub(super) u: Option<&'h [T]>,
    pub(super) v: Option<&'h [T]>,
}

impl<T: Real> HalfStep<'_, T> {
    fn sums<'v>(&'v self, rows: Option<&'v mut [T]>, columns: Option<&'v mut [T]>) -> Sums<'v, T> {
        Sums {
            s: T::zero(),
            t: T::zero(),
            k: T::one(),
            u: self.u,
            v: self.v,
            rows,
            columns,
        }
    }

    /// Adds to the gradients of pairs and writes the sums of the side that is asked for.
    pub(super) fn back<'v>(
        &'v self,
        gradients: &mut Gradients<'_, T>,
        stream: &mut Stream<'_, T>,
        reciprocals: &[T],
        mut rows: Option<&'v mut [T]>,
        mut columns: Option<&'v mut [T]>,
    ) {
        for sums in [&mut rows, &mut columns].into_iter().flatten() {
            sums.fill(T::zero());
        }
        let mut sums = self.sums(rows, columns);
        if !gradients.of_pairs() {
            return stream.visit(&self.coupling, &mut sums);
        }
        let sink = Sink {
            s: T::zero(),
            t: T::zero(),
            u: self.u,
            v: self.v,
            gradients,
            reciprocals,
        };
        stream.visit(&self.coupling, &mut (sums, sink));
    }

    pub(super) fn complete(
        &self,
        stream: &mut Stream<'_, T>,
        constants: &Constants<T>,
        rows: Option<&mut [T]>,
        columns: Option<&mut [T]>,
        ones: (&mut [T], &mut [T]),
    ) {
        self.sums(rows, columns)
            .complete(&self.coupling, stream, constants, ones);
    }
}

/// What goes back through a half step, over the weight of the atom.
pub(super) fn share_out<T: Real>(out: &mut [T], bar: &[T], shares: &[T], factor: T) {
    for (slot, (&bar, &share)) in out.iter_mut().zip(bar.iter().zip(shares)) {
        *slot = if share > T::zero() {
            factor * bar / share
        } else {
            T::zero()
        };
    }
}

/// `bar −= sums` at the atoms with weight; the others act on nothing.
pub(super) fn subtract_where<T: Real>(bar: &mut [T], sums: &[T], shares: &[T]) {
    for (slot, (&sum, &share)) in bar.iter_mut().zip(sums.iter().zip(shares)) {
        if share > T::zero() {
            *slot -= sum;
        }
    }
}

/// `grad −= ε sums / weights`.
pub(super) fn take_from<T: Real>(grad: &mut [T], sums: &[T], shares: &[T], mass: T, epsilon: T) {
    for (slot, (&sum, &share)) in grad.iter_mut().zip(sums.iter().zip(shares)) {
        *slot -= epsilon * sum / divisor(share, mass);
    }
}
