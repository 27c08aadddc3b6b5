//! `harness datasets`: what is there to train on. The table, or the JSON, is on stdout.

use std::io::Write;

use super::print_json;
use crate::error::Error;
use harness_images::cli::DatasetsArgs;

pub(super) fn run(args: &DatasetsArgs) -> Result<(), Error> {
    let found = args.inventory()?;
    if args.json {
        return print_json(&found);
    }
    // A reader that has gone away has seen what it wanted.
    let _ = write!(std::io::stdout(), "{found}");
    Ok(())
}
