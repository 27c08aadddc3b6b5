//! A checkpoint as bytes, and back.
//!
//! The container is the safetensors format. It is a length, a JSON header and the
//! payload, tools for it exist in many languages, and its parser allocates nothing
//! by a number that it has read. The sections of a checkpoint are bytes with a
//! layout of their own, so each is a tensor of `U8`. What safetensors leaves out is
//! a checksum; the header's `__metadata__` has it, beside what a checkpoint is:
//!
//! | key | value |
//! |---|---|
//! | `format` | [`FORMAT`] |
//! | `version` | [`VERSION`] |
//! | `step`, `epoch` | decimal numbers |
//! | `state` | [`Checkpoint::meta`], as JSON |
//! | `sections` | names of the sections in their order, as JSON |
//! | `sha256` | of the whole file, in which this value is 64 zeros |
//!
//! The digest covers the header too, byte for byte, so nothing rests on which of its
//! bits happen to mean something: any flipped bit is noticed.

use std::collections::HashMap;

use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::{RunError, checkpoint::Checkpoint, digest};

/// What kind of file it is.
pub const FORMAT: &str = "sinsim-checkpoint";
/// Version of the layout; raised when this program would misread an older one.
pub const VERSION: u32 = 1;

const DIGEST_KEY: &str = "sha256";
pub(super) const NO_DIGEST: &str =
    "0000000000000000000000000000000000000000000000000000000000000000";

/// What is wrong with a file that should be a checkpoint.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Problem {
    /// No safetensors file, or not the whole of one.
    #[error(
        "cut short or overwritten: expected a whole safetensors file of {got} bytes ({reason})"
    )]
    Container {
        /// Bytes that there are.
        got: usize,
        /// The parser's words.
        reason: String,
    },
    /// A safetensors file of something else.
    #[error("not a checkpoint of this program: expected {key} in its header, got {got}")]
    Foreign {
        /// The key that a checkpoint has.
        key: &'static str,
        /// What is there.
        got: String,
    },
    /// Written by a later program.
    #[error(
        "has layout version {got}, this program reads version {VERSION}; use the program that wrote it"
    )]
    Version {
        /// Its version.
        got: String,
    },
    /// Some bit is not what it was.
    #[error("damaged: expected SHA-256 {expected}, got {got}")]
    Digest {
        /// What the file says.
        expected: String,
        /// What its bytes give.
        got: String,
    },
    /// A file under another one's name.
    #[error("misnamed: by its name it is of step {name}, by its content of step {content}")]
    Step {
        /// What the name says.
        name: u64,
        /// What the file says.
        content: u64,
    },
}

/// The bytes of a checkpoint file. The order of the header's keys, and with it the
/// digest, may differ from call to call.
pub fn encode(checkpoint: &Checkpoint) -> Result<Vec<u8>, RunError> {
    let step = checkpoint.step;
    let refuse = |reason: String| RunError::Encode { step, reason };
    let names: Vec<&str> = checkpoint
        .sections
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    for (i, name) in names.iter().enumerate() {
        // The header is a map, and has a key for itself.
        if names[..i].contains(name) || *name == "__metadata__" {
            return Err(refuse(format!(
                "section names must be unique, got {name:?} again"
            )));
        }
    }
    let state = checkpoint.meta.to_string();
    // The parser refuses what is nested too deeply; better now than at the resume.
    serde_json::from_str::<serde_json::Value>(&state)
        .map_err(|error| refuse(format!("its state could not be read again: {error}")))?;
    let metadata = [
        ("format", FORMAT.to_owned()),
        ("version", VERSION.to_string()),
        ("step", step.to_string()),
        ("epoch", checkpoint.epoch.to_string()),
        ("state", state),
        ("sections", serde_json::json!(names).to_string()),
        (DIGEST_KEY, NO_DIGEST.to_owned()),
    ];
    let metadata = metadata.map(|(key, value)| (key.to_owned(), value)).into();
    let mut views = Vec::with_capacity(names.len());
    for (name, bytes) in &checkpoint.sections {
        let view = TensorView::new(Dtype::U8, vec![bytes.len()], bytes);
        views.push((
            name.as_str(),
            view.map_err(|error| refuse(error.to_string()))?,
        ));
    }
    let mut file =
        safetensors::serialize(views, Some(metadata)).map_err(|error| refuse(error.to_string()))?;
    let digest = digest::of_parts(&[&file]);
    let place = digest_place(&file, NO_DIGEST)
        .ok_or_else(|| refuse("its header has no place for the digest".to_owned()))?;
    file[place..place + digest.len()].copy_from_slice(digest.as_bytes());
    Ok(file)
}

/// The checkpoint in a file's bytes. Never panics, whatever they are.
pub fn decode(file: &[u8]) -> Result<Checkpoint, Problem> {
    let broken = |error: safetensors::SafeTensorError| Problem::Container {
        got: file.len(),
        reason: error.to_string(),
    };
    let (_, header) = SafeTensors::read_metadata(file).map_err(broken)?;
    let no_entries = HashMap::new();
    let entries = header.metadata().as_ref().unwrap_or(&no_entries);
    let entry = |key: &'static str| {
        let missing = || Problem::Foreign {
            key,
            got: "none".to_owned(),
        };
        entries.get(key).map(String::as_str).ok_or_else(missing)
    };
    let unreadable = |key, got: &str| Problem::Foreign {
        key,
        got: format!("{got:?}"),
    };
    let format = entry("format")?;
    if format != FORMAT {
        return Err(unreadable("format", format));
    }
    // Before the digest: another version may have another rule for it.
    let version = entry("version")?;
    if version != VERSION.to_string() {
        return Err(Problem::Version {
            got: version.to_owned(),
        });
    }
    check_digest(file, entry(DIGEST_KEY)?)?;

    // From here on the file is as `encode` wrote it, unless somebody forged it.
    let number = |key| {
        let text = entry(key)?;
        text.parse().map_err(|_| unreadable(key, text))
    };
    let json = |key| {
        let text = entry(key)?;
        serde_json::from_str(text).map_err(|_| unreadable(key, text))
    };
    let names = entry("sections")?;
    let names: Vec<String> =
        serde_json::from_str(names).map_err(|_| unreadable("sections", names))?;
    let tensors = SafeTensors::deserialize(file).map_err(broken)?;
    let mut sections = Vec::with_capacity(names.len());
    for name in names {
        let bytes = tensors.tensor(&name).map_err(broken)?.data().to_vec();
        sections.push((name, bytes));
    }
    Ok(Checkpoint {
        step: number("step")?,
        epoch: number("epoch")?,
        meta: json("state")?,
        sections,
    })
}

/// Whether `stated` is the digest of the file without it.
fn check_digest(file: &[u8], stated: &str) -> Result<(), Problem> {
    let place = (stated.len() == NO_DIGEST.len())
        .then(|| digest_place(file, stated))
        .flatten();
    let Some(place) = place else {
        return Err(Problem::Foreign {
            key: DIGEST_KEY,
            got: format!("{stated:?}"),
        });
    };
    let after = place + NO_DIGEST.len();
    let got = digest::of_parts(&[&file[..place], NO_DIGEST.as_bytes(), &file[after..]]);
    if got == stated {
        Ok(())
    } else {
        Err(Problem::Digest {
            expected: stated.to_owned(),
            got,
        })
    }
}

/// Where the digest's value begins. The pattern has bare quotes, which inside of a
/// JSON string would have a backslash, and the header comes before the payload: the
/// first match is the entry itself.
fn digest_place(file: &[u8], value: &str) -> Option<usize> {
    let pattern = format!("\"{DIGEST_KEY}\":\"{value}\"");
    let start = file
        .windows(pattern.len())
        .position(|window| window == pattern.as_bytes())?;
    Some(start + pattern.len() - 1 - value.len())
}
