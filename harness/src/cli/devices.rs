//! `harness devices`: options.

use clap::Args;

/// Options of `harness devices`: none.
#[derive(Args, Clone, Copy, Debug)]
pub struct DevicesArgs {}
