//! Bad input: an exit code, a sentence that helps, nothing lost.

use crate::support::{failure, harness, result, tiny_train};

#[test]
fn wrong_usage_exits_with_2_and_bad_values_with_1() {
    failure(harness().args(["train", "--epochs", "many"]), 2);
    failure(harness().args(["train", "--no-such-option"]), 2);
    failure(harness().args(["train", "--resume"]), 2);
    failure(&mut harness(), 2);
    let temp = tempfile::tempdir().unwrap();
    let out = temp.path().join("run");
    for (option, value) in [
        ("--epsilon", "0"),
        ("--epsilon", "NaN"),
        ("--temperature", "-1"),
        ("--lr", "inf"),
    ] {
        let message = failure(tiny_train(&out).arg(format!("{option}={value}")), 1);
        assert!(
            message.contains(option) && message.contains("expected"),
            "{message}"
        );
        assert!(!out.exists(), "nothing is written for a run that cannot be");
    }
    let message = failure(tiny_train(&out).args(["--batch-size", "97"]), 1);
    assert!(
        message.contains("97") && message.contains("96"),
        "{message}"
    );
}

#[test]
fn missing_data_are_named_with_their_place_and_address() {
    let temp = tempfile::tempdir().unwrap();
    for (dataset, file) in [
        ("mnist", "train-images-idx3-ubyte"),
        ("cifar10", "data_batch_1.bin"),
        ("cifar100", "train.bin"),
        ("stl10", "train_X.bin"),
    ] {
        let mut train = harness();
        train.args(["train", "--offline", "--dataset", dataset]);
        train
            .arg("--data-dir")
            .arg(temp.path())
            .arg("--out")
            .arg(temp.path().join("run"));
        let message = failure(&mut train, 1);
        let place = temp.path().join(dataset);
        for part in [file, "http", &place.display().to_string()] {
            assert!(message.contains(part), "{part} is not in: {message}");
        }
    }
}

#[test]
fn an_existing_run_is_never_overwritten() {
    let temp = tempfile::tempdir().unwrap();
    let out = temp.path().join("run");
    let run = |out: &std::path::Path| {
        let mut train = tiny_train(out);
        train.args(["--limit", "32", "--epochs", "1"]);
        train
    };
    crate::support::result(&mut run(&out));
    let before = std::fs::read(out.join("result.json")).unwrap();
    let message = failure(&mut run(&out), 1);
    assert!(
        message.contains("--resume") && message.contains("--out"),
        "{message}"
    );
    assert_eq!(std::fs::read(out.join("result.json")).unwrap(), before);
    let message = failure(
        harness().args(["eval", "--probe", "knn", "--run", "/no/such/run"]),
        1,
    );
    assert!(message.contains("/no/such/run"), "{message}");
}

#[test]
fn a_loss_that_is_not_finite_stops_the_run_and_names_the_way_back() {
    let temp = tempfile::tempdir().unwrap();
    let out = temp.path().join("run");
    let message = failure(
        tiny_train(&out).args(["--optimizer", "sgd", "--lr", "1e30"]),
        1,
    );
    for part in ["step", "seed 0", "checkpoint", "--lr"] {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
}

#[test]
fn backends_that_are_not_built_in_say_how_to_get_them() {
    if cfg!(feature = "torch") {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let message = failure(
        tiny_train(&temp.path().join("run")).args(["--backend", "torch"]),
        1,
    );
    assert!(message.contains("--features torch"), "{message}");
}

#[test]
fn cuda_kernels_that_cannot_be_used_say_why_before_any_data_are_looked_for() {
    let temp = tempfile::tempdir().unwrap();
    let devices = result(harness().arg("devices"));
    let backends = devices["backends"].as_array().unwrap();
    if backends
        .iter()
        .any(|b| b["name"] == "cuda" && b["usable"] == true)
    {
        return;
    }
    let mut train = harness();
    // Data that are not there: that error would come later.
    train.args([
        "train",
        "--backend",
        "cuda",
        "--offline",
        "--dataset",
        "mnist",
    ]);
    train.arg("--data-dir").arg(temp.path());
    let message = failure(train.arg("--out").arg(temp.path().join("run")), 1);
    let mut parts = vec!["--backend cuda", "--backend flex works now"];
    if !cfg!(feature = "cuda") {
        parts.push("`cargo run --release -p harness --features cuda -- train --backend cuda`");
    }
    for part in parts {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
    assert!(!temp.path().join("run").exists());
}

#[test]
fn devices_lists_the_cpu_and_says_of_every_backend_whether_it_can_be_used() {
    let devices = result(harness().arg("devices"));
    assert!(devices["cpu"]["threads"].as_u64() >= Some(1), "{devices}");
    let backends = devices["backends"].as_array().unwrap();
    let names: Vec<_> = backends.iter().flat_map(|b| b["name"].as_str()).collect();
    assert_eq!(names, ["flex", "torch", "torch-cuda", "cuda"]);
    assert_eq!(backends[0]["usable"], true);
    for backend in backends {
        let usable = backend["usable"].as_bool().unwrap();
        assert_eq!(usable, backend["reason"].is_null(), "{devices}");
    }
    // Either GPUs are shown, or why there are none.
    let shown = !devices["gpus"].as_array().unwrap().is_empty();
    assert_eq!(shown, devices["no_gpus"].is_null(), "{devices}");
    assert_eq!(devices["cuda_kernels"], cfg!(feature = "cuda"));
    if !cfg!(feature = "cuda") {
        let reason = devices["no_gpus"].as_str().unwrap();
        assert!(reason.contains("--features cuda"), "{reason}");
    }
}

#[test]
fn every_option_has_help() {
    for command in ["train", "eval", "embed", "export"] {
        let output = harness().args([command, "--help"]).output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            text.contains("--data-dir") && text.contains("[default"),
            "{text}"
        );
    }
}

#[test]
fn data_sets_are_listed_and_got() {
    let temp = tempfile::tempdir().unwrap();
    let with = |command: &str, arguments: &[&str]| {
        let mut program = harness();
        program.arg(command).args(arguments);
        program.arg("--data-dir").arg(temp.path());
        program
    };
    let found = result(&mut with("datasets", &["--json"]));
    let states = found["datasets"].as_array().unwrap().iter();
    let states: Vec<_> = states.map(|set| set["state"].as_str().unwrap()).collect();
    assert_eq!(states[0], "built-in");
    assert!(states[1..].iter().all(|state| *state == "absent"));
    let table = with("datasets", &[]).output().unwrap();
    assert!(String::from_utf8_lossy(&table.stdout).contains("harness download mnist"));

    let got = result(&mut with("download", &["synthetic"]));
    assert_eq!(got["datasets"][0]["outcome"], "present");
    failure(&mut with("download", &["imagenet"]), 2);
    // Nobody listens on the port of the discard service of a machine of today.
    let nobody = ["mnist", "--from", "http://127.0.0.1:9"];
    let message = failure(&mut with("download", &nobody), 75);
    assert!(message.contains("cannot be reached"), "{message}");
}

#[test]
fn shells_and_man_are_served() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = harness().args(["completions", shell]).output().unwrap();
        let script = String::from_utf8(script.stdout).unwrap();
        assert!(script.contains("download"), "{shell}");
    }
    let temp = tempfile::tempdir().unwrap();
    let pages = temp.path().join("man1");
    assert!(harness().arg("man").arg(&pages).status().unwrap().success());
    for page in ["harness.1", "harness-download.1"] {
        assert!(pages.join(page).is_file(), "{page}");
    }
}
