//! `harness completions` and `harness man`: what the shell and `man` know about the
//! program, made from its own options.

use std::{fs, io::Write};

use clap::CommandFactory;

use crate::{
    cli::{
        Cli,
        completions::{CompletionsArgs, ManArgs},
    },
    error::Error,
    run::RunError,
};

/// Writes the completion script to stdout.
pub(super) fn completions(args: &CompletionsArgs) -> Result<(), Error> {
    // Into memory first: clap_complete panics where a pipe is closed.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "harness", &mut script);
    let _ = std::io::stdout().write_all(&script);
    Ok(())
}

/// Writes the manual pages.
pub(super) fn man(args: &ManArgs) -> Result<(), Error> {
    let dir = &args.dir;
    fs::create_dir_all(dir).map_err(RunError::io("create", dir))?;
    let mut command = Cli::command();
    // Built, so that subcommands have their full names.
    command.build();
    clap_mangen::generate_to(command, dir).map_err(RunError::io("write manual pages to", dir))?;
    Ok(())
}
