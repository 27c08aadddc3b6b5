//! Judges the kernels by a file of problems with reference answers:
//!
//! ```sh
//! cargo run --release -p benches --bin conformance -- ../shared/vectors/vectors.json
//! ```
//!
//! Prints a table by kind and one by quantity, and fails if a problem does.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;

/// Judges the kernels by a file of problems with reference answers
#[derive(Parser)]
struct Args {
    /// A file in the format of `vectors.json`
    file: PathBuf,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let problems = match conformance::read(&args.file) {
        Ok(problems) => problems,
        Err(error) => {
            eprintln!("conformance: {error}");
            return ExitCode::FAILURE;
        }
    };
    let survey = conformance::survey(&problems);
    print!("{survey}");
    // Nothing judged is nothing passed.
    if survey.passed() && !problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
