//! `harness reproduce`, `harness sweep` and `harness report`: studies of many runs, each
//! a process of this program.

use std::process::ExitCode;

use harness_study::{
    error::StudyError,
    options::{ReportArgs, ReproduceArgs, SweepArgs},
    process::this_program,
    session::{self, Host, Summary},
};

use super::print_json;
use crate::error::Error;

/// Runs the paper's experiments.
pub(super) fn reproduce(args: &ReproduceArgs) -> Result<ExitCode, Error> {
    run(|host| session::reproduce(args, host))
}

/// Runs a grid over the transport term's constants.
pub(super) fn sweep(args: &SweepArgs) -> Result<ExitCode, Error> {
    run(|host| session::sweep(args, host))
}

/// Writes the report on what is there.
pub(super) fn report(args: &ReportArgs) -> Result<ExitCode, Error> {
    run(|host| session::report(args, host))
}

fn run(study: impl FnOnce(Host<'_>) -> Result<Summary, StudyError>) -> Result<ExitCode, Error> {
    let program = this_program().map_err(Error::Program)?;
    let argv: Vec<String> = std::env::args().collect();
    let summary = study(Host {
        program: &program,
        version: concat!("harness ", env!("CARGO_PKG_VERSION")),
        argv: &argv,
        report: &session::write_report,
    })?;
    print_json(&summary)?;
    Ok(summary.exit_code())
}

#[cfg(test)]
mod tests {
    use clap::{Parser, ValueEnum};
    use harness_study::budget::{Budget, DATASETS, METHODS};

    use crate::{
        cli::{Cli, Command},
        data::DatasetKind,
        loss::Method,
    };

    #[test]
    fn a_study_knows_the_names_of_this_program() {
        for name in DATASETS {
            assert!(DatasetKind::from_str(name, false).is_ok(), "{name}");
        }
        for name in METHODS {
            assert_eq!(Method::from_str(name, false).unwrap().name(), name);
        }
    }

    #[test]
    fn every_cell_of_every_budget_is_a_valid_run() {
        for budget in Budget::value_variants() {
            let line = format!("harness reproduce --budget {}", budget.name());
            let Command::Reproduce(args) = Cli::parse_from(line.split(' ')).command else {
                panic!("{line}");
            };
            for cell in args.cells() {
                let words = ["harness", "train"].map(str::to_owned);
                let line = words.into_iter().chain(cell.train_args());
                let Command::Train(train) = Cli::try_parse_from(line).unwrap().command else {
                    panic!("{}", cell.id);
                };
                let config = train.new_run().unwrap();
                config.validate().unwrap();
                assert_eq!(config.method().name(), cell.method);
                assert_eq!(config.data.dataset.name(), cell.dataset);
            }
        }
    }
}
