//! `harness download`: gets official data sets; what became of each is the last line on
//! stdout, and in the exit code.

use std::process::ExitCode;

use super::print_json;
use crate::{data::Stderr, error::Error};
use harness_images::cli::DownloadArgs;

pub(super) fn run(args: &DownloadArgs) -> Result<ExitCode, Error> {
    let downloads = args.download(&Stderr::default())?;
    print_json(&downloads)?;
    Ok(downloads.exit_code().into())
}
