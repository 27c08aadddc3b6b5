//! Has the network collapsed? Three numbers that are looked at now and then during
//! training: whether views of an image agree, whether embeddings fill the sphere
//! (Wang & Isola 2020), and how many directions the representations use (Roy & Vetterli
//! 2007, of the covariance).

use burn::tensor::Tensor;
use kernels_core::diagnostics::{
    Spectrum, alignment, effective_rank, effective_rank_workspace_len, uniformity,
    uniformity_workspace_len,
};

use super::{LossError, host};
use crate::model::Embeddings;

/// Images that are looked at: the first of a batch. Enough to tell a collapse, and few
/// enough that the spectrum costs milliseconds.
const IMAGES: usize = 64;

/// Of a batch of training views.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Diagnostics {
    /// Mean squared distance of the normalised embeddings of two views of an image.
    pub alignment: f32,
    /// Logarithm of the mean Gaussian potential (t = 2) of the embeddings: 0 is collapse.
    pub uniformity: f32,
    /// Effective rank of the representations `h` of view A.
    pub effective_rank: f32,
}

impl Diagnostics {
    /// The numbers with their names.
    pub fn named(&self) -> [(&'static str, f32); 3] {
        [
            ("alignment", self.alignment),
            ("uniformity", self.uniformity),
            ("effective_rank", self.effective_rank),
        ]
    }

    /// Looks at the embeddings of a batch, of which the first half of rows is view A.
    ///
    /// # Errors
    /// The embeddings cannot be read, or hold what the kernels refuse.
    pub fn of(embeddings: &Embeddings) -> Result<Self, LossError> {
        let images = IMAGES.min(embeddings.z.dims()[0] / 2);
        let (a, b) = (
            first(&embeddings.z, 0, images)?,
            first(&embeddings.z, 1, images)?,
        );
        let dim = a.len() / images.max(1);
        let mut workspace = vec![0.0; uniformity_workspace_len(images, dim)];
        let h = first(&embeddings.h, 0, images)?;
        let width = h.len() / images.max(1);
        let mut spectrum = vec![0.0; effective_rank_workspace_len(images, width)];
        let eigenvalues = Spectrum::CovarianceEigenvalues;
        Ok(Self {
            alignment: alignment(&a, &b, images, dim, 2.0)?,
            uniformity: uniformity(&a, images, dim, 2.0, &mut workspace)?,
            effective_rank: effective_rank(&h, images, width, eigenvalues, &mut spectrum)?,
        })
    }
}

/// The first rows of a view.
fn first(matrix: &Tensor<2>, view: usize, images: usize) -> Result<Vec<f32>, LossError> {
    let start = view * matrix.dims()[0] / 2;
    let rows = matrix.clone().slice([start..start + images]);
    host::read(&rows).map(|(_, values)| values)
}
