//! What a run folder has to survive.

mod damage;
mod faults;
mod folder;
mod history;
mod kill;
mod newest;
mod tensorboard;

use std::path::Path;

use serde_json::json;

use super::Checkpoint;

/// A small checkpoint; every step has another content.
pub(super) fn sample(step: u64) -> Checkpoint {
    let bytes = |salt: u64| {
        (0..40)
            .map(|i| ((step * 7 + i * i + salt) % 251) as u8)
            .collect::<Vec<u8>>()
    };
    Checkpoint {
        step,
        epoch: step / 10,
        meta: json!({"seed": 42, "schedule": {"kind": "cosine"}, "config": "f00d"}),
        sections: vec![("network".into(), bytes(1)), ("optimizer".into(), bytes(2))],
    }
}

/// `bytes` with the first `from` replaced by `to`, which is as long.
pub(super) fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let place = bytes
        .windows(from.len())
        .position(|window| window == from.as_bytes())
        .unwrap();
    let mut bytes = bytes.to_vec();
    bytes[place..place + from.len()].copy_from_slice(to.as_bytes());
    bytes
}

/// Names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
