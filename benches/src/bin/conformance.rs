//! Judges the kernels by a file of problems with reference answers:
//!
//! ```sh
//! cargo run --release -p benches --bin conformance -- ../shared/vectors/vectors.json
//! ```
//!
//! Prints a table by kind and one by quantity for each way of solving, and fails if a problem
//! does.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use conformance::Way;

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
    // Nothing judged is nothing passed.
    let mut passed = !problems.is_empty();
    for way in Way::ALL {
        let survey = conformance::survey(&problems, way);
        println!("## {}\n\n{survey}", way.title());
        passed &= survey.passed();
    }
    if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
