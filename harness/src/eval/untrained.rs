//! Accuracies of untrained encoders, kept for other runs: those that differ in method or
//! constants alone begin with the same encoder, and judging it again takes as long as
//! judging the trained one.
//!
//! ```text
//! DIR/FINGERPRINT.json    judgement, and a digest of it
//! ```
//!
//! The fingerprint covers the inputs: weights, pixels, labels, the probes' settings, the
//! backend. What another version of the program or another processor rounds otherwise is
//! taken for the same. A damaged file is judged anew, not believed.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use harness_study::cell::Judgement;
use serde::{Deserialize, Serialize};

use crate::{
    error::Error,
    run::{RunError, atomic, digest},
};

/// A place for the accuracies of one untrained encoder.
pub struct Kept {
    path: PathBuf,
}

/// What a file holds.
#[derive(Serialize, Deserialize)]
struct Record {
    judgement: Judgement,
    digest: String,
}

impl Kept {
    /// The place in `folder` for what has this fingerprint.
    pub fn new(folder: &Path, fingerprint: &str) -> Self {
        Self {
            path: folder.join(format!("{fingerprint}.json")),
        }
    }

    /// What another run left, if it did and it can be believed.
    pub fn read(&self) -> Option<Judgement> {
        let doubt = |what: &str| {
            let path = self.path.display();
            eprintln!("warning: {path} {what}: the untrained encoder is judged anew");
        };
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(error) => {
                doubt(&format!("cannot be read ({error})"));
                return None;
            }
        };
        match serde_json::from_slice::<Record>(&bytes) {
            Ok(record) if digest_of(&record.judgement).is_ok_and(|d| d == record.digest) => {
                Some(record.judgement)
            }
            Ok(_) => {
                doubt("is damaged (its numbers do not have their digest)");
                None
            }
            Err(error) => {
                doubt(&format!("is damaged ({error})"));
                None
            }
        }
    }

    /// Leaves it for others.
    pub fn write(&self, judgement: Judgement) -> Result<(), Error> {
        let folder = self.path.parent().unwrap_or(&self.path);
        fs::create_dir_all(folder).map_err(RunError::io("create", folder))?;
        let digest = digest_of(&judgement)?;
        let record = Record { judgement, digest };
        let text = serde_json::to_vec_pretty(&record).map_err(Error::Json)?;
        atomic::write(&self.path, &text).map_err(RunError::io("write", &self.path))?;
        Ok(())
    }
}

fn digest_of(judgement: &Judgement) -> Result<String, Error> {
    let text = serde_json::to_vec(judgement).map_err(Error::Json)?;
    Ok(digest::of_sections([("judgement", text.as_slice())]))
}
