//! The passes over one batch: parts of the loss view by view, and each view's gradient while
//! its statistics are in the workspace. The formulas stand in the parent module.

use super::{VicReg, VicRegOptions, vicreg_workspace_len};
use crate::matrix::{Matrix, add_product, gram};
use crate::{Error, Real, check, columns, vector};

/// One batch, and the room for one view's statistics.
pub(super) struct Batch<'a, T> {
    operation: &'static str,
    views: [&'a [T]; 2],
    images: usize,
    dim: usize,
    options: &'a VicRegOptions<T>,
    centred: &'a mut [T],
    /// C, or G when there are fewer images than features.
    square: &'a mut [T],
    /// `sqrt C_jj`.
    deviations: &'a mut [T],
    /// First scratch, then the factor of column j in the gradient.
    factors: &'a mut [T],
}

impl<'a, T: Real> Batch<'a, T> {
    pub(super) fn new(
        operation: &'static str,
        z: &'a [T],
        rows: usize,
        dim: usize,
        options: &'a VicRegOptions<T>,
        workspace: &'a mut [T],
    ) -> Result<Self, Error> {
        check::several_images(operation, rows)?;
        check::at_least_one(operation, "dim", dim)?;
        check::shape(operation, "z", z, rows.saturating_mul(dim))?;
        options.check(operation)?;
        let needed = vicreg_workspace_len(rows, dim);
        let mut square = check::workspace(operation, workspace, needed)?;
        check::finite(operation, "z", z)?;
        let images = rows / 2;
        let centred = check::take(&mut square, images * dim);
        let deviations = check::take(&mut square, dim);
        let factors = check::take(&mut square, dim);
        Ok(Self {
            operation,
            views: z.split_at(z.len() / 2).into(),
            images,
            dim,
            options,
            centred,
            square,
            deviations,
            factors,
        })
    }

    pub(super) fn run(mut self, grad: Option<&mut [T]>) -> Result<VicReg<T>, Error> {
        let options = self.options;
        let [a, b] = self.views;
        let invariance = self.invariance()?;
        let (variance, covariance) = match grad {
            None => {
                let of_a = self.view(a)?;
                let of_b = self.view(b)?;
                (of_a.0 + of_b.0, of_a.1 + of_b.1)
            }
            Some(grad) => {
                let (grad_a, grad_b) = grad.split_at_mut(grad.len() / 2);
                let of_a = self.view(a)?;
                self.backward(a, b, grad_a)?;
                let of_b = self.view(b)?;
                self.backward(b, a, grad_b)?;
                (of_a.0 + of_b.0, of_a.1 + of_b.1)
            }
        };
        let loss = options.invariance * invariance
            + options.variance * variance
            + options.covariance * covariance;
        Ok(VicReg {
            loss: check::fits(self.operation, "the loss", loss)?,
            invariance,
            variance,
            covariance: check::fits(self.operation, "the covariance part", covariance)?,
        })
    }

    fn invariance(&self) -> Result<T, Error> {
        let [a, b] = self.views;
        let side = self.dim.max(1);
        let pairs = a.chunks_exact(side).zip(b.chunks_exact(side));
        let total = pairs.fold(T::zero(), |total, (a, b)| {
            total + vector::squared_distance(a, b) / T::count(self.dim)
        });
        let mean = total / T::count(self.images);
        check::fits(self.operation, "the invariance part", mean)
    }

    /// Leaves the view's statistics in the workspace and returns its share of the variance
    /// and covariance parts.
    fn view(&mut self, z: &[T]) -> Result<(T, T), Error> {
        let (dim, operation) = (self.dim, self.operation);
        columns::centre(operation, z, dim, self.factors, self.centred)?;
        let others = self.images - 1;
        columns::deviations(self.centred, dim, others, self.factors, self.deviations);
        check::all_fit(operation, "a standard deviation", self.deviations)?;
        let hinge = vector::sum_of(self.deviations, |deviation| {
            hinge(self.options, deviation).0
        });
        let variance = hinge / (T::of(2.0) * T::count(dim));

        let centred = Matrix::new(self.centred, self.images, dim);
        let share = T::count(others).recip();
        let squares = if self.uses_gram() {
            gram(self.square, share, centred);
            let diagonal = vector::sum_of(self.deviations, |deviation| {
                let variance = deviation * deviation;
                variance * variance
            });
            check::fits(operation, "the square of a variance", diagonal)?;
            let all = self.sum_of_squares();
            check::fits(operation, "the covariance part", all)?;
            (all - diagonal).max(T::zero())
        } else {
            gram(self.square, share, centred.transposed());
            for diagonal in self.square.iter_mut().step_by(dim.saturating_add(1)) {
                *diagonal = T::zero();
            }
            self.sum_of_squares()
        };
        Ok((variance, squares / T::count(dim)))
    }

    fn uses_gram(&self) -> bool {
        self.images < self.dim
    }

    /// Row by row, so that rounding grows with the side and not with its square.
    fn sum_of_squares(&self) -> T {
        let rows = self.square.chunks_exact(self.images.min(self.dim).max(1));
        rows.fold(T::zero(), |total, row| total + vector::dot(row, row))
    }

    /// After `view`: the gradient with respect to that view, whose partner is `other`.
    fn backward(&mut self, z: &[T], other: &[T], grad: &mut [T]) -> Result<(), Error> {
        let options = self.options;
        let (images, dim) = (T::count(self.images), T::count(self.dim));
        let others = images - T::one();
        let pull = T::of(2.0) * options.invariance / (images * dim);
        let spread = options.variance / (T::of(2.0) * dim * others);
        let decorrelate = T::of(4.0) * options.covariance / (dim * others);
        let uses_gram = self.uses_gram();
        for (slot, &deviation) in self.factors.iter_mut().zip(self.deviations.iter()) {
            let (hinge, s) = hinge(options, deviation);
            let mut factor = T::zero();
            if hinge > T::zero() {
                factor = -spread / s;
            }
            if uses_gram {
                // G·c is c·C with its diagonal.
                factor -= decorrelate * deviation * deviation;
            }
            *slot = factor;
        }
        let side = self.dim.max(1);
        let views = z.chunks_exact(side).zip(other.chunks_exact(side));
        let rows = self.centred.chunks_exact(side).zip(views);
        for (grad, (centred, (z, other))) in grad.chunks_exact_mut(side).zip(rows) {
            let columns = grad.iter_mut().zip(centred.iter().zip(self.factors.iter()));
            for ((out, (&c, &factor)), (&z, &other)) in columns.zip(z.iter().zip(other)) {
                *out = pull * (z - other) + factor * c;
            }
        }
        let centred = Matrix::new(self.centred, self.images, self.dim);
        if uses_gram {
            let square = Matrix::new(self.square, self.images, self.images);
            add_product(grad, decorrelate, square, centred);
        } else {
            let square = Matrix::new(self.square, self.dim, self.dim);
            add_product(grad, decorrelate, centred, square);
        }
        check::all_fit(self.operation, "the gradient", grad)
    }
}

/// `max(0, γ − S)` and S.
fn hinge<T: Real>(options: &VicRegOptions<T>, deviation: T) -> (T, T) {
    let s = deviation.hypot(options.epsilon.sqrt());
    ((options.gamma - s).max(T::zero()), s)
}
