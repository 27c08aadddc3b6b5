//! `datasets` and `download` on the command line: options and what they do. The program
//! only prints what comes back.

use std::path::PathBuf;

use clap::Args;

use crate::data::{self, DataError, DatasetKind, Downloads, Inventory, Progress};

/// Options of `harness datasets`.
#[derive(Args, Clone, Debug)]
pub struct DatasetsArgs {
    /// Folder with one folder per data set [default: the platform's cache directory]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Read every file to its end and compare it with the published checksum
    #[arg(long)]
    pub verify: bool,
    /// One line of JSON in place of the table
    #[arg(long)]
    pub json: bool,
}

impl DatasetsArgs {
    /// Looks.
    pub fn inventory(&self) -> Result<Inventory, DataError> {
        let root = data::root_or_default(self.data_dir.as_deref())?;
        Ok(data::inventory(&root, self.verify))
    }
}

/// Options of `harness download`.
///
/// Exits with 0 when all data sets are there and checked, with 75 when it may help to try
/// again later (no connection, a server that is overloaded), with 1 when not.
#[derive(Args, Clone, Debug)]
pub struct DownloadArgs {
    /// Data sets to get; those that are there are checked
    #[arg(required = true, value_enum, value_name = "DATASET")]
    pub datasets: Vec<DatasetKind>,
    /// Folder with one folder per data set [default: the platform's cache directory]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// A mirror in place of the official addresses: it has the official files (`harness
    /// datasets --json` names them) directly below this address
    #[arg(long, value_name = "BASE_URL", value_parser = base_url)]
    pub from: Option<String>,
}

impl DownloadArgs {
    /// Downloads.
    pub fn download(&self, progress: &dyn Progress) -> Result<Downloads, DataError> {
        let root = data::root_or_default(self.data_dir.as_deref())?;
        let mut kinds: Vec<DatasetKind> = Vec::new();
        for &kind in &self.datasets {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        let from = self.from.as_deref();
        Ok(data::download_all(&kinds, &root, from, progress))
    }
}

fn base_url(text: &str) -> Result<String, String> {
    let rest = ["http://", "https://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    match rest {
        Some(host) if !host.is_empty() && !host.contains([' ', '?', '#']) => Ok(text.to_owned()),
        _ => Err("expected an address like https://host/folder".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser, Debug)]
    enum Program {
        Datasets(DatasetsArgs),
        Download(DownloadArgs),
    }

    #[test]
    fn what_is_asked_for_is_understood() {
        let parse = |line: &str| Program::try_parse_from(line.split(' '));
        let asked = parse("x download mnist stl10 --data-dir d --from http://h:1/m").unwrap();
        let Program::Download(args) = asked else {
            panic!("{asked:?}")
        };
        assert_eq!(args.datasets, [DatasetKind::Mnist, DatasetKind::Stl10]);
        assert_eq!(args.from.as_deref(), Some("http://h:1/m"));
        let asked = parse("x datasets --json --verify").unwrap();
        assert!(matches!(asked, Program::Datasets(args) if args.json && args.verify));
        for (wrong, says) in [
            ("x download", "DATASET"),
            ("x download imagenet", "imagenet"),
            ("x download mnist --from ftp://h/", "https://host/folder"),
            ("x download mnist --from https://", "https://host/folder"),
        ] {
            let error = parse(wrong).unwrap_err().to_string();
            assert!(error.contains(says), "{wrong}: {error}");
        }
    }
}
