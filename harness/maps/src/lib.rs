//! Maps of embeddings: many dimensions laid out on a plane, measured and drawn.
//!
//! ```text
//! Points ─► pca ──┬──────────► map ─┬─► picture (SVG) ─► png
//!                 └─► tsne ─► map ──┼─► csv
//!                                   └─► trustworthiness
//! ```
//!
//! The same input and the same seed give the same map, bit for bit, on one machine:
//! what adds floating-point numbers does so on one thread.

mod csv;
mod error;
mod key;
mod neighbours;
mod pca;
mod picture;
mod png;
mod points;
mod sample;
mod superclass;
#[cfg(test)]
mod tests;
mod trustworthiness;
mod tsne;

pub use csv::csv;
pub use error::MapError;
pub use harness_plot::Heading;
pub use key::{Entry, Key};
pub use pca::{Pca, pca};
pub use picture::{Panel, picture};
pub use png::png;
pub use points::Points;
pub use sample::sample;
pub use trustworthiness::trustworthiness;
pub use tsne::{TsneOptions, tsne};

/// A place on the map. The unit is the map's own.
pub type Place = [f32; 2];
