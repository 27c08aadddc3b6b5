//! From an image to the two random views that contrastive training compares.
//!
//! A view is made in two steps. [`ViewPlan::draw`] throws all the dice: box,
//! flip, factors, which operations run. Applying the plan is then plain
//! arithmetic. The dice belong to (seed, epoch, image, view) and to nothing
//! else, so a view never depends on threads, on the batch it lands in, or on the
//! machine: generator, integer crop-and-resize and the few transcendental
//! functions are portable code.
//!
//! The operations follow torchvision's transforms on float images, in the order
//! affine, crop and resize, flip, jitter, grayscale, blur, solarize, normalize.

mod affine;
mod blur;
mod color;
mod config;
mod crop;
mod error;
mod loader;
mod normalize;
mod plan;
mod prefetch;
mod presets;
mod seed;
mod view;

#[cfg(test)]
mod tests;

pub use config::{Affine, AugmentConfig, Blur, Jitter, Solarize};
pub use crop::CropBox;
pub use error::AugmentError;
pub use loader::{LoaderOptions, ViewBatch, ViewLoader};
pub use normalize::Normalize;
pub use plan::{AffinePlan, JitterOp, JitterPlan, ViewPlan};
pub use seed::{Stream, epoch_order, generator};
pub use view::{Scratch, apply, plain, plain_resized, view};
