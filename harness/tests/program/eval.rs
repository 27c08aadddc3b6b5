//! Judging a finished run again, and what can be wrong with one.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

use crate::support::{failure, finished_run, harness, result, tiny_train};

fn eval(run: &Path, probe: &str) -> Command {
    let mut eval = harness();
    eval.args(["eval", "--probe", probe, "--run"]).arg(run);
    eval
}

#[test]
fn probes_repeat_what_the_run_said_and_say_more() {
    let temp = tempfile::tempdir().unwrap();
    let run = temp.path().join("run");
    let trained = finished_run(&run);
    // The same features and seeds give the same answer, cached or not.
    for (probe, features) in [("linear", "computed"), ("mlp", "cached"), ("knn", "cached")] {
        let line = result(eval(&run, probe).arg("--untrained"));
        assert_eq!(line["features"], features, "{probe}");
        for top in ["top1", "top5"] {
            assert_eq!(line[top], trained["trained"][probe][top], "{probe} {top}");
            assert_eq!(line["untrained"][top], trained["untrained"][probe][top]);
        }
        check_counts(&line);
        let text = fs::read_to_string(run.join(format!("eval-{probe}.json"))).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), line);
    }
    let line = result(eval(&run, "mlp").arg("--no-cache"));
    assert_eq!(line["features"], "computed");
    assert_eq!(line["top1"], trained["trained"]["mlp"]["top1"]);
    let stderr = eval(&run, "knn").output().unwrap().stderr;
    let table = String::from_utf8_lossy(&stderr).into_owned();
    for part in ["top-1", "top-5", "accuracy", "triangle"] {
        assert!(table.contains(part), "{part} is not in: {table}");
    }
}

/// Matrix, classes and shares tell of the same thousand test images.
fn check_counts(line: &Value) {
    let number = |value: &Value| value.as_u64().unwrap();
    let rows: Vec<&Vec<Value>> = line["confusion"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row.as_array().unwrap())
        .collect();
    let classes = line["per_class"].as_array().unwrap();
    assert_eq!((rows.len(), classes.len()), (10, 10));
    let mut right = 0;
    for (label, (row, class)) in rows.iter().zip(classes).enumerate() {
        assert_eq!(
            row.iter().map(number).sum::<u64>(),
            number(&class["images"])
        );
        assert_eq!(number(&row[label]), number(&class["right"]));
        right += number(&row[label]);
    }
    let top1 = line["top1"].as_f64().unwrap();
    let images = line["test_images"].as_f64().unwrap();
    assert_eq!(right as f64 / images, top1);
}

#[test]
fn stale_and_damaged_features_are_computed_anew() {
    let temp = tempfile::tempdir().unwrap();
    let run = temp.path().join("run");
    finished_run(&run);
    let first = result(&mut eval(&run, "knn"));
    let cache = run.join("features/trained.safetensors");
    let good = fs::read(&cache).unwrap();

    fs::write(&cache, &good[..good.len() / 2]).unwrap();
    let again = result(&mut eval(&run, "knn"));
    assert_eq!(
        (&again["features"], &again["top1"]),
        (&"computed".into(), &first["top1"])
    );
    // The order of a header's entries is not fixed, their length is.
    let length = fs::read(&cache).unwrap().len();
    assert_eq!(length, good.len(), "written anew");

    // Another run's encoder in the same folder: its features are not these.
    let other = temp.path().join("other");
    result(tiny_train(&other).args(["--limit", "32", "--epochs", "1", "--seed", "7"]));
    fs::copy(
        other.join("encoder.safetensors"),
        run.join("encoder.safetensors"),
    )
    .unwrap();
    assert_eq!(result(&mut eval(&run, "knn"))["features"], "computed");
    assert_ne!(fs::read(&cache).unwrap(), good);
}

#[test]
fn a_run_that_cannot_be_judged_says_why() {
    let temp = tempfile::tempdir().unwrap();
    let run = temp.path().join("run");
    let short = ["--limit", "32", "--epochs", "2", "--stop-after", "1"];
    assert!(
        tiny_train(&run)
            .args(short)
            .output()
            .unwrap()
            .status
            .success()
    );
    let message = failure(&mut eval(&run, "linear"), 1);
    assert!(
        message.contains("encoder.safetensors") && message.contains("--resume"),
        "{message}"
    );
    result(tiny_train(&run).args(["--limit", "32", "--epochs", "2", "--resume"]));
    let message = failure(eval(&run, "mlp").args(["--mlp-hidden", "0"]), 1);
    assert!(
        message.contains("--mlp-hidden") && message.contains("at least 1"),
        "{message}"
    );

    let file = run.join("encoder.safetensors");
    let good = fs::read(&file).unwrap();
    fs::write(&file, &good[..1000]).unwrap();
    let message = failure(&mut eval(&run, "linear"), 1);
    assert!(message.contains("not a safetensors file"), "{message}");

    // A configuration of another data set, or of another stem.
    fs::write(&file, &good).unwrap();
    let config = fs::read_to_string(run.join("config.toml")).unwrap();
    for (old, new, part) in [
        ("dataset = \"synthetic\"", "dataset = \"mnist\"", "dataset"),
        ("stem = \"torchvision\"", "stem = \"small\"", "stem"),
    ] {
        assert!(config.contains(old));
        fs::write(run.join("config.toml"), config.replace(old, new)).unwrap();
        let message = failure(&mut eval(&run, "linear"), 1);
        assert!(
            message.contains(part) && message.contains("expected"),
            "{message}"
        );
    }
}
