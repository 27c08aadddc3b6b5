//! Arrays and networks for other tools, and those tools' opinion of them.

use std::{fs, path::Path, process::Command};

use crate::support::{failure, finished_run, harness, result};

fn embed(run: &Path, out: &Path) -> Command {
    let mut embed = harness();
    embed.args(["embed", "--images", "--run"]).arg(run);
    embed.arg("--out").arg(out);
    embed
}

fn export(run: &Path, format: &str) -> Command {
    let mut export = harness();
    export
        .args(["export", "--format", format, "--run"])
        .arg(run);
    export
}

/// Shape and numbers of an array file, read by its own text.
fn read_npy(path: &Path) -> (String, String, Vec<u8>) {
    let bytes = fs::read(path).unwrap();
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let text = String::from_utf8(bytes[10..10 + length].to_vec()).unwrap();
    let between = |open: &str, close: &str| {
        let start = text.find(open).unwrap() + open.len();
        text[start..][..text[start..].find(close).unwrap()].to_owned()
    };
    let (descr, shape) = (between("'descr': '", "'"), between("'shape': (", ")"));
    (descr, shape, bytes[10 + length..].to_vec())
}

#[test]
fn other_tools_see_what_the_harness_sees() {
    let temp = tempfile::tempdir().unwrap();
    let (run, out) = (temp.path().join("run"), temp.path().join("a/b"));
    finished_run(&run);
    let line = result(embed(&run, &out).args(["--split", "train"]));
    assert_eq!((&line["images"], &line["dim"]), (&32.into(), &512.into()));
    let line = result(&mut embed(&run, &out));
    assert_eq!(
        line["images"], 1000,
        "the test set, in the place of the training set"
    );

    let (descr, shape, features) = read_npy(&out.join("features.npy"));
    assert_eq!((descr.as_str(), shape.as_str()), ("<f4", "1000, 512"));
    let cached = fs::read(run.join("features/trained.safetensors")).unwrap();
    let cached = safetensors::SafeTensors::deserialize(&cached).unwrap();
    assert_eq!(cached.tensor("test").unwrap().data(), features);
    let (descr, shape, labels) = read_npy(&out.join("labels.npy"));
    assert_eq!((descr.as_str(), shape.as_str()), ("<i8", "1000,"));
    // The built-in set's labels go round.
    for (i, label) in labels.as_chunks::<8>().0.iter().enumerate() {
        assert_eq!(i64::from_le_bytes(*label), i as i64 % 10);
    }
    let (descr, shape, _) = read_npy(&out.join("images.npy"));
    assert_eq!((descr.as_str(), shape.as_str()), ("|u1", "1000, 3, 32, 32"));
    let index = fs::read_to_string(out.join("classes.json")).unwrap();
    let index: serde_json::Value = serde_json::from_str(&index).unwrap();
    assert_eq!(index["classes"][2], "triangle");

    for format in ["safetensors", "onnx"] {
        let file = out.join(format!("resnet18.{format}"));
        let line = result(export(&run, format).arg("--out").arg(&file));
        assert_eq!(line["bytes"], fs::metadata(&file).unwrap().len());
        assert_eq!(line["mean"].as_array().unwrap().len(), 3);
    }
    ask_python(&out);
}

/// `scripts/check_export.py`, where `PYTHON` (or `python3`) has NumPy and PyTorch.
fn ask_python(folder: &Path) {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let found = Command::new(&python)
        .args(["-c", "import numpy, torch"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !found {
        eprintln!("skipped: {python} has no NumPy and PyTorch (set PYTHON to one that has)");
        return;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/check_export.py");
    let line = result(Command::new(&python).arg(script).arg(folder));
    // The script fails above its tolerance of 1e-4; that it compared is checked here.
    assert!(line["pytorch"].is_number(), "{line}");
    for part in line["left_out"].as_array().unwrap() {
        eprintln!("skipped: {python} has no {part}");
    }
}

#[test]
fn what_cannot_be_written_or_read_is_named() {
    let temp = tempfile::tempdir().unwrap();
    let run = temp.path().join("run");
    finished_run(&run);
    // A file where a folder should be: refused also to the administrator.
    let file = temp.path().join("file");
    fs::write(&file, "").unwrap();
    let below = file.join("folder");
    let place = below.display().to_string();
    for command in [
        &mut embed(&run, &below),
        export(&run, "onnx").arg("--out").arg(&below),
        export(&run, "safetensors").arg("--out").arg(&below),
    ] {
        let message = failure(command, 1);
        assert!(message.contains(&place), "{message}");
        assert!(
            message.contains("a part of the path is a file"),
            "{message}"
        );
    }
    fs::remove_file(run.join("encoder.safetensors")).unwrap();
    for command in [&mut embed(&run, temp.path()), &mut export(&run, "onnx")] {
        let message = failure(command, 1);
        assert!(message.contains("encoder.safetensors"), "{message}");
    }
    failure(&mut export(&run, "pickle"), 2);
}
