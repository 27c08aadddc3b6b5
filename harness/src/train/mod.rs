//! `harness train`: from a configuration to a trained, judged, recorded encoder.

mod adamw;
mod lars;
mod optimizer;
pub mod outcome;
mod run;
pub mod schedule;
pub mod trainer;

pub use run::{Finish, Options, image_shape, load, train};
