//! `metrics.jsonl` over kills and resumes.

use std::fs;

use serde_json::{Value, json};

use crate::{
    RunDir,
    metrics::{self, Record},
};

fn folder() -> (tempfile::TempDir, RunDir) {
    let temp = tempfile::tempdir().unwrap();
    let dir = RunDir::create(temp.path()).unwrap();
    (temp, dir)
}

fn steps(dir: &RunDir) -> Vec<u64> {
    dir.read_metrics()
        .unwrap()
        .iter()
        .map(|record| record.step)
        .collect()
}

#[test]
fn records_come_back_typed_and_nan_is_null() {
    #[derive(serde::Serialize)]
    struct Line {
        step: u64,
        epoch: u64,
        loss: f32,
        nt_xent: f64,
        ot: Option<Value>,
        learning_rate: f64,
        images: usize,
    }
    let (_temp, dir) = folder();
    let mut writer = dir.metrics(0).unwrap();
    let line = Line {
        step: 1,
        epoch: 2,
        loss: f32::NAN,
        nt_xent: f64::INFINITY,
        ot: Some(json!({"value": 0.25, "marginal_error": null, "iterations": 7})),
        learning_rate: 1e-3,
        images: 64,
    };
    writer.append(&line).unwrap();
    writer
        .append(&Line {
            step: 2,
            loss: 5.5,
            ot: None,
            ..line
        })
        .unwrap();
    writer.sync().unwrap();
    let records = dir.read_metrics().unwrap();
    let [first, second] = records.as_slice() else {
        panic!("{records:?}")
    };
    assert!(first.loss.is_nan() && first.nt_xent.is_nan() && first.images_per_second.is_nan());
    assert_eq!((first.step, first.epoch, first.learning_rate), (1, 2, 1e-3));
    let ot = first.ot.unwrap();
    assert!(ot.value == 0.25 && ot.marginal_error.is_nan());
    assert!(second.loss == 5.5 && second.ot.is_none());
}

#[test]
fn each_line_is_there_as_soon_as_it_is_appended() {
    let (_temp, dir) = folder();
    let mut writer = dir.metrics(0).unwrap();
    for step in 1..=3 {
        writer.append(&json!({"step": step})).unwrap();
        assert_eq!(steps(&dir).len(), step);
    }
}

#[test]
fn a_resume_goes_on_after_its_step() {
    let (temp, dir) = folder();
    let path = temp.path().join("metrics.jsonl");
    let whole: String = (1..=5)
        .map(|step| format!("{{\"step\":{step}}}\n"))
        .collect();
    for (step, torn) in [
        (0, ""),
        (3, ""),
        (3, "{\"st"),
        (5, "{\"step\":6}"),
        (9, "\0\0\0"),
    ] {
        fs::write(&path, format!("{whole}{torn}")).unwrap();
        assert_eq!(steps(&dir), [1, 2, 3, 4, 5], "reading passes over {torn:?}");
        let mut writer = dir.metrics(step).unwrap();
        let kept: Vec<u64> = (1..=step.min(5)).collect();
        assert_eq!(steps(&dir), kept, "from {step}, torn {torn:?}");
        writer.append(&json!({"step": step + 1})).unwrap();
        assert_eq!(steps(&dir).last(), Some(&(step + 1)));
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), kept.len() + 1);
    }
}

#[test]
fn a_bad_line_is_named_and_nothing_is_dropped() {
    let (temp, dir) = folder();
    let path = temp.path().join("metrics.jsonl");
    for bad in ["", "{}", "17", "{\"step\":-1}", "{\"step\":2", "\u{fffd}{"] {
        let text = format!("{{\"step\":1}}\n{bad}\n{{\"step\":3}}\n");
        fs::write(&path, &text).unwrap();
        for message in [
            dir.metrics(1).unwrap_err().to_string(),
            dir.read_metrics().unwrap_err().to_string(),
        ] {
            assert!(message.contains("metrics.jsonl, line 2:"), "{message}");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    let message = metrics::read::<Record>(&temp.path().join("none"))
        .unwrap_err()
        .to_string();
    assert!(message.starts_with("could not read"), "{message}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let full = std::path::Path::new("/dev/full");
    // Read, it gives zeros without an end: opened by hand.
    let mut writer = metrics::MetricsWriter::over(full);
    let message = writer.append(&json!({"step": 1})).unwrap_err().to_string();
    assert!(
        message.contains("/dev/full") && message.contains("free some space"),
        "{message}"
    );
}
