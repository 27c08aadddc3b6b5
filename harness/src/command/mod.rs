//! What each command of the program does, from options to exit code.

pub mod completions;
pub mod datasets;
pub mod devices;
pub mod download;
pub mod embed;
pub mod eval;
pub mod export;
mod features;
pub mod study;
pub mod train;
pub mod tsne;
mod verdict_table;

use std::process::ExitCode;

use crate::{
    cli::{Cli, Command},
    error::Error,
};

/// Runs a command; its result is on stdout, everything else on stderr.
pub fn run(cli: Cli) -> ExitCode {
    let done = match cli.command {
        Command::Train(args) => train::run(&args),
        Command::Eval(args) => eval::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Tsne(args) => tsne::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Embed(args) => embed::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Export(args) => export::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Reproduce(args) => study::reproduce(&args),
        Command::Sweep(args) => study::sweep(&args),
        Command::Report(args) => study::report(&args),
        Command::Datasets(args) => datasets::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Download(args) => download::run(&args),
        Command::Devices(args) => devices::run(args).map(|()| ExitCode::SUCCESS),
        Command::Completions(args) => completions::completions(&args).map(|()| ExitCode::SUCCESS),
        Command::Man(args) => completions::man(&args).map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}

/// Prints a result as the last line on stdout.
fn print_json(value: &impl serde::Serialize) -> Result<(), Error> {
    use std::io::Write;
    let line = serde_json::to_string(value).map_err(Error::Json)?;
    // A reader that has gone away is no reason to fail: the result is in the run folder.
    let _ = writeln!(std::io::stdout(), "{line}");
    Ok(())
}
