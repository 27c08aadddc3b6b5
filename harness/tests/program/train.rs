//! A run from end to end, by the program itself.

use std::fs;

use crate::support::{result, tiny_train};

#[test]
fn a_run_leaves_everything_that_it_promises() {
    let temp = tempfile::tempdir().unwrap();
    let out = temp.path().join("run");
    let line = result(&mut tiny_train(&out));
    for key in [
        "method",
        "dataset",
        "epochs",
        "seed",
        "final_loss",
        "recipe",
        "train_seconds",
        "embedding",
        "images_per_second",
        "weights_digest",
    ] {
        assert!(!line[key].is_null(), "{key} is missing in {line}");
    }
    assert_eq!(line["steps"], 12, "96 images in batches of 16, twice");
    for file in [
        "config.toml",
        "metrics.jsonl",
        "result.json",
        "encoder.safetensors",
    ] {
        assert!(out.join(file).is_file(), "{file} is missing");
    }
    let figure = line["figure"].as_str().unwrap();
    assert!(std::fs::read_to_string(figure).unwrap().starts_with("<svg"));

    let metrics = std::fs::read_to_string(out.join("metrics.jsonl")).unwrap();
    let steps: Vec<serde_json::Value> = metrics
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(steps.len(), 12);
    for (index, step) in steps.iter().enumerate() {
        assert_eq!(step["step"], index as u64 + 1);
        let parts = [
            &step["loss"],
            &step["terms"]["nt_xent"],
            &step["terms"]["ot"],
        ];
        let [loss, nt_xent, ot] = parts.map(|v| v.as_f64().unwrap());
        // λ is 0.8 by default; the sum is one f32 multiplication and addition.
        assert!(((nt_xent + 0.8 * ot) - loss).abs() <= 1e-5, "{step}");
        assert!(step["sinkhorn"]["marginal_error"].as_f64().unwrap() >= 0.0);
        assert!(step["sinkhorn"]["iterations"].as_f64().unwrap() >= 1.0);
        assert!(step["learning_rate"].as_f64().unwrap() > 0.0);
    }

    // What a study's report reads, and what it will be compared with: all shares of 1.
    let text = std::fs::read_to_string(out.join("result.json")).unwrap();
    let stored: harness_study::cell::RunResult = serde_json::from_str(&text).unwrap();
    let judgements = [stored.trained, stored.untrained];
    for top in judgements.iter().flat_map(|j| [j.linear, j.mlp, j.knn]) {
        assert!(
            0.0 < top.top1 && top.top1 <= top.top5 && top.top5 <= 1.0,
            "{top:?}"
        );
    }
    let rank = line["embedding"]["effective_rank"].as_f64().unwrap();
    assert!((1.0..=512.0).contains(&rank), "{rank}");
    assert!(line["embedding"]["uniformity"].as_f64().unwrap() < 0.0);
}

#[test]
fn without_lambda_sinsim_is_simclr() {
    let temp = tempfile::tempdir().unwrap();
    let short = ["--limit", "32", "--epochs", "1"];
    let digest = |name: &str, more: &[&str]| {
        let mut run = tiny_train(&temp.path().join(name));
        result(run.args(short).args(more))["weights_digest"].clone()
    };
    let simclr = digest("a", &["--method", "simclr"]);
    assert_eq!(
        simclr,
        digest("b", &["--method", "sinsim", "--lambda", "0"])
    );
    assert_ne!(simclr, digest("c", &["--method", "sinsim"]));
    assert_ne!(simclr, digest("d", &["--method", "simclr", "--seed", "1"]));
}

#[test]
fn runs_that_begin_alike_judge_their_beginning_once() {
    let temp = tempfile::tempdir().unwrap();
    let cache = temp.path().join("untrained");
    let kept = || fs::read_dir(&cache).map_or(0, |entries| entries.count());
    let train = |method: &str, seed: &str| {
        let mut train = tiny_train(&temp.path().join(format!("{method}-{seed}")));
        train.args(["--limit", "32", "--epochs", "1", "--method", method]);
        train.args(["--seed", seed, "--untrained-cache"]);
        result(train.arg(&cache))["untrained"].clone()
    };
    let simclr = train("simclr", "1");
    assert_eq!(kept(), 1);
    // Other heads and another loss, the same encoder.
    assert_eq!(train("byol", "1"), simclr);
    assert_eq!(kept(), 1);
    train("byol", "2");
    assert_eq!(kept(), 2);
    // Damaged, it is judged anew, and comes out the same.
    for entry in fs::read_dir(&cache).unwrap() {
        fs::write(entry.unwrap().path(), "{").unwrap();
    }
    fs::remove_dir_all(temp.path().join("simclr-1")).unwrap();
    assert_eq!(train("simclr", "1"), simclr);
}
