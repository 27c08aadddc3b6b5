//! The program `harness`.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    harness::command::run(harness::cli::Cli::parse())
}
