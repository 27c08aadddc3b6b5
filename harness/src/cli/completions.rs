//! `harness completions` and `harness man`: options.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

/// Options of `harness completions`.
///
/// For bash: harness completions bash > ~/.local/share/bash-completion/completions/harness
#[derive(Args, Clone, Debug)]
pub struct CompletionsArgs {
    /// The shell that they are for
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Options of `harness man`.
#[derive(Args, Clone, Debug)]
pub struct ManArgs {
    /// Folder for harness.1 and a page per command, made if it is not there
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
}
