//! Unit rows in the two orders that the products read them in.

use super::layout::{Lanes, PANEL, Shape, Square};
use crate::level::{Level, Task};
use crate::parallel::run_all;
use crate::{Error, Real, normalize, vector};

/// The unit rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Units<'u, T> {
    pub(super) shape: Shape,
    panels: &'u [Lanes<T>],
    rows: &'u [Lanes<T>],
}

impl<'u, T: Real> Units<'u, T> {
    /// Writes `z_i/‖z_i‖` in both orders, and the norms.
    pub(super) fn new(
        operation: &'static str,
        z: &[T],
        shape: Shape,
        panels: &'u mut [Lanes<T>],
        rows: &'u mut [Lanes<T>],
        norms: &mut [Lanes<T>],
    ) -> Result<Self, Error> {
        let dim = shape.dim.max(1);
        let chunks = z.chunks((PANEL * dim).max(1)).zip(norms.iter_mut());
        let outputs = panels
            .chunks_exact_mut(dim)
            .zip(rows.chunks_exact_mut((shape.slabs * PANEL).max(1)));
        let tasks = chunks.zip(outputs).map(|((z, norms), (panel, rows))| Fill {
            z,
            dim,
            norms,
            panel,
            rows,
        });
        run_all(tasks, z.len());
        for (row, &norm) in norms.as_flattened().iter().take(shape.rows).enumerate() {
            if !norm.is_normal() {
                let values = z.chunks_exact(dim).nth(row).unwrap_or_default();
                normalize::checked_norm(operation, "z", values, row)?;
            }
        }
        Ok(Self {
            shape,
            panels,
            rows,
        })
    }

    /// A panel coordinate by coordinate; nothing outside.
    #[inline(always)]
    pub(super) fn panel(&self, p: usize) -> &'u [Lanes<T>] {
        let dim = self.shape.dim;
        self.panels.get(p * dim..(p + 1) * dim).unwrap_or_default()
    }

    /// Some coordinates of a panel row by row, and then of the panels after it.
    #[inline(always)]
    pub(super) fn slabs(
        &self,
        p: usize,
        slab: usize,
    ) -> impl Iterator<Item = &'u Square<T>> + Clone {
        let slabs = self.shape.slabs;
        let from = self.rows.as_chunks().0.get(p * slabs + slab..);
        from.unwrap_or_default().iter().step_by(slabs.max(1))
    }

    /// Some coordinates of one row.
    #[inline(always)]
    pub(super) fn row(&self, i: usize, slab: usize) -> Option<&'u Lanes<T>> {
        let square = i / PANEL * self.shape.slabs + slab;
        self.rows.as_chunks::<PANEL>().0.get(square)?.get(i % PANEL)
    }
}

/// One panel of rows to be normalised.
struct Fill<'f, T> {
    z: &'f [T],
    dim: usize,
    norms: &'f mut Lanes<T>,
    panel: &'f mut [Lanes<T>],
    rows: &'f mut [Lanes<T>],
}

impl<T: Real> Task for Fill<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<L: Level>(self) {
        self.rows.fill([T::zero(); PANEL]);
        let rows = self
            .z
            .chunks_exact(self.dim.max(1))
            .zip(self.norms.iter_mut());
        for (r, (row, slot)) in rows.enumerate() {
            let norm = vector::norm(row);
            *slot = norm;
            let slabs = self.rows.chunks_exact_mut(PANEL);
            for (slab, values) in slabs.zip(row.chunks(PANEL)) {
                for (out, &value) in slab[r].iter_mut().zip(values) {
                    *out = value / norm;
                }
            }
        }
        let slabs = self.rows.chunks_exact(PANEL);
        for (slab, coordinates) in slabs.zip(self.panel.chunks_mut(PANEL)) {
            for (k, lanes) in (0..PANEL).zip(coordinates) {
                for (out, row) in lanes.iter_mut().zip(slab) {
                    *out = row[k];
                }
            }
        }
    }
}
