//! `metrics.jsonl` over kills and resumes.

use std::fs;

use serde_json::{Value, json};

use crate::{
    RunDir,
    metrics::{self, Numbers, Record, Sinkhorn},
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

fn record(step: u64) -> Record {
    Record {
        step,
        epoch: 2,
        loss: 5.5,
        terms: numbers([("variance", 0.5), ("covariance", 0.25)]),
        sinkhorn: Some(Sinkhorn {
            marginal_error: 1e-3,
            iterations: 7.0,
            converged: true,
        }),
        diagnostics: numbers([("effective_rank", 12.5)]),
        learning_rate: 1e-3,
        images_per_second: 400.0,
    }
}

fn numbers<const N: usize>(named: [(&str, f64); N]) -> Numbers {
    named.map(|(name, value)| (name.to_owned(), value)).into()
}

#[test]
fn records_come_back_as_they_were() {
    let (_temp, dir) = folder();
    let bare = Record {
        terms: Numbers::new(),
        sinkhorn: None,
        diagnostics: Numbers::new(),
        ..record(2)
    };
    let mut writer = dir.metrics(0).unwrap();
    writer.append(&record(1)).unwrap();
    writer.append(&bare).unwrap();
    writer.sync().unwrap();
    assert_eq!(dir.read_metrics().unwrap(), [record(1), bare]);
    let text = fs::read_to_string(dir.path().join("metrics.jsonl")).unwrap();
    let second: Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    for absent in ["terms", "sinkhorn", "diagnostics"] {
        assert!(second.get(absent).is_none(), "{absent} in {second}");
    }
}

#[test]
fn what_is_not_finite_is_null_and_comes_back_as_nan() {
    let (_temp, dir) = folder();
    let bad = f64::NEG_INFINITY;
    let line = Record {
        loss: f64::NAN,
        terms: numbers([("nt_xent", f64::INFINITY)]),
        diagnostics: numbers([("alignment", bad)]),
        learning_rate: bad,
        ..record(1)
    };
    dir.metrics(0).unwrap().append(&line).unwrap();
    let [found] = &dir.read_metrics().unwrap()[..] else {
        panic!("not one record")
    };
    let values = [
        found.loss,
        found.terms["nt_xent"],
        found.diagnostics["alignment"],
        found.learning_rate,
    ];
    assert!(values.iter().all(|value| value.is_nan()), "{values:?}");
    assert_eq!(found.images_per_second, 400.0);
}

#[test]
fn files_of_version_0_1_give_the_same_records() {
    let (_temp, dir) = folder();
    let ot = json!({"value": 0.25, "marginal_error": null, "iterations": 7, "converged": true});
    let mut writer = dir.metrics(0).unwrap();
    for line in [
        json!({"step": 1, "epoch": 2, "loss": 5.5, "nt_xent": 5.3, "ot": ot, "images": 64}),
        json!({"step": 2, "loss": null, "nt_xent": null, "ot": null}),
        json!({"step": 3, "terms": null, "sinkhorn": null, "diagnostics": null}),
    ] {
        writer.append(&line).unwrap();
    }
    let records = dir.read_metrics().unwrap();
    let [first, second, third] = records.as_slice() else {
        panic!("{records:?}")
    };
    assert_eq!((first.step, first.epoch, first.loss), (1, 2, 5.5));
    assert_eq!(first.terms, numbers([("nt_xent", 5.3), ("ot", 0.25)]));
    assert!(first.learning_rate.is_nan() && first.images_per_second.is_nan());
    let sinkhorn = first.sinkhorn.unwrap();
    assert!(sinkhorn.marginal_error.is_nan() && sinkhorn.converged);
    assert_eq!(sinkhorn.iterations, 7.0);
    assert!(second.loss.is_nan() && second.sinkhorn.is_none());
    assert!(second.terms.len() == 1 && second.terms["nt_xent"].is_nan());
    assert!(third.terms.is_empty() && third.diagnostics.is_empty());
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
