//! Getting official data sets on request: what is there is checked, what is not is
//! fetched, and a set that fails does not keep the others from coming.

use std::path::Path;

use serde::Serialize;

use super::{
    DataError, DatasetKind, DatasetState, Progress, State, inventory::look, obtain, remote::Remote,
};

/// What became of each data set.
#[derive(Clone, Debug, Serialize)]
pub struct Downloads {
    /// In the order that they were asked for.
    pub datasets: Vec<Delivery>,
}

/// What became of a data set.
#[derive(Clone, Debug, Serialize)]
pub struct Delivery {
    /// Which one.
    pub dataset: DatasetKind,
    /// How it went.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// How it went.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It was there, whole, and is what it should be.
    Present {
        /// As it was found.
        found: DatasetState,
    },
    /// It was fetched, or unpacked from its archive.
    Fetched {
        /// As it is now.
        found: DatasetState,
    },
    /// It is not there.
    Failed {
        /// Why, and what to do.
        error: String,
        /// Whether it may go better later, with nothing changed on this side.
        temporary: bool,
    },
}

impl Downloads {
    /// 0 where all data sets are there; 75 (`EX_TEMPFAIL` of `sysexits.h`) where all that
    /// failed may come later, for scripts that try again; else 1.
    pub fn exit_code(&self) -> u8 {
        let mut code = 0;
        for delivery in &self.datasets {
            match delivery.outcome {
                Outcome::Failed { temporary, .. } if !temporary => return 1,
                Outcome::Failed { .. } => code = 75,
                Outcome::Present { .. } | Outcome::Fetched { .. } => {}
            }
        }
        code
    }
}

/// Sees to it that the official data sets `kinds` are below `root`, from their official
/// addresses or from the mirror `from`. Failures are noted as they come.
pub fn download_all(
    kinds: &[DatasetKind],
    root: &Path,
    from: Option<&str>,
    progress: &dyn Progress,
) -> Downloads {
    let deliver = |&kind: &DatasetKind| {
        let outcome = download(kind, root, from, progress).unwrap_or_else(|error| {
            let (error, temporary) = (error.to_string(), error.is_temporary());
            progress.note(&format!("error: {}: {error}", kind.name()));
            Outcome::Failed { error, temporary }
        });
        Delivery {
            dataset: kind,
            outcome,
        }
    };
    Downloads {
        datasets: kinds.iter().map(deliver).collect(),
    }
}

/// Sees to it that an official data set is below `root`.
pub fn download(
    kind: DatasetKind,
    root: &Path,
    from: Option<&str>,
    progress: &dyn Progress,
) -> Result<Outcome, DataError> {
    let remote = match from {
        Some(base) => Remote::mirrored(kind, base),
        None => Remote::official(kind),
    };
    let before = look(kind, root, true);
    match before.state {
        State::BuiltIn | State::Complete => {
            let (name, at) = (kind.name(), before.folder.as_deref());
            progress.note(&match at {
                Some(folder) => format!("{name}: complete in {}", folder.display()),
                None => format!("{name}: built in"),
            });
            return Ok(Outcome::Present { found: before });
        }
        State::Subset | State::Damaged => return Err(other(&before)),
        State::Incomplete | State::Absent => {}
    }
    obtain::obtain(kind, root, false, &remote, progress)?;
    let after = look(kind, root, true);
    if after.state != State::Complete {
        // What was fetched is official: the files beside it are not.
        return Err(other(&after));
    }
    progress.note(&format!("{}: complete and checked", kind.name()));
    Ok(Outcome::Fetched { found: after })
}

/// The error for a data set that is there, but not as it should be.
fn other(state: &DatasetState) -> DataError {
    let count = |name: &str, count: super::Count| format!("{count} {name}");
    let found = if state.problems.is_empty() {
        let mut parts = vec![
            count("training images", state.train),
            count("test images", state.test),
        ];
        if state.unlabelled.official > 0 {
            parts.push(count("images without labels", state.unlabelled));
        }
        format!("a part of the set, {}", parts.join(" and "))
    } else {
        format!("damaged files ({})", state.problems.join("; "))
    };
    DataError::Other {
        dataset: state.dataset.name(),
        path: state.folder.clone().unwrap_or_default(),
        found,
    }
}
