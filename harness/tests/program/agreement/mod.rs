//! Agreement with PyTorch: a training step of each method is dumped, and
//! `scripts/agreement.py` repeats it, where there is a Python with torch and safetensors.
//! Without one the gradients are still held against differences of the loss.
//!
//! `PYTHON` names the Python. With `SINSIM_AGREEMENT=FOLDER` the cases are left there and
//! nothing is compared: what `scripts/agreement` does; `SINSIM_AGREEMENT_SEED` is their seed.

mod cases;

use std::{
    collections::HashMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use burn::module::Module;
use harness::{
    augment::{LoaderOptions, Normalize, ViewBatch, ViewLoader, epoch_order},
    data,
    model::{
        StemKind,
        state_dict::{Entry, load_safetensors, state_dict, to_safetensors},
    },
    train::{
        schedule::Plan,
        trainer::{Trace, Trainer},
    },
};
use serde_json::{Value, json};

use cases::{Case, IMAGES, STEPS};

#[test]
fn steps_agree_with_pytorch() {
    if let Some(folder) = env::var_os("SINSIM_AGREEMENT") {
        let seed = env::var("SINSIM_AGREEMENT_SEED").ok();
        let seed = seed.and_then(|seed| seed.parse().ok()).unwrap_or(1);
        for case in cases::all() {
            let (mut trainer, batch) = trained(&case, seed);
            let trace = trainer.trace(batch).unwrap();
            write(&PathBuf::from(&folder).join(case.name), &case, &trace);
        }
        return;
    }
    let Some(python) = python() else {
        eprintln!("skipped: no Python with torch and safetensors; PYTHON names one");
        return;
    };
    for case in cases::all() {
        // Rounding may turn a rectifier over, which is not the fault of a gradient. The
        // script says where that is possible; such a case is tried with another seed.
        let agrees = (1..=3).any(|seed| match compare(&python, &case, seed) {
            Ok(()) => true,
            Err(Disagreement { text, undecided }) => {
                eprintln!("{} with seed {seed}: {text}", case.name);
                assert!(
                    undecided,
                    "{} does not agree with PyTorch: {text}",
                    case.name
                );
                false
            }
        });
        assert!(agrees, "{} does not agree with PyTorch", case.name);
    }
}

/// `(L(θ + ηg) − L(θ − ηg)) / 2η = ‖g‖²`, with η such that L changes by about 1 %.
#[test]
fn losses_fall_as_their_gradients_say() {
    // The cheapest stem: here it is the losses that differ.
    let cheap = |case: &Case| case.config.model.stem == StemKind::Torchvision;
    for case in cases::all().into_iter().filter(cheap) {
        if !case.differentiable {
            continue;
        }
        let (mut trainer, batch) = trained(&case, 1);
        let start = trainer.network.clone();
        let trace = trainer.trace(batch.clone()).unwrap();
        let gradients = burn_layout(&trace);
        let squared: f64 = gradients
            .values()
            .flatten()
            .map(|g| f64::from(*g).powi(2))
            .sum();
        let step = 5e-3 * f64::from(trace.terms.loss) / squared;
        let mut at = |step: f64| {
            let mut entries = state_dict(&start);
            for entry in &mut entries {
                let Some(gradient) = gradients.get(&entry.name) else {
                    continue;
                };
                for (weight, g) in entry.values.iter_mut().zip(gradient) {
                    *weight += (step * f64::from(*g)) as f32;
                }
            }
            let bytes = to_safetensors(&entries, HashMap::new()).unwrap();
            let moved = load_safetensors(start.clone(), &bytes).unwrap();
            trainer.network = moved.set_require_grad(true);
            f64::from(trainer.trace(batch.clone()).unwrap().terms.loss)
        };
        let slope = (at(step) - at(-step)) / (2.0 * step);
        // The loss bends over such a step, and its difference has few digits: a gradient that
        // lacks a part, or has it twice, is farther off than this.
        assert!(
            (slope - squared).abs() <= 0.05 * squared,
            "{}: slope {slope}, gradient squared {squared}",
            case.name
        );
    }
}

/// A trainer after some steps, and the next batch.
fn trained(case: &Case, seed: u64) -> (Trainer, ViewBatch) {
    let mut config = case.config.clone();
    config.seed = seed;
    let images = IMAGES * (STEPS + 1);
    let options = data::LoadOptions {
        limit: Some(images),
        seed,
        ..data::LoadOptions::default()
    };
    let data = data::load(config.data.dataset, &options, &data::Silent).unwrap();
    let mut loader = ViewLoader::start(LoaderOptions {
        images: data.pretrain.clone(),
        order: Arc::from(epoch_order(seed, 0, images).unwrap()),
        first_batch: 0,
        batch_size: IMAGES,
        views: config.augment.clone(),
        normalize: Normalize::measure(&data.pretrain),
        seed,
        epoch: 0,
        threads: 1,
    })
    .unwrap();
    let shape = harness::train::image_shape(&config, &data);
    let plan = Plan::new(images, &config.schedule).unwrap();
    let device = config.compute.backend.device().unwrap();
    let mut trainer = Trainer::new(&config, shape, plan, &device);
    let mut next = || loader.next().unwrap().unwrap();
    for _ in 0..STEPS {
        trainer.step(vec![next()]).unwrap();
    }
    (trainer, next())
}

/// Gradients by name, their matrices as burn has them.
fn burn_layout(trace: &Trace) -> HashMap<String, Vec<f32>> {
    let transposed = |entry: &Entry| match entry.shape[..] {
        [rows, columns] => (0..columns)
            .flat_map(|c| (0..rows).map(move |r| r * columns + c))
            .map(|at| entry.values[at])
            .collect(),
        _ => entry.values.clone(),
    };
    let gradients = trace.tensors.iter().filter_map(|entry| {
        let name = entry.name.strip_prefix("grad.")?;
        Some((name.to_owned(), transposed(entry)))
    });
    gradients.collect()
}

/// Writes a case as `scripts/agreement.py` reads it.
fn write(folder: &Path, case: &Case, trace: &Trace) {
    if let Some(sinkhorn) = &trace.terms.sinkhorn {
        assert!(sinkhorn.converged, "{}: {sinkhorn:?}", case.name);
    }
    fs::create_dir_all(folder).unwrap();
    let description = json!({
        "rows": 2 * IMAGES,
        "model": case.config.model,
        "loss": case.config.loss,
        "value": trace.terms.loss,
    });
    fs::write(folder.join("case.json"), description.to_string()).unwrap();
    let tensors = to_safetensors(&trace.tensors, HashMap::new()).unwrap();
    fs::write(folder.join("tensors.safetensors"), tensors).unwrap();
}

struct Disagreement {
    text: String,
    /// Whether rectifiers may be to blame.
    undecided: bool,
}

fn compare(python: &Path, case: &Case, seed: u64) -> Result<(), Disagreement> {
    let temp = tempfile::tempdir().unwrap();
    let (mut trainer, batch) = trained(case, seed);
    let trace = trainer.trace(batch).unwrap();
    write(&temp.path().join(case.name), case, &trace);
    let output = Command::new(python)
        .arg(script())
        .arg(temp.path().join(case.name))
        .arg("--json")
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let Some(report) = stdout
        .lines()
        .last()
        .and_then(|line| serde_json::from_str::<Value>(line).ok())
    else {
        panic!("{}", String::from_utf8_lossy(&output.stderr));
    };
    if output.status.success() && report["passed"] == true {
        return Ok(());
    }
    let result = &report["cases"][0];
    Err(Disagreement {
        text: result["failures"].to_string(),
        undecided: result["undecided"] == true,
    })
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/agreement.py")
}

/// A Python that can run the script.
fn python() -> Option<PathBuf> {
    let python = PathBuf::from(env::var_os("PYTHON").unwrap_or_else(|| "python3".into()));
    let imports = Command::new(&python)
        .args(["-c", "import torch, safetensors"])
        .output()
        .ok()?;
    imports.status.success().then_some(python)
}
