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
const NO_DIGEST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What is wrong with a file that should be a checkpoint.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Problem {
    /// No safetensors file, or not the whole of one.
    #[error("cut short or overwritten: expected a whole safetensors file of {got} bytes ({reason})")]
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
    #[error("has layout version {got}, this program reads version {VERSION}; use the program that wrote it")]
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
    let names: Vec<&str> = checkpoint.sections.iter().map(|(name, _)| name.as_str()).collect();
    for (i, name) in names.iter().enumerate() {
        // The header is a map, and has a key for itself.
        if names[..i].contains(name) || *name == "__metadata__" {
            return Err(refuse(format!("section names must be unique, got {name:?} again")));
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
        views.push((name.as_str(), view.map_err(|error| refuse(error.to_string()))?));
    }
    let mut file = safetensors::serialize(views, Some(metadata))
        .map_err(|error| refuse(error.to_string()))?;
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
        let missing = || Problem::Foreign { key, got: "none".to_owned() };
        entries.get(key).map(String::as_str).ok_or_else(missing)
    };
    let unreadable = |key, got: &str| Problem::Foreign { key, got: format!("{got:?}") };
    let format = entry("format")?;
    if format != FORMAT {
        return Err(unreadable("format", format));
    }
    // Before the digest: another version may have another rule for it.
    let version = entry("version")?;
    if version != VERSION.to_string() {
        return Err(Problem::Version { got: version.to_owned() });
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
    Ok(Checkpoint { step: number("step")?, epoch: number("epoch")?, meta: json("state")?, sections })
}

/// Whether `stated` is the digest of the file without it.
fn check_digest(file: &[u8], stated: &str) -> Result<(), Problem> {
    let place = (stated.len() == NO_DIGEST.len()).then(|| digest_place(file, stated)).flatten();
    let Some(place) = place else {
        return Err(Problem::Foreign { key: DIGEST_KEY, got: format!("{stated:?}") });
    };
    let after = place + NO_DIGEST.len();
    let got = digest::of_parts(&[&file[..place], NO_DIGEST.as_bytes(), &file[after..]]);
    if got == stated {
        Ok(())
    } else {
        Err(Problem::Digest { expected: stated.to_owned(), got })
    }
}

/// Where the digest's value begins. The pattern has bare quotes, which inside of a
/// JSON string would have a backslash, and the header comes before the payload: the
/// first match is the entry itself.
fn digest_place(file: &[u8], value: &str) -> Option<usize> {
    let pattern = format!("\"{DIGEST_KEY}\":\"{value}\"");
    let start = file.windows(pattern.len()).position(|window| window == pattern.as_bytes())?;
    Some(start + pattern.len() - 1 - value.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::run::tests::sample;

    fn problem(bytes: &[u8]) -> Problem {
        decode(bytes).expect_err("must be refused")
    }

    #[test]
    fn what_went_in_comes_out() {
        let odd = Checkpoint {
            step: u64::MAX,
            epoch: 0,
            // Text that looks like the header's own, and numbers at their ends.
            meta: json!({"sha256": NO_DIGEST, "x": format!("\"sha256\":\"{NO_DIGEST}\""),
                         "u": u64::MAX, "i": i64::MIN, "ä\0": [null, true]}),
            sections: vec![
                ("z".into(), vec![]),
                (format!("\"sha256\":\"{NO_DIGEST}\""), vec![1; 3]),
                ("a".into(), format!("\"sha256\":\"{NO_DIGEST}\"").into_bytes()),
            ],
        };
        for checkpoint in [sample(7), odd, Checkpoint { sections: vec![], ..sample(0) }] {
            assert_eq!(decode(&encode(&checkpoint).unwrap()).unwrap(), checkpoint);
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let good = encode(&sample(123)).unwrap();
        for byte in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[byte] ^= 1 << bit;
                assert!(decode(&bad).is_err(), "byte {byte} of {}, bit {bit}", good.len());
            }
        }
    }

    #[test]
    fn every_length_but_the_right_one_is_refused() {
        let good = encode(&sample(123)).unwrap();
        for length in 0..good.len() {
            problem(&good[..length]);
            // What a file system may leave after a power cut: the length, but no bytes.
            let mut zeros = good.clone();
            zeros[length..].fill(0);
            assert!(decode(&zeros).is_err() || zeros == good, "zeros from {length}");
        }
        problem(&[good.as_slice(), b"\n"].concat());
        problem(&[good.as_slice(), good.as_slice()].concat());
    }

    #[test]
    fn swapped_and_repeated_blocks_are_noticed() {
        let good = encode(&sample(123)).unwrap();
        for a in 0..good.len() - 1 {
            let mut bad = good.clone();
            bad.swap(a, a + 1);
            assert!(bad == good || decode(&bad).is_err(), "bytes {a} and the next");
        }
    }

    #[test]
    fn a_newer_layout_and_foreign_files_are_named() {
        let text = |from: &str, to: &str| {
            let good = String::from_utf8_lossy(&encode(&sample(1)).unwrap()).into_owned();
            assert!(good.contains(from));
            good.replacen(from, to, 1).into_bytes()
        };
        // The sample's sections are ASCII, so the text is the file.
        let newer = text("\"version\":\"1\"", "\"version\":\"2\"");
        assert_eq!(problem(&newer), Problem::Version { got: "2".into() });
        let other = text("sinsim-checkpoint", "somebody-elses-it");
        assert!(matches!(problem(&other), Problem::Foreign { key: "format", .. }));
        let unsigned = text("\"sha256\"", "\"sha512\"");
        assert!(matches!(problem(&unsigned), Problem::Foreign { key: "sha256", .. }));
        let plain = safetensors::serialize([("a", TensorView::new(Dtype::U8, vec![1], b"1").unwrap())], None);
        assert!(matches!(problem(&plain.unwrap()), Problem::Foreign { key: "format", .. }));
        assert!(matches!(problem(b"PK\x03\x04 a zip file"), Problem::Container { .. }));
    }

    #[test]
    fn what_could_not_be_read_again_is_not_written() {
        let refuse = |checkpoint: Checkpoint, word: &str| {
            let message = encode(&checkpoint).unwrap_err().to_string();
            assert!(message.contains("step 5") && message.contains(word), "{message}");
        };
        let twice = vec![("a".to_owned(), vec![]), ("a".to_owned(), vec![1])];
        refuse(Checkpoint { sections: twice, ..sample(5) }, "unique");
        let reserved = vec![("__metadata__".to_owned(), vec![])];
        refuse(Checkpoint { sections: reserved, ..sample(5) }, "__metadata__");
        // serde_json reads 127 levels.
        let deep = (0..200).fold(json!(0), |inner, _| json!([inner]));
        refuse(Checkpoint { meta: deep, ..sample(5) }, "state");
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>, n in 0u64..64) {
            let _ = decode(&bytes);
            // A length that is believable gets past the first check.
            let _ = decode(&[&n.to_le_bytes()[..], &bytes].concat());
        }
    }
}
