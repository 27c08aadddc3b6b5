//! `harness export`: the encoder for other tools.

use harness_study::cell::RunResult;
use serde::Serialize;

use super::{features::FinishedRun, print_json};
use crate::{
    cli::export::{ExportArgs, Format},
    error::Error,
    eval::frozen,
    export,
    run::{RunDir, RunError, atomic},
};

/// The last line on stdout.
#[derive(Serialize)]
struct Report {
    run: String,
    format: Format,
    file: String,
    bytes: usize,
    image_shape: [usize; 3],
    features: usize,
    mean: Vec<f32>,
    std: Vec<f32>,
}

pub(super) fn run(args: &ExportArgs) -> Result<(), Error> {
    let run = FinishedRun::open(&args.run, |config| {
        if args.data_dir.is_some() {
            config.data.data_dir.clone_from(&args.data_dir);
        }
    })?;
    let normalize = match run.frozen.stated_normalize() {
        Some(normalize) => normalize.clone(),
        None => run.data()?.1,
    };
    let (config, encoder) = (&run.config, &run.frozen.encoder);
    let metadata = frozen::metadata(config, &normalize)?;
    let image_shape = config.data.dataset.image_shape();
    let (name, bytes) = match args.format {
        Format::Safetensors => {
            let batches = steps(&run.dir) * config.schedule.accumulate as u64;
            let bytes = export::safetensors(encoder, batches, metadata)?;
            ("resnet18.safetensors", bytes)
        }
        Format::Onnx => {
            let stem = config.model.stem;
            let bytes = export::onnx(encoder, stem, image_shape, &metadata);
            ("resnet18.onnx", bytes)
        }
    };
    let in_run = || run.dir.path().join(name);
    let file = args.out.clone().unwrap_or_else(in_run);
    atomic::write(&file, &bytes).map_err(RunError::io("write", &file))?;
    print_json(&Report {
        run: run.dir.path().display().to_string(),
        format: args.format,
        file: file.display().to_string(),
        bytes: bytes.len(),
        image_shape,
        features: crate::model::FEATURES,
        mean: normalize.mean,
        std: normalize.std,
    })
}

/// Steps that the run says it took; none where its result is not there.
fn steps(dir: &RunDir) -> u64 {
    let result = dir.read_file("result.json").ok();
    let result = result.and_then(|text| serde_json::from_slice::<RunResult>(&text).ok());
    result.map_or(0, |result| result.steps)
}
