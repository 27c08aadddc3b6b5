//! Tests that look at more than one file.

mod cache;
mod optimum;
