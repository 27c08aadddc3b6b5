//! Images to learn from: the data sets, found, downloaded and read, and the random
//! views that are made of them. Knows nothing of networks.
//!
//! ```text
//! data (files ─► bytes) ──► augment (bytes ─► views, ahead of the encoder)
//! ```

pub mod augment;
pub mod cli;
pub mod data;
